/* Worker processes that compile. A worker is reused for many jobs; one that crashes, hangs or talks nonsense
 * is killed with its whole process group, its private directory is removed, and its place is free for a new
 * one. Thread safe: qj_pool_compile blocks its caller until a place is free, then until the answer is there.
 * No lock is held while a worker runs. */
#ifndef QJ_COMPILE_POOL_H
#define QJ_COMPILE_POOL_H

#include <stddef.h>
#include <stdint.h>

#include <qjit/qjit.h>

#include "base/log.h"
#include "compile/plan.h"
#include "hip/hip.h"

struct qj_pool;

struct qj_pool_options {
    const char *worker; /* path of the program */
    const struct qj_hip_where *where;
    const char *compiler;     /* identity that the worker must confirm; NULL: not compared */
    const char *temp_dir;     /* where workers get their private directories; NULL: /tmp */
    const char *library_path; /* $LD_LIBRARY_PATH for the worker, or NULL */
    uint32_t n_workers;
    uint32_t timeout_ms;
    uint64_t max_bytes; /* RLIMIT_AS */
    const struct qj_log *log;
};

/* Starts no process yet. Copies the options, the texts too, and what workers get of the environment; `where`
 * and `log` must outlive the pool. With the first worker, directories that dead processes left in temp_dir
 * are removed. Fails with QJIT_NO_MEMORY. */
qjit_status qj_pool_create(struct qj_pool **out, const struct qj_pool_options *options);
void qj_pool_destroy(struct qj_pool *pool);

/* What came of a plan. */
struct qj_compiled {
    void *object;
    size_t n_bytes;
    char *log;     /* "" if none; without the paths of temporary directories */
    char *kernels; /* symbol of each of plan->kernels, separated by one space, in their order */
    uint32_t compile_us;
};

/* Compiles. The object has been checked (qj_code_object_check, metadata target, wanted symbols). On success
 * finish with qj_compiled_finish. On failure (COMPILE_*, ARCH_UNKNOWN, COMPILER_NOT_FOUND, WORKER_*,
 * OBJECT_REFUSED, HIP_UNUSABLE, NO_MEMORY) out is empty, and detail and log are this thread's. */
qjit_status qj_pool_compile(struct qj_pool *pool, struct qj_compiled *out, const struct qj_plan *plan);
void qj_compiled_finish(struct qj_compiled *compiled);

/* The archs the compiler knows, one per line; free() it. */
qjit_status qj_pool_archs(struct qj_pool *pool, char **out);

#endif
