#include "cache/turn.h"

#include <time.h>

#include "base/clock.h"

/* Somebody's compile is waited for closely. For a seat many wait: one of them comes by soon enough. */
enum { FIRST_PAUSE_US = 1000, LONGEST_PAUSE_US = 20000, LONGEST_SEAT_PAUSE_US = 50000 };

/* The seat first: who holds a key's lease while waiting for a processor would keep the key from those who
 * have one. */
static bool take_both(struct qj_turn *turn, struct qj_seat *seat)
{
    if (!qj_seat_take(seat, turn->waited_us)) {
        return false;
    }
    if (!qj_lease_take(&turn->lease)) {
        qj_seat_leave(seat, false);
        return false;
    }
    turn->seat = seat;
    return true;
}

static void pause_us(long us)
{
    const struct timespec time = {.tv_nsec = us * 1000};
    (void)nanosleep(&time, NULL);
}

void qj_turn_take(struct qj_turn *out, struct qj_seat *seat, struct qj_store *store,
                  const uint8_t key[static QJ_DIGEST_BYTES], uint32_t timeout_ms)
{
    uint64_t begun = qj_clock_us(), timeout_us = (uint64_t)timeout_ms * 1000;
    *out = (struct qj_turn){.waited_us = 0};
    qj_lease_init(&out->lease, seat->directory, key);
    for (long us = FIRST_PAUSE_US;; us *= 3) {
        bool is_taken = qj_lease_is_taken(&out->lease);
        bool is_there = !is_taken && out->waited_us && store && qj_store_has(store, key);
        if (is_there || (!is_taken && take_both(out, seat))) {
            return;
        }
        if (out->waited_us >= timeout_us) { /* no lease, and a seat only if one is free */
            (void)qj_seat_take(seat, QJ_SEAT_PATIENCE_US);
            out->seat = seat;
            return;
        }
        long longest = is_taken ? LONGEST_PAUSE_US : LONGEST_SEAT_PAUSE_US;
        us = us < longest ? us : longest;
        pause_us(us);
        out->waited_us = qj_clock_us() - begun;
    }
}

void qj_turn_end(struct qj_turn *turn, bool has_compiled)
{
    qj_lease_finish(&turn->lease);
    if (turn->seat) {
        qj_seat_leave(turn->seat, has_compiled);
    }
    turn->seat = NULL;
}
