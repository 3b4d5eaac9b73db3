/* Types whose quants are four bits that stand for a value of a table: iq4_nl and iq4_xs with values of their
 * own, mxfp4 and nvfp4 with the floats E2M1.
 *
 * mxfp4 and nvfp4 follow the number formats that they are made of: OCP E8M0, where 255 is NaN, and E4M3
 * without its sign, where 0x7f is NaN, nothing is infinite and bit 7 does not count. */
#ifndef QJ_TESTS_CPU_REF_FOUR_BIT_H
#define QJ_TESTS_CPU_REF_FOUR_BIT_H

#include <stddef.h>

#include "cpu_ref/blocks.h"

/* One block, as ref_type has it. */
void ref_dequantize_iq4_nl(double *out, const void *block);
void ref_dequantize_iq4_xs(double *out, const void *block);
void ref_dequantize_mxfp4(double *out, const void *block);
void ref_dequantize_nvfp4(double *out, const void *block);

/* The scales of mxfp4 and nvfp4 as numbers. */
double ref_e8m0_to_double(uint8_t bits);
double ref_ue4m3_to_double(uint8_t bits);

/* Blocks of finite floats, each quant the nearest value, the first of two as near. The scales are ggml's:
 *
 * iq4_nl: the element of largest magnitude becomes -127; then, with these quants, the scale that makes the
 * sum of x^2 * (error)^2 least mxfp4:  2^floor(log2(largest magnitude)) becomes 4; nothing is above 6 nvfp4:
 * the largest magnitude of 16 becomes 6, the scale rounded to nearest, halves up, and at most 448
 *
 * iq4_xs has none: its scales are found by trying. */
void ref_quantize_iq4_nl(struct ref_iq4_nl *out, const float *x, size_t n_blocks);
void ref_quantize_mxfp4(struct ref_mxfp4 *out, const float *x, size_t n_blocks);
void ref_quantize_nvfp4(struct ref_nvfp4 *out, const float *x, size_t n_blocks);

#endif
