#include "ops/ops.h"

#include <stdlib.h>

#include "base/status.h"
#include "ops/memory.h"
#include "ops/scratch.h"

/* hipStreamPerThread, as HIP's header defines it. */
#define STREAM_PER_THREAD ((uintptr_t)2)

qjit_status qj_ops_create(struct qj_ops **out, const struct qj_ops *from)
{
    struct qj_ops *ops = malloc(sizeof *ops);
    if (!ops) {
        return qj_fail(QJIT_NO_MEMORY, "out of memory");
    }
    *ops = *from;
    atomic_init(&ops->scratch, NULL);
    atomic_init(&ops->refused, NULL);
    *out = ops;
    return QJIT_OK;
}

void qj_ops_destroy(struct qj_ops *ops)
{
    if (ops) {
        qj_scratch_destroy(atomic_load(&ops->scratch));
        qj_memory_free_refused(ops);
    }
    free(ops);
}

qjit_status qj_ops_check(const struct qj_ops *ops, const char *function, hipError_t error)
{
    if (error == QJ_HIP_SUCCESS) {
        return QJIT_OK;
    }
    return qj_hip_fail(ops->hip, error == QJ_HIP_ERROR_OUT_OF_MEMORY ? QJIT_NO_MEMORY : QJIT_HIP_FAILED,
                       function, error);
}

qjit_status qj_ops_check_stream(qjit_stream stream)
{
    if ((uintptr_t)stream == STREAM_PER_THREAD) {
        return qj_fail(QJIT_INVALID_ARGUMENT,
                       "hipStreamPerThread is another stream in each thread: use one of your own");
    }
    return QJIT_OK;
}

qjit_status qj_ops_enter(const struct qj_ops *ops, uint32_t device, int *before)
{
    *before = (int)device;
    qjit_status status = qj_ops_check(ops, "hipGetDevice", ops->hip->hipGetDevice(before));
    if (status == QJIT_OK && *before != (int)device) {
        status = qj_ops_check(ops, "hipSetDevice", ops->hip->hipSetDevice((int)device));
    }
    return status;
}

void qj_ops_leave(const struct qj_ops *ops, uint32_t device, int before)
{
    if (before != (int)device) {
        (void)ops->hip->hipSetDevice(before);
    }
}

qjit_status qj_ops_check_not_captured(const struct qj_ops *ops, qjit_stream stream, const char *what)
{
    hipStreamCaptureStatus status = 0;
    if (stream && ops->hip->hipStreamIsCapturing &&
        ops->hip->hipStreamIsCapturing((hipStream_t)stream, &status) == QJ_HIP_SUCCESS && status != 0) {
        return qj_fail(QJIT_NOT_READY, "%s while the stream is captured: call qjit_prepare_op before", what);
    }
    return QJIT_OK;
}
