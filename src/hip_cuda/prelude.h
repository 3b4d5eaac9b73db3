// What hipRTC has built in and NVRTC has not, so that one HIP source compiles in both. Read before every
// source; it needs no CUDA header. NVRTC itself brings threadIdx and its kin, dim3, vector types, math,
// integer and float atomics, fences, and the _sync forms of shuffles and votes.
//
// Wavefronts have 32 lanes. Shuffles and votes name all of them: lanes that have returned do not count, but
// lanes that are in another branch must come to the same call (docs/hip_cuda.md).
#pragma once

#define __HIP__                     1
#define __HIPCC_RTC__               1
#define __HIP_PLATFORM_NVIDIA__     1
#define __HIP_DEVICE_COMPILE__      1
#define QJ_PRELUDE_DEVICE           static __device__ __forceinline__
#define HIP_DYNAMIC_SHARED(type, v) extern __shared__ type v[];
#define QJ_PRELUDE_ALL              0xffffffffu

typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
#ifdef __LP64__
typedef long int64_t;
typedef unsigned long uint64_t;
typedef long intptr_t;
typedef unsigned long uintptr_t;
#else
typedef long long int64_t;
typedef unsigned long long uint64_t;
typedef long long intptr_t;
typedef unsigned long long uintptr_t;
#endif

#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#endif
#ifndef NAN
#define NAN __int_as_float(0x7fc00000)
#endif
#define FLT_MAX     3.402823466e+38f
#define FLT_MIN     1.175494351e-38f
#define FLT_EPSILON 1.192092896e-07f
#define DBL_MAX     1.7976931348623158e+308
#define DBL_MIN     2.2250738585072014e-308
#define DBL_EPSILON 2.2204460492503131e-16
#define CHAR_BIT    8
#define INT_MAX     2147483647
#define INT_MIN     (-2147483647 - 1)
#define UINT_MAX    4294967295u
#define LLONG_MAX   9223372036854775807LL
#define LLONG_MIN   (-9223372036854775807LL - 1)
#define ULLONG_MAX  18446744073709551615ULL

#define hipThreadIdx_x threadIdx.x
#define hipThreadIdx_y threadIdx.y
#define hipThreadIdx_z threadIdx.z
#define hipBlockIdx_x  blockIdx.x
#define hipBlockIdx_y  blockIdx.y
#define hipBlockIdx_z  blockIdx.z
#define hipBlockDim_x  blockDim.x
#define hipBlockDim_y  blockDim.y
#define hipBlockDim_z  blockDim.z
#define hipGridDim_x   gridDim.x
#define hipGridDim_y   gridDim.y
#define hipGridDim_z   gridDim.z

// ---- half
// --------------------------------------------------------------------------------------------------

// IEEE binary16. Conversions are the hardware's, to nearest, ties to even; arithmetic is done in float and
// rounded, which for + - * / and sqrt is the same as rounding once.
struct __align__(2) __half
{
    unsigned short bits;

    __device__ __forceinline__ static unsigned short round(float x)
    {
        unsigned short to;
        asm("cvt.rn.f16.f32 %0, %1;" : "=h"(to) : "f"(x));
        return to;
    }
    __device__ __forceinline__ static unsigned short round(double x)
    {
        unsigned short to;
        asm("{ .reg .b16 t; cvt.rn.f16.f64 t, %1; mov.b16 %0, t; }" : "=h"(to) : "d"(x));
        return to;
    }
    __device__ __forceinline__ float widen() const
    {
        float to;
        asm("cvt.f32.f16 %0, %1;" : "=f"(to) : "h"(bits));
        return to;
    }

    __half() = default;
    __device__ __forceinline__ __half(float x) : bits(round(x))
    {
    }
    __device__ __forceinline__ __half(double x) : bits(round(x))
    {
    }
    __device__ __forceinline__ __half(int x) : bits(round((double)x))
    {
    }
    __device__ __forceinline__ __half(unsigned x) : bits(round((double)x))
    {
    }
    __device__ __forceinline__ __half(long x) : bits(round((double)x))
    {
    }
    __device__ __forceinline__ __half(unsigned long x) : bits(round((double)x))
    {
    }
    __device__ __forceinline__ __half(long long x) : bits(round((double)x))
    {
    }
    __device__ __forceinline__ __half(unsigned long long x) : bits(round((double)x))
    {
    }
    __device__ __forceinline__ operator float() const
    {
        return widen();
    }

    __device__ __forceinline__ __half &operator+=(__half y)
    {
        return *this = __half(widen() + y.widen());
    }
    __device__ __forceinline__ __half &operator-=(__half y)
    {
        return *this = __half(widen() - y.widen());
    }
    __device__ __forceinline__ __half &operator*=(__half y)
    {
        return *this = __half(widen() * y.widen());
    }
    __device__ __forceinline__ __half &operator/=(__half y)
    {
        return *this = __half(widen() / y.widen());
    }
};
typedef __half half;
typedef __half __half_raw;
#define _Float16 __half

template <typename A, typename B> struct qj_prelude_halves {
};
template <> struct qj_prelude_halves<__half, __half> {
    typedef __half type;
};

// For two halves and nothing else: half and float give float, as with _Float16.
#define QJ_PRELUDE_OPERATOR(op)                                                                              \
    template <typename A, typename B>                                                                        \
    __device__ __forceinline__ typename qj_prelude_halves<A, B>::type operator op(A x, B y)                  \
    {                                                                                                        \
        return __half(x.widen() op y.widen());                                                               \
    }
QJ_PRELUDE_OPERATOR(+)
QJ_PRELUDE_OPERATOR(-)
QJ_PRELUDE_OPERATOR(*)
QJ_PRELUDE_OPERATOR(/)
#undef QJ_PRELUDE_OPERATOR
__device__ __forceinline__ __half operator-(__half x)
{
    x.bits ^= 0x8000;
    return x;
}

QJ_PRELUDE_DEVICE __half __ushort_as_half(unsigned short bits)
{
    __half x;
    x.bits = bits;
    return x;
}
QJ_PRELUDE_DEVICE __half __short_as_half(short bits)
{
    return __ushort_as_half((unsigned short)bits);
}
QJ_PRELUDE_DEVICE unsigned short __half_as_ushort(__half x)
{
    return x.bits;
}
QJ_PRELUDE_DEVICE short __half_as_short(__half x)
{
    return (short)x.bits;
}
QJ_PRELUDE_DEVICE __half __float2half(float x)
{
    return __half(x);
}
QJ_PRELUDE_DEVICE __half __float2half_rn(float x)
{
    return __half(x);
}
QJ_PRELUDE_DEVICE __half __float2half_rz(float x)
{
    unsigned short to;
    asm("cvt.rz.f16.f32 %0, %1;" : "=h"(to) : "f"(x));
    return __ushort_as_half(to);
}
QJ_PRELUDE_DEVICE float __half2float(__half x)
{
    return x.widen();
}
QJ_PRELUDE_DEVICE __half __int2half_rn(int x)
{
    return __half(x);
}
QJ_PRELUDE_DEVICE int __half2int_rz(__half x)
{
    return (int)x.widen();
}
QJ_PRELUDE_DEVICE __half __hadd(__half x, __half y)
{
    return x + y;
}
QJ_PRELUDE_DEVICE __half __hsub(__half x, __half y)
{
    return x - y;
}
QJ_PRELUDE_DEVICE __half __hmul(__half x, __half y)
{
    return x * y;
}
QJ_PRELUDE_DEVICE __half __hdiv(__half x, __half y)
{
    return x / y;
}
QJ_PRELUDE_DEVICE __half __hneg(__half x)
{
    return -x;
}
QJ_PRELUDE_DEVICE __half __habs(__half x)
{
    return __ushort_as_half(x.bits & 0x7fff);
}
QJ_PRELUDE_DEVICE __half __hfma(__half x, __half y, __half z)
{
    unsigned short to;
    asm("fma.rn.f16 %0, %1, %2, %3;" : "=h"(to) : "h"(x.bits), "h"(y.bits), "h"(z.bits));
    return __ushort_as_half(to);
}
QJ_PRELUDE_DEVICE bool __heq(__half x, __half y)
{
    return x.widen() == y.widen();
}
QJ_PRELUDE_DEVICE bool __hne(__half x, __half y)
{
    return x.widen() != y.widen();
}
QJ_PRELUDE_DEVICE bool __hlt(__half x, __half y)
{
    return x.widen() < y.widen();
}
QJ_PRELUDE_DEVICE bool __hle(__half x, __half y)
{
    return x.widen() <= y.widen();
}
QJ_PRELUDE_DEVICE bool __hgt(__half x, __half y)
{
    return x.widen() > y.widen();
}
QJ_PRELUDE_DEVICE bool __hge(__half x, __half y)
{
    return x.widen() >= y.widen();
}
QJ_PRELUDE_DEVICE bool __hisnan(__half x)
{
    return (x.bits & 0x7fff) > 0x7c00;
}

struct __align__(4) __half2
{
    __half x, y;
    __half2() = default;
    __device__ __forceinline__ __half2(__half a, __half b) : x(a), y(b)
    {
    }
};
typedef __half2 half2;
QJ_PRELUDE_DEVICE __half2 __halves2half2(__half x, __half y)
{
    return __half2(x, y);
}
QJ_PRELUDE_DEVICE __half2 __half2half2(__half x)
{
    return __half2(x, x);
}
QJ_PRELUDE_DEVICE __half2 __float2half2_rn(float x)
{
    return __half2(x, x);
}
QJ_PRELUDE_DEVICE __half2 __floats2half2_rn(float x, float y)
{
    return __half2(x, y);
}
QJ_PRELUDE_DEVICE __half2 __float22half2_rn(float2 x)
{
    return __half2(x.x, x.y);
}
QJ_PRELUDE_DEVICE float2 __half22float2(__half2 x)
{
    return make_float2(x.x.widen(), x.y.widen());
}
QJ_PRELUDE_DEVICE __half __low2half(__half2 x)
{
    return x.x;
}
QJ_PRELUDE_DEVICE __half __high2half(__half2 x)
{
    return x.y;
}
QJ_PRELUDE_DEVICE float __low2float(__half2 x)
{
    return x.x.widen();
}
QJ_PRELUDE_DEVICE float __high2float(__half2 x)
{
    return x.y.widen();
}
QJ_PRELUDE_DEVICE __half2 __hadd2(__half2 a, __half2 b)
{
    return __half2(a.x + b.x, a.y + b.y);
}
QJ_PRELUDE_DEVICE __half2 __hsub2(__half2 a, __half2 b)
{
    return __half2(a.x - b.x, a.y - b.y);
}
QJ_PRELUDE_DEVICE __half2 __hmul2(__half2 a, __half2 b)
{
    return __half2(a.x * b.x, a.y * b.y);
}
QJ_PRELUDE_DEVICE __half2 __hfma2(__half2 a, __half2 b, __half2 c)
{
    return __half2(__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y));
}

// ---- lanes
// -------------------------------------------------------------------------------------------------

QJ_PRELUDE_DEVICE unsigned __lane_id()
{
    unsigned lane;
    asm("mov.u32 %0, %%laneid;" : "=r"(lane));
    return lane;
}

// NVRTC still declares the forms without _sync, which no arch since sm_70 has; the macros step over them.
// Any type of whole words or of up to four bytes, word by word.
#define QJ_PRELUDE_SHUFFLE(name, cuda, argument)                                                             \
    template <typename T> static __device__ __forceinline__ T name(T value, argument lane, int width = 32)   \
    {                                                                                                        \
        static_assert(sizeof(T) <= 4 || sizeof(T) % 4 == 0,                                                  \
                      "shuffles move up to four bytes, or whole words");                                     \
        enum { N_WORDS = (sizeof(T) + 3) / 4 };                                                              \
        int words[N_WORDS] = {};                                                                             \
        memcpy(words, &value, sizeof(T));                                                                    \
        for (int i = 0; i < N_WORDS; i++)                                                                    \
            words[i] = cuda(QJ_PRELUDE_ALL, words[i], lane, width);                                          \
        memcpy((void *)&value, words, sizeof(T));                                                            \
        return value;                                                                                        \
    }
QJ_PRELUDE_SHUFFLE(qj_prelude_shfl, __shfl_sync, int)
QJ_PRELUDE_SHUFFLE(qj_prelude_shfl_xor, __shfl_xor_sync, int)
QJ_PRELUDE_SHUFFLE(qj_prelude_shfl_up, __shfl_up_sync, unsigned)
QJ_PRELUDE_SHUFFLE(qj_prelude_shfl_down, __shfl_down_sync, unsigned)
#undef QJ_PRELUDE_SHUFFLE
#define __shfl      qj_prelude_shfl
#define __shfl_xor  qj_prelude_shfl_xor
#define __shfl_up   qj_prelude_shfl_up
#define __shfl_down qj_prelude_shfl_down

// One bit for each lane; of 64, as on AMD, the upper half is 0.
QJ_PRELUDE_DEVICE unsigned long long qj_prelude_ballot(int predicate)
{
    return __ballot_sync(QJ_PRELUDE_ALL, predicate);
}
QJ_PRELUDE_DEVICE int qj_prelude_any(int predicate)
{
    return __any_sync(QJ_PRELUDE_ALL, predicate);
}
QJ_PRELUDE_DEVICE int qj_prelude_all(int predicate)
{
    return __all_sync(QJ_PRELUDE_ALL, predicate);
}
#define __ballot qj_prelude_ballot
#define __any    qj_prelude_any
#define __all    qj_prelude_all

// ---- atomics and clocks
// --------------------------------------------------------------------------------------

QJ_PRELUDE_DEVICE float unsafeAtomicAdd(float *at, float value)
{
    return atomicAdd(at, value);
}
QJ_PRELUDE_DEVICE double unsafeAtomicAdd(double *at, double value)
{
    return atomicAdd(at, value);
}
QJ_PRELUDE_DEVICE long long wall_clock64()
{
    long long now;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
    return now;
}
