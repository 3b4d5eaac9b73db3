// Weights for mul_mat.h: mul_mat_weights<block type>.
//
// A row is taken in slices of SLICE elements, and of a slice each thread takes pieces, PIECES to a slice and
// PARTS to a block. For a piece
//   load(x, part)                  reads part `part` of block x as it lies in memory, says that all of it is
//                                  under_way(), and does nothing with it, or it would wait
//   store(out, piece, part)        unpacks it, as piece `piece` of its slice
// A slice unpacked is one signed byte for each element, in their order, and for each RUN elements their scale
// and, where has_minimum, what is added to each of them. sum_of says what a minimum is multiplied by.
//
// x must be aligned as its block size allows: q4_K and q5_K to 16, q5_1 to 8, q4_1, q2_K to 4, others to 2.
#pragma once

#include "load.h"

// A sum of the run's activations: as they were before they were quantised, or as they are.
enum mul_mat_sum { SUM_OF_INPUTS, SUM_OF_QUANTS };

// Of a run of weights its scale and minimum, of a run of activations its scale and sum.
struct alignas(8) mul_mat_pair {
    float scale, other;
};
struct mul_mat_single {
    float scale;
};

// Where a row's slice goes: its bytes, and the scales of its runs, `stride` apart.
template <typename Scale> struct mul_mat_row {
    uint32_t *q;
    Scale *scales;
    unsigned stride;

    __device__ __forceinline__ void put_16(unsigned word, const uint32_t (&words)[4]) const
    {
        store_to_lds(q + word, words);
    }
    __device__ __forceinline__ void put_scale(unsigned run, Scale scale) const
    {
        scales[run * stride] = scale;
    }
};

// Four bytes of 0 to 127 less `number`, 0 to 128, as signed bytes: no byte borrows from the next.
QJ_DEVICE uint32_t minus_each(uint32_t bytes, uint32_t number)
{
    return ((bytes | 0x80808080u) - number * 0x01010101u) ^ 0x80808080u;
}

QJ_DEVICE uint32_t byte_of(uint32_t word, unsigned i)
{
    return word >> (8 * i) & 0xff;
}

// ---- q4_0, q4_1, q5_0, q5_1: a piece is a block

struct mul_mat_nibbles {
    enum { SLICE = 64, PARTS = 1, RUN = 32 };
    static constexpr bool has_minimum = true;
    static constexpr mul_mat_sum sum_of = SUM_OF_INPUTS;
    typedef mul_mat_row<mul_mat_pair> row;

    // fifth: bit i is the fifth bit of element i.
    static __device__ __forceinline__ void put(const row &out, unsigned piece, const uint32_t (&q)[4],
                                               uint32_t fifth, float d, float m)
    {
        uint32_t low[4], high[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            low[i] = (q[i] & 0x0f0f0f0f) | spread(fifth >> (4 * i));
            high[i] = (q[i] >> 4 & 0x0f0f0f0f) | spread(fifth >> (4 * i + 16));
        }
        out.put_16(8 * piece, low);
        out.put_16(8 * piece + 4, high);
        out.put_scale(piece, mul_mat_pair{d, m});
    }

    // Four bits as bit 4 of four bytes.
    static __device__ __forceinline__ uint32_t spread(uint32_t bits)
    {
        return ((bits & 0xf) * 0x204081u & 0x01010101u) << 4;
    }
};

template <typename Block> struct mul_mat_weights;

template <> struct mul_mat_weights<block_q4_0> : mul_mat_nibbles {
    even_words<4> q;
    __half d;
    __device__ __forceinline__ void load(const block_q4_0 *x, unsigned)
    {
        q.load(x->qs);
        d = x->d;
        under_way(q);
        under_way(d);
    }
    __device__ __forceinline__ void store(const row &out, unsigned piece, unsigned) const
    {
        const float scale = __half2float(d);
        uint32_t words[4];
        q.get(words);
        put(out, piece, words, 0, scale, -8.0f * scale);
    }
};

template <> struct mul_mat_weights<block_q4_1> : mul_mat_nibbles {
    uint32_t q[4], dm;
    __device__ __forceinline__ void load(const block_q4_1 *x, unsigned)
    {
        load_words(q, x->qs);
        dm = aligned_word(x);
        under_way(q);
        under_way(dm);
    }
    __device__ __forceinline__ void store(const row &out, unsigned piece, unsigned) const
    {
        put(out, piece, q, 0, low_half(dm), high_half(dm));
    }
};

template <> struct mul_mat_weights<block_q5_0> : mul_mat_nibbles {
    even_words<1> fifth;
    even_words<4> q;
    __half d;
    __device__ __forceinline__ void load(const block_q5_0 *x, unsigned)
    {
        q.load(x->qs);
        fifth.load(x->qh);
        d = x->d;
        under_way(q);
        under_way(fifth);
        under_way(d);
    }
    __device__ __forceinline__ void store(const row &out, unsigned piece, unsigned) const
    {
        const float scale = __half2float(d);
        uint32_t words[4], bits[1];
        q.get(words);
        fifth.get(bits);
        put(out, piece, words, bits[0], scale, -16.0f * scale);
    }
};

template <> struct mul_mat_weights<block_q5_1> : mul_mat_nibbles {
    uint32_t q[4], dm, fifth;
    __device__ __forceinline__ void load(const block_q5_1 *x, unsigned)
    {
        load_words(q, x->qs);
        dm = aligned_word(x);
        fifth = aligned_word(x->qh);
        under_way(q);
        under_way(dm);
        under_way(fifth);
    }
    __device__ __forceinline__ void store(const row &out, unsigned piece, unsigned) const
    {
        put(out, piece, q, fifth, low_half(dm), high_half(dm));
    }
};

// ---- q8_0: a piece is half a block

template <> struct mul_mat_weights<block_q8_0> {
    enum { SLICE = 64, PARTS = 2, RUN = 32 };
    static constexpr bool has_minimum = false;
    static constexpr mul_mat_sum sum_of = SUM_OF_QUANTS;
    typedef mul_mat_row<mul_mat_single> row;
    even_words<4> q;
    __half d;

    __device__ __forceinline__ void load(const block_q8_0 *x, unsigned part)
    {
        q.load(x->qs + 16 * part);
        d = x->d;
        under_way(q);
        under_way(d);
    }
    __device__ __forceinline__ void store(const row &out, unsigned piece, unsigned part) const
    {
        uint32_t words[4];
        q.get(words);
        out.put_16(4 * piece, words);
        if (part == 0) // one of the two brings it
            out.put_scale(piece / 2, mul_mat_single{__half2float(d)});
    }
};

// ---- q2_K, q3_K: a piece is 16 bytes, which hold run 2 g + piece for g = 0 to 3 of the eight runs of a
// slice

template <> struct mul_mat_weights<block_q2_K> {
    enum { SLICE = 128, PARTS = 4, RUN = 16 };
    static constexpr bool has_minimum = true;
    static constexpr mul_mat_sum sum_of = SUM_OF_QUANTS;
    typedef mul_mat_row<mul_mat_pair> row;
    uint32_t q[4], scales[2], dm;

    __device__ __forceinline__ void load(const block_q2_K *x, unsigned part)
    {
        load_words(q, x->qs + 16 * part);
        load_words(scales, x->scales + part / 2 * 8);
        dm = aligned_word(&x->d);
        under_way(q);
        under_way(scales);
        under_way(dm);
    }
    __device__ __forceinline__ void store(const row &out, unsigned piece, unsigned) const
    {
        const float d = low_half(dm), m = high_half(dm);
#pragma unroll
        for (unsigned g = 0; g < 4; g++) {
            uint32_t words[4];
#pragma unroll
            for (int i = 0; i < 4; i++)
                words[i] = q[i] >> (2 * g) & 0x03030303;
            out.put_16(8 * g + 4 * piece, words);
            const uint32_t scale = byte_of(scales[g / 2], g % 2 * 2 + piece);
            out.put_scale(2 * g + piece, mul_mat_pair{d * (float)(scale & 0xf), -m * (float)(scale >> 4)});
        }
    }
};

template <> struct mul_mat_weights<block_q3_K> {
    enum { SLICE = 128, PARTS = 4, RUN = 16 };
    static constexpr bool has_minimum = false;
    static constexpr mul_mat_sum sum_of = SUM_OF_QUANTS;
    typedef mul_mat_row<mul_mat_single> row;
    even_words<4> q_words, high_words;
    even_words<3> scale_words;
    __half d;

    __device__ __forceinline__ void load(const block_q3_K *x, unsigned part)
    {
        q_words.load(x->qs + 16 * part);
        high_words.load(x->hmask + 16 * (part % 2));
        scale_words.load(x->scales);
        d = x->d;
        under_way(q_words);
        under_way(high_words);
        under_way(scale_words);
        under_way(d);
    }
    __device__ __forceinline__ void store(const row &out, unsigned piece, unsigned part) const
    {
        const unsigned half_of_block = part / 2;
        uint32_t q[4], high[4], scales[3];
        q_words.get(q);
        high_words.get(high);
        scale_words.get(scales);
#pragma unroll
        for (unsigned g = 0; g < 4; g++) {
            uint32_t words[4];
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const uint32_t third = high[i] >> (4 * half_of_block + g) & 0x01010101;
                words[i] = minus_each((q[i] >> (2 * g) & 0x03030303) | third << 2, 4);
            }
            out.put_16(8 * g + 4 * piece, words);
            // Scale 8 half_of_block + 2 g + piece: see scale_q3_K() of dequantize.h.
            const unsigned byte = g % 2 * 2 + piece;
            const uint32_t low = byte_of(scales[g / 2], byte) >> (4 * half_of_block) & 0xf;
            const uint32_t top = byte_of(scales[2], byte) >> (4 * half_of_block + g / 2 * 2) & 3;
            out.put_scale(2 * g + piece,
                          mul_mat_single{__half2float(d) * (float)((int)(low | top << 4) - 32)});
        }
    }
};

// ---- q4_K, q5_K: a piece is 16 bytes, which hold half of both runs of a slice

struct mul_mat_nibble_pairs {
    enum { SLICE = 64, PARTS = 8, RUN = 32 };
    static constexpr bool has_minimum = true;
    static constexpr mul_mat_sum sum_of = SUM_OF_QUANTS;
    typedef mul_mat_row<mul_mat_pair> row;
    uint32_t head[4], q[4];

    __device__ __forceinline__ void load_nibbles(const void *x, const uint8_t *qs)
    {
        memcpy(head, __builtin_assume_aligned((const void *)x, 16), sizeof head);
        memcpy(q, __builtin_assume_aligned((const void *)qs, 16), sizeof q);
        under_way(head);
        under_way(q);
    }

    // Scale and minimum of run `part` of the block, which is run `piece` of the slice.
    __device__ __forceinline__ void put_scales(const row &out, unsigned piece, unsigned part) const
    {
        const uint32_t a = byte_of(head[1], part % 4), b = byte_of(head[2], part % 4);
        const uint32_t c = byte_of(head[3], part % 4);
        const uint32_t scale = part < 4 ? a & 0x3f : (c & 0xf) | (a >> 6) << 4;
        const uint32_t minimum = part < 4 ? b & 0x3f : c >> 4 | (b >> 6) << 4;
        out.put_scale(piece, mul_mat_pair{low_half(head[0]) * (float)(int)scale,
                                          -high_half(head[0]) * (float)(int)minimum});
    }
};

template <> struct mul_mat_weights<block_q4_K> : mul_mat_nibble_pairs {
    __device__ __forceinline__ void load(const block_q4_K *x, unsigned part)
    {
        load_nibbles(x, x->qs + 16 * part);
    }
    __device__ __forceinline__ void store(const row &out, unsigned piece, unsigned part) const
    {
        uint32_t low[4], high[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            low[i] = q[i] & 0x0f0f0f0f;
            high[i] = q[i] >> 4 & 0x0f0f0f0f;
        }
        out.put_16(4 * piece, low);
        out.put_16(4 * piece + 8, high);
        put_scales(out, piece, part);
    }
};

template <> struct mul_mat_weights<block_q5_K> : mul_mat_nibble_pairs {
    uint32_t fifth[4];
    __device__ __forceinline__ void load(const block_q5_K *x, unsigned part)
    {
        load_nibbles(x, x->qs + 16 * part);
        memcpy(fifth, __builtin_assume_aligned(x->qh + 16 * (part % 2), 16), sizeof fifth);
        under_way(fifth);
    }
    __device__ __forceinline__ void store(const row &out, unsigned piece, unsigned part) const
    {
        uint32_t low[4], high[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const uint32_t bits = fifth[i] >> (part / 2 * 2);
            low[i] = (q[i] & 0x0f0f0f0f) | (bits << 4 & 0x10101010);
            high[i] = (q[i] >> 4 & 0x0f0f0f0f) | (bits << 3 & 0x10101010);
        }
        out.put_16(4 * piece, low);
        out.put_16(4 * piece + 8, high);
        put_scales(out, piece, part);
    }
};

// ---- q6_K: a piece is 16 bytes of ql, which hold runs `piece` and piece + 4 of the eight of a slice

template <> struct mul_mat_weights<block_q6_K> {
    enum { SLICE = 128, PARTS = 8, RUN = 16 };
    static constexpr bool has_minimum = false;
    static constexpr mul_mat_sum sum_of = SUM_OF_QUANTS;
    typedef mul_mat_row<mul_mat_single> row;
    even_words<4> low_words, high_words;
    int scales[2];
    __half d;

    __device__ __forceinline__ void load(const block_q6_K *x, unsigned part)
    {
        low_words.load(x->ql + 16 * part);
        high_words.load(x->qh + part / 4 * 32 + part % 2 * 16);
        scales[0] = x->scales[part / 4 * 8 + part % 4];
        scales[1] = x->scales[part / 4 * 8 + part % 4 + 4];
        d = x->d;
        under_way(low_words);
        under_way(high_words);
        under_way((uint32_t)scales[0]);
        under_way((uint32_t)scales[1]);
        under_way(d);
    }
    __device__ __forceinline__ void store(const row &out, unsigned piece, unsigned) const
    {
        uint32_t low[4], high[4], first[4], second[4];
        low_words.get(low);
        high_words.get(high);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const uint32_t bits = high[i] >> (piece / 2 * 2);
            first[i] = minus_each((low[i] & 0x0f0f0f0f) | (bits << 4 & 0x30303030), 32);
            second[i] = minus_each((low[i] >> 4 & 0x0f0f0f0f) | (bits & 0x30303030), 32);
        }
        out.put_16(4 * piece, first);
        out.put_16(4 * piece + 16, second);
        out.put_scale(piece, mul_mat_single{__half2float(d) * (float)scales[0]});
        out.put_scale(piece + 4, mul_mat_single{__half2float(d) * (float)scales[1]});
    }
};
