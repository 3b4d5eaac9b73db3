// A tile of a mat-mul where there are matrix instructions and copies that go on by themselves: its own
// mul_mat_columns(), of which mul_mat.h has the rest.
//
// Blocks of weights are copied to LDS as they are, some slices ahead; a slice is unpacked from there, laid
// beside its activations and multiplied (mul_mat_products.h).
#pragma once

#include "mul_mat_products.h"
#include "stage.h"

#ifdef QJ_HAS_MUL_MAT_TILES
// Left alone NVRTC computes such numbers anew for every slice.
#define QJ_KEEP_PLACE(place) asm volatile("" : "+r"(place))

// What a tile of ROWS by COLUMNS needs of LDS: a slice, and blocks of its rows of weights as they lie in
// memory, which are copied there ahead: STAGES chunks of whole blocks, of a slice or more.
template <typename Block, int ROWS, int COLUMNS, int AT_LEAST> struct mul_mat_tile_room {
    typedef mul_mat_slice<Block, ROWS, COLUMNS, AT_LEAST> slice_type;
    enum {
        BLOCKS = (int)slice_type::ELEMENTS > (int)Block::SIZE ? (int)slice_type::ELEMENTS / Block::SIZE : 1,
        SLICES = BLOCKS * Block::SIZE / slice_type::ELEMENTS, // of a chunk
        BYTES = BLOCKS * sizeof(Block),
        // Rows begin where a block can, and are copied from the granule on in which they begin.
        ALIGNMENT = sizeof(Block) % 16 == 0  ? 16
                    : sizeof(Block) % 8 == 0 ? 8
                    : sizeof(Block) % 4 == 0 ? 4
                    : sizeof(Block) % 2 == 0 ? 2
                                             : 1,
        GRANULES = (BYTES + STAGE_GRANULE - ALIGNMENT + STAGE_GRANULE - 1) / STAGE_GRANULE,
        LINE = (GRANULES | 1) * STAGE_GRANULE, // an odd number of granules: each row begins at another bank
        MOST = 48 * 1024,                      // static LDS
        FIT = (MOST - (int)sizeof(slice_type)) / (ROWS * LINE),
        STAGES = FIT < 1   ? 1
                 : FIT < 4 ? FIT
                           : 4
    };
    slice_type slice;
    alignas(16) uint8_t raw[STAGES][ROWS][LINE];
};

// The copies of a thread. It has the same places of every chunk.
template <typename Block, int ROWS, typename Room> struct mul_mat_tile_copies {
    // Neighbours copy neighbouring granules: the fewer lines of memory an instruction touches, the better.
    enum { PLACES = ROWS * Room::GRANULES, STEPS = (PLACES + MUL_MAT_THREADS - 1) / MUL_MAT_THREADS };
    // A chunk's last granule may reach into the rows behind.
    enum { ROW_GRANULES = Room::GRANULES * STAGE_GRANULE, ROWS_BEHIND = ROW_GRANULES / sizeof(Block) + 1 };
    const uint8_t *x;
    unsigned row_bytes, end; // what may be read
    unsigned row[STEPS];     // where it begins

    __device__ __forceinline__ mul_mat_tile_copies(const mul_mat_operands<Block> &in, unsigned thread)
        : x((const uint8_t *)in.x), row_bytes(in.n_blocks * (unsigned)sizeof(Block)),
          end(min(in.n, (unsigned)ROWS + ROWS_BEHIND) * row_bytes)
    {
#pragma unroll
        for (unsigned i = 0; i < STEPS; i++) {
            row[i] = (thread + i * MUL_MAT_THREADS) / Room::GRANULES * row_bytes;
            QJ_KEEP_PLACE(row[i]);
        }
    }

    // Where in its line a row's chunk begins.
    __device__ __forceinline__ unsigned offset(unsigned place) const
    {
        return ((unsigned)(uintptr_t)x + place) % STAGE_GRANULE;
    }

    // Nothing before x and nothing behind the last row is read. A chunk that is not there is an empty group
    // of copies, so that awaiting counts the same ones.
    __device__ __forceinline__ void start(uint8_t (&stage)[ROWS][Room::LINE], unsigned chunk,
                                          unsigned thread) const
    {
        const unsigned from = chunk * Room::BYTES;
        if (from >= row_bytes) {
            close_copies();
            return;
        }
        if ((chunk > 0 || offset(0) == 0) && (ROWS - 1) * row_bytes + from + ROW_GRANULES <= end) {
#pragma unroll
            for (unsigned i = 0; i < STEPS; i++) {
                const unsigned place = thread + i * MUL_MAT_THREADS, begin = row[i] + from;
                if (PLACES % MUL_MAT_THREADS == 0 || place < PLACES)
                    copy_granule<false>(to(stage, place), x + (begin - offset(begin) + at(place)));
            }
        } else {
#pragma unroll 1
            for (unsigned place = thread; place < PLACES; place += MUL_MAT_THREADS) {
                const unsigned begin = place / Room::GRANULES * row_bytes + from;
                const unsigned source = begin - offset(begin) + at(place);
                if (begin + at(place) < offset(begin)) { // only of the first row
#pragma unroll 1
                    for (unsigned j = offset(begin); j < STAGE_GRANULE; j++)
                        to(stage, place)[j] = x[j - offset(begin)];
                } else if (source < end) {
                    copy_granule(to(stage, place), x + source, min(end - source, (unsigned)STAGE_GRANULE));
                }
            }
        }
        close_copies();
    }
    static __device__ __forceinline__ unsigned at(unsigned place)
    {
        return place % Room::GRANULES * STAGE_GRANULE;
    }
    static __device__ __forceinline__ uint8_t *to(uint8_t (&stage)[ROWS][Room::LINE], unsigned place)
    {
        return &stage[0][0] + place / Room::GRANULES * Room::LINE + at(place);
    }
};

// The activations' places of a thread, found once for all slices.
template <typename Activations, typename Weights, int COLUMNS, int GROUPS> struct mul_mat_tile_activations {
    typedef mul_mat_place<8 * GROUPS> word;
    typedef mul_mat_place<GROUPS> group;
    unsigned q[Activations::Q_LOADS], ds[Activations::DS_LOADS]; // in bytes from y

    template <typename Operands>
    __device__ __forceinline__ mul_mat_tile_activations(const Operands &in, unsigned thread)
    {
        const unsigned column_bytes = in.y_blocks * (unsigned)sizeof(block_q8_1);
#pragma unroll
        for (int i = 0; i < Activations::Q_LOADS; i++) {
            q[i] =
                min(word(thread, i).line, in.n_columns - 1) * column_bytes + 4 + word(thread, i).at % 8 * 4;
            QJ_KEEP_PLACE(q[i]);
        }
#pragma unroll
        for (int i = 0; i < Activations::DS_LOADS; i++) {
            ds[i] = min(group(thread, i).line, in.n_columns - 1) * column_bytes;
            QJ_KEEP_PLACE(ds[i]);
        }
    }

    // Past an end the last block is read again; nothing of it is used.
    template <typename Operands>
    __device__ __forceinline__ void load(Activations &out, const Operands &in, unsigned slice,
                                         unsigned thread) const
    {
        const unsigned q_block = min(slice * GROUPS + word(thread, 0).at / 8, in.y_blocks - 1);
        const unsigned ds_block = min(slice * GROUPS + group(thread, 0).at, in.y_blocks - 1);
        const uint8_t *const q_from = (const uint8_t *)(in.y + q_block);
        const uint8_t *const ds_from = (const uint8_t *)(in.y + ds_block);
#pragma unroll
        for (int i = 0; i < Activations::Q_LOADS; i++)
            out.q[i] = aligned_word(q_from + q[i]);
#pragma unroll
        for (int i = 0; i < Activations::DS_LOADS; i++)
            if (group(thread, i).line < COLUMNS)
                out.ds[i] = aligned_word(ds_from + ds[i]);
        under_way(out.q);
        under_way(out.ds);
    }
    // Without sums of quants.
    template <typename Slice>
    static __device__ __forceinline__ void store(Slice &out, const Activations &in, unsigned thread)
    {
#pragma unroll
        for (int i = 0; i < Activations::Q_LOADS; i++)
            out.y[word(thread, i).line][word(thread, i).at] = in.q[i];
#pragma unroll
        for (int i = 0; i < Activations::DS_LOADS; i++) {
            const unsigned column = group(thread, i).line, run = group(thread, i).at * Activations::RUNS;
            if (column < COLUMNS)
#pragma unroll
                for (unsigned r = 0; r < Activations::RUNS; r++)
                    set_scale(out.y_scales[run + r][column], in.ds[i]);
        }
    }
    static __device__ __forceinline__ void set_scale(mul_mat_single &out, uint32_t block_ds)
    {
        out.scale = low_half(block_ds);
    }
    static __device__ __forceinline__ void set_scale(mul_mat_pair &out, uint32_t block_ds)
    {
        out = {low_half(block_ds), high_half(block_ds)};
    }
};

// Unpacks a slice of the weights from a chunk.
template <typename Share, int ROWS, typename Block, typename Room, typename Copies>
QJ_DEVICE void unpack_slice(Room &lds, const uint8_t (&stage)[ROWS][Room::LINE], const Copies &copies,
                            unsigned slice, unsigned thread)
{
    typedef typename Share::weights weights;
    typedef mul_mat_place<Share::ROW_PIECES> place;
    const unsigned at = place(thread, 0).at; // the same for every piece of the thread
    const unsigned part = slice % Room::SLICES * Share::ROW_PIECES + at;
    const unsigned from = slice / Room::SLICES * Room::BYTES;
    weights pieces[Share::X_LOADS];
#pragma unroll
    for (int i = 0; i < Share::X_LOADS; i++) {
        const unsigned row = place(thread, i).line;
        const uint8_t *const line = stage[row] + copies.offset(row * copies.row_bytes + from);
        pieces[i].load((const Block *)(line + part / weights::PARTS * sizeof(Block)), part % weights::PARTS);
    }
#pragma unroll
    for (int i = 0; i < Share::X_LOADS; i++) {
        const unsigned row = place(thread, i).line, own = at / Share::PIECES;
        const typename weights::row to = {&lds.slice.x[row][own * (weights::SLICE / 4)],
                                          &lds.slice.x_scales[own * (weights::SLICE / weights::RUN)][row],
                                          ROWS};
        pieces[i].store(to, at % Share::PIECES, part % weights::PARTS);
    }
}

// Makes nothing of the slice's runs from `first` on.
template <typename Slice> QJ_DEVICE void forget_runs(Slice &out, unsigned first, unsigned thread)
{
    enum { ROWS = sizeof out.x / sizeof *out.x, COLUMNS = sizeof out.y / sizeof *out.y };
    for (unsigned i = first * ROWS + thread; i < Slice::RUNS * ROWS; i += MUL_MAT_THREADS)
        out.x_scales[i / ROWS][i % ROWS] = {};
    for (unsigned i = first * COLUMNS + thread; i < Slice::RUNS * COLUMNS; i += MUL_MAT_THREADS)
        out.y_scales[i / COLUMNS][i % COLUMNS] = {};
}

// As mul_mat_columns() of mul_mat.h, of rows that have room in LDS.
template <typename Block, int ROWS, int COLUMNS, typename Room>
QJ_DEVICE void mul_mat_tile_columns(const mul_mat_operands<Block> &in, Room &lds)
{
    typedef typename Room::slice_type slice_type;
    typedef mul_mat_share<Block, slice_type, ROWS, COLUMNS, 4> share;
    enum { STAGES = Room::STAGES, SLICES = Room::SLICES };
    const unsigned thread = threadIdx.y * 32 + threadIdx.x;
    const unsigned total_runs = in.n_blocks * (Block::SIZE / share::weights::RUN);
    const unsigned n_slices = (total_runs + slice_type::RUNS - 1) / slice_type::RUNS;
    const mul_mat_tile_copies<Block, ROWS, Room> copies(in, thread);
    typedef mul_mat_tile<typename share::weights, ROWS, COLUMNS> tile_type;
    tile_type tile = {};
    typedef mul_mat_activations<typename share::weights, COLUMNS, share::GROUPS> activations;
    const mul_mat_tile_activations<activations, typename share::weights, COLUMNS, share::GROUPS> y_places(
        in, thread);
    enum { AHEAD = COLUMNS <= 64 ? 2 : 1 }; // slices of activations; of more columns there is no room
    activations y[AHEAD];
#pragma unroll
    for (unsigned s = 0; s < STAGES; s++)
        copies.start(lds.raw[s], s, thread);
#pragma unroll
    for (unsigned s = 0; s < AHEAD; s++)
        y_places.load(y[s], in, s, thread);
    unsigned stage = 0;
#pragma unroll 1
    for (unsigned first = 0; first < n_slices; first += AHEAD) {
#pragma unroll
        for (unsigned s = 0; s < AHEAD; s++) {
            const unsigned slice = first + s;
            if (slice >= n_slices)
                break;
            if (slice % SLICES == 0)
                await_copies<STAGES - 1>();
            __syncthreads();
            unpack_slice<share, ROWS, Block>(lds, lds.raw[stage], copies, slice, thread);
            if constexpr (tile_type::stores_sums)
                y[s].store(lds.slice, thread);
            else
                y_places.store(lds.slice, y[s], thread);
            y_places.load(y[s], in, slice + AHEAD, thread);
            if ((slice + 1) * slice_type::RUNS > total_runs) {
                __syncthreads();
                forget_runs(lds.slice, total_runs % slice_type::RUNS, thread);
            }
            __syncthreads();
            if (slice % SLICES == SLICES - 1) {
                copies.start(lds.raw[stage], slice / SLICES + STAGES, thread);
                stage = stage == STAGES - 1 ? 0 : stage + 1;
            }
            tile.add(lds.slice, thread);
        }
    }
    await_copies<0>();
    __syncthreads(); // others may still read what the next columns overwrite
    tile.store(in, thread);
}

// Where a tile has more rows than there is room for, they are computed one half after the other.
template <typename Block, int ROWS, int COLUMNS, int AT_LEAST> struct mul_mat_room {
    enum { SLICE = (int)mul_mat_weights<Block>::SLICE, PASS_ROWS = ROWS * SLICE > 8192 ? 64 : ROWS };
    mul_mat_tile_room<Block, PASS_ROWS, COLUMNS, AT_LEAST * 64 / PASS_ROWS> lds;
};

// As mul_mat_columns() of mul_mat.h.
template <typename Block, int ROWS, int COLUMNS, int, typename Tuning, typename Room>
QJ_DEVICE void mul_mat_columns(const mul_mat_operands<Block> &in, Room &room)
{
#pragma unroll 1
    for (unsigned row = 0; row < ROWS && row < in.n; row += Room::PASS_ROWS)
        mul_mat_tile_columns<Block, Room::PASS_ROWS, COLUMNS>(in.from(row, 0), room.lds);
}
#endif
