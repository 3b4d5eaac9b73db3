// Dot products of weight blocks with q8_1 activations: dot_product<block type>.
//
// The work that a thread does at a time is a part: PARTS of them are one block, or one is BLOCKS blocks.
// Parts are large, so that neighbouring lanes, with a q8_1 block of 36 bytes each, read it by few and wide
// loads.
//   weights::load(x, p, n)   loads part p of block x, after which n blocks of the row (x too) are left
//   activations::load(y, p)  loads what meets it; y is the q8_1 block that meets the block's first element
//   dot(w, a)                the sum over the part
// so a thread with several rows loads the activations once, with several columns the weights.
//
// With d_w, m_w the weights' scale and minimum, q their quants, and d, s, u those of q8_1: q4_0 to q5_1 take
// the sum over what a block adds to every quant from s, the sum before quantisation:
//   d_w * (d * sum(q u) - 8 s),  d_w * d * sum(q u) + m_w * s
// and the K types, whose groups can be shorter than a q8_1 block, from the quants: d * sum(u).
// Sums of products are exact integers below 2^24; floats are rounded from there on.
//
// x must be aligned as its block size allows: q4_K and q5_K to 16, q5_1 to 8, q4_1, q2_K to 4, others to 2.
// y must be aligned to 16 and a column of it an even number of blocks.
#pragma once

#define QJ_LOAD_VECTORS
#include "dp4a.h"
#include "load.h"

template <typename Block> struct dot_product;

// N q8_1 blocks in a row.
template <int N> struct activations_of_blocks {
    float d[N], s[N];
    int sum[N][2]; // of the first and the second 16 quants
    uint32_t u[N][8];

    __device__ __forceinline__ void load(lane_pointer<block_q8_1> y, unsigned p)
    {
        uint32_t words[9 * N];
        if (N % 4 == 0)
            load_by_16_bytes(words, y + N * p);
        else
            load_by_8_bytes(words, y + N * p);
#pragma unroll
        for (int g = 0; g < N; g++) {
            d[g] = low_half(words[9 * g]);
            s[g] = high_half(words[9 * g]);
#pragma unroll
            for (int i = 0; i < 8; i++)
                u[g][i] = words[9 * g + 1 + i];
            sum[g][0] = sum_bytes<4>(u[g]);
            sum[g][1] = sum_bytes<4>(u[g] + 4);
        }
    }
};

// ---- blocks of 32: a part is two of them, the last of a row may be one

// One has load(block) and dot(d, s, u) for one block.
template <typename Block, typename One, typename Activations = activations_of_blocks<2>> struct dot_of_two {
    enum { BLOCKS = 2, PARTS = 1 };
    typedef Activations activations;
    struct weights {
        One first, second;
        bool is_two;

        __device__ __forceinline__ void load(lane_pointer<Block> x, unsigned, unsigned n_left)
        {
            is_two = n_left > 1;
            first.load(x);
            second.load(x + is_two);
        }
    };
    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        const float second = w.second.dot(a.d[1], a.s[1], a.u[1]);
        return w.first.dot(a.d[0], a.s[0], a.u[0]) + (w.is_two ? second : 0.0f);
    }
};

QJ_DEVICE void unpack_nibbles(uint32_t (&out)[8], const uint32_t *words)
{
#pragma unroll
    for (int i = 0; i < 4; i++) {
        out[i] = words[i] & 0x0f0f0f0f;
        out[i + 4] = words[i] >> 4 & 0x0f0f0f0f;
    }
}

// Bit i of `bits` to bit 4 of byte i. Four bits at a time are spread by a factor of 23 bits: a multiplication
// of 24 by 24 will do.
QJ_DEVICE void add_fifth_bits(uint32_t (&q)[8], uint32_t bits)
{
#pragma unroll
    for (int i = 0; i < 8; i++)
        q[i] |= ((bits >> (4 * i) & 0xf) * 0x204081u & 0x01010101u) << 4;
}

struct one_q4_0 {
    float d;
    uint32_t q[8];

    __device__ __forceinline__ void load(lane_pointer<block_q4_0> x)
    {
        uint32_t words[4];
        QJ_LOAD_BEHIND_SCALE(words, d, x, x->qs);
        unpack_nibbles(q, words);
    }
    __device__ __forceinline__ float dot(float d_y, float s_y, const uint32_t *u) const
    {
        return d * (d_y * (float)dot_words(q, u) - 8.0f * s_y);
    }
};
template <> struct dot_product<block_q4_0> : dot_of_two<block_q4_0, one_q4_0> {
};

struct one_q4_1 {
    float d, m;
    uint32_t q[8];

    __device__ __forceinline__ void load(lane_pointer<block_q4_1> x)
    {
        uint32_t words[5];
        load_words(words, x);
        d = low_half(words[0]);
        m = high_half(words[0]);
        unpack_nibbles(q, words + 1);
    }
    __device__ __forceinline__ float dot(float d_y, float s_y, const uint32_t *u) const
    {
        return d * d_y * (float)dot_words(q, u) + m * s_y;
    }
};
template <> struct dot_product<block_q4_1> : dot_of_two<block_q4_1, one_q4_1> {
};

struct one_q5_0 {
    float d;
    uint32_t q[8];

    __device__ __forceinline__ void load(lane_pointer<block_q5_0> x)
    {
        uint32_t words[5]; // qh and qs
        QJ_LOAD_BEHIND_SCALE(words, d, x, x->qh);
        unpack_nibbles(q, words + 1);
        add_fifth_bits(q, words[0]);
    }
    __device__ __forceinline__ float dot(float d_y, float s_y, const uint32_t *u) const
    {
        return d * (d_y * (float)dot_words(q, u) - 16.0f * s_y);
    }
};
template <> struct dot_product<block_q5_0> : dot_of_two<block_q5_0, one_q5_0> {
};

struct one_q5_1 {
    float d, m;
    uint32_t q[8];

    __device__ __forceinline__ void load(lane_pointer<block_q5_1> x)
    {
        uint32_t words[6];
        load_by_8_bytes(words, x);
        d = low_half(words[0]);
        m = high_half(words[0]);
        unpack_nibbles(q, words + 2);
        add_fifth_bits(q, words[1]);
    }
    __device__ __forceinline__ float dot(float d_y, float s_y, const uint32_t *u) const
    {
        return d * d_y * (float)dot_words(q, u) + m * s_y;
    }
};
template <> struct dot_product<block_q5_1> : dot_of_two<block_q5_1, one_q5_1> {
};

struct one_q8_0 {
    float d;
    uint32_t q[8];

    __device__ __forceinline__ void load(lane_pointer<block_q8_0> x)
    {
        load_even(q, x->qs);
        d = __half2float(x->d);
    }
    __device__ __forceinline__ float dot(float d_y, float, const uint32_t *u) const
    {
        return d * d_y * (float)dot_words(q, u);
    }
};
template <> struct dot_product<block_q8_0> : dot_of_two<block_q8_0, one_q8_0> {
};

// ---- q4_K and q5_K: part p has the elements 64 p to 64 p + 63

// Scales and minima of groups 2 j and 2 j + 1, of the head of a block, as bytes 0 and 1.
QJ_DEVICE void unpack_scales_q4_K(uint32_t &scales, uint32_t &minima, const uint32_t (&head)[4], unsigned j)
{
    const unsigned shift = 16 * (j % 2);
    const uint32_t a = head[1] >> shift, b = head[2] >> shift, c = head[3] >> shift;
    scales = j < 2 ? a & 0x3f3f : (c & 0x0f0f) | (a >> 2 & 0x3030);
    minima = j < 2 ? b & 0x3f3f : (c >> 4 & 0x0f0f) | (b >> 2 & 0x3030);
}

struct weights_of_pairs {
    float d, m;
    int scale[2], minimum[2];
    uint32_t q[2][8];

    template <typename Place> __device__ __forceinline__ void load_pairs(Place x, unsigned p)
    {
        uint32_t head[4], words[8], scales, minima;
        load_by_16_bytes(words, QJ_BYTES_OF(x, qs, 32 * p));
        load_by_16_bytes(head, x);
        d = low_half(head[0]);
        m = high_half(head[0]);
        unpack_scales_q4_K(scales, minima, head, p);
#pragma unroll
        for (int g = 0; g < 2; g++) {
            scale[g] = (int)(scales >> (8 * g) & 0xff);
            minimum[g] = (int)(minima >> (8 * g) & 0xff);
#pragma unroll
            for (int i = 0; i < 8; i++)
                q[g][i] = words[i] >> (4 * g) & 0x0f0f0f0f;
        }
    }
};

QJ_DEVICE float dot_pairs(const weights_of_pairs &w, const activations_of_blocks<2> &a)
{
    float products = 0.0f, minima = 0.0f;
#pragma unroll
    for (int g = 0; g < 2; g++) {
        products += a.d[g] * (float)(dot_words(w.q[g], a.u[g]) * w.scale[g]);
        minima += a.d[g] * (float)((a.sum[g][0] + a.sum[g][1]) * w.minimum[g]);
    }
    return w.d * products - w.m * minima;
}

template <> struct dot_product<block_q4_K> {
    enum { BLOCKS = 1, PARTS = 4 };
    typedef activations_of_blocks<2> activations;
    struct weights : weights_of_pairs {
        __device__ __forceinline__ void load(lane_pointer<block_q4_K> x, unsigned p, unsigned)
        {
            load_pairs(x, p);
        }
    };
    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        return dot_pairs(w, a);
    }
};

template <> struct dot_product<block_q5_K> {
    enum { BLOCKS = 1, PARTS = 4 };
    typedef activations_of_blocks<2> activations;
    struct weights : weights_of_pairs {
        __device__ __forceinline__ void load(lane_pointer<block_q5_K> x, unsigned p, unsigned)
        {
            uint32_t fifth[8];
            load_pairs(x, p);
            load_by_16_bytes(fifth, x->qh);
#pragma unroll
            for (int i = 0; i < 8; i++) {
                const uint32_t bits = fifth[i] >> (2 * p);
                q[0][i] |= bits << 4 & 0x10101010;
                q[1][i] |= bits << 3 & 0x10101010;
            }
        }
    };
    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        return dot_pairs(w, a);
    }
};

// ---- q2_K and q3_K: part p has the elements 128 p to 128 p + 127
//
// They are four groups of 32, and of each group a run of 16 for each of its two scales.

#ifdef QJ_UNPACK_FIRST
// Unpacked before the first product, for all columns: the compiler takes long to find that by itself.
template <typename Packed> struct unpacked : Packed {
    uint32_t quants[4][8];
    int factors[4][2];

    template <typename Place> __device__ __forceinline__ void load(Place x, unsigned p, unsigned n_left)
    {
        Packed::load(x, p, n_left);
#pragma unroll
        for (int g = 0; g < 4; g++) {
            factors[g][0] = Packed::scale(g, 0);
            factors[g][1] = Packed::scale(g, 1);
#pragma unroll
            for (int i = 0; i < 8; i++)
                quants[g][i] = Packed::quant(g, i);
        }
    }
    __device__ __forceinline__ uint32_t quant(int g, int i) const
    {
        return quants[g][i];
    }
    __device__ __forceinline__ int scale(int g, int h) const
    {
        return factors[g][h];
    }
};
#else
template <typename Packed> using unpacked = Packed;
#endif

#ifndef __HIP_PLATFORM_NVIDIA__ // which has its own in dot_cuda.h
struct packed_q2_K {
    float d, m;
    uint32_t scales[2]; // byte 2 g + h for run h of group g: low nibble scale, high nibble minimum
    uint32_t q[8];      // group g: bits 2 g and 2 g + 1 of each byte

    __device__ __forceinline__ void load(lane_pointer<block_q2_K> x, unsigned p, unsigned)
    {
        load_words(q, QJ_BYTES_OF(x, qs, 32 * p));
        load_words(scales, QJ_BYTES_OF(x, scales, 8 * p));
        const uint32_t dm = aligned_word(&x->d);
        d = low_half(dm);
        m = high_half(dm);
    }
    __device__ __forceinline__ uint32_t quant(int g, int i) const
    {
        return q[i] >> (2 * g) & 0x03030303;
    }
    __device__ __forceinline__ int scale(int g, int h) const
    {
        return (int)(scales[g / 2] >> (g % 2 * 16 + h * 8) & 0xf);
    }
    __device__ __forceinline__ int minimum(int g, int h) const
    {
        return (int)(scales[g / 2] >> (g % 2 * 16 + h * 8 + 4) & 0xf);
    }
};

template <> struct dot_product<block_q2_K> {
    enum { BLOCKS = 1, PARTS = 2 };
    typedef activations_of_blocks<4> activations;
    typedef unpacked<packed_q2_K> weights;

    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        float products = 0.0f, minima = 0.0f;
#pragma unroll
        for (int g = 0; g < 4; g++) {
            int product = 0, minimum = 0;
#pragma unroll
            for (int h = 0; h < 2; h++) {
                int sum = 0;
#pragma unroll
                for (int i = 4 * h; i < 4 * h + 4; i++)
                    sum = dp4a(w.quant(g, i), a.u[g][i], sum);
                product += sum * w.scale(g, h);
                minimum += a.sum[g][h] * w.minimum(g, h);
            }
            products += a.d[g] * (float)product;
            minima += a.d[g] * (float)minimum;
        }
        return w.d * products - w.m * minima;
    }
};
#endif

struct packed_q3_K {
    float d;
    uint32_t scales[3]; // see scale_q3_K() of dequantize.h; those of this part begin at bit 0
    uint32_t q[8];      // group g: bits 2 g and 2 g + 1 of each byte
    uint32_t high[8];   // group g: bit g of each byte, the third bit of its quant

    __device__ __forceinline__ void load(lane_pointer<block_q3_K> x, unsigned p, unsigned)
    {
        load_even(q, QJ_BYTES_OF(x, qs, 32 * p));
        load_even(high, x->hmask);
        load_even(scales, x->scales);
        d = __half2float(x->d);
#pragma unroll
        for (int i = 0; i < 8; i++)
            high[i] >>= 4 * p;
#pragma unroll
        for (int i = 0; i < 3; i++)
            scales[i] >>= 4 * p;
    }
    __device__ __forceinline__ uint32_t quant(int g, int i) const
    {
        uint32_t bits = q[i], third = high[i];
        QJ_KEEP(bits);
        QJ_KEEP(third);
        third = g < 2 ? third << (2 - g) : third >> (g - 2);
        return (bits >> (2 * g) & 0x03030303) | (third & 0x04040404);
    }
    __device__ __forceinline__ int scale(int g, int h) const
    {
        const int shift = g % 2 * 16 + h * 8;
        const uint32_t low_bits = scales[g / 2] >> shift & 0xf;
        const uint32_t high_bits = scales[2] >> (shift + g / 2 * 2) & 3;
        return (int)(low_bits | high_bits << 4) - 32;
    }
};

template <> struct dot_product<block_q3_K> {
    enum { BLOCKS = 1, PARTS = 2 };
    typedef activations_of_blocks<4> activations;
    typedef unpacked<packed_q3_K> weights;

    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        float products = 0.0f;
#pragma unroll
        for (int g = 0; g < 4; g++) {
            int product = 0;
#pragma unroll
            for (int h = 0; h < 2; h++) {
                int sum = 0;
#pragma unroll
                for (int i = 4 * h; i < 4 * h + 4; i++)
                    sum = dp4a(w.quant(g, i), a.u[g][i], sum);
                product += (sum - 4 * a.sum[g][h]) * w.scale(g, h);
            }
            products += a.d[g] * (float)product;
        }
        return w.d * products;
    }
};

// ---- q6_K: part p has the elements 128 (p / 4) + 32 (p / 2 % 2) + 16 (p % 2) + 64 g + 0 to 15 for g = 0 and
// 1
//
// These share their low bytes. A part of 128 elements, as of q2_K and q3_K, would take too many registers.

template <> struct dot_product<block_q6_K> {
    enum { BLOCKS = 1, PARTS = 8 };
    struct activations {
        float d[2];
        int sum[2];
        uint32_t u[2][4];

        __device__ __forceinline__ void load(lane_pointer<block_q8_1> y, unsigned p)
        {
            const lane_pointer<block_q8_1> block = y + (p / 4 * 4 + p / 2 % 2);
            const int8_t *quants = QJ_BYTES_OF(block, qs, p % 2 * 16);
#pragma unroll
            for (int g = 0; g < 2; g++) {
                load_words(u[g], quants + 2 * g * sizeof(block_q8_1));
                d[g] = __half2float(((const block_q8_1 *)block)[2 * g].d);
                sum[g] = sum_bytes<4>(u[g]);
            }
        }
    };
    struct weights {
        float d;
        int scale[2];
        uint32_t q[2][4];

        __device__ __forceinline__ void load(lane_pointer<block_q6_K> x, unsigned p, unsigned)
        {
            uint32_t low[4], high[4];
            load_even(low, QJ_BYTES_OF(x, ql, 16 * p));
            load_even(high, QJ_BYTES_OF(x, qh, p / 4 * 32 + p % 2 * 16));
            const int8_t *scales = QJ_BYTES_OF(x, scales, p / 4 * 8 + p % 4);
            scale[0] = scales[0];
            scale[1] = scales[4];
            d = __half2float(x->d);
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const uint32_t bits = high[i] >> (p / 2 % 2 * 2);
                q[0][i] = (low[i] & 0x0f0f0f0f) | (bits << 4 & 0x30303030);
                q[1][i] = (low[i] >> 4 & 0x0f0f0f0f) | (bits & 0x30303030);
            }
        }
    };
    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        float products = 0.0f;
#pragma unroll
        for (int g = 0; g < 2; g++)
            products += a.d[g] * (float)((dot_words(w.q[g], a.u[g]) - 32 * a.sum[g]) * w.scale[g]);
        return w.d * products;
    }
};

#ifdef __HIP_PLATFORM_NVIDIA__
#include "dot_cuda.h"
#endif
