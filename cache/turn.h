/* Who compiles what, among the processes and threads of a machine: one compiles a key (lease.h), and as many
 * as there are processors begin to compile at all (seat.h). A waiter waits for its own key or for a
 * processor, never for somebody else's key: it holds neither while it waits, so that whoever has a compiler
 * can take any key up, and it looks into the store for its own all the while. Nobody who is stopped or hung
 * is waited for beyond a deadline. */
#ifndef QJ_CACHE_TURN_H
#define QJ_CACHE_TURN_H

#include "cache/cache.h"
#include "cache/lease.h"
#include "cache/seat.h"

struct qj_turn {
    struct qj_seat *seat; /* to be left; NULL: there is nothing to compile */
    struct qj_lease lease;
    uint64_t waited_us; /* 0: not at all */
};

/* Returns when this process may compile `key`; when the row is in `store` (NULL: it is not looked for), as it
 * may also be in the first case; or after timeout_ms, to go on without. Never fails: without turns the worst
 * that happens is one compile too many. Where nobody else compiles it takes microseconds. */
void qj_turn_take(struct qj_turn *out, struct qj_seat *seat, struct qj_store *store,
                  const uint8_t key[static QJ_DIGEST_BYTES], uint32_t timeout_ms);
void qj_turn_end(struct qj_turn *turn, bool has_compiled);

#endif
