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
// Matrix cores: where their variants go is in kernel_src/README.md.
#pragma once

#include "dp4a.h"
#include "mul_mat_weights.h"
#include "tuning.h"

#ifndef QJ_MUL_MAT_THREADS // of a block
#define QJ_MUL_MAT_THREADS 128
#endif
enum { MUL_MAT_THREADS = QJ_MUL_MAT_THREADS };

template <bool is_pair> struct mul_mat_scale_of {
    typedef mul_mat_pair type;
};
template <> struct mul_mat_scale_of<false> {
    typedef mul_mat_single type;
};

// A slice in LDS, as much of it as a tile of ROWS by COLUMNS needs: of AT_LEAST elements, or as many as the
// weights' own slices have if that is more.
template <typename Block, int ROWS, int COLUMNS, int AT_LEAST> struct mul_mat_slice {
    typedef mul_mat_weights<Block> weights;
    typedef typename mul_mat_scale_of<weights::has_minimum>::type scale;
    enum {
        SLICES = AT_LEAST > (int)weights::SLICE ? AT_LEAST / weights::SLICE : 1, // the weights' own
        ELEMENTS = weights::SLICE * SLICES,
        WORDS = ELEMENTS / 4,
        LINE = WORDS + 4,
        RUNS = ELEMENTS / weights::RUN
    };
    alignas(16) uint32_t x[ROWS][LINE];
    alignas(16) uint32_t y[COLUMNS][LINE];
    scale x_scales[RUNS][ROWS], y_scales[RUNS][COLUMNS];
};

// The same number, but the compiler does not know, and finds places anew instead of keeping all in registers.
QJ_DEVICE unsigned mul_mat_anew(unsigned thread)
{
#ifdef __AMDGCN__
    asm volatile("" : "+v"(thread));
    return thread % MUL_MAT_THREADS;
#else
    return thread;
#endif
}

// What is multiplied: n rows of n_blocks blocks, and n_columns columns of y_blocks blocks.
template <typename Block> struct mul_mat_operands {
    const Block *__restrict__ x;
    const block_q8_1 *__restrict__ y;
    float *__restrict__ dst;
    unsigned n, n_blocks, n_columns, y_blocks, n_dst;

    // As mul_mat_anew().
    __device__ __forceinline__ mul_mat_operands anew() const
    {
        mul_mat_operands same = *this;
#ifdef __AMDGCN__
        asm volatile("" : "+s"(same.n), "+s"(same.n_blocks), "+s"(same.n_columns), "+s"(same.y_blocks));
#endif
        return same;
    }

    // What is left from that row and column on. Places within a tile are numbers of 32 bits.
    __device__ __forceinline__ mul_mat_operands from(unsigned row, unsigned column) const
    {
        return {x + (size_t)row * n_blocks,
                y + (size_t)column * y_blocks,
                dst + (size_t)column * n_dst + row,
                n - row,
                n_blocks,
                n_columns - column,
                y_blocks,
                n_dst};
    }
};

// Load i of a thread, where OF neighbours bring a line: which line and what of it. Written so that the
// compiler sees what of it is the same for every load.
template <int OF> struct mul_mat_place {
    static_assert(MUL_MAT_THREADS % OF == 0, "lines are brought whole");
    unsigned line, at;

    __device__ __forceinline__ mul_mat_place(unsigned thread, int i)
        : line(thread / OF + i * (MUL_MAT_THREADS / OF)), at(thread % OF)
    {
    }
};

// The other side of weights, q8_1 blocks: GROUPS of each of COLUMNS columns. A thread brings single words of
// quants, so that neighbours read what lies side by side, and d and s of a block or two.
template <typename Weights, int COLUMNS, int GROUPS> struct mul_mat_activations {
    enum {
        RUNS = QK_BLOCK / Weights::RUN,
        Q_LOADS = COLUMNS * GROUPS * 8 / MUL_MAT_THREADS,
        BLOCKS = COLUMNS * GROUPS,
        DS_LOADS = (BLOCKS + MUL_MAT_THREADS - 1) / MUL_MAT_THREADS
    };
    static_assert(Q_LOADS * MUL_MAT_THREADS == BLOCKS * 8, "every thread brings as many words");
    static constexpr bool adds_quants = Weights::has_minimum && Weights::sum_of == SUM_OF_QUANTS;
    uint32_t q[Q_LOADS], ds[DS_LOADS] = {}; // not every thread has as many of the latter

    // Past an end the last column or block is read again; nothing of it is used.
    template <typename Operands>
    static __device__ __forceinline__ const block_q8_1 *block(const Operands &in, unsigned slice,
                                                              unsigned column, unsigned group)
    {
        return in.y +
               (min(column, in.n_columns - 1) * in.y_blocks + min(slice * GROUPS + group, in.y_blocks - 1));
    }
    template <typename Operands>
    __device__ __forceinline__ void load(const Operands &in, unsigned slice, unsigned thread)
    {
#pragma unroll
        for (int i = 0; i < Q_LOADS; i++) {
            const mul_mat_place<8 * GROUPS> word(thread, i);
            q[i] = aligned_word(block(in, slice, word.line, word.at / 8)->qs + 4 * (word.at % 8));
        }
#pragma unroll
        for (int i = 0; i < DS_LOADS; i++) {
            const mul_mat_place<GROUPS> group(thread, i);
            if (group.line < COLUMNS)
                ds[i] = aligned_word(block(in, slice, group.line, group.at));
        }
        under_way(q);
        under_way(ds);
    }
    template <typename Slice> __device__ __forceinline__ void store(Slice &out, unsigned thread) const
    {
#pragma unroll
        for (int i = 0; i < Q_LOADS; i++) {
            const mul_mat_place<8 * GROUPS> word(thread, i);
            out.y[word.line][word.at] = q[i];
        }
        if (adds_quants)
            __syncthreads();
#pragma unroll
        for (int i = 0; i < DS_LOADS; i++) {
            const mul_mat_place<GROUPS> group(thread, i);
            if (group.line < COLUMNS)
                store_scales(out, group.line, group.at, ds[i]);
        }
    }
    template <typename Slice>
    static __device__ __forceinline__ void store_scales(Slice &out, unsigned column, unsigned group,
                                                        uint32_t block_ds)
    {
#pragma unroll
        for (unsigned run = 0; run < RUNS; run++)
            set_scale(out.y_scales[group * RUNS + run][column], block_ds,
                      &out.y[column][group * 8 + run * (8 / RUNS)]);
    }
    static __device__ __forceinline__ void set_scale(mul_mat_single &out, uint32_t block_ds, const uint32_t *)
    {
        out.scale = low_half(block_ds);
    }
    static __device__ __forceinline__ void set_scale(mul_mat_pair &out, uint32_t block_ds, const uint32_t *q)
    {
        out.scale = low_half(block_ds);
        out.other = adds_quants ? out.scale * (float)sum_bytes<Weights::RUN / 4>(q) : high_half(block_ds);
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
template <typename Block, typename Slice, int TILE_ROWS, int TILE_COLUMNS, int THREAD_ROWS>
struct mul_mat_share {
    typedef mul_mat_weights<Block> weights;
    enum {
        ROWS = THREAD_ROWS,
        ROW_LANES = TILE_ROWS / ROWS,
        COLUMN_LANES = MUL_MAT_THREADS / ROW_LANES,
        COLUMNS = TILE_COLUMNS / COLUMN_LANES,
        PIECES = weights::SLICE * weights::PARTS / Block::SIZE, // of a row's slice, as the weights count them
        ROW_PIECES = PIECES * Slice::SLICES,
        X_LOADS = (TILE_ROWS * ROW_PIECES + MUL_MAT_THREADS - 1) / MUL_MAT_THREADS,
        GROUPS = Slice::ELEMENTS / QK_BLOCK
    };
    static_assert(COLUMNS * COLUMN_LANES == TILE_COLUMNS, "every thread has as many columns");
    // Where there are fewer pieces than threads only the first threads bring one.
    static constexpr bool brings_all = X_LOADS * MUL_MAT_THREADS == TILE_ROWS * ROW_PIECES;
    static_assert(brings_all || X_LOADS == 1, "every thread brings as many pieces");

    weights x[X_LOADS];
    mul_mat_activations<weights, TILE_COLUMNS, GROUPS> y;

    // Past an end the last row or block is read again; nothing of it is used.
    __device__ __forceinline__ void load(const mul_mat_operands<Block> &in, unsigned slice, unsigned thread)
    {
#pragma unroll
        for (int i = 0; i < X_LOADS; i++) {
            const mul_mat_place<ROW_PIECES> piece(thread, i);
            const unsigned part = slice * ROW_PIECES + piece.at, row = min(piece.line, in.n - 1);
            const unsigned block = min(part / weights::PARTS, in.n_blocks - 1);
            if (brings_all || piece.line < TILE_ROWS)
                x[i].load(in.x + (row * in.n_blocks + block), part % weights::PARTS);
        }
        y.load(in, slice, thread);
    }

    __device__ __forceinline__ void store(Slice &out, unsigned slice, unsigned thread) const
    {
#pragma unroll
        for (int i = 0; i < X_LOADS; i++) {
            const mul_mat_place<ROW_PIECES> piece(thread, i);
            const unsigned part = (slice * ROW_PIECES + piece.at) % weights::PARTS, own = piece.at / PIECES;
            const typename weights::row to = {
                &out.x[piece.line][own * (weights::SLICE / 4)],
                &out.x_scales[own * (weights::SLICE / weights::RUN)][piece.line], TILE_ROWS};
            if (brings_all || piece.line < TILE_ROWS)
                x[i].store(to, piece.at % PIECES, part);
        }
        y.store(out, thread);
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

#ifndef QJ_HAS_MUL_MAT_TILES // which has its own
// What there is in LDS.
template <typename Block, int ROWS, int COLUMNS, int AT_LEAST>
struct mul_mat_room : mul_mat_slice<Block, ROWS, COLUMNS, AT_LEAST> {
};

// Adds the products of the slice's first n_runs runs to the thread's sums.
template <typename Tuning, typename Share, typename Slice>
QJ_DEVICE void mul_mat_runs(float (&sums)[Share::ROWS][Share::COLUMNS], const Slice &in, unsigned n_runs,
                            unsigned thread)
{
    typedef typename Slice::scale scale;
    enum {
        WORDS = Share::weights::RUN / 4,
        UNROLL = Tuning::ELEMENTS > 4 * WORDS ? Tuning::ELEMENTS / (4 * WORDS) : 1
    };
    const unsigned row = thread % Share::ROW_LANES, column = thread / Share::ROW_LANES;
#pragma unroll UNROLL
    for (unsigned run = 0; run < n_runs; run++) {
        uint32_t x[Share::ROWS][WORDS];
        scale x_scales[Share::ROWS];
#pragma unroll
        for (int r = 0; r < Share::ROWS; r++) {
            const unsigned at = row + r * Share::ROW_LANES;
            load_from_lds(x[r], &in.x[at][run * WORDS]);
            x_scales[r] = in.x_scales[run][at];
        }
#pragma unroll
        for (int c = 0; c < Share::COLUMNS; c++) {
            const unsigned at = column + c * Share::COLUMN_LANES;
            uint32_t y[WORDS];
            load_from_lds(y, &in.y[at][run * WORDS]);
            const scale y_scale = in.y_scales[run][at];
#pragma unroll
            for (int r = 0; r < Share::ROWS; r++)
                sums[r][c] = add_run(sums[r][c], x_scales[r], y_scale, dot_words(x[r], y));
            if (c % Tuning::TOGETHER == Tuning::TOGETHER - 1)
                mul_mat_fence();
        }
    }
}

// The first ROWS rows and COLUMNS columns of the operands, or as many as there are. `lds` has room for as
// many or more.
template <typename Block, int ROWS, int COLUMNS, int THREAD_ROWS, typename Tuning, typename Slice>
QJ_DEVICE void mul_mat_columns(const mul_mat_operands<Block> &in, Slice &lds)
{
    typedef mul_mat_share<Block, Slice, ROWS, COLUMNS, THREAD_ROWS> share;
    const unsigned thread = threadIdx.y * 32 + threadIdx.x;
    const unsigned total_runs = in.n_blocks * (Block::SIZE / share::weights::RUN);
    const unsigned n_slices = (total_runs + Slice::RUNS - 1) / Slice::RUNS;
    float sums[share::ROWS][share::COLUMNS] = {};
    share mine;
    if (n_slices > 0)
        mine.load(in, 0, thread);
#pragma unroll 1
    for (unsigned slice = 0; slice < n_slices; slice++) {
        mine.store(lds, slice, mul_mat_anew(thread));
        __syncthreads();
        if (slice + 1 < n_slices)
            mine.load(in.anew(), slice + 1, mul_mat_anew(thread));
        mul_mat_runs<Tuning, share>(sums, lds, min(total_runs - slice * Slice::RUNS, (unsigned)Slice::RUNS),
                                    thread);
        __syncthreads();
    }
    const unsigned last = mul_mat_anew(thread);
#pragma unroll
    for (int c = 0; c < share::COLUMNS; c++) {
        const unsigned column = last / share::ROW_LANES + c * share::COLUMN_LANES;
#pragma unroll
        for (int r = 0; r < share::ROWS; r++) {
            const unsigned row = last % share::ROW_LANES + r * share::ROW_LANES;
            if (row < in.n && column < in.n_columns)
                in.dst[(size_t)column * in.n_dst + row] = sums[r][c];
        }
    }
}
#endif
