// Transposes through LDS: tiles of 32 by 32, blocks of (32, 8), a padded row against bank conflicts.

#define TRANSPOSE_KERNEL(name, type)                                                                             \
    extern "C" __global__ void transpose_##name(type *out, const type *in, int n_rows, int n_columns)            \
    {                                                                                                            \
        __shared__ type tile[32][33];                                                                            \
        const int first_row = (int)blockIdx.y * 32, first_column = (int)blockIdx.x * 32;                         \
        for (int y = (int)threadIdx.y; y < 32; y += 8) {                                                         \
            const int row = first_row + y, column = first_column + (int)threadIdx.x;                             \
            if (row < n_rows && column < n_columns) {                                                            \
                tile[y][threadIdx.x] = in[row * n_columns + column];                                             \
            }                                                                                                    \
        }                                                                                                        \
        __syncthreads();                                                                                         \
        for (int y = (int)threadIdx.y; y < 32; y += 8) {                                                         \
            const int row = first_column + y, column = first_row + (int)threadIdx.x;                             \
            if (row < n_columns && column < n_rows) {                                                            \
                out[row * n_rows + column] = tile[threadIdx.x][y];                                               \
            }                                                                                                    \
        }                                                                                                        \
    }
TRANSPOSE_KERNEL(u8, unsigned char)
TRANSPOSE_KERNEL(u16, unsigned short)
TRANSPOSE_KERNEL(float, float)
TRANSPOSE_KERNEL(double, double)

// Two views of one dynamic array, as kernels with several buffers have them.
extern "C" __global__ void two_views(int *out, const int *in)
{
    extern __shared__ char memory[];
    int *words = (int *)memory;
    unsigned short *halves = (unsigned short *)(memory + blockDim.x * sizeof(int));
    const unsigned t = threadIdx.x, n = blockDim.x;
    words[t] = in[t];
    halves[t] = (unsigned short)(in[t] * 3);
    __syncthreads();
    out[t] = words[n - 1 - t] + halves[(t + 1) % n];
}
