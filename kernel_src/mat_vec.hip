// mul_mat_vec_<T>_q8_1_cuda<b>: a matrix of quantised weights times b columns of q8_1 activations.
//
//   dst[c * nrows_dst + row] = sum over e < ncols_x of x[row][e] * y[c][e]
//
// vx: nrows_x rows of ncols_x elements, a multiple of the block size; vy: b rows of nrows_y elements as
// quantize_q8_1 makes them (ncols_x padded; ncols_x or more, in whole q8_1 blocks). What is computed exactly
// is in dot.h. Launch: tuning.h.
//
// The unit's defines: QJ_TYPE, a block type of dot.h or types.h; QJ_FIRST and QJ_LAST, the batches that it has.
#include "mat_vec.h"
#include "tuning.h"
#define QJ_WITH_DOT
#include "types.h"

#define QJ_CAT_(a, b, c, d) a##b##c##d
#define QJ_CAT(a, b, c, d)  QJ_CAT_(a, b, c, d)

typedef QJ_CAT(block_, QJ_TYPE, , ) block_type;

#define QJ_MAT_VEC(batch, rows, sharers)                                                                     \
    QJ_KERNEL(32 * QJ_MAT_VEC_SUBGROUPS(batch))                                                              \
    QJ_CAT(mul_mat_vec_, QJ_TYPE, _q8_1_cuda, batch)                                                         \
    (const void *__restrict__ vx, const void *__restrict__ vy, float *__restrict__ dst, const int ncols_x,   \
     const int nrows_x, const int nrows_y, const int nrows_dst)                                              \
    {                                                                                                        \
        const unsigned first_row = blockIdx.x * QJ_MAT_VEC_ROWS(batch), n = (unsigned)nrows_x;               \
        if (first_row % ((rows) * (QJ_MAT_VEC_SUBGROUPS(batch) / (sharers))) != 0 || first_row >= n)         \
            return;                                                                                          \
        mat_vec_in_turns<block_type, rows, batch, QJ_MAT_VEC_SUBGROUPS(batch), sharers>(                     \
            vx, vy, dst, first_row, (unsigned)ncols_x, n, (unsigned)nrows_y, (unsigned)nrows_dst);           \
    }

// Two rows to a block, whether a thread has one of them or both.
#define QJ_MAT_VEC_BATCH(batch)                                                                              \
    QJ_MAT_VEC(batch, tuning::MAT_VEC_BATCH_ROWS,                                                            \
               QJ_MAT_VEC_SUBGROUPS(batch) * tuning::MAT_VEC_BATCH_ROWS / QJ_MAT_VEC_ROWS(batch))

#if QJ_FIRST <= 1
QJ_MAT_VEC(1, tuning::MAT_VEC_ROWS, tuning::MAT_VEC_SHARERS)
#endif
#if QJ_FIRST <= 2 && QJ_LAST >= 2
QJ_MAT_VEC_BATCH(2)
#endif
#if QJ_FIRST <= 3 && QJ_LAST >= 3
QJ_MAT_VEC_BATCH(3)
#endif
#if QJ_FIRST <= 4 && QJ_LAST >= 4
QJ_MAT_VEC_BATCH(4)
#endif
#if QJ_FIRST <= 5 && QJ_LAST >= 5
QJ_MAT_VEC_BATCH(5)
#endif
#if QJ_FIRST <= 6 && QJ_LAST >= 6
QJ_MAT_VEC_BATCH(6)
#endif
#if QJ_FIRST <= 7 && QJ_LAST >= 7
QJ_MAT_VEC_BATCH(7)
#endif
#if QJ_LAST >= 8
QJ_MAT_VEC_BATCH(8)
#endif
