// A mat-vec by matrix instructions: tiles of 16 rows of weights times 8 columns of activations, 32 elements at a time,
// for archs that have both them and copies that go on by themselves.
//
// A sub-group has 16 rows and, of these, every SUBGROUPS-th chunk of some blocks. It copies chunks to LDS ahead, as
// they are, and takes the fragments of an mma.m16n8k32 from there: lane 4 g + i has of rows g and g + 8, and of
// column g, bytes 4 i to 4 i + 3 and 16 + 4 i to 16 + 4 i + 3 of 32, and of the result columns 2 i and 2 i + 1 of
// these rows. Columns that are not there repeat the last one.
//
// What is computed is what dot.h has, in the same precision.
#pragma once

#include "dot.h"
#include "stage.h"
#include "tuning.h"

#ifndef QJ_HAS_ASYNC_COPY
#define QJ_HAS_TILES 0

template <typename Block, int COLUMNS, int SUBGROUPS, int ELEMENTS>
QJ_DEVICE void mat_vec_tiles(const void *, const void *, float *, unsigned, unsigned, unsigned, unsigned, unsigned);
#else
#define QJ_HAS_TILES 1

enum { TILE_ROWS = 16, TILE_COLUMNS = 8, TILE_SUMS = 4 };

// Sums of 32 products of signed bytes, and of 16.
QJ_DEVICE void products_of_32(int (&sums)[TILE_SUMS], const uint32_t (&a)[4], const uint32_t (&b)[2])
{
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %10, %10, "
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

// Of a q8_1 block, as floats; two columns' lie side by side.
struct __align__(16) tile_heads {
    float d[2], s[2];
};

// A lane's activations of one chunk.
struct tile_activations {
    const uint8_t *fragments; // of column g, from bytes 4 i of the first block's quants on
    const tile_heads *heads;  // of columns 2 i and 2 i + 1, of the first block
    unsigned stride;          // from a block's heads to the next one's

    __device__ __forceinline__ void load(uint32_t (&b)[2], unsigned block) const
    {
        const uint8_t *quants = fragments + block * sizeof(block_q8_1);
        b[0] = aligned_word(quants);
        b[1] = aligned_word(quants + 16);
    }
    __device__ __forceinline__ tile_heads head(unsigned block) const
    {
        return heads[block * stride];
    }
};

// tile_product<block type>: add() adds one block of rows x[0] and x[1] to the sums; block y_block of y meets its first
// element. N_COLUMNS: 1 if only the first of a lane's columns is wanted, else 2.
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
    static __device__ __forceinline__ void add(float (&sums)[TILE_SUMS], const uint8_t *const (&x)[2], const tile_activations &y,
                       unsigned y_block, unsigned i)
    {
        One row[2];
        row[0].load((const Block *)x[0], i);
        row[1].load((const Block *)x[1], i);
        uint32_t b[2];
        y.load(b, y_block);
        int products[TILE_SUMS];
        products_of_32(products, {row[0].low, row[1].low, row[0].high, row[1].high}, b);
        const tile_heads head = y.head(y_block);
#pragma unroll
        for (int c = 0; c < N_COLUMNS; c++) {
            row[0].add(sums[c], (float)products[c], head.d[c], head.s[c]);
            row[1].add(sums[2 + c], (float)products[2 + c], head.d[c], head.s[c]);
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
QJ_DEVICE void add_scaled(float (&sums)[TILE_SUMS], const int (&products)[TILE_SUMS], const tile_activations &y,
                          unsigned y_block)
{
    const tile_heads head = y.head(y_block);
#pragma unroll
    for (int c = 0; c < N_COLUMNS; c++) {
        sums[c] += head.d[c] * (float)products[c];
        sums[2 + c] += head.d[c] * (float)products[2 + c];
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
    static __device__ __forceinline__ void add(float (&sums)[TILE_SUMS], const uint8_t *const (&x)[2], const tile_activations &y,
                       unsigned y_block, unsigned i)
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
                        a[w] |= (group < 4 ? fifth[w % 2][w / 2] << (4 - group) : fifth[w % 2][w / 2] >> (group - 4)) &
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
    static __device__ __forceinline__ void add(float (&sums)[TILE_SUMS], const uint8_t *const (&x)[2], const tile_activations &y,
                       unsigned y_block, unsigned i)
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
    static __device__ __forceinline__ void add(float (&sums)[TILE_SUMS], const uint8_t *const (&x)[2], const tile_activations &y,
                       unsigned y_block, unsigned i)
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
                scales[r][s] = less_32((words[s % 2] >> (s / 2 * 4) & 0x0f0f0f0f) | (words[2] >> (2 * s) & 0x03030303)
                                                                                        << 4);
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
    static __device__ __forceinline__ void add(float (&sums)[TILE_SUMS], const uint8_t *const (&x)[2], const tile_activations &y,
                       unsigned y_block, unsigned i)
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

// A sub-group's copies: N_ROWS rows, or columns, by 32 / N_ROWS lanes each, which copy whole sectors of memory.
template <int N_ROWS, unsigned N_BYTES, bool IS_SHARED> struct tile_copies {
    enum {
        SECTOR = 32,
        ROW_LANES = SUBGROUP / N_ROWS,
        SPAN = ROW_LANES * STAGE_GRANULE,
        STEPS = (N_BYTES + SECTOR - 1 + SPAN - 1) / SPAN, // of which only the last can be one too many
        // Every row begins at another bank: an odd number of granules.
        ROOM = ((N_BYTES + SECTOR - 1 + STAGE_GRANULE - 1) / STAGE_GRANULE | 1) * STAGE_GRANULE,
        BYTES = N_ROWS * ROOM
    };

    // `from`, of n_bytes, to this lane's row of `stage`, its first byte at from % SECTOR. If is_within, what lies
    // in the same sectors may be read as well, else nothing before `first` and nothing behind the bytes.
    static __device__ __forceinline__ void start(uint8_t *stage, const uint8_t *from, unsigned n_bytes,
                                                 const uint8_t *first, unsigned lane, bool is_within)
    {
        const unsigned at = lane % ROW_LANES * STAGE_GRANULE, offset = (uintptr_t)from % SECTOR, end = offset + n_bytes;
        const uint8_t *const source = from - offset + at;
        uint8_t *const to = stage + lane / ROW_LANES * ROOM + at;
        if (is_within) {
#pragma unroll
            for (unsigned i = 0; i < STEPS * SPAN; i += SPAN)
                if (i + SPAN <= N_BYTES || at + i < end)
                    copy_granule<IS_SHARED>(to + i, source + i);
            return;
        }
#pragma unroll 1
        for (unsigned i = 0; at + i < end; i += SPAN) {
            if (at + i + STAGE_GRANULE <= offset)
                continue;
            if (source + i >= first) {
                copy_granule(to + i, source + i, min(end - at - i, (unsigned)STAGE_GRANULE));
            } else {
#pragma unroll 1
                for (unsigned j = max(offset, at + i); j < min(end, at + i + STAGE_GRANULE); j++)
                    to[j - at] = from[j - offset];
            }
        }
    }
};

// The least power of two that is not less.
constexpr int lanes_for(int n)
{
    return n <= 1 ? 1 : n <= 2 ? 2 : n <= 4 ? 4 : 8;
}

// What a sub-group has room for. Blocks of threads share a multiprocessor's LDS, and static LDS is at most 48 KiB.
template <typename Block, int COLUMNS, int SUBGROUPS, int ELEMENTS> struct tile_room {
    enum { BLOCKS = ELEMENTS / Block::SIZE, Y_BYTES = ELEMENTS / QK_BLOCK * sizeof(block_q8_1) };
    typedef tile_copies<TILE_ROWS, BLOCKS * sizeof(Block), false> x_copies;
    typedef tile_copies<lanes_for(COLUMNS), Y_BYTES, true> y_copies;
    enum {
        PAIRS = (lanes_for(COLUMNS) + 1) / 2, // of columns
        HEADS = ELEMENTS / QK_BLOCK * PAIRS,
        MOST = 46 * 1024 / SUBGROUPS - (int)(HEADS * sizeof(tile_heads)),
        STAGE_BYTES = x_copies::BYTES + y_copies::BYTES,
        STAGES = 3 * STAGE_BYTES <= MOST ? 3 : 2,
        IS_FIT = STAGES * STAGE_BYTES <= MOST,
        // From sm_90 on there is room for four such blocks. Were they smaller, some multiprocessors would take more of
        // the grid's blocks than others, which then wait for them.
        STAGE_ROOM = __CUDA_ARCH__ >= 900 ? MOST / STAGES / 32 * 32 : (int)STAGE_BYTES
    };
};

template <typename Block, int COLUMNS, int SUBGROUPS, int ELEMENTS> constexpr int fitting_elements()
{
    if constexpr (tile_room<Block, COLUMNS, SUBGROUPS, ELEMENTS>::IS_FIT)
        return ELEMENTS;
    else
        return fitting_elements<Block, COLUMNS, SUBGROUPS, ELEMENTS / 2>();
}

// As mat_vec() of 16 rows, which all sub-groups of the block share. ELEMENTS: those of a row that a sub-group copies at
// a time, or fewer where there is no room for them.
template <typename Block, int COLUMNS, int SUBGROUPS, int ELEMENTS>
QJ_DEVICE void mat_vec_tiles(const void *__restrict__ vx, const void *__restrict__ vy, float *__restrict__ dst,
                             unsigned first_row, unsigned k, unsigned n, unsigned k_padded, unsigned n_dst)
{
    typedef tile_room<Block, COLUMNS, SUBGROUPS, fitting_elements<Block, COLUMNS, SUBGROUPS, ELEMENTS>()> room;
    enum {
        BLOCKS = room::BLOCKS,
        STAGES = room::STAGES,
        Q8_BLOCKS = Block::SIZE / QK_BLOCK,
        N_COLUMNS = COLUMNS == 1 ? 1 : 2
    };
    typedef typename room::x_copies x_copies;
    typedef typename room::y_copies y_copies;
    __shared__ __attribute__((aligned(32))) uint8_t memory[SUBGROUPS][STAGES][room::STAGE_ROOM];
    const unsigned lane = threadIdx.x % SUBGROUP, subgroup = threadIdx.y, g = lane / 4, i = lane % 4;
    const unsigned n_blocks = k / Block::SIZE;
    const size_t row_bytes = (size_t)n_blocks * sizeof(Block);
    const size_t column_bytes = (size_t)(k_padded / QK_BLOCK) * sizeof(block_q8_1);
    const uint8_t *const x = (const uint8_t *)vx, *const y = (const uint8_t *)vy;
    // What this lane copies, and where what it reads begins: a row past the end repeats the last one.
    const uint8_t *const x_from = x + min(first_row + lane / x_copies::ROW_LANES, n - 1) * row_bytes;
    const uint8_t *const y_from = y + min(lane / y_copies::ROW_LANES, COLUMNS - 1u) * column_bytes;

    const auto start = [&](unsigned chunk, unsigned stage) {
        const unsigned block = chunk * BLOCKS;
        if (block < n_blocks) {
            const unsigned left = min(n_blocks - block, (unsigned)BLOCKS);
            uint8_t *const to = memory[subgroup][stage];
            const bool is_within = chunk > 0 && block + 2 * BLOCKS <= n_blocks;
            x_copies::start(to, x_from + block * sizeof(Block), left * sizeof(Block), x, lane, is_within);
            y_copies::start(to + x_copies::BYTES, y_from + block * (Q8_BLOCKS * sizeof(block_q8_1)),
                            left * (Q8_BLOCKS * sizeof(block_q8_1)), y, lane, is_within);
        }
        close_copies();
    };
#pragma unroll
    for (unsigned s = 0; s < STAGES; s++)
        start(subgroup + s * SUBGROUPS, s);

    const uint8_t *const rows[2] = {x + min(first_row + g, n - 1) * row_bytes,
                                    x + min(first_row + g + 8, n - 1) * row_bytes};
    __shared__ tile_heads heads[SUBGROUPS][room::HEADS];
    float sums[TILE_SUMS] = {};
    unsigned stage = 0;
#pragma unroll 1
    for (unsigned chunk = subgroup; chunk * BLOCKS < n_blocks; chunk += SUBGROUPS) {
        await_copies<STAGES - 1>();
        __syncwarp();
        const unsigned first = chunk * BLOCKS;
        const uint8_t *const staged = memory[subgroup][stage];
        const auto column = [&](unsigned c) { // one that is not there repeats the last one
            const unsigned there = min(c, COLUMNS - 1u);
            return staged + x_copies::BYTES + there * y_copies::ROOM +
                   (uintptr_t)(y + there * column_bytes + first * (Q8_BLOCKS * sizeof(block_q8_1))) % y_copies::SECTOR;
        };
#pragma unroll
        for (unsigned h = lane; h < room::HEADS; h += SUBGROUP) {
            const unsigned block = h / room::PAIRS * sizeof(block_q8_1), c = h % room::PAIRS * 2;
            const uint32_t head0 = aligned_word(column(c) + block), head1 = aligned_word(column(c + 1) + block);
            heads[subgroup][h] = {{low_half(head0), low_half(head1)}, {high_half(head0), high_half(head1)}};
        }
        __syncwarp();
        const tile_activations activations = {column(g) + 4 + 4 * i, heads[subgroup] + i % room::PAIRS, room::PAIRS};
        const uint8_t *staged_x[2];
#pragma unroll
        for (int r = 0; r < 2; r++)
            staged_x[r] = staged + (g + 8 * r) * x_copies::ROOM +
                          (uintptr_t)(rows[r] + first * sizeof(Block)) % x_copies::SECTOR;
        const auto add = [&](unsigned b) {
            const uint8_t *const blocks[2] = {staged_x[0] + b * sizeof(Block), staged_x[1] + b * sizeof(Block)};
            tile_product<Block>::template add<N_COLUMNS>(sums, blocks, activations, b * Q8_BLOCKS, i);
        };
        if (BLOCKS == 1 || first + BLOCKS <= n_blocks) {
#pragma unroll
            for (unsigned b = 0; b < BLOCKS; b++)
                add(b);
        } else {
#pragma unroll 1
            for (unsigned b = 0; first + b < n_blocks; b++)
                add(b);
        }
        __syncwarp();
        start(chunk + STAGES * SUBGROUPS, stage);
        stage = stage == STAGES - 1 ? 0 : stage + 1;
    }

    __shared__ float shared[SUBGROUPS][COLUMNS][TILE_ROWS];
#pragma unroll
    for (int s = 0; s < TILE_SUMS; s++) {
        const unsigned column = 2 * i + s % 2;
        if (column < COLUMNS)
            shared[subgroup][column][g + s / 2 * 8] = sums[s];
    }
    __syncthreads();
#pragma unroll 1
    for (unsigned s = subgroup * SUBGROUP + lane; s < TILE_ROWS * COLUMNS; s += SUBGROUPS * SUBGROUP) {
        const unsigned row = first_row + s % TILE_ROWS, column = s / TILE_ROWS;
        float sum = shared[0][column][s % TILE_ROWS];
#pragma unroll
        for (int other = 1; other < SUBGROUPS; other++)
            sum += shared[other][column][s % TILE_ROWS];
        if (row < n)
            dst[(size_t)column * n_dst + row] = sum;
    }
}
#endif
