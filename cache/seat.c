#include "cache/seat.h"

#include <stddef.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "cache/internal.h"
#include "cache/lease.h"

enum { SEATS_MIN = 2, SEATS_MAX = 256 }; /* one stopped process never has all of them */

/* As found in the file: when each seat was last compiled in. Of a clock that starts anew with the machine, so
 * a time to come is an old one. */
struct seats {
    uint64_t left_us[SEATS_MAX];
    uint64_t now_us;
    uint32_t n;
};

void qj_seat_init(struct qj_seat *out, const char *directory)
{
    *out = (struct qj_seat){.directory = directory, .fd = -1};
    (void)pthread_mutex_init(&out->lock, NULL);
}

static void close_file(struct qj_seat *seat)
{
    if (seat->fd >= 0) {
        (void)close(seat->fd);
    }
    seat->fd = -1;
}

void qj_seat_finish(struct qj_seat *seat)
{
    close_file(seat);
    (void)pthread_mutex_destroy(&seat->lock);
}

/* Of the machine, not of this process: processes that are bound to one processor each do not share it. */
static uint32_t count_seats(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < SEATS_MIN ? SEATS_MIN : n > SEATS_MAX ? SEATS_MAX : (uint32_t)n;
}

/* False where there are no seats. */
static bool open_file(struct qj_seat *seat)
{
    struct statfs system;
    if (seat->fd >= 0) {
        return true;
    }
    seat->fd = qj_lease_open(seat->directory);
    if (seat->fd >= 0 &&
        (fstatfs(seat->fd, &system) != 0 || qj_place_is_shared_type((uint64_t)system.f_type))) {
        close_file(seat);
    }
    seat->n_seats = seat->n_seats ? seat->n_seats : count_seats();
    return seat->fd >= 0;
}

static bool is_fresh(const struct seats *seats, uint32_t i)
{
    return seats->left_us[i] <= seats->now_us && seats->now_us - seats->left_us[i] < QJ_SEAT_LINGER_US;
}

static bool somebody_compiles(int fd, const struct seats *seats)
{
    for (uint32_t i = 0; i < seats->n; i++) {
        if (is_fresh(seats, i)) {
            return true;
        }
    }
    return qj_lease_is_locked(fd, 0, seats->n);
}

/* Locks a byte: 1 done, 0 there is none for this process now, -1 there are no seats here. */
static int choose(struct qj_seat *seat, uint64_t waited_us)
{
    struct seats seats = {.now_us = qj_clock_us(), .n = seat->n_seats};
    (void)!pread(seat->fd, seats.left_us, seats.n * sizeof *seats.left_us, 0);
    if (!seat->is_warm && waited_us < QJ_SEAT_LINGER_US && somebody_compiles(seat->fd, &seats)) {
        return 0;
    }
    int locked = 0;
    for (uint32_t n = 0; n < seats.n && locked == 0; n++) {
        uint32_t i = (seat->index + n) % seats.n;
        if (seat->is_warm || !is_fresh(&seats, i)) {
            locked = qj_lease_lock(seat->fd, i);
            seat->index = i;
        }
    }
    return locked;
}

/* The seat's lock is held. */
static bool sit_down(struct qj_seat *seat, uint64_t waited_us)
{
    int chosen = open_file(seat) ? choose(seat, waited_us) : -1;
    seat->is_seated = chosen == 1;
    return chosen != 0 || seat->is_warm || waited_us >= QJ_SEAT_PATIENCE_US;
}

bool qj_seat_take(struct qj_seat *seat, uint64_t waited_us)
{
    (void)pthread_mutex_lock(&seat->lock);
    bool may = seat->n_users > 0 || sit_down(seat, waited_us);
    seat->n_users += may;
    (void)pthread_mutex_unlock(&seat->lock);
    return may;
}

void qj_seat_leave(struct qj_seat *seat, bool has_compiled)
{
    (void)pthread_mutex_lock(&seat->lock);
    seat->is_warm = seat->is_warm || has_compiled;
    if (seat->is_seated && has_compiled) {
        uint64_t now = qj_clock_us();
        (void)!pwrite(seat->fd, &now, sizeof now, (off_t)(seat->index * sizeof now));
    }
    if (--seat->n_users == 0) {
        if (seat->is_seated) {
            qj_lease_unlock(seat->fd, seat->index);
        }
        seat->is_seated = false;
        if (has_compiled) {
            close_file(seat);
        }
    }
    (void)pthread_mutex_unlock(&seat->lock);
}
