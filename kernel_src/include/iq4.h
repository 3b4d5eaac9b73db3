// iq4_nl and iq4_xs: four bits a quant, which is a place in a table of values that lie closer together around
// zero.
//
//   iq4_nl  32 elements: scale d; value d * table[quant]
//   iq4_xs  256 elements in groups of 32: value d * (scale of the group - 32) * table[quant]
//
// Scale, group's scale and value have 11, 6 and 7 bits: their product is exact in float. No value is zero but
// for a scale of zero.
#pragma once

#include "blocks.h"
#include "lookup.h"

// -127 -104 -83 -65, -49 -35 -22 -10, 1 13 25 38, 53 69 89 113
struct table_iq4 {
    enum : uint32_t { W0 = 0xbfad9881, W1 = 0xf6eaddcf, W2 = 0x26190d01, W3 = 0x71594535 };
};

struct block_iq4_nl {
    enum { SIZE = QK_BLOCK };
    __half d;
    uint8_t qs[16]; // as q4_0
};

// The six bits of group g's scale: bits 4 g to 4 g + 3 of scales_l as one number, above them bits 2 g and
// 2 g + 1 of scales_h. The group's quants are qs[16 g] to qs[16 g + 15], as a block of q4_0.
struct block_iq4_xs {
    enum { SIZE = QK_SUPER };
    __half d;
    uint16_t scales_h;
    uint8_t scales_l[4];
    uint8_t qs[128];
};

static_assert(sizeof(block_iq4_nl) == 18, "iq4_nl is 18 bytes");
static_assert(sizeof(block_iq4_xs) == 136, "iq4_xs is 136 bytes");

QJ_DEVICE float element(const block_iq4_nl &b, unsigned i)
{
    const unsigned byte = b.qs[i % 16];
    return __half2float(b.d) * (float)look_up_one<table_iq4>(i < 16 ? byte & 0xf : byte >> 4);
}

QJ_DEVICE int scale_iq4_xs(uint32_t scales_h, uint32_t scales_l, unsigned g)
{
    return (int)((scales_l >> (4 * g) & 0xf) | (scales_h >> (2 * g) & 3) << 4) - 32;
}

QJ_DEVICE float element(const block_iq4_xs &b, unsigned i)
{
    const unsigned g = i / 32, byte = b.qs[16 * g + i % 16];
    const int scale = scale_iq4_xs(b.scales_h, aligned_word(b.scales_l), g);
    return __half2float(b.d) * (float)scale *
           (float)look_up_one<table_iq4>(i % 32 < 16 ? byte & 0xf : byte >> 4);
}

#ifdef QJ_WITH_QUADS
template <int N> QJ_DEVICE quads_of<N, scale_f16> quads(const block_iq4_nl &b, unsigned i)
{
    quads_of<N, scale_f16> out;
    uint32_t words[N];
    load_quads(words, b.qs + i % 4 * 4);
    look_up_at<table_iq4>(out.quants, words, i / 4 * 4);
    out.scale = {b.d};
    return out;
}

template <int N> QJ_DEVICE quads_of<N, scale_alone> quads(const block_iq4_xs &b, unsigned i)
{
    quads_of<N, scale_alone> out;
    uint32_t words[N];
    load_words(words, b.qs + i / 8 * 16 + i % 4 * 4);
    look_up_at<table_iq4>(out.quants, words, i % 8 / 4 * 4);
    const uint32_t head = aligned_word(&b), scales_l = aligned_word(b.scales_l);
    out.scale = {low_half(head) * (float)scale_iq4_xs(head >> 16, scales_l, i / 8)};
    return out;
}
#endif

#ifdef QJ_WITH_DOT
#include "lookup_dot.h"

// x is aligned to 2 for iq4_nl, to 8 for iq4_xs.

typedef quants_of_table<table_iq4, 4> quants_iq4;
typedef activations_of_table<2, 4> activations_iq4;

struct one_iq4_nl {
    float d;
    quants_iq4 q;

    __device__ __forceinline__ void load(lane_pointer<block_iq4_nl> x)
    {
        uint32_t words[4];
        QJ_LOAD_BEHIND_SCALE(words, d, x, x->qs);
        q.load(words);
    }
    __device__ __forceinline__ float dot(float d_y, float, const uint32_t *u) const
    {
        return d * (d_y * (float)q.dot(u));
    }
#ifdef __HIP_PLATFORM_NVIDIA__
    static __device__ __forceinline__ void load_two(one_iq4_nl (&out)[2], const void *x, unsigned)
    {
        uint32_t words[9], first[4];
        load_words(words, x);
#pragma unroll
        for (int i = 0; i < 4; i++)
            first[i] = __funnelshift_r(words[i], words[i + 1], 16);
        out[0].d = low_half(words[0]);
        out[0].q.load(first);
        out[1].d = high_half(words[4]);
        out[1].q.load(words + 5);
    }
#endif
};
template <> struct dot_product<block_iq4_nl> : dot_of_two<block_iq4_nl, one_iq4_nl, activations_iq4> {
};

#ifdef __HIP_PLATFORM_NVIDIA__
typedef blocks_together<block_iq4_nl, 2> two_iq4_nl;
template <> struct mat_vec_group<block_iq4_nl> {
    typedef two_iq4_nl type;
    enum { ALIGNMENT = 4 };
};
template <> struct dot_product<two_iq4_nl> : dot_of_pairs<two_iq4_nl, one_iq4_nl> {
};
#endif

// Part p has the groups 2 p and 2 p + 1.
template <> struct dot_product<block_iq4_xs> {
    enum { BLOCKS = 1, PARTS = 4 };
    typedef activations_iq4 activations;
    struct weights {
        float d[2]; // of a group
        quants_iq4 q[2];

        __device__ __forceinline__ void load(lane_pointer<block_iq4_xs> x, unsigned p, unsigned)
        {
            uint32_t head[2], words[8];
            load_by_8_bytes(words, QJ_BYTES_OF(x, qs, 32 * p));
            load_by_8_bytes(head, x);
#ifdef __HIP_PLATFORM_NVIDIA__
            const uint32_t low = head[1] >> (8 * p), high = head[0] >> (16 + 4 * p);
            const float d_x = low_half(head[0]);
            d[0] = d_x * ((float)((low & 0xf) | (high << 4 & 0x30)) - 32.0f);
            d[1] = d_x * ((float)((low >> 4 & 0xf) | (high << 2 & 0x30)) - 32.0f);
            q[0].load(words);
            q[1].load(words + 4);
#else
#pragma unroll
            for (int g = 0; g < 2; g++) {
                d[g] = low_half(head[0]) * (float)scale_iq4_xs(head[0] >> 16, head[1], 2 * p + g);
                q[g].load(words + 4 * g);
            }
#endif
        }
    };
    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        const float first = w.d[0] * (a.d[0] * (float)w.q[0].dot(a.u[0]));
        return first + w.d[1] * (a.d[1] * (float)w.q[1].dot(a.u[1]));
    }
};
#endif

#if defined(QJ_WITH_DOT) && defined(QJ_HAS_ASYNC_COPY)
template <> struct tile_product<block_iq4_nl> {
    enum { PARTS = 1 };
    template <int N>
    static __device__ __forceinline__ void add(float (&sums)[N][TILE_SUMS], const uint8_t *const (&x)[2],
                                               const tile_activations<N> &y, unsigned y_block, unsigned,
                                               unsigned i)
    {
        uint32_t words[2];
        float d[2];
#pragma unroll
        for (int r = 0; r < 2; r++) {
            const block_iq4_nl *block = (const block_iq4_nl *)x[r];
            words[r] = even_word(block->qs + 4 * i);
            d[r] = __half2float(block->d);
        }
        add_products_of_table<table_iq4>(sums, words, d, y, y_block);
    }
};

// A part is two groups.
template <> struct tile_product<block_iq4_xs> {
    enum { PARTS = 4 };
    template <int N>
    static __device__ __forceinline__ void add(float (&sums)[N][TILE_SUMS], const uint8_t *const (&x)[2],
                                               const tile_activations<N> &y, unsigned y_block, unsigned part,
                                               unsigned i)
    {
        uint32_t words[2][2]; // of a group
        float d[2][2];
#pragma unroll
        for (int r = 0; r < 2; r++) {
            uint32_t head[2];
            load_by_8_bytes(head, x[r]);
            const uint32_t low = head[1] >> (8 * part), high = head[0] >> (16 + 4 * part);
            // The two scales as bytes 0 and 1.
            const uint32_t scales =
                (low & 0x0f) | (low << 4 & 0x0f00) | (high << 4 & 0x30) | (high << 10 & 0x3000);
#pragma unroll
            for (int g = 0; g < 2; g++) {
                words[g][r] = aligned_word(((const block_iq4_xs *)x[r])->qs + 32 * part + 16 * g + 4 * i);
                d[g][r] = low_half(head[0]) * float_of_byte(scales, g, 32.0f);
            }
        }
#pragma unroll
        for (unsigned g = 0; g < 2; g++)
            add_products_of_table<table_iq4>(sums, words[g], d[g], y, y_block + 2 * part + g);
    }
};
#endif

#ifdef QJ_WITH_MUL_MAT
struct mul_mat_iq4 {
    enum { SLICE = 64, RUN = 32 };
    static constexpr bool has_minimum = false;
    static constexpr mul_mat_sum sum_of = SUM_OF_QUANTS;
    typedef mul_mat_row<mul_mat_single> row;

    static __device__ __forceinline__ void put(const row &out, unsigned piece, const uint32_t (&q)[4],
                                               float scale)
    {
        uint32_t low[4], high[4];
#pragma unroll
        for (int i = 0; i < 4; i++)
            look_up<table_iq4>(low[i], high[i], q[i]);
        out.put_16(8 * piece, low);
        out.put_16(8 * piece + 4, high);
        out.put_scale(piece, mul_mat_single{scale});
    }
};

// A piece is a block.
template <> struct mul_mat_weights<block_iq4_nl> : mul_mat_iq4 {
    enum { PARTS = 1 };
    even_words<4> q;
    __half d;
    __device__ __forceinline__ void load(const block_iq4_nl *x, unsigned)
    {
        q.load(x->qs);
        d = x->d;
        under_way(q);
        under_way(d);
    }
    __device__ __forceinline__ void store(const row &out, unsigned piece, unsigned) const
    {
        uint32_t words[4];
        q.get(words);
        put(out, piece, words, __half2float(d));
    }
};

// A piece is a group.
template <> struct mul_mat_weights<block_iq4_xs> : mul_mat_iq4 {
    enum { PARTS = 8 };
    uint32_t q[4], head[2];
    __device__ __forceinline__ void load(const block_iq4_xs *x, unsigned part)
    {
        load_by_8_bytes(q, x->qs + 16 * part);
        load_by_8_bytes(head, x);
        under_way(q);
        under_way(head);
    }
    __device__ __forceinline__ void store(const row &out, unsigned piece, unsigned part) const
    {
        put(out, piece, q, low_half(head[0]) * (float)scale_iq4_xs(head[0] >> 16, head[1], part));
    }
};
#endif
