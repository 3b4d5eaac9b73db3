#include "ops/run.h"

#include "base/sized.h"
#include "base/status.h"
#include "ops/scratch.h"

qjit_status qj_use_check(const struct qj_place *place, const struct qj_use *uses, uint32_t n_uses)
{
    for (uint32_t i = 0; i < n_uses; i++) {
        const struct qj_use *use = &uses[i];
        const struct qj_memory *memory = use->buffer->memory;
        if (memory->ops != place->ops || memory->device != place->device) {
            return qj_fail(QJIT_INVALID_ARGUMENT, "buffer '%s' is of another context or device", use->name);
        }
        if (use->buffer->n_bytes < use->n_bytes) {
            return qj_fail(QJIT_INVALID_ARGUMENT, "buffer '%s' has %zu bytes: %llu are needed", use->name,
                           use->buffer->n_bytes, (unsigned long long)use->n_bytes);
        }
        if (use->n_bytes > 0 && (uintptr_t)use->buffer->start % use->alignment != 0) {
            return qj_fail(QJIT_INVALID_ARGUMENT, "buffer '%s' is not aligned to %llu bytes", use->name,
                           (unsigned long long)use->alignment);
        }
    }
    return QJIT_OK;
}

static qjit_status find_function(void *payload, const struct qj_step *step)
{
    const struct qj_place *place = payload;
    qjit_function function;
    if (step->kind != QJ_STEP_LAUNCH || qj_modules_find(place->ops->modules, place->device, step->kernel)) {
        return QJIT_OK;
    }
    qjit_status status = qj_ops_check_not_captured(place->ops, place->stream, "no kernel can be loaded");
    return status == QJIT_OK
               ? qjit_get_function_by_id(place->ops->context, &function, place->device, step->kernel)
               : status;
}

qjit_status qj_op_prepare(const struct qj_op *op, const struct qj_place *place)
{
    return qj_op_each_step(op, &(struct qj_sink){find_function, (void *)(uintptr_t)place});
}

/* The place's device is current. */
static qjit_status queue(void *payload, const struct qj_step *step)
{
    const struct qj_place *place = payload;
    const struct qj_hip *hip = place->ops->hip;
    hipStream_t stream = (hipStream_t)place->stream;
    switch (step->kind) {
    case QJ_STEP_ZERO:
        return qj_ops_check(place->ops, "hipMemsetAsync",
                            hip->hipMemsetAsync(step->to, 0, step->n_bytes, stream));
    case QJ_STEP_COPY:
        return qj_ops_check(
            place->ops, "hipMemcpyAsync",
            hip->hipMemcpyAsync(step->to, step->from, step->n_bytes, QJ_HIP_MEMCPY_DEVICE_TO_DEVICE, stream));
    case QJ_STEP_LAUNCH:
        break;
    }
    qjit_function function;
    qjit_status status = qjit_get_function_by_id(place->ops->context, &function, place->device, step->kernel);
    if (status != QJIT_OK) {
        return status;
    }
    return qj_ops_check(place->ops, "hipModuleLaunchKernel",
                        hip->hipModuleLaunchKernel(function, step->grid[0], step->grid[1], step->grid[2],
                                                   step->block[0], step->block[1], 1, 0, stream, step->params,
                                                   NULL));
}

qjit_status qj_op_run(struct qj_op *op, const struct qj_place *place)
{
    int before;
    struct qj_scratch *scratch = NULL;
    qjit_status status = qj_ops_check_stream(place->stream);
    if (status == QJIT_OK) {
        status = qj_op_prepare(op, place); /* so that nothing is compiled with the lock held */
    }
    if (status == QJIT_OK) {
        status = qj_scratch_lock(&scratch, &op->scratch, place->ops, place->device, place->stream,
                                 op->scratch_bytes);
    }
    if (status != QJIT_OK) {
        return status;
    }
    status = qj_ops_enter(place->ops, place->device, &before);
    if (status == QJIT_OK) {
        status = qj_op_each_step(op, &(struct qj_sink){queue, (void *)(uintptr_t)place});
        qj_ops_leave(place->ops, place->device, before);
    }
    qj_scratch_unlock(scratch);
    return status;
}

qjit_status qjit_prepare_op(qjit_context *context, uint32_t device, const qjit_op_call *call,
                            qjit_stream stream)
{
    struct qj_place place = {NULL, device, stream};
    qjit_op_call known;
    struct qj_op op;
    struct qj_scratch *scratch = NULL;
    qjit_status status = qj_sized_read(&known, sizeof known, call, "qjit_op_call");
    if (status == QJIT_OK) {
        status = qj_context_ops(context, &place.ops, device);
    }
    if (status == QJIT_OK) {
        status = qj_ops_check_stream(stream);
    }
    if (status == QJIT_OK) {
        known.arch = place.ops->devices[device].arch;
        status = qj_op_init(&op, &known);
    }
    if (status == QJIT_OK) {
        status = qj_op_prepare(&op, &place);
    }
    if (status == QJIT_OK) {
        status = qj_scratch_lock(&scratch, &op.scratch, place.ops, device, stream, op.scratch_bytes);
        qj_scratch_unlock(scratch);
    }
    return status;
}
