// The integer dot product: sum + a0 * b0 + a1 * b1 + a2 * b2 + a3 * b3 of four signed bytes each.
//
// One instruction where there is one. It is chosen by the arch's own macro: whether the compiler knows a
// builtin says nothing about the arch, and one that the arch lacks is an error or ends the compiler.
#pragma once

#include "dialect.h"

#if defined(__HIP_PLATFORM_NVIDIA__)
QJ_DEVICE int dp4a(uint32_t a, uint32_t b, int sum)
{
    int out;
    asm("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(out) : "r"(a), "r"(b), "r"(sum));
    return out;
}
#elif defined(__gfx906__) || defined(__gfx908__) || defined(__gfx90a__) || defined(__gfx940__) ||            \
    defined(__gfx941__) || defined(__gfx942__) || defined(__gfx950__) || defined(__gfx1011__) ||             \
    defined(__gfx1012__) || defined(__gfx1030__) || defined(__gfx1031__) || defined(__gfx1032__) ||          \
    defined(__gfx1033__) || defined(__gfx1034__) || defined(__gfx1035__) || defined(__gfx1036__)
QJ_DEVICE int dp4a(uint32_t a, uint32_t b, int sum)
{
    return __builtin_amdgcn_sdot4((int)a, (int)b, sum, false);
}
#elif defined(__GFX11__) || defined(__GFX12__)
QJ_DEVICE int dp4a(uint32_t a, uint32_t b, int sum)
{
    return __builtin_amdgcn_sudot4(true, (int)a, true, (int)b, sum, false);
}
#else
#define QJ_DP4A_IS_SCALAR
QJ_DEVICE int dp4a(uint32_t a, uint32_t b, int sum)
{
#pragma unroll
    for (int shift = 0; shift < 32; shift += 8)
        sum += (int8_t)(a >> shift) * (int8_t)(b >> shift);
    return sum;
}
#endif

// The sum of N words' products, and of the bytes of N words.
template <int N> QJ_DEVICE int dot_words(const uint32_t (&a)[N], const uint32_t *b)
{
    int sum = 0;
#pragma unroll
    for (int i = 0; i < N; i++)
        sum = dp4a(a[i], b[i], sum);
    return sum;
}

template <int N> QJ_DEVICE int sum_bytes(const uint32_t (&a)[N])
{
    int sum = 0;
#pragma unroll
    for (int i = 0; i < N; i++)
        sum = dp4a(a[i], 0x01010101u, sum);
    return sum;
}
