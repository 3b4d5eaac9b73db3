/* Blocks go through dequantize_wide_*; plain numbers through get_rows of one row that has them all. */
#include "base/status.h"
#include "ops/run.h"

qjit_status qj_dequantize_elements(const struct qj_op *op, const struct qj_sink *sink, qjit_kernel kernel,
                                   char *to, char *from, uint64_t n)
{
    enum { THREADS = 256, WIDE = 4096, BLOCKS_MAX = (1 << 24) - 1 };
    int64_t n_elements = (int64_t)n;
    const uint64_t n_blocks = qj_ceil_div(n, WIDE);
    (void)op;
    if (n == 0) {
        return QJIT_OK;
    }
    const struct qj_step step = {
        .kernel = kernel,
        .grid = {(uint32_t)(n_blocks < BLOCKS_MAX ? n_blocks : BLOCKS_MAX), 1, 1}, /* fewer take turns */
        .block = {THREADS, 1},
        .params = (void *[]){&from, &to, &n_elements},
    };
    return sink->take(sink->payload, &step);
}

static qjit_status copy(const struct qj_op *op, const struct qj_sink *sink, uint64_t n)
{
    const struct qj_step step = {
        .kind = QJ_STEP_COPY, .to = op->out, .from = op->weights, .n_bytes = n * op->info->block_bytes};
    return sink->take(sink->payload, &step);
}

/* The one row of the numbers, whose id is 0. */
static qjit_status convert(const struct qj_op *op, const struct qj_sink *sink, uint64_t n)
{
    struct qj_op rows = *op;
    const struct qj_step zero = {.kind = QJ_STEP_ZERO, .to = op->scratch, .n_bytes = sizeof(uint32_t)};
    qjit_status status = sink->take(sink->payload, &zero);
    rows.ids = op->scratch;
    rows.batch = 1;
    rows.k = n;
    return status == QJIT_OK ? qj_get_rows_each_step(&rows, sink) : status;
}

qjit_status qj_dequantize_each_step(const struct qj_op *op, const struct qj_sink *sink)
{
    const uint64_t n = op->batch * op->k; /* batch: rows */
    const bool is_f32 = op->op == QJIT_OP_DEQUANTIZE_F32;
    if (n == 0) {
        return QJIT_OK;
    }
    if (op->info->type == (is_f32 ? QJIT_GGML_F32 : QJIT_GGML_F16)) {
        return copy(op, sink, n);
    }
    if (op->info->block_elements == 1) {
        return convert(op, sink, n);
    }
    return qj_dequantize_elements(op, sink, is_f32 ? op->type->dequantize_f32 : op->type->dequantize_f16,
                                  op->out, op->weights, n);
}

qjit_status qjit_dequantize(const qjit_weights *weights, qjit_buffer *out, uint32_t to, uint64_t first_row,
                            uint64_t n_rows, qjit_stream stream)
{
    struct qj_op op;
    const qjit_weights_info *info = &weights->info;
    const struct qj_place place = qj_place_of(weights->memory, stream);
    if (to != QJIT_GGML_F32 && to != QJIT_GGML_F16) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "weights are dequantised to F32 or F16, not to type %u", to);
    }
    const uint64_t all_rows = info->n * info->n_experts, n_bytes = to == QJIT_GGML_F32 ? 4 : 2;
    if (first_row > all_rows || n_rows > all_rows - first_row) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "%llu rows from row %llu on are not within %llu rows",
                       (unsigned long long)n_rows, (unsigned long long)first_row,
                       (unsigned long long)all_rows);
    }
    const qjit_op_call call = {.op = to == QJIT_GGML_F32 ? QJIT_OP_DEQUANTIZE_F32 : QJIT_OP_DEQUANTIZE_F16,
                               .type = info->type->type,
                               .n = info->n,
                               .k = info->k,
                               .batch = n_rows};
    qjit_status status = qj_op_init(&op, &call);
    if (status == QJIT_OK) {
        const struct qj_use use = {"out", out, n_rows * info->k * n_bytes, 4 * n_bytes};
        status = qj_use_check(&place, &use, 1);
    }
    if (status != QJIT_OK) {
        return status;
    }
    op.weights = qj_at(info->pointer, first_row * info->row_bytes);
    op.out = out->start;
    return qj_op_run(&op, &place);
}
