// A block of threads' share of a mat-mul: a tile of ROWS rows of weights times some columns of activations.
//
// The tile is computed for COLUMNS columns at a time, slice by slice along the row: a slice of the weights is
// unpacked (mul_mat_weights.h) and laid in LDS beside that of the activations; while it is multiplied the
// next one is on its way from memory into registers. Thread t has rows t % ROW_LANES + i * ROW_LANES and
// columns t / ROW_LANES + j * COLUMN_LANES: it keeps its rows' quants of a run in registers and meets them
// with one column after another.
//
// A line of quants in LDS is four words longer than the slice: so eight lanes that read 16 bytes each of
// consecutive lines read from all banks.
//
// __builtin_assume_aligned gets void pointers only: NVRTC does not compile others.
//
// Matrix cores: where their variants go is in kernel_src/README.md.
#pragma once

#include "dp4a.h"
#include "mul_mat_weights.h"

enum { MUL_MAT_THREADS = 128 };

template <bool is_pair> struct mul_mat_scale_of {
    typedef mul_mat_pair type;
};
template <> struct mul_mat_scale_of<false> {
    typedef mul_mat_single type;
};

// A slice in LDS, as much of it as a tile of ROWS by COLUMNS needs.
template <typename Block, int ROWS, int COLUMNS> struct mul_mat_slice {
    typedef mul_mat_weights<Block> weights;
    typedef typename mul_mat_scale_of<weights::has_minimum>::type scale;
    enum { WORDS = weights::SLICE / 4, LINE = WORDS + 4, RUNS = weights::SLICE / weights::RUN };
    alignas(16) uint32_t x[ROWS][LINE];
    alignas(16) uint32_t y[COLUMNS][LINE];
    scale x_scales[RUNS][ROWS], y_scales[RUNS][COLUMNS];
};

// What is multiplied: n rows of n_blocks blocks, and n_columns columns of y_blocks blocks.
template <typename Block> struct mul_mat_operands {
    const Block *__restrict__ x;
    const block_q8_1 *__restrict__ y;
    float *__restrict__ dst;
    unsigned n, n_blocks, n_columns, y_blocks, n_dst;
};

// The other side of weights: a q8_1 block.
template <typename Weights> struct mul_mat_activations {
    enum { RUNS = QK_BLOCK / Weights::RUN };
    uint32_t ds, q[8];

    __device__ __forceinline__ void load(const block_q8_1 *y)
    {
        ds = aligned_word(y);
        load_words(q, y->qs);
    }
    __device__ __forceinline__ void scale_of(mul_mat_single &out, int) const
    {
        out.scale = low_half(ds);
    }
    __device__ __forceinline__ void scale_of(mul_mat_pair &out, int run) const
    {
        out.scale = low_half(ds);
        if (Weights::sum_of == SUM_OF_INPUTS) {
            out.other = high_half(ds);
            return;
        }
        int sum = 0;
#pragma unroll
        for (int i = 0; i < Weights::RUN / 4; i++)
            sum = dp4a(q[run * (Weights::RUN / 4) + i], 0x01010101u, sum);
        out.other = out.scale * (float)sum;
    }
    template <typename Scale>
    __device__ __forceinline__ void store(uint32_t *line, Scale *scales, unsigned stride) const
    {
        memcpy(__builtin_assume_aligned((void *)line, 16), q, 16);
        memcpy(__builtin_assume_aligned((void *)(line + 4), 16), q + 4, 16);
#pragma unroll
        for (int run = 0; run < RUNS; run++)
            scale_of(scales[run * stride], run);
    }
};

QJ_DEVICE float add_run(float sum, mul_mat_single x, mul_mat_single y, int products)
{
    return sum + x.scale * (y.scale * (float)products); // x.scale last: of mxfp4 it can be near the largest
}

QJ_DEVICE float add_run(float sum, mul_mat_pair x, mul_mat_pair y, int products)
{
    return sum + x.other * y.other + y.scale * (x.scale * (float)products);
}

// How the threads share a tile, and which pieces of a slice a thread brings.
template <typename Block, int TILE_ROWS, int TILE_COLUMNS, int THREAD_ROWS> struct mul_mat_share {
    typedef mul_mat_weights<Block> weights;
    enum {
        ROWS = THREAD_ROWS,
        ROW_LANES = TILE_ROWS / ROWS,
        COLUMN_LANES = MUL_MAT_THREADS / ROW_LANES,
        COLUMNS = TILE_COLUMNS / COLUMN_LANES,
        PIECES = weights::SLICE * weights::PARTS / Block::SIZE, // of a row's slice
        X_LOADS = TILE_ROWS * PIECES / MUL_MAT_THREADS,
        GROUPS = weights::SLICE / QK_BLOCK,
        Y_BLOCKS = TILE_COLUMNS * GROUPS,
        Y_LOADS = (Y_BLOCKS + MUL_MAT_THREADS - 1) / MUL_MAT_THREADS
    };
    static_assert(COLUMNS * COLUMN_LANES == TILE_COLUMNS, "every thread has as many columns");
    static_assert(X_LOADS * MUL_MAT_THREADS == TILE_ROWS * PIECES, "every thread brings as many pieces");

    weights x[X_LOADS];
    mul_mat_activations<weights> y[Y_LOADS];

    // Past an end the last row, column or block is read again; nothing of it is used.
    __device__ __forceinline__ void load(const mul_mat_operands<Block> &in, unsigned slice,
                                         unsigned first_row, unsigned first_column, unsigned thread)
    {
#pragma unroll
        for (int i = 0; i < X_LOADS; i++) {
            const unsigned at = thread + i * MUL_MAT_THREADS, part = slice * PIECES + at % PIECES;
            const unsigned row = min(first_row + at / PIECES, in.n - 1);
            const unsigned block = min(part / weights::PARTS, in.n_blocks - 1);
            x[i].load(in.x + (size_t)row * in.n_blocks + block, part % weights::PARTS);
        }
#pragma unroll
        for (int i = 0; i < Y_LOADS; i++) {
            const unsigned at = thread + i * MUL_MAT_THREADS;
            const unsigned column = min(first_column + at / GROUPS, in.n_columns - 1);
            const unsigned block = min(slice * GROUPS + at % GROUPS, in.y_blocks - 1);
            if (at < Y_BLOCKS)
                y[i].load(in.y + (size_t)column * in.y_blocks + block);
        }
    }

    template <typename Slice>
    __device__ __forceinline__ void store(Slice &out, unsigned slice, unsigned thread) const
    {
#pragma unroll
        for (int i = 0; i < X_LOADS; i++) {
            const unsigned at = thread + i * MUL_MAT_THREADS, row = at / PIECES, piece = at % PIECES;
            const typename weights::row to = {out.x[row], &out.x_scales[0][row], TILE_ROWS};
            x[i].store(to, piece, (slice * PIECES + piece) % weights::PARTS);
        }
#pragma unroll
        for (int i = 0; i < Y_LOADS; i++) {
            const unsigned at = thread + i * MUL_MAT_THREADS, column = at / GROUPS, group = at % GROUPS;
            if (at < Y_BLOCKS)
                y[i].store(out.y[column] + 8 * group,
                           &out.y_scales[group * (QK_BLOCK / weights::RUN)][column],
                           sizeof out.y_scales[0] / sizeof out.y_scales[0][0]);
        }
    }
};

// Keeps the compiler from loading, and for scalar products unpacking, many columns ahead of their use: the
// registers that this takes are worth more as further waves.
QJ_DEVICE void mul_mat_fence()
{
#ifdef __AMDGCN__
    __builtin_amdgcn_sched_barrier(0);
#endif
}

// Adds the products of the slice's first n_runs runs to the thread's sums, TOGETHER columns at a time.
template <int TOGETHER, typename Share, typename Slice>
QJ_DEVICE void mul_mat_runs(float (&sums)[Share::ROWS][Share::COLUMNS], const Slice &in, unsigned n_runs,
                            unsigned thread)
{
    typedef typename Slice::scale scale;
    enum { WORDS = Share::weights::RUN / 4 };
    const unsigned row = thread % Share::ROW_LANES, column = thread / Share::ROW_LANES;
#pragma unroll 1
    for (unsigned run = 0; run < n_runs; run++) {
        uint32_t x[Share::ROWS][WORDS];
        scale x_scales[Share::ROWS];
#pragma unroll
        for (int r = 0; r < Share::ROWS; r++) {
            const unsigned at = row + r * Share::ROW_LANES;
            memcpy(x[r], __builtin_assume_aligned((const void *)&in.x[at][run * WORDS], 16), sizeof x[r]);
            x_scales[r] = in.x_scales[run][at];
        }
#pragma unroll
        for (int c = 0; c < Share::COLUMNS; c++) {
            const unsigned at = column + c * Share::COLUMN_LANES;
            uint32_t y[WORDS];
            memcpy(y, __builtin_assume_aligned((const void *)&in.y[at][run * WORDS], 16), sizeof y);
            const scale y_scale = in.y_scales[run][at];
#pragma unroll
            for (int r = 0; r < Share::ROWS; r++)
                sums[r][c] = add_run(sums[r][c], x_scales[r], y_scale, dot_words(x[r], y));
            if (c % TOGETHER == TOGETHER - 1)
                mul_mat_fence();
        }
    }
}

// COLUMNS columns of the tile, those from n_columns on left out. `lds` has room for as many or more.
template <typename Block, int ROWS, int COLUMNS, typename Tuning, typename Slice>
QJ_DEVICE void mul_mat_columns(const mul_mat_operands<Block> &in, Slice &lds, unsigned first_row,
                               unsigned first_column)
{
    typedef mul_mat_share<Block, ROWS, COLUMNS, Tuning::THREAD_ROWS> share;
    const unsigned thread = threadIdx.y * 32 + threadIdx.x;
    const unsigned total_runs = in.n_blocks * (Block::SIZE / share::weights::RUN);
    const unsigned n_slices = (total_runs + Slice::RUNS - 1) / Slice::RUNS;
    float sums[share::ROWS][share::COLUMNS] = {};
    share mine;
    if (n_slices > 0)
        mine.load(in, 0, first_row, first_column, thread);
#pragma unroll 1
    for (unsigned slice = 0; slice < n_slices; slice++) {
        mine.store(lds, slice, thread);
        __syncthreads();
        if (slice + 1 < n_slices)
            mine.load(in, slice + 1, first_row, first_column, thread);
        mul_mat_runs<Tuning::TOGETHER, share>(
            sums, lds, min(total_runs - slice * Slice::RUNS, (unsigned)Slice::RUNS), thread);
        __syncthreads();
    }
#pragma unroll
    for (int c = 0; c < share::COLUMNS; c++) {
        const unsigned column = first_column + thread / share::ROW_LANES + c * share::COLUMN_LANES;
#pragma unroll
        for (int r = 0; r < share::ROWS; r++) {
            const unsigned row = first_row + thread % share::ROW_LANES + r * share::ROW_LANES;
            if (row < in.n && column < in.n_columns)
                in.dst[(size_t)column * in.n_dst + row] = sums[r][c];
        }
    }
}
