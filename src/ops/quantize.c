#include "base/status.h"
#include "ops/run.h"
#include "registry/ids.h"

qjit_status qj_quantize_rows(const struct qj_op *op, const struct qj_sink *sink, char *out, char *x,
                             uint64_t n_rows)
{
    enum { THREADS = 256 };
    int k = (int)op->k, k_padded = (int)qj_padded(op->k);
    qjit_status status = QJIT_OK;
    for (uint64_t row = 0; row < n_rows && k > 0 && status == QJIT_OK; row += QJ_GRID_MAX) {
        char *from = qj_at(x, row * op->k * sizeof(float)), *to = qj_at(out, row * qj_q8_1_row_bytes(op->k));
        const uint64_t n = n_rows - row < QJ_GRID_MAX ? n_rows - row : QJ_GRID_MAX;
        const struct qj_step step = {
            .kernel = QJ_ID_quantize_q8_1,
            .grid = {(uint32_t)qj_ceil_div(qj_padded(op->k), THREADS), (uint32_t)n, 1},
            .block = {THREADS, 1},
            .params = (void *[]){&from, &to, &k, &k_padded},
        };
        status = sink->take(sink->payload, &step);
    }
    return status;
}

qjit_status qj_quantize_each_step(const struct qj_op *op, const struct qj_sink *sink)
{
    return qj_quantize_rows(op, sink, op->out, op->x, op->batch);
}

uint64_t qjit_q8_1_bytes(uint64_t n_rows, uint64_t k)
{
    return n_rows * qj_q8_1_row_bytes(k);
}

qjit_status qjit_quantize_q8_1(qjit_buffer *out, const qjit_buffer *x, uint64_t n_rows, uint64_t k,
                               qjit_stream stream)
{
    struct qj_op op;
    const struct qj_place place = qj_place_of(out->memory, stream);
    const qjit_op_call call = {.op = QJIT_OP_QUANTIZE_Q8_1, .k = k, .batch = n_rows};
    qjit_status status = qj_op_init(&op, &call);
    if (status != QJIT_OK) {
        return status;
    }
    const struct qj_use uses[] = {{"out", out, qjit_q8_1_bytes(n_rows, k), 4},
                                  {"x", x, n_rows * k * sizeof(float), sizeof(float)}};
    status = qj_use_check(&place, uses, 2);
    if (status != QJIT_OK) {
        return status;
    }
    op.out = out->start;
    op.x = x->start;
    return qj_op_run(&op, &place);
}
