// Products of weights and activations by matrix instructions: tile_product<block type>.
//
// A tile is 16 rows of weights by 8 columns of activations, 32 elements at a time, of which an mma.m16n8k32
// has the sums. Lane 4 g + i gives it, of rows g and g + 8 and of column g, bytes 4 i to 4 i + 3 and 16 + 4 i
// to 16 + 4 i + 3, and gets columns 2 i and 2 i + 1 of these rows. What is computed is what dot.h has, as
// exactly.
//
// One more type: its tile_product<> here or in the type's own header, whose add() adds one block of rows x[0]
// and x[1] to the sums, and its row in QJ_CUDA_MAT_VEC.
#pragma once

#include "dot.h"
#include "stage.h"

#ifdef QJ_HAS_ASYNC_COPY
enum { TILE_ROWS = 16, TILE_COLUMNS = 8, TILE_SUMS = 4 };

// Sums of 32 products of signed bytes, and of 16.
QJ_DEVICE void products_of_32(int (&sums)[TILE_SUMS], const uint32_t (&a)[4], const uint32_t (&b)[2])
{
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, "
        "%10, %10, "
        "%10};"
        : "=r"(sums[0]), "=r"(sums[1]), "=r"(sums[2]), "=r"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(0));
}

QJ_DEVICE void products_of_16(int (&sums)[TILE_SUMS], uint32_t a0, uint32_t a1, uint32_t b)
{
    asm("mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%7, %7, %7, %7};"
        : "=r"(sums[0]), "=r"(sums[1]), "=r"(sums[2]), "=r"(sums[3])
        : "r"(a0), "r"(a1), "r"(b), "r"(0));
}

// The same, added to sums.
QJ_DEVICE void add_products_of_32(int (&sums)[TILE_SUMS], const uint32_t (&a)[4], const uint32_t (&b)[2])
{
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, "
        "%1, %2, %3};"
        : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

QJ_DEVICE void add_products_of_16(int (&sums)[TILE_SUMS], uint32_t a0, uint32_t a1, uint32_t b)
{
    asm("mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
        : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
        : "r"(a0), "r"(a1), "r"(b));
}

// A lane's activations of one chunk.
struct tile_activations {
    const uint8_t *fragments; // of column g, from bytes 4 i of the first block's quants on
    const uint8_t *heads[2];  // columns 2 i and 2 i + 1

    __device__ __forceinline__ void load(uint32_t (&b)[2], unsigned block) const
    {
        const uint8_t *quants = fragments + block * sizeof(block_q8_1);
        b[0] = aligned_word(quants);
        b[1] = aligned_word(quants + 16);
    }
    __device__ __forceinline__ float scale(int column, unsigned block) const
    {
        return low_half(aligned_word(heads[column] + block * sizeof(block_q8_1)));
    }
    __device__ __forceinline__ float sum(int column, unsigned block) const
    {
        return high_half(aligned_word(heads[column] + block * sizeof(block_q8_1)));
    }
};

// y_block is the block of y that meets the first element. N_COLUMNS: 1 if only the first of a lane's columns
// is wanted, else 2.
template <typename Block> struct tile_product;

QJ_DEVICE uint32_t even_word(const uint8_t *p)
{
    uint32_t word[1];
    load_even(word, p);
    return word[0];
}

// ---- blocks of 32: One has load(block, i), low and high, the lane's words of quants, and
// add(sum, products, d_y, s_y)

template <typename Block, typename One> struct tile_product_of_one {
    template <int N_COLUMNS>
    static __device__ __forceinline__ void add(float (&sums)[TILE_SUMS], const uint8_t *const (&x)[2],
                                               const tile_activations &y, unsigned y_block, unsigned i)
    {
        One row[2];
        row[0].load((const Block *)x[0], i);
        row[1].load((const Block *)x[1], i);
        uint32_t b[2];
        y.load(b, y_block);
        int products[TILE_SUMS];
        products_of_32(products, {row[0].low, row[1].low, row[0].high, row[1].high}, b);
#pragma unroll
        for (int c = 0; c < N_COLUMNS; c++) {
            const float d = y.scale(c, y_block), s = y.sum(c, y_block);
            row[0].add(sums[c], (float)products[c], d, s);
            row[1].add(sums[2 + c], (float)products[2 + c], d, s);
        }
    }
};

struct tile_q4_0 {
    float d;
    uint32_t low, high;

    __device__ __forceinline__ void load(const block_q4_0 *x, unsigned i)
    {
        const uint32_t word = even_word(x->qs + 4 * i);
        d = __half2float(x->d);
        low = word & 0x0f0f0f0f;
        high = word >> 4 & 0x0f0f0f0f;
    }
    __device__ __forceinline__ void add(float &sum, float products, float d_y, float s_y) const
    {
        sum += d * (d_y * products - 8.0f * s_y);
    }
};
template <> struct tile_product<block_q4_0> : tile_product_of_one<block_q4_0, tile_q4_0> {
};

struct tile_q4_1 {
    float d, m;
    uint32_t low, high;

    __device__ __forceinline__ void load(const block_q4_1 *x, unsigned i)
    {
        const uint32_t word = aligned_word(x->qs + 4 * i), head = aligned_word(&x->d);
        d = low_half(head);
        m = high_half(head);
        low = word & 0x0f0f0f0f;
        high = word >> 4 & 0x0f0f0f0f;
    }
    __device__ __forceinline__ void add(float &sum, float products, float d_y, float s_y) const
    {
        sum += d * (d_y * products);
        sum += m * s_y;
    }
};
template <> struct tile_product<block_q4_1> : tile_product_of_one<block_q4_1, tile_q4_1> {
};

// Bits 0 to 3 to bit 4 of each byte.
QJ_DEVICE uint32_t fifth_bits(uint32_t bits)
{
    return (bits & 0xf) * 0x02040810u & 0x10101010u;
}

struct tile_q5_0 {
    float d;
    uint32_t low, high;

    __device__ __forceinline__ void load(const block_q5_0 *x, unsigned i)
    {
        const uint32_t word = even_word(x->qs + 4 * i);
        d = __half2float(x->d);
        low = (word & 0x0f0f0f0f) | fifth_bits(aligned_half_word(x->qh) >> (4 * i));
        high = (word >> 4 & 0x0f0f0f0f) | fifth_bits(aligned_half_word(x->qh + 2) >> (4 * i));
    }
    __device__ __forceinline__ void add(float &sum, float products, float d_y, float s_y) const
    {
        sum += d * (d_y * products - 16.0f * s_y);
    }
};
template <> struct tile_product<block_q5_0> : tile_product_of_one<block_q5_0, tile_q5_0> {
};

struct tile_q5_1 : tile_q4_1 {
    __device__ __forceinline__ void load(const block_q5_1 *x, unsigned i)
    {
        const uint32_t word = aligned_word(x->qs + 4 * i), head = aligned_word(&x->d);
        const uint32_t bits = aligned_word(x->qh) >> (4 * i);
        d = low_half(head);
        m = high_half(head);
        low = (word & 0x0f0f0f0f) | fifth_bits(bits);
        high = (word >> 4 & 0x0f0f0f0f) | fifth_bits(bits >> 16);
    }
};
template <> struct tile_product<block_q5_1> : tile_product_of_one<block_q5_1, tile_q5_1> {
};

struct tile_q8_0 {
    float d;
    uint32_t low, high;

    __device__ __forceinline__ void load(const block_q8_0 *x, unsigned i)
    {
        const uint8_t *qs = (const uint8_t *)x->qs;
        d = __half2float(x->d);
        low = even_word(qs + 4 * i);
        high = even_word(qs + 16 + 4 * i);
    }
    __device__ __forceinline__ void add(float &sum, float products, float d_y, float) const
    {
        sum += d * (d_y * products);
    }
};
template <> struct tile_product<block_q8_0> : tile_product_of_one<block_q8_0, tile_q8_0> {
};

// ---- K types

// sums += scale of the lane's columns * products of rows 0 and 1.
template <int N_COLUMNS>
QJ_DEVICE void add_scaled(float (&sums)[TILE_SUMS], const int (&products)[TILE_SUMS],
                          const tile_activations &y, unsigned y_block)
{
#pragma unroll
    for (int c = 0; c < N_COLUMNS; c++) {
        const float d = y.scale(c, y_block);
        sums[c] += d * (float)products[c];
        sums[2 + c] += d * (float)products[2 + c];
    }
}

// Byte n of a word, four times.
QJ_DEVICE uint32_t repeated_byte(uint32_t word, int n)
{
    return __byte_perm(word, 0, (unsigned)n * 0x1111u);
}

QJ_DEVICE int signed_byte(uint32_t word, int n)
{
    return (int8_t)(word >> (8 * n));
}

// 0 to 63 in each byte less 32, or 0 to 7 less 4.
QJ_DEVICE uint32_t less_32(uint32_t word)
{
    return (word + 0x60606060u) ^ 0x80808080u;
}
QJ_DEVICE uint32_t less_4(uint32_t word)
{
    return (word + 0x7c7c7c7cu) ^ 0x80808080u;
}

template <typename Block, bool HAS_FIFTH> struct tile_product_of_pairs {
    template <int N_COLUMNS>
    static __device__ __forceinline__ void add(float (&sums)[TILE_SUMS], const uint8_t *const (&x)[2],
                                               const tile_activations &y, unsigned y_block, unsigned i)
    {
        uint32_t head[2][4], fifth[2][2] = {};
        float products[TILE_SUMS] = {}, minima[TILE_SUMS] = {};
#pragma unroll
        for (int r = 0; r < 2; r++) {
            load_by_16_bytes(head[r], x[r]);
            if constexpr (HAS_FIFTH) {
                fifth[r][0] = aligned_word(((const block_q5_K *)x[r])->qh + 4 * i);
                fifth[r][1] = aligned_word(((const block_q5_K *)x[r])->qh + 16 + 4 * i);
            }
        }
#pragma unroll
        for (unsigned j = 0; j < 4; j++) {
            uint32_t words[2][2], scale[2], minimum[2];
#pragma unroll
            for (int r = 0; r < 2; r++) {
                const uint8_t *qs = ((const Block *)x[r])->qs + 32 * j + 4 * i;
                words[r][0] = aligned_word(qs);
                words[r][1] = aligned_word(qs + 16);
                unpack_scales_q4_K(scale[r], minimum[r], head[r], j);
            }
#pragma unroll
            for (int h = 0; h < 2; h++) {
                const unsigned group = 2 * j + h;
                uint32_t a[4], b[2];
#pragma unroll
                for (int w = 0; w < 4; w++) {
                    a[w] = words[w % 2][w / 2] >> (4 * h) & 0x0f0f0f0f;
                    if (HAS_FIFTH)
                        a[w] |= (group < 4 ? fifth[w % 2][w / 2] << (4 - group)
                                           : fifth[w % 2][w / 2] >> (group - 4)) &
                                0x10101010;
                }
                y.load(b, y_block + group);
                int sum[TILE_SUMS], minimum_sum[TILE_SUMS];
                products_of_32(sum, a, b);
                const uint32_t m0 = repeated_byte(minimum[0], h), m1 = repeated_byte(minimum[1], h);
                products_of_32(minimum_sum, {m0, m1, m0, m1}, b);
#pragma unroll
                for (int c = 0; c < TILE_SUMS; c++)
                    sum[c] *= (int)(scale[c / 2] >> (8 * h) & 0xff);
                add_scaled<N_COLUMNS>(products, sum, y, y_block + group);
                add_scaled<N_COLUMNS>(minima, minimum_sum, y, y_block + group);
            }
        }
#pragma unroll
        for (int c = 0; c < TILE_SUMS; c++)
            sums[c] += low_half(head[c / 2][0]) * products[c] - high_half(head[c / 2][0]) * minima[c];
    }
};
template <> struct tile_product<block_q4_K> : tile_product_of_pairs<block_q4_K, false> {
};
template <> struct tile_product<block_q5_K> : tile_product_of_pairs<block_q5_K, true> {
};

// Quants of two bits times a scale of four are at most 45, so the scales go into the tile.
template <> struct tile_product<block_q2_K> {
    template <int N_COLUMNS>
    static __device__ __forceinline__ void add(float (&sums)[TILE_SUMS], const uint8_t *const (&x)[2],
                                               const tile_activations &y, unsigned y_block, unsigned i)
    {
        float products[TILE_SUMS] = {}, minima[TILE_SUMS] = {};
#pragma unroll
        for (unsigned p = 0; p < 2; p++) {
            uint32_t words[2][2], scales[2][2];
#pragma unroll
            for (int r = 0; r < 2; r++) {
                const block_q2_K *block = (const block_q2_K *)x[r];
                words[r][0] = aligned_word(block->qs + 32 * p + 4 * i);
                words[r][1] = aligned_word(block->qs + 32 * p + 16 + 4 * i);
                scales[r][0] = aligned_word(block->scales + 8 * p);
                scales[r][1] = aligned_word(block->scales + 8 * p + 4);
            }
#pragma unroll
            for (unsigned g = 0; g < 4; g++) {
                uint32_t a[4], m[4], b[2];
#pragma unroll
                for (int w = 0; w < 4; w++) { // row w % 2, run w / 2
                    const uint32_t scale = scales[w % 2][g / 2] >> (g % 2 * 16 + w / 2 * 8);
                    a[w] = (words[w % 2][w / 2] >> (2 * g) & 0x03030303) * (scale & 0xf);
                    m[w] = (scale >> 4 & 0xf) * 0x01010101u;
                }
                y.load(b, y_block + 4 * p + g);
                int sum[TILE_SUMS], minimum[TILE_SUMS];
                products_of_32(sum, a, b);
                products_of_32(minimum, m, b);
                add_scaled<N_COLUMNS>(products, sum, y, y_block + 4 * p + g);
                add_scaled<N_COLUMNS>(minima, minimum, y, y_block + 4 * p + g);
            }
        }
#pragma unroll
        for (int c = 0; c < TILE_SUMS; c++) {
            const uint32_t dm = aligned_word(&((const block_q2_K *)x[c / 2])->d);
            sums[c] += low_half(dm) * products[c] - high_half(dm) * minima[c];
        }
    }
};

// sums of 16 products each, times the scales of their runs.
QJ_DEVICE void add_runs(int (&sums)[TILE_SUMS], const uint32_t (&a)[4], const uint32_t (&b)[2],
                        const int (&scales)[2][2])
{
    int first[TILE_SUMS], second[TILE_SUMS];
    products_of_16(first, a[0], a[1], b[0]);
    products_of_16(second, a[2], a[3], b[1]);
#pragma unroll
    for (int c = 0; c < TILE_SUMS; c++)
        sums[c] = first[c] * scales[c / 2][0] + second[c] * scales[c / 2][1];
}

template <> struct tile_product<block_q3_K> {
    template <int N_COLUMNS>
    static __device__ __forceinline__ void add(float (&sums)[TILE_SUMS], const uint8_t *const (&x)[2],
                                               const tile_activations &y, unsigned y_block, unsigned i)
    {
        float products[TILE_SUMS] = {};
        uint32_t scales[2][4], high[2][2];
#pragma unroll
        for (int r = 0; r < 2; r++) {
            const block_q3_K *block = (const block_q3_K *)x[r];
            uint32_t words[3];
            load_even(words, block->scales);
#pragma unroll
            for (int s = 0; s < 4; s++)
                scales[r][s] = less_32((words[s % 2] >> (s / 2 * 4) & 0x0f0f0f0f) |
                                       (words[2] >> (2 * s) & 0x03030303) << 4);
            high[r][0] = even_word(block->hmask + 4 * i);
            high[r][1] = even_word(block->hmask + 16 + 4 * i);
        }
#pragma unroll
        for (unsigned p = 0; p < 2; p++) {
            uint32_t words[2][2];
#pragma unroll
            for (int r = 0; r < 2; r++) {
                const uint8_t *qs = ((const block_q3_K *)x[r])->qs + 32 * p + 4 * i;
                words[r][0] = even_word(qs);
                words[r][1] = even_word(qs + 16);
            }
#pragma unroll
            for (unsigned g = 0; g < 4; g++) {
                const unsigned group = 4 * p + g;
                uint32_t a[4], b[2];
#pragma unroll
                for (int w = 0; w < 4; w++) {
                    const uint32_t bits = high[w % 2][w / 2];
                    a[w] = less_4((words[w % 2][w / 2] >> (2 * g) & 0x03030303) |
                                  ((group < 2 ? bits << (2 - group) : bits >> (group - 2)) & 0x04040404));
                }
                y.load(b, y_block + group);
                int scale[2][2], sum[TILE_SUMS];
#pragma unroll
                for (int r = 0; r < 4; r++)
                    scale[r / 2][r % 2] = signed_byte(scales[r / 2][group / 2], group % 2 * 2 + r % 2);
                add_runs(sum, a, b, scale);
                add_scaled<N_COLUMNS>(products, sum, y, y_block + group);
            }
        }
#pragma unroll
        for (int c = 0; c < TILE_SUMS; c++)
            sums[c] += __half2float(((const block_q3_K *)x[c / 2])->d) * products[c];
    }
};

template <> struct tile_product<block_q6_K> {
    template <int N_COLUMNS>
    static __device__ __forceinline__ void add(float (&sums)[TILE_SUMS], const uint8_t *const (&x)[2],
                                               const tile_activations &y, unsigned y_block, unsigned i)
    {
        float products[TILE_SUMS] = {};
#pragma unroll
        for (unsigned p = 0; p < 2; p++) {
            uint32_t low[2][4], high[2][2], scales[2][2];
#pragma unroll
            for (int r = 0; r < 2; r++) {
                const block_q6_K *block = (const block_q6_K *)x[r];
#pragma unroll
                for (int w = 0; w < 4; w++)
                    low[r][w] = even_word(block->ql + 64 * p + 16 * w + 4 * i);
                high[r][0] = even_word(block->qh + 32 * p + 4 * i);
                high[r][1] = even_word(block->qh + 32 * p + 16 + 4 * i);
                load_even(scales[r], block->scales + 8 * p);
            }
#pragma unroll
            for (unsigned g = 0; g < 4; g++) {
                uint32_t a[4], b[2];
#pragma unroll
                for (int w = 0; w < 4; w++) {
                    const uint32_t bits = high[w % 2][w / 2];
                    a[w] = less_32((low[w % 2][g % 2 * 2 + w / 2] >> (g / 2 * 4) & 0x0f0f0f0f) |
                                   ((g < 2 ? bits << (4 - 2 * g) : bits >> (2 * g - 4)) & 0x30303030));
                }
                y.load(b, y_block + 4 * p + g);
                int scale[2][2], sum[TILE_SUMS];
#pragma unroll
                for (int r = 0; r < 4; r++)
                    scale[r / 2][r % 2] = signed_byte(scales[r / 2][g / 2], g % 2 * 2 + r % 2);
                add_runs(sum, a, b, scale);
                add_scaled<N_COLUMNS>(products, sum, y, y_block + 4 * p + g);
            }
        }
#pragma unroll
        for (int c = 0; c < TILE_SUMS; c++)
            sums[c] += __half2float(((const block_q6_K *)x[c / 2])->d) * products[c];
    }
};
#endif
