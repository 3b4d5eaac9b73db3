// tile_product<> of the K types; see tile_products.h.
#pragma once

#include "tile_products.h"

#ifdef QJ_HAS_ASYNC_COPY
// Byte n of a word, four times; and alone.
QJ_DEVICE uint32_t repeated_byte(uint32_t word, int n)
{
    return __byte_perm(word, 0, (unsigned)n * 0x1111u);
}
QJ_DEVICE uint32_t lone_byte(uint32_t word, int n)
{
    return __byte_perm(word, 0, 0x4440u + (unsigned)n);
}

// Byte n of a word, less `zero`. It is put into the bits of 2^23, as which it counts ones.
QJ_DEVICE float float_of_byte(uint32_t word, int n, float zero)
{
    return __uint_as_float(__byte_perm(word, in_register(0x4b000000), 0x7440u + (unsigned)n)) -
           (8388608.0f + zero);
}

// 0 to 63 in each byte less 32.
QJ_DEVICE uint32_t less_32(uint32_t word)
{
    return (word + 0x60606060u) ^ 0x80808080u;
}

// As unpack_scales_q4_K(), with the same instructions for every j, which may be known only when it runs.
QJ_DEVICE void unpack_scales_of_part(uint32_t &scales, uint32_t &minima, const uint32_t (&head)[4],
                                     unsigned j)
{
    const bool is_low = j < 2;
    const unsigned shift = 16 * (j % 2);
    const uint32_t own = is_low ? 0x3f3f : 0x0f0f, others = is_low ? 0 : 0x3030;
    scales = ((is_low ? head[1] : head[3]) >> shift & own) | (head[1] >> (shift + 2) & others);
    minima = ((is_low ? head[2] : head[3]) >> (is_low ? shift : shift + 4) & own) |
             (head[2] >> (shift + 2) & others);
}

// A part is two groups.
template <typename Block, bool HAS_FIFTH> struct tile_product_of_pairs {
    enum { PARTS = 4 };
    enum : uint32_t { ONES = 0x01010101 };
    template <int N>
    static __device__ __forceinline__ void add(float (&sums)[N][TILE_SUMS], const uint8_t *const (&x)[2],
                                               const tile_activations<N> &y, unsigned y_block, unsigned part,
                                               unsigned i)
    {
        uint32_t words[2][2], fifth[2][2] = {}, scale[2], minimum[2];
        float d[2], m[2];
#pragma unroll
        for (int r = 0; r < 2; r++) {
            uint32_t head[4];
            load_by_16_bytes(head, x[r]);
            const uint8_t *qs = ((const Block *)x[r])->qs + 32 * part + 4 * i;
            words[r][0] = aligned_word(qs);
            words[r][1] = aligned_word(qs + 16);
            unpack_scales_of_part(scale[r], minimum[r], head, part);
            d[r] = low_half(head[0]);
            m[r] = -high_half(head[0]);
            if constexpr (HAS_FIFTH) {
                fifth[r][0] = aligned_word(((const block_q5_K *)x[r])->qh + 4 * i) >> (2 * part);
                fifth[r][1] = aligned_word(((const block_q5_K *)x[r])->qh + 16 + 4 * i) >> (2 * part);
            }
        }
#pragma unroll
        for (int h = 0; h < 2; h++) {
            uint32_t a[4];
#pragma unroll
            for (int w = 0; w < 4; w++) {
                a[w] = words[w % 2][w / 2] >> (4 * h) & 0x0f0f0f0f;
                if (HAS_FIFTH)
                    a[w] |= fifth[w % 2][w / 2] << (4 - h) & 0x10101010;
            }
            const float d_x[2] = {d[0] * float_of_byte(scale[0], h, 0.0f),
                                  d[1] * float_of_byte(scale[1], h, 0.0f)};
            const float m_x[2] = {m[0] * float_of_byte(minimum[0], h, 0.0f),
                                  m[1] * float_of_byte(minimum[1], h, 0.0f)};
#pragma unroll
            for (int t = 0; t < N; t++) {
                uint32_t b[2];
                float products[TILE_SUMS], quants[TILE_SUMS]; // of every row the same
                y.load(b, t, y_block + 2 * part + h);
                products_of_32(products, a, b);
                products_of_32(quants, {ONES, ONES, ONES, ONES}, b);
                const tile_columns columns(y, t, y_block + 2 * part + h);
                const float of_columns[2] = {columns.scaled(0, quants[0]), columns.scaled(1, quants[1])};
                columns.add(sums[t], products, d_x);
#pragma unroll
                for (int at = 0; at < TILE_SUMS; at++)
                    sums[t][at] = fmaf(m_x[at / 2], of_columns[at % 2], sums[t][at]);
            }
        }
    }
};
template <> struct tile_product<block_q4_K> : tile_product_of_pairs<block_q4_K, false> {
};
template <> struct tile_product<block_q5_K> : tile_product_of_pairs<block_q5_K, true> {
};

// Quants of two bits times a scale of four are at most 45, so the scales go into the tile; with quants that
// stay two bits higher they are four times as large, and fit as well.
template <> struct tile_product<block_q2_K> {
    enum { PARTS = 2 };
    template <int N>
    static __device__ __forceinline__ void add(float (&sums)[N][TILE_SUMS], const uint8_t *const (&x)[2],
                                               const tile_activations<N> &y, unsigned y_block, unsigned part,
                                               unsigned i)
    {
        uint32_t words[2][2], scales[2][2];
        float d[2][2], m[2];
#pragma unroll
        for (int r = 0; r < 2; r++) {
            const block_q2_K *block = (const block_q2_K *)x[r];
            words[r][0] = aligned_word(block->qs + 32 * part + 4 * i);
            words[r][1] = aligned_word(block->qs + 32 * part + 16 + 4 * i);
            scales[r][0] = aligned_word(block->scales + 8 * part);
            scales[r][1] = aligned_word(block->scales + 8 * part + 4);
            const uint32_t dm = aligned_word(&block->d);
            d[0][r] = low_half(dm);
            d[1][r] = 0.25f * d[0][r];
            m[r] = -high_half(dm);
        }
#pragma unroll
        for (unsigned g = 0; g < 4; g++) {
            uint32_t a[4], minima[4];
#pragma unroll
            for (int w = 0; w < 4; w++) { // row w % 2, run w / 2
                const uint32_t scale = scales[w % 2][g / 2];
                const int run = (int)(g % 2) * 2 + w / 2;
                a[w] = (words[w % 2][w / 2] >> (g / 2 * 4) & (g % 2 ? 0x0c0c0c0cu : 0x03030303u)) *
                       lone_byte(scale & 0x0f0f0f0f, run);
                minima[w] = repeated_byte(scale >> 4 & 0x0f0f0f0f, run);
            }
#pragma unroll
            for (int t = 0; t < N; t++) {
                uint32_t b[2];
                float products[TILE_SUMS], of_minima[TILE_SUMS];
                y.load(b, t, y_block + 4 * part + g);
                products_of_unsigned(products, a, b);
                products_of_32(of_minima, minima, b);
                const tile_columns columns(y, t, y_block + 4 * part + g);
                columns.add(sums[t], products, d[g % 2]);
                columns.add(sums[t], of_minima, m);
            }
        }
    }
};

QJ_DEVICE int signed_byte(uint32_t word, int n)
{
    return (int8_t)(word >> (8 * n));
}

// Products of 16 elements, of a as quants less `less`, the same number in each byte of it.
QJ_DEVICE void products_of_run(int (&sums)[TILE_SUMS], uint32_t a0, uint32_t a1, uint32_t b, uint32_t less)
{
    uint32_t bits[TILE_SUMS] = {};
    const uint32_t minus = ~less + 0x01010101; // of each byte, as none is 0
    add_products_of_16(bits, minus, minus, b);
    add_products_of_16(bits, a0, a1, b);
#pragma unroll
    for (int s = 0; s < TILE_SUMS; s++)
        sums[s] = (int)bits[s];
}

// sums += scale of the column * products of 32 elements, of which each 16 have a scale: that of run w / 2 of
// row w % 2. `less` as above.
template <int N>
QJ_DEVICE void add_runs(float (&sums)[N][TILE_SUMS], const uint32_t (&a)[4], uint32_t less,
                        const int (&scales)[4], const tile_activations<N> &y, unsigned y_block)
{
#pragma unroll
    for (int t = 0; t < N; t++) {
        uint32_t b[2];
        int first[TILE_SUMS], second[TILE_SUMS];
        y.load(b, t, y_block);
        products_of_run(first, a[0], a[1], b[0], less);
        products_of_run(second, a[2], a[3], b[1], less);
        const tile_columns columns(y, t, y_block);
#pragma unroll
        for (int at = 0; at < TILE_SUMS; at++) {
            const int sum = first[at] * scales[at / 2] + second[at] * scales[2 + at / 2];
            sums[t][at] = fmaf(columns.d[at % 2], (float)sum, sums[t][at]);
        }
    }
}

// sums += d of their row * those of a part.
template <int N>
QJ_DEVICE void add_part(float (&sums)[N][TILE_SUMS], const float (&of_part)[N][TILE_SUMS],
                        const float (&d)[2])
{
#pragma unroll
    for (int t = 0; t < N; t++)
#pragma unroll
        for (int at = 0; at < TILE_SUMS; at++)
            sums[t][at] = fmaf(d[at / 2], of_part[t][at], sums[t][at]);
}

template <> struct tile_product<block_q3_K> {
    enum { PARTS = 2 };
    template <int N>
    static __device__ __forceinline__ void add(float (&sums)[N][TILE_SUMS], const uint8_t *const (&x)[2],
                                               const tile_activations<N> &y, unsigned y_block, unsigned part,
                                               unsigned i)
    {
        uint32_t scales[2][2], high[2][2], words[2][2];
        float d[2], products[N][TILE_SUMS] = {};
#pragma unroll
        for (int r = 0; r < 2; r++) {
            const block_q3_K *block = (const block_q3_K *)x[r];
            uint32_t packed[3];
            load_even(packed, block->scales);
#pragma unroll
            for (unsigned s = 0; s < 2; s++)
                scales[r][s] = less_32((packed[s] >> (4 * part) & 0x0f0f0f0f) |
                                       (packed[2] >> (4 * part + 2 * s) & 0x03030303) << 4);
            d[r] = __half2float(block->d);
#pragma unroll
            for (unsigned w = 0; w < 2; w++) {
                high[r][w] = even_word(block->hmask + 16 * w + 4 * i) >> (4 * part);
                words[r][w] = even_word(block->qs + 32 * part + 16 * w + 4 * i);
            }
        }
#pragma unroll
        for (unsigned g = 0; g < 4; g++) {
            uint32_t a[4];
            int scale[4];
#pragma unroll
            for (int w = 0; w < 4; w++) {
                const uint32_t bits = high[w % 2][w / 2];
                a[w] = (words[w % 2][w / 2] >> (2 * g) & 0x03030303) |
                       ((g < 2 ? bits << (2 - g) : bits >> (g - 2)) & 0x04040404);
                scale[w] = signed_byte(scales[w % 2][g / 2], (int)(g % 2) * 2 + w / 2);
            }
            add_runs(products, a, 0x04040404, scale, y, y_block + 4 * part + g);
        }
        add_part(sums, products, d);
    }
};

template <> struct tile_product<block_q6_K> {
    enum { PARTS = 2 };
    template <int N>
    static __device__ __forceinline__ void add(float (&sums)[N][TILE_SUMS], const uint8_t *const (&x)[2],
                                               const tile_activations<N> &y, unsigned y_block, unsigned part,
                                               unsigned i)
    {
        uint32_t low[2][4], high[2][2], scales[2][2];
        float d[2], products[N][TILE_SUMS] = {};
#pragma unroll
        for (int r = 0; r < 2; r++) {
            const block_q6_K *block = (const block_q6_K *)x[r];
#pragma unroll
            for (int w = 0; w < 4; w++)
                low[r][w] = even_word(block->ql + 64 * part + 16 * w + 4 * i);
            high[r][0] = even_word(block->qh + 32 * part + 4 * i);
            high[r][1] = even_word(block->qh + 32 * part + 16 + 4 * i);
            load_even(scales[r], block->scales + 8 * part);
            d[r] = __half2float(block->d);
        }
#pragma unroll
        for (unsigned g = 0; g < 4; g++) {
            uint32_t a[4];
            int scale[4];
#pragma unroll
            for (int w = 0; w < 4; w++) {
                const uint32_t bits = high[w % 2][w / 2];
                a[w] = (low[w % 2][g % 2 * 2 + w / 2] >> (g / 2 * 4) & 0x0f0f0f0f) |
                       ((g < 2 ? bits << (4 - 2 * g) : bits >> (2 * g - 4)) & 0x30303030);
                scale[w] = signed_byte(scales[w % 2][g / 2], (int)(g % 2) * 2 + w / 2);
            }
            add_runs(products, a, 0x20202020, scale, y, y_block + 4 * part + g);
        }
        add_part(sums, products, d);
    }
};
#endif
