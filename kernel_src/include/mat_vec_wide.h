// A mat-vec of one column by any number of blocks of threads, which take rows in turn until none are left.
#pragma once

#include "mat_vec.h"
#include "mat_vec_staged.h"

// How a type's kernel is cut; see tuning.h.
template <typename Block> struct wide_tuning;
#define QJ_WIDE_TUNING(type, subgroups, blocks, rows, stages)                                                \
    struct block_##type;                                                                                     \
    template <> struct wide_tuning<block_##type> {                                                           \
        enum { SUBGROUPS = subgroups, BLOCKS = blocks, ROWS = rows, STAGES = stages };                       \
    };
QJ_MAT_VEC_WIDE(QJ_WIDE_TUNING)
#undef QJ_WIDE_TUNING

// As mat_vec(), of all rows.
template <typename Block, int ROWS, int SUBGROUPS, int SHARERS>
QJ_DEVICE void mat_vec_turns(const void *__restrict__ vx, const void *__restrict__ vy,
                             float *__restrict__ dst, unsigned k, unsigned n)
{
    enum { BLOCK_ROWS = ROWS * (SUBGROUPS / SHARERS) };
#pragma unroll 1
    for (size_t row = (size_t)blockIdx.x * BLOCK_ROWS; row < n; row += (size_t)gridDim.x * BLOCK_ROWS) {
        mat_vec<Block, ROWS, 1, SUBGROUPS, SHARERS>(vx, vy, dst, (unsigned)row, k, n, k, n);
        if (SHARERS > 1)
            __syncthreads(); // the sums that are being added up
    }
}

#ifndef QJ_HAS_ASYNC_COPY
template <typename Block> struct wide_group : mat_vec_group<Block> {
};

template <typename Type, typename Block>
QJ_DEVICE void mat_vec_wide(const void *__restrict__ vx, const void *__restrict__ vy, float *__restrict__ dst,
                            unsigned k, unsigned n)
{
    typedef mat_vec_tuning<Type> cut;
    mat_vec_turns<Block, cut::ROWS, wide_tuning<Type>::SUBGROUPS, cut::SHARERS>(vx, vy, dst, k, n);
}
#else
template <typename Block> struct wide_group : mat_vec_group<Block> {
};
template <> struct wide_group<block_q4_0> {
    typedef two_blocks<block_q4_0> type;
    enum { ALIGNMENT = 4 };
};
template <> struct wide_group<block_q5_0> {
    typedef two_blocks<block_q5_0> type;
    enum { ALIGNMENT = 4 };
};

// Activations for which there is room in LDS, where a multiprocessor keeps them beside what it looks up.
enum { WIDE_Y_BYTES = 32768 / QK_BLOCK * sizeof(block_q8_1) };

template <int SUBGROUPS> QJ_DEVICE void copy_activations(uint8_t *to, const void *vy, unsigned n_bytes)
{
    const unsigned thread = threadIdx.y * SUBGROUP + threadIdx.x % SUBGROUP;
#pragma unroll 1
    for (unsigned at = thread * STAGE_GRANULE; at < n_bytes; at += SUBGROUPS * SUBGROUP * STAGE_GRANULE)
        copy_granule(to + at, (const uint8_t *)vy + at, min(n_bytes - at, (unsigned)STAGE_GRANULE));
    close_copies();
    await_copies<0>();
    __syncthreads();
}

// Type: the block type; Block: the same or a group of it.
template <typename Type, typename Block>
QJ_DEVICE void mat_vec_wide(const void *__restrict__ vx, const void *__restrict__ vy, float *__restrict__ dst,
                            unsigned k, unsigned n)
{
    typedef wide_tuning<Type> cut;
    if constexpr (cut::STAGES > 0) {
        enum { BLOCK_ROWS = cut::ROWS * cut::SUBGROUPS };
#pragma unroll 1
        for (size_t row = (size_t)blockIdx.x * BLOCK_ROWS; row < n; row += (size_t)gridDim.x * BLOCK_ROWS) {
            mat_vec_staged<Block, cut::ROWS, cut::SUBGROUPS, cut::STAGES>(vx, vy, dst, (unsigned)row, k, n);
            __syncthreads(); // chunks that are being taken
        }
    } else {
        __shared__ __attribute__((aligned(32))) uint8_t staged_y[WIDE_Y_BYTES];
        // A column is an even number of blocks.
        const unsigned y_bytes = (k / QK_BLOCK + 1) / 2 * 2 * (unsigned)sizeof(block_q8_1);
        if (y_bytes <= WIDE_Y_BYTES) {
            copy_activations<cut::SUBGROUPS>(staged_y, vy, y_bytes);
            mat_vec_turns<Block, cut::ROWS, cut::SUBGROUPS, 1>(vx, staged_y, dst, k, n);
        } else {
            mat_vec_turns<Block, cut::ROWS, cut::SUBGROUPS, 1>(vx, vy, dst, k, n);
        }
    }
}
#endif
