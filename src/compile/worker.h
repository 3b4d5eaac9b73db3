/* A worker as the library sees it: a child process that answers one frame for each frame sent, within a time.
 * Used by one thread at a time. */
#ifndef QJ_COMPILE_WORKER_H
#define QJ_COMPILE_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "compile/child.h"
#include "compile/scratch.h"

enum { QJ_WORKER_TAIL_BYTES = 64 << 10 };

struct qj_worker {
    struct qj_child child;
    struct qj_scratch scratch;
    bool ready;         /* its READY has come */
    struct qj_buf tail; /* the last QJ_WORKER_TAIL_BYTES (to twice that) of stdout and stderr */
    struct qj_worker *next;
};

/* What came of waiting for a frame. */
enum qj_exchange {
    QJ_EXCHANGE_FRAME,    /* a whole one */
    QJ_EXCHANGE_ENDED,    /* the worker has ended, or closed the channel */
    QJ_EXCHANGE_LATE,     /* the time is over */
    QJ_EXCHANGE_BAD,      /* what came is no frame, or half of one and then the end */
    QJ_EXCHANGE_NO_MEMORY /* ours */
};

struct qj_frame {
    uint32_t type;
    struct qj_buf body;
    const char *wrong; /* of QJ_EXCHANGE_BAD: "what is no frame" */
};

/* Starts the program in a new private directory under `temp`. Fails with QJIT_WORKER_NOT_STARTED, NO_MEMORY.
 */
qjit_status qj_worker_create(struct qj_worker **out, const char *program, char *const *environment,
                             const char *temp);

/* Kills it if it lives, removes its directory. NULL is fine. out_end may be NULL. */
void qj_worker_destroy(struct qj_worker *worker, struct qj_child_end *out_end);

/* False for an idle worker that is no longer there or says something unasked. */
bool qj_worker_is_well(struct qj_worker *worker);

/* Sends what is left of `out` (from *sent on) and receives one frame, until qj_clock_us() reaches
 * deadline_us. Keeps the output pipe drained meanwhile. Finish frame->body with qj_buf_finish. */
enum qj_exchange qj_worker_exchange(struct qj_worker *worker, const struct qj_buf *out, size_t *sent,
                                    struct qj_frame *frame, uint64_t deadline_us);

#endif
