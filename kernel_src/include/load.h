// Loads of weights, whose blocks are mostly a multiple of two bytes long, and of f16 pairs.
#pragma once

#include "blocks.h"

// NVRTC takes __builtin_assume_aligned() of void and byte pointers only: others are cast before.

// Says that what is loaded is under way here. Without it NVRTC moves a load down to where its result is used,
// behind the work that was to go on meanwhile. Waits for nothing.
#ifdef __HIP_PLATFORM_NVIDIA__
QJ_DEVICE void under_way(uint32_t word)
{
    asm volatile("" : : "r"(word));
}
QJ_DEVICE void under_way(__half number)
{
    asm volatile("" : : "h"(__half_as_ushort(number)));
}
#else
QJ_DEVICE void under_way(uint32_t)
{
}
QJ_DEVICE void under_way(__half)
{
}
#endif
template <int N> QJ_DEVICE void under_way(const uint32_t (&words)[N])
{
#pragma unroll
    for (int i = 0; i < N; i++)
        under_way(words[i]);
}

#ifdef __HIP_PLATFORM_NVIDIA__
// A constant that stays in a register of the lane's: the permutation takes one that is immediate, and the
// compiler would fetch the other one anew each time. Blocks of threads have a depth of one (tuning.h), which
// the compiler does not know.
QJ_DEVICE uint32_t in_register(uint32_t constant)
{
    return constant ^ threadIdx.z;
}
#endif

// A place that a lane reads at. AMD's loads add what all lanes have in common and a number of 32 bits that
// each lane has for itself: as two such parts a place costs no addition, and the compiler has no address of
// 64 bits to carry along. QJ_LANE_PLACE(base, i) is base[i], within 4 GiB; QJ_BYTES_OF(x, bytes, n) is
// x->bytes + n.
#ifdef __AMDGCN__
template <typename T> struct lane_pointer {
    const T *base;
    uint32_t bytes;

    __device__ __forceinline__ operator const T *() const
    {
        return (const T *)((const uint8_t *)base + bytes);
    }
    __device__ __forceinline__ const T *operator->() const
    {
        return *this;
    }
    __device__ __forceinline__ lane_pointer operator+(uint32_t n) const
    {
        return {base, bytes + n * (uint32_t)sizeof(T)};
    }
    __device__ __forceinline__ lane_pointer bytes_on(uint32_t n) const
    {
        return {base, bytes + n};
    }
};
#define QJ_BYTES_OF(x, member, n) ((x).bytes_on(n)->member)
template <typename T> QJ_DEVICE lane_pointer<T> lane_place(const T *base, uint32_t i)
{
    return {base, i * (uint32_t)sizeof(T)};
}
#define QJ_LANE_PLACE(base, i) lane_place(base, i)
#else
template <typename T> using lane_pointer = const T *;
#define QJ_BYTES_OF(x, member, n) ((x)->member + (n))
#define QJ_LANE_PLACE(base, i)    ((base) + (i))
#endif

#ifdef __AMDGCN__
// Words loaded four at a time from p, aligned to ALIGNMENT. AMD's compiler takes long to find such loads by
// itself, and does not find all; but of memory it also holds more registers for them, so families ask for it
// (QJ_LOAD_VECTORS: dot.h).
template <int WORDS, int ALIGNMENT> struct vector_of_words {
    typedef uint32_t of_words __attribute__((ext_vector_type(WORDS)));
    typedef of_words type __attribute__((aligned(ALIGNMENT), may_alias));
};

template <int ALIGNMENT, int N> QJ_DEVICE void load_vectors(uint32_t (&out)[N], const void *p)
{
    const uint32_t *words = (const uint32_t *)p;
#pragma unroll
    for (int i = 0; i + 4 <= N; i += 4) {
        const auto vector = *(const typename vector_of_words<4, ALIGNMENT>::type *)(words + i);
        out[i] = vector.x;
        out[i + 1] = vector.y;
        out[i + 2] = vector.z;
        out[i + 3] = vector.w;
    }
    if constexpr (N % 4 >= 2) {
        const auto vector = *(const typename vector_of_words<2, ALIGNMENT>::type *)(words + N / 4 * 4);
        out[N / 4 * 4] = vector.x;
        out[N / 4 * 4 + 1] = vector.y;
    }
    if constexpr (N % 2 == 1)
        out[N - 1] =
            (*(const typename vector_of_words<1, (ALIGNMENT < 4 ? ALIGNMENT : 4)>::type *)(words + N - 1)).x;
}
#endif

// N * 4 bytes of p, which is aligned to two, as little-endian words; nothing beside them is read. In two
// steps: load() only loads, get() waits for it, so that there may be work between them.
#ifdef __AMDGCN__
// Global memory is read at any address at full speed, up to four words by one instruction.
template <int N> struct even_words {
    uint32_t words[N];

    __device__ __forceinline__ void load(const void *p)
    {
#ifdef QJ_LOAD_VECTORS
        load_vectors<2>(words, p);
#else
        memcpy(words, __builtin_assume_aligned(p, 2), sizeof words);
#endif
    }
    __device__ __forceinline__ void get(uint32_t (&out)[N]) const
    {
#pragma unroll
        for (int i = 0; i < N; i++)
            out[i] = words[i];
    }
};
#else
QJ_DEVICE uint32_t aligned_half_word(const uint8_t *p)
{
#ifdef __HIP_PLATFORM_NVIDIA__ // as in aligned_word()
    return *(const uint16_t *)p;
#else
    uint16_t half_word;
    memcpy(&half_word, __builtin_assume_aligned(p, 2), sizeof half_word);
    return half_word;
#endif
}

// The two upper bytes of `low` below the two lower ones of `high`; `high` itself if not `between`.
QJ_DEVICE uint32_t shifted_word(uint32_t low, uint32_t high, bool between)
{
#ifdef __HIP_PLATFORM_NVIDIA__
    return __funnelshift_rc(low, high, between ? 16 : 32);
#else
    return between ? low >> 16 | high << 16 : high;
#endif
}

// `low` itself if `is_first`, else its two upper bytes below the two lower ones of `high`.
QJ_DEVICE uint32_t word_within(uint32_t low, uint32_t high, bool is_first)
{
#ifdef __HIP_PLATFORM_NVIDIA__
    return __funnelshift_r(low, high, is_first ? 0 : 16);
#else
    return is_first ? low : low >> 16 | high << 16;
#endif
}

#ifdef QJ_WEIGHTS_IN_LDS
// What lies beside them may be read there, but nothing behind the last one's word: the aligned words that the
// bytes lie in.
template <int N> struct even_words {
    uint32_t words[N + 1];
    unsigned shift;

    __device__ __forceinline__ void load(const void *p)
    {
        const unsigned ahead = (uintptr_t)p & 2;
        const uint8_t *const bytes = (const uint8_t *)p - ahead;
        shift = 8 * ahead;
#pragma unroll
        for (int i = 0; i < N; i++)
            words[i] = aligned_word(bytes + 4 * i);
        words[N] = aligned_word(bytes + 2 * N * ahead);
    }
    __device__ __forceinline__ void get(uint32_t (&out)[N]) const
    {
#pragma unroll
        for (int i = 0; i < N; i++)
            out[i] = __funnelshift_r(words[i], words[i + 1], shift);
    }
};
#else
// The N - 1 aligned words that lie within the bytes, and what remains as two half words: at both ends when p
// lies between two words, else the last word. So every lane does the same loads, wherever its block begins.
template <int N> struct even_words {
    uint32_t within[N > 1 ? N - 1 : 1], first, last;
    bool between;

    __device__ __forceinline__ void load(const void *p)
    {
        const uint8_t *bytes = (const uint8_t *)p;
        between = ((uintptr_t)p & 2) != 0;
        first = aligned_half_word(bytes + (between ? 0 : 4 * N - 4));
        last = aligned_half_word(bytes + 4 * N - 2);
#pragma unroll
        for (int i = 0; i < N - 1; i++)
            within[i] = aligned_word(bytes + (between ? 2 : 0) + 4 * i);
    }
    __device__ __forceinline__ void get(uint32_t (&out)[N]) const
    {
        uint32_t before = first << 16;
#pragma unroll
        for (int i = 0; i < N - 1; i++) {
            out[i] = shifted_word(before, within[i], between);
            before = within[i];
        }
        out[N - 1] = (between ? before >> 16 : first) | last << 16;
    }
};
#endif
#endif

template <int N> QJ_DEVICE void under_way(const even_words<N> &words)
{
#if defined(QJ_WEIGHTS_IN_LDS)
    under_way(words.words);
#elif defined(__HIP_PLATFORM_NVIDIA__)
    under_way(words.first);
    under_way(words.last);
#pragma unroll
    for (int i = 0; i < N - 1; i++)
        under_way(words.within[i]);
#endif
}

// Both steps at once.
template <int N> QJ_DEVICE void load_even(uint32_t (&out)[N], const void *p)
{
    even_words<N> words;
    words.load(p);
    words.get(out);
}

// The same at p, which is right behind the scale that block x begins with, and that scale. A macro, as a
// function costs clang 15 a register.
#ifdef __AMDGCN__
#define QJ_LOAD_BEHIND_SCALE(out, scale, x, p) (load_even(out, p), scale = __half2float((x)->d))
#else
// Together they are N aligned words and the half word that is left at one end or the other.
#define QJ_LOAD_BEHIND_SCALE(out, scale, x, p) load_behind_scale(out, scale, x)
template <int N> QJ_DEVICE void load_behind_scale(uint32_t (&out)[N], float &d, const void *x)
{
    const uint8_t *bytes = (const uint8_t *)x;
    const bool between = ((uintptr_t)bytes & 2) != 0;
    const uint32_t rest = aligned_half_word(bytes + (between ? 0 : 4 * N));
    uint32_t words[N + 1];
#pragma unroll
    for (int i = 0; i < N; i++)
        words[i] = aligned_word(bytes + (between ? 2 : 0) + 4 * i);
    words[N] = rest;
#pragma unroll
    for (int i = 0; i < N; i++)
        out[i] = word_within(words[i], words[i + 1], between);
    d = __half2float(__ushort_as_half((unsigned short)(between ? rest : words[0])));
}
#endif

// The same of p aligned to four, to eight and to sixteen.
#if defined(__AMDGCN__) && defined(QJ_LOAD_VECTORS)
template <int N> QJ_DEVICE void load_words(uint32_t (&out)[N], const void *p)
{
    load_vectors<4>(out, p);
}

template <int N> QJ_DEVICE void load_by_8_bytes(uint32_t (&out)[N], const void *p)
{
    load_vectors<8>(out, p);
}

template <int N> QJ_DEVICE void load_by_16_bytes(uint32_t (&out)[N], const void *p)
{
    load_vectors<16>(out, p);
}
#else
template <int N> QJ_DEVICE void load_words(uint32_t (&out)[N], const void *p)
{
#pragma unroll
    for (int i = 0; i < N; i++)
        out[i] = aligned_word((const uint8_t *)p + 4 * i);
}

template <int N> QJ_DEVICE void load_by_8_bytes(uint32_t (&out)[N], const void *p)
{
#pragma unroll
    for (int i = 0; i < N; i += 2)
        memcpy(out + i, __builtin_assume_aligned((const uint8_t *)p + 4 * i, 8), 8);
}

template <int N> QJ_DEVICE void load_by_16_bytes(uint32_t (&out)[N], const void *p)
{
#pragma unroll
    for (int i = 0; i < N; i += 4)
        memcpy(out + i, __builtin_assume_aligned((const uint8_t *)p + 4 * i, 16), 16);
}
#endif

// Words from LDS and to it, at a place aligned to sixteen.
#ifdef __AMDGCN__
template <int N> QJ_DEVICE void load_from_lds(uint32_t (&out)[N], const void *p)
{
    load_vectors<16>(out, p);
}

QJ_DEVICE void store_to_lds(void *p, const uint32_t (&words)[4])
{
    *(vector_of_words<4, 16>::type *)p = {words[0], words[1], words[2], words[3]};
}
#else
template <int N> QJ_DEVICE void load_from_lds(uint32_t (&out)[N], const void *p)
{
    memcpy(out, __builtin_assume_aligned(p, 16), sizeof out);
}

QJ_DEVICE void store_to_lds(void *p, const uint32_t (&words)[4])
{
    memcpy(__builtin_assume_aligned(p, 16), words, sizeof words);
}
#endif

// Two f16 as they lie in a word: the first in its lower half.
QJ_DEVICE float low_half(uint32_t word)
{
    return __half2float(__ushort_as_half((unsigned short)(word & 0xffff)));
}

QJ_DEVICE float high_half(uint32_t word)
{
    return __half2float(__ushort_as_half((unsigned short)(word >> 16)));
}
