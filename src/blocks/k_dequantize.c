/* Q2_K to Q6_K read: 256 elements, with scales of their own for each 16 or 32. */
#include "blocks/blocks.h"
#include "blocks/layout.h"
#include "blocks/number.h"
#include "blocks/pack.h"

void qj_dequantize_Q2_K(float *out, const void *blocks, size_t n)
{
    int q[QJ_SUPER];
    for (const struct qj_q2_K *block = blocks; n > 0; n--, block++, out += QJ_SUPER) {
        const float d = qj_get_f16(block->d), dmin = qj_get_f16(block->dmin);
        qj_get_pairs(q, block->qs);
        for (int i = 0; i < QJ_SUPER; i++) {
            const int scale = block->scales[i / 16];
            out[i] = d * (float)(scale & 15) * (float)q[i] - dmin * (float)(scale >> 4);
        }
    }
}

void qj_dequantize_Q3_K(float *out, const void *blocks, size_t n)
{
    int q[QJ_SUPER], scales[16];
    for (const struct qj_q3_K *block = blocks; n > 0; n--, block++, out += QJ_SUPER) {
        const float d = qj_get_f16(block->d);
        qj_get_pairs(q, block->qs);
        qj_add_bits(q, block->hmask, 2);
        qj_get_scales_q3(scales, block->scales);
        for (int i = 0; i < QJ_SUPER; i++) {
            const int g = i / 16;
            out[i] = d * (float)(scales[g] - 32) * (float)(q[i] - 4);
        }
    }
}

static void put_lines(float *out, float d, float dmin, const uint8_t packed[12], const int q[QJ_SUPER])
{
    int scales[8], minima[8];
    qj_get_scales_q4(scales, minima, packed);
    for (int i = 0; i < QJ_SUPER; i++) {
        const int g = i / 32;
        out[i] = d * (float)scales[g] * (float)q[i] - dmin * (float)minima[g];
    }
}

void qj_dequantize_Q4_K(float *out, const void *blocks, size_t n)
{
    int q[QJ_SUPER];
    for (const struct qj_q4_K *block = blocks; n > 0; n--, block++, out += QJ_SUPER) {
        qj_get_nibbles(q, block->qs);
        put_lines(out, qj_get_f16(block->d), qj_get_f16(block->dmin), block->scales, q);
    }
}

void qj_dequantize_Q5_K(float *out, const void *blocks, size_t n)
{
    int q[QJ_SUPER];
    for (const struct qj_q5_K *block = blocks; n > 0; n--, block++, out += QJ_SUPER) {
        qj_get_nibbles(q, block->qs);
        qj_add_bits(q, block->qh, 4);
        put_lines(out, qj_get_f16(block->d), qj_get_f16(block->dmin), block->scales, q);
    }
}

void qj_dequantize_Q6_K(float *out, const void *blocks, size_t n)
{
    int q[QJ_SUPER];
    for (const struct qj_q6_K *block = blocks; n > 0; n--, block++, out += QJ_SUPER) {
        const float d = qj_get_f16(block->d);
        qj_get_q6(q, block->ql, block->qh);
        for (int i = 0; i < QJ_SUPER; i++) {
            out[i] = d * (float)(int8_t)block->scales[i / 16] * (float)(q[i] - 32);
        }
    }
}
