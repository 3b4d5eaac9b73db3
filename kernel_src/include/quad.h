// Neighbouring elements of a block, four (a quad) or eight, for kernels that write them with one store. The
// values are those of element() in dequantize.h, to the bit and for the same reason.
//
// quads<N>(block, i) has quads i to i + N - 1 of a block, N 1 or 2 and i a multiple of it; quad i is elements
// 4 i to 4 i + 3. What it gives has get() for the values, and get() for words: the values rounded to f16, two
// to a word. A type with a header of its own has its quads<N>() there, behind QJ_WITH_QUADS.
#pragma once

#include "dequantize.h"
#include "load.h"

// ---- values

QJ_DEVICE uint32_t two_halves(float low, float high)
{
    return __half_as_ushort(__float2half_rn(low)) | (uint32_t)__half_as_ushort(__float2half_rn(high)) << 16;
}

template <int N> QJ_DEVICE void round_to_halves(uint32_t (&out)[2 * N], const float (&values)[N][4])
{
#pragma unroll
    for (int i = 0; i < 2 * N; i++)
        out[i] = two_halves(values[i / 2][i % 2 * 2], values[i / 2][i % 2 * 2 + 1]);
}

#if defined(__HIP_PLATFORM_NVIDIA__) && __CUDA_ARCH__ >= 530
#define QJ_HAS_HALF_PAIRS
// Two f16 at a time, each result rounded once.
QJ_DEVICE uint32_t difference_of_halves(uint32_t a, uint32_t b)
{
    uint32_t out;
    asm("sub.f16x2 %0, %1, %2;" : "=r"(out) : "r"(a), "r"(b));
    return out;
}

QJ_DEVICE uint32_t product_of_halves(uint32_t a, uint32_t b)
{
    uint32_t out;
    asm("mul.f16x2 %0, %1, %2;" : "=r"(out) : "r"(a), "r"(b));
    return out;
}

QJ_DEVICE uint32_t both_halves(__half x)
{
    return __half_as_ushort(x) * 0x10001u;
}
#endif

// What the quants of a type are multiplied with, and what is added.
struct scale_alone {
    float scale;
    __device__ __forceinline__ float value(float quant) const
    {
        return scale * quant;
    }
};

struct scale_and_minimum {
    float scale, minimum;
    __device__ __forceinline__ float value(float quant) const
    {
        return scale * quant + minimum;
    }
};

struct scale_f16 {
    __half scale;
    __device__ __forceinline__ float value(float quant) const
    {
        return __half2float(scale) * quant;
    }
};

// An f16 and a whole number, -128 to 127, of which a quant's product is an f16.
struct scale_of_two {
    __half scale;
    int factor;
    __device__ __forceinline__ float value(float quant) const
    {
        return __half2float(scale) * (float)factor * quant;
    }
};

// Of quants that are signed bytes.
template <int N, typename Scale>
QJ_DEVICE void get_values(float (&out)[N][4], const uint32_t (&quants)[N], const Scale &scale)
{
#pragma unroll
    for (int i = 0; i < 4 * N; i++)
        out[i / 4][i % 4] = scale.value((float)(int8_t)(quants[i / 4] >> (i % 4 * 8)));
}

template <int N, typename Scale>
QJ_DEVICE void get_halves(uint32_t (&out)[2 * N], const uint32_t (&quants)[N], const Scale &scale)
{
    float values[N][4];
    get_values(values, quants, scale);
    round_to_halves<N>(out, values);
}

#ifdef QJ_HAS_HALF_PAIRS
// Two of the quants as f16: as the lower byte of 1024 a byte makes 1024 more of it.
QJ_DEVICE uint32_t two_quants(uint32_t quants, bool is_second)
{
    const uint32_t bytes = quants ^ 0x80808080u; // 128 more than the quants
    return difference_of_halves(__byte_perm(bytes, 0x64646464, is_second ? 0x4342 : 0x4140), 0x64806480);
}

// The product of two f16 is rounded once, as the f32 product is, which is exact.
template <int N>
QJ_DEVICE void get_halves(uint32_t (&out)[2 * N], const uint32_t (&quants)[N], const scale_f16 &scale)
{
    const uint32_t pair = both_halves(scale.scale);
#pragma unroll
    for (int i = 0; i < 2 * N; i++)
        out[i] = product_of_halves(two_quants(quants[i / 2], i % 2), pair);
}

template <int N>
QJ_DEVICE void get_halves(uint32_t (&out)[2 * N], const uint32_t (&quants)[N], const scale_of_two &scale)
{
    const uint32_t pair = both_halves(scale.scale);
    const uint32_t factors = difference_of_halves((uint32_t)(0x6480 + scale.factor) * 0x10001u, 0x64806480);
#pragma unroll
    for (int i = 0; i < 2 * N; i++)
        out[i] = product_of_halves(product_of_halves(two_quants(quants[i / 2], i % 2), factors), pair);
}
#endif

template <int N, typename Scale> struct quads_of {
    uint32_t quants[N];
    Scale scale;

    __device__ __forceinline__ void get(float (&out)[N][4]) const
    {
        get_values(out, quants, scale);
    }
    __device__ __forceinline__ void get(uint32_t (&out)[2 * N]) const
    {
        get_halves<N>(out, quants, scale);
    }
};

// ---- stores

// N words by one store; y is aligned to them. Words are put together here: NVRTC makes of a copy of four f16
// conversions of their values to bytes.
template <int N> struct alignas(4 * N) words_together {
    uint32_t words[N];
};

// The N quads of what quads<N>() gave: of f32 one, y aligned to it; of f16 one or two, y aligned to one.
QJ_DEVICE void put_quad(float *y, const float (&x)[4])
{
    *(words_together<4> *)y = {
        {__float_as_uint(x[0]), __float_as_uint(x[1]), __float_as_uint(x[2]), __float_as_uint(x[3])}};
}

template <int N, typename Quads> QJ_DEVICE void put_quads(float *y, const Quads &quads)
{
    float values[N][4];
    quads.get(values);
#pragma unroll
    for (int i = 0; i < N; i++)
        put_quad(y + 4 * i, values[i]);
}

QJ_DEVICE void put_halves(__half *y, const uint32_t (&words)[2])
{
    *(words_together<2> *)y = {{words[0], words[1]}};
}

QJ_DEVICE void put_halves(__half *y, const uint32_t (&words)[4])
{
#ifdef __HIP_PLATFORM_NVIDIA__ // in C++ NVRTC parts the stores, to join the words that both branches have
    if ((uintptr_t)y % 16 == 0) {
        asm volatile("st.global.v4.u32 [%0], {%1, %2, %3, %4};"
                     :
                     : "l"(__cvta_generic_to_global(y)), "r"(words[0]), "r"(words[1]), "r"(words[2]),
                       "r"(words[3])
                     : "memory");
    } else {
        put_halves(y, {words[0], words[1]});
        put_halves(y + 4, {words[2], words[3]});
    }
#else // others ask for no more than four bytes
    memcpy(__builtin_assume_aligned((void *)y, 8), words, sizeof words);
#endif
}

template <int N, typename Quads> QJ_DEVICE void put_quads(__half *y, const Quads &quads)
{
    uint32_t words[2 * N];
    quads.get(words);
    put_halves(y, words);
}

// ---- types

// Four bytes of 0 to 127 less `number`, 0 to 128, as signed bytes: no byte borrows from the next.
QJ_DEVICE uint32_t less(uint32_t bytes, uint32_t number)
{
    return ((bytes | 0x80808080u) - number * 0x01010101u) ^ 0x80808080u;
}

// Four bits as bit 4 of four bytes.
QJ_DEVICE uint32_t spread_fifths(uint32_t bits)
{
    return ((bits & 0xf) * 0x204081u & 0x01010101u) << 4;
}

// N * 4 bytes at p, which is aligned to two. On CUDA two loads a word are less to do than aligned words
// between half words, which lie at one place or another.
template <int N> QJ_DEVICE void load_quads(uint32_t (&out)[N], const uint8_t *p)
{
#ifdef __HIP_PLATFORM_NVIDIA__
#pragma unroll
    for (int i = 0; i < N; i++)
        out[i] = aligned_half_word(p + 4 * i) | aligned_half_word(p + 4 * i + 2) << 16;
#else
    load_even(out, p);
#endif
}

// Bits `shift` and up of each byte, under `mask`.
template <int N> QJ_DEVICE void take_bits(uint32_t (&words)[N], unsigned shift, uint32_t mask)
{
#pragma unroll
    for (int i = 0; i < N; i++)
        words[i] = words[i] >> shift & mask;
}

// Puts the lowest bit of `mask`, 1 or 3, of each byte of `from`, behind a shift, above the quants.
template <int N>
QJ_DEVICE void put_above(uint32_t (&quants)[N], const uint32_t (&from)[N], unsigned shift, uint32_t mask,
                         unsigned place)
{
#pragma unroll
    for (int i = 0; i < N; i++)
        quants[i] |= (from[i] >> shift & mask) << place;
}

// The fifth bits of quads i to i + N - 1, which begin at bit 4 i of qh: half a byte each.
template <int N> QJ_DEVICE void put_fifths_above(uint32_t (&quants)[N], const uint8_t *qh, unsigned i)
{
    const uint32_t byte = qh[i / 2];
#pragma unroll
    for (unsigned j = 0; j < N; j++)
        quants[j] |= spread_fifths(byte >> ((i + j) % 2 * 4));
}

template <int N> QJ_DEVICE void take_away(uint32_t (&quants)[N], uint32_t number)
{
#pragma unroll
    for (int i = 0; i < N; i++)
        quants[i] = less(quants[i], number);
}

template <int N> QJ_DEVICE quads_of<N, scale_f16> quads(const block_q4_0 &b, unsigned i)
{
    quads_of<N, scale_f16> out;
    load_quads(out.quants, b.qs + i % 4 * 4);
    take_bits(out.quants, i / 4 * 4, 0x0f0f0f0f);
    take_away(out.quants, 8);
    out.scale = {b.d};
    return out;
}

template <int N> QJ_DEVICE quads_of<N, scale_and_minimum> quads(const block_q4_1 &b, unsigned i)
{
    quads_of<N, scale_and_minimum> out;
    load_words(out.quants, b.qs + i % 4 * 4);
    take_bits(out.quants, i / 4 * 4, 0x0f0f0f0f);
    const uint32_t dm = aligned_word(&b);
    out.scale = {low_half(dm), high_half(dm)};
    return out;
}

template <int N> QJ_DEVICE quads_of<N, scale_f16> quads(const block_q5_0 &b, unsigned i)
{
    quads_of<N, scale_f16> out;
    load_quads(out.quants, b.qs + i % 4 * 4);
    take_bits(out.quants, i / 4 * 4, 0x0f0f0f0f);
    put_fifths_above(out.quants, b.qh, i);
    take_away(out.quants, 16);
    out.scale = {b.d};
    return out;
}

template <int N> QJ_DEVICE quads_of<N, scale_and_minimum> quads(const block_q5_1 &b, unsigned i)
{
    quads_of<N, scale_and_minimum> out;
    load_words(out.quants, b.qs + i % 4 * 4);
    take_bits(out.quants, i / 4 * 4, 0x0f0f0f0f);
    put_fifths_above(out.quants, b.qh, i);
    const uint32_t dm = aligned_word(&b);
    out.scale = {low_half(dm), high_half(dm)};
    return out;
}

template <int N> QJ_DEVICE quads_of<N, scale_f16> quads(const block_q8_0 &b, unsigned i)
{
    quads_of<N, scale_f16> out;
    load_quads(out.quants, (const uint8_t *)b.qs + 4 * i);
    out.scale = {b.d};
    return out;
}

template <int N> QJ_DEVICE quads_of<N, scale_alone> quads(const block_q8_K &b, unsigned i)
{
    quads_of<N, scale_alone> out;
    load_words(out.quants, b.qs + 4 * i);
    out.scale = {b.d};
    return out;
}

template <int N> QJ_DEVICE quads_of<N, scale_and_minimum> quads(const block_q2_K &b, unsigned i)
{
    quads_of<N, scale_and_minimum> out;
    load_words(out.quants, b.qs + i / 32 * 32 + i % 8 * 4);
    take_bits(out.quants, i / 8 % 4 * 2, 0x03030303);
    const uint32_t scale = b.scales[i / 4], dm = aligned_word(&b.d);
    out.scale = {low_half(dm) * (float)(scale & 0xf), -(high_half(dm) * (float)(scale >> 4))};
    return out;
}

template <int N> QJ_DEVICE quads_of<N, scale_of_two> quads(const block_q3_K &b, unsigned i)
{
    quads_of<N, scale_of_two> out;
    uint32_t thirds[N];
    load_quads(out.quants, b.qs + i / 32 * 32 + i % 8 * 4);
    load_quads(thirds, b.hmask + i % 8 * 4);
    take_bits(out.quants, i / 8 % 4 * 2, 0x03030303);
    put_above(out.quants, thirds, i / 8, 0x01010101, 2);
    take_away(out.quants, 4);
    out.scale = {b.d, scale_q3_K(b.scales, i / 4)};
    return out;
}

// Group j of a block of q4_K or q5_K.
template <typename Block> QJ_DEVICE scale_and_minimum scale_of_group(const Block &b, unsigned j)
{
    const uint32_t dm = aligned_word(&b);
    return {low_half(dm) * (float)scale_q4_K(b.scales, j),
            -(high_half(dm) * (float)minimum_q4_K(b.scales, j))};
}

template <int N> QJ_DEVICE quads_of<N, scale_and_minimum> quads(const block_q4_K &b, unsigned i)
{
    quads_of<N, scale_and_minimum> out;
    load_words(out.quants, b.qs + i / 16 * 32 + i % 8 * 4);
    take_bits(out.quants, i / 8 % 2 * 4, 0x0f0f0f0f);
    out.scale = scale_of_group(b, i / 8);
    return out;
}

template <int N> QJ_DEVICE quads_of<N, scale_and_minimum> quads(const block_q5_K &b, unsigned i)
{
    quads_of<N, scale_and_minimum> out;
    uint32_t fifths[N];
    load_words(out.quants, b.qs + i / 16 * 32 + i % 8 * 4);
    load_words(fifths, b.qh + i % 8 * 4);
    take_bits(out.quants, i / 8 % 2 * 4, 0x0f0f0f0f);
    put_above(out.quants, fifths, i / 8, 0x01010101, 4);
    out.scale = scale_of_group(b, i / 8);
    return out;
}

template <int N> QJ_DEVICE quads_of<N, scale_alone> quads(const block_q6_K &b, unsigned i)
{
    const unsigned half_of_block = i / 32, g = i / 8 % 4;
    quads_of<N, scale_alone> out;
    uint32_t high[N];
    load_quads(out.quants, b.ql + half_of_block * 64 + g % 2 * 32 + i % 8 * 4);
    load_quads(high, b.qh + half_of_block * 32 + i % 8 * 4);
    take_bits(out.quants, g / 2 * 4, 0x0f0f0f0f);
    put_above(out.quants, high, g * 2, 0x03030303, 4);
    take_away(out.quants, 32);
    out.scale = {__half2float(b.d) * (float)b.scales[i / 4]};
    return out;
}

// Quads t + first to t + first + N - 1 of those that begin at block x, where t, modulo a block, has none of
// the bits that `first` has. What `first`, a constant, adds to an address is an offset then.
template <int N, typename Block>
QJ_DEVICE auto quads_at(const Block *__restrict__ x, unsigned t, unsigned first)
{
    enum { QUADS = Block::SIZE / 4 };
    return quads<N>((x + t / QUADS)[first / QUADS], t % QUADS | first % QUADS);
}

// How THREADS * TURNS * N quads are dealt, N neighbours to each thread in each of its turns: those of turn i
// begin at first(t) + i * STEP. Neighbouring threads have neighbouring places. Where quads that lie STEP
// apart share much, a thread has those, and the compiler loads once what they share: the scales and most
// bytes of a block of 256 elements; the bytes of a block at an odd place, which take many loads.
template <typename Block, int N, int TURNS, int THREADS> struct deal {
    enum {
        IS_LARGE = (int)Block::SIZE == (int)QK_SUPER,
        IS_ODD = sizeof(Block) % 2 != 0 && N * TURNS == 4,
        STEP = IS_LARGE ? 8
               : IS_ODD ? 4
                        : N * THREADS,
        TOGETHER = STEP / N
    };
    QJ_DEVICE unsigned first(unsigned t)
    {
        return t / TOGETHER * (STEP * TURNS) | t % TOGETHER * N;
    }
};
