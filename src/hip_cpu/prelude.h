/* What hipRTC predeclares for kernels, for a host compiler: forced into every program that libqjit_hip_cpu.so
 * compiles, after abi.h. Includes nothing. QJ_CPU_WAVE is 32 or 64; QJ_CPU_CHECKED is set in checked mode. */
#ifndef QJ_CPU_PRELUDE_H
#define QJ_CPU_PRELUDE_H

#define QJIT_HIP_CPU           1
#define __HIP__                1
#define __HIPCC_RTC__          1
#define __HIP_DEVICE_COMPILE__ 1
#define __HIP_PLATFORM_AMD__   1

#define __QJ_INLINE static inline __attribute__((always_inline, unused))
#define __QJ_HIDDEN __attribute__((visibility("hidden")))
#ifdef QJ_CPU_CHECKED
#define __QJ_PLAIN __attribute__((disable_sanitizer_instrumentation))
#define __QJ_SELF  static __attribute__((noinline, unused, disable_sanitizer_instrumentation))
#else
#define __QJ_PLAIN
#define __QJ_SELF __QJ_INLINE
#endif

/* ---- the language: what clang's HIP mode spells as keywords ---- */

/* The generator looks for these two annotations in the preprocessed source. */
#define __global__             __attribute__((annotate("qj_global"), noinline))
#define __launch_bounds__(...) __attribute__((annotate("qj_bounds", __VA_ARGS__)))
#define __device__
#define __host__
#define __managed__
#define __constant__ __attribute__((used))
/* A block runs on one thread of the host, so block-wide memory is that thread's own. An unsized extern array
 * is given its storage when the object is linked. */
#define __shared__                     __attribute__((require_constant_initialization)) thread_local
#define HIP_DYNAMIC_SHARED(type, name) extern __shared__ type name[];
#define HIP_DYNAMIC_SHARED_ATTRIBUTE
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__    __attribute__((noinline))
#define __align__(n)    __attribute__((aligned(n)))
#define __grid_constant__

typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;
typedef __INT8_TYPE__ int8_t;
typedef __INT16_TYPE__ int16_t;
typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
typedef __INTPTR_TYPE__ intptr_t;
typedef __UINTPTR_TYPE__ uintptr_t;
#ifndef NULL
#define NULL __null
#endif
#ifndef INFINITY
#define INFINITY __builtin_inff()
#endif
#ifndef NAN
#define NAN __builtin_nanf("")
#endif

/* ---- the thread of the library that runs us ---- */

static const qj_cpu_thread __qj_nobody = {};
extern "C" {
/* The only thread-local variable with an initialiser, so .tdata holds nothing else and .tbss is the LDS. */
__QJ_HIDDEN
__attribute__((used, require_constant_initialization)) thread_local const qj_cpu_thread *__qj_self =
    &__qj_nobody;
__QJ_HIDDEN __attribute__((used)) const qj_cpu_runtime *__qj_runtime = nullptr;
}

__QJ_SELF qj_cpu_dim __qj_thread_idx()
{
    return __qj_self->thread;
}
__QJ_SELF qj_cpu_dim __qj_block_idx()
{
    return __qj_self->block;
}
__QJ_SELF qj_cpu_dim __qj_block_dim()
{
    return __qj_self->block_dim;
}
__QJ_SELF qj_cpu_dim __qj_grid_dim()
{
    return __qj_self->grid_dim;
}
__QJ_SELF unsigned int __qj_lane()
{
    return __qj_self->lane;
}
#define threadIdx      (__qj_thread_idx())
#define blockIdx       (__qj_block_idx())
#define blockDim       (__qj_block_dim())
#define gridDim        (__qj_grid_dim())
#define hipThreadIdx_x (threadIdx.x)
#define hipThreadIdx_y (threadIdx.y)
#define hipThreadIdx_z (threadIdx.z)
#define hipBlockIdx_x  (blockIdx.x)
#define hipBlockIdx_y  (blockIdx.y)
#define hipBlockIdx_z  (blockIdx.z)
#define hipBlockDim_x  (blockDim.x)
#define hipBlockDim_y  (blockDim.y)
#define hipBlockDim_z  (blockDim.z)
#define hipGridDim_x   (gridDim.x)
#define hipGridDim_y   (gridDim.y)
#define hipGridDim_z   (gridDim.z)
static constexpr int warpSize = QJ_CPU_WAVE;
#define __AMDGCN_WAVEFRONT_SIZE   QJ_CPU_WAVE
#define __AMDGCN_WAVEFRONT_SIZE__ QJ_CPU_WAVE

/* Convergent: the optimiser may not make these depend on more conditions than the source does. Not inlined,
 * so that the return address tells the place in the kernel. */
static __attribute__((noinline, convergent, unused)) __QJ_PLAIN int __qj_barrier(int op, int vote)
{
    return __qj_runtime->barrier(__builtin_return_address(0), op, vote);
}
static __attribute__((noinline, convergent, unused)) __QJ_PLAIN unsigned long long
__qj_wave(int op, unsigned long long value, unsigned int argument)
{
    return __qj_runtime->wave(__builtin_return_address(0), op, value, argument);
}

__QJ_INLINE void __syncthreads()
{
    __qj_barrier(QJ_CPU_BARRIER, 0);
}
__QJ_INLINE int __syncthreads_count(int vote)
{
    return __qj_barrier(QJ_CPU_BARRIER_COUNT, vote != 0);
}
__QJ_INLINE int __syncthreads_and(int vote)
{
    return __qj_barrier(QJ_CPU_BARRIER_AND, vote != 0);
}
__QJ_INLINE int __syncthreads_or(int vote)
{
    return __qj_barrier(QJ_CPU_BARRIER_OR, vote != 0);
}
__QJ_INLINE void __syncwarp(unsigned long long = ~0ull)
{
    __qj_wave(QJ_CPU_SYNC_WAVE, 0, 0);
}
__QJ_INLINE void __threadfence()
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
__QJ_INLINE void __threadfence_block()
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
__QJ_INLINE void __threadfence_system()
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

__QJ_INLINE unsigned int __lane_id()
{
    return __qj_lane();
}
__QJ_INLINE unsigned long long __ballot(int vote)
{
    return __qj_wave(QJ_CPU_BALLOT, vote != 0, 0);
}
__QJ_INLINE unsigned long long __ballot64(int vote)
{
    return __ballot(vote);
}
__QJ_INLINE unsigned long long __activemask()
{
    return __ballot(1);
}
__QJ_INLINE int __any(int vote)
{
    return __ballot(vote) != 0;
}
__QJ_INLINE int __all(int vote)
{
    return __ballot(!vote) == 0;
}

template <class T> __QJ_INLINE T __qj_shuffle(T value, unsigned int lane)
{
    enum { PARTS = (sizeof(T) + 7) / 8 };
    unsigned long long part[PARTS] = {};
    __builtin_memcpy(part, &value, sizeof value);
    for (int i = 0; i < PARTS; i++)
        part[i] = __qj_wave(QJ_CPU_SHUFFLE, part[i], lane);
    __builtin_memcpy(&value, part, sizeof value);
    return value;
}
/* HIP's definitions: a source outside the group of `width` lanes means the lane itself. */
template <class T> __QJ_INLINE T __shfl(T value, int source, int width = warpSize)
{
    return __qj_shuffle(value,
                        (__qj_lane() & ~(unsigned)(width - 1)) + ((unsigned)source & (unsigned)(width - 1)));
}
template <class T> __QJ_INLINE T __shfl_up(T value, unsigned int delta, int width = warpSize)
{
    int self = (int)__qj_lane(), from = self - (int)delta;
    return __qj_shuffle(value, (unsigned)(from < (self & ~(width - 1)) ? self : from));
}
template <class T> __QJ_INLINE T __shfl_down(T value, unsigned int delta, int width = warpSize)
{
    unsigned self = __qj_lane(), group = (unsigned)width;
    return __qj_shuffle(value, (self & (group - 1)) + delta >= group ? self : self + delta);
}
template <class T> __QJ_INLINE T __shfl_xor(T value, int mask, int width = warpSize)
{
    int self = (int)__qj_lane(), from = self ^ mask;
    return __qj_shuffle(value, (unsigned)(from >= ((self + width) & ~(width - 1)) ? self : from));
}

/* ---- failing and printing ---- */

static __attribute__((noinline, cold, unused)) __QJ_PLAIN void __qj_fail(int error, const char *what,
                                                                         const char *file, unsigned int line)
{
    __qj_runtime->fail(error, what, file, line);
}
#define assert(condition)                                                                                    \
    ((condition) ? (void)0 : __qj_fail(710, "assertion '" #condition "'", __FILE__, __LINE__))
__QJ_INLINE void __qj_trap()
{
    __qj_fail(719, "trap", "", 0);
}
#define __trap __qj_trap
#define abort  __qj_trap
static __attribute__((format(printf, 1, 2), unused)) __QJ_PLAIN int printf(const char *format, ...)
{
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    int n = __qj_runtime->print(format, arguments);
    __builtin_va_end(arguments);
    return n;
}
__QJ_INLINE long long clock64()
{
    return (long long)__builtin_readcyclecounter();
}
__QJ_INLINE long long wall_clock64()
{
    return (long long)__builtin_readcyclecounter();
}
__QJ_INLINE long long clock()
{
    return clock64();
}
extern "C" void *memcpy(void *, const void *, size_t) noexcept;
extern "C" void *memset(void *, int, size_t) noexcept;
extern "C" void *memmove(void *, const void *, size_t) noexcept;

#include "prelude_atomic.h"
#include "prelude_launch.h"
#include "prelude_math.h"
#include "prelude_types.h"
#ifdef QJ_CPU_CHECKED
#include "prelude_checked.h"
#endif

#endif
