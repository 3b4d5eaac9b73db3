// mul_mat_vec_<T>_f32_cuda<b>: a matrix of plain numbers times b columns of f32 activations.
//
//   dst[c * nrows_dst + row] = sum over e < ncols_x of x[row][e] * y[c][e]
//
// vx: nrows_x rows of ncols_x elements, any number; vy: b columns of f32, nrows_y elements from one to the
// next, ncols_x or more. Both need the alignment of their elements only; rows and columns that begin at a
// multiple of 16 bytes are read fastest. Products and sums are f32. Launch: as mul_mat_vec_<T>_q8_1_cuda<b>,
// see tuning.h.
//
// The unit's defines: QJ_TYPE, f32, f16 or bf16; QJ_FIRST and QJ_LAST, the batches that it has.
#include "mat_vec_float.h"
#include "tuning.h"

#define QJ_CAT_(a, b, c, d) a##b##c##d
#define QJ_CAT(a, b, c, d)  QJ_CAT_(a, b, c, d)

#define QJ_MAT_VEC(batch)                                                                                    \
    QJ_KERNEL(32 * QJ_MAT_VEC_SUBGROUPS(batch))                                                              \
    QJ_CAT(mul_mat_vec_, QJ_TYPE, _f32_cuda, batch)                                                          \
    (const void *__restrict__ vx, const float *__restrict__ vy, float *__restrict__ dst, const int ncols_x,  \
     const int nrows_x, const int nrows_y, const int nrows_dst)                                              \
    {                                                                                                        \
        enum { ROWS = (batch) == 1 ? 1 : MAT_VEC_FLOAT_ROWS };                                               \
        const unsigned first_row = blockIdx.x * QJ_MAT_VEC_ROWS(batch), n = (unsigned)nrows_x;               \
        if (first_row % ROWS != 0 || first_row >= n)                                                         \
            return;                                                                                          \
        mat_vec_float<QJ_CAT(numbers_, QJ_TYPE, , ), ROWS, batch, QJ_MAT_VEC_SUBGROUPS(batch)>(              \
            vx, vy, dst, first_row, (unsigned)ncols_x, n, (unsigned)nrows_y, (unsigned)nrows_dst);           \
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
