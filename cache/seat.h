/* At most as many processes start a compiler as there are processors. A compiler's first compile costs about
 * twice its next, so where many processes miss at once, those that have a compiler already go on with what
 * the others want too. A seat is a lock on one of the first bytes of <directory>/leases, one byte for each
 * processor of the machine; the kernel drops it when the process dies.
 *
 * - A process that has compiled before never waits. It takes a free seat, or goes on without.
 * - One that has not waits for a seat that nobody has, and in which nobody has compiled for
 * QJ_SEAT_LINGER_US: whoever sat there is likely to come back for the next kernel. While anybody compiles it
 * also waits that long for somebody else to take up its key. Where nobody compiles it does not wait at all.
 * - After QJ_SEAT_PATIENCE_US it goes on without: a holder may be stopped, or have much to do.
 * - The threads of a process share one seat, however many workers it has.
 *
 * No seats in memory, in a directory that cannot be written, where there are no locks, and on file systems
 * that several machines may share. */
#ifndef QJ_CACHE_SEAT_H
#define QJ_CACHE_SEAT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { QJ_SEAT_LINGER_US = 10000, QJ_SEAT_PATIENCE_US = 10000000 };

/* What a process knows of its seat. */
struct qj_seat {
    const char *directory; /* NULL: there are none */
    pthread_mutex_t lock;  /* of what follows; held for a few system calls */
    uint32_t n_users;      /* threads that compile */
    int fd;                /* -1: not open */
    uint32_t index, n_seats;
    bool is_seated; /* holds the lock of `index` */
    bool is_warm;   /* has compiled before */
};

/* `directory` must outlive it. */
void qj_seat_init(struct qj_seat *out, const char *directory);
void qj_seat_finish(struct qj_seat *seat);

/* May this process compile now, having waited that long? Does not wait. Each true is followed by a leave. */
bool qj_seat_take(struct qj_seat *seat, uint64_t waited_us);
void qj_seat_leave(struct qj_seat *seat, bool has_compiled);

#endif
