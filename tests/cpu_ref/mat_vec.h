/* Matrices of quantised weights times columns of activations, in double and in the order of the elements. */
#ifndef QJ_TESTS_CPU_REF_MAT_VEC_H
#define QJ_TESTS_CPU_REF_MAT_VEC_H

#include "cpu_ref/cpu_ref.h"

/* One number of a result: the exact sum, and the sum of the terms' magnitudes, which rounding errors are
 * proportional to. What a block adds to all of its quants (a minimum, or the 8 that q4_0 takes off) is a term
 * of its own. */
struct ref_sum {
    double value, magnitude;
};

/* out[c * n + r]: row r of the n rows of x, of k elements each, times column c of y, n_columns columns of
 * k_padded / 32 blocks.
 *
 * q4_0, q4_1, q5_0 and q5_1 multiply what a block adds to its quants by the s of the activations' block, the
 * sum before they were quantised; every other type by the quantised activations themselves. */
void ref_mat_vec_q8_1(struct ref_sum *out, const struct ref_type *type, const void *x,
                      const struct ref_q8_1 *y, size_t k, size_t n, size_t k_padded, size_t n_columns);

/* out[r]: the same with one column of k floats. */
void ref_mat_vec_f32(struct ref_sum *out, const struct ref_type *type, const void *x, const float *y,
                     size_t k, size_t n);

/* out[c * n + r]: row r of the n rows of x, of k plain numbers each ("f32", "f16" or "bf16"), times column c
 * of y, which begins `column` floats after the one before. */
void ref_mat_vec_plain(struct ref_sum *out, const char *type, const void *x, const float *y, size_t k,
                       size_t n, size_t column, size_t n_columns);

#endif
