// dequantize_mul_mat_vec_<T>: a matrix of quantised weights times one column of f32 activations.
//
//   dst[row] = sum over e < ncols of x[row][e] * y[e]
//
// The weights are dequantised to f32 as dequantize_block_<T>_f32 does, products and sums are f32. Consecutive
// lanes have consecutive elements. ncols: a multiple of the block size. Launch: grid of a block for each row,
// block 32.
//
// The unit's defines:
//   QJ_TYPE     block type: q4_0 ... q6_K
//   QJ_NAME     the rest of the kernel's name
//   QJ_N_ROWS   1: the last parameter is the number of rows; 0: there is none, and the grid is exact
#include "dequantize.h"
#include "reduce.h"

#define QJ_CAT_(a, b) a##b
#define QJ_CAT(a, b)  QJ_CAT_(a, b)

typedef QJ_CAT(block_, QJ_TYPE) block_type;

#if QJ_N_ROWS
#define QJ_LAST_PARAMETER , const int nrows
#define QJ_IS_ROW         (blockIdx.x < (unsigned)nrows)
#else
#define QJ_LAST_PARAMETER
#define QJ_IS_ROW true
#endif

QJ_KERNEL(32)
QJ_CAT(dequantize_mul_mat_vec_, QJ_NAME)
(const void *__restrict__ vx, const float *__restrict__ y, float *__restrict__ dst,
 const int ncols QJ_LAST_PARAMETER)
{
    enum { STEP = 256, N_VALUES = STEP / SUBGROUP };
    if (!QJ_IS_ROW)
        return;
    const unsigned n = (unsigned)ncols, lane = threadIdx.x % SUBGROUP;
    const block_type *__restrict__ x = (const block_type *)vx + (size_t)blockIdx.x * (n / block_type::SIZE);
    float sum = 0.0f;
    unsigned first = 0;
#pragma unroll 1
    for (; first + STEP <= n; first += STEP) {
        const block_type *__restrict__ block = x + first / block_type::SIZE;
#pragma unroll
        for (unsigned i = 0; i < N_VALUES; i++) {
            const unsigned e = i * SUBGROUP + lane;
            sum += element(block[e / block_type::SIZE], e % block_type::SIZE) * y[first + e];
        }
    }
#pragma unroll 1
    for (; first < n; first += SUBGROUP) // types of 32 elements a block only
        sum += element(x[first / block_type::SIZE], (first + lane) % block_type::SIZE) * y[first + lane];
    sum = subgroup_sum(sum);
    if (lane == 0)
        dst[blockIdx.x] = sum;
}
