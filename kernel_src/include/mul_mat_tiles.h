// A tile of a mat-mul by matrix instructions, for archs that have them: its own mul_mat_columns(), of which
// mul_mat.h has the rest.
//
// The sub-groups of a block share the tile as 4 by 1 or 2 by 2 rectangles. A sub-group goes through its own
// in steps of 32 elements and pieces of 16 rows and 8 columns, of which an mma has the sums of a run. Lane
// 4 g + i gives it, of rows g and g + 8 and of column g, bytes 4 i to 4 i + 3 of each 16, and gets columns
// 2 i and 2 i + 1 of these rows.
#pragma once

#include "mul_mat.h"
#include "stage.h"

#ifdef QJ_HAS_MUL_MAT_TILES
// Four times 8 lines of 16 bytes, the address of line l % 8 of the l / 8 th from lane l. Lane 4 g + i gets
// word i of line g of each.
QJ_DEVICE void load_lines(uint32_t (&out)[4], const uint32_t *line)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"((unsigned)__cvta_generic_to_shared(line))
                 : "memory");
}

// Sums of products of signed bytes come out as floats without a conversion: begun with the bits of 3 * 2^22,
// a sum of less than 2^22 is that number plus the sum, bit for bit. What takes it off again is exact too: the
// scale of activations is an f16, so a multiple of it by 3 * 2^22 has few bits.
enum : uint32_t { SUMS_FROM_BITS = 0x4b400000 };
static constexpr float SUMS_FROM = 12582912.0f;

// Of a run of 32 elements, or of one of the two runs of 16.
template <int RUN>
QJ_DEVICE void add_products(float (&out)[4], const uint32_t (&x)[4], const uint32_t *y, unsigned run)
{
    uint32_t sums[4];
    if (RUN == 32)
        asm volatile(
            "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
            "{%10, %10, %10, %10};"
            : "=r"(sums[0]), "=r"(sums[1]), "=r"(sums[2]), "=r"(sums[3])
            : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1]), "r"(SUMS_FROM_BITS));
    else
        asm volatile("mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5}, {%6}, "
                     "{%7, %7, %7, %7};"
                     : "=r"(sums[0]), "=r"(sums[1]), "=r"(sums[2]), "=r"(sums[3])
                     : "r"(x[2 * run]), "r"(x[2 * run + 1]), "r"(y[run]), "r"(SUMS_FROM_BITS));
#pragma unroll
    for (int s = 0; s < 4; s++)
        out[s] = __uint_as_float(sums[s]);
}

// x.scale last, as add_run() of mul_mat.h.
QJ_DEVICE float add_scaled_run(float sum, mul_mat_single x, mul_mat_single y, float y_from, float products)
{
    return fmaf(x.scale, fmaf(y.scale, products, y_from), sum);
}

QJ_DEVICE float add_scaled_run(float sum, mul_mat_pair x, mul_mat_pair y, float y_from, float products)
{
    return fmaf(x.scale, fmaf(y.scale, products, y_from), fmaf(x.other, y.other, sum));
}

template <typename Weights, int ROWS, int COLUMNS> struct mul_mat_tile {
    enum {
        ROW_GROUPS = COLUMNS / 2 % 16 == 0 ? 2 : 4, // rectangles below each other
        COLUMN_GROUPS = 4 / ROW_GROUPS,             // and side by side
        M = ROWS / ROW_GROUPS / 16,
        N = COLUMNS / COLUMN_GROUPS / 8,
        STEP_RUNS = 32 / Weights::RUN
    };
    static_assert(M * 16 * ROW_GROUPS == ROWS && N * 8 * COLUMN_GROUPS == COLUMNS && N % 2 == 0,
                  "a rectangle is whole pieces, of pairs of columns of them");
    float sums[M][N][4];

    static __device__ __forceinline__ unsigned first_row(unsigned thread)
    {
        return thread / 32 % ROW_GROUPS * (M * 16);
    }
    static __device__ __forceinline__ unsigned first_column(unsigned thread)
    {
        return thread / 32 / ROW_GROUPS * (N * 8);
    }

    // Adds the products of a slice, by two steps at a time. They are waited for DEPTH pieces of columns
    // later, and the lines of a step are loaded a step before, as a sub-group may be alone on its part of the
    // multiprocessor.
    template <typename Slice> __device__ __forceinline__ void add(const Slice &in, unsigned thread)
    {
#pragma unroll 1
        for (unsigned step = 0; step < Slice::ELEMENTS / 32; step += 2)
            add_steps(in, step, thread);
    }

    template <typename Slice>
    __device__ __forceinline__ void add_steps(const Slice &in, unsigned first_step, unsigned thread)
    {
        typedef typename Slice::scale scale;
        enum { STEP_JOBS = N * STEP_RUNS, JOBS = 2 * STEP_JOBS, DEPTH = M < 4 ? 2 : 1 };
        const unsigned lane = thread % 32, row = first_row(thread), column = first_column(thread);
        const uint32_t *const x_lines = &in.x[row + lane % 16][first_step * 8 + lane / 16 * 4];
        const uint32_t *const y_lines =
            &in.y[column + lane / 16 * 8 + lane % 8][first_step * 8 + lane / 8 % 2 * 4];
        const scale *const of_rows = &in.x_scales[first_step * STEP_RUNS][row + lane / 4];
        const scale *const of_columns = &in.y_scales[first_step * STEP_RUNS][column + lane % 4 * 2];
        uint32_t x[2][M][4], y[2][N / 2][4];
        scale x_scales[2][STEP_RUNS][M][2], y_scales[DEPTH + 1][2];
        float products[DEPTH + 1][M][4];
        load_step<Slice>(x[0], y[0], x_lines, y_lines);
#pragma unroll
        for (int job = 0; job < JOBS + DEPTH; job++) {
            if (job < JOBS) {
                const int step = job / STEP_JOBS, n = job % STEP_JOBS / STEP_RUNS, run = job % STEP_RUNS;
                const int slot = job % (DEPTH + 1);
                if (job == 0)
                    load_step<Slice>(x[1], y[1], x_lines + 8, y_lines + 8);
                if (job % STEP_JOBS == 0)
                    load_scales<Slice>(x_scales[step], of_rows + step * STEP_RUNS * ROWS);
                memcpy(y_scales[slot],
                       __builtin_assume_aligned(
                           (const void *)(of_columns + (step * STEP_RUNS + run) * COLUMNS + n * 8),
                           sizeof y_scales[0]),
                       sizeof y_scales[0]);
#pragma unroll
                for (int m = 0; m < M; m++)
                    add_products<Weights::RUN>(products[slot][m], x[step][m], &y[step][n / 2][n % 2 * 2],
                                               run);
            }
            if (job >= DEPTH) {
                const int done = job - DEPTH, slot = done % (DEPTH + 1);
                add_scaled(done % STEP_JOBS / STEP_RUNS, products[slot],
                           x_scales[done / STEP_JOBS][done % STEP_RUNS], y_scales[slot]);
            }
        }
    }

    template <typename Slice, typename Scale>
    static __device__ __forceinline__ void load_scales(Scale (&out)[STEP_RUNS][M][2], const Scale *of_rows)
    {
#pragma unroll
        for (int run = 0; run < STEP_RUNS; run++)
#pragma unroll
            for (int half = 0; half < 2 * M; half++)
                out[run][half / 2][half % 2] = of_rows[run * ROWS + half * 8];
    }

    template <typename Slice>
    static __device__ __forceinline__ void load_step(uint32_t (&x)[M][4], uint32_t (&y)[N / 2][4],
                                                     const uint32_t *x_lines, const uint32_t *y_lines)
    {
#pragma unroll
        for (int m = 0; m < M; m++)
            load_lines(x[m], x_lines + m * 16 * Slice::LINE);
#pragma unroll
        for (int n = 0; n < N / 2; n++)
            load_lines(y[n], y_lines + n * 16 * Slice::LINE);
    }

    // What a run adds to a column of pieces.
    template <typename Scale>
    __device__ __forceinline__ void add_scaled(int n, const float (&products)[M][4],
                                               const Scale (&x_scales)[M][2], const Scale (&y_scales)[2])
    {
        const float y_from[2] = {-SUMS_FROM * y_scales[0].scale, -SUMS_FROM * y_scales[1].scale};
#pragma unroll
        for (int m = 0; m < M; m++)
#pragma unroll
            for (int s = 0; s < 4; s++)
                sums[m][n][s] = add_scaled_run(sums[m][n][s], x_scales[m][s / 2], y_scales[s % 2],
                                               y_from[s % 2], products[m][s]);
    }

    template <typename Operands>
    __device__ __forceinline__ void store(const Operands &out, unsigned thread) const
    {
        const unsigned lane = thread % 32;
        const unsigned row = first_row(thread) + lane / 4, column = first_column(thread) + lane % 4 * 2;
#pragma unroll
        for (int c = 0; c < 2 * N; c++) {
            const unsigned at = column + c / 2 * 8 + c % 2;
            float *const to = out.dst + (size_t)at * out.n_dst + row;
#pragma unroll
            for (int r = 0; r < 2 * M; r++)
                if (at < out.n_columns && row + r * 8 < out.n)
                    to[r * 8] = sums[r / 2][c / 2][r % 2 * 2 + c % 2];
        }
    }
};

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
        FIT = (MOST - sizeof(slice_type)) / (ROWS * LINE),
        STAGES = FIT < 4 ? FIT : 4
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
    mul_mat_tile<typename share::weights, ROWS, COLUMNS> tile = {};
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
            y[s].store(lds.slice, thread);
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
