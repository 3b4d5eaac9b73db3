// A mat-vec of some columns by matrix instructions, for archs that have both them and copies that go on by
// themselves.
//
// A sub-group has 16 rows and, of these, every SUBGROUPS-th chunk of some blocks. It copies chunks to LDS
// ahead, as they are, and takes tiles from there. Columns that are not there repeat the last one.
#pragma once

#include "stage.h"
#include "tile_k.h"
#include "tuning.h"

#ifndef QJ_HAS_ASYNC_COPY
#define QJ_HAS_TILES 0

template <typename Block, int COLUMNS, int SUBGROUPS, int ELEMENTS>
QJ_DEVICE void mat_vec_tiles(const void *, const void *, float *, unsigned, unsigned, unsigned, unsigned,
                             unsigned);
#else
#define QJ_HAS_TILES 1

// A sub-group's copies: N_ROWS rows, or columns, by 32 / N_ROWS lanes each, which copy whole sectors of
// memory, or of FROM bytes.
template <int N_ROWS, unsigned N_BYTES, bool IS_SHARED, int FROM = 32> struct tile_copies {
    enum {
        SECTOR = FROM,
        ROW_LANES = SUBGROUP / N_ROWS,
        SPAN = ROW_LANES * STAGE_GRANULE,
        STEPS = (N_BYTES + SECTOR - 1 + SPAN - 1) / SPAN, // of which only the last can be one too many
        // Every row begins at another bank: an odd number of granules.
        ROOM = ((N_BYTES + SECTOR - 1 + STAGE_GRANULE - 1) / STAGE_GRANULE | 1) * STAGE_GRANULE,
        BYTES = N_ROWS * ROOM
    };

    static __device__ __forceinline__ void copy_if(bool is_wanted, unsigned to, const uint8_t *from)
    {
        copy_granule_if<IS_SHARED>(is_wanted, to, from);
    }

    // `from`, of n_bytes, to this lane's row of `stage`, its first byte at from % SECTOR. If is_within, what
    // lies in the same sectors may be read as well, else nothing before `first` and nothing behind the bytes.
    static __device__ __forceinline__ void start(uint8_t *stage, const uint8_t *from, unsigned n_bytes,
                                                 const uint8_t *first, unsigned lane, bool is_within)
    {
        const unsigned at = lane % ROW_LANES * STAGE_GRANULE, offset = (uintptr_t)from % SECTOR,
                       end = offset + n_bytes;
        const uint8_t *const source = from - offset + at;
        uint8_t *const to = stage + lane / ROW_LANES * ROOM + at;
        if (is_within) {
#pragma unroll
            for (unsigned i = 0; i < STEPS * SPAN; i += SPAN)
                if (i + SPAN <= N_BYTES || at + i < end)
                    copy_granule<IS_SHARED>(to + i, source + i);
            return;
        }
#pragma unroll 1
        for (unsigned i = 0; at + i < end; i += SPAN) {
            if (at + i + STAGE_GRANULE <= offset)
                continue;
            if (source + i >= first) {
                copy_granule(to + i, source + i, min(end - at - i, (unsigned)STAGE_GRANULE));
            } else {
#pragma unroll 1
                for (unsigned j = max(offset, at + i); j < min(end, at + i + STAGE_GRANULE); j++)
                    to[j - at] = from[j - offset];
            }
        }
    }
    // The same of any chunk: nothing outside [first, last) is read.
    static __device__ __forceinline__ void start_between(uint8_t *stage, const uint8_t *from,
                                                         unsigned n_bytes, const uint8_t *first,
                                                         const uint8_t *last, unsigned lane)
    {
        const unsigned at = lane % ROW_LANES * STAGE_GRANULE, offset = (uintptr_t)from % SECTOR;
        if (from - offset >= first && from + n_bytes + STAGE_GRANULE <= last) {
#pragma unroll
            for (unsigned i = 0; i < STEPS * SPAN; i += SPAN)
                if (at + i < offset + n_bytes)
                    copy_granule<IS_SHARED>(stage + lane / ROW_LANES * ROOM + at + i, from - offset + at + i);
        } else {
            start(stage, from, n_bytes, first, lane, false);
        }
    }
};

// The least power of two that is not less.
constexpr int lanes_for(int n)
{
    return n <= 1 ? 1 : n <= 2 ? 2 : n <= 4 ? 4 : 8;
}

// What a sub-group has room for. Blocks of threads share a multiprocessor's LDS, and static LDS is at most 48
// KiB.
template <typename Block, int COLUMNS, int SUBGROUPS, int ELEMENTS> struct tile_room {
    enum { BLOCKS = ELEMENTS / Block::SIZE, Y_BYTES = ELEMENTS / QK_BLOCK * sizeof(block_q8_1) };
    // As few rows at a time as their lanes have enough to copy for: each is a line of memory for the
    // multiprocessor to look up.
    enum {
        COLUMNS_COPIED = lanes_for(COLUMNS),
        Y_AT_ONCE = COLUMNS_COPIED < 4 ? COLUMNS_COPIED : 4,
        X_AT_ONCE = BLOCKS * sizeof(Block) >= 256 ? 4 : 8
    };
    typedef tile_copies<X_AT_ONCE, BLOCKS * sizeof(Block), false> x_copies;
    typedef tile_copies<Y_AT_ONCE, Y_BYTES, true> y_copies;
    enum {
        X_COPIES = TILE_ROWS / X_AT_ONCE,
        Y_COPIES = COLUMNS_COPIED / Y_AT_ONCE,
        X_BYTES = X_COPIES * x_copies::BYTES,
        MOST = 46 * 1024 / SUBGROUPS,
        STAGE_BYTES = X_BYTES + Y_COPIES * y_copies::BYTES,
        STAGES = 3 * STAGE_BYTES <= MOST ? 3 : 2,
        IS_FIT = STAGES * STAGE_BYTES <= MOST,
        // Where there are 227 KiB there is room for four such blocks. Were they smaller, some multiprocessors
        // would take more of the grid's blocks than others, which then wait for them.
        IS_LARGE = __CUDA_ARCH__ >= 900 && __CUDA_ARCH__ < 1200,
        STAGE_ROOM = IS_LARGE ? MOST / STAGES / 32 * 32 : (int)STAGE_BYTES
    };
};

template <typename Block, int COLUMNS, int SUBGROUPS, int ELEMENTS> constexpr int fitting_elements()
{
    if constexpr (tile_room<Block, COLUMNS, SUBGROUPS, ELEMENTS>::IS_FIT)
        return ELEMENTS;
    else
        return fitting_elements<Block, COLUMNS, SUBGROUPS, ELEMENTS / 2>();
}

// A lane's copies of whole chunks, of which each begins at the same place of a sector as the one before it.
template <typename copies> struct steady_copy {
    const uint8_t *source; // of the first chunk
    bool has_last;

    __device__ __forceinline__ void set(const uint8_t *from, unsigned n_bytes, unsigned lane)
    {
        const unsigned at = lane % copies::ROW_LANES * STAGE_GRANULE,
                       offset = (uintptr_t)from % copies::SECTOR;
        source = from - offset + at;
        has_last = at + (copies::STEPS - 1) * copies::SPAN < offset + n_bytes;
    }
    template <bool IS_SHARED> __device__ __forceinline__ void start(uint8_t *to, size_t bytes_on) const
    {
#pragma unroll
        for (unsigned i = 0; i < copies::STEPS; i++)
            if (i < copies::STEPS - 1 || has_last)
                copy_granule<IS_SHARED>(to + i * copies::SPAN, source + bytes_on + i * copies::SPAN);
    }
    // Where in a stage this lane's part begins.
    static __device__ __forceinline__ unsigned place(unsigned lane)
    {
        return lane / copies::ROW_LANES * copies::ROOM + lane % copies::ROW_LANES * STAGE_GRANULE;
    }
};

// What a sub-group copies: this lane's part of its rows of weights and of the columns.
template <typename Block, int COLUMNS, int SUBGROUPS, typename room> struct tile_stream {
    typedef typename room::x_copies x_copies;
    typedef typename room::y_copies y_copies;
    enum { BLOCKS = room::BLOCKS, Y_BLOCK_BYTES = Block::SIZE / QK_BLOCK * sizeof(block_q8_1) };
    enum {
        X_STEP = BLOCKS * sizeof(Block), // of a chunk
        Y_STEP = BLOCKS * Y_BLOCK_BYTES,
        IS_STEADY = SUBGROUPS * X_STEP % x_copies::SECTOR == 0 && SUBGROUPS * Y_STEP % y_copies::SECTOR == 0
    };
    const uint8_t *x, *y;
    const uint8_t *x_from[room::X_COPIES], *y_from[room::Y_COPIES];
    steady_copy<x_copies> steady_x[room::X_COPIES];
    steady_copy<y_copies> steady_y[room::Y_COPIES];
    unsigned n_blocks, lane;

    // A row past the end repeats the last one.
    __device__ __forceinline__ tile_stream(const void *vx, const void *vy, unsigned first_row, unsigned n,
                                           unsigned blocks, size_t row_bytes, size_t column_bytes)
        : x((const uint8_t *)vx), y((const uint8_t *)vy), n_blocks(blocks), lane(threadIdx.x % SUBGROUP)
    {
#pragma unroll
        for (int c = 0; c < room::X_COPIES; c++)
            x_from[c] = x + min(first_row + (c * SUBGROUP + lane) / x_copies::ROW_LANES, n - 1) * row_bytes;
#pragma unroll
        for (int c = 0; c < room::Y_COPIES; c++)
            y_from[c] = y + min((c * SUBGROUP + lane) / y_copies::ROW_LANES, COLUMNS - 1u) * column_bytes;
        const unsigned first_chunk = threadIdx.y;
#pragma unroll
        for (int c = 0; c < room::X_COPIES; c++)
            steady_x[c].set(x_from[c] + first_chunk * X_STEP, X_STEP, lane);
#pragma unroll
        for (int c = 0; c < room::Y_COPIES; c++)
            steady_y[c].set(y_from[c] + first_chunk * Y_STEP, Y_STEP, lane);
    }

    __device__ __forceinline__ void start_steady(uint8_t *stage, unsigned chunk) const
    {
        const size_t chunks_on = chunk - threadIdx.y;
        uint8_t *const to_x = stage + steady_copy<x_copies>::place(lane), *const to_y =
                                                                              stage + room::X_BYTES +
                                                                              steady_copy<y_copies>::place(
                                                                                  lane);
#pragma unroll
        for (int c = 0; c < room::X_COPIES; c++)
            steady_x[c].template start<false>(to_x + c * x_copies::BYTES, chunks_on * X_STEP);
#pragma unroll
        for (int c = 0; c < room::Y_COPIES; c++)
            steady_y[c].template start<true>(to_y + c * y_copies::BYTES, chunks_on * Y_STEP);
    }

    // A chunk that is not there is an empty group of copies, so that awaiting counts the same ones.
    __device__ __forceinline__ void start(uint8_t *stage, unsigned chunk) const
    {
        const unsigned block = chunk * BLOCKS;
        if (block < n_blocks) {
            const unsigned left = min(n_blocks - block, (unsigned)BLOCKS);
            const bool is_within = chunk > 0 && block + 2 * BLOCKS <= n_blocks;
            if (IS_STEADY && is_within) {
                start_steady(stage, chunk);
            } else {
#pragma unroll
                for (int c = 0; c < room::X_COPIES; c++)
                    x_copies::start(stage + c * x_copies::BYTES, x_from[c] + block * sizeof(Block),
                                    left * sizeof(Block), x, lane, !IS_STEADY && is_within);
#pragma unroll
                for (int c = 0; c < room::Y_COPIES; c++)
                    y_copies::start(stage + room::X_BYTES + c * y_copies::BYTES,
                                    y_from[c] + block * Y_BLOCK_BYTES, left * Y_BLOCK_BYTES, y, lane,
                                    !IS_STEADY && is_within);
            }
        }
        close_copies();
    }
};

// Where in a stage this lane finds what its tiles take, of the chunk that begins with `block`.
template <typename Block, int COLUMNS, typename room, typename stream_type> struct tile_places {
    unsigned x[2], y[3]; // rows g and g + 8; columns g, 2 i and 2 i + 1

    __device__ __forceinline__ tile_places(const stream_type &stream, unsigned first_row, unsigned n,
                                           size_t row_bytes, size_t column_bytes, unsigned block)
    {
        typedef typename room::x_copies x_copies;
        typedef typename room::y_copies y_copies;
        const unsigned g = stream.lane / 4, i = stream.lane % 4;
        const unsigned columns[3] = {min(g, COLUMNS - 1u), min(2 * i, COLUMNS - 1u),
                                     min(2 * i + 1, COLUMNS - 1u)};
#pragma unroll
        for (int r = 0; r < 2; r++) {
            const uint8_t *from =
                stream.x + min(first_row + g + 8 * r, n - 1) * row_bytes + block * sizeof(Block);
            x[r] = (g + 8 * r) * x_copies::ROOM + (unsigned)((uintptr_t)from % x_copies::SECTOR);
        }
#pragma unroll
        for (int c = 0; c < 3; c++) {
            const uint8_t *from =
                stream.y + columns[c] * column_bytes + block * (unsigned)stream_type::Y_BLOCK_BYTES;
            y[c] =
                room::X_BYTES + columns[c] * y_copies::ROOM + (unsigned)((uintptr_t)from % y_copies::SECTOR);
        }
    }
};

// Every sub-group leaves its sums of the tile; together they add them up, in order.
template <int COLUMNS, int SUBGROUPS>
QJ_DEVICE void add_up_tile(const float (&sums)[TILE_SUMS], float *__restrict__ dst, unsigned first_row,
                           unsigned n, unsigned n_dst)
{
    __shared__ float shared[SUBGROUPS][COLUMNS][TILE_ROWS];
    const unsigned lane = threadIdx.x % SUBGROUP, subgroup = threadIdx.y, g = lane / 4, i = lane % 4;
#pragma unroll
    for (int s = 0; s < TILE_SUMS; s++) {
        const unsigned column = 2 * i + s % 2;
        if (column < COLUMNS)
            shared[subgroup][column][g + s / 2 * 8] = sums[s];
    }
    __syncthreads();
#pragma unroll 1
    for (unsigned s = subgroup * SUBGROUP + lane; s < TILE_ROWS * COLUMNS; s += SUBGROUPS * SUBGROUP) {
        const unsigned row = first_row + s % TILE_ROWS, column = s / TILE_ROWS;
        float sum = shared[0][column][s % TILE_ROWS];
#pragma unroll
        for (int other = 1; other < SUBGROUPS; other++)
            sum += shared[other][column][s % TILE_ROWS];
        if (row < n)
            dst[(size_t)column * n_dst + row] = sum;
    }
}

// As mat_vec() of 16 rows, which all sub-groups of the block share. ELEMENTS: those of a row that a sub-group
// copies at a time, or fewer where there is no room for them.
template <typename Block, int COLUMNS, int SUBGROUPS, int ELEMENTS>
QJ_DEVICE void mat_vec_tiles(const void *__restrict__ vx, const void *__restrict__ vy,
                             float *__restrict__ dst, unsigned first_row, unsigned k, unsigned n,
                             unsigned k_padded, unsigned n_dst)
{
    typedef tile_room<Block, COLUMNS, SUBGROUPS, fitting_elements<Block, COLUMNS, SUBGROUPS, ELEMENTS>()>
        room;
    typedef tile_stream<Block, COLUMNS, SUBGROUPS, room> stream_type;
    typedef tile_places<Block, COLUMNS, room, stream_type> places_type;
    enum { BLOCKS = room::BLOCKS, STAGES = room::STAGES, Q8_BLOCKS = Block::SIZE / QK_BLOCK };
    __shared__ __attribute__((aligned(32))) uint8_t memory[SUBGROUPS][STAGES][room::STAGE_ROOM];
    const unsigned lane = threadIdx.x % SUBGROUP, subgroup = threadIdx.y, i = lane % 4;
    const unsigned n_blocks = k / Block::SIZE;
    const size_t row_bytes = (size_t)n_blocks * sizeof(Block);
    const size_t column_bytes = (size_t)(k_padded / QK_BLOCK) * sizeof(block_q8_1);
    const stream_type stream(vx, vy, first_row, n, n_blocks, row_bytes, column_bytes);
#pragma unroll
    for (unsigned s = 0; s < STAGES; s++)
        stream.start(memory[subgroup][s], subgroup + s * SUBGROUPS);

    const places_type own(stream, first_row, n, row_bytes, column_bytes, subgroup * BLOCKS);
    float sums[1][TILE_SUMS] = {};
    unsigned stage = 0;
#pragma unroll 1
    for (unsigned chunk = subgroup; chunk * BLOCKS < n_blocks; chunk += SUBGROUPS) {
        await_copies<STAGES - 1>();
        __syncwarp();
        const unsigned first = chunk * BLOCKS;
        const uint8_t *const staged = memory[subgroup][stage];
        const places_type places =
            stream_type::IS_STEADY ? own : places_type(stream, first_row, n, row_bytes, column_bytes, first);
        const tile_activations<1> activations = {{staged + places.y[0] + 4 + 4 * i},
                                                 {{staged + places.y[1], staged + places.y[2]}}};
        const uint8_t *const staged_x[2] = {staged + places.x[0], staged + places.x[1]};
        const auto add = [&](unsigned b) {
            const uint8_t *const blocks[2] = {staged_x[0] + b * sizeof(Block),
                                              staged_x[1] + b * sizeof(Block)};
#pragma unroll
            for (unsigned part = 0; part < tile_product<Block>::PARTS; part++)
                tile_product<Block>::add(sums, blocks, activations, b * Q8_BLOCKS, part, i);
        };
        if (BLOCKS == 1 || first + BLOCKS <= n_blocks) {
#pragma unroll
            for (unsigned b = 0; b < BLOCKS; b++)
                add(b);
        } else {
#pragma unroll 1
            for (unsigned b = 0; first + b < n_blocks; b++)
                add(b);
        }
        __syncwarp();
        stream.start(memory[subgroup][stage], chunk + STAGES * SUBGROUPS);
        stage = stage == STAGES - 1 ? 0 : stage + 1;
    }
    add_up_tile<COLUMNS, SUBGROUPS>(sums[0], dst, first_row, n, n_dst);
}
#endif
