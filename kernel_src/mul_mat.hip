// mul_mat_<T>: a matrix of quantised weights times any number of columns of q8_1 activations.
//
//   dst[c * nrows_dst + row] = sum over e < ncols_x of x[row][e] * y[c][e]
//
// vx: nrows_x rows of ncols_x elements, a multiple of the block size (an incomplete block counts as none);
// vy: ncols_y rows of nrows_y elements as quantize_q8_1 makes them (ncols_x padded; ncols_x or more, in whole
// q8_1 blocks). Nothing past the last row of either is read. Launch, and the tile of a block: tuning.h. What
// a product is: q4_0 to q5_1 multiply what a block adds to its quants by the s of the activations' block,
// other types by the quantised activations.
//
// The unit's define: QJ_TYPE, a block type of mul_mat_weights.h or types.h.
#include "tuning.h"
#ifdef QJ_HAS_MUL_MAT_TILES
#define QJ_WEIGHTS_IN_LDS // all that is unpacked lies there: load.h
#endif
#include "mul_mat.h"
#include "mul_mat_tiles.h"
#define QJ_WITH_MUL_MAT
#include "types.h"

#define QJ_CAT_(a, b) a##b
#define QJ_CAT(a, b)  QJ_CAT_(a, b)

// Left alone NVRTC aims at more blocks on a multiprocessor, which leaves too few registers to load ahead.
#ifdef __HIP_PLATFORM_NVIDIA__
#define QJ_BOUNDS MUL_MAT_THREADS, 2 /* blocks */
#else
#define QJ_BOUNDS MUL_MAT_THREADS
#endif

extern "C" __global__ void __launch_bounds__(QJ_BOUNDS) QJ_CAT(mul_mat_, QJ_TYPE)
(const void *__restrict__ vx, const void *__restrict__ vy, float *__restrict__ dst, const int ncols_x,
 const int nrows_x, const int ncols_y, const int nrows_y, const int nrows_dst)
{
    typedef QJ_CAT(block_, QJ_TYPE) block_type;
    enum {
        ROWS = QJ_CAT(MUL_MAT_ROWS_, QJ_TYPE),
        COLUMNS = QJ_CAT(MUL_MAT_COLUMNS_, QJ_TYPE),
        MANY = (int)ROWS == 64 ? mul_mat_tuning::COLUMNS_OF_64 : mul_mat_tuning::COLUMNS_OF_128,
        FEW = mul_mat_tuning::FEW_COLUMNS,
        MOST = (int)ROWS == 64 && (int)COLUMNS == 128 ? mul_mat_tuning::MOST_COLUMNS : MANY,
        THREAD_ROWS = mul_mat_tuning::THREAD_ROWS
    };
    typedef mul_mat_room<block_type, ROWS, MOST, mul_mat_tuning::SLICE> room_of_most;
    typedef mul_mat_room<block_type, ROWS, MANY, mul_mat_tuning::SLICE> room_of_many;
    typedef mul_mat_room<block_type, ROWS, FEW, mul_mat_tuning::SLICE_OF_FEW> room_of_few;
    enum {
        MORE = sizeof(room_of_most) > sizeof(room_of_few) ? sizeof(room_of_most) : sizeof(room_of_few),
        BYTES = (int)sizeof(room_of_many) > (int)MORE ? (int)sizeof(room_of_many) : (int)MORE
    };
    alignas(16) __shared__ unsigned char storage[BYTES];
    const unsigned n = (unsigned)nrows_x, n_columns = (unsigned)ncols_y;
    const mul_mat_operands<block_type> in = {(const block_type *)vx,
                                             (const block_q8_1 *)vy,
                                             dst,
                                             n,
                                             (unsigned)ncols_x / block_type::SIZE,
                                             n_columns,
                                             (unsigned)nrows_y / QK_BLOCK,
                                             (unsigned)nrows_dst};
    const unsigned first_row = blockIdx.x * ROWS, first = blockIdx.y * COLUMNS;
    if (first_row >= n)
        return;
    const unsigned end = min(n_columns, first + COLUMNS);
#pragma unroll 1
    for (unsigned column = first; column < end;) {
        const mul_mat_operands<block_type> left = in.from(first_row, column);
        if (FEW < MANY && end - column <= FEW) {
            mul_mat_columns<block_type, ROWS, FEW, THREAD_ROWS, mul_mat_tuning>(left,
                                                                                *(room_of_few *)storage);
            column += FEW;
        } else if (MANY < MOST && end - column > MANY) {
            mul_mat_columns<block_type, ROWS, MOST, THREAD_ROWS * MOST / MANY, mul_mat_tuning>(
                left, *(room_of_most *)storage);
            column += MOST;
        } else {
            mul_mat_columns<block_type, ROWS, MANY, THREAD_ROWS, mul_mat_tuning>(left,
                                                                                 *(room_of_many *)storage);
            column += MANY;
        }
    }
}
