/* An operator call as a row of steps. The steps of a call are made in one place, whether they are run,
 * prepared for, or only counted for a plan: what a plan says is what is done. */
#ifndef QJ_OPS_OP_H
#define QJ_OPS_OP_H

#include <qjit/ops.h>

#include "ops/type.h"

enum {
    QJ_GRID_MAX = 65535,      /* blocks of threads in y and z */
    QJ_Q8_1_ELEMENTS = 32,    /* of a block of activations */
    QJ_Q8_1_BYTES = 36,       /* of the same */
    QJ_ROW_PADDING = 512,     /* elements that a row of activations is padded to */
    QJ_N_MAX = (1 << 27) - 1, /* rows: with 32 threads to a row a grid has fewer than 2^32 of them */
    QJ_K_MAX = 2147483647 - QJ_ROW_PADDING /* columns: padded, they are an int of the kernels */
};

/* A call whose shape has been checked. Addresses are of the device, and NULL in a plan. */
struct qj_op {
    qjit_op op;
    const struct qj_type *type;
    const qjit_ggml_type_info *info;
    qjit_path path; /* never QJIT_PATH_AUTO where there is one */
    uint64_t n, k, batch;
    uint32_t n_cus;          /* of the device; 0: not known */
    uint64_t topk, n_inputs; /* of QJIT_OP_MUL_MAT_EXPERTS, whose batch is without them here */
    uint64_t scratch_bytes;
    char *weights, *x, *ids, *out, *scratch;
};

/* Checks a call and chooses its path. topk and n_inputs are 1. Fails as qjit_plan_op. */
qjit_status qj_op_init(struct qj_op *out, const qjit_op_call *call);

/* One thing to queue: a launch, unless there is no function to it. */
struct qj_step {
    enum qj_step_kind { QJ_STEP_LAUNCH, QJ_STEP_ZERO, QJ_STEP_COPY } kind;
    qjit_kernel kernel;
    uint32_t grid[3], block[2];
    void **params;
    char *to; /* of QJ_STEP_ZERO and QJ_STEP_COPY */
    const char *from;
    uint64_t n_bytes;
};

struct qj_sink {
    qjit_status (*take)(void *payload, const struct qj_step *step);
    void *payload;
};

/* Gives the steps in order and stops at the first failure, which it returns. */
qjit_status qj_op_each_step(const struct qj_op *op, const struct qj_sink *sink);

/* The families: their steps, and the scratch memory that these need. */
qjit_status qj_quantize_each_step(const struct qj_op *op, const struct qj_sink *sink);
qjit_status qj_dequantize_each_step(const struct qj_op *op, const struct qj_sink *sink);
qjit_status qj_get_rows_each_step(const struct qj_op *op, const struct qj_sink *sink);
qjit_status qj_mul_mat_each_step(const struct qj_op *op, const struct qj_sink *sink);
qjit_status qj_experts_each_step(const struct qj_op *op, const struct qj_sink *sink);
uint64_t qj_mul_mat_scratch_bytes(const struct qj_op *op);

/* n_rows rows of op->k f32 at x to q8_1 at `out`. */
qjit_status qj_quantize_rows(const struct qj_op *op, const struct qj_sink *sink, char *out, char *x,
                             uint64_t n_rows);

/* n elements (of whole blocks) at `from` to f32 or f16 at `to`. */
qjit_status qj_dequantize_elements(const struct qj_op *op, const struct qj_sink *sink, qjit_kernel kernel,
                                   char *to, char *from, uint64_t n);

/* The path that is best for a type, a batch and an arch: path.c has the rules and their reasons. */
qjit_status qj_path_choose(qjit_path *out, const struct qj_op *op, const char *arch);

/* True if there are kernels for it. */
int qj_path_is_there(const struct qj_type *type, qjit_path path);

static inline uint64_t qj_ceil_div(uint64_t n, uint64_t by)
{
    return n / by + (n % by != 0);
}

static inline uint64_t qj_row_bytes(const struct qj_op *op)
{
    return op->k / op->info->block_elements * op->info->block_bytes;
}

static inline uint64_t qj_padded(uint64_t k)
{
    return qj_ceil_div(k, QJ_ROW_PADDING) * QJ_ROW_PADDING;
}

static inline uint64_t qj_q8_1_row_bytes(uint64_t k)
{
    return qj_padded(k) / QJ_Q8_1_ELEMENTS * QJ_Q8_1_BYTES;
}

/* Address arithmetic that leaves the NULL of a plan alone. */
static inline char *qj_at(char *start, uint64_t n_bytes)
{
    return start ? start + n_bytes : NULL;
}

#endif
