// Uses every name that docs/dialect.md promises of the small run-time header, so that each is compiled for every
// arch. What it computes means nothing.
__constant__ float table[4] = {1, 2, 3, 4};

template <typename T> static __device__ T through_lanes(T x)
{
    return (T)(__shfl(x, 3) + __shfl_xor(x, 16, 32) + __shfl_up(x, 1u) + __shfl_down(x, 1u, 8));
}

static __device__ float native(float x, float y)
{
    x += fabsf(x) + floorf(x) + ceilf(x) + truncf(x) + rintf(x) + roundf(x) + sqrtf(x) + rsqrtf(x);
    return fminf(x, y) + fmaxf(x, y) + copysignf(x, y) + fmaf(x, y, x) + (isnan(x) || isinf(y) ? 1.0f : 0.0f);
}

static __device__ double native(double x, double y)
{
    x += fabs(x) + floor(x) + ceil(x) + trunc(x) + rint(x) + round(x) + sqrt(x);
    return fmin(x, y) + fmax(x, y) + copysign(x, y) + fma(x, y, x) + (isnan(x) || isinf(y) ? 1.0 : 0.0);
}

static __device__ float from_library(float x, float y)
{
    x += expf(x) + exp2f(x) + expm1f(x) + logf(x) + log2f(x) + log10f(x) + log1pf(x);
    return x + sinf(x) + cosf(x) + tanhf(x) + erff(x) + powf(x, y) + fmodf(x, y);
}

static __device__ double from_library(double x, double y)
{
    x += exp(x) + exp2(x) + expm1(x) + log(x) + log2(x) + log10(x) + log1p(x);
    return x + sin(x) + cos(x) + tanh(x) + erf(x) + pow(x, y) + fmod(x, y);
}

static __device__ unsigned atomics(unsigned *at, int *sat, float *f, double *d, unsigned long long *wide)
{
    float was = atomicAdd(f, 1.0f) + atomicExch(f, 2.0f) + (float)atomicAdd(d, 1.0);
    int old = atomicAdd(sat, 1) + atomicMin(sat, 2) + atomicMax(sat, 3) + atomicExch(sat, 4) + atomicCAS(sat, 5, 6);
    unsigned long long big = atomicAdd(wide, 1ull) + atomicCAS(wide, 1ull, 2ull);
    return atomicAdd(at, 1u) + atomicMin(at, 2u) + atomicMax(at, 3u) + atomicAnd(at, 4u) + atomicOr(at, 5u) +
           atomicExch(at, 6u) + atomicCAS(at, 7u, 8u) + (unsigned)was + (unsigned)old + (unsigned)big;
}

static __device__ __noinline__ int integers(int x)
{
    int8_t a = (int8_t)x;
    int16_t b = (int16_t)x;
    int64_t c = x;
    uint8_t d = (uint8_t)x;
    uint16_t e = (uint16_t)x;
    uint32_t f = (uint32_t)x;
    uint64_t g = (uint64_t)x;
    return a + b + (int)c + d + e + (int)f + (int)g + min(x, 3) + max(x, 4) + (int)min(f, 5u) + (int)max(f, 6u) +
           abs(x) + __popc(f) + __popcll(g) + __clz(x) + __ffs(x);
}

extern "C" __global__ __launch_bounds__(256) void surface(float *f, double *d, int *i, unsigned *u,
                                                          unsigned long long *wide, __half *h, size_t n)
{
    __shared__ float shared[256];
    const dim3 block = blockDim, grid = gridDim;
    const size_t at = blockIdx.x * block.x + threadIdx.x + (blockIdx.y + threadIdx.y * block.y) * grid.x +
                      (blockIdx.z + threadIdx.z * gridDim.z) * grid.y;
    if (at >= n)
        return;
    shared[threadIdx.x] = f[at] + table[at % 4];
    __syncthreads();
    __threadfence_block();
    __threadfence();
    const float x = shared[threadIdx.x ^ 1];
    f[at] = native(x, f[at]) + from_library(x, f[at]) + through_lanes(x);
    d[at] = native((double)x, d[at]) + from_library((double)x, d[at]) + through_lanes(d[at]);
    i[at] = integers(i[at]) + through_lanes(i[at]) + warpSize + (int)__lane_id();
    u[at] = atomics(u, i, f, d, wide) + __float_as_uint(x) + (unsigned)__float_as_int(x);
    f[at] += __uint_as_float(u[at]) + __int_as_float(i[at]);
    wide[at] = __ballot(x > 1) + (unsigned)__any(x > 2) + (unsigned)__all(x > 3);
    h[at] = __float2half(x);
    h[at] = __float2half_rn(x + __half2float(h[at]));
    h[at] = __ushort_as_half((unsigned short)(__half_as_ushort(h[at]) ^ 1));
    memcpy(&f[at], &x, sizeof x);
}

extern "C" __global__ __launch_bounds__(128, 2) void bounds_of_two(half *h)
{
    h[threadIdx.x] = __float2half(1.0f);
}
