// quantize_q8_1: rows of f32 to rows of q8_1 blocks, for the integer dot products of mat-vec and mat-mul.
//
// kx = width of a row of x in elements; kx_padded = width of a row of blocks, a multiple of 32: columns at
// and past kx count as 0. Launch: grid (ceil(kx_padded / 256), rows), block 256; 32 lanes make one block.
//
// With amax the largest magnitude of the 32: scale = amax / 127 in f32, and each quant is x / scale with that
// unrounded scale, rounded half away from zero. Stored are d = scale and s = the sum of the 32 inputs, added
// by the tree of reduce.h in f32, both rounded to f16. A block of zeros is zero throughout. Quants stay
// within -127 to 127 whatever the input: a NaN becomes 127 and makes s NaN.
#include "blocks.h"
#include "reduce.h"

QJ_DEVICE int8_t quantize(float x, float scale)
{
    if (scale == 0.0f) // also of inputs so small that amax / 127 is 0
        return 0;
    return (int8_t)fmaxf(fminf(roundf(x / scale), 127.0f), -127.0f);
}

QJ_KERNEL(256)
quantize_q8_1(const float *__restrict__ x, void *__restrict__ vy, const int kx, const int kx_padded)
{
    const unsigned column = blockIdx.x * blockDim.x + threadIdx.x;
    const unsigned n_blocks = (unsigned)kx_padded / QK_BLOCK, lane = threadIdx.x % QK_BLOCK;
    if (column / QK_BLOCK >= n_blocks) // the same for all lanes of a block
        return;
    const size_t row = blockIdx.y;
    const float value = column < (unsigned)kx ? x[row * (unsigned)kx + column] : 0.0f;
    const float scale = subgroup_max(fabsf(value)) / 127.0f;
    const float sum = subgroup_sum(value);
    block_q8_1 *__restrict__ y = (block_q8_1 *)vy + row * n_blocks + column / QK_BLOCK;
    y->qs[lane] = quantize(value, scale);
    if (lane == 0) {
        y->d = __float2half_rn(scale);
        y->s = __float2half_rn(sum);
    }
}
