// mul_mat_vec_<T>_q8_1_cuda<b>: a matrix of quantised weights times b columns of q8_1 activations.
//
//   dst[c * nrows_dst + row] = sum over e < ncols_x of x[row][e] * y[c][e]
//
// vx: nrows_x rows of ncols_x elements, a multiple of the block size; vy: b rows of nrows_y elements as
// quantize_q8_1 makes them (ncols_x padded; ncols_x or more, in whole q8_1 blocks). What is computed exactly
// is in dot.h. Launch: tuning.h.
//
// The unit's defines: QJ_TYPE, a block type of dot.h or types.h; QJ_FIRST and QJ_LAST, the batches that it
// has.
#include "mat_vec.h"
#include "mat_vec_staged.h"
#include "mat_vec_tiles.h"
#include "tuning.h"
#define QJ_WITH_DOT
#include "types.h"

#define QJ_CAT_(a, b, c, d) a##b##c##d
#define QJ_CAT(a, b, c, d)  QJ_CAT_(a, b, c, d)

typedef QJ_CAT(block_, QJ_TYPE, , ) block_type;
typedef mat_vec_tuning<block_type> cut;
typedef staged_tuning<block_type> staged_cut;

template <int BATCH>
QJ_DEVICE void mat_vec_of_batch(const void *__restrict__ vx, const void *__restrict__ vy,
                                float *__restrict__ dst, unsigned k, unsigned n, unsigned k_padded,
                                unsigned n_dst)
{
    enum { SUBGROUPS = QJ_MAT_VEC_SUBGROUPS(BATCH), IS_IN_TILES = QJ_HAS_TILES && BATCH >= cut::TILES_FROM };
    // Of larger batches a block has the contract's two rows, whether a thread has one of them or both.
    enum {
        MOST_ROWS = mat_vec_rows_max<block_type>(BATCH),
        BATCH_ROWS =
            (int)tuning::MAT_VEC_BATCH_ROWS < MOST_ROWS ? (int)tuning::MAT_VEC_BATCH_ROWS : MOST_ROWS,
        IS_STAGED = BATCH == 1 && staged_cut::STAGES > 0,
        ROWS = IS_STAGED ? (int)staged_cut::ROWS : BATCH == 1 ? (int)cut::ROWS : BATCH_ROWS,
        SHARERS = IS_STAGED    ? 1
                  : BATCH == 1 ? (int)cut::SHARERS
                               : SUBGROUPS * ROWS / QJ_MAT_VEC_ROWS(BATCH),
        PARTS = BATCH == 1 ? (int)cut::PARTS : 1,
        BLOCK_ROWS = IS_IN_TILES ? 16 : ROWS * (SUBGROUPS / SHARERS)
    };
    // The first blocks have them all: blocks in turn go to different multiprocessors, but every second or
    // fourth one may well go to the same.
    if (blockIdx.x >= (n + BLOCK_ROWS - 1) / BLOCK_ROWS)
        return;
    const unsigned first_row = blockIdx.x * BLOCK_ROWS;
    if constexpr (IS_IN_TILES) {
        mat_vec_tiles<block_type, BATCH, SUBGROUPS, cut::TILE_ELEMENTS>(vx, vy, dst, first_row, k, n,
                                                                        k_padded, n_dst);
    } else if constexpr (IS_STAGED) {
        mat_vec_staged<block_type, ROWS, SUBGROUPS, staged_cut::STAGES>(vx, vy, dst, first_row, k, n);
    } else {
        typedef typename mat_vec_group<block_type>::type group;
        if constexpr (sizeof(group) > sizeof(block_type)) {
            if ((uintptr_t)vx % mat_vec_group<block_type>::ALIGNMENT == 0 && k % group::SIZE == 0) {
                mat_vec_in_turns<group, ROWS, BATCH, SUBGROUPS, SHARERS, PARTS>(vx, vy, dst, first_row, k, n,
                                                                                k_padded, n_dst);
                return;
            }
        }
        mat_vec_in_turns<block_type, ROWS, BATCH, SUBGROUPS, SHARERS, PARTS>(vx, vy, dst, first_row, k, n,
                                                                             k_padded, n_dst);
    }
}

#if defined(__HIP_PLATFORM_NVIDIA__) && __CUDA_ARCH__ >= 900 // older ones are not tuned, and some would spill
#define QJ_MAT_VEC_KERNEL(batch)                                                                             \
    extern "C" __global__ void __launch_bounds__(32 * QJ_MAT_VEC_SUBGROUPS(batch),                           \
                                                 (batch) != 1               ? 0                              \
                                                 : staged_cut::STAGES > 0 ? staged_cut::BLOCKS               \
                                                                          : cut::BLOCKS)
#else
#define QJ_MAT_VEC_KERNEL(batch) QJ_KERNEL(32 * QJ_MAT_VEC_SUBGROUPS(batch))
#endif

#define QJ_MAT_VEC(batch)                                                                                    \
    QJ_MAT_VEC_KERNEL(batch)                                                                                 \
    QJ_CAT(mul_mat_vec_, QJ_TYPE, _q8_1_cuda, batch)                                                         \
    (const void *__restrict__ vx, const void *__restrict__ vy, float *__restrict__ dst, const int ncols_x,   \
     const int nrows_x, const int nrows_y, const int nrows_dst)                                              \
    {                                                                                                        \
        mat_vec_of_batch<batch>(vx, vy, dst, (unsigned)ncols_x, (unsigned)nrows_x, (unsigned)nrows_y,        \
                                (unsigned)nrows_dst);                                                        \
    }

#if QJ_FIRST <= 1
QJ_MAT_VEC(1)
#endif
#if QJ_FIRST <= 2 && QJ_LAST >= 2
QJ_MAT_VEC(2)
#endif
#if QJ_FIRST <= 3 && QJ_LAST >= 3
QJ_MAT_VEC(3)
#endif
#if QJ_FIRST <= 4 && QJ_LAST >= 4
QJ_MAT_VEC(4)
#endif
#if QJ_FIRST <= 5 && QJ_LAST >= 5
QJ_MAT_VEC(5)
#endif
#if QJ_FIRST <= 6 && QJ_LAST >= 6
QJ_MAT_VEC(6)
#endif
#if QJ_FIRST <= 7 && QJ_LAST >= 7
QJ_MAT_VEC(7)
#endif
#if QJ_LAST >= 8
QJ_MAT_VEC(8)
#endif
