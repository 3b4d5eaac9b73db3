#include "base/status.h"
#include "kernel_src/include/tuning.h"
#include "ops/run.h"

qjit_status qj_experts_each_step(const struct qj_op *op, const struct qj_sink *sink)
{
    const uint64_t row_bytes = qj_q8_1_row_bytes(op->k) * op->n_inputs, out_bytes = op->topk * op->n * 4;
    char *weights = op->weights;
    if (op->n == 0 || op->batch == 0 || op->topk == 0) {
        return QJIT_OK;
    }
    if (op->k == 0) {
        const struct qj_step zero = {.kind = QJ_STEP_ZERO, .to = op->out, .n_bytes = op->batch * out_bytes};
        return sink->take(sink->payload, &zero);
    }
    qjit_status status = qj_quantize_rows(op, sink, op->scratch, op->x, op->batch * op->n_inputs);
    for (uint64_t first = 0; first < op->batch && status == QJIT_OK; first += QJ_GRID_MAX) {
        const uint64_t left = op->batch - first;
        char *x = qj_at(op->scratch, first * row_bytes), *out = qj_at(op->out, first * out_bytes),
             *ids = qj_at(op->ids, first * op->topk * sizeof(uint32_t));
        int n = (int)op->n, k = (int)op->k, batch = (int)(left < QJ_GRID_MAX ? left : QJ_GRID_MAX),
            topk = (int)op->topk, k_padded = (int)qj_padded(op->k), n_inputs = (int)op->n_inputs;
        const struct qj_step step = {
            .kernel = op->type->experts,
            .grid = {(uint32_t)op->n, (uint32_t)batch, (uint32_t)op->topk},
            .block = {32, QJ_MAT_VEC_SUBGROUPS(1)},
            .params = (void *[]){&weights, &x, &ids, &out, &n, &k, &batch, &topk, &k_padded, &n_inputs},
        };
        status = sink->take(sink->payload, &step);
    }
    return status;
}

qjit_status qjit_mul_mat_experts(const qjit_weights *weights, qjit_buffer *out, const qjit_buffer *x,
                                 const qjit_buffer *ids, uint64_t batch, uint64_t topk, uint64_t n_inputs,
                                 qjit_stream stream)
{
    struct qj_op op;
    const qjit_weights_info *info = &weights->info;
    const struct qj_place place = qj_place_of(weights->memory, stream);
    if (topk > QJ_GRID_MAX || batch > INT32_MAX || batch * topk > INT32_MAX ||
        (n_inputs != 1 && n_inputs != topk)) {
        return qj_fail(QJIT_INVALID_ARGUMENT,
                       "batch %llu, topk %llu, n_inputs %llu: topk is at most %d, batch * topk at most %d, "
                       "n_inputs is topk or 1",
                       (unsigned long long)batch, (unsigned long long)topk, (unsigned long long)n_inputs,
                       QJ_GRID_MAX, INT32_MAX);
    }
    const qjit_op_call call = {.op = QJIT_OP_MUL_MAT_EXPERTS,
                               .type = info->type->type,
                               .n = info->n,
                               .k = info->k,
                               .batch = batch * n_inputs};
    qjit_status status = qj_op_init(&op, &call);
    if (status != QJIT_OK) {
        return status;
    }
    const struct qj_use uses[] = {{"out", out, batch * topk * info->n * sizeof(float), sizeof(float)},
                                  {"x", x, batch * n_inputs * info->k * sizeof(float), sizeof(float)},
                                  {"ids", ids, batch * topk * sizeof(uint32_t), sizeof(uint32_t)}};
    status = qj_use_check(&place, uses, 3);
    if (status != QJIT_OK) {
        return status;
    }
    op.batch = batch;
    op.topk = topk;
    op.n_inputs = n_inputs;
    op.weights = info->pointer;
    op.x = x->start;
    op.ids = ids->start;
    op.out = out->start;
    return qj_op_run(&op, &place);
}
