/* Which kernels multiply: the rules, in one place. */
#include <string.h>

#include "base/status.h"
#include "ops/op.h"

/* Mat-vec reads the weights once for each 8 columns; mul_mat once for each 64 or 128, but unpacks them for
 * as many even if few are there. The first row whose arch begins so says up to how many columns mat-vec is
 * taken.
 *
 * sm_   On an H200 a mat-vec of 8 columns takes the weights at 32 to 75 % of the rate of a copy, and mul_mat
 *       of 16 columns gains little over dequantising and a library's product, or nothing. Where it changes
 *       over, between 16 columns and the 64 of a small tile, has not been measured: 32 is half of those.
 * ""    Nothing was measured: what existing callers of these kernels do.
 *
 * bench_ops prints, for the machine that it runs on, where each type would change over. */
static const struct rule {
    const char *arch;
    uint64_t columns;
} rules[] = {
    {"sm_", 32},
    {"", QJ_COLUMNS_MAX},
};

static uint64_t mat_vec_columns(const char *arch)
{
    size_t i = 0;
    while (strncmp(arch ? arch : "", rules[i].arch, strlen(rules[i].arch)) != 0) {
        i++;
    }
    return rules[i].columns;
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
    const qjit_path *order = op->batch <= mat_vec_columns(arch) ? few : many;
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
