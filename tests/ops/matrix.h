/* Matrices of every type that operators take, and what they must give. */
#ifndef QJ_TESTS_OPS_MATRIX_H
#define QJ_TESTS_OPS_MATRIX_H

#include <cpu_ref/get_rows.h>
#include <cpu_ref/indexed_moe.h>

#include "ops.h"

struct matrix_type {
    const char *name; /* as in cpu_ref */
    uint32_t ggml;
    const struct ref_type *blocks; /* NULL: plain numbers */
    uint32_t block;                /* elements */
};

/* "q4_0", "bf16"; fails the test if there is no such type. */
struct matrix_type matrix_type(const char *name);

/* n rows of k elements, all finite; free() it. The same seed gives the same. */
void *matrix_random(const struct matrix_type *type, size_t n, size_t k, uint32_t seed);

/* n numbers between -1 and 1; free() it. */
float *floats_random(size_t n, uint32_t seed);

/* The product of n x k weights and batch rows of x; free() it. */
struct ref_sum *matrix_product(const struct matrix_type *type, const void *weights, const float *x, size_t n,
                               size_t k, size_t batch, bool through_q8_1);

/* Fails the test unless each of got is as near to wanted as that many f32 additions may be off, each by 2^-24
 * of the sum of the magnitudes, and 16 more for the products. */
void expect_sums(const char *what, const float *got, const struct ref_sum *wanted, size_t n,
                 size_t n_additions);

#endif
