// dequantize_wide_<T>_f32 and _f16: what dequantize_block_<T>_f32 and _f16 compute, as fast as memory allows.
//
// Those have a launch geometry of 256 or 512 elements to a block of threads, which existing callers keep to;
// an NVIDIA H200 starts 1.65 blocks a nanosecond at most, whatever they do, which is less than half of what
// its memory could take. Here a block takes WIDE elements at a time.
//
//   y[e] = the value of element e, e < n
//
// n: elements, a multiple of the block size. y: aligned to four elements. Launch: block 256, any grid;
// ceil(n / 4096) blocks have one turn each, fewer take turns.
//
// The unit's define: QJ_TYPE, q4_0 ... q8_K or one of types.h.
#include "quad.h"
#include "types.h"

#define QJ_CAT_(a, b, c) a##b##c
#define QJ_CAT(a, b, c)  QJ_CAT_(a, b, c)

typedef QJ_CAT(block_, QJ_TYPE, ) block_type;

enum { THREADS = 256, QUADS = 4, WIDE = 4 * THREADS * QUADS };

// Neighbouring quads that a thread has and writes together: 16 bytes are the most that one store takes.
#ifdef __HIP_PLATFORM_NVIDIA__
template <typename T> constexpr unsigned neighbours = 4 / sizeof(T);
#else
template <typename T> constexpr unsigned neighbours = 1;
#endif

typedef decltype(quad(block_type(), 0)) quad_type;

QJ_DEVICE quad_type quad_at(const block_type *__restrict__ x, size_t at)
{
    return quad(x[at / (block_type::SIZE / 4)], (unsigned)(at % (block_type::SIZE / 4)));
}

template <typename T>
QJ_DEVICE void dequantize(const block_type *__restrict__ x, T *__restrict__ y, size_t n)
{
    enum { NEXT = neighbours<T> };
    const bool is_aligned = (uintptr_t)y % 16 == 0;
    const size_t n_quads = n / 4, step = (size_t)gridDim.x * (WIDE / 4);
#pragma unroll 1
    for (size_t first = (size_t)blockIdx.x * (WIDE / 4); first < n_quads; first += step) {
        const size_t at = first + threadIdx.x % THREADS * NEXT;
        quad_type quads[QUADS];
        float values[NEXT][4];
        if (first + WIDE / 4 <= n_quads) {
#pragma unroll
            for (unsigned i = 0; i < QUADS; i++) // all are on their way before the first is written
                quads[i] = quad_at(x, at + i / NEXT * (NEXT * THREADS) + i % NEXT);
#pragma unroll
            for (unsigned i = 0; i < QUADS; i += NEXT) {
#pragma unroll
                for (unsigned j = 0; j < NEXT; j++)
                    quads[i + j].get(values[j]);
                put_quads(y + 4 * (at + i * THREADS), values, is_aligned);
            }
        } else {
#pragma unroll 1
            for (size_t i = first + threadIdx.x % THREADS; i < n_quads; i += THREADS) {
                quad_at(x, i).get(values[0]);
                put_quad(y + 4 * i, values[0]);
            }
        }
    }
}

QJ_KERNEL(THREADS)
QJ_CAT(dequantize_wide_, QJ_TYPE, _f32)(const void *__restrict__ vx, float *__restrict__ y, const int64_t n)
{
    dequantize((const block_type *)vx, y, n > 0 ? (size_t)n : 0);
}

QJ_KERNEL(THREADS)
QJ_CAT(dequantize_wide_, QJ_TYPE, _f16)(const void *__restrict__ vx, __half *__restrict__ y, const int64_t n)
{
    dequantize((const block_type *)vx, y, n > 0 ? (size_t)n : 0);
}
