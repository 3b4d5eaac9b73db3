// Dot products of weight blocks with q8_1 activations: dot_product<block type>.
//
// A block is cut into PARTS equal parts, the work that a thread does at a time. For part p
//   weights::load(x, p)      loads and unpacks that part of block x into bytes and scales
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
#pragma once

#include "dp4a.h"
#include "load.h"

template <typename Block> struct dot_product;

// ---- q4_0, q4_1, q5_0, q5_1: part p has the elements 8 p to 8 p + 7 and those 16 further on

struct activations_of_halves {
    float d, s;
    uint32_t u[4];

    __device__ __forceinline__ void load(const block_q8_1 *y, unsigned p)
    {
        const uint32_t ds = aligned_word(y);
        d = low_half(ds);
        s = high_half(ds) * 0.5f; // each of the two parts takes half of it
        const int8_t *qs = y->qs + 8 * p;
        u[0] = aligned_word(qs);
        u[1] = aligned_word(qs + 4);
        u[2] = aligned_word(qs + 16);
        u[3] = aligned_word(qs + 20);
    }
};

QJ_DEVICE void unpack_nibbles(uint32_t (&out)[4], const uint32_t (&words)[2])
{
    out[0] = words[0] & 0x0f0f0f0f;
    out[1] = words[1] & 0x0f0f0f0f;
    out[2] = words[0] >> 4 & 0x0f0f0f0f;
    out[3] = words[1] >> 4 & 0x0f0f0f0f;
}

// Four bits as bit 4 of four bytes. The factor has 23 bits: a multiplication of 24 by 24 will do.
QJ_DEVICE uint32_t spread_fifth_bits(uint32_t bits)
{
    return ((bits & 0xf) * 0x204081u & 0x01010101u) << 4;
}

QJ_DEVICE void add_fifth_bits(uint32_t (&q)[4], uint32_t first, uint32_t second)
{
    q[0] |= spread_fifth_bits(first);
    q[1] |= spread_fifth_bits(first >> 4);
    q[2] |= spread_fifth_bits(second);
    q[3] |= spread_fifth_bits(second >> 4);
}

template <> struct dot_product<block_q4_0> {
    enum { PARTS = 2 };
    typedef activations_of_halves activations;
    struct weights {
        float d;
        uint32_t q[4];

        __device__ __forceinline__ void load(const block_q4_0 *x, unsigned p)
        {
            uint32_t words[2];
            load_even(words, x->qs + 8 * p);
            d = __half2float(x->d);
            unpack_nibbles(q, words);
        }
    };
    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        return w.d * (a.d * (float)dot_words(w.q, a.u) - 8.0f * a.s);
    }
};

template <> struct dot_product<block_q4_1> {
    enum { PARTS = 2 };
    typedef activations_of_halves activations;
    struct weights {
        float d, m;
        uint32_t q[4];

        __device__ __forceinline__ void load(const block_q4_1 *x, unsigned p)
        {
            uint32_t words[2];
            load_words(words, x->qs + 8 * p);
            const uint32_t dm = aligned_word(x);
            d = low_half(dm);
            m = high_half(dm);
            unpack_nibbles(q, words);
        }
    };
    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        return w.d * a.d * (float)dot_words(w.q, a.u) + w.m * a.s;
    }
};

template <> struct dot_product<block_q5_0> {
    enum { PARTS = 2 };
    typedef activations_of_halves activations;
    struct weights {
        float d;
        uint32_t q[4];

        __device__ __forceinline__ void load(const block_q5_0 *x, unsigned p)
        {
            uint32_t words[2];
            load_even(words, x->qs + 8 * p);
            const uint32_t first = x->qh[p], second = x->qh[p + 2];
            d = __half2float(x->d);
            unpack_nibbles(q, words);
            add_fifth_bits(q, first, second);
        }
    };
    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        return w.d * (a.d * (float)dot_words(w.q, a.u) - 16.0f * a.s);
    }
};

template <> struct dot_product<block_q5_1> {
    enum { PARTS = 2 };
    typedef activations_of_halves activations;
    struct weights {
        float d, m;
        uint32_t q[4];

        __device__ __forceinline__ void load(const block_q5_1 *x, unsigned p)
        {
            uint32_t words[2], head[2];
            memcpy(words, __builtin_assume_aligned(x->qs + 8 * p, 8), sizeof words);
            memcpy(head, __builtin_assume_aligned(x, 8), sizeof head);
            d = low_half(head[0]);
            m = high_half(head[0]);
            const uint32_t fifth = head[1] >> (8 * p);
            unpack_nibbles(q, words);
            add_fifth_bits(q, fifth, fifth >> 16);
        }
    };
    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        return w.d * a.d * (float)dot_words(w.q, a.u) + w.m * a.s;
    }
};

// ---- q8_0: part p has the elements 16 p to 16 p + 15

template <> struct dot_product<block_q8_0> {
    enum { PARTS = 2 };
    struct activations {
        float d;
        uint32_t u[4];

        __device__ __forceinline__ void load(const block_q8_1 *y, unsigned p)
        {
            d = __half2float(y->d);
            load_words(u, y->qs + 16 * p);
        }
    };
    struct weights {
        float d;
        uint32_t q[4];

        __device__ __forceinline__ void load(const block_q8_0 *x, unsigned p)
        {
            load_even(q, x->qs + 16 * p);
            d = __half2float(x->d);
        }
    };
    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        return w.d * a.d * (float)dot_words(w.q, a.u);
    }
};

// ---- K types: a part meets GROUPS runs of 16 elements, each in a q8_1 block of its own

// Run g lies in block y[g * STEP], in its first or second half.
template <int GROUPS, int STEP> struct activations_of_runs {
    float d[GROUPS];
    int sum[GROUPS]; // of the quants
    uint32_t u[GROUPS][4];

    __device__ __forceinline__ void load_runs(const block_q8_1 *y, unsigned second_half)
    {
#pragma unroll
        for (int g = 0; g < GROUPS; g++) {
            load_words(u[g], y[g * STEP].qs + 16 * second_half);
            d[g] = __half2float(y[g * STEP].d);
        }
#pragma unroll
        for (int g = 0; g < GROUPS; g++)
            sum[g] = sum_bytes(u[g]);
    }
};

// q2_K and q3_K: part p has the elements 128 (p / 2) + 16 (p % 2) + 32 g + 0 to 15 for g = 0 to 3, which
// share their bytes.
struct activations_of_quarters : activations_of_runs<4, 1> {
    __device__ __forceinline__ void load(const block_q8_1 *y, unsigned p)
    {
        load_runs(y + p / 2 * 4, p % 2);
    }
};

template <> struct dot_product<block_q2_K> {
    enum { PARTS = 4 };
    typedef activations_of_quarters activations;
    struct weights {
        float d, m;
        uint32_t scales[2]; // run g: low nibble of byte 2 * (g % 2) of word g / 2; its minimum the high one
        uint32_t q[4];      // run g: bits 2 g and 2 g + 1 of each byte

        __device__ __forceinline__ void load(const block_q2_K *x, unsigned p)
        {
            load_words(q, x->qs + 16 * p);
            load_words(scales, x->scales + p / 2 * 8);
            const uint32_t dm = aligned_word(&x->d);
            d = low_half(dm);
            m = high_half(dm);
            scales[0] >>= 8 * (p % 2);
            scales[1] >>= 8 * (p % 2);
        }
    };
    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        float products = 0.0f, minima = 0.0f;
#pragma unroll
        for (int g = 0; g < 4; g++) {
            int sum = 0;
#pragma unroll
            for (int i = 0; i < 4; i++)
                sum = dp4a(w.q[i] >> (2 * g) & 0x03030303, a.u[g][i], sum);
            const uint32_t scale = w.scales[g / 2] >> (g % 2 * 16);
            products += a.d[g] * (float)(sum * (int)(scale & 0xf));
            minima += a.d[g] * (float)(a.sum[g] * (int)(scale >> 4 & 0xf));
        }
        return w.d * products - w.m * minima;
    }
};

template <> struct dot_product<block_q3_K> {
    enum { PARTS = 4 };
    typedef activations_of_quarters activations;
    struct weights {
        float d;
        int scale[4];
        uint32_t q[4];    // run g: bits 2 g and 2 g + 1 of each byte
        uint32_t high[4]; // run g: bit g of each byte, the third bit of its quant

        __device__ __forceinline__ void load(const block_q3_K *x, unsigned p)
        {
            uint32_t scales[3];
            load_even(q, x->qs + 16 * p);
            load_even(high, x->hmask + 16 * (p % 2));
            load_even(scales, x->scales);
            d = __half2float(x->d);
            // Scale 8 (p / 2) + p % 2 + 2 g: see scale_q3_K() of dequantize.h.
            const unsigned shift = 8 * (p % 2) + 4 * (p / 2);
#pragma unroll
            for (int g = 0; g < 4; g++) {
                const uint32_t low_bits = scales[g / 2] >> shift >> (g % 2 * 16) & 0xf;
                const uint32_t high_bits = scales[2] >> shift >> (g % 2 * 16 + g / 2 * 2) & 3;
                scale[g] = (int)(low_bits | high_bits << 4) - 32;
            }
#pragma unroll
            for (int i = 0; i < 4; i++)
                high[i] >>= 4 * (p / 2);
        }
    };
    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        float products = 0.0f;
#pragma unroll
        for (int g = 0; g < 4; g++) {
            int sum = 0;
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const uint32_t third = g < 2 ? w.high[i] << (2 - g) : w.high[i] >> (g - 2);
                sum = dp4a((w.q[i] >> (2 * g) & 0x03030303) | (third & 0x04040404), a.u[g][i], sum);
            }
            products += a.d[g] * (float)((sum - 4 * a.sum[g]) * w.scale[g]);
        }
        return w.d * products;
    }
};

// q4_K and q5_K: part p has the elements 64 (p / 2) + 16 (p % 2) + 32 g + 0 to 15 for g = 0 and 1.
struct activations_of_pairs : activations_of_runs<2, 1> {
    __device__ __forceinline__ void load(const block_q8_1 *y, unsigned p)
    {
        load_runs(y + p / 2 * 2, p % 2);
    }
};

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
    uint32_t q[2][4];

    __device__ __forceinline__ void load_pairs(const void *x, const uint8_t *qs, unsigned p)
    {
        uint32_t head[4], words[4], scales, minima;
        load_16_bytes(words, qs + 16 * p);
        load_16_bytes(head, x);
        d = low_half(head[0]);
        m = high_half(head[0]);
        unpack_scales_q4_K(scales, minima, head, p / 2);
#pragma unroll
        for (int g = 0; g < 2; g++) {
            scale[g] = (int)(scales >> (8 * g) & 0xff);
            minimum[g] = (int)(minima >> (8 * g) & 0xff);
#pragma unroll
            for (int i = 0; i < 4; i++)
                q[g][i] = words[i] >> (4 * g) & 0x0f0f0f0f;
        }
    }
};

QJ_DEVICE float dot_pairs(const weights_of_pairs &w, const activations_of_pairs &a)
{
    float products = 0.0f, minima = 0.0f;
#pragma unroll
    for (int g = 0; g < 2; g++) {
        products += a.d[g] * (float)(dot_words(w.q[g], a.u[g]) * w.scale[g]);
        minima += a.d[g] * (float)(a.sum[g] * w.minimum[g]);
    }
    return w.d * products - w.m * minima;
}

template <> struct dot_product<block_q4_K> {
    enum { PARTS = 8 };
    typedef activations_of_pairs activations;
    struct weights : weights_of_pairs {
        __device__ __forceinline__ void load(const block_q4_K *x, unsigned p)
        {
            load_pairs(x, x->qs, p);
        }
    };
    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        return dot_pairs(w, a);
    }
};

template <> struct dot_product<block_q5_K> {
    enum { PARTS = 8 };
    typedef activations_of_pairs activations;
    struct weights : weights_of_pairs {
        __device__ __forceinline__ void load(const block_q5_K *x, unsigned p)
        {
            uint32_t fifth[4];
            load_pairs(x, x->qs, p);
            load_16_bytes(fifth, x->qh + 16 * (p % 2));
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const uint32_t bits = fifth[i] >> (p / 2 * 2);
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

// q6_K: part p has the elements 128 (p / 4) + 32 (p / 2 % 2) + 16 (p % 2) + 64 g + 0 to 15 for g = 0 and 1.
template <> struct dot_product<block_q6_K> {
    enum { PARTS = 8 };
    struct activations : activations_of_runs<2, 2> {
        __device__ __forceinline__ void load(const block_q8_1 *y, unsigned p)
        {
            load_runs(y + p / 4 * 4 + p / 2 % 2, p % 2);
        }
    };
    struct weights {
        float d;
        int scale[2];
        uint32_t q[2][4];

        __device__ __forceinline__ void load(const block_q6_K *x, unsigned p)
        {
            uint32_t low[4], high[4];
            load_even(low, x->ql + 16 * p);
            load_even(high, x->qh + p / 4 * 32 + p % 2 * 16);
            const int8_t *scales = x->scales + p / 4 * 8 + p % 4;
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
