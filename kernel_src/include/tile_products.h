// Products of weights and activations by matrix instructions: tile_product<block type>.
//
// A tile is 16 rows of weights by 8 columns of activations, 32 elements at a time, of which an mma.m16n8k32
// has the sums. Lane 4 g + i gives it, of rows g and g + 8 and of column g, bytes 4 i to 4 i + 3 and 16 + 4 i
// to 16 + 4 i + 3, and gets columns 2 i and 2 i + 1 of these rows. N tiles lie side by side: the weights are
// unpacked once for them. What is computed is what dot.h has, as exactly.
//
// One more type: its tile_product<> here, in tile_k.h or in the type's own header, whose add() adds one part
// of a block, of PARTS, of rows x[0] and x[1] to the sums, and its row in QJ_CUDA_MAT_VEC. y_block is the
// q8_1 block that meets the first element of the weights' block.
#pragma once

#include "dot.h"
#include "stage.h"

#ifdef QJ_HAS_ASYNC_COPY
enum { TILE_ROWS = 16, TILE_COLUMNS = 8, TILE_SUMS = 4 };

// Sums of products come out as floats without a conversion: begun with the bits of 3 * 2^22, a sum of less
// than 2^22 is that number plus the sum, bit for bit. tile_columns::scaled() takes it off again.
static constexpr float TILE_SUMS_FROM = 12582912.0f;

// These bits in registers that stay: of constants the compiler would make four registers anew for
// every multiplication. Blocks of threads have a depth of one (tuning.h), which it does not know.
struct tile_begin {
    uint32_t words[4];

    __device__ __forceinline__ tile_begin()
    {
#pragma unroll
        for (int i = 0; i < 4; i++)
            words[i] = 0x4b400000 + threadIdx.z * (i + 1);
    }
};

QJ_DEVICE void floats_of(float (&out)[TILE_SUMS], const uint32_t (&bits)[TILE_SUMS])
{
#pragma unroll
    for (int s = 0; s < TILE_SUMS; s++)
        out[s] = __uint_as_float(bits[s]);
}

// Sums of 32 products of signed bytes, and of 16; `of_unsigned` where a is of unsigned ones.
QJ_DEVICE void products_of_32(uint32_t (&sums)[TILE_SUMS], const uint32_t (&a)[4], const uint32_t (&b)[2])
{
    const tile_begin begin;
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, "
        "%11, %12, "
        "%13};"
        : "=r"(sums[0]), "=r"(sums[1]), "=r"(sums[2]), "=r"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(begin.words[0]),
          "r"(begin.words[1]), "r"(begin.words[2]), "r"(begin.words[3]));
}
QJ_DEVICE void products_of_32(float (&out)[TILE_SUMS], const uint32_t (&a)[4], const uint32_t (&b)[2])
{
    uint32_t sums[TILE_SUMS];
    products_of_32(sums, a, b);
    floats_of(out, sums);
}
QJ_DEVICE void products_of_unsigned(float (&out)[TILE_SUMS], const uint32_t (&a)[4], const uint32_t (&b)[2])
{
    uint32_t sums[TILE_SUMS];
    const tile_begin begin;
    asm("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, "
        "%11, %12, "
        "%13};"
        : "=r"(sums[0]), "=r"(sums[1]), "=r"(sums[2]), "=r"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(begin.words[0]),
          "r"(begin.words[1]), "r"(begin.words[2]), "r"(begin.words[3]));
    floats_of(out, sums);
}

QJ_DEVICE void products_of_16(uint32_t (&sums)[TILE_SUMS], uint32_t a0, uint32_t a1, uint32_t b)
{
    const tile_begin begin;
    asm("mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%7, %8, %9, "
        "%10};"
        : "=r"(sums[0]), "=r"(sums[1]), "=r"(sums[2]), "=r"(sums[3])
        : "r"(a0), "r"(a1), "r"(b), "r"(begin.words[0]), "r"(begin.words[1]), "r"(begin.words[2]),
          "r"(begin.words[3]));
}

// The same, added to sums.
QJ_DEVICE void add_products_of_32(uint32_t (&sums)[TILE_SUMS], const uint32_t (&a)[4], const uint32_t (&b)[2])
{
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, "
        "%1, %2, %3};"
        : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

QJ_DEVICE void add_products_of_16(uint32_t (&sums)[TILE_SUMS], uint32_t a0, uint32_t a1, uint32_t b)
{
    asm("mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
        : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
        : "r"(a0), "r"(a1), "r"(b));
}

// A lane's activations of one chunk, of N tiles.
template <int N> struct tile_activations {
    const uint8_t *fragments[N]; // of column g, from bytes 4 i of the first block's quants on
    const uint8_t *heads[N][2];  // columns 2 i and 2 i + 1

    __device__ __forceinline__ void load(uint32_t (&b)[2], int tile, unsigned block) const
    {
        const uint8_t *quants = fragments[tile] + block * sizeof(block_q8_1);
        b[0] = aligned_word(quants);
        b[1] = aligned_word(quants + 16);
    }
};

// What the lane's two columns of a tile have in a block.
struct tile_columns {
    float d[2], s[2], from[2];

    template <int N>
    __device__ __forceinline__ tile_columns(const tile_activations<N> &y, int tile, unsigned block)
    {
#pragma unroll
        for (int c = 0; c < 2; c++) {
            const uint32_t head = aligned_word(y.heads[tile][c] + block * sizeof(block_q8_1));
            d[c] = low_half(head);
            s[c] = high_half(head);
            // A number of f16 times 3 * 2^22 has few bits: this is exact.
            from[c] = -TILE_SUMS_FROM * d[c];
        }
    }
    // d of sum `at` times what its products are.
    __device__ __forceinline__ float scaled(int at, float products) const
    {
        return fmaf(d[at % 2], products, from[at % 2]);
    }
    // sums += d_x of their row * d of their column * products.
    __device__ __forceinline__ void add(float (&sums)[TILE_SUMS], const float (&products)[TILE_SUMS],
                                        const float (&d_x)[2]) const
    {
#pragma unroll
        for (int at = 0; at < TILE_SUMS; at++)
            sums[at] = fmaf(d_x[at / 2], scaled(at, products[at]), sums[at]);
    }
};

template <typename Block> struct tile_product;

QJ_DEVICE uint32_t even_word(const uint8_t *p)
{
    uint32_t word[1];
    load_even(word, p);
    return word[0];
}

// ---- blocks of 32: One has load(block, i), low and high, the lane's words of quants, and
// add(sum, products times d_y, s_y)

template <typename Block, typename One> struct tile_product_of_one {
    enum { PARTS = 1 };
    template <int N>
    static __device__ __forceinline__ void add(float (&sums)[N][TILE_SUMS], const uint8_t *const (&x)[2],
                                               const tile_activations<N> &y, unsigned y_block, unsigned,
                                               unsigned i)
    {
        One row[2];
        row[0].load((const Block *)x[0], i);
        row[1].load((const Block *)x[1], i);
#pragma unroll
        for (int t = 0; t < N; t++) {
            uint32_t b[2];
            float products[TILE_SUMS];
            y.load(b, t, y_block);
            products_of_32(products, {row[0].low, row[1].low, row[0].high, row[1].high}, b);
            const tile_columns columns(y, t, y_block);
#pragma unroll
            for (int at = 0; at < TILE_SUMS; at++)
                row[at / 2].add(sums[t][at], columns.scaled(at, products[at]), columns.s[at % 2]);
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
    __device__ __forceinline__ void add(float &sum, float products, float s_y) const
    {
        sum = fmaf(d, fmaf(-8.0f, s_y, products), sum);
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
    __device__ __forceinline__ void add(float &sum, float products, float s_y) const
    {
        sum = fmaf(m, s_y, fmaf(d, products, sum));
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
    __device__ __forceinline__ void add(float &sum, float products, float s_y) const
    {
        sum = fmaf(d, fmaf(-16.0f, s_y, products), sum);
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
    __device__ __forceinline__ void add(float &sum, float products, float) const
    {
        sum = fmaf(d, products, sum);
    }
};
template <> struct tile_product<block_q8_0> : tile_product_of_one<block_q8_0, tile_q8_0> {
};
#endif
