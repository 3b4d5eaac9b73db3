// The value of element i of a block, for every block type with a dequantize kernel.
//
// Scale times quant is exact in float for every type but q8_K: a significand of 11 bits (f16) times at most 8
// of scale and 6 of quant fits in 24. So each value is rounded at most once, by the addition of the minimum
// or, for q8_K, by the product: it is the same bits whether or not the compiler contracts to fused
// multiply-add.
#pragma once

#include "blocks.h"

QJ_DEVICE int nibble(const uint8_t *qs, unsigned i)
{
    const unsigned byte = qs[i % 16];
    return (int)(i < 16 ? byte & 0xf : byte >> 4);
}

QJ_DEVICE int fifth_bit(const uint8_t *qh, unsigned i)
{
    return (int)(((unsigned)qh[i / 8] >> (i % 8) & 1) << 4);
}

QJ_DEVICE float element(const block_q4_0 &b, unsigned i)
{
    return __half2float(b.d) * (float)(nibble(b.qs, i) - 8);
}

QJ_DEVICE float element(const block_q4_1 &b, unsigned i)
{
    return __half2float(b.d) * (float)nibble(b.qs, i) + __half2float(b.m);
}

QJ_DEVICE float element(const block_q5_0 &b, unsigned i)
{
    return __half2float(b.d) * (float)((nibble(b.qs, i) | fifth_bit(b.qh, i)) - 16);
}

QJ_DEVICE float element(const block_q5_1 &b, unsigned i)
{
    return __half2float(b.d) * (float)(nibble(b.qs, i) | fifth_bit(b.qh, i)) + __half2float(b.m);
}

QJ_DEVICE float element(const block_q8_0 &b, unsigned i)
{
    return __half2float(b.d) * (float)b.qs[i];
}

QJ_DEVICE float element(const block_q8_K &b, unsigned i)
{
    return b.d * (float)b.qs[i];
}

// q2_K and q3_K keep two bits of element i in qs[32 * (i / 128) + i % 32], at bit 2 * (i / 32 % 4).
QJ_DEVICE int two_bits(const uint8_t *qs, unsigned i)
{
    return (int)((unsigned)qs[i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2) & 3);
}

QJ_DEVICE float element(const block_q2_K &b, unsigned i)
{
    const unsigned scale = b.scales[i / 16];
    return __half2float(b.d) * (float)(scale & 0xf) * (float)two_bits(b.qs, i) -
           __half2float(b.dmin) * (float)(scale >> 4);
}

// Scale j of 16: low four bits in the nibbles of bytes 0 to 7, high two in bytes 8 to 11.
QJ_DEVICE int scale_q3_K(const uint8_t *scales, unsigned j)
{
    const unsigned low = (unsigned)scales[j % 8] >> (j / 8 * 4) & 0xf;
    const unsigned high = (unsigned)scales[8 + j % 4] >> (j / 4 * 2) & 3;
    return (int)(low | high << 4) - 32;
}

QJ_DEVICE float element(const block_q3_K &b, unsigned i)
{
    const unsigned third_bit = (unsigned)b.hmask[i % 32] >> (i / 32) & 1;
    const int q = two_bits(b.qs, i) - (third_bit ? 0 : 4);
    return __half2float(b.d) * (float)scale_q3_K(b.scales, i / 16) * (float)q;
}

// q4_K and q5_K: scale and minimum of the 32 elements of group j. The twelve bytes are taken as three words
// of four: the first four scales, the first four minima, and the low nibbles of the last four scales with
// those of their minima above; the high two bits of the last four lie atop the first four.
QJ_DEVICE uint32_t four_scales_q4_K(const uint8_t *scales, unsigned j)
{
    const uint32_t first = aligned_word(scales), last = aligned_word(scales + 8);
    return (j & 4) == 0 ? first & 0x3f3f3f3f : (last & 0x0f0f0f0f) | (first >> 2 & 0x30303030);
}

QJ_DEVICE uint32_t four_minima_q4_K(const uint8_t *scales, unsigned j)
{
    const uint32_t first = aligned_word(scales + 4), last = aligned_word(scales + 8);
    return (j & 4) == 0 ? first & 0x3f3f3f3f : (last >> 4 & 0x0f0f0f0f) | (first >> 2 & 0x30303030);
}

QJ_DEVICE int scale_q4_K(const uint8_t *scales, unsigned j)
{
    return (int)(four_scales_q4_K(scales, j) >> (j % 4 * 8) & 0xff);
}

QJ_DEVICE int minimum_q4_K(const uint8_t *scales, unsigned j)
{
    return (int)(four_minima_q4_K(scales, j) >> (j % 4 * 8) & 0xff);
}

// Two groups of 32 share their bytes: the even one has the low nibbles.
QJ_DEVICE int nibble_q4_K(const uint8_t *qs, unsigned i)
{
    return (int)((unsigned)qs[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4) & 0xf);
}

QJ_DEVICE float element(const block_q4_K &b, unsigned i)
{
    const unsigned j = i / 32;
    return __half2float(b.d) * (float)scale_q4_K(b.scales, j) * (float)nibble_q4_K(b.qs, i) -
           __half2float(b.dmin) * (float)minimum_q4_K(b.scales, j);
}

QJ_DEVICE float element(const block_q5_K &b, unsigned i)
{
    const unsigned j = i / 32, fifth = (unsigned)b.qh[i % 32] >> j & 1;
    return __half2float(b.d) * (float)scale_q4_K(b.scales, j) *
               (float)(nibble_q4_K(b.qs, i) + (int)(fifth << 4)) -
           __half2float(b.dmin) * (float)minimum_q4_K(b.scales, j);
}

// Of each 128 elements, group g of 32 has its low nibbles in 32 bytes of ql (g even the first 32, odd the
// second; g < 2 low nibble, else high) and its high two bits in qh[i % 32] at bit 2 * g.
QJ_DEVICE float element(const block_q6_K &b, unsigned i)
{
    const unsigned half_of_block = i / 128, g = i / 32 % 4;
    const unsigned low = (unsigned)b.ql[half_of_block * 64 + g % 2 * 32 + i % 32] >> (g / 2 * 4) & 0xf;
    const unsigned high = (unsigned)b.qh[half_of_block * 32 + i % 32] >> (g * 2) & 3;
    return __half2float(b.d) * (float)b.scales[i / 16] * (float)((int)(low | high << 4) - 32);
}
