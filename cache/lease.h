/* One compile per key across the processes of a machine: a lock on one byte of <directory>/leases, at an
 * offset given by the key. The kernel drops it when the holder dies, however it dies; a holder that is
 * stopped or hung loses it to the waiter's deadline: the waiter then goes on without. */
#ifndef QJ_CACHE_LEASE_H
#define QJ_CACHE_LEASE_H

#include <stdint.h>

#include "base/digest.h"

struct qj_lease {
    int fd;             /* -1: none taken; going on without is fine */
    uint64_t waited_us; /* for who had it; 0: nobody did */
};

/* Waits up to timeout_ms for the lease on `key`. directory NULL: takes none. Never fails: without a lease the
 * worst that happens is one compile too many. */
void qj_lease_take(struct qj_lease *out, const char *directory, const uint8_t key[static QJ_DIGEST_BYTES],
                   uint32_t timeout_ms);
void qj_lease_drop(struct qj_lease *lease);

#endif
