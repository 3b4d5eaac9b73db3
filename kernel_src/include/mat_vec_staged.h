// A mat-vec of one column for archs that have copies to LDS which go on by themselves, for types whose lanes
// would read a row from too many places at once: looking those up, not memory, would take the time.
//
// A sub-group has rows of its own. All come to the same chunk together, 32 parts of each row: while they take
// one from LDS, where it lies as it is, the copies of what comes next go on, of the activations too.
#pragma once

#include "mat_vec.h"
#include "mat_vec_tiles.h"

// How a type's kernel is cut; see tuning.h. No stages: it is not staged.
template <typename Block> struct staged_tuning {
    enum { ROWS = 1, STAGES = 0, BLOCKS = 0 };
};

#ifndef QJ_HAS_ASYNC_COPY
template <typename Block, int ROWS, int SUBGROUPS, int STAGES>
QJ_DEVICE void mat_vec_staged(const void *, const void *, float *, unsigned, unsigned, unsigned);
#else
#define QJ_STAGED_TUNING(type, rows, stages, blocks)                                                         \
    template <> struct staged_tuning<block_##type> {                                                         \
        enum { ROWS = rows, STAGES = stages, BLOCKS = blocks };                                              \
    };
QJ_CUDA_STAGED(QJ_STAGED_TUNING)
#undef QJ_STAGED_TUNING

// What the block of threads copies: this lane's part of its sub-group's rows and of the activations.
template <typename Block, int ROWS, int SUBGROUPS, int STAGES> struct staged_rows {
    typedef staged_product<Block> product;
    enum {
        BLOCKS = SUBGROUP / product::PARTS * product::BLOCKS, // of a chunk
        X_BYTES = BLOCKS * sizeof(Block),
        Y_BLOCK_BYTES = Block::SIZE / QK_BLOCK * sizeof(block_q8_1),
        Y_BYTES = BLOCKS * Y_BLOCK_BYTES
    };
    typedef tile_copies<ROWS, X_BYTES, false> copies;
    // load_around() reads up to a word behind a row's last block.
    static_assert(copies::ROOM >= copies::SECTOR + X_BYTES + 2, "there is a word behind a row");
    struct memory {
        __attribute__((aligned(32))) uint8_t y[STAGES][Y_BYTES];
        __attribute__((aligned(32))) uint8_t x[SUBGROUPS][STAGES][copies::BYTES];
    };
    const uint8_t *x, *x_end, *y, *from; // from: of the row that this lane copies
    unsigned rows[ROWS];                 // the lower bits of where they begin
    unsigned n_blocks, lane, subgroup;

    // A row past the end repeats the last one.
    __device__ __forceinline__ staged_rows(const void *vx, const void *vy, unsigned row0, unsigned n,
                                           unsigned blocks)
        : x((const uint8_t *)vx), y((const uint8_t *)vy), n_blocks(blocks), lane(threadIdx.x % SUBGROUP),
          subgroup(threadIdx.y)
    {
        const size_t row_bytes = (size_t)n_blocks * sizeof(Block);
        x_end = x + n * row_bytes;
        from = x + min(row0 + lane / copies::ROW_LANES, n - 1) * row_bytes;
#pragma unroll
        for (int r = 0; r < ROWS; r++)
            rows[r] = (unsigned)(uintptr_t)(x + min(row0 + r, n - 1) * row_bytes);
    }

    // A chunk that is not there is an empty group of copies, so that awaiting counts the same ones.
    __device__ __forceinline__ void start(memory &to, unsigned stage, unsigned chunk) const
    {
        if (chunk * BLOCKS < n_blocks) {
            const unsigned left = min(n_blocks - chunk * BLOCKS, (unsigned)BLOCKS);
            copies::start_between(to.x[subgroup][stage], from + (size_t)chunk * X_BYTES, left * sizeof(Block),
                                  x, x_end, lane);
            start_y(to.y[stage], y + (size_t)chunk * Y_BYTES, left * Y_BLOCK_BYTES);
        }
        close_copies();
    }
    __device__ __forceinline__ void start_y(uint8_t *to, const uint8_t *source, unsigned n_bytes) const
    {
#pragma unroll
        for (unsigned i = 0; i < Y_BYTES; i += SUBGROUPS * SUBGROUP * STAGE_GRANULE) {
            const unsigned at = i + (subgroup * SUBGROUP + lane) * STAGE_GRANULE;
            if (at < n_bytes)
                copy_granule(to + at, source + at, min(n_bytes - at, (unsigned)STAGE_GRANULE));
        }
    }
    // Block `own` of the chunk, of row r.
    __device__ __forceinline__ const Block *staged(const memory &at, unsigned stage, unsigned chunk, int r,
                                                   unsigned own) const
    {
        const unsigned offset = (rows[r] + chunk * X_BYTES) % copies::SECTOR;
        return (const Block *)(at.x[subgroup][stage] + r * copies::ROOM + offset + own * sizeof(Block));
    }
};

// As mat_vec() of one column and of sub-groups that share no rows.
template <typename Block, int ROWS, int SUBGROUPS, int STAGES>
QJ_DEVICE void mat_vec_staged(const void *__restrict__ vx, const void *__restrict__ vy,
                              float *__restrict__ dst, unsigned first_row, unsigned k, unsigned n)
{
    typedef staged_rows<Block, ROWS, SUBGROUPS, STAGES> rows_type;
    typedef typename rows_type::product product;
    enum { BLOCKS = rows_type::BLOCKS, Q8_BLOCKS = Block::SIZE / QK_BLOCK };
    __shared__ typename rows_type::memory memory;
    const unsigned lane = threadIdx.x % SUBGROUP, row0 = first_row + threadIdx.y * ROWS;
    const unsigned n_blocks = k / Block::SIZE;
    const rows_type rows(vx, vy, row0, n, n_blocks);
#pragma unroll
    for (unsigned s = 0; s < STAGES - 1; s++)
        rows.start(memory, s, s);

    const unsigned p = lane % product::PARTS, own = lane / product::PARTS * product::BLOCKS;
    float sums[ROWS] = {};
    unsigned stage = 0;
#pragma unroll 1
    for (unsigned chunk = 0; chunk * BLOCKS < n_blocks; chunk++) {
        await_copies<STAGES - 2>();
        __syncthreads(); // all have copied this chunk, and have done with the one before
        rows.start(memory, stage == 0 ? STAGES - 1 : stage - 1, chunk + STAGES - 1);
        const unsigned block = chunk * BLOCKS + own;
        if (block < n_blocks) {
            typename product::activations activations;
            activations.load((const block_q8_1 *)memory.y[stage] + own * Q8_BLOCKS, p);
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                typename product::weights weights;
                weights.load(rows.staged(memory, stage, chunk, r, own), p, n_blocks - block);
                sums[r] += product::dot(weights, activations);
            }
        }
        stage = stage == STAGES - 1 ? 0 : stage + 1;
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        const float sum = subgroup_sum(sums[r]);
        if (lane == r && row0 + r < n)
            dst[row0 + r] = sum;
    }
}
#endif
