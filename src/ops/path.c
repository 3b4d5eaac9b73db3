/* Which kernels multiply: the rules, in one place. */
#include <stdbool.h>
#include <string.h>

#include "base/status.h"
#include "ops/op.h"

/* Mat-vec starts a block of threads for each row or two, mat_vec_wide only as many as are at work at once,
 * which pays where rows are many and short. Mat-vec reads the weights once for each 8 columns; mul_mat_narrow
 * once for each 16, from the cache where that holds them; mul_mat once for each 64 or 128, but unpacks them
 * for as many even if few are there, and has few blocks of threads where there are few rows. So it depends on
 * type, shape and batch which one is fastest, and for each device anew. */
enum { N_SHAPES = 6 };

/* Where that was measured: rows of the weights, elements of a row. */
static const uint64_t shapes[N_SHAPES][2] = {{4096, 4096},  {4096, 11008}, {11008, 4096},
                                             {4096, 14336}, {8192, 28672}, {4096, 32000}};

/* Up to how many columns mat-vec, and from there up to how many mul_mat_narrow, is the best choice, at each
 * of the shapes. An H200; bench_ops and bench/crossings.py make the table. */
// clang-format off
static const struct crossing {
    uint32_t type;
    struct columns {
        uint16_t of_wide, of_mat_vec, of_narrow;
    } columns[N_SHAPES];
} crossings[] = {
    {QJIT_GGML_Q4_0, {{1, 4, 128}, {1, 2, 128}, {1, 4, 96}, {1, 2, 128}, {0, 4, 96}, {0, 2, 128}}},
    {QJIT_GGML_Q4_1, {{0, 4, 128}, {0, 2, 128}, {1, 4, 96}, {0, 2, 128}, {0, 2, 96}, {0, 2, 128}}},
    {QJIT_GGML_Q5_0, {{1, 4, 128}, {1, 2, 128}, {1, 4, 96}, {1, 4, 128}, {0, 8, 96}, {0, 2, 128}}},
    {QJIT_GGML_Q5_1, {{1, 4, 128}, {1, 4, 128}, {1, 4, 96}, {1, 4, 128}, {0, 4, 96}, {0, 4, 128}}},
    {QJIT_GGML_Q8_0, {{1, 2, 128}, {1, 1, 128}, {1, 4, 48}, {1, 2, 128}, {1, 2, 64}, {1, 1, 128}}},
    {QJIT_GGML_Q2_K, {{0, 1, 256}, {1, 2, 256}, {2, 4, 256}, {1, 2, 256}, {1, 8, 128}, {1, 4, 256}}},
    {QJIT_GGML_Q3_K, {{1, 1, 256}, {1, 2, 256}, {2, 4, 128}, {1, 2, 256}, {1, 8, 128}, {1, 2, 256}}},
    {QJIT_GGML_Q4_K, {{1, 4, 128}, {1, 2, 128}, {1, 4, 48}, {1, 2, 128}, {0, 8, 48}, {1, 2, 128}}},
    {QJIT_GGML_Q5_K, {{1, 4, 128}, {1, 4, 128}, {1, 4, 48}, {1, 4, 128}, {1, 8, 48}, {1, 4, 128}}},
    {QJIT_GGML_Q6_K, {{1, 4, 64}, {1, 2, 64}, {1, 4, 48}, {1, 2, 64}, {1, 8, 32}, {1, 2, 64}}},
    {QJIT_GGML_IQ4_NL, {{1, 4, 128}, {0, 2, 128}, {1, 4, 48}, {1, 2, 128}, {0, 8, 48}, {0, 2, 128}}},
    {QJIT_GGML_IQ4_XS, {{1, 2, 128}, {1, 2, 128}, {1, 4, 48}, {1, 2, 128}, {0, 8, 48}, {1, 2, 128}}},
    {QJIT_GGML_MXFP4, {{1, 4, 128}, {0, 2, 128}, {1, 4, 48}, {0, 2, 128}, {0, 8, 48}, {0, 2, 128}}},
    {QJIT_GGML_NVFP4, {{0, 2, 128}, {0, 2, 128}, {1, 4, 48}, {0, 2, 128}, {0, 8, 48}, {0, 2, 128}}},
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

/* On other archs than NVIDIA's nothing was measured, and it is as existing callers of these kernels do. */
static struct columns columns_of(const struct qj_op *op, const char *arch)
{
    const bool is_measured = arch && strncmp(arch, "sm_", 3) == 0 && op->n > 0 && op->k > 0;
    for (size_t i = 0; is_measured && i < sizeof crossings / sizeof *crossings; i++) {
        if (crossings[i].type == op->type->ggml) {
            return crossings[i].columns[nearest_shape(op->n, op->k)];
        }
    }
    return (struct columns){0, QJ_COLUMNS_MAX, QJ_COLUMNS_MAX};
}

int qj_path_is_there(const struct qj_type *type, qjit_path path)
{
    switch (path) {
    case QJIT_PATH_MAT_VEC:
        return type->mat_vec[0] != QJ_NO_KERNEL;
    case QJIT_PATH_MAT_VEC_WIDE:
        return type->mat_vec_wide != QJ_NO_KERNEL;
    case QJIT_PATH_MUL_MAT:
        return type->mul_mat != QJ_NO_KERNEL;
    case QJIT_PATH_MUL_MAT_NARROW:
        return type->mul_mat_narrow != QJ_NO_KERNEL;
    case QJIT_PATH_MAT_VEC_F32:
        return type->mat_vec_f32[0] != QJ_NO_KERNEL;
    case QJIT_PATH_DEQUANTIZE_F32:
        return type->dequantize_f32 != QJ_NO_KERNEL;
    default:
        return 0;
    }
}

static qjit_path best_of(const struct qj_op *op, const char *arch)
{
    const struct columns columns = columns_of(op, arch);
    return op->batch <= columns.of_wide      ? QJIT_PATH_MAT_VEC_WIDE
           : op->batch <= columns.of_mat_vec ? QJIT_PATH_MAT_VEC
           : op->batch <= columns.of_narrow  ? QJIT_PATH_MUL_MAT_NARROW
                                             : QJIT_PATH_MUL_MAT;
}

qjit_status qj_path_choose(qjit_path *out, const struct qj_op *op, const char *arch)
{
    const qjit_path order[] = {best_of(op, arch), QJIT_PATH_MAT_VEC_F32, QJIT_PATH_DEQUANTIZE_F32};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        if (qj_path_is_there(op->type, order[i])) {
            *out = order[i];
            return QJIT_OK;
        }
    }
    return qj_fail(QJIT_NOT_FOUND, "no kernel multiplies by weights of type '%s'", op->info->name);
}

const char *qjit_path_name(qjit_path path)
{
    static const char *const names[] = {"auto",           "mat_vec",        "mul_mat",     "mat_vec_f32",
                                        "dequantize_f32", "mul_mat_narrow", "mat_vec_wide"};
    return (size_t)path < sizeof names / sizeof *names ? names[path] : NULL;
}
