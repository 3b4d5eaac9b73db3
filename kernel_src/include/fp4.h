// mxfp4 and nvfp4: quants of four bits that are floats themselves (E2M1: sign, two bits of exponent, one of
// fraction; 0 0.5 1 1.5 2 3 4 6 and their negatives, no infinity and no NaN), with a scale of eight bits.
//
//   mxfp4  32 elements, scale E8M0: 2^(e - 127); 255 is NaN
//   nvfp4  64 elements in groups of 16, scales UE4M3: four bits of exponent with bias 7, three of fraction,
//          exponent 0 subnormal; 0x7f is NaN, there is no infinity. Bit 7 is no part of the number.
//
// These are the definitions of the OCP formats and of E4M3 without a sign, NaN included, so that a damaged
// scale is seen: ggml decodes the two NaNs as 2^128 and 0, and no quantiser writes them. A factor for a whole
// tensor, which nvfp4 files have beside the blocks, is the caller's to multiply with. -0 counts as 0.
//
// Quants are taken twice as large, as integers, and scales half as large: a product is exact in float, unless
// it is above the largest, and then infinite.
#pragma once

#include "blocks.h"
#include "load.h"
#include "lookup.h"

// Twice 0 0.5 1 1.5, 2 3 4 6, and then the negatives.
struct table_fp4 {
    enum : uint32_t { W0 = 0x03020100, W1 = 0x0c080604, W2 = 0xfdfeff00, W3 = 0xf4f8fafc };
};

struct block_mxfp4 {
    enum { SIZE = QK_BLOCK };
    uint8_t e;
    uint8_t qs[16]; // as q4_0
};

// Group g of 16 has qs[8 g] to qs[8 g + 7]: element i < 8 is the low nibble of byte i, element i + 8 its high
// nibble.
struct block_nvfp4 {
    enum { SIZE = 64 };
    uint8_t d[4];
    uint8_t qs[32];
};

static_assert(sizeof(block_mxfp4) == 17, "mxfp4 is 17 bytes");
static_assert(sizeof(block_nvfp4) == 36, "nvfp4 is 36 bytes");

// Half of an E8M0 number: for 0 and 1 a subnormal.
QJ_DEVICE float half_e8m0(unsigned e)
{
#ifdef __HIP_PLATFORM_NVIDIA__ // mostly by the unit that does not permute
    const float number = fmaxf(__uint_as_float(e << 23), __uint_as_float(0x00400000)); // infinite for 255
    return fmaf(number, 0.5f, number * 0.0f);
#else
    const uint32_t bits = e < 2 ? 0x00200000u << e : (e - 1) << 23;
    return __uint_as_float(e == 255 ? 0x7fc00000u : bits);
#endif
}

// Half of a UE4M3 number: as f16 the same bits stand for 2^-8 of it.
QJ_DEVICE float half_ue4m3(unsigned bits)
{
    const unsigned number = bits & 0x7f;
    return __half2float(__ushort_as_half((unsigned short)(number == 0x7f ? 0x7e00 : number << 7))) * 128.0f;
}

QJ_DEVICE float element(const block_mxfp4 &b, unsigned i)
{
    const unsigned byte = b.qs[i % 16];
    return half_e8m0(b.e) * (float)look_up_one<table_fp4>(i < 16 ? byte & 0xf : byte >> 4);
}

QJ_DEVICE float element(const block_nvfp4 &b, unsigned i)
{
    const unsigned byte = b.qs[i / 16 * 8 + i % 8];
    return half_ue4m3(b.d[i / 16]) * (float)look_up_one<table_fp4>(i % 16 < 8 ? byte & 0xf : byte >> 4);
}

#if defined(QJ_WITH_DOT) || defined(QJ_WITH_MUL_MAT) || defined(QJ_WITH_QUADS)
// N * 4 bytes as little-endian words, from any address. Nothing beside them is read. In two steps as
// even_words.
#ifdef QJ_WEIGHTS_IN_LDS
template <int N> struct byte_words {
    uint32_t words[N + 1];
    unsigned shift;

    __device__ __forceinline__ void load(const void *p)
    {
        const unsigned ahead = (uintptr_t)p & 3;
        const uint8_t *const bytes = (const uint8_t *)p - ahead;
        shift = 8 * ahead;
#pragma unroll
        for (int i = 0; i < N; i++)
            words[i] = aligned_word(bytes + 4 * i);
        words[N] = aligned_word(bytes + (ahead ? 4 * N : 0));
    }
    __device__ __forceinline__ void get(uint32_t (&out)[N]) const
    {
#pragma unroll
        for (int i = 0; i < N; i++)
            out[i] = __funnelshift_r(words[i], words[i + 1], shift);
    }
};
#elif defined(__HIP_PLATFORM_NVIDIA__)
// The N - 1 aligned words that lie within the bytes, and the four bytes that remain: `front` of them before
// the words, the others behind.
template <int N> struct byte_words {
    uint32_t within[N > 1 ? N - 1 : 1];
    uint8_t edges[4];
    unsigned front;

    __device__ __forceinline__ void load(const void *p)
    {
        const uint8_t *bytes = (const uint8_t *)p;
        front = (0u - (unsigned)(uintptr_t)p) & 3;
#pragma unroll
        for (unsigned i = 0; i < 4; i++)
            edges[i] = bytes[i < front ? i : 4 * N - 4 + i];
#pragma unroll
        for (int i = 0; i < N - 1; i++)
            within[i] = aligned_word(bytes + front + 4 * i);
    }
    __device__ __forceinline__ void get(uint32_t (&out)[N]) const
    {
        const uint32_t edge = edges[0] | edges[1] << 8 | edges[2] << 16 | (uint32_t)edges[3] << 24;
        const unsigned shift = 32 - 8 * front;
        uint32_t before = __funnelshift_lc(0, edge, shift); // of which the upper bytes count
#pragma unroll
        for (int i = 0; i < N - 1; i++) {
            out[i] = __funnelshift_rc(before, within[i], shift);
            before = within[i];
        }
        out[N - 1] = __funnelshift_rc(before, edge >> (8 * front), shift);
    }
};
#else
template <int N> struct byte_words {
    uint32_t words[N];

    __device__ __forceinline__ void load(const void *p)
    {
        memcpy(words, p, sizeof words);
    }
    __device__ __forceinline__ void get(uint32_t (&out)[N]) const
    {
#pragma unroll
        for (int i = 0; i < N; i++)
            out[i] = words[i];
    }
};
#endif

template <int N> QJ_DEVICE void under_way(const byte_words<N> &words)
{
#if defined(QJ_WEIGHTS_IN_LDS)
    under_way(words.words);
#elif defined(__HIP_PLATFORM_NVIDIA__)
    under_way(words.within);
#pragma unroll
    for (int i = 0; i < 4; i++)
        under_way((uint32_t)words.edges[i]);
#endif
}

// Both steps at once.
template <int N> QJ_DEVICE void load_bytes(uint32_t (&out)[N], const void *p)
{
    byte_words<N> words;
    words.load(p);
    words.get(out);
}

// Words of a group of nvfp4, two of them, as its elements.
QJ_DEVICE void look_up_group(uint32_t (&out)[4], const uint32_t *words)
{
#pragma unroll
    for (int i = 0; i < 2; i++)
        look_up<table_fp4>(out[i], out[i + 2], words[i]);
}

QJ_DEVICE float scale_nvfp4(uint32_t scales, unsigned g)
{
    return half_ue4m3(scales >> (8 * g) & 0xff);
}

// All four of a block, divided by FACTOR.
struct scales_nvfp4 {
#ifdef __HIP_PLATFORM_NVIDIA__
    static constexpr float FACTOR = 128.0f;
    uint32_t halves[2]; // the same bits as f16

    // As half_ue4m3(). A carry out of 0x7f, and out of no other number, makes it an f16 that is NaN.
    __device__ __forceinline__ explicit scales_nvfp4(uint32_t bytes)
    {
        const uint32_t numbers = bytes & 0x7f7f7f7fu;
        const uint32_t with_nan = numbers | ((numbers + 0x01010101u) & 0x80808080u);
        halves[0] = __byte_perm(with_nan, 0, 0x1404) >> 1;
        halves[1] = __byte_perm(with_nan, 0, 0x3424) >> 1;
    }
    __device__ __forceinline__ float get(unsigned g) const
    {
        return g % 2 == 0 ? low_half(halves[g / 2]) : high_half(halves[g / 2]);
    }
#else
    static constexpr float FACTOR = 1.0f;
    uint32_t bytes;

    __device__ __forceinline__ explicit scales_nvfp4(uint32_t four) : bytes(four)
    {
    }
    __device__ __forceinline__ float get(unsigned g) const
    {
        return scale_nvfp4(bytes, g);
    }
#endif
};
#endif

#ifdef QJ_WITH_QUADS
template <int N> QJ_DEVICE quads_of<N, scale_alone> quads(const block_mxfp4 &b, unsigned i)
{
    quads_of<N, scale_alone> out;
    uint32_t words[N];
    load_bytes(words, b.qs + i % 4 * 4);
    look_up_at<table_fp4>(out.quants, words, i / 4 * 4);
    out.scale = {half_e8m0(b.e)};
    return out;
}

// Half a UE4M3 number is an f16 as well.
template <int N> QJ_DEVICE quads_of<N, scale_f16> quads(const block_nvfp4 &b, unsigned i)
{
    quads_of<N, scale_f16> out;
    uint32_t words[N];
    load_words(words, b.qs + i / 4 * 8 + i % 2 * 4);
    look_up_at<table_fp4>(out.quants, words, i % 4 / 2 * 4);
    out.scale = {__float2half_rn(half_ue4m3(b.d[i / 4]))};
    return out;
}
#endif

#ifdef QJ_WITH_DOT
#include "lookup_dot.h"

// x needs no alignment for mxfp4, to 4 for nvfp4.

struct one_mxfp4 {
    float d;
    quants_of_table<table_fp4, 4> q;

    __device__ __forceinline__ void load(const block_mxfp4 *x)
    {
        uint32_t words[4];
        load_bytes(words, x->qs);
        d = half_e8m0(x->e);
        q.load(words);
    }
    // The scale comes last: the others' product is in the range of float, whatever they are.
    __device__ __forceinline__ float dot(float d_y, float, const uint32_t *u) const
    {
        return d * (d_y * (float)q.dot(u));
    }
#ifdef __HIP_PLATFORM_NVIDIA__
    // Two of four blocks, from the word that they begin in: at its first byte or, the second two, in the
    // middle.
    static __device__ __forceinline__ void load_two(one_mxfp4 (&out)[2], const void *x, unsigned p)
    {
        const unsigned shift = 16 * p;
        uint32_t words[9], nibbles[2][4];
        load_words(words, (const uint8_t *)x + 32 * p);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            nibbles[0][i] = __funnelshift_r(words[i], words[i + 1], 8 + shift);
            nibbles[1][i] = __funnelshift_rc(words[i + 4], words[i + 5], 16 + shift);
        }
        out[0].d = half_e8m0(words[0] >> shift & 0xff);
        out[0].q.load(nibbles[0]);
        out[1].d = half_e8m0(words[4] >> (8 + shift) & 0xff);
        out[1].q.load(nibbles[1]);
    }
#endif
};
template <> struct dot_product<block_mxfp4> : dot_of_two<block_mxfp4, one_mxfp4, activations_of_table<2, 4>> {
};

#ifdef __HIP_PLATFORM_NVIDIA__
typedef blocks_together<block_mxfp4, 4> four_mxfp4;
template <> struct mat_vec_group<block_mxfp4> {
    typedef four_mxfp4 type;
    enum { ALIGNMENT = 4 };
};
template <> struct dot_product<four_mxfp4> : dot_of_pairs<four_mxfp4, one_mxfp4> {
};
#endif

// A part is a block.
template <> struct dot_product<block_nvfp4> {
    enum { BLOCKS = 1, PARTS = 1 };
    typedef activations_of_table<2, 2> activations;
    struct weights {
        float d[4];
        quants_of_table<table_fp4, 2> q[4];

        __device__ __forceinline__ void load(const block_nvfp4 *x, unsigned, unsigned)
        {
            uint32_t words[9];
            load_words(words, x);
            const scales_nvfp4 scales(words[0]);
#pragma unroll
            for (int g = 0; g < 4; g++) {
                d[g] = scales.get(g);
                q[g].load(words + 1 + 2 * g);
            }
        }
    };
    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        float sum = 0.0f;
#pragma unroll
        for (int b = 0; b < 2; b++) {
            const float first = w.d[2 * b] * (float)w.q[2 * b].dot(a.u[b]);
            sum += a.d[b] * (first + w.d[2 * b + 1] * (float)w.q[2 * b + 1].dot(a.u[b] + 4));
        }
        return scales_nvfp4::FACTOR * sum;
    }
};
#endif

#if defined(QJ_WITH_DOT) && defined(QJ_HAS_ASYNC_COPY)
// Four bytes of LDS, `offset` behind `row`, which lies anywhere; what is in the same words is read as well.
// Where offsets are known what depends on the row is computed for four of them at most.
QJ_DEVICE uint32_t word_of_row(const uint8_t *row, unsigned offset)
{
    const uint8_t *const byte = row + offset % 4;
    const unsigned at = (unsigned)(uintptr_t)byte; // a shift counts modulo 32
    const uint8_t *const word = byte - at % 4 + offset / 4 * 4;
    return __funnelshift_r(aligned_word(word), aligned_word(word + 4), 8 * at);
}

template <> struct tile_product<block_mxfp4> {
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
            const unsigned offset = y_block * sizeof(block_mxfp4); // as a block meets one of y
            words[r] = word_of_row(x[r] - offset + 4 * i, offset + sizeof(block_mxfp4::e));
            d[r] = half_e8m0(((const block_mxfp4 *)x[r])->e);
        }
        add_products_of_table<table_fp4>(sums, words, d, y, y_block);
    }
};

// Lane i has bytes 2 i and 2 i + 1 of a group.
template <> struct tile_product<block_nvfp4> {
    enum { PARTS = 2 };
    template <int N>
    static __device__ __forceinline__ void add(float (&sums)[N][TILE_SUMS], const uint8_t *const (&x)[2],
                                               const tile_activations<N> &y, unsigned y_block, unsigned part,
                                               unsigned i)
    {
        uint32_t lower[2][2], upper[2][2]; // of a group, of a row
        float scales[2][2];
#pragma unroll
        for (int r = 0; r < 2; r++) {
            const scales_nvfp4 both(aligned_word(x[r]) >> (16 * part));
#pragma unroll
            for (unsigned g = 0; g < 2; g++) {
                look_up_sums<table_fp4>(
                    lower[g][r], upper[g][r],
                    aligned_half_word(((const block_nvfp4 *)x[r])->qs + 16 * part + 8 * g + 2 * i));
                scales[g][r] = scales_nvfp4::FACTOR * both.get(g);
            }
        }
#pragma unroll
        for (int t = 0; t < N; t++) {
            const uint8_t *const u = y.fragments[t] - 2 * i + (y_block + part) * sizeof(block_q8_1);
            const tile_columns columns(y, t, y_block + part);
#pragma unroll
            for (unsigned g = 0; g < 2; g++) {
                const uint32_t elements =
                    __byte_perm(aligned_half_word(u + 16 * g), aligned_half_word(u + 16 * g + 8), 0x5140);
                uint32_t bits[TILE_SUMS];
                float products[TILE_SUMS];
                products_of_16(bits, lower[g][0], lower[g][1], elements);
                add_products_of_16(bits, upper[g][0], upper[g][1], elements);
                floats_of(products, bits);
                columns.add(sums[t], products, scales[g]);
            }
        }
    }
};
#endif

#ifdef QJ_WITH_MUL_MAT
// A piece is a block.
template <> struct mul_mat_weights<block_mxfp4> {
    enum { SLICE = 64, PARTS = 1, RUN = 32 };
    static constexpr bool has_minimum = false;
    static constexpr mul_mat_sum sum_of = SUM_OF_QUANTS;
    typedef mul_mat_row<mul_mat_single> row;
    byte_words<4> q;
    uint8_t e;

    __device__ __forceinline__ void load(const block_mxfp4 *x, unsigned)
    {
        q.load(x->qs);
        e = x->e;
        under_way(q);
        under_way((uint32_t)e);
    }
    __device__ __forceinline__ void store(const row &out, unsigned piece, unsigned) const
    {
        uint32_t words[4], low[4], high[4];
        q.get(words);
#pragma unroll
        for (int i = 0; i < 4; i++)
            look_up<table_fp4>(low[i], high[i], words[i]);
        out.put_16(8 * piece, low);
        out.put_16(8 * piece + 4, high);
        out.put_scale(piece, mul_mat_single{half_e8m0(e)});
    }
};

// A piece is two groups.
template <> struct mul_mat_weights<block_nvfp4> {
    enum { SLICE = 64, PARTS = 2, RUN = 16 };
    static constexpr bool has_minimum = false;
    static constexpr mul_mat_sum sum_of = SUM_OF_QUANTS;
    typedef mul_mat_row<mul_mat_single> row;
    uint32_t q[4], scales;

    __device__ __forceinline__ void load(const block_nvfp4 *x, unsigned part)
    {
        load_words(q, x->qs + 16 * part);
        scales = aligned_word(x->d);
        under_way(q);
        under_way(scales);
    }
    __device__ __forceinline__ void store(const row &out, unsigned piece, unsigned part) const
    {
#pragma unroll
        for (unsigned g = 0; g < 2; g++) {
            uint32_t words[4];
            look_up_group(words, q + 2 * g);
            out.put_16(8 * piece + 4 * g, words);
            out.put_scale(2 * piece + g, mul_mat_single{scale_nvfp4(scales, 2 * part + g)});
        }
    }
};
#endif
