// Reductions and scans: those of the project's reduce.h over 32 lanes, and over a block.
#include "reduce.h"

extern "C" __global__ void sums_of_32(float *sums, float *largest, const float *x)
{
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    sums[i] = subgroup_sum(x[i]);
    largest[i] = subgroup_max(x[i]);
}

// Every lane's own sum over the lanes up to it.
extern "C" __global__ void scan_of_32(int *x)
{
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    int value = x[i];
    for (int step = 1; step < 32; step *= 2) {
        const int below = __shfl_up(value, (unsigned)step, 32);
        if (threadIdx.x % 32 >= (unsigned)step) {
            value += below;
        }
    }
    x[i] = value;
}

// 32 lanes by shuffles, the groups of the block through LDS.
extern "C" __global__ void sum_of_block(float *sums, const float *x)
{
    __shared__ float partial[32];
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x, n_groups = blockDim.x / 32;
    const float of_group = subgroup_sum(x[i]);
    if (threadIdx.x % 32 == 0) {
        partial[threadIdx.x / 32] = of_group;
    }
    __syncthreads();
    if (threadIdx.x < 32) {
        const float sum = subgroup_sum(threadIdx.x < n_groups ? partial[threadIdx.x] : 0.0f);
        if (threadIdx.x == 0) {
            sums[blockIdx.x] = sum;
        }
    }
}

// A tree in LDS alone, a barrier a step.
extern "C" __global__ void largest_of_block(int *largest, const int *x)
{
    extern __shared__ int tree[];
    const unsigned t = threadIdx.x;
    tree[t] = x[blockIdx.x * blockDim.x + t];
    __syncthreads();
    for (unsigned step = blockDim.x / 2; step > 0; step /= 2) {
        if (t < step) {
            tree[t] = max(tree[t], tree[t + step]);
        }
        __syncthreads();
    }
    if (t == 0) {
        largest[blockIdx.x] = tree[0];
    }
}
