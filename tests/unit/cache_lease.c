/* Leases: one holder per key among threads and processes, dropped by a death, given up by a deadline. */
#include "cache/lease.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cache_support.h"

TestSuite(cache_lease, .init = cache_fresh);

static const uint8_t key_a[QJ_DIGEST_BYTES] = {0xff, 1, 2}, key_b[QJ_DIGEST_BYTES] = {0xff, 1, 3};

Test(cache_lease, one_holder_per_key_in_one_process)
{
    struct qj_lease a, b, other;
    qj_lease_take(&a, ".", key_a, 0);
    cr_assert_geq(a.fd, 0);
    qj_lease_take(&other, ".", key_b, 0);
    cr_assert_geq(other.fd, 0, "another key is free");
    qj_lease_take(&b, ".", key_a, 0);
    cr_assert_eq(b.fd, -1);
    qj_lease_drop(&a);
    cr_assert_eq(a.fd, -1);
    qj_lease_take(&b, ".", key_a, 0);
    cr_assert_geq(b.fd, 0);
    qj_lease_drop(&b);
    qj_lease_drop(&other);
    qj_lease_drop(&other);
}

Test(cache_lease, none_without_a_place)
{
    struct qj_lease lease;
    qj_lease_take(&lease, NULL, key_a, 1000);
    cr_assert_eq(lease.fd, -1);
    qj_lease_take(&lease, "not/there", key_a, 1000);
    cr_assert_eq(lease.fd, -1);
    qj_lease_drop(&lease);
}

Test(cache_lease, a_deadline_is_kept)
{
    struct qj_lease held, lease;
    qj_lease_take(&held, ".", key_a, 0);
    uint64_t begin = qj_clock_us();
    qj_lease_take(&lease, ".", key_a, 100);
    uint64_t waited = qj_clock_us() - begin;
    cr_assert_eq(lease.fd, -1);
    cr_assert_geq(waited, 100000);
    cr_assert_lt(waited, 5000000);
    qj_lease_drop(&held);
}

/* Holds the lease in a child; returns when it does. */
static pid_t hold(void)
{
    int ready[2];
    cr_assert_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct qj_lease lease;
        qj_lease_take(&lease, ".", key_a, 0);
        (void)!write(ready[1], lease.fd >= 0 ? "y" : "n", 1);
        for (;;) {
            (void)pause();
        }
    }
    char answer = 0;
    cr_assert_eq(read(ready[0], &answer, 1), 1);
    cr_assert_eq(answer, 'y');
    (void)close(ready[0]);
    (void)close(ready[1]);
    return child;
}

Test(cache_lease, a_death_drops_it)
{
    struct qj_lease lease;
    pid_t child = hold();
    qj_lease_take(&lease, ".", key_a, 0);
    cr_assert_eq(lease.fd, -1);
    cr_assert_eq(kill(child, SIGKILL), 0);
    qj_lease_take(&lease, ".", key_a, 10000);
    cr_assert_geq(lease.fd, 0);
    qj_lease_drop(&lease);
    (void)waitpid(child, NULL, 0);
}

static void *take_in_thread(void *out)
{
    qj_lease_take(out, ".", key_a, 10000);
    return NULL;
}

Test(cache_lease, a_waiter_gets_it_when_it_is_dropped)
{
    struct qj_lease held, waited;
    pthread_t thread;
    qj_lease_take(&held, ".", key_a, 0);
    cr_assert_eq(pthread_create(&thread, NULL, take_in_thread, &waited), 0);
    (void)usleep(20000);
    qj_lease_drop(&held);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_assert_geq(waited.fd, 0);
    qj_lease_drop(&waited);
}
