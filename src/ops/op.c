#include "ops/op.h"

#include "base/sized.h"
#include "base/status.h"

static qjit_status no_kernel(const struct qj_op *op, const char *what)
{
    return qj_fail(QJIT_NOT_FOUND, "no kernel %s weights of type '%s'", what, op->info->name);
}

static qjit_status check_kernels(struct qj_op *op, const char *arch)
{
    const struct qj_type *type = op->type;
    switch (op->op) {
    case QJIT_OP_DEQUANTIZE_F32:
        return type->dequantize_f32 || type->get_rows ? QJIT_OK : no_kernel(op, "dequantises");
    case QJIT_OP_DEQUANTIZE_F16:
        return type->dequantize_f16 || op->info->type == QJIT_GGML_F16 ? QJIT_OK
                                                                       : no_kernel(op, "makes f16 of");
    case QJIT_OP_GET_ROWS:
        return type->get_rows ? QJIT_OK : no_kernel(op, "gets rows of");
    case QJIT_OP_MUL_MAT_EXPERTS:
        return type->experts ? QJIT_OK : no_kernel(op, "multiplies by experts' ids and");
    default:
        if (op->path == QJIT_PATH_AUTO) {
            return qj_path_choose(&op->path, op, arch);
        }
        if (!qjit_path_name(op->path)) {
            return qj_fail(QJIT_INVALID_ARGUMENT, "there is no path %d", (int)op->path);
        }
        return qj_path_is_there(type, op->path)
                   ? QJIT_OK
                   : qj_fail(QJIT_NOT_FOUND, "path '%s' has no kernel for weights of type '%s'",
                             qjit_path_name(op->path), op->info->name);
    }
}

static qjit_status check_shape(const struct qj_op *op)
{
    if (op->k % op->info->block_elements != 0) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "%llu columns are no multiple of a block of '%s', which is %u",
                       (unsigned long long)op->k, op->info->name, op->info->block_elements);
    }
    if (op->n > QJ_N_MAX || op->k > QJ_K_MAX || op->batch > INT32_MAX) {
        return qj_fail(QJIT_INVALID_ARGUMENT,
                       "%llu rows, %llu columns, batch %llu: more than %d, %d and %d are too many",
                       (unsigned long long)op->n, (unsigned long long)op->k, (unsigned long long)op->batch,
                       QJ_N_MAX, QJ_K_MAX, INT32_MAX);
    }
    return QJIT_OK;
}

static uint64_t scratch_bytes(const struct qj_op *op)
{
    switch (op->op) {
    case QJIT_OP_DEQUANTIZE_F32: /* the id that get_rows is given */
        return op->type->dequantize_f32 ? 0 : sizeof(uint32_t);
    case QJIT_OP_MUL_MAT:
        return qj_mul_mat_scratch_bytes(op);
    case QJIT_OP_MUL_MAT_EXPERTS:
        return op->batch * qj_q8_1_row_bytes(op->k);
    default:
        return 0;
    }
}

qjit_status qj_op_init(struct qj_op *out, const qjit_op_call *call)
{
    struct qj_op op = {.op = call->op,
                       .path = call->op == QJIT_OP_MUL_MAT ? call->path : QJIT_PATH_AUTO,
                       .n = call->n,
                       .k = call->k,
                       .batch = call->batch,
                       .topk = 1,
                       .n_inputs = 1};
    const uint32_t type = op.op == QJIT_OP_QUANTIZE_Q8_1 ? QJIT_GGML_F32 : call->type;
    if (op.op < QJIT_OP_QUANTIZE_Q8_1 || op.op > QJIT_OP_MUL_MAT_EXPERTS) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "there is no operator %d", (int)op.op);
    }
    qjit_status status = qjit_get_ggml_type(&op.info, type);
    if (status != QJIT_OK) {
        return status;
    }
    op.type = qj_type_find(type);
    if (!op.type) {
        return no_kernel(&op, "takes");
    }
    status = check_shape(&op);
    if (status == QJIT_OK && op.op != QJIT_OP_QUANTIZE_Q8_1) {
        status = check_kernels(&op, call->arch);
    }
    if (status == QJIT_OK) {
        op.scratch_bytes = scratch_bytes(&op);
        *out = op;
    }
    return status;
}

qjit_status qj_op_each_step(const struct qj_op *op, const struct qj_sink *sink)
{
    switch (op->op) {
    case QJIT_OP_QUANTIZE_Q8_1:
        return qj_quantize_each_step(op, sink);
    case QJIT_OP_DEQUANTIZE_F32:
    case QJIT_OP_DEQUANTIZE_F16:
        return qj_dequantize_each_step(op, sink);
    case QJIT_OP_GET_ROWS:
        return qj_get_rows_each_step(op, sink);
    case QJIT_OP_MUL_MAT:
        return qj_mul_mat_each_step(op, sink);
    case QJIT_OP_MUL_MAT_EXPERTS:
        return qj_experts_each_step(op, sink);
    }
    return QJIT_OK;
}
