// indexed_moe_forward_<T>_q8_1: for each of topk experts that an input names, the expert's matrix times it.
//
//   all_outputs[(b * topk + t) * n + row] = sum over e < k of weights[i][row][e] * inputs[b][t][e]
//   with i = indices[b * topk + t]
//
// all_weights: matrices of n rows of k elements, k a multiple of the block size, one after the other; any
// index that lies within them is right. all_inputs: batch * input_dim1 rows of k_padded elements as
// quantize_q8_1 makes them; input_dim1 is topk, or 1 if all experts of b share one row. What is computed
// exactly is in dot.h. Launch: grid (n, batch, topk), block (32, 4).
//
// The unit's defines: QJ_TYPE, a block type of dot.h; QJ_NAME, the same in the kernel's name.
#include "mat_vec.h"
#include "tuning.h"

#define QJ_CAT_(a, b, c) a##b##c
#define QJ_CAT(a, b, c)  QJ_CAT_(a, b, c)

typedef QJ_CAT(block_, QJ_TYPE, ) block_type;

enum {
    SUBGROUPS = QJ_MAT_VEC_SUBGROUPS(1),
    ROWS = mat_vec_tuning<block_type>::MOE_ROWS,
    SHARERS = mat_vec_tuning<block_type>::MOE_SHARERS,
    BLOCK_ROWS = ROWS * SUBGROUPS / SHARERS // with more than one, the last blocks of threads do nothing
};

QJ_KERNEL(32 * SUBGROUPS)
QJ_CAT(indexed_moe_forward_, QJ_NAME, _q8_1)
(const void *__restrict__ all_weights, const void *__restrict__ all_inputs,
 const unsigned *__restrict__ indices, float *__restrict__ all_outputs, const int n, const int k,
 const int batch, const int topk, const int k_padded, const int input_dim1)
{
    const unsigned b = blockIdx.y, t = blockIdx.z, n_rows = (unsigned)n;
    if (blockIdx.x >= (n_rows + BLOCK_ROWS - 1) / BLOCK_ROWS || b >= (unsigned)batch || t >= (unsigned)topk)
        return;
    const unsigned first_row = blockIdx.x * BLOCK_ROWS;
    const size_t task = (size_t)b * (unsigned)topk + t;
    const size_t input = (size_t)b * (unsigned)input_dim1 + (input_dim1 == 1 ? 0 : t);
    const size_t expert_blocks = (size_t)n_rows * ((unsigned)k / block_type::SIZE);
    mat_vec<block_type, ROWS, 1, SUBGROUPS, SHARERS>(
        (const block_type *)all_weights + indices[task] * expert_blocks,
        (const block_q8_1 *)all_inputs + input * ((unsigned)k_padded / QK_BLOCK), all_outputs + task * n_rows,
        first_row, (unsigned)k, n_rows, (unsigned)k_padded, n_rows);
}
