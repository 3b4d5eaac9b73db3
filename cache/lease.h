/* One compile per key across the processes of a machine: a lock on one byte of <directory>/leases, at an
 * offset given by the key. The kernel drops it when the holder dies, however it dies. Waiting for it, and
 * giving up on a holder that is stopped or hung, is turn.c's. */
#ifndef QJ_CACHE_LEASE_H
#define QJ_CACHE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"

struct qj_lease {
    int fd; /* -1: there are none here, and going on without is fine */
    uint64_t offset;
    bool is_held;
};

/* directory NULL: there are none. Never fails: without a lease the worst that happens is one compile too
 * many. */
void qj_lease_init(struct qj_lease *out, const char *directory, const uint8_t key[static QJ_DIGEST_BYTES]);
void qj_lease_finish(struct qj_lease *lease);

/* Does somebody else hold it, another process or another thread of this one? */
bool qj_lease_is_taken(const struct qj_lease *lease);
/* False if somebody else holds it. */
bool qj_lease_take(struct qj_lease *lease);

/* Opens <directory>/leases, making it; -1 if it cannot, or directory is NULL. */
int qj_lease_open(const char *directory);
/* Locks a byte of it: 1 done, 0 somebody else has it, -1 there are no locks here. */
int qj_lease_lock(int fd, uint64_t offset);
void qj_lease_unlock(int fd, uint64_t offset);
/* Has somebody else locked one of n bytes? */
bool qj_lease_is_locked(int fd, uint64_t offset, uint64_t n);

#endif
