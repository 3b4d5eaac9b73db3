// A block of threads' share of a mat-vec: rows of weights times COLUMNS columns of q8_1 activations.
#pragma once

#include "dot.h"
#include "reduce.h"
#include "tuning.h"

// How a type's kernels are cut; see tuning.h.
template <typename Block> struct mat_vec_tuning {
    enum {
        ROWS = tuning::MAT_VEC_ROWS,
        SHARERS = tuning::MAT_VEC_SHARERS,
        PARTS = 1,
        BLOCKS = 0,
        TILES_FROM = 9, // none
        TILE_ELEMENTS = 256,
        MOE_ROWS = ROWS,
        MOE_SHARERS = SHARERS
    };
};
#ifdef __HIP_PLATFORM_NVIDIA__
#define QJ_MAT_VEC_TUNING(type, rows, sharers, parts, blocks, tiles_from, elements, moe)                     \
    struct block_##type;                                                                                     \
    template <> struct mat_vec_tuning<block_##type> {                                                        \
        enum {                                                                                               \
            ROWS = rows,                                                                                     \
            SHARERS = sharers,                                                                               \
            PARTS = parts,                                                                                   \
            BLOCKS = blocks,                                                                                 \
            TILES_FROM = tiles_from,                                                                         \
            TILE_ELEMENTS = elements,                                                                        \
            MOE_ROWS = moe ? rows : (int)tuning::MAT_VEC_ROWS,                                               \
            MOE_SHARERS = moe ? sharers : (int)tuning::MAT_VEC_SHARERS                                       \
        };                                                                                                   \
    };
QJ_CUDA_MAT_VEC(QJ_MAT_VEC_TUNING)
#undef QJ_MAT_VEC_TUNING
#endif

// Blocks of a row that are better loaded together, where rows are whole groups of them at that alignment; the
// block itself: none.
template <typename Block> struct mat_vec_group {
    typedef Block type;
    enum { ALIGNMENT = 1 };
};

// The place of a sub-group's sharers among those of the block. AMD's compiler does not know by itself that it
// is the same for all lanes of a wave; of 64 lanes it is where two sub-groups share.
template <int SUBGROUPS, int SHARERS> QJ_DEVICE unsigned mat_vec_team(unsigned subgroup)
{
#ifdef __AMDGCN__
    if constexpr (SHARERS == SUBGROUPS)
        return 0;
    if (SHARERS * SUBGROUP >= warpSize)
        return (unsigned)__builtin_amdgcn_readfirstlane((int)(subgroup / SHARERS));
#endif
    return subgroup / SHARERS;
}

// On AMD, of a number that places are found by. QJ_ANEW(): they are found anew behind it; what the compiler
// knows of a loop's variable makes it look for the best steps of each place for longer than all else takes.
// QJ_BEHIND(): and not before that result is there, so that no more than it takes is under way.
#ifdef __AMDGCN__
#define QJ_ANEW(number) asm("" : "+v"(number))
#else
#define QJ_ANEW(number) (void)0
#endif
#ifdef QJ_UNPACK_FIRST
#define QJ_BEHIND(number, result) asm("" : "+v"(number) : "v"(result))
#else
#define QJ_BEHIND(number, result) (void)0
#endif

// What becomes of sums[ROWS][COLUMNS] of each lane of SHARERS sub-groups: the first sub-group's lanes add up
// all that they have at the same place, and each sum then goes through all lanes.
template <int ROWS, int COLUMNS, int SUBGROUPS, int SHARERS>
QJ_DEVICE void mat_vec_end(float *__restrict__ dst, float (&sums)[ROWS][COLUMNS], unsigned row0, unsigned n,
                           unsigned n_dst)
{
    enum { SUMS = ROWS * COLUMNS };
    const unsigned lane = threadIdx.x % SUBGROUP, subgroup = threadIdx.y, sharer = subgroup % SHARERS;
    if (SHARERS > 1) {
        // Every sharer leaves its lanes' sums to the first, which adds them up in order.
        __shared__ float shared[SUBGROUPS][SUMS][SUBGROUP];
#pragma unroll
        for (int i = 0; i < SUMS; i++)
            shared[subgroup][i][lane] = sums[i / COLUMNS][i % COLUMNS];
        __syncthreads();
        if (sharer > 0)
            return;
#pragma unroll
        for (int i = 0; i < SUMS; i++) {
#pragma unroll
            for (int other = 1; other < SHARERS; other++)
                sums[i / COLUMNS][i % COLUMNS] += shared[subgroup + other][i][lane];
        }
    }
#pragma unroll
    for (int i = 0; i < SUMS; i++) {
        const float sum = subgroup_sum(sums[i / COLUMNS][i % COLUMNS]);
        const unsigned row = row0 + i / COLUMNS, column = i % COLUMNS;
        if (lane == i && row < n)
            dst[(size_t)column * n_dst + row] = sum;
    }
}

// The same bits, but each lane has a part of one sum only: sums change places in LDS, and a few lanes, of all
// the sharers' sub-groups, share one. Of many sums that is a fraction of the steps, and of the compiler's
// work.
template <int ROWS, int COLUMNS, int SUBGROUPS, int SHARERS>
QJ_DEVICE void mat_vec_end_together(float *__restrict__ dst, const float *sums, unsigned row0, unsigned n,
                                    unsigned n_dst)
{
    enum { SUMS = ROWS * COLUMNS, LANES = power_of_two_within(SUBGROUP * SHARERS / SUMS) };
    enum { EACH = SUBGROUP / LANES };
    __shared__ float shared[SUBGROUPS][SUMS][SUBGROUP];
    const unsigned lane = threadIdx.x % SUBGROUP, subgroup = threadIdx.y, sharer = subgroup % SHARERS;
#pragma unroll
    for (int i = 0; i < SUMS; i++)
        shared[subgroup][i][lane] = sums[i];
    __syncthreads();

    const unsigned i = (sharer * SUBGROUP + lane) / LANES, first = lane % LANES, own = min(i, SUMS - 1u);
    float parts[EACH];
#pragma unroll
    for (int j = 0; j < EACH; j++) {
        // Each in an order of its own, in which the same pairs are added up: neighbours' sums lie in the same
        // banks.
        const unsigned from = first + LANES * (j ^ i % EACH);
        parts[j] = shared[subgroup - sharer][own][from];
#pragma unroll
        for (int other = 1; other < SHARERS; other++)
            parts[j] += shared[subgroup - sharer + other][own][from];
    }
#pragma unroll
    for (int step = EACH / 2; step > 0; step /= 2) {
#pragma unroll
        for (int j = 0; j < EACH / 2; j++) {
            if (j < step)
                parts[j] += parts[j + step];
        }
    }
    float sum = parts[0];
#pragma unroll
    for (int step = LANES / 2; step > 0; step /= 2)
        sum += __shfl_xor(sum, step, SUBGROUP);
    const unsigned row = row0 + i / COLUMNS, column = i % COLUMNS;
    if (first == 0 && i < SUMS && row < n)
        dst[(size_t)column * n_dst + row] = sum;
}

// vx: n rows of k elements each, vy: COLUMNS rows of k_padded elements each, packed; dst[column * n_dst +
// row].
//
// The block is (SUBGROUP, SUBGROUPS). Each SHARERS sub-groups have ROWS rows from first_row on; the parts of
// a row are dealt to their lanes in turn, PARTS at a time. Rows from n on are neither read nor written.
template <typename Block, int ROWS, int COLUMNS, int SUBGROUPS, int SHARERS, int PARTS = 1>
QJ_DEVICE void mat_vec(const void *__restrict__ vx, const void *__restrict__ vy, float *__restrict__ dst,
                       unsigned first_row, unsigned k, unsigned n, unsigned k_padded, unsigned n_dst)
{
    typedef dot_product<Block> product;
    enum { THREADS = SUBGROUP * SHARERS, Q8_BLOCKS = Block::SIZE / QK_BLOCK };
    enum { TOGETHER = sizeof(typename product::activations) > 128 ? 2 : 3 }; // columns under way
    const unsigned lane = threadIdx.x % SUBGROUP, subgroup = threadIdx.y, sharer = subgroup % SHARERS;
    const unsigned n_blocks = k / Block::SIZE,
                   n_parts = (n_blocks + product::BLOCKS - 1) / product::BLOCKS * product::PARTS;
    const unsigned column_blocks = k_padded / QK_BLOCK,
                   row0 = first_row + mat_vec_team<SUBGROUPS, SHARERS>(subgroup) * ROWS;
    const block_q8_1 *__restrict__ y = (const block_q8_1 *)vy;
    const Block *__restrict__ x[ROWS];
#pragma unroll
    for (int r = 0; r < ROWS; r++) // a row past the end reads the last one again
        x[r] = (const Block *)vx + (size_t)min(row0 + r, n - 1) * n_blocks;

    float sums[ROWS][COLUMNS] = {};
#pragma unroll PARTS
    for (unsigned part = sharer * SUBGROUP + lane; part < n_parts; part += THREADS) {
        QJ_ANEW(part);
        const unsigned block = part / product::PARTS * product::BLOCKS, p = part % product::PARTS;
        typename product::weights weights[ROWS];
#pragma unroll
        for (int r = 0; r < ROWS; r++)
            weights[r].load(QJ_LANE_PLACE(x[r], block), p, n_blocks - block);
        unsigned y_block = block * Q8_BLOCKS;
#pragma unroll
        for (int c = 0; c < COLUMNS; c++) {
            QJ_ONE_AT_A_TIME();
            if (c >= TOGETHER)
                QJ_BEHIND(y_block, sums[0][c - TOGETHER]);
            typename product::activations activations;
            activations.load(QJ_LANE_PLACE(y + c * column_blocks, y_block), p);
#pragma unroll
            for (int r = 0; r < ROWS; r++)
                sums[r][c] += product::dot(weights[r], activations);
        }
    }

    if constexpr (COLUMNS > 1)
        mat_vec_end_together<ROWS, COLUMNS, SUBGROUPS, SHARERS>(dst, &sums[0][0], row0, n, n_dst);
    else
        mat_vec_end<ROWS, COLUMNS, SUBGROUPS, SHARERS>(dst, sums, row0, n, n_dst);
}

// Rows that a thread may have at most with `columns` columns: clang 21 and 22 spill with two of these types
// and five columns or more, as they unpack both before the first product.
template <typename Block> constexpr int mat_vec_rows_max(int)
{
    return 2;
}
#if defined(__GFX11__) || defined(__GFX12__)
template <> constexpr int mat_vec_rows_max<block_q3_K>(int columns)
{
    return columns < 5 ? 2 : 1;
}
#elif defined(__gfx906__)
template <> constexpr int mat_vec_rows_max<block_q2_K>(int columns)
{
    return columns < 5 ? 2 : 1;
}
#endif

// The same for as many columns at a time as the arch has registers for.
template <typename Block, int ROWS, int COLUMNS, int SUBGROUPS, int SHARERS, int PARTS = 1>
QJ_DEVICE void mat_vec_in_turns(const void *__restrict__ vx, const void *__restrict__ vy,
                                float *__restrict__ dst, unsigned first_row, unsigned k, unsigned n,
                                unsigned k_padded, unsigned n_dst)
{
    if constexpr (COLUMNS <= tuning::MAT_VEC_COLUMNS) {
        mat_vec<Block, ROWS, COLUMNS, SUBGROUPS, SHARERS, PARTS>(vx, vy, dst, first_row, k, n, k_padded,
                                                                 n_dst);
    } else {
        enum { FIRST = tuning::MAT_VEC_COLUMNS };
        mat_vec<Block, ROWS, FIRST, SUBGROUPS, SHARERS>(vx, vy, dst, first_row, k, n, k_padded, n_dst);
        __syncthreads(); // the sums that are being added up
        mat_vec_in_turns<Block, ROWS, COLUMNS - FIRST, SUBGROUPS, SHARERS>(
            vx, (const block_q8_1 *)vy + (size_t)FIRST * (k_padded / QK_BLOCK), dst + (size_t)FIRST * n_dst,
            first_row, k, n, k_padded, n_dst);
    }
}
