// f16 as stored: __half. Arithmetic is done in float, as one target's __half has operators and another's not.
#pragma once

#include "dialect.h"

static_assert(sizeof(__half) == 2, "__half is IEEE binary16");

// A result for a kernel of element type T: float as it is, f16 rounded to nearest, ties to even.
template <typename T> QJ_DEVICE T from_float(float x);
template <> __device__ __forceinline__ float from_float<float>(float x)
{
    return x;
}
template <> __device__ __forceinline__ __half from_float<__half>(float x)
{
    return __float2half_rn(x);
}
