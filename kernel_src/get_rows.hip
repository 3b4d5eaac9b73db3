// get_rows_<T>: rows of a table, as f32, in the order that ids give.
//
//   dst[i * ne00 + e] = the value of element e of row src1[i] of src0, e < ne00
//
// src0: rows nb01 bytes apart, which may be more than a row has; nb01 keeps the alignment that the type
// needs. Quantised elements are as dequantize_block_<T>_f32 gives them. ne00 need not be a multiple of
// anything: of a row's last block the rest is left out. Ids and the table's size in bytes have no bound of 32
// bits. Launch: grid (number of ids, y), the blocks of a row, of which those that are too many have nothing
// to do and those that are too few have more to do: any y is right. Existing callers take ceil(ne00 / 512) or
// ceil(ne00 / 256); 16 elements for each of its threads are enough, and done sooner where starting the blocks
// is what takes the time.
//
// The unit's defines:
//   QJ_TYPE      q4_0 ... q6_K, one of types.h, f32, f16 or bf16
//   QJ_SOURCE    what src0 points to
//   QJ_THREADS   threads in a block, a contract with existing callers
//   QJ_ELEMENTS  elements that a block has, or a multiple of it: a power of two, 256 or more
#define QJ_WITH_QUADS
#include "quad.h"
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

// Quad t + first of those that begin at x, and the alignment in bytes that the row must have for it.
template <typename Block> struct row_of {
    enum { ALIGNMENT = 1 };
    typedef decltype(quads<1>(Block(), 0)) quad;
    QJ_DEVICE quad get(const Block *__restrict__ x, unsigned t, unsigned first)
    {
        return quads_at<1>(x, t, first);
    }
};

// Plain numbers: four by one load.
template <typename Block> struct row_of_numbers {
    enum { ALIGNMENT = 4 * sizeof(Block) };
    struct quad {
        float values[4];

        __device__ __forceinline__ void get(float (&out)[1][4]) const
        {
#pragma unroll
            for (int i = 0; i < 4; i++)
                out[0][i] = values[i];
        }
    };
    QJ_DEVICE quad get(const Block *__restrict__ x, unsigned t, unsigned first)
    {
        Block four[4];
        const words_together<sizeof(Block)> words =
            *(const words_together<sizeof(Block)> *)(x + 4 * (t + first));
        memcpy(four, words.words, sizeof four);
        return {{element(four[0], 0), element(four[1], 0), element(four[2], 0), element(four[3], 0)}};
    }
};
template <> struct row_of<block_f32> : row_of_numbers<block_f32> {
};
template <> struct row_of<block_f16> : row_of_numbers<block_f16> {
};
template <> struct row_of<block_bf16> : row_of_numbers<block_bf16> {
};

// n elements by fours, n a multiple of four: y is aligned to 16 bytes, x as row_of needs it. Those of several
// turns are loaded before the first is written.
QJ_DEVICE void copy_quads(const block_type *__restrict__ x, float *__restrict__ y, size_t n)
{
    enum { TOGETHER = 4, ELEMENTS = 4 * TOGETHER * QJ_THREADS };
    static_assert(ELEMENTS % block_type::SIZE == 0, "a turn has whole blocks");
    typedef row_of<block_type> row;
    typedef deal<block_type, 1, TOGETHER, QJ_THREADS> deal;
    const unsigned t = threadIdx.x % QJ_THREADS; // so its bound is known in time to fold the decoding
    const unsigned mine = deal::first(t);
#pragma unroll 1
    for (; n >= ELEMENTS; n -= ELEMENTS) {
        typename row::quad all[TOGETHER];
#pragma unroll
        for (unsigned i = 0; i < TOGETHER; i++)
            all[i] = row::get(x, mine, i * deal::STEP);
#pragma unroll
        for (unsigned i = 0; i < TOGETHER; i++)
            put_quads<1>(y + 4 * (mine + i * deal::STEP), all[i]);
        x += ELEMENTS / block_type::SIZE;
        y += ELEMENTS;
    }
#pragma unroll 1
    for (unsigned i = t; i < (unsigned)n / 4; i += QJ_THREADS)
        put_quads<1>(y + 4 * i, row::get(x, i, 0));
}

// The elements [first, n) one by one: what is left of a row, or all of it where it is not aligned.
QJ_DEVICE void copy_some(const block_type *__restrict__ x, float *__restrict__ y, size_t first, size_t n)
{
#pragma unroll 1
    for (size_t e = first + threadIdx.x; e < n; e += QJ_THREADS)
        y[e] = element(x[e / block_type::SIZE], (unsigned)(e % block_type::SIZE));
}

struct place {
    unsigned row, share;
};

// Blocks are started in the order of blockIdx.x, and then y. On CUDA those that run at the same time have
// neighbouring shares of a few rows, as memory is slower where they are spread over thousands.
QJ_DEVICE place place_of_block()
{
#ifdef __HIP_PLATFORM_NVIDIA__
    if (__umulhi(gridDim.x, gridDim.y) == 0) {
        const unsigned i = blockIdx.y * gridDim.x + blockIdx.x;
        return {i / gridDim.y, i % gridDim.y};
    }
#endif
    return {blockIdx.x, blockIdx.y};
}

QJ_KERNEL(QJ_THREADS)
QJ_CAT(get_rows_, QJ_TYPE)
(const QJ_SOURCE *__restrict__ src0, const uint32_t *__restrict__ src1, float *__restrict__ dst,
 const int64_t ne00, const size_t nb01)
{
    // Shares are counted in 32 bits: a row has fewer than 2^40 elements.
    const size_t n = ne00 > 0 ? (size_t)ne00 : 0;
    const unsigned n_shares = (unsigned)((n + QJ_ELEMENTS - 1) / QJ_ELEMENTS);
    const size_t share = (size_t)((n_shares + gridDim.y - 1) / gridDim.y) * QJ_ELEMENTS;
    const place at = place_of_block();
    const size_t first = (size_t)at.share * share;
    if (first >= n)
        return;
    const char *__restrict__ row = (const char *)src0 + (size_t)src1[at.row] * nb01;
    const block_type *__restrict__ x = (const block_type *)row + first / block_type::SIZE;
    float *__restrict__ y = dst + (size_t)at.row * n + first;
    const size_t some = n - first < share ? n - first : share;
    const bool is_aligned = (uintptr_t)y % 16 == 0 && (uintptr_t)row % row_of<block_type>::ALIGNMENT == 0;
    if (is_aligned)
        copy_quads(x, y, some);
    copy_some(x, y, is_aligned ? some / 4 * 4 : 0, some);
}
