// The small run-time header: what hipRTC's own built-in one gives, as far as qjit's kernels use it. It is
// handed to hipRTC as the header `hiprtc_runtime.h`, which replaces the built-in one: parsing that takes most
// of the time of a small compile. Written for clang 15 (hipRTC 5.2) to 22 (7.2), gfx6 to gfx12, wave 32 and
// 64, code object versions 4 to 6.
//
// This file alone may name AMD builtins and address spaces. docs/dialect.md lists the names that it provides,
// which are the names that any other target's prelude must provide.
#pragma once

#define __host__          __attribute__((host))
#define __device__        __attribute__((device))
#define __global__        __attribute__((global))
#define __shared__        __attribute__((shared))
#define __constant__      __attribute__((constant))
#define __forceinline__   inline __attribute__((always_inline))
#define __noinline__      __attribute__((noinline))
#define QJ_RUNTIME_DEVICE static __device__ __forceinline__

// __launch_bounds__(threads) and __launch_bounds__(threads, waves per execution unit).
#define QJ_BOUNDS_OF(threads, waves, bounds, ...) bounds
#define QJ_BOUNDS_1(threads)                      __attribute__((amdgpu_flat_work_group_size(1, threads)))
#define QJ_BOUNDS_2(threads, waves)               QJ_BOUNDS_1(threads) __attribute__((amdgpu_waves_per_eu(waves)))
#define __launch_bounds__(...)                    QJ_BOUNDS_OF(__VA_ARGS__, QJ_BOUNDS_2, QJ_BOUNDS_1, )(__VA_ARGS__)

typedef __INT8_TYPE__ int8_t;
typedef __INT16_TYPE__ int16_t;
typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
typedef __SIZE_TYPE__ size_t;
typedef __UINTPTR_TYPE__ uintptr_t;

// ---- indices

struct dim3 {
    unsigned x, y, z;
    __device__ constexpr dim3(unsigned nx = 1, unsigned ny = 1, unsigned nz = 1) : x(nx), y(ny), z(nz)
    {
    }
};

// A group size of 16 bits and a grid size in threads are in every version's launch packet or hidden
// arguments; the number of groups is in those of version 5 only, so it is divided here. HIP launches whole
// groups only.
#define QJ_RUNTIME_GET(name, value)                                                                          \
    QJ_RUNTIME_DEVICE unsigned get_##name()                                                                  \
    {                                                                                                        \
        return value;                                                                                        \
    }                                                                                                        \
    __declspec(property(get = get_##name)) unsigned name;
#define QJ_RUNTIME_INDEX(type, value_x, value_y, value_z)                                                    \
    struct type {                                                                                            \
        QJ_RUNTIME_GET(x, value_x)                                                                           \
        QJ_RUNTIME_GET(y, value_y)                                                                           \
        QJ_RUNTIME_GET(z, value_z)                                                                           \
        __device__ __forceinline__ operator dim3() const                                                     \
        {                                                                                                    \
            return dim3(get_x(), get_y(), get_z());                                                          \
        }                                                                                                    \
    };
QJ_RUNTIME_INDEX(qj_thread_index, __builtin_amdgcn_workitem_id_x(), __builtin_amdgcn_workitem_id_y(),
                 __builtin_amdgcn_workitem_id_z())
QJ_RUNTIME_INDEX(qj_block_index, __builtin_amdgcn_workgroup_id_x(), __builtin_amdgcn_workgroup_id_y(),
                 __builtin_amdgcn_workgroup_id_z())
QJ_RUNTIME_INDEX(qj_block_size, __builtin_amdgcn_workgroup_size_x(), __builtin_amdgcn_workgroup_size_y(),
                 __builtin_amdgcn_workgroup_size_z())
QJ_RUNTIME_INDEX(qj_grid_size, __builtin_amdgcn_grid_size_x() / __builtin_amdgcn_workgroup_size_x(),
                 __builtin_amdgcn_grid_size_y() / __builtin_amdgcn_workgroup_size_y(),
                 __builtin_amdgcn_grid_size_z() / __builtin_amdgcn_workgroup_size_z())
#undef QJ_RUNTIME_INDEX
#undef QJ_RUNTIME_GET

// Early compilers have a macro only, late ones the builtin only.
#if __has_builtin(__builtin_amdgcn_wavefrontsize)
#define QJ_WAVE_SIZE ((int)__builtin_amdgcn_wavefrontsize())
#else
#define QJ_WAVE_SIZE __AMDGCN_WAVEFRONT_SIZE
#endif

struct qj_warp_size {
    __device__ __forceinline__ operator int() const
    {
        return QJ_WAVE_SIZE;
    }
};

// Never stored anywhere: reading a member or converting calls a builtin.
extern const __device__ __attribute__((weak)) qj_thread_index threadIdx;
extern const __device__ __attribute__((weak)) qj_block_index blockIdx;
extern const __device__ __attribute__((weak)) qj_block_size blockDim;
extern const __device__ __attribute__((weak)) qj_grid_size gridDim;
extern const __device__ __attribute__((weak)) qj_warp_size warpSize;

// ---- barriers and fences

QJ_RUNTIME_DEVICE void __syncthreads()
{
    __builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
    __builtin_amdgcn_s_barrier();
    __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
}

QJ_RUNTIME_DEVICE void __threadfence_block()
{
    __builtin_amdgcn_fence(__ATOMIC_SEQ_CST, "workgroup");
}
QJ_RUNTIME_DEVICE void __threadfence()
{
    __builtin_amdgcn_fence(__ATOMIC_SEQ_CST, "agent");
}

// ---- lanes

// Number of this lane in its wave. On wave 32 the second count adds nothing.
QJ_RUNTIME_DEVICE unsigned __lane_id()
{
    return __builtin_amdgcn_mbcnt_hi(~0u, __builtin_amdgcn_mbcnt_lo(~0u, 0u));
}

// The word that `lane` of this wave holds.
#if defined(__GFX6__) || defined(__GFX7__)
// Nothing there moves words between lanes freely: read each lane in turn and keep the one that is wanted.
QJ_RUNTIME_DEVICE int qj_lane_word(int word, unsigned lane)
{
    int kept = word;
#pragma unroll 1
    for (unsigned i = 0; i < 64; i++) {
        const int read = __builtin_amdgcn_readlane(word, i);
        kept = lane == i ? read : kept;
    }
    return kept;
}
#else
// Lane numbers travel as byte addresses. In the wave64 mode of gfx10 and gfx11 each half of the wave permutes
// on its own, so a width above 32 is not right there; their default, wave 32, has no such width.
QJ_RUNTIME_DEVICE int qj_lane_word(int word, unsigned lane)
{
    return __builtin_amdgcn_ds_bpermute((int)(lane << 2), word);
}
#endif

template <typename T> static __device__ __forceinline__ T qj_lane_read(T value, unsigned lane)
{
    static_assert(sizeof(T) <= 4 || sizeof(T) % 4 == 0, "shuffles move up to four bytes, or whole words");
    enum { N_WORDS = (sizeof(T) + 3) / 4 };
    int words[N_WORDS] = {};
    __builtin_memcpy(words, &value, sizeof(T));
    for (int i = 0; i < N_WORDS; i++)
        words[i] = qj_lane_word(words[i], lane);
    __builtin_memcpy(&value, words, sizeof(T));
    return value;
}

// width: a power of two, at most warpSize; lanes are grouped by it. As in HIP and CUDA, a source past the end
// of the group (of __shfl_up: before its start) gives the lane's own value. Lanes that are read must be
// active.
template <typename T> static __device__ __forceinline__ T __shfl(T value, int source, int width = warpSize)
{
    const unsigned first = __lane_id() & ~(unsigned)(width - 1);
    return qj_lane_read(value, first + ((unsigned)source & (unsigned)(width - 1)));
}

template <typename T> static __device__ __forceinline__ T __shfl_xor(T value, int mask, int width = warpSize)
{
    const unsigned self = __lane_id(), end = (self + (unsigned)width) & ~(unsigned)(width - 1);
    const unsigned lane = self ^ (unsigned)mask;
    const bool past_group = (unsigned)mask >= (unsigned)width && lane >= end; // false at compile time, mostly
    return qj_lane_read(value, past_group ? self : lane);
}

template <typename T>
static __device__ __forceinline__ T __shfl_up(T value, unsigned delta, int width = warpSize)
{
    const unsigned self = __lane_id(), place = self & (unsigned)(width - 1);
    return qj_lane_read(value, delta > place ? self : self - delta);
}

template <typename T>
static __device__ __forceinline__ T __shfl_down(T value, unsigned delta, int width = warpSize)
{
    const unsigned self = __lane_id(), place = self & (unsigned)(width - 1);
    return qj_lane_read(value, delta >= (unsigned)width - place ? self : self + delta);
}

// One bit for each lane of the wave, also of 32; 33 is LLVM's "not equal".
QJ_RUNTIME_DEVICE unsigned long long __ballot(int predicate)
{
    return __builtin_amdgcn_uicmp(predicate != 0 ? 1u : 0u, 0u, 33);
}
QJ_RUNTIME_DEVICE int __any(int predicate)
{
    return __ballot(predicate) != 0;
}
QJ_RUNTIME_DEVICE int __all(int predicate)
{
    return __ballot(predicate == 0) == 0;
}

// ---- half

typedef _Float16 __half;
typedef __half half;

// To nearest, ties to even; f16 subnormals are kept on every arch.
QJ_RUNTIME_DEVICE __half __float2half(float x)
{
    return (__half)x;
}
QJ_RUNTIME_DEVICE __half __float2half_rn(float x)
{
    return (__half)x;
}
QJ_RUNTIME_DEVICE float __half2float(__half x)
{
    return (float)x;
}
QJ_RUNTIME_DEVICE __half __ushort_as_half(unsigned short bits)
{
    return __builtin_bit_cast(__half, bits);
}
QJ_RUNTIME_DEVICE unsigned short __half_as_ushort(__half x)
{
    return __builtin_bit_cast(unsigned short, x);
}

// ---- memory and bits

QJ_RUNTIME_DEVICE void *memcpy(void *to, const void *from, size_t n)
{
    return __builtin_memcpy(to, from, n);
}

QJ_RUNTIME_DEVICE float __int_as_float(int bits)
{
    return __builtin_bit_cast(float, bits);
}
QJ_RUNTIME_DEVICE float __uint_as_float(unsigned bits)
{
    return __builtin_bit_cast(float, bits);
}
QJ_RUNTIME_DEVICE int __float_as_int(float x)
{
    return __builtin_bit_cast(int, x);
}
QJ_RUNTIME_DEVICE unsigned __float_as_uint(float x)
{
    return __builtin_bit_cast(unsigned, x);
}
QJ_RUNTIME_DEVICE int __popc(unsigned x)
{
    return __builtin_popcount(x);
}
QJ_RUNTIME_DEVICE int __popcll(unsigned long long x)
{
    return __builtin_popcountll(x);
}
QJ_RUNTIME_DEVICE int __clz(int x)
{
    return x == 0 ? 32 : __builtin_clz((unsigned)x);
}
QJ_RUNTIME_DEVICE int __ffs(int x)
{
    return __builtin_ffs(x);
}

// ---- math

// Native: instructions of the arch or a few of them; these need no device library (option -nogpulib is fine).
#define QJ_RUNTIME_MATH_1(name)                                                                              \
    QJ_RUNTIME_DEVICE float name##f(float x)                                                                 \
    {                                                                                                        \
        return __builtin_##name##f(x);                                                                       \
    }                                                                                                        \
    QJ_RUNTIME_DEVICE double name(double x)                                                                  \
    {                                                                                                        \
        return __builtin_##name(x);                                                                          \
    }
#define QJ_RUNTIME_MATH_2(name)                                                                              \
    QJ_RUNTIME_DEVICE float name##f(float x, float y)                                                        \
    {                                                                                                        \
        return __builtin_##name##f(x, y);                                                                    \
    }                                                                                                        \
    QJ_RUNTIME_DEVICE double name(double x, double y)                                                        \
    {                                                                                                        \
        return __builtin_##name(x, y);                                                                       \
    }
QJ_RUNTIME_MATH_1(fabs)
QJ_RUNTIME_MATH_1(floor)
QJ_RUNTIME_MATH_1(ceil)
QJ_RUNTIME_MATH_1(trunc)
QJ_RUNTIME_MATH_1(rint)
QJ_RUNTIME_MATH_1(round)
QJ_RUNTIME_MATH_1(sqrt)
QJ_RUNTIME_MATH_2(fmin)
QJ_RUNTIME_MATH_2(fmax)
QJ_RUNTIME_MATH_2(copysign)
QJ_RUNTIME_DEVICE float fmaf(float x, float y, float z)
{
    return __builtin_fmaf(x, y, z);
}
QJ_RUNTIME_DEVICE double fma(double x, double y, double z)
{
    return __builtin_fma(x, y, z);
}
QJ_RUNTIME_DEVICE bool isnan(float x)
{
    return __builtin_isnan(x);
}
QJ_RUNTIME_DEVICE bool isnan(double x)
{
    return __builtin_isnan(x);
}
QJ_RUNTIME_DEVICE bool isinf(float x)
{
    return __builtin_isinf(x);
}
QJ_RUNTIME_DEVICE bool isinf(double x)
{
    return __builtin_isinf(x);
}
QJ_RUNTIME_DEVICE float rsqrtf(float x)
{
    return 1.0f / __builtin_sqrtf(x);
}
QJ_RUNTIME_DEVICE int abs(int x)
{
    return __builtin_abs(x);
}
QJ_RUNTIME_DEVICE int min(int x, int y)
{
    return x < y ? x : y;
}
QJ_RUNTIME_DEVICE int max(int x, int y)
{
    return x > y ? x : y;
}
QJ_RUNTIME_DEVICE unsigned min(unsigned x, unsigned y)
{
    return x < y ? x : y;
}
QJ_RUNTIME_DEVICE unsigned max(unsigned x, unsigned y)
{
    return x > y ? x : y;
}

// From the device library ocml, which hipRTC links unless it is told -nogpulib.
#define QJ_RUNTIME_OCML_1(name)                                                                              \
    extern "C" __device__ float __ocml_##name##_f32(float);                                                  \
    extern "C" __device__ double __ocml_##name##_f64(double);                                                \
    QJ_RUNTIME_DEVICE float name##f(float x)                                                                 \
    {                                                                                                        \
        return __ocml_##name##_f32(x);                                                                       \
    }                                                                                                        \
    QJ_RUNTIME_DEVICE double name(double x)                                                                  \
    {                                                                                                        \
        return __ocml_##name##_f64(x);                                                                       \
    }
#define QJ_RUNTIME_OCML_2(name)                                                                              \
    extern "C" __device__ float __ocml_##name##_f32(float, float);                                           \
    extern "C" __device__ double __ocml_##name##_f64(double, double);                                        \
    QJ_RUNTIME_DEVICE float name##f(float x, float y)                                                        \
    {                                                                                                        \
        return __ocml_##name##_f32(x, y);                                                                    \
    }                                                                                                        \
    QJ_RUNTIME_DEVICE double name(double x, double y)                                                        \
    {                                                                                                        \
        return __ocml_##name##_f64(x, y);                                                                    \
    }
QJ_RUNTIME_OCML_1(exp)
QJ_RUNTIME_OCML_1(exp2)
QJ_RUNTIME_OCML_1(expm1)
QJ_RUNTIME_OCML_1(log)
QJ_RUNTIME_OCML_1(log2)
QJ_RUNTIME_OCML_1(log10)
QJ_RUNTIME_OCML_1(log1p)
QJ_RUNTIME_OCML_1(sin)
QJ_RUNTIME_OCML_1(cos)
QJ_RUNTIME_OCML_1(tanh)
QJ_RUNTIME_OCML_1(erf)
QJ_RUNTIME_OCML_2(pow)
QJ_RUNTIME_OCML_2(fmod)

// ---- atomics: relaxed, visible to the whole device

#define QJ_RUNTIME_ATOMIC(name, operation, type)                                                             \
    QJ_RUNTIME_DEVICE type name(type *at, type value)                                                        \
    {                                                                                                        \
        return operation(at, value, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_AGENT);                             \
    }
QJ_RUNTIME_ATOMIC(atomicAdd, __hip_atomic_fetch_add, int)
QJ_RUNTIME_ATOMIC(atomicAdd, __hip_atomic_fetch_add, unsigned)
QJ_RUNTIME_ATOMIC(atomicAdd, __hip_atomic_fetch_add, unsigned long long)
QJ_RUNTIME_ATOMIC(atomicAdd, __hip_atomic_fetch_add, float)
QJ_RUNTIME_ATOMIC(atomicAdd, __hip_atomic_fetch_add, double)
QJ_RUNTIME_ATOMIC(atomicMin, __hip_atomic_fetch_min, int)
QJ_RUNTIME_ATOMIC(atomicMin, __hip_atomic_fetch_min, unsigned)
QJ_RUNTIME_ATOMIC(atomicMax, __hip_atomic_fetch_max, int)
QJ_RUNTIME_ATOMIC(atomicMax, __hip_atomic_fetch_max, unsigned)
QJ_RUNTIME_ATOMIC(atomicAnd, __hip_atomic_fetch_and, unsigned)
QJ_RUNTIME_ATOMIC(atomicOr, __hip_atomic_fetch_or, unsigned)
QJ_RUNTIME_ATOMIC(atomicExch, __hip_atomic_exchange, int)
QJ_RUNTIME_ATOMIC(atomicExch, __hip_atomic_exchange, unsigned)
QJ_RUNTIME_ATOMIC(atomicExch, __hip_atomic_exchange, float)

#define QJ_RUNTIME_ATOMIC_CAS(type)                                                                          \
    QJ_RUNTIME_DEVICE type atomicCAS(type *at, type expected, type value)                                    \
    {                                                                                                        \
        __hip_atomic_compare_exchange_strong(at, &expected, value, __ATOMIC_RELAXED, __ATOMIC_RELAXED,       \
                                             __HIP_MEMORY_SCOPE_AGENT);                                      \
        return expected;                                                                                     \
    }
QJ_RUNTIME_ATOMIC_CAS(int)
QJ_RUNTIME_ATOMIC_CAS(unsigned)
QJ_RUNTIME_ATOMIC_CAS(unsigned long long)

#undef QJ_RUNTIME_ATOMIC_CAS
#undef QJ_RUNTIME_ATOMIC
#undef QJ_RUNTIME_OCML_2
#undef QJ_RUNTIME_OCML_1
#undef QJ_RUNTIME_MATH_2
#undef QJ_RUNTIME_MATH_1
#undef QJ_RUNTIME_DEVICE
