/* Words for what came of a job: one status, one line that says what to do, and the whole log. */
#ifndef QJ_COMPILE_VERDICT_H
#define QJ_COMPILE_VERDICT_H

#include <stdint.h>

#include <qjit/qjit.h>

#include "base/buf.h"
#include "compile/message.h"
#include "compile/worker.h"

/* What a worker was asked. */
struct qj_subject {
    const char *unit; /* NULL: not to compile, but for its archs */
    const char *source_name;
    const char *arch;
    const char *program; /* the worker's path */
    uint32_t timeout_ms;
    uint64_t max_bytes;
};

/* Appends `text` with the paths of the worker's directory and of comgr's temporary ones taken out, and the
 * unit's source called `name`. */
void qj_verdict_tidy(struct qj_buf *out, const char *text, const char *directory, const char *name);

/* The worker gave no (good) answer: `log` is what it printed, tidied; end is how it ended, after
 * QJ_EXCHANGE_LATE and _BAD by our hand. Sets detail and log. */
qjit_status qj_verdict_no_answer(const struct qj_subject *subject, enum qj_exchange exchange, bool was_ready,
                                 const char *wrong, const struct qj_child_end *end, const char *log);

/* The worker answered that it has no object. `log` is tidied. */
qjit_status qj_verdict_answer(const struct qj_subject *subject, const struct qj_answer *answer,
                              const char *log);

#endif
