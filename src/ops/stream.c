#include "ops/ops.h"

qjit_status qjit_stream_create(qjit_context *context, qjit_stream *out, uint32_t device)
{
    struct qj_ops *ops;
    int before;
    hipStream_t stream = NULL;
    qjit_status status = qj_context_ops(context, &ops, device);
    if (status == QJIT_OK) {
        status = qj_ops_enter(ops, device, &before);
    }
    if (status != QJIT_OK) {
        return status;
    }
    status = qj_ops_check(ops, "hipStreamCreate", ops->hip->hipStreamCreate(&stream));
    qj_ops_leave(ops, device, before);
    if (status == QJIT_OK) {
        *out = stream;
    }
    return status;
}

qjit_status qjit_stream_wait(qjit_context *context, uint32_t device, qjit_stream stream)
{
    struct qj_ops *ops;
    int before;
    qjit_status status = qj_context_ops(context, &ops, device);
    if (status == QJIT_OK) {
        status = qj_ops_check_stream(stream);
    }
    if (status == QJIT_OK) {
        status = qj_ops_enter(ops, device, &before);
    }
    if (status != QJIT_OK) {
        return status;
    }
    status = qj_ops_check(ops, "hipStreamSynchronize", ops->hip->hipStreamSynchronize((hipStream_t)stream));
    qj_ops_leave(ops, device, before);
    return status;
}

qjit_status qjit_stream_destroy(qjit_context *context, uint32_t device, qjit_stream stream)
{
    struct qj_ops *ops;
    if (!stream) {
        return QJIT_OK;
    }
    qjit_status status = qj_context_ops(context, &ops, device);
    if (status == QJIT_OK) {
        status = qj_ops_check_stream(stream);
    }
    if (status != QJIT_OK) {
        return status;
    }
    status = qjit_stream_wait(context, device, stream);
    const hipError_t error = ops->hip->hipStreamDestroy((hipStream_t)stream);
    return status == QJIT_OK ? qj_ops_check(ops, "hipStreamDestroy", error) : status;
}
