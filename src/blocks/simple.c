/* The types of 32 elements with one scale: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 and Q8_1, and Q8_K, which is 256 of
 * the same. Scales come from the extremes, and quants from the scale before it is rounded to f16, as ggml has
 * it; only a scale too large for f16 is first made one that fits. */
#include "blocks/blocks.h"

#include "blocks/layout.h"
#include "blocks/number.h"

/* Of the largest size, with its sign. */
static float largest_of(const float *x, int n)
{
    float largest = 0.0f;
    for (int i = 0; i < n; i++) {
        if ((x[i] < 0 ? -x[i] : x[i]) > (largest < 0 ? -largest : largest)) {
            largest = x[i];
        }
    }
    return largest;
}

/* Puts a scale, and gives it as quants are to be divided by: unrounded, unless it is too large. */
static float put_scale(uint8_t out[2], float d)
{
    const float put = qj_put_scale(out, d);
    return d > 65504.0f || d < -65504.0f ? put : d;
}

/* x * inverse + offset cut to an integer from 0 to `highest`. */
static int quant(float x, float inverse, float offset, int highest)
{
    const float q = x * inverse + offset;
    return q <= 0.0f ? 0 : q >= (float)highest ? highest : (int)q;
}

/* 32 quants of four or five bits to nibbles, and their fifth bits to four bytes. */
static void put_quants(uint8_t qs[16], uint8_t qh[4], const int q[32])
{
    uint32_t fifths = 0;
    for (int i = 0; i < 16; i++) {
        qs[i] = (uint8_t)((q[i] & 15) | (q[i + 16] & 15) << 4);
    }
    for (int i = 0; i < 32; i++) {
        fifths |= (uint32_t)(q[i] >> 4) << i;
    }
    if (qh) {
        qj_put_u32(qh, fifths);
    }
}

static void get_quants(int q[32], const uint8_t qs[16], const uint8_t *qh)
{
    const uint32_t fifths = qh ? qj_get_u32(qh) : 0;
    for (int i = 0; i < 16; i++) {
        q[i] = qs[i] & 15;
        q[i + 16] = qs[i] >> 4;
    }
    for (int i = 0; i < 32; i++) {
        q[i] |= (int)(fifths >> i & 1) << 4;
    }
}

/* value = d * (q - zero), q from 0 to 2 * zero - 1: the largest becomes -zero. */
static void quantize_around_zero(int q[32], uint8_t d[2], const float *x, int zero)
{
    const float scale = put_scale(d, largest_of(x, QJ_BLOCK) / (float)-zero), inverse = qj_inverse(scale);
    for (int i = 0; i < QJ_BLOCK; i++) {
        q[i] = quant(x[i], inverse, (float)zero + 0.5f, 2 * zero - 1);
    }
}

/* value = d * q + m, q from 0 to `highest`. */
static void quantize_from_minimum(int q[32], uint8_t d[2], uint8_t m[2], const float *x, int highest)
{
    float low = x[0], high = x[0];
    for (int i = 1; i < QJ_BLOCK; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    const float minimum = put_scale(m, low), scale = put_scale(d, (high - minimum) / (float)highest);
    const float inverse = qj_inverse(scale);
    for (int i = 0; i < QJ_BLOCK; i++) {
        q[i] = quant(x[i] - minimum, inverse, 0.5f, highest);
    }
}

void qj_quantize_Q4_0(void *out, const float *x, size_t n)
{
    int q[QJ_BLOCK];
    for (struct qj_q4_0 *block = out; n > 0; n--, block++, x += QJ_BLOCK) {
        quantize_around_zero(q, block->d, x, 8);
        put_quants(block->qs, NULL, q);
    }
}

void qj_quantize_Q5_0(void *out, const float *x, size_t n)
{
    int q[QJ_BLOCK];
    for (struct qj_q5_0 *block = out; n > 0; n--, block++, x += QJ_BLOCK) {
        quantize_around_zero(q, block->d, x, 16);
        put_quants(block->qs, block->qh, q);
    }
}

void qj_quantize_Q4_1(void *out, const float *x, size_t n)
{
    int q[QJ_BLOCK];
    for (struct qj_q4_1 *block = out; n > 0; n--, block++, x += QJ_BLOCK) {
        quantize_from_minimum(q, block->d, block->m, x, 15);
        put_quants(block->qs, NULL, q);
    }
}

void qj_quantize_Q5_1(void *out, const float *x, size_t n)
{
    int q[QJ_BLOCK];
    for (struct qj_q5_1 *block = out; n > 0; n--, block++, x += QJ_BLOCK) {
        quantize_from_minimum(q, block->d, block->m, x, 31);
        put_quants(block->qs, block->qh, q);
    }
}

static float size_of_largest(const float *x, int n)
{
    const float largest = largest_of(x, n);
    return largest < 0 ? -largest : largest;
}

void qj_quantize_Q8_0(void *out, const float *x, size_t n)
{
    for (struct qj_q8_0 *block = out; n > 0; n--, block++, x += QJ_BLOCK) {
        const float scale = put_scale(block->d, size_of_largest(x, QJ_BLOCK) / 127.0f);
        const float inverse = qj_inverse(scale);
        for (int i = 0; i < QJ_BLOCK; i++) {
            block->qs[i] = (uint8_t)qj_nearest((double)(x[i] * inverse), -127, 127);
        }
    }
}

/* The order of the additions is the kernel's: each value to that half the block away, then half of that. */
static float sum_by_halves(const float *x)
{
    float sums[QJ_BLOCK];
    for (int i = 0; i < QJ_BLOCK; i++) {
        sums[i] = x[i];
    }
    for (int half = QJ_BLOCK / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; i++) {
            sums[i] += sums[i + half];
        }
    }
    return sums[0];
}

void qj_quantize_Q8_1(void *out, const float *x, size_t n)
{
    for (struct qj_q8_1 *block = out; n > 0; n--, block++, x += QJ_BLOCK) {
        const float scale = size_of_largest(x, QJ_BLOCK) / 127.0f;
        for (int i = 0; i < QJ_BLOCK; i++) {
            const float q = scale == 0.0f ? 0.0f : x[i] / scale; /* divided, as in the kernel */
            block->qs[i] = (uint8_t)qj_nearest((double)q, -127, 127);
        }
        qj_put_f16(block->d, scale);
        qj_put_f16(block->s, sum_by_halves(x));
    }
}

/* The largest becomes -127. */
void qj_quantize_Q8_K(void *out, const float *x, size_t n)
{
    for (struct qj_q8_K *block = out; n > 0; n--, block++, x += QJ_SUPER) {
        const float scale = largest_of(x, QJ_SUPER) / -127.0f, inverse = qj_inverse(scale);
        qj_put_u32(block->d, qj_float_bits(inverse == 0.0f ? 0.0f : scale));
        for (int g = 0; g < QJ_SUPER / 16; g++) {
            int sum = 0;
            for (int i = 16 * g; i < 16 * g + 16; i++) {
                const int q = qj_nearest((double)(x[i] * inverse), -127, 127);
                block->qs[i] = (uint8_t)q;
                sum += q;
            }
            qj_put_u16(block->bsums[g], (uint32_t)sum);
        }
    }
}

void qj_dequantize_Q4_0(float *out, const void *blocks, size_t n)
{
    int q[QJ_BLOCK];
    for (const struct qj_q4_0 *block = blocks; n > 0; n--, block++, out += QJ_BLOCK) {
        const float d = qj_get_f16(block->d);
        get_quants(q, block->qs, NULL);
        for (int i = 0; i < QJ_BLOCK; i++) {
            out[i] = d * (float)(q[i] - 8);
        }
    }
}

void qj_dequantize_Q4_1(float *out, const void *blocks, size_t n)
{
    int q[QJ_BLOCK];
    for (const struct qj_q4_1 *block = blocks; n > 0; n--, block++, out += QJ_BLOCK) {
        const float d = qj_get_f16(block->d), m = qj_get_f16(block->m);
        get_quants(q, block->qs, NULL);
        for (int i = 0; i < QJ_BLOCK; i++) {
            out[i] = d * (float)q[i] + m;
        }
    }
}

void qj_dequantize_Q5_0(float *out, const void *blocks, size_t n)
{
    int q[QJ_BLOCK];
    for (const struct qj_q5_0 *block = blocks; n > 0; n--, block++, out += QJ_BLOCK) {
        const float d = qj_get_f16(block->d);
        get_quants(q, block->qs, block->qh);
        for (int i = 0; i < QJ_BLOCK; i++) {
            out[i] = d * (float)(q[i] - 16);
        }
    }
}

void qj_dequantize_Q5_1(float *out, const void *blocks, size_t n)
{
    int q[QJ_BLOCK];
    for (const struct qj_q5_1 *block = blocks; n > 0; n--, block++, out += QJ_BLOCK) {
        const float d = qj_get_f16(block->d), m = qj_get_f16(block->m);
        get_quants(q, block->qs, block->qh);
        for (int i = 0; i < QJ_BLOCK; i++) {
            out[i] = d * (float)q[i] + m;
        }
    }
}

static void put_bytes(float *out, float d, const uint8_t *qs, int n)
{
    for (int i = 0; i < n; i++) {
        out[i] = d * (float)(int8_t)qs[i];
    }
}

void qj_dequantize_Q8_0(float *out, const void *blocks, size_t n)
{
    for (const struct qj_q8_0 *block = blocks; n > 0; n--, block++, out += QJ_BLOCK) {
        put_bytes(out, qj_get_f16(block->d), block->qs, QJ_BLOCK);
    }
}

void qj_dequantize_Q8_1(float *out, const void *blocks, size_t n)
{
    for (const struct qj_q8_1 *block = blocks; n > 0; n--, block++, out += QJ_BLOCK) {
        put_bytes(out, qj_get_f16(block->d), block->qs, QJ_BLOCK);
    }
}

void qj_dequantize_Q8_K(float *out, const void *blocks, size_t n)
{
    for (const struct qj_q8_K *block = blocks; n > 0; n--, block++, out += QJ_SUPER) {
        put_bytes(out, qj_float_of_bits(qj_get_u32(block->d)), block->qs, QJ_SUPER);
    }
}
