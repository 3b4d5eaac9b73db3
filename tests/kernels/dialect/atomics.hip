// Atomics: on 32 and 64 bits, and on 16-bit cells through the word that holds them. Every kernel is launched with
// many threads on few cells.
#include "fp16.h"

struct add_integer {
    static __device__ __forceinline__ unsigned apply(unsigned x) { return x + 1u; }
};
struct add_f16 {
    static __device__ __forceinline__ unsigned apply(unsigned x)
    {
        return __half_as_ushort(__float2half_rn(__half2float(__ushort_as_half((unsigned short)x)) + 1.0f));
    }
};
struct add_bf16 {
    static __device__ __forceinline__ unsigned apply(unsigned x)
    {
        const unsigned bits = __float_as_uint(__uint_as_float(x << 16) + 1.0f);
        return (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    }
};

// The cell's neighbour in the same word may change at any time: then it is tried again.
template <typename Operation> static __device__ __forceinline__ void change_16(unsigned short *at)
{
    const size_t address = (size_t)at;
    unsigned *const word = (unsigned *)(address & ~(size_t)3);
    const unsigned shift = (unsigned)(address & 2) * 8;
    unsigned seen = *(volatile unsigned *)word, before;
    do {
        before = seen;
        const unsigned cell = Operation::apply(before >> shift & 0xffffu) & 0xffffu;
        seen = atomicCAS(word, before, (before & ~(0xffffu << shift)) | cell << shift);
    } while (seen != before);
}

#define CELLS_KERNEL(name, operation)                                                                            \
    extern "C" __global__ void name(unsigned short *cells, int n_cells)                                          \
    {                                                                                                            \
        const int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);                                              \
        change_16<operation>(cells + i % n_cells);                                                               \
    }
CELLS_KERNEL(count_u16, add_integer)
CELLS_KERNEL(count_f16, add_f16)
CELLS_KERNEL(count_bf16, add_bf16)

extern "C" __global__ void count_words(int *i, unsigned *u, unsigned long long *l, float *f)
{
    atomicAdd(i, -1);
    atomicAdd(u, 2u);
    atomicAdd(l, 1ull << 33);
    atomicAdd(f, 0.5f);
}

extern "C" __global__ void extremes(int *least, int *largest, unsigned *bits, unsigned *mask)
{
    const int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    atomicMin(least, -i);
    atomicMax(largest, i);
    atomicOr(bits, 1u << (i & 31));
    atomicAnd(mask, ~(1u << (i & 15)));
}

// Atomics in LDS: a histogram of a block.
extern "C" __global__ void histogram(unsigned *out, const unsigned char *in, int n)
{
    __shared__ unsigned bins[256];
    for (unsigned i = threadIdx.x; i < 256; i += blockDim.x) {
        bins[i] = 0;
    }
    __syncthreads();
    for (int i = (int)(blockIdx.x * blockDim.x + threadIdx.x); i < n; i += (int)(gridDim.x * blockDim.x)) {
        atomicAdd(&bins[in[i]], 1u);
    }
    __syncthreads();
    for (unsigned i = threadIdx.x; i < 256; i += blockDim.x) {
        atomicAdd(&out[i], bins[i]);
    }
}
