// Dot products of runs of 8 N quants that are places in a table (lookup.h): element i < 4 N is the low nibble
// of byte i, element i + 4 N its high nibble.
//   quants_of_table::load(nibbles)    takes N words of them
//   quants_of_table::dot(u)           the sum of their values' products with 2 N words of
//   activations_of_table              those of N_BLOCKS q8_1 blocks
//
// On CUDA a lane has as little as possible to do for a word, by instructions that two units execute side by
// side. A permutation gives the sign of a byte, 0 or -1, where the fourth bit of a place is set. With a table
// of which one half is not positive and the other not negative a value is thus the sum of two bytes, one from
// either half, if the other half has one more wherever such a sign is -1: both are multiplied. Elements stay
// as their nibbles lie, low and high in turn; so do the activations, which serve for several rows.
#pragma once

#include "dot.h"
#include "lookup.h"

#ifndef __HIP_PLATFORM_NVIDIA__
template <int N_BLOCKS, int N> using activations_of_table = activations_of_blocks<N_BLOCKS>;

template <typename Table, int N> struct quants_of_table {
    uint32_t values[2 * N];

    __device__ __forceinline__ void load(const uint32_t *nibbles)
    {
#pragma unroll
        for (int i = 0; i < N; i++)
            look_up<Table>(values[i], values[i + N], nibbles[i]);
    }
    __device__ __forceinline__ int dot(const uint32_t *u) const
    {
        return dot_words(values, u);
    }
};
#else
// The lower half of the table and the upper one, made so.
template <typename Table> struct table_of_sums {
    enum : uint32_t {
        L0 = (uint32_t)Table::W0 + ((uint32_t)Table::W2 >> 7 & 0x01010101u),
        L1 = (uint32_t)Table::W1 + ((uint32_t)Table::W3 >> 7 & 0x01010101u),
        U0 = (uint32_t)Table::W2 + ((uint32_t)Table::W0 >> 7 & 0x01010101u),
        U1 = (uint32_t)Table::W3 + ((uint32_t)Table::W1 >> 7 & 0x01010101u)
    };
};

// As __byte_perm(), which asks for the three lower bits of a place alone.
QJ_DEVICE uint32_t permute_signed(uint32_t low, uint32_t high, uint32_t places)
{
    uint32_t out;
    asm("prmt.b32 %0, %1, %2, %3;" : "=r"(out) : "r"(low), "r"(high), "r"(places));
    return out;
}

// Of four nibbles the bytes from the lower and from the upper half.
template <typename Table> QJ_DEVICE void look_up_sums(uint32_t &lower, uint32_t &upper, uint32_t nibbles)
{
    typedef table_of_sums<Table> sums;
    lower = permute_signed(in_register(sums::L0), in_register(sums::L1), nibbles);
    upper = permute_signed(in_register(sums::U0), in_register(sums::U1), nibbles ^ 0x8888u);
}

// Two words of elements as their nibbles lie, low and high in turn.
QJ_DEVICE void alternate(uint32_t &first, uint32_t &second)
{
    const uint32_t low = first, high = second;
    first = __byte_perm(low, high, 0x5140);
    second = __byte_perm(low, high, 0x7362);
}

#ifdef QJ_HAS_ASYNC_COPY
// A block of 32 elements of each of two rows, whose nibbles `words` are, times N tiles of activations.
template <typename Table, int N>
QJ_DEVICE void add_products_of_table(float (&sums)[N][TILE_SUMS], const uint32_t (&words)[2],
                                     const float (&d)[2], const tile_activations<N> &y, unsigned y_block)
{
    uint32_t lower[4], upper[4];
#pragma unroll
    for (int w = 0; w < 4; w++)
        look_up_sums<Table>(lower[w], upper[w], words[w % 2] >> (w / 2 * 16));
#pragma unroll
    for (int t = 0; t < N; t++) {
        uint32_t b[2], bits[TILE_SUMS];
        float products[TILE_SUMS];
        y.load(b, t, y_block);
        alternate(b[0], b[1]);
        products_of_32(bits, lower, b);
        add_products_of_32(bits, upper, b);
        floats_of(products, bits);
        tile_columns(y, t, y_block).add(sums[t], products, d);
    }
}
#endif

template <int N_BLOCKS, int N> struct activations_of_table : activations_of_blocks<N_BLOCKS> {
    __device__ __forceinline__ void load(const block_q8_1 *y, unsigned p)
    {
        activations_of_blocks<N_BLOCKS>::load(y, p);
#pragma unroll
        for (int b = 0; b < N_BLOCKS; b++) {
#pragma unroll
            for (int i = 0; i < 4; i++)
                alternate(this->u[b][i / N * 2 * N + i % N], this->u[b][i / N * 2 * N + i % N + N]);
        }
    }
};

template <typename Table, int N> struct quants_of_table {
    uint32_t words[N];

    __device__ __forceinline__ void load(const uint32_t *nibbles)
    {
#pragma unroll
        for (int i = 0; i < N; i++)
            words[i] = nibbles[i];
    }
    __device__ __forceinline__ int dot(const uint32_t *u) const
    {
        int sum = 0;
#pragma unroll
        for (int i = 0; i < 2 * N; i++) {
            uint32_t lower, upper;
            look_up_sums<Table>(lower, upper, words[i % N] >> (i / N * 16));
            sum = dp4a(lower, u[i], sum);
            sum = dp4a(upper, u[i], sum);
        }
        return sum;
    }
};

// N blocks of 32 elements. Part p has the blocks 2 p and 2 p + 1. One has load_two(out, x, p) for it and
// dot().
template <typename Block, int N> struct blocks_together {
    enum { SIZE = N * QK_BLOCK };
    Block of[N];
};

template <typename Group, typename One> struct dot_of_pairs {
    enum { BLOCKS = 1, PARTS = Group::SIZE / (2 * QK_BLOCK) };
    typedef activations_of_table<2, 4> activations;
    struct weights {
        One of[2];

        __device__ __forceinline__ void load(const Group *x, unsigned p, unsigned)
        {
            One::load_two(of, x, p);
        }
    };
    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        return w.of[0].dot(a.d[0], a.s[0], a.u[0]) + w.of[1].dot(a.d[1], a.s[1], a.u[1]);
    }
};
#endif
