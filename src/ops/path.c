/* Which kernels multiply: the rules, in one place. */
#include <stdbool.h>
#include <string.h>

#include "base/status.h"
#include "ops/op.h"

/* Mat-vec reads the weights once for each 8 columns; mul_mat once for each 64 or 128, but unpacks them for
 * as many even if few are there, and has few blocks of threads where there are few rows. So it depends on
 * type, shape and batch which one is faster, and for each device anew. */
enum { N_SHAPES = 6 };

/* Where that was measured: rows of the weights, elements of a row. */
static const uint64_t shapes[N_SHAPES][2] = {{4096, 4096},  {4096, 11008}, {11008, 4096},
                                             {4096, 14336}, {8192, 28672}, {4096, 32000}};

/* Up to how many columns mat-vec is the better choice, at each of the shapes. An H200; bench_ops and
 * bench/crossings.py make the table. */
// clang-format off
static const struct crossing {
    uint32_t type;
    uint16_t columns[N_SHAPES];
} crossings[] = {
    {QJIT_GGML_Q4_0, {24, 32, 9, 32, 32, 32}},
    {QJIT_GGML_Q4_1, {24, 32, 9, 32, 32, 32}},
    {QJIT_GGML_Q5_0, {48, 48, 24, 64, 64, 64}},
    {QJIT_GGML_Q5_1, {48, 48, 24, 64, 48, 64}},
    {QJIT_GGML_Q8_0, {48, 48, 9, 64, 32, 48}},
    {QJIT_GGML_Q2_K, {32, 32, 32, 48, 48, 48}},
    {QJIT_GGML_Q3_K, {48, 48, 24, 128, 128, 128}},
    {QJIT_GGML_Q4_K, {24, 32, 9, 32, 32, 32}},
    {QJIT_GGML_Q5_K, {24, 32, 9, 32, 32, 32}},
    {QJIT_GGML_Q6_K, {24, 24, 9, 32, 24, 24}},
    {QJIT_GGML_IQ4_NL, {24, 32, 9, 32, 32, 32}},
    {QJIT_GGML_IQ4_XS, {24, 24, 9, 32, 32, 32}},
    {QJIT_GGML_MXFP4, {24, 24, 9, 32, 32, 32}},
    {QJIT_GGML_NVFP4, {24, 32, 9, 32, 32, 32}},
};
// clang-format on

/* By what factor a and b differ. */
static double factor(uint64_t a, uint64_t b)
{
    return a < b ? (double)b / (double)a : (double)a / (double)b;
}

/* How many times larger or smaller n and k are than those of a shape. */
static double distance(size_t shape, uint64_t n, uint64_t k)
{
    return factor(n, shapes[shape][0]) * factor(k, shapes[shape][1]);
}

/* n and k are not 0. */
static size_t nearest_shape(uint64_t n, uint64_t k)
{
    size_t nearest = 0;
    for (size_t i = 1; i < N_SHAPES; i++) {
        nearest = distance(i, n, k) < distance(nearest, n, k) ? i : nearest;
    }
    return nearest;
}

/* Up to how many columns mat-vec is taken. On other archs than NVIDIA's nothing was measured, and it is as
 * existing callers of these kernels do. */
static uint64_t mat_vec_columns(const struct qj_op *op, const char *arch)
{
    const bool is_measured = arch && strncmp(arch, "sm_", 3) == 0 && op->n > 0 && op->k > 0;
    for (size_t i = 0; is_measured && i < sizeof crossings / sizeof *crossings; i++) {
        if (crossings[i].type == op->type->ggml) {
            return crossings[i].columns[nearest_shape(op->n, op->k)];
        }
    }
    return QJ_COLUMNS_MAX;
}

int qj_path_is_there(const struct qj_type *type, qjit_path path)
{
    switch (path) {
    case QJIT_PATH_MAT_VEC:
        return type->mat_vec[0] != QJ_NO_KERNEL;
    case QJIT_PATH_MUL_MAT:
        return type->mul_mat != QJ_NO_KERNEL;
    case QJIT_PATH_MAT_VEC_F32:
        return type->mat_vec_f32[0] != QJ_NO_KERNEL;
    case QJIT_PATH_DEQUANTIZE_F32:
        return type->dequantize_f32 != QJ_NO_KERNEL;
    default:
        return 0;
    }
}

qjit_status qj_path_choose(qjit_path *out, const struct qj_op *op, const char *arch)
{
    static const qjit_path few[] = {QJIT_PATH_MAT_VEC, QJIT_PATH_MUL_MAT, QJIT_PATH_MAT_VEC_F32,
                                    QJIT_PATH_DEQUANTIZE_F32};
    static const qjit_path many[] = {QJIT_PATH_MUL_MAT, QJIT_PATH_MAT_VEC, QJIT_PATH_MAT_VEC_F32,
                                     QJIT_PATH_DEQUANTIZE_F32};
    const qjit_path *order = op->batch <= mat_vec_columns(op, arch) ? few : many;
    for (size_t i = 0; i < sizeof few / sizeof *few; i++) {
        if (qj_path_is_there(op->type, order[i])) {
            *out = order[i];
            return QJIT_OK;
        }
    }
    return qj_fail(QJIT_NOT_FOUND, "no kernel multiplies by weights of type '%s'", op->info->name);
}

const char *qjit_path_name(qjit_path path)
{
    static const char *const names[] = {"auto", "mat_vec", "mul_mat", "mat_vec_f32", "dequantize_f32"};
    return (size_t)path < sizeof names / sizeof *names ? names[path] : NULL;
}
