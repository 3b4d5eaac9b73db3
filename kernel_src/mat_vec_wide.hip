// mul_mat_vec_wide_<T>_q8_1: what mul_mat_vec_<T>_q8_1_cuda1 computes, by a launch of its own.
//
//   dst[row] = sum over e < ncols_x of x[row][e] * y[e]
//
// That has a block of threads for each row, which existing callers keep to; starting them takes an NVIDIA
// H200 a good part of the time of a small matrix. Here a block takes rows until none are left.
//
// vx: nrows_x rows of ncols_x elements, a multiple of the block size; vy: ncols_x elements or more as
// quantize_q8_1 makes them. Launch: block (32, sub-groups of the type's row in tuning.h, 1), any
// grid; tuning.h says which is best.
//
// The unit's define: QJ_TYPE, a block type of dot.h or types.h.
#include "mat_vec_wide.h"
#include "tuning.h"
#define QJ_WITH_DOT
#include "types.h"

#define QJ_CAT_(a, b, c) a##b##c
#define QJ_CAT(a, b, c)  QJ_CAT_(a, b, c)

typedef QJ_CAT(block_, QJ_TYPE, ) block_type;

typedef wide_tuning<block_type> cut;

#if defined(__HIP_PLATFORM_NVIDIA__) && __CUDA_ARCH__ >= 900 // older ones are not tuned, and some would spill
extern "C" __global__ void __launch_bounds__(32 * cut::SUBGROUPS, cut::BLOCKS)
#else
QJ_KERNEL(32 * cut::SUBGROUPS)
#endif
    QJ_CAT(mul_mat_vec_wide_, QJ_TYPE, _q8_1)(const void *__restrict__ vx, const void *__restrict__ vy,
                                              float *__restrict__ dst, const int ncols_x, const int nrows_x)
{
    const unsigned k = (unsigned)ncols_x, n = (unsigned)nrows_x;
    typedef typename wide_group<block_type>::type group;
    if constexpr (sizeof(group) > sizeof(block_type)) {
        if ((uintptr_t)vx % wide_group<block_type>::ALIGNMENT != 0 || k % group::SIZE != 0) {
            mat_vec_turns<block_type, cut::ROWS, cut::SUBGROUPS, 1>(vx, vy, dst, k, n);
            return;
        }
    }
    mat_vec_wide<block_type, group>(vx, vy, dst, k, n);
}
