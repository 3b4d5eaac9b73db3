/* Who compiles what: leases, one holder per key among threads and processes; seats, for as many processes as
 * there are processors; and turns, which are both and the waiting for them. A death drops them, a deadline
 * gives up on them. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cache/turn.h"
#include "cache_support.h"

TestSuite(cache_turn, .init = cache_fresh);

enum { SEATS_MOST = 256, SECOND_US = 1000000 };

static const uint8_t key_a[QJ_DIGEST_BYTES] = {0xff, 1, 2}, key_b[QJ_DIGEST_BYTES] = {0xff, 1, 3};

/* In a child: goes on for as long as the test does, even if that fails. */
static _Noreturn void stay(void)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        (void)pause();
    }
}

/* A turn of another process, as far as anybody can tell: with a seat of its own. */
struct other {
    struct qj_seat seat;
    struct qj_turn turn;
};

static void take(struct other *out, const uint8_t key[static QJ_DIGEST_BYTES], uint32_t timeout_ms)
{
    qj_seat_init(&out->seat, ".");
    qj_turn_take(&out->turn, &out->seat, NULL, key, timeout_ms);
}

static void end(struct other *other, bool has_compiled)
{
    qj_turn_end(&other->turn, has_compiled);
    qj_seat_finish(&other->seat);
}

Test(cache_turn, one_lease_per_key_in_one_process)
{
    struct qj_lease a, b, other;
    qj_lease_init(&a, ".", key_a);
    qj_lease_init(&b, ".", key_a);
    qj_lease_init(&other, ".", key_b);
    cr_assert(qj_lease_take(&a));
    cr_assert(!qj_lease_is_taken(&a), "by somebody else");
    cr_assert(qj_lease_take(&other), "another key is free");
    cr_assert(qj_lease_is_taken(&b));
    cr_assert(!qj_lease_take(&b));
    qj_lease_finish(&a);
    cr_assert(!qj_lease_is_taken(&b));
    cr_assert(qj_lease_take(&b));
    qj_lease_finish(&b);
    qj_lease_finish(&other);
    qj_lease_finish(&other);
}

Test(cache_turn, a_forked_child_keeps_no_lease)
{
    struct qj_lease a, b;
    qj_lease_init(&a, ".", key_a);
    qj_lease_init(&b, ".", key_a);
    cr_assert(qj_lease_take(&a));
    pid_t child = fork();
    if (child == 0) {
        stay();
    }
    qj_lease_finish(&a);
    cr_assert(qj_lease_take(&b));
    qj_lease_finish(&b);
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
}

Test(cache_turn, no_waiting_without_a_place)
{
    const char *const directories[] = {NULL, "not/there"};
    for (int i = 0; i < 2; i++) {
        struct qj_seat seats[2];
        struct qj_turn turns[2];
        for (int k = 0; k < 2; k++) {
            qj_seat_init(&seats[k], directories[i]);
            qj_turn_take(&turns[k], &seats[k], NULL, key_a, 1000);
            cr_assert_eq(turns[k].waited_us, 0);
        }
        for (int k = 0; k < 2; k++) {
            qj_turn_end(&turns[k], true);
            qj_seat_finish(&seats[k]);
        }
    }
}

Test(cache_turn, a_lone_process_waits_for_nobody)
{
    struct qj_seat seat;
    struct qj_turn turn;
    qj_seat_init(&seat, ".");
    for (uint8_t i = 0; i < 10; i++) {
        const uint8_t key[QJ_DIGEST_BYTES] = {i};
        qj_turn_take(&turn, &seat, NULL, key, 1000);
        cr_assert_eq(turn.waited_us, 0);
        qj_turn_end(&turn, true);
    }
    qj_seat_finish(&seat);
}

Test(cache_turn, a_deadline_is_kept)
{
    struct other holder, waiter;
    take(&holder, key_a, 0);
    take(&waiter, key_a, 100);
    cr_assert(!waiter.turn.lease.is_held);
    cr_assert_geq(waiter.turn.waited_us, 100000);
    cr_assert_lt(waiter.turn.waited_us, 5 * SECOND_US);
    qj_turn_end(&waiter.turn, true);
    cr_assert(waiter.seat.is_warm, "it will not wait for a seat as well");
    qj_seat_finish(&waiter.seat);
    end(&holder, true);
}

/* Holds a turn in a child; returns when it does. */
static pid_t hold(void)
{
    int ready[2];
    cr_assert_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct other holder;
        take(&holder, key_a, 0);
        (void)!write(ready[1], holder.turn.lease.is_held && holder.seat.is_seated ? "y" : "n", 1);
        stay();
    }
    char answer = 0;
    cr_assert_eq(read(ready[0], &answer, 1), 1);
    cr_assert_eq(answer, 'y');
    (void)close(ready[0]);
    (void)close(ready[1]);
    return child;
}

Test(cache_turn, a_death_drops_lease_and_seat)
{
    struct other waiter;
    pid_t child = hold();
    take(&waiter, key_a, 0);
    cr_assert(!waiter.turn.lease.is_held);
    end(&waiter, false);
    cr_assert_eq(kill(child, SIGKILL), 0);
    take(&waiter, key_a, 10000);
    cr_assert(waiter.turn.lease.is_held);
    cr_assert_eq(waiter.seat.index, 0);
    end(&waiter, true);
    (void)waitpid(child, NULL, 0);
}

static void *take_in_thread(void *out)
{
    take(out, key_a, 10000);
    return NULL;
}

Test(cache_turn, a_waiter_gets_it_when_it_is_dropped)
{
    struct other holder, waiter;
    pthread_t thread;
    take(&holder, key_a, 0);
    cr_assert_eq(pthread_create(&thread, NULL, take_in_thread, &waiter), 0);
    (void)usleep(20000);
    end(&holder, true);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_assert(waiter.turn.lease.is_held);
    cr_assert_gt(waiter.turn.waited_us, 0);
    end(&waiter, true);
}

Test(cache_turn, a_waiter_sees_the_row)
{
    struct qj_store *store = cache_open(".");
    struct qj_row row = cache_row(1);
    void *object = cache_object(1, 1000);
    struct other holder, waiter;
    take(&holder, row.key, 0);
    cr_assert_eq(qj_store_put(store, &row, object, 1000), QJIT_OK);
    end(&holder, false);
    cr_assert_eq(qj_seat_take(&holder.seat, 0), true, "somebody compiles");
    qj_seat_init(&waiter.seat, ".");
    qj_turn_take(&waiter.turn, &waiter.seat, store, row.key, 60000);
    cr_assert_null(waiter.turn.seat, "nothing is left to compile");
    cr_assert_lt(waiter.turn.waited_us, 10 * SECOND_US);
    end(&waiter, false);
    qj_seat_leave(&holder.seat, false);
    qj_seat_finish(&holder.seat);
    free(object);
    qj_store_close(store);
}

/* ---- seats: what a process is told that has waited so long ---- */

/* Sits on every seat; returns how many there are. */
static uint32_t take_all(struct qj_seat seats[static SEATS_MOST + 1])
{
    for (uint32_t n = 0; n <= SEATS_MOST; n++) {
        qj_seat_init(&seats[n], ".");
        if (!qj_seat_take(&seats[n], QJ_SEAT_LINGER_US)) {
            qj_seat_finish(&seats[n]);
            return n;
        }
    }
    return 0;
}

static void leave_all(struct qj_seat *seats, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        qj_seat_leave(&seats[i], false);
        qj_seat_finish(&seats[i]);
    }
}

Test(cache_turn, a_seat_for_each_processor)
{
    struct qj_seat seats[SEATS_MOST + 1], cold;
    uint32_t n = take_all(seats);
    long n_processors = sysconf(_SC_NPROCESSORS_ONLN);
    cr_assert_eq(n, n_processors < 2 ? 2 : n_processors > SEATS_MOST ? SEATS_MOST : n_processors);
    qj_seat_init(&cold, ".");
    cr_assert(!qj_seat_take(&cold, QJ_SEAT_PATIENCE_US - 1));
    cr_assert(qj_seat_take(&cold, QJ_SEAT_PATIENCE_US), "patience ends");
    cr_assert(!cold.is_seated);
    qj_seat_leave(&cold, true);
    cr_assert(qj_seat_take(&cold, 0), "it has a compiler now");
    cr_assert(!cold.is_seated);
    qj_seat_leave(&cold, true);
    leave_all(&seats[1], n - 1);
    cr_assert(qj_seat_take(&cold, 0));
    cr_assert(cold.is_seated);
    qj_seat_leave(&cold, true);
    qj_seat_finish(&cold);
    leave_all(seats, 1);
}

Test(cache_turn, a_seat_is_kept_warm_for_a_while)
{
    struct qj_seat warm, cold;
    qj_seat_init(&warm, ".");
    qj_seat_init(&cold, ".");
    uint64_t begun = qj_clock_us();
    cr_assert(qj_seat_take(&warm, 0));
    qj_seat_leave(&warm, true);
    bool may = qj_seat_take(&cold, 0); /* at once: the warm one may want the same key next */
    cr_assert(!may || qj_clock_us() - begun >= QJ_SEAT_LINGER_US);
    if (!may) {
        may = qj_seat_take(&cold, QJ_SEAT_LINGER_US); /* nobody took the key up, but that seat is warm */
        cr_assert(may && (cold.index != warm.index || qj_clock_us() - begun >= QJ_SEAT_LINGER_US));
    }
    qj_seat_leave(&cold, true);
    (void)usleep(2 * QJ_SEAT_LINGER_US);
    qj_seat_finish(&cold);
    qj_seat_init(&cold, ".");
    cr_assert(qj_seat_take(&cold, 0));
    cr_assert_eq(cold.index, 0);
    qj_seat_leave(&cold, false);
    qj_seat_finish(&cold);
    qj_seat_finish(&warm);
}

Test(cache_turn, threads_share_a_seat)
{
    struct qj_seat seats[SEATS_MOST + 1];
    uint32_t n = take_all(seats);
    for (int i = 0; i < 100; i++) {
        cr_assert(qj_seat_take(&seats[0], 0), "as many workers as the process likes");
    }
    for (int i = 0; i < 100; i++) {
        qj_seat_leave(&seats[0], false);
        cr_assert(seats[0].is_seated);
    }
    leave_all(seats, n);
}
