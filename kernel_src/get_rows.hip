// get_rows_<T>: rows of a table, as f32, in the order that ids give.
//
//   dst[i * ne00 + e] = the value of element e of row src1[i] of src0, e < ne00
//
// src0: rows nb01 bytes apart, which may be more than a row has; nb01 keeps the alignment that the type needs.
// Quantised elements are as dequantize_block_<T>_f32 gives them. ne00 need not be a multiple of anything: of
// a row's last block the rest is left out. Ids and the table's size in bytes have no bound of 32 bits. Launch:
// grid (number of ids, y), the blocks of a row, of which those that are too many have nothing to do and those
// that are too few take turns: any y is right.
//
// The unit's defines:
//   QJ_TYPE      q4_0 ... q6_K, one of types.h, f32, f16 or bf16
//   QJ_SOURCE    what src0 points to
//   QJ_THREADS   threads in a block, a contract with existing callers
//   QJ_ELEMENTS  elements that a block takes at a time
#include "dequantize.h"
#include "types.h"

#define QJ_CAT_(a, b) a##b
#define QJ_CAT(a, b)  QJ_CAT_(a, b)

// Plain numbers as blocks of one.
struct block_f32 {
    enum { SIZE = 1 };
    float value;
};
struct block_f16 {
    enum { SIZE = 1 };
    __half value;
};
struct block_bf16 {
    enum { SIZE = 1 };
    uint16_t value;
};

QJ_DEVICE float element(const block_f32 &b, unsigned)
{
    return b.value;
}

QJ_DEVICE float element(const block_f16 &b, unsigned)
{
    return __half2float(b.value);
}

QJ_DEVICE float element(const block_bf16 &b, unsigned)
{
    return __uint_as_float((uint32_t)b.value << 16);
}

typedef QJ_CAT(block_, QJ_TYPE) block_type;

// QJ_ELEMENTS elements: thread t has t, t + QJ_THREADS, ... of them. First all are decoded, then all are
// written, so that their loads are under way together.
QJ_DEVICE void copy_all(const block_type *__restrict__ x, float *__restrict__ y)
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
        y[i * QJ_THREADS + t] = values[i];
}

// The end of a row, where fewer elements are left.
QJ_DEVICE void copy_some(const block_type *__restrict__ x, float *__restrict__ y, unsigned n)
{
#pragma unroll 1
    for (unsigned e = threadIdx.x; e < n; e += QJ_THREADS)
        y[e] = element(x[e / block_type::SIZE], e % block_type::SIZE);
}

QJ_KERNEL(QJ_THREADS)
QJ_CAT(get_rows_, QJ_TYPE)
(const QJ_SOURCE *__restrict__ src0, const uint32_t *__restrict__ src1, float *__restrict__ dst,
 const int64_t ne00, const size_t nb01)
{
    const size_t n = ne00 > 0 ? (size_t)ne00 : 0, step = (size_t)gridDim.y * QJ_ELEMENTS;
    size_t first = (size_t)blockIdx.y * QJ_ELEMENTS;
    if (first >= n)
        return;
    const char *__restrict__ row = (const char *)src0 + (size_t)src1[blockIdx.x] * nb01;
    float *__restrict__ y = dst + (size_t)blockIdx.x * n;
#pragma unroll 1
    for (; first < n; first += step) {
        const block_type *__restrict__ x = (const block_type *)row + first / block_type::SIZE;
        if (n - first >= QJ_ELEMENTS)
            copy_all(x, y + first);
        else
            copy_some(x, y + first, (unsigned)(n - first));
    }
}
