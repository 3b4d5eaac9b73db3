// A block of threads' share of a mat-mul of few rows and columns, by matrix instructions: a tile of 32 rows
// of weights times 16 columns of activations, or 8 where no more are left.
//
// Chunks of both lie in LDS as they are, several of them ahead of what is multiplied: each sub-group copies
// some of their rows and columns. A sub-group multiplies 16 of the rows, and takes every fourth part of their
// blocks (tile_products.h). The sums of the sub-groups that have the same rows are added up in order.
#pragma once

#include "mat_vec.h"
#include "mat_vec_tiles.h"
#include "tuning.h"

#ifdef QJ_HAS_ASYNC_COPY
enum { NARROW_SUBGROUPS = MUL_MAT_NARROW_THREADS / SUBGROUP, NARROW_BYTES = 48 * 1024 };

// How the sub-groups share a stage: each has TILES times 16 rows, and those that have the same take their
// blocks' parts in turn. Of all rows, so that it takes activations once for them, where there are enough
// parts.
template <typename Block, int BLOCKS> struct narrow_share {
    enum {
        PARTS = tile_product<Block>::PARTS,
        ROW_TILES = MUL_MAT_NARROW_ROWS / TILE_ROWS,
        TILES = BLOCKS * PARTS % NARROW_SUBGROUPS == 0 ? (int)ROW_TILES : 1,
        SHARERS = NARROW_SUBGROUPS * TILES / ROW_TILES,
        TURN = SHARERS / PARTS // blocks of which each of them takes a part
    };
    static_assert(TURN > 0 && BLOCKS % TURN == 0, "every sub-group has as many parts");
};

// A chunk of ELEMENTS of a row and of N tiles of columns.
template <typename Block, int N, int ELEMENTS> struct narrow_stage {
    enum {
        BLOCKS = ELEMENTS / Block::SIZE,
        Y_BLOCK_BYTES = Block::SIZE / QK_BLOCK * sizeof(block_q8_1),
        X_STEP = BLOCKS * sizeof(Block), // of a chunk
        Y_STEP = BLOCKS * Y_BLOCK_BYTES,
        X_ROWS = MUL_MAT_NARROW_ROWS / NARROW_SUBGROUPS, // that a sub-group copies
        Y_COLUMNS = N * TILE_COLUMNS / NARROW_SUBGROUPS,
        ALIGNMENT = STAGE_GRANULE
    };
    typedef tile_copies<X_ROWS, X_STEP, false, ALIGNMENT> x_copies;
    typedef tile_copies<Y_COLUMNS, Y_STEP, true, ALIGNMENT> y_copies;
    enum {
        X_BYTES = NARROW_SUBGROUPS * x_copies::BYTES,
        BYTES = X_BYTES + NARROW_SUBGROUPS * y_copies::BYTES,
        STAGES = NARROW_BYTES / BYTES,
        SUMS_BYTES = NARROW_SUBGROUPS * N * TILE_COLUMNS * MUL_MAT_NARROW_ROWS * sizeof(float)
    };
    // Where the next stage begins.
    static __device__ __forceinline__ unsigned next(unsigned stage)
    {
        return stage == (STAGES - 1) * BYTES ? 0 : stage + BYTES;
    }
    static_assert(STAGES >= 2 && (int)SUMS_BYTES <= (int)NARROW_BYTES, "LDS has room");
};

// What is multiplied, from the tile's first row and column on.
struct narrow_operands {
    const uint8_t *x, *y; // all of them
    size_t row_bytes, column_bytes;
    unsigned first_row, first_column, n, n_columns, n_blocks;

    __device__ __forceinline__ const uint8_t *row(unsigned i) const
    {
        return x + min(first_row + i, n - 1) * row_bytes;
    }
    __device__ __forceinline__ const uint8_t *column(unsigned i) const
    {
        return y + min(first_column + i, n_columns - 1) * column_bytes;
    }
};

// A lane's part of the copies of chunks, STEP bytes after one another. Chunks within a row are copied with
// what lies beside them in the same granules, its ends with nothing beside them.
template <typename copies, unsigned STEP> struct narrow_copy {
    static constexpr bool is_steady =
        STEP % STAGE_GRANULE == 0;      // every chunk begins at the same place of one
    const uint8_t *first, *last, *from; // from: this lane's, of the next chunk
    unsigned to, at, place, has_last;   // in LDS, of the first stage; in a line; in a granule; 1 or 0

    __device__ __forceinline__ narrow_copy(const uint8_t *row, const uint8_t *begin, const uint8_t *end,
                                           uint8_t *memory)
        : first(begin), last(end)
    {
        at = threadIdx.x % copies::ROW_LANES * STAGE_GRANULE;
        to = (unsigned)__cvta_generic_to_shared(memory) + threadIdx.x / copies::ROW_LANES * copies::ROOM + at;
        place = is_steady ? (unsigned)(uintptr_t)row % STAGE_GRANULE : 0;
        from = row + at - place;
        has_last = ends_behind(place);
        keep(to);
        keep(at);
        keep(has_last);
        keep(from);
    }
    __device__ __forceinline__ bool ends_behind(unsigned offset) const
    {
        return at + (copies::STEPS - 1) * copies::SPAN < offset + STEP;
    }
    __device__ __forceinline__ void start_within(unsigned stage) const
    {
        const unsigned offset = is_steady ? 0 : (unsigned)(uintptr_t)from % STAGE_GRANULE;
        const bool is_last = is_steady ? has_last != 0 : ends_behind(offset);
        const uint8_t *const source = from - offset;
#pragma unroll
        for (unsigned i = 0; i < copies::STEPS; i++)
            copies::copy_if(i < copies::STEPS - 1 || is_last, to + stage + i * copies::SPAN,
                            source + i * copies::SPAN);
    }
    __device__ __forceinline__ void start_end(uint8_t *stage, unsigned n_bytes) const
    {
        copies::start_between(stage, from - at + place, n_bytes, first, last, threadIdx.x);
    }
};

// What this lane copies: its part of its sub-group's rows and columns. What is past an end repeats the last.
template <typename Block, typename Stage> struct narrow_stream {
    typedef typename Stage::x_copies x_copies;
    typedef typename Stage::y_copies y_copies;
    narrow_copy<x_copies, Stage::X_STEP> x;
    narrow_copy<y_copies, Stage::Y_STEP> y;
    uint8_t *memory;
    unsigned n_blocks, chunk, stage; // the next ones

    template <typename Operands>
    __device__ __forceinline__ narrow_stream(const Operands &in, uint8_t *lds)
        : x(in.row(threadIdx.y * Stage::X_ROWS + threadIdx.x / x_copies::ROW_LANES), in.x,
            in.x + in.n * in.row_bytes, lds + threadIdx.y * x_copies::BYTES),
          y(in.column(threadIdx.y * Stage::Y_COLUMNS + threadIdx.x / y_copies::ROW_LANES), in.y,
            in.y + in.n_columns * in.column_bytes, lds + Stage::X_BYTES + threadIdx.y * y_copies::BYTES),
          memory(lds), n_blocks(in.n_blocks), chunk(0), stage(0)
    {
    }

    // A chunk that is not there is an empty group of copies, so that awaiting counts the same ones.
    __device__ __forceinline__ void start()
    {
        const unsigned block = chunk * Stage::BLOCKS;
        if (chunk > 0 && block + 2 * Stage::BLOCKS <= n_blocks) {
            x.start_within(stage);
            y.start_within(stage);
        } else if (block < n_blocks) {
            const unsigned n = min(n_blocks - block, (unsigned)Stage::BLOCKS);
            x.start_end(memory + stage + threadIdx.y * x_copies::BYTES, n * sizeof(Block));
            y.start_end(memory + stage + Stage::X_BYTES + threadIdx.y * y_copies::BYTES,
                        n * Stage::Y_BLOCK_BYTES);
        }
        close_copies();
        chunk++;
        x.from += Stage::X_STEP;
        y.from += Stage::Y_STEP;
        stage = Stage::next(stage);
    }
};

// Where in a stage a lane finds its rows and columns. That depends on where in a granule a chunk begins, of
// columns always at the same place. Its parts begin x_on and y_on bytes behind the chunk.
template <typename Stage, int N, int TILES> struct narrow_places {
    static constexpr bool is_steady = Stage::X_STEP % STAGE_GRANULE == 0;
    unsigned x[2 * TILES], x_place[2 * TILES], y[N], heads[N][2]; // of the first stage

    __device__ __forceinline__ narrow_places(const narrow_operands &in, const uint8_t *memory,
                                             unsigned first_tile, unsigned x_on, unsigned y_on)
    {
        static_assert(Stage::Y_STEP % STAGE_GRANULE == 0, "chunks of columns are whole granules");
        const unsigned g = threadIdx.x / 4, i = threadIdx.x % 4;
        const unsigned begin = (unsigned)__cvta_generic_to_shared(memory);
#pragma unroll
        for (int r = 0; r < 2 * TILES; r++) {
            const unsigned row = first_tile * TILE_ROWS + r * 8 + g;
            x_place[r] = (unsigned)(uintptr_t)in.row(row) % STAGE_GRANULE;
            x[r] = begin + row * Stage::x_copies::ROOM + x_on + (is_steady ? x_place[r] : 0);
            keep(x[r]);
        }
#pragma unroll
        for (int t = 0; t < N; t++) {
            set(y[t], begin + y_on + 4 + 4 * i, in, t * TILE_COLUMNS + g);
            set(heads[t][0], begin + y_on, in, t * TILE_COLUMNS + 2 * i);
            set(heads[t][1], begin + y_on, in, t * TILE_COLUMNS + 2 * i + 1);
        }
    }
    static __device__ __forceinline__ void set(unsigned &out, unsigned begin, const narrow_operands &in,
                                               unsigned column)
    {
        out = begin + Stage::X_BYTES + column * Stage::y_copies::ROOM +
              (unsigned)(uintptr_t)in.column(column) % STAGE_GRANULE;
        keep(out);
    }
    static __device__ __forceinline__ const uint8_t *in_lds(unsigned address)
    {
        return (const uint8_t *)__cvta_shared_to_generic(address);
    }
    __device__ __forceinline__ const uint8_t *row(unsigned stage, int r, unsigned chunk) const
    {
        return in_lds(stage + x[r] + (is_steady ? 0 : (x_place[r] + chunk * Stage::X_STEP) % STAGE_GRANULE));
    }
    __device__ __forceinline__ tile_activations<N> columns(unsigned stage) const
    {
        tile_activations<N> out;
#pragma unroll
        for (int t = 0; t < N; t++) {
            out.fragments[t] = in_lds(stage + y[t]);
            out.heads[t][0] = in_lds(stage + heads[t][0]);
            out.heads[t][1] = in_lds(stage + heads[t][1]);
        }
        return out;
    }
};

// Every sub-group leaves its sums; together they add up those of the same rows, in order.
template <typename Share, int N>
QJ_DEVICE void add_up_narrow(const float (&sums)[Share::TILES][N][TILE_SUMS], uint8_t *memory,
                             const narrow_operands &in, float *__restrict__ dst, unsigned n_dst)
{
    enum { ROWS = MUL_MAT_NARROW_ROWS, COLUMNS = N * TILE_COLUMNS };
    typedef float tile[COLUMNS][ROWS];
    tile *const shared = (tile *)memory;
    const unsigned g = threadIdx.x / 4, i = threadIdx.x % 4, sharer = threadIdx.y % Share::SHARERS;
    const unsigned first = threadIdx.y / Share::SHARERS * Share::TILES * TILE_ROWS;
    __syncthreads();
#pragma unroll
    for (int m = 0; m < Share::TILES; m++)
#pragma unroll
        for (int t = 0; t < N; t++)
#pragma unroll
            for (int s = 0; s < TILE_SUMS; s++)
                shared[sharer][t * TILE_COLUMNS + 2 * i + s % 2][first + m * TILE_ROWS + g + s / 2 * 8] =
                    sums[m][t][s];
    __syncthreads();
#pragma unroll
    for (unsigned s = threadIdx.y * SUBGROUP + threadIdx.x; s < ROWS * COLUMNS; s += MUL_MAT_NARROW_THREADS) {
        const unsigned row = s % ROWS, column = s / ROWS;
        float sum = shared[0][column][row];
#pragma unroll
        for (int other = 1; other < Share::SHARERS; other++)
            sum += shared[other][column][row];
        if (in.first_row + row < in.n && in.first_column + column < in.n_columns)
            dst[(size_t)(in.first_column + column) * n_dst + in.first_row + row] = sum;
    }
}

template <typename Block, int N, int ELEMENTS>
QJ_DEVICE void mul_mat_narrow(const narrow_operands &in, float *__restrict__ dst, unsigned n_dst,
                              uint8_t *memory)
{
    typedef narrow_stage<Block, N, ELEMENTS> stage_type;
    enum { STAGES = stage_type::STAGES, BLOCKS = stage_type::BLOCKS, Q8_BLOCKS = Block::SIZE / QK_BLOCK };
    typedef narrow_share<Block, BLOCKS> share;
    narrow_stream<Block, stage_type> stream(in, memory);
#pragma unroll 1
    for (unsigned s = 0; s < STAGES - 1; s++)
        stream.start();
    const unsigned sharer = threadIdx.y % share::SHARERS, i = threadIdx.x % 4;
    const unsigned own = sharer / share::PARTS, part = sharer % share::PARTS; // the first of its blocks
    const narrow_places<stage_type, N, share::TILES> places(
        in, memory, threadIdx.y / share::SHARERS * share::TILES, own * sizeof(Block),
        own * stage_type::Y_BLOCK_BYTES);
    float sums[share::TILES][N][TILE_SUMS] = {};
    unsigned stage = 0;
#pragma unroll 1
    for (unsigned chunk = 0; chunk * BLOCKS < in.n_blocks; chunk++) {
        await_copies<STAGES - 2>();
        __syncthreads(); // and nobody takes anything any more from the stage that is filled now
        stream.start();
        const tile_activations<N> y = places.columns(stage);
        const auto add = [&](unsigned block) {
#pragma unroll
            for (int m = 0; m < share::TILES; m++) {
                const uint8_t *const x[2] = {places.row(stage, 2 * m, chunk) + block * sizeof(Block),
                                             places.row(stage, 2 * m + 1, chunk) + block * sizeof(Block)};
                tile_product<Block>::add(sums[m], x, y, block * Q8_BLOCKS, part, i);
            }
        };
        if ((chunk + 1) * BLOCKS <= in.n_blocks) {
#pragma unroll
            for (unsigned block = 0; block < BLOCKS; block += share::TURN)
                add(block);
        } else {
#pragma unroll 1
            for (unsigned block = 0; chunk * BLOCKS + own + block < in.n_blocks; block += share::TURN)
                add(block);
        }
        stage = stage_type::next(stage);
    }
    await_copies<0>();
    add_up_narrow<share, N>(sums, memory, in, dst, n_dst);
}
#endif
