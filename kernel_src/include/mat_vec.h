// A block of threads' share of a mat-vec: ROWS rows of weights times COLUMNS columns of q8_1 activations.
#pragma once

#include "dot.h"
#include "reduce.h"

// vx: n rows of k elements each, vy: COLUMNS rows of k_padded elements each, packed; dst[column * n_dst +
// row]. The block is (SUBGROUP, SUBGROUPS). Rows from n on are neither read nor written. A row's parts are
// dealt to the threads in turn, PARTS at a time.
template <typename Block, int ROWS, int COLUMNS, int SUBGROUPS, int PARTS>
QJ_DEVICE void mat_vec(const void *__restrict__ vx, const void *__restrict__ vy, float *__restrict__ dst,
                       unsigned first_row, unsigned k, unsigned n, unsigned k_padded, unsigned n_dst)
{
    typedef dot_product<Block> product;
    enum { THREADS = SUBGROUP * SUBGROUPS, META = Block::SIZE / QK_BLOCK };
    const unsigned n_blocks = k / Block::SIZE, n_parts = n_blocks * product::PARTS;
    const unsigned column_blocks = k_padded / QK_BLOCK;
    const block_q8_1 *__restrict__ y = (const block_q8_1 *)vy;
    const Block *__restrict__ x[ROWS];
#pragma unroll
    for (int r = 0; r < ROWS; r++) // a row past the end reads the last one again
        x[r] = (const Block *)vx + (size_t)min(first_row + r, n - 1) * n_blocks;

    float sums[ROWS][COLUMNS] = {};
#pragma unroll 1
    for (unsigned first = threadIdx.y * SUBGROUP + threadIdx.x; first < n_parts; first += THREADS * PARTS) {
        typename product::weights weights[PARTS][ROWS];
#pragma unroll
        for (int i = 0; i < PARTS; i++) {
            const unsigned part = first + i * THREADS < n_parts ? first + i * THREADS : first;
#pragma unroll
            for (int r = 0; r < ROWS; r++)
                weights[i][r].load(x[r] + part / product::PARTS, part % product::PARTS);
        }
#pragma unroll
        for (int i = 0; i < PARTS; i++) {
            const bool there = first + i * THREADS < n_parts;
            const unsigned part = there ? first + i * THREADS : first;
#pragma unroll
            for (int c = 0; c < COLUMNS; c++) {
                typename product::activations activations;
                activations.load(y + c * column_blocks + part / product::PARTS * META, part % product::PARTS);
#pragma unroll
                for (int r = 0; r < ROWS; r++) {
                    const float value = product::dot(weights[i][r], activations);
                    sums[r][c] += there ? value : 0.0f;
                }
            }
        }
    }

    // Each of the other sub-groups leaves its lanes' sums to the first.
    __shared__ float others[SUBGROUPS - 1][ROWS * COLUMNS][SUBGROUP];
    const unsigned lane = threadIdx.x, subgroup = threadIdx.y;
    if (subgroup > 0) {
#pragma unroll
        for (int i = 0; i < ROWS * COLUMNS; i++)
            others[subgroup - 1][i][lane] = sums[i / COLUMNS][i % COLUMNS];
    }
    __syncthreads();
    if (subgroup > 0)
        return;
#pragma unroll
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        float sum = sums[i / COLUMNS][i % COLUMNS];
#pragma unroll
        for (int s = 0; s < SUBGROUPS - 1; s++)
            sum += others[s][i][lane];
        sum = subgroup_sum(sum);
        const unsigned row = first_row + i / COLUMNS, column = i % COLUMNS;
        if (lane == i && row < n)
            dst[(size_t)column * n_dst + row] = sum;
    }
}
