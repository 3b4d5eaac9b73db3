#include "ops/type.h"

#include <stddef.h>

#include "kernel_src/include/tuning.h"
#include "registry/ids.h"

_Static_assert(QJ_ID_quantize_q8_1 == QJ_NO_KERNEL, "the first kernel of units.def is not of any type");

#define MAT_VEC(type, activations)                                                                           \
    {                                                                                                        \
        QJ_ID_mul_mat_vec_##type##_##activations##_cuda1, QJ_ID_mul_mat_vec_##type##_##activations##_cuda2,  \
            QJ_ID_mul_mat_vec_##type##_##activations##_cuda3,                                                \
            QJ_ID_mul_mat_vec_##type##_##activations##_cuda4,                                                \
            QJ_ID_mul_mat_vec_##type##_##activations##_cuda5,                                                \
            QJ_ID_mul_mat_vec_##type##_##activations##_cuda6,                                                \
            QJ_ID_mul_mat_vec_##type##_##activations##_cuda7,                                                \
            QJ_ID_mul_mat_vec_##type##_##activations##_cuda8                                                 \
    }

/* The wide kernels compute what dequantize_block_* do, in any grid, for every type. */
#define DEQUANTIZE(type)                                                                                     \
    .dequantize_f32 = QJ_ID_dequantize_wide_##type##_f32, .dequantize_f16 = QJ_ID_dequantize_wide_##type##_f16

enum {
#define WIDE(type, subgroups, blocks, rows, stages)                                                          \
    WIDE_SUBGROUPS_##type = (subgroups), WIDE_BLOCKS_##type = (blocks),
    QJ_MAT_VEC_WIDE(WIDE)
#undef WIDE
};

#define BLOCKS(name, type, threads)                                                                          \
    .ggml = QJIT_GGML_##name, .mat_vec = MAT_VEC(type, q8_1), .mul_mat = QJ_ID_mul_mat_##type,               \
    .tile_rows = MUL_MAT_ROWS_##type, .tile_columns = MUL_MAT_COLUMNS_##type,                                \
    .mat_vec_wide = QJ_ID_mul_mat_vec_wide_##type##_q8_1, .wide_subgroups = WIDE_SUBGROUPS_##type,           \
    .wide_blocks = WIDE_BLOCKS_##type, .mul_mat_narrow = QJ_ID_mul_mat_narrow_##type, DEQUANTIZE(type),      \
    .get_rows = QJ_ID_get_rows_##type, .get_rows_threads = (threads)

#define NUMBERS(name, type)                                                                                  \
    .ggml = QJIT_GGML_##name, .mat_vec_f32 = MAT_VEC(type, f32), .get_rows = QJ_ID_get_rows_##type,          \
    .get_rows_threads = 256

#define VEC_F32(suffix) .mat_vec_f32 = {QJ_ID_dequantize_mul_mat_vec_##suffix}
#define EXPERTS(type)   .experts = QJ_ID_indexed_moe_forward_##type##_q8_1

static const struct qj_type types[] = {
    {BLOCKS(Q4_0, q4_0, 256), VEC_F32(q4_0_cuda)},
    {BLOCKS(Q4_1, q4_1, 256), VEC_F32(q4_1_cuda)},
    {BLOCKS(Q5_0, q5_0, 256), VEC_F32(q5_0_cuda)},
    {BLOCKS(Q5_1, q5_1, 256), VEC_F32(q5_1_cuda)},
    {BLOCKS(Q8_0, q8_0, 256), VEC_F32(q8_0_cuda), EXPERTS(q8_0)},
    {BLOCKS(Q2_K, q2_K, 64), VEC_F32(q2_k), EXPERTS(q2k)},
    {BLOCKS(Q3_K, q3_K, 64), VEC_F32(q3_k), EXPERTS(q3k)},
    {BLOCKS(Q4_K, q4_K, 32), VEC_F32(q4_k), EXPERTS(q4k)},
    {BLOCKS(Q5_K, q5_K, 64), VEC_F32(q5_k), EXPERTS(q5k)},
    {BLOCKS(Q6_K, q6_K, 64), VEC_F32(q6_k), EXPERTS(q6k)},
    {BLOCKS(IQ4_NL, iq4_nl, 256)},
    {BLOCKS(IQ4_XS, iq4_xs, 256)},
    {BLOCKS(MXFP4, mxfp4, 256)},
    {BLOCKS(NVFP4, nvfp4, 256)},
    {.ggml = QJIT_GGML_Q8_K, DEQUANTIZE(q8_K)},
    {NUMBERS(F32, f32)},
    {NUMBERS(F16, f16)},
    {NUMBERS(BF16, bf16)},
};

const struct qj_type *qj_type_find(uint32_t ggml)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i].ggml == ggml) {
            return &types[i];
        }
    }
    return NULL;
}
