/* What the kernels must compute, written from the formats for reading rather than speed. */
#ifndef QJ_TESTS_CPU_REF_CPU_REF_H
#define QJ_TESTS_CPU_REF_CPU_REF_H

#include <stddef.h>
#include <stdint.h>

#include "cpu_ref/blocks.h"
#include "cpu_ref/f16.h"

struct ref_type {
    const char *name; /* "q4_0" */
    size_t n_elements, n_bytes;
    void (*dequantize)(double *out, const void *block); /* one block */
};

/* NULL if there is no such type. */
const struct ref_type *ref_type_find(const char *name);

/* Every value is exact: a sum of products of a few bits each, which a double holds. */
void ref_dequantize(double *out, const struct ref_type *type, const void *blocks, size_t n_blocks);

/* What dequantize_block_<T>_f32 and _f16 give: that value rounded to f32, and the f32 rounded to f16. */
float ref_to_f32(double value);
uint16_t ref_to_f16(double value);

/* n_rows rows of kx floats, packed, to rows of kx_padded / 32 blocks; columns from kx on count as 0. All
 * steps in f32, the sum by halving: 16 sums of elements i and i + 16, then 8, 4, 2, 1. */
void ref_quantize_q8_1(struct ref_q8_1 *out, const float *x, size_t kx, size_t kx_padded, size_t n_rows);

#endif
