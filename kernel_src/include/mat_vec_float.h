// A block of threads' share of a mat-vec of plain numbers: rows of weights times COLUMNS columns of f32
// activations, products and sums in f32.
//
// A thread takes 16 bytes of each row at a time, LOADS of them under way together; what is left at the end of
// a row, fewer elements than that, goes to one thread each.
//
// The activations of several columns are more than the weights of a row: a block of threads that has more
// rows than its contract gives it reads them for all of these once, and the blocks between have nothing to
// do.
#pragma once

#include "fp16.h"
#include "reduce.h"

// Rows of a block of threads, of more than one column.
#ifdef __HIP_PLATFORM_NVIDIA__
enum { MAT_VEC_FLOAT_ROWS = 8 };
#else
enum { MAT_VEC_FLOAT_ROWS = 4 };
#endif

// The types: how many bytes one has, one of them, and four of them from words.
struct numbers_f32 {
    enum { BYTES = 4, PER_LOAD = 4 };
    QJ_DEVICE float one(const uint8_t *p)
    {
        float value;
        memcpy(&value, __builtin_assume_aligned((const void *)p, 4), sizeof value);
        return value;
    }
    QJ_DEVICE void unpack(float (&out)[4], const uint32_t *words)
    {
#pragma unroll
        for (int i = 0; i < 4; i++)
            out[i] = __uint_as_float(words[i]);
    }
};

QJ_DEVICE uint32_t one_half_word(const uint8_t *p)
{
    uint16_t bits;
    memcpy(&bits, __builtin_assume_aligned((const void *)p, 2), sizeof bits);
    return bits;
}

struct numbers_f16 {
    enum { BYTES = 2, PER_LOAD = 8 };
    QJ_DEVICE float of_bits(uint32_t bits)
    {
        return __half2float(__ushort_as_half((unsigned short)bits));
    }
    QJ_DEVICE float one(const uint8_t *p)
    {
        return of_bits(one_half_word(p));
    }
    QJ_DEVICE void unpack(float (&out)[4], const uint32_t *words)
    {
#pragma unroll
        for (int i = 0; i < 2; i++) {
            out[2 * i] = of_bits(words[i] & 0xffff);
            out[2 * i + 1] = of_bits(words[i] >> 16);
        }
    }
};

struct numbers_bf16 { // the upper half of an f32
    enum { BYTES = 2, PER_LOAD = 8 };
    QJ_DEVICE float one(const uint8_t *p)
    {
        return __uint_as_float(one_half_word(p) << 16);
    }
    QJ_DEVICE void unpack(float (&out)[4], const uint32_t *words)
    {
#pragma unroll
        for (int i = 0; i < 2; i++) {
            out[2 * i] = __uint_as_float(words[i] << 16);
            out[2 * i + 1] = __uint_as_float(words[i] & 0xffff0000u);
        }
    }
};

// 16 bytes of p, which is aligned to ALIGNMENT. AMD reads any address at full speed.
template <int ALIGNMENT> QJ_DEVICE void load_16(uint32_t (&out)[4], const uint8_t *p)
{
#ifdef __HIP_PLATFORM_NVIDIA__
    if (ALIGNMENT == 2) {
#pragma unroll
        for (int i = 0; i < 4; i++)
            out[i] = one_half_word(p + 4 * i) | one_half_word(p + 4 * i + 2) << 16;
        return;
    }
#endif
    memcpy(out, __builtin_assume_aligned((const void *)p, ALIGNMENT), 16);
}

// Rows and columns of one block of threads.
template <int ROWS> struct mat_vec_float_operands {
    const uint8_t *__restrict__ x[ROWS];
    const float *__restrict__ y;
    size_t column; // elements from one column of y to the next
};

// LOADS times 16 bytes of each row, THREADS * 16 bytes apart. All that is read is aligned to 16 if
// IS_ALIGNED.
template <typename Numbers, bool IS_ALIGNED, int THREADS, int LOADS, int ROWS, int COLUMNS>
QJ_DEVICE void add_loads(float (&sums)[ROWS][COLUMNS], const mat_vec_float_operands<ROWS> &in, size_t load)
{
    enum { PER_LOAD = Numbers::PER_LOAD };
    uint32_t words[LOADS][ROWS][4];
#pragma unroll
    for (int l = 0; l < LOADS; l++) {
#pragma unroll
        for (int r = 0; r < ROWS; r++)
            load_16<IS_ALIGNED ? 16 : (int)Numbers::BYTES>(words[l][r], in.x[r] + (load + l * THREADS) * 16);
    }
#pragma unroll
    for (int i = 0; i < LOADS * PER_LOAD; i += 4) {
        const int l = i / PER_LOAD, first = i % PER_LOAD;
        uint32_t bits[COLUMNS][4]; // all loads before the first use, which waits for them
#pragma unroll
        for (int c = 0; c < COLUMNS; c++) {
            const float *y = in.y + c * in.column + (load + l * THREADS) * PER_LOAD + first;
            load_16<IS_ALIGNED ? 16 : 4>(bits[c], (const uint8_t *)y);
        }
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            float weights[4];
            Numbers::unpack(weights, words[l][r] + first * Numbers::BYTES / 4);
#pragma unroll
            for (int c = 0; c < COLUMNS; c++) {
#pragma unroll
                for (int j = 0; j < 4; j++)
                    sums[r][c] += weights[j] * __uint_as_float(bits[c][j]);
            }
        }
    }
}

// The thread's part of the first n_loads times 16 bytes of the rows.
template <typename Numbers, bool IS_ALIGNED, int THREADS, int ROWS, int COLUMNS>
QJ_DEVICE void add_all_loads(float (&sums)[ROWS][COLUMNS], const mat_vec_float_operands<ROWS> &in,
                             unsigned n_loads, unsigned thread)
{
    enum { LOADS = ROWS == 1 ? 2 : 1 };
    unsigned load = thread;
#pragma unroll 1
    for (; load + (LOADS - 1) * THREADS < n_loads; load += LOADS * THREADS)
        add_loads<Numbers, IS_ALIGNED, THREADS, LOADS>(sums, in, load);
    if (LOADS > 1 && load < n_loads)
        add_loads<Numbers, IS_ALIGNED, THREADS, 1>(sums, in, load);
}

// vx: n rows of k elements, vy: COLUMNS columns of f32, `column` elements from one to the next; dst[c *
// n_dst + row]. The block is (SUBGROUP, SUBGROUPS) and has ROWS rows from first_row on, a row below n.
template <typename Numbers, int ROWS, int COLUMNS, int SUBGROUPS>
QJ_DEVICE void mat_vec_float(const void *__restrict__ vx, const float *__restrict__ y,
                             float *__restrict__ dst, unsigned first_row, unsigned k, unsigned n,
                             unsigned column, unsigned n_dst)
{
    enum { THREADS = SUBGROUP * SUBGROUPS, SUMS = ROWS * COLUMNS };
    static_assert((int)SUMS <= (int)THREADS, "a thread for each sum");
    const unsigned lane = threadIdx.x % SUBGROUP, subgroup = threadIdx.y % SUBGROUPS;
    const unsigned thread = subgroup * SUBGROUP + lane;
    mat_vec_float_operands<ROWS> in;
#pragma unroll
    for (int r = 0; r < ROWS; r++) // a row past the end reads the last one again
        in.x[r] = (const uint8_t *)vx + (size_t)min(first_row + r, n - 1) * k * Numbers::BYTES;
    in.y = y;
    in.column = column;

    float sums[ROWS][COLUMNS] = {};
    const unsigned n_loads = k / Numbers::PER_LOAD, rest = k % Numbers::PER_LOAD;
#ifdef __HIP_PLATFORM_NVIDIA__
    const bool is_aligned = ((uintptr_t)vx | (uintptr_t)y) % 16 == 0 && column % 4 == 0;
    if (is_aligned && rest == 0)
        add_all_loads<Numbers, true, THREADS>(sums, in, n_loads, thread);
    else
#endif
        add_all_loads<Numbers, false, THREADS>(sums, in, n_loads, thread);
    if (thread < rest) {
        const size_t e = k - rest + thread;
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            const float weight = Numbers::one(in.x[r] + e * Numbers::BYTES);
#pragma unroll
            for (int c = 0; c < COLUMNS; c++)
                sums[r][c] += weight * y[c * in.column + e];
        }
    }

    __shared__ float shared[SUBGROUPS][SUMS];
#pragma unroll
    for (int i = 0; i < SUMS; i++) {
        const float sum = subgroup_sum(sums[i / COLUMNS][i % COLUMNS]);
        if (lane == i % SUBGROUP)
            shared[subgroup][i] = sum;
    }
    __syncthreads();
    if (thread >= SUMS)
        return;
    float sum = shared[0][thread];
#pragma unroll
    for (int i = 1; i < SUBGROUPS; i++)
        sum += shared[i][thread];
    const unsigned row = first_row + thread / COLUMNS;
    if (row < n)
        dst[(size_t)(thread % COLUMNS) * n_dst + row] = sum;
}
