// Four neighbouring elements of a block at a time, for kernels that write them with one store. The values are
// those of element() in dequantize.h, to the bit and for the same reason.
//
// quad(block, i) has elements 4 i to 4 i + 3, for get(): where a type has one of its own, as signed quants,
// bytes of a word, and what they share; their values are scale * quant, plus minimum where has_minimum.
#pragma once

#include "dequantize.h"
#include "load.h"

struct quad_of_quants {
    uint32_t quants;
    float scale, minimum;
    bool has_minimum;

    __device__ __forceinline__ void get(float (&out)[4]) const
    {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const float product = scale * (float)(int8_t)(quants >> (8 * i));
            out[i] = has_minimum ? product + minimum : product;
        }
    }
};

// Of a type without a quad() of its own.
struct quad_of_elements {
    float values[4];

    __device__ __forceinline__ void get(float (&out)[4]) const
    {
#pragma unroll
        for (int i = 0; i < 4; i++)
            out[i] = values[i];
    }
};

template <typename Block> QJ_DEVICE quad_of_elements quad(const Block &b, unsigned i)
{
    return {{element(b, 4 * i), element(b, 4 * i + 1), element(b, 4 * i + 2), element(b, 4 * i + 3)}};
}

// Four values by one store; y is aligned to that many bytes. Words are put together here: NVRTC makes of a
// copy of four f16 conversions of their values to bytes.
template <int N> struct alignas(4 * N) quad_of_words {
    uint32_t words[N];
};

QJ_DEVICE void put_quad(float *y, const float (&x)[4])
{
    *(quad_of_words<4> *)y = {
        {__float_as_uint(x[0]), __float_as_uint(x[1]), __float_as_uint(x[2]), __float_as_uint(x[3])}};
}

QJ_DEVICE uint32_t two_halves(float low, float high)
{
    return __half_as_ushort(__float2half_rn(low)) | (uint32_t)__half_as_ushort(__float2half_rn(high)) << 16;
}

QJ_DEVICE void put_quad(__half *y, const float (&x)[4])
{
    *(quad_of_words<2> *)y = {{two_halves(x[0], x[1]), two_halves(x[2], x[3])}};
}

// One quad, or two neighbouring ones of f16 by one store where y is aligned to it.
template <typename T> QJ_DEVICE void put_quads(T *y, const float (&x)[1][4], bool)
{
    put_quad(y, x[0]);
}

QJ_DEVICE void put_quads(__half *y, const float (&x)[2][4], bool is_aligned)
{
    if (is_aligned) {
        *(quad_of_words<4> *)y = {{two_halves(x[0][0], x[0][1]), two_halves(x[0][2], x[0][3]),
                                   two_halves(x[1][0], x[1][1]), two_halves(x[1][2], x[1][3])}};
    } else {
        put_quad(y, x[0]);
        put_quad(y + 4, x[1]);
    }
}

QJ_DEVICE quad_of_quants without_minimum(uint32_t quants, float scale)
{
    return {quants, scale, 0.0f, false};
}

QJ_DEVICE quad_of_quants with_minimum(uint32_t quants, float scale, float minimum)
{
    return {quants, scale, minimum, true};
}

// Four bytes at p, which is aligned to two.
QJ_DEVICE uint32_t even_word(const void *p)
{
    uint32_t word[1];
    load_even(word, p);
    return word[0];
}

// Four bytes of 0 to 127 less `number`, 0 to 128, as signed bytes: no byte borrows from the next.
QJ_DEVICE uint32_t less(uint32_t bytes, uint32_t number)
{
    return ((bytes | 0x80808080u) - number * 0x01010101u) ^ 0x80808080u;
}

// Four bits as bit 4 of four bytes.
QJ_DEVICE uint32_t spread_fifths(uint32_t bits)
{
    return ((bits & 0xf) * 0x204081u & 0x01010101u) << 4;
}

QJ_DEVICE quad_of_quants quad(const block_q4_0 &b, unsigned i)
{
    const uint32_t q = even_word(b.qs + i % 4 * 4) >> (i / 4 * 4) & 0x0f0f0f0f;
    return without_minimum(less(q, 8), __half2float(b.d));
}

QJ_DEVICE quad_of_quants quad(const block_q4_1 &b, unsigned i)
{
    const uint32_t q = aligned_word(b.qs + i % 4 * 4) >> (i / 4 * 4) & 0x0f0f0f0f, dm = aligned_word(&b);
    return with_minimum(q, low_half(dm), high_half(dm));
}

QJ_DEVICE quad_of_quants quad(const block_q5_0 &b, unsigned i)
{
    const uint32_t q = even_word(b.qs + i % 4 * 4) >> (i / 4 * 4) & 0x0f0f0f0f;
    const uint32_t fifths = spread_fifths(even_word(b.qh) >> (4 * i));
    return without_minimum(less(q | fifths, 16), __half2float(b.d));
}

QJ_DEVICE quad_of_quants quad(const block_q5_1 &b, unsigned i)
{
    const uint32_t q = aligned_word(b.qs + i % 4 * 4) >> (i / 4 * 4) & 0x0f0f0f0f, dm = aligned_word(&b);
    const uint32_t fifths = spread_fifths(aligned_word(b.qh) >> (4 * i));
    return with_minimum(q | fifths, low_half(dm), high_half(dm));
}

QJ_DEVICE quad_of_quants quad(const block_q8_0 &b, unsigned i)
{
    return without_minimum(even_word(b.qs + 4 * i), __half2float(b.d));
}

QJ_DEVICE quad_of_quants quad(const block_q8_K &b, unsigned i)
{
    return without_minimum(aligned_word(b.qs + 4 * i), b.d);
}

QJ_DEVICE quad_of_quants quad(const block_q2_K &b, unsigned i)
{
    const uint32_t q = aligned_word(b.qs + i / 32 * 32 + i % 8 * 4) >> (i / 8 % 4 * 2) & 0x03030303;
    const uint32_t scale = b.scales[i / 4], dm = aligned_word(&b.d);
    return with_minimum(q, low_half(dm) * (float)(scale & 0xf), -(high_half(dm) * (float)(scale >> 4)));
}

QJ_DEVICE quad_of_quants quad(const block_q3_K &b, unsigned i)
{
    const uint32_t low = even_word(b.qs + i / 32 * 32 + i % 8 * 4) >> (i / 8 % 4 * 2) & 0x03030303;
    const uint32_t third = even_word(b.hmask + i % 8 * 4) >> (i / 8) & 0x01010101;
    return without_minimum(less(low | third << 2, 4), __half2float(b.d) * (float)scale_q3_K(b.scales, i / 4));
}

QJ_DEVICE quad_of_quants quad(const block_q4_K &b, unsigned i)
{
    const uint32_t q = aligned_word(b.qs + i / 16 * 32 + i % 8 * 4) >> (i / 8 % 2 * 4) & 0x0f0f0f0f;
    const uint32_t dm = aligned_word(&b);
    return with_minimum(q, low_half(dm) * (float)scale_q4_K(b.scales, i / 8),
                        -(high_half(dm) * (float)minimum_q4_K(b.scales, i / 8)));
}

QJ_DEVICE quad_of_quants quad(const block_q5_K &b, unsigned i)
{
    const uint32_t q = aligned_word(b.qs + i / 16 * 32 + i % 8 * 4) >> (i / 8 % 2 * 4) & 0x0f0f0f0f;
    const uint32_t fifth = aligned_word(b.qh + i % 8 * 4) >> (i / 8) & 0x01010101, dm = aligned_word(&b);
    return with_minimum(q | fifth << 4, low_half(dm) * (float)scale_q4_K(b.scales, i / 8),
                        -(high_half(dm) * (float)minimum_q4_K(b.scales, i / 8)));
}

QJ_DEVICE quad_of_quants quad(const block_q6_K &b, unsigned i)
{
    const unsigned half_of_block = i / 32, g = i / 8 % 4;
    const uint32_t low = even_word(b.ql + half_of_block * 64 + g % 2 * 32 + i % 8 * 4) >> (g / 2 * 4);
    const uint32_t high = even_word(b.qh + half_of_block * 32 + i % 8 * 4) >> (g * 2) & 0x03030303;
    return without_minimum(less((low & 0x0f0f0f0f) | high << 4, 32),
                           __half2float(b.d) * (float)b.scales[i / 4]);
}
