#include "ops/run.h"

/* A thread takes THREAD_SHARE elements of a row; ids are dealt to launches by grids of fewer than 2^32
 * threads. */
enum { THREAD_SHARE = 16, IDS_MAX = (1 << 24) - 1 };

qjit_status qj_get_rows_each_step(const struct qj_op *op, const struct qj_sink *sink)
{
    int64_t k = (int64_t)op->k;
    size_t row_bytes = qj_row_bytes(op);
    const uint64_t y = qj_ceil_div(op->k, (uint64_t)THREAD_SHARE * op->type->get_rows_threads);
    char *weights = op->weights;
    qjit_status status = QJIT_OK;
    for (uint64_t first = 0; first < op->batch && k > 0 && status == QJIT_OK; first += IDS_MAX) {
        char *ids = qj_at(op->ids, first * sizeof(uint32_t));
        char *out = qj_at(op->out, first * op->k * sizeof(float));
        const uint64_t n = op->batch - first < IDS_MAX ? op->batch - first : IDS_MAX;
        const struct qj_step step = {
            .kernel = op->type->get_rows,
            .grid = {(uint32_t)n, (uint32_t)(y < QJ_GRID_MAX ? y : QJ_GRID_MAX), 1},
            .block = {op->type->get_rows_threads, 1},
            .params = (void *[]){&weights, &ids, &out, &k, &row_bytes},
        };
        status = sink->take(sink->payload, &step);
    }
    return status;
}

qjit_status qjit_get_rows(const qjit_weights *weights, qjit_buffer *out, const qjit_buffer *ids,
                          uint64_t n_ids, qjit_stream stream)
{
    struct qj_op op;
    const qjit_weights_info *info = &weights->info;
    const struct qj_place place = qj_place_of(weights->memory, stream);
    const qjit_op_call call = {
        .op = QJIT_OP_GET_ROWS, .type = info->type->type, .n = info->n, .k = info->k, .batch = n_ids};
    qjit_status status = qj_op_init(&op, &call);
    if (status != QJIT_OK) {
        return status;
    }
    const struct qj_use uses[] = {{"out", out, n_ids * info->k * sizeof(float), sizeof(float)},
                                  {"ids", ids, n_ids * sizeof(uint32_t), sizeof(uint32_t)}};
    status = qj_use_check(&place, uses, 2);
    if (status != QJIT_OK) {
        return status;
    }
    op.weights = info->pointer;
    op.ids = ids->start;
    op.out = out->start;
    return qj_op_run(&op, &place);
}
