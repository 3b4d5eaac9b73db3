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
#define QJ_WITH_QUADS
#include "quad.h"
#include "types.h"

#define QJ_CAT_(a, b, c) a##b##c
#define QJ_CAT(a, b, c)  QJ_CAT_(a, b, c)

typedef QJ_CAT(block_, QJ_TYPE, ) block_type;

enum { THREADS = 256, QUADS = 4, WIDE = 4 * THREADS * QUADS };

template <typename T> QJ_DEVICE void dequantize(const block_type *__restrict__ x, T *__restrict__ y, size_t n)
{
    // Neighbouring quads that a thread has and writes together: 16 bytes are the most that one store takes.
    enum { N = 4 / sizeof(T), TURNS = QUADS / N };
    typedef deal<block_type, N, TURNS, THREADS> deal;
    const unsigned t = threadIdx.x % THREADS; // so its bound is known in time to fold the decoding
    const unsigned mine = deal::first(t);
    const size_t n_quads = n / 4, step = (size_t)gridDim.x * (WIDE / 4);
#pragma unroll 1
    for (size_t first = (size_t)blockIdx.x * (WIDE / 4); first < n_quads; first += step) {
        const block_type *__restrict__ from = x + first / (block_type::SIZE / 4);
        T *__restrict__ to = y + 4 * first;
        if (first + WIDE / 4 <= n_quads) {
            decltype(quads<N>(*x, 0)) all[TURNS];
#pragma unroll
            for (unsigned i = 0; i < TURNS; i++) // all are on their way before the first is written
                all[i] = quads_at<N>(from, mine, i * deal::STEP);
#pragma unroll
            for (unsigned i = 0; i < TURNS; i++)
                put_quads<N>(to + 4 * (mine + i * deal::STEP), all[i]);
        } else {
            const unsigned left = (unsigned)(n_quads - first);
#pragma unroll 1
            for (unsigned i = t; i < left; i += THREADS)
                put_quads<1>(to + 4 * i, quads_at<1>(from, i, 0));
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
