// dequantize_block_<T>_f32 or _f16, a unit of its own: the compiler takes as long for each.
//
// y[e] = the value of element e; f16 results are the f32 value rounded to nearest, ties to even. Consecutive
// threads write consecutive elements. Nothing past the last element is read or written.
//
// The unit's defines are its row of the launch table, a contract with existing callers:
//   QJ_TYPE      block type: q4_0 ... q8_K, or one of types.h
//   QJ_TO        type of the results: f32 or f16
//   QJ_THREADS   threads in a block
//   QJ_ELEMENTS  elements of one block of threads: the grid is ceil(n / QJ_ELEMENTS)
//   QJ_K         elements that the parameter k counts in: 32 (k is a number of blocks) or 1 (of elements);
//                0: there is no parameter, and the grid is exact
#include "dequantize.h"
#include "types.h"

#define QJ_CAT_(a, b, c) a##b##c
#define QJ_CAT(a, b, c)  QJ_CAT_(a, b, c)

typedef float to_f32;
typedef __half to_f16;
typedef QJ_CAT(block_, QJ_TYPE, ) block_type;
typedef QJ_CAT(to_, QJ_TO, ) to;

// QJ_ELEMENTS elements by QJ_THREADS threads, of which thread t has the elements t, t + QJ_THREADS, ...:
// first all are decoded, then all are written, so that their loads are under way together.
QJ_DEVICE void dequantize_all(const block_type *__restrict__ x, to *__restrict__ y)
{
    enum { N_VALUES = QJ_ELEMENTS / QJ_THREADS };
    const unsigned t = threadIdx.x % QJ_THREADS; // so its bound is known in time to fold the decoding
    float values[N_VALUES];
#pragma unroll
    for (unsigned i = 0; i < N_VALUES; i++) {
        const unsigned e = i * QJ_THREADS + t;
        values[i] = element(x[e / block_type::SIZE], e % block_type::SIZE);
    }
#pragma unroll
    for (unsigned i = 0; i < N_VALUES; i++)
        y[i * QJ_THREADS + t] = from_float<to>(values[i]);
}

// The last block of threads, where fewer elements are left.
QJ_DEVICE void dequantize_some(const block_type *__restrict__ x, to *__restrict__ y, unsigned n)
{
#pragma unroll 1
    for (unsigned e = threadIdx.x; e < n; e += QJ_THREADS)
        y[e] = from_float<to>(element(x[e / block_type::SIZE], e % block_type::SIZE));
}

QJ_DEVICE void dequantize(const void *__restrict__ vx, to *__restrict__ y, size_t n)
{
    const size_t first = (size_t)blockIdx.x * QJ_ELEMENTS;
    const block_type *__restrict__ x = (const block_type *)vx + first / block_type::SIZE;
    if (first + QJ_ELEMENTS <= n)
        dequantize_all(x, y + first);
    else if (first < n)
        dequantize_some(x, y + first, (unsigned)(n - first));
}

#if QJ_K
#define QJ_PARAMETER_K , const int k
#define QJ_COUNT       (k > 0 ? (size_t)k * QJ_K : 0)
#else
#define QJ_PARAMETER_K
#define QJ_COUNT (((size_t)blockIdx.x + 1) * QJ_ELEMENTS)
#endif

QJ_KERNEL(QJ_THREADS)
QJ_CAT(dequantize_block_, QJ_TYPE, QJ_CAT(_, QJ_TO, ))
(const void *__restrict__ vx, to *__restrict__ y QJ_PARAMETER_K)
{
    dequantize(vx, y, QJ_COUNT);
}
