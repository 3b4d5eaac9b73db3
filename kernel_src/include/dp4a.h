// The integer dot product: sum + a0 * b0 + a1 * b1 + a2 * b2 + a3 * b3 of four signed bytes each.
//
// One instruction where there is one. It is chosen by the arch's own macro: whether the compiler knows a
// builtin says nothing about the arch, and one that the arch lacks is an error or ends the compiler.
#pragma once

#include "dialect.h"

#if defined(__gfx906__) || defined(__gfx908__) || defined(__gfx90a__) || defined(__gfx940__) ||              \
    defined(__gfx941__) || defined(__gfx942__) || defined(__gfx950__) || defined(__gfx1011__) ||             \
    defined(__gfx1012__) || defined(__gfx1030__) || defined(__gfx1031__) || defined(__gfx1032__) ||          \
    defined(__gfx1033__) || defined(__gfx1034__) || defined(__gfx1035__) || defined(__gfx1036__)
#define QJ_SDOT4
#endif

// Without a dot product instruction there is so much to do between loads that the compiler, left alone, does
// too much of it early, and holds more than there are registers. Loads that stand behind QJ_ONE_AT_A_TIME()
// stay behind it; what is unpacked from a word that QJ_KEEP() names is unpacked behind it, each time anew.
#if defined(__AMDGCN__) && !defined(QJ_SDOT4) && !defined(__GFX11__) && !defined(__GFX12__)
#define QJ_ONE_AT_A_TIME() asm volatile("" : : : "memory")
#define QJ_KEEP(word)      asm volatile("" : "+v"(word))
#else
#define QJ_ONE_AT_A_TIME()
#define QJ_KEEP(word)
#ifdef __AMDGCN__
#define QJ_UNPACK_FIRST // there are registers for what all columns need
#endif
#endif

#if defined(__HIP_PLATFORM_NVIDIA__)
QJ_DEVICE int dp4a(uint32_t a, uint32_t b, int sum)
{
    int out;
    asm("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(out) : "r"(a), "r"(b), "r"(sum));
    return out;
}
#elif defined(QJ_SDOT4)
QJ_DEVICE int dp4a(uint32_t a, uint32_t b, int sum)
{
    return __builtin_amdgcn_sdot4((int)a, (int)b, sum, false);
}
#elif defined(__GFX11__) || defined(__GFX12__)
QJ_DEVICE int dp4a(uint32_t a, uint32_t b, int sum)
{
    return __builtin_amdgcn_sudot4(true, (int)a, true, (int)b, sum, false);
}
#elif defined(__GFX8__) || defined(__GFX9__) || defined(__GFX10__)
// A multiplication takes any byte of its operands, sign-extended. The compiler would find that by itself, but
// first it takes all the bytes apart and holds each of them in a register.
#define QJ_BYTE_PRODUCT(n)                                                                                   \
    QJ_DEVICE int byte_product_##n(uint32_t a, uint32_t b)                                                   \
    {                                                                                                        \
        int out;                                                                                             \
        asm("v_mul_i32_i24_sdwa %0, sext(%1), sext(%2) dst_sel:DWORD dst_unused:UNUSED_PAD "                 \
            "src0_sel:BYTE_" #n " src1_sel:BYTE_" #n                                                         \
            : "=v"(out)                                                                                      \
            : "v"(a), "v"(b));                                                                               \
        return out;                                                                                          \
    }
QJ_BYTE_PRODUCT(0)
QJ_BYTE_PRODUCT(1)
QJ_BYTE_PRODUCT(2)
QJ_BYTE_PRODUCT(3)
#undef QJ_BYTE_PRODUCT
QJ_DEVICE int dp4a(uint32_t a, uint32_t b, int sum)
{
    sum += byte_product_0(a, b) + byte_product_1(a, b);
    sum += byte_product_2(a, b) + byte_product_3(a, b);
    QJ_KEEP(sum);
    return sum;
}
#else
#define QJ_DP4A_IS_SCALAR
QJ_DEVICE int dp4a(uint32_t a, uint32_t b, int sum)
{
    QJ_KEEP(a);
    QJ_KEEP(b);
    sum += (int8_t)a * (int8_t)b + (int8_t)(a >> 8) * (int8_t)(b >> 8);
    sum += (int8_t)(a >> 16) * (int8_t)(b >> 16) + (int8_t)(a >> 24) * (int8_t)(b >> 24);
    QJ_KEEP(sum);
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

template <int N> QJ_DEVICE int sum_bytes(const uint32_t *a)
{
    int sum = 0;
#pragma unroll
    for (int i = 0; i < N; i++)
        sum = dp4a(a[i], 0x01010101u, sum);
    return sum;
}
