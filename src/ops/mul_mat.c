#include "base/status.h"
#include "kernel_src/include/tuning.h"
#include "ops/run.h"

/* Elements of weights that are dequantised at a time: enough to keep any device busy, 64 MiB of f32. */
enum { DEQUANTIZED_MAX = 1 << 24 };

/* A product of some columns by one launch: all of op->weights' rows, unless it says so. */
struct part {
    char *weights, *x, *out;
    uint64_t n; /* rows */
    uint64_t columns;
};

static uint64_t dequantized_rows(const struct qj_op *op)
{
    const uint64_t n = op->k > 0 && op->k < DEQUANTIZED_MAX ? DEQUANTIZED_MAX / op->k : 1;
    return n < op->n ? n : op->n;
}

uint64_t qj_mul_mat_scratch_bytes(const struct qj_op *op)
{
    switch (op->path) {
    case QJIT_PATH_MAT_VEC:
    case QJIT_PATH_MAT_VEC_WIDE:
    case QJIT_PATH_MUL_MAT:
    case QJIT_PATH_MUL_MAT_NARROW:
        return op->batch * qj_q8_1_row_bytes(op->k);
    case QJIT_PATH_DEQUANTIZE_F32:
        return op->batch > 0 ? dequantized_rows(op) * op->k * sizeof(float) : 0;
    default:
        return 0;
    }
}

/* By mat_vec or mat_vec_f32 kernels; x_row: what the kernel counts as a column of x. */
static qjit_status mat_vec(const struct qj_op *op, const struct qj_sink *sink, const qjit_kernel *kernels,
                           const struct part *part, uint64_t x_row)
{
    char *weights = part->weights, *x = part->x, *out = part->out;
    int k = (int)op->k, n = (int)part->n, nrows_y = (int)x_row, nrows_dst = (int)op->n;
    const uint32_t batch = (uint32_t)part->columns;
    const struct qj_step step = {
        .kernel = kernels[batch - 1],
        .grid = {(uint32_t)qj_ceil_div(part->n, QJ_MAT_VEC_ROWS(batch)), 1, 1},
        .block = {32, QJ_MAT_VEC_SUBGROUPS(batch)},
        .params = (void *[]){&weights, &x, &out, &k, &n, &nrows_y, &nrows_dst},
    };
    return sink->take(sink->payload, &step);
}

/* Any grid is right: more blocks than the device has at work at once would only have to be started. */
static qjit_status mat_vec_wide(const struct qj_op *op, const struct qj_sink *sink, const struct part *part)
{
    char *weights = part->weights, *x = part->x, *out = part->out;
    const struct qj_type *type = op->type;
    int k = (int)op->k, n = (int)part->n;
    const uint64_t at_once = (uint64_t)op->n_cus * type->wide_blocks;
    const struct qj_step step = {
        .kernel = type->mat_vec_wide,
        .grid = {(uint32_t)(at_once == 0 || at_once > part->n ? part->n : at_once), 1, 1},
        .block = {32, type->wide_subgroups},
        .params = (void *[]){&weights, &x, &out, &k, &n},
    };
    return sink->take(sink->payload, &step);
}

/* By dequantize_mul_mat_vec, one column. */
static qjit_status mat_vec_blocks_f32(const struct qj_op *op, const struct qj_sink *sink,
                                      const struct part *part)
{
    char *weights = part->weights, *x = part->x, *out = part->out;
    int k = (int)op->k, n = (int)part->n;
    const struct qj_step step = {
        .kernel = op->type->mat_vec_f32[0],
        .grid = {(uint32_t)part->n, 1, 1},
        .block = {32, 1},
        .params = (void *[]){&weights, &x, &out, &k, &n},
    };
    return sink->take(sink->payload, &step);
}

/* How a kernel cuts a product into tiles, one to each block of threads. */
struct tiles {
    qjit_kernel kernel;
    uint32_t rows, columns, subgroups;
};

static struct tiles tiles_of(const struct qj_op *op)
{
    const struct qj_type *type = op->type;
    return op->path == QJIT_PATH_MUL_MAT_NARROW
               ? (struct tiles){type->mul_mat_narrow, MUL_MAT_NARROW_ROWS, MUL_MAT_NARROW_COLUMNS,
                                MUL_MAT_NARROW_SUBGROUPS}
               : (struct tiles){type->mul_mat, type->tile_rows, type->tile_columns, 4};
}

static qjit_status mul_mat(const struct qj_op *op, const struct qj_sink *sink, const struct part *part)
{
    const struct tiles tiles = tiles_of(op);
    char *weights = part->weights, *x = part->x, *out = part->out;
    int k = (int)op->k, n = (int)part->n, batch = (int)part->columns, nrows_y = (int)qj_padded(op->k),
        nrows_dst = (int)op->n;
    const struct qj_step step = {
        .kernel = tiles.kernel,
        .grid = {(uint32_t)qj_ceil_div(part->n, tiles.rows),
                 (uint32_t)qj_ceil_div(part->columns, tiles.columns), 1},
        .block = {32, tiles.subgroups},
        .params = (void *[]){&weights, &x, &out, &k, &n, &batch, &nrows_y, &nrows_dst},
    };
    return sink->take(sink->payload, &step);
}

/* The next columns of a product, at most `most`: *part moves on. False at the end. */
static bool next_part(const struct qj_op *op, struct part *part, uint64_t *column, char *x,
                      uint64_t x_row_bytes, char *out, uint64_t most)
{
    const uint64_t left = op->batch - *column;
    part->columns = left < most ? left : most;
    part->x = qj_at(x, *column * x_row_bytes);
    part->out = qj_at(out, *column * op->n * sizeof(float));
    *column += part->columns;
    return left > 0;
}

/* Of one launch. */
static uint64_t most_columns(const struct qj_op *op)
{
    switch (op->path) {
    case QJIT_PATH_MAT_VEC:
        return QJ_COLUMNS_MAX;
    case QJIT_PATH_MAT_VEC_WIDE:
        return 1;
    default:
        return (uint64_t)QJ_GRID_MAX * tiles_of(op).columns;
    }
}

static qjit_status multiply_part(const struct qj_op *op, const struct qj_sink *sink, const struct part *part)
{
    switch (op->path) {
    case QJIT_PATH_MAT_VEC:
        return mat_vec(op, sink, op->type->mat_vec, part, qj_padded(op->k));
    case QJIT_PATH_MAT_VEC_WIDE:
        return mat_vec_wide(op, sink, part);
    default:
        return mul_mat(op, sink, part);
    }
}

static qjit_status through_q8_1(const struct qj_op *op, const struct qj_sink *sink)
{
    const uint64_t most = most_columns(op);
    struct part part = {.weights = op->weights, .n = op->n};
    qjit_status status = qj_quantize_rows(op, sink, op->scratch, op->x, op->batch);
    for (uint64_t column = 0; status == QJIT_OK && next_part(op, &part, &column, op->scratch,
                                                             qj_q8_1_row_bytes(op->k), op->out, most);) {
        status = multiply_part(op, sink, &part);
    }
    return status;
}

/* `part` has the weights, which are of `type`, and its rows; `out` is where the first column of these goes.
 */
static qjit_status through_f32(const struct qj_op *op, const struct qj_sink *sink, const struct qj_type *type,
                               struct part *part, char *out)
{
    const bool is_of_one = type->mat_vec_f32[1] == QJ_NO_KERNEL;
    qjit_status status = QJIT_OK;
    for (uint64_t column = 0; status == QJIT_OK && next_part(op, part, &column, op->x, op->k * sizeof(float),
                                                             out, is_of_one ? 1 : QJ_COLUMNS_MAX);) {
        status = is_of_one ? mat_vec_blocks_f32(op, sink, part)
                           : mat_vec(op, sink, type->mat_vec_f32, part, op->k);
    }
    return status;
}

static qjit_status dequantized(const struct qj_op *op, const struct qj_sink *sink)
{
    const struct qj_type *f32 = qj_type_find(QJIT_GGML_F32);
    const uint64_t most = dequantized_rows(op);
    qjit_status status = QJIT_OK;
    for (uint64_t row = 0; row < op->n && status == QJIT_OK; row += most) {
        struct part part = {.weights = op->scratch, .n = op->n - row < most ? op->n - row : most};
        status = qj_dequantize_elements(op, sink, op->type->dequantize_f32, op->scratch,
                                        qj_at(op->weights, row * qj_row_bytes(op)), part.n * op->k);
        if (status == QJIT_OK) {
            status = through_f32(op, sink, f32, &part, qj_at(op->out, row * sizeof(float)));
        }
    }
    return status;
}

qjit_status qj_mul_mat_each_step(const struct qj_op *op, const struct qj_sink *sink)
{
    struct part part = {.weights = op->weights, .n = op->n};
    if (op->n == 0 || op->batch == 0) {
        return QJIT_OK;
    }
    if (op->k == 0) {
        const struct qj_step zero = {
            .kind = QJ_STEP_ZERO, .to = op->out, .n_bytes = op->batch * op->n * sizeof(float)};
        return sink->take(sink->payload, &zero);
    }
    switch (op->path) {
    case QJIT_PATH_MAT_VEC_F32:
        return through_f32(op, sink, op->type, &part, op->out);
    case QJIT_PATH_DEQUANTIZE_F32:
        return dequantized(op, sink);
    default:
        return through_q8_1(op, sink);
    }
}

qjit_status qjit_mul_mat(const qjit_weights *weights, qjit_buffer *out, const qjit_buffer *x, uint64_t batch,
                         qjit_path path, qjit_stream stream)
{
    struct qj_op op;
    const qjit_weights_info *info = &weights->info;
    const struct qj_place place = qj_place_of(weights->memory, stream);
    if (info->n_experts != 1) {
        return qj_fail(QJIT_INVALID_ARGUMENT,
                       "these weights are %llu matrices: take one by qjit_weights_view_expert",
                       (unsigned long long)info->n_experts);
    }
    const qjit_op_call call = {.op = QJIT_OP_MUL_MAT,
                               .type = info->type->type,
                               .n = info->n,
                               .k = info->k,
                               .batch = batch,
                               .path = path,
                               .arch = place.ops->devices[place.device].arch};
    qjit_status status = qj_op_init(&op, &call);
    if (status != QJIT_OK) {
        return status;
    }
    const struct qj_use uses[] = {{"out", out, batch * info->n * sizeof(float), sizeof(float)},
                                  {"x", x, batch * info->k * sizeof(float), sizeof(float)}};
    status = qj_use_check(&place, uses, 2);
    if (status != QJIT_OK) {
        return status;
    }
    op.n_cus = place.ops->devices[place.device].n_cus;
    op.weights = info->pointer;
    op.x = x->start;
    op.out = out->start;
    return qj_op_run(&op, &place);
}
