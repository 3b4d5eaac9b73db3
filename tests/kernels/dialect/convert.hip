// Conversions. f16 by the run-time header's functions; bf16 and fp8 (OCP e4m3: no infinities, 0x7f is NaN, stores
// saturate at 448) written out in bits, as no header of HIP 5.2 has them.
#include "fp16.h"

#define EACH(i, n)                                                                                               \
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;                                                    \
    if (i >= (unsigned)n) {                                                                                      \
        return;                                                                                                  \
    }

extern "C" __global__ void float_from_f16(float *out, const unsigned short *in, int n)
{
    EACH(i, n)
    out[i] = __half2float(__ushort_as_half(in[i]));
}

extern "C" __global__ void f16_from_float(unsigned short *out, const float *in, int n)
{
    EACH(i, n)
    out[i] = __half_as_ushort(__float2half_rn(in[i]));
}

// The way kernels of both element types go: a __half in memory, written through reduce- and cast-like templates.
extern "C" __global__ void f16_from_template(__half *out, const float *in, int n)
{
    EACH(i, n)
    out[i] = from_float<__half>(in[i]);
}

extern "C" __global__ void float_from_bf16(float *out, const unsigned short *in, int n)
{
    EACH(i, n)
    out[i] = __uint_as_float((unsigned)in[i] << 16);
}

extern "C" __global__ void bf16_from_float(unsigned short *out, const float *in, int n)
{
    EACH(i, n)
    const unsigned bits = __float_as_uint(in[i]);
    const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
    out[i] = (unsigned short)(is_nan ? bits >> 16 | 0x40u : (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

extern "C" __global__ void float_from_f8(float *out, const unsigned char *in, int n)
{
    EACH(i, n)
    const unsigned bits = in[i], exponent = bits >> 3 & 15u, mantissa = bits & 7u;
    float value = (float)mantissa * 0.001953125f; // 2^-9
    if (exponent != 0) {
        value = __uint_as_float((exponent + 120u) << 23 | mantissa << 20);
    }
    if ((bits & 0x7fu) == 0x7fu) {
        value = __uint_as_float(0x7fc00000u);
    }
    out[i] = bits & 0x80u ? -value : value;
}

extern "C" __global__ void f8_from_float(unsigned char *out, const float *in, int n)
{
    EACH(i, n)
    const unsigned bits = __float_as_uint(in[i]), sign = bits >> 24 & 0x80u, size = bits & 0x7fffffffu;
    unsigned to;
    if (size > 0x7f800000u) {
        to = 0x7fu;
    } else if (size >= 0x43e80000u) { // 464: half a step above 448
        to = 0x7eu;
    } else if (size >= 0x3c800000u) { // 2^-6: normal
        to = ((size + 0x7ffffu + (size >> 20 & 1u)) >> 20) - (120u << 3);
    } else { // adding 2^14 leaves multiples of 2^-9, rounded to nearest even
        to = __float_as_uint(__uint_as_float(size) + 16384.0f) - 0x46800000u;
    }
    out[i] = (unsigned char)(sign | (to > 0x7eu && size <= 0x7f800000u ? 0x7eu : to));
}
