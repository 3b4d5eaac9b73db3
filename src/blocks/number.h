/* Numbers as blocks have them: little endian, at any address. */
#ifndef QJ_BLOCKS_NUMBER_H
#define QJ_BLOCKS_NUMBER_H

#include <stdint.h>
#include <string.h>

static inline uint32_t qj_float_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float qj_float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t qj_get_u16(const uint8_t bytes[static 2])
{
    return bytes[0] | (uint32_t)bytes[1] << 8;
}

static inline void qj_put_u16(uint8_t out[static 2], uint32_t number)
{
    out[0] = (uint8_t)number;
    out[1] = (uint8_t)(number >> 8);
}

static inline uint32_t qj_get_u32(const uint8_t bytes[static 4])
{
    return qj_get_u16(bytes) | qj_get_u16(bytes + 2) << 16;
}

static inline void qj_put_u32(uint8_t out[static 4], uint32_t number)
{
    qj_put_u16(out, number & 0xffff);
    qj_put_u16(out + 2, number >> 16);
}

/* IEEE binary16: sign 1 bit, exponent 5 with bias 15, fraction 10. Exact. */
static inline float qj_get_f16(const uint8_t bytes[static 2])
{
    const uint32_t half = qj_get_u16(bytes), size = half & 0x7fff, sign = (half & 0x8000) << 16;
    if (size < 0x400) { /* subnormal: units of 2^-24 */
        return qj_float_of_bits(qj_float_bits((float)size * 0x1p-24f) | sign);
    }
    /* The exponent's bias is 112 more in a float, or 224 if it is all ones: then it is to be all ones again.
     */
    return qj_float_of_bits(sign | ((size << 13) + (size < 0x7c00 ? 112u << 23 : 224u << 23)));
}

/* To nearest, ties to even; 65520 and more is infinity; a NaN becomes 0x7e00 with its sign. */
static inline void qj_put_f16(uint8_t out[static 2], float x)
{
    const uint32_t bits = qj_float_bits(x), size = bits & 0x7fffffff, sign = bits >> 16 & 0x8000;
    uint32_t half;
    if (size > 0x7f800000) {
        half = 0x7e00;
    } else if (size >= 0x477ff000) {
        half = 0x7c00;
    } else if (size < 0x38800000) {
        /* Below 2^-14 the unit is 2^-24, which is also that of floats from 1/2 to 1: the sum is rounded to
         * it. */
        half = qj_float_bits(qj_float_of_bits(size) + 0.5f) - qj_float_bits(0.5f);
    } else {
        half = (size - (112u << 23) + 0xfff + (size >> 13 & 1)) >> 13;
    }
    qj_put_u16(out, half | sign);
}

/* The upper half of a float. */
static inline float qj_get_bf16(const uint8_t bytes[static 2])
{
    return qj_float_of_bits(qj_get_u16(bytes) << 16);
}

/* To nearest, ties to even; a NaN stays one. */
static inline void qj_put_bf16(uint8_t out[static 2], float x)
{
    const uint32_t bits = qj_float_bits(x);
    const int nan = (bits & 0x7fffffff) > 0x7f800000;
    qj_put_u16(out, nan ? bits >> 16 | 0x40 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* An f16 scale or minimum, never infinite: what is too large becomes the largest. Gives what was put. */
static inline float qj_put_scale(uint8_t out[static 2], float x)
{
    const float largest = 65504.0f;
    qj_put_f16(out, x > largest ? largest : x < -largest ? -largest : x);
    return qj_get_f16(out);
}

/* 1 / x; 0 where that would not be finite: nothing is left of what is so small. */
static inline float qj_inverse(float x)
{
    return (qj_float_bits(x) & 0x7fffffff) < 0x00800000 ? 0.0f : 1.0f / x;
}

/* The nearest integer from low to high, halves away from zero. */
static inline int qj_nearest(double x, int low, int high)
{
    return x <= low ? low : x >= high ? high : (int)(x < 0 ? x - 0.5 : x + 0.5);
}

#endif
