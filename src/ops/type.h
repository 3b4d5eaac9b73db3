/* The kernels that there are for a type of weights, and what their launches need to know. */
#ifndef QJ_OPS_TYPE_H
#define QJ_OPS_TYPE_H

#include <qjit/gguf.h>

/* In place of a kernel: there is none. (0 is quantize_q8_1, which is not of any type.) */
#define QJ_NO_KERNEL 0u

enum { QJ_COLUMNS_MAX = 8 }; /* of a mat-vec */

struct qj_type {
    uint32_t ggml; /* qjit_ggml_type */
    /* Of 1 to 8 columns: with q8_1 activations, and with f32; of quantised types the latter is of one. */
    qjit_kernel mat_vec[QJ_COLUMNS_MAX], mat_vec_f32[QJ_COLUMNS_MAX];
    qjit_kernel mat_vec_wide;
    uint32_t wide_subgroups, wide_blocks; /* of its block of threads; blocks for each compute unit */
    qjit_kernel mul_mat, mul_mat_narrow;
    uint32_t tile_rows, tile_columns; /* of a mul_mat's block of threads */
    qjit_kernel dequantize_f32, dequantize_f16;
    qjit_kernel get_rows;
    uint32_t get_rows_threads; /* QJ_THREADS of its unit */
    qjit_kernel experts;
};

/* NULL: no kernel takes the type. */
const struct qj_type *qj_type_find(uint32_t ggml);

#endif
