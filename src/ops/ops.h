/* What the operators of one context share: the HIP table, the devices, scratch memory. Made when the first
 * of its calls needs it, in src/context.c. */
#ifndef QJ_OPS_OPS_H
#define QJ_OPS_OPS_H

#include <stdatomic.h>

#include <qjit/ops.h>

#include "hip/hip.h"
#include "module/module.h"

struct qj_ops {
    qjit_context *context;
    const struct qj_hip *hip;
    struct qj_modules *modules;
    const qjit_device *devices;
    uint32_t n_devices;
    _Atomic(struct qj_scratch *) scratch; /* of all streams, newest first */
    _Atomic(struct qj_memory *) refused;  /* not freed yet, as a stream was captured */
};

/* What is in `from` is copied. Fails with QJIT_NO_MEMORY. */
qjit_status qj_ops_create(struct qj_ops **out, const struct qj_ops *from);
void qj_ops_destroy(struct qj_ops *ops);

/* Those of the context, which are made if there are none, with `device` checked. Implemented where the
 * rooms meet, in src/context.c. Fails as qjit_device_info. */
qjit_status qj_context_ops(qjit_context *context, struct qj_ops **out, uint32_t device);

/* What a kernel takes. */
struct qj_kernel_args {
    const char *name;  /* lives as long as the context */
    int n;             /* -1: not known */
    uint32_t *n_bytes; /* of each; free() it */
};

/* Of a kernel that is loaded on the device; and which kernel's function one is. Both look at everything
 * there is: not for every launch. Implemented in src/kernel_args.c. */
qjit_status qj_context_kernel_args(qjit_context *context, struct qj_kernel_args *out, uint32_t device,
                                   qjit_kernel kernel);
bool qj_context_find_function(qjit_context *context, qjit_kernel *out, uint32_t device,
                              qjit_function function);

/* Makes `device` current in this thread; qj_ops_leave puts *before back. */
qjit_status qj_ops_enter(const struct qj_ops *ops, uint32_t device, int *before);
void qj_ops_leave(const struct qj_ops *ops, uint32_t device, int before);

/* QJIT_OK for a HIP call that went well; else worded, as QJIT_NO_MEMORY where the device had none left. */
qjit_status qj_ops_check(const struct qj_ops *ops, const char *function, hipError_t error);

/* Fails with QJIT_NOT_READY while the stream is being captured: what `what` names (in words) cannot be done
 * then. */
qjit_status qj_ops_check_not_captured(const struct qj_ops *ops, qjit_stream stream, const char *what);

/* Refuses hipStreamPerThread. */
qjit_status qj_ops_check_stream(qjit_stream stream);

#endif
