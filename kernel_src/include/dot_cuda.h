// Dot products for NVIDIA's instructions; dot.h says what they are.
//
// There integer instructions are what there is least of: a word of weights may take some fifteen of them
// before memory is no longer what takes the time. So quants stay where they lie in their bytes as far as a
// signed byte has room, sums of runs are shifted instead, and two runs are scaled by one instruction. What is
// taken off every quant (4, 32) is where a sum begins, from the activations, which a thread's rows share.
//
// Of a block of 256 part p has the elements 128 p to 128 p + 127, four groups of two runs.
#pragma once

// sum + the two signed halves of `halves` times signed bytes of `bytes`: 0 and 1, or 2 and 3.
template <bool IS_UPPER> QJ_DEVICE int dp2a(uint32_t halves, uint32_t bytes)
{
    int out;
    if (IS_UPPER)
        asm("dp2a.hi.s32.s32 %0, %1, %2, 0;" : "=r"(out) : "r"(halves), "r"(bytes));
    else
        asm("dp2a.lo.s32.s32 %0, %1, %2, 0;" : "=r"(out) : "r"(halves), "r"(bytes));
    return out;
}

QJ_DEVICE uint32_t two_sums(int low, int high)
{
    return __byte_perm((unsigned)low, (unsigned)high, 0x5410);
}

template <> struct dot_product<block_q2_K> {
    enum { BLOCKS = 1, PARTS = 2 };
    struct activations : activations_of_blocks<4> {
        uint32_t sums[4];

        __device__ __forceinline__ void load(const block_q8_1 *y, unsigned p)
        {
            activations_of_blocks<4>::load(y, p);
#pragma unroll
            for (int g = 0; g < 4; g++)
                sums[g] = two_sums(sum[g][0], sum[g][1]);
        }
    };
    struct weights {
        float d, m;
        uint32_t scales[2], minima[2]; // byte 2 g + h for run h of group g
        uint32_t q[8];                 // group g: bits 2 g and 2 g + 1 of each byte

        __device__ __forceinline__ void load(const block_q2_K *x, unsigned p, unsigned)
        {
            load_words(q, x->qs + 32 * p);
            load_words(scales, x->scales + 8 * p);
            const uint32_t dm = aligned_word(&x->d);
            d = low_half(dm);
            m = high_half(dm);
#pragma unroll
            for (int i = 0; i < 2; i++) {
                minima[i] = scales[i] >> 4 & 0x0f0f0f0f;
                scales[i] &= 0x0f0f0f0f;
            }
        }
    };
    // Groups 1 and 3 are four times what they should be: at most 24576 for a run.
    template <int G> static __device__ __forceinline__ int group(const weights &w, const uint32_t (&u)[8])
    {
        int sums[2] = {};
#pragma unroll
        for (int i = 0; i < 8; i++)
            sums[i / 4] =
                dp4a((G < 2 ? w.q[i] : w.q[i] >> 4) & (G % 2 ? 0x0c0c0c0c : 0x03030303), u[i], sums[i / 4]);
        return dp2a<G % 2>(two_sums(sums[0], sums[1]), w.scales[G / 2]);
    }
    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        const float products =
            a.d[0] * (float)group<0>(w, a.u[0]) + 0.25f * a.d[1] * (float)group<1>(w, a.u[1]) +
            a.d[2] * (float)group<2>(w, a.u[2]) + 0.25f * a.d[3] * (float)group<3>(w, a.u[3]);
        float minima = 0.0f;
#pragma unroll
        for (int g = 0; g < 4; g++)
            minima += a.d[g] * (float)(g % 2 ? dp2a<true>(a.sums[g], w.minima[g / 2])
                                             : dp2a<false>(a.sums[g], w.minima[g / 2]));
        return w.d * products - w.m * minima;
    }
};

// ---- for mat_vec_staged.h, which takes parts from LDS: there the words that a part shares with what is
// around it may be read whole

template <typename Block> struct staged_product;

// The N words at p, which is aligned to two.
template <int N> QJ_DEVICE void load_around(uint32_t (&out)[N], const void *p)
{
    const unsigned between = (uintptr_t)p & 2;
    uint32_t words[N + 1];
    load_words(words, (const uint8_t *)p - between);
#pragma unroll
    for (int i = 0; i < N; i++)
        out[i] = __funnelshift_r(words[i], words[i + 1], 8 * between);
}

// Bits of a where `mask` has them, else of b.
QJ_DEVICE uint32_t chosen_bits(uint32_t a, uint32_t b, uint32_t mask)
{
    uint32_t out;
    asm("lop3.b32 %0, %1, %2, %3, 0xe4;" : "=r"(out) : "r"(a), "r"(b), "r"(mask));
    return out;
}

template <> struct staged_product<block_q3_K> {
    enum { BLOCKS = 1, PARTS = 2 };
    struct activations : activations_of_blocks<4> {
        __device__ __forceinline__ void load(const block_q8_1 *y, unsigned p)
        {
            activations_of_blocks<4>::load(y, p);
#pragma unroll
            for (int g = 0; g < 4; g++) {
                sum[g][0] *= g < 2 ? -4 : -64;
                sum[g][1] *= g < 2 ? -4 : -64;
            }
        }
    };
    struct weights {
        float d;
        uint32_t scales[2]; // signed byte 2 g + h for run h of group g
        uint32_t q[2][8];   // groups g and g + 2 as nibbles

        __device__ __forceinline__ void load(const block_q3_K *x, unsigned p, unsigned)
        {
            uint32_t words[4], first[3], low[8], high[9];
            const unsigned between = (uintptr_t)x & 2;
            load_around(low, x->qs + 32 * p);
            load_words(high, x->hmask - between);
            // Third bits lie as a nibble: 0 and 2, 1 and 3 go to bits 2 and 6 by one multiplication each,
            // which leaves bits 3 and 7 clear.
#pragma unroll
            for (int i = 0; i < 8; i++) {
                const uint32_t h = __funnelshift_r(high[i], high[i + 1], 8 * between + 4 * p);
                const uint32_t even = (h & 0x05050505) * 20, odd = (h & 0x0a0a0a0a) * 10;
                q[0][i] = chosen_bits(low[i], even, 0x33333333);
                q[1][i] = chosen_bits(low[i] >> 2, odd, 0x33333333);
            }
            load_words(words, x->scales - between);
#pragma unroll
            for (int i = 0; i < 3; i++)
                first[i] = __funnelshift_r(words[i], words[i + 1], 8 * between) >> (4 * p);
            d = low_half(words[3] >> (8 * between));
#pragma unroll
            for (int i = 0; i < 2; i++) {
                const uint32_t bits = (first[i] & 0x0f0f0f0f) | (first[2] << (4 - 2 * i) & 0x30303030);
                scales[i] = (bits + 0x60606060) ^ 0x80808080; // less 32
            }
        }
    };
    template <int G>
    static __device__ __forceinline__ int group(const weights &w, const uint32_t (&u)[8],
                                                const int (&first)[2])
    {
        int sums[2] = {first[0], first[1]};
#pragma unroll
        for (int i = 0; i < 8; i++)
            sums[i / 4] = dp4a(w.q[G % 2][i] & (G < 2 ? 0x07070707 : 0x70707070), u[i], sums[i / 4]);
        return dp2a<G % 2>(G < 2 ? two_sums(sums[0], sums[1]) : two_sums(sums[0] >> 4, sums[1] >> 4),
                           w.scales[G / 2]);
    }
    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        return w.d * (a.d[0] * (float)group<0>(w, a.u[0], a.sum[0]) +
                      a.d[1] * (float)group<1>(w, a.u[1], a.sum[1]) +
                      a.d[2] * (float)group<2>(w, a.u[2], a.sum[2]) +
                      a.d[3] * (float)group<3>(w, a.u[3], a.sum[3]));
    }
};

template <> struct staged_product<block_q6_K> {
    enum { BLOCKS = 1, PARTS = 2 };
    struct activations : activations_of_blocks<4> {
        __device__ __forceinline__ void load(const block_q8_1 *y, unsigned p)
        {
            activations_of_blocks<4>::load(y, p);
#pragma unroll
            for (int g = 0; g < 4; g++) {
                sum[g][0] *= -32;
                sum[g][1] *= -32;
            }
        }
    };
    struct weights {
        float d;
        uint32_t scales[2]; // signed byte 2 g + h for run h of group g
        uint32_t low[16];   // group g: bits 4 (g / 2) to 4 (g / 2) + 3 of words 8 (g % 2) to 8 (g % 2) + 7
        uint32_t high[8];   // group g: bits 2 g and 2 g + 1 of each byte

        __device__ __forceinline__ void load(const block_q6_K *x, unsigned p, unsigned)
        {
            load_around(low, x->ql + 64 * p);
            load_around(high, x->qh + 32 * p);
            load_around(scales, x->scales + 8 * p);
            d = __half2float(x->d);
        }
    };
    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        float products = 0.0f;
#pragma unroll
        for (int g = 0; g < 4; g++) {
            int product = 0;
#pragma unroll
            for (int h = 0; h < 2; h++) {
                int sum = a.sum[g][h];
#pragma unroll
                for (int i = 4 * h; i < 4 * h + 4; i++) {
                    const uint32_t low = w.low[g % 2 * 8 + i] >> (g / 2 * 4);
                    const uint32_t high = g < 2 ? w.high[i] << (4 - 2 * g) : w.high[i] >> (2 * g - 4);
                    sum = dp4a((low & 0x0f0f0f0f) | (high & 0x30303030), a.u[g][i], sum);
                }
                product += sum * (int)(int8_t)(w.scales[g / 2] >> (g % 2 * 16 + h * 8));
            }
            products += a.d[g] * (float)product;
        }
        return w.d * products;
    }
};

// Two blocks in a row are 17 words.
template <> struct staged_product<block_q8_0> {
    enum { BLOCKS = 2, PARTS = 1 };
    typedef activations_of_blocks<2> activations;
    struct weights {
        float d[2];
        uint32_t q[2][8];
        bool is_two;

        __device__ __forceinline__ void load(const block_q8_0 *x, unsigned, unsigned n_left)
        {
            uint32_t words[17];
            is_two = n_left > 1;
            load_around(words, x);
#pragma unroll
            for (int i = 0; i < 8; i++) {
                q[0][i] = words[i] >> 16 | words[i + 1] << 16;
                q[1][i] = words[i + 9];
            }
            d[0] = low_half(words[0]);
            d[1] = high_half(words[8]);
        }
    };
    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        const float second = w.d[1] * a.d[1] * (float)dot_words(w.q[1], a.u[1]);
        return w.d[0] * a.d[0] * (float)dot_words(w.q[0], a.u[0]) + (w.is_two ? second : 0.0f);
    }
};

template <> struct staged_product<block_q2_K> : dot_product<block_q2_K> {
};

// ---- for mat_vec_wide.h: two blocks in a row, which are a whole number of words

template <typename Block> struct two_blocks {
    enum { SIZE = 2 * QK_BLOCK };
    Block of[2];
};

// One has unpack(scale, words), the words being those behind a block's scale.
template <typename One, typename Block> struct dot_of_two_blocks {
    enum { BLOCKS = 1, PARTS = 1, WORDS = sizeof(Block) / 4 }; // whole ones of a block
    typedef activations_of_blocks<2> activations;
    struct weights {
        One of[2];

        __device__ __forceinline__ void load(const two_blocks<Block> *x, unsigned, unsigned)
        {
            uint32_t words[2 * WORDS + 1], first[WORDS], second[WORDS];
            load_words(words, x);
#pragma unroll
            for (int i = 0; i < WORDS; i++) {
                first[i] = __funnelshift_r(words[i], words[i + 1], 16);
                second[i] = words[WORDS + 1 + i];
            }
            of[0].unpack(low_half(words[0]), first);
            of[1].unpack(high_half(words[WORDS]), second);
        }
    };
    QJ_DEVICE float dot(const weights &w, const activations &a)
    {
        return w.of[0].dot(a.d[0], a.s[0], a.u[0]) + w.of[1].dot(a.d[1], a.s[1], a.u[1]);
    }
};

struct words_of_q4_0 : one_q4_0 {
    __device__ __forceinline__ void unpack(float scale, const uint32_t (&words)[4])
    {
        d = scale;
        unpack_nibbles(q, words);
    }
};
template <> struct dot_product<two_blocks<block_q4_0>> : dot_of_two_blocks<words_of_q4_0, block_q4_0> {
};

struct words_of_q5_0 : one_q5_0 {
    __device__ __forceinline__ void unpack(float scale, const uint32_t (&words)[5])
    {
        d = scale;
        unpack_nibbles(q, words + 1);
        add_fifth_bits(q, words[0]);
    }
};
template <> struct dot_product<two_blocks<block_q5_0>> : dot_of_two_blocks<words_of_q5_0, block_q5_0> {
};
