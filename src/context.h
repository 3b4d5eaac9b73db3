/* What a context is made of, and the steps of the spine that several public calls share. Included by the
 * files of src/ itself only: they are where the rooms meet. */
#ifndef QJ_CONTEXT_H
#define QJ_CONTEXT_H

#include <pthread.h>
#include <stdatomic.h>

#include <qjit/qjit.h>

#include "background.h"
#include "cache/cache.h"
#include "cache/turn.h"
#include "compile/plan.h"
#include "compile/pool.h"
#include "hip/device.h"
#include "hip/hip.h"
#include "hip/identity.h"
#include "module/module.h"
#include "ops/ops.h"
#include "options.h"
#include "prebuilt.h"
#include "registry/registry.h"

struct qjit_context {
    struct qj_options options;
    struct qj_registry *registry;
    struct qj_store *store;
    struct qj_seat seat;
    struct qj_modules modules;
    struct qj_prebuilts prebuilts;
    struct qj_background *background; /* started by the first question that must not wait */

    /* What is found and opened when first needed; set once, behind `opening`, then only read. */
    pthread_mutex_t opening;
    _Atomic(struct qj_hip_where *) where;
    _Atomic(struct qj_hip *) hip;
    _Atomic(char *) compiler; /* identity */
    _Atomic(struct qj_pool *) pool;
    _Atomic(char *) archs; /* the compiler knows, one a line; asked for with QJIT_GENERIC_ARCH only */
    _Atomic(struct qj_ops *) ops;
    uint32_t n_devices; /* once hip is set */
    qjit_device devices[QJ_DEVICES_MAX];
};

/* Each opens what it names, and what that stands on, if it is not open yet. A failure is not kept: the next
 * call tries again. */
qjit_status qj_context_where(qjit_context *context, const struct qj_hip_where **out);
qjit_status qj_context_compiler(qjit_context *context, const char **out);
qjit_status qj_context_pool(qjit_context *context, struct qj_pool **out);
/* The HIP runtime, with its devices counted and read. */
qjit_status qj_context_hip(qjit_context *context, const struct qj_hip **out);
/* (The operators: qj_context_ops, in ops/ops.h.) */
qjit_status qj_context_device(qjit_context *context, const qjit_device **out, uint32_t device);

/* Registry look-ups with the error worded. */
qjit_status qj_context_kernel(const qjit_context *context, const struct qj_kernel **out, qjit_kernel kernel);

/* The names of a unit's kernels, in order; free() it. */
qjit_status qj_context_kernel_names(const qjit_context *context, const char *const **out,
                                    const struct qj_unit *unit);

/* Is `word` in a list of an option struct? An empty list is all there are. */
bool qj_context_lists(const char *const *list, size_t n, const char *word);

/* A verified code object in heap memory. */
struct qj_image {
    void *bytes;
    size_t n_bytes;
    char *log, *kernels; /* as in qj_compiled */
    uint32_t compile_us;
    bool from_store;
};

/* Steps 2 to 6: from the store, or compiled now and stored. `plan` is ready. */
qjit_status qj_image_get(struct qj_image *out, qjit_context *context, const struct qj_plan *plan);
/* The same, without looking into any store. */
qjit_status qj_image_compile(struct qj_image *out, qjit_context *context, const struct qj_plan *plan);
void qj_image_finish(struct qj_image *image);

/* Plans `unit` for `arch`, or with QJIT_GENERIC_ARCH for what stands in for it, with this context's compiler;
 * names as from qj_context_kernel_names. */
qjit_status qj_context_plan(struct qj_plan *out, qjit_context *context, const struct qj_unit *unit,
                            const char *const *names, const char *arch);

#endif
