/* From a worker's answer to an object that may be kept and loaded. */
#ifndef QJ_COMPILE_CHECKED_H
#define QJ_COMPILE_CHECKED_H

#include <qjit/qjit.h>

#include "compile/message.h"
#include "compile/plan.h"
#include "compile/pool.h"

/* Checks the answer's object against the plan (ELF, target, the wanted kernels) and copies it. Fails with
 * QJIT_OBJECT_REFUSED, QJIT_NO_MEMORY; out is then empty. */
qjit_status qj_compiled_init(struct qj_compiled *out, const struct qj_plan *plan,
                             const struct qj_answer *answer, const char *log);

#endif
