// The kernels of the conformance suite, in the HIP that every platform's run-time compiler takes without headers.

__device__ int table[4] = {1, 2, 3, 4};
__constant__ float factors[2] = {0.5f, 2.0f};

extern "C" __global__ void fill(int *out, int value, int n)
{
    int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < n) {
        out[i] = value;
    }
}

extern "C" __global__ void add_one(int *x, int n)
{
    int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < n) {
        x[i] = x[i] + 1;
    }
}

// Each thread writes its own coordinates, so that every index of a three-dimensional launch is seen once.
extern "C" __global__ void coordinates(unsigned *out)
{
    unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
    unsigned i = block * (blockDim.x * blockDim.y * blockDim.z) + thread;
    out[i] = blockIdx.x | blockIdx.y << 4 | blockIdx.z << 8 | threadIdx.x << 12 | threadIdx.y << 18 |
             threadIdx.z << 24;
}

extern "C" __global__ void reverse_static(int *x)
{
    __shared__ int lds[256];
    unsigned t = threadIdx.x;
    lds[t] = x[t];
    __syncthreads();
    x[t] = lds[blockDim.x - 1 - t];
}

extern "C" __global__ void reverse_dynamic(int *x)
{
    extern __shared__ int dynamic_lds[];
    unsigned t = threadIdx.x;
    dynamic_lds[t] = x[t];
    __syncthreads();
    x[t] = dynamic_lds[blockDim.x - 1 - t];
}

// Writes and reads every word of n dynamic words.
extern "C" __global__ void sweep_dynamic(int *out, int n)
{
    extern __shared__ int dynamic_lds[];
    for (int i = (int)threadIdx.x; i < n; i += (int)blockDim.x) {
        dynamic_lds[i] = i;
    }
    __syncthreads();
    int sum = 0;
    for (int i = (int)threadIdx.x; i < n; i += (int)blockDim.x) {
        sum += dynamic_lds[n - 1 - i] == n - 1 - i;
    }
    atomicAdd(out, sum);
}

extern "C" __global__ void __launch_bounds__(64) bound_64(int *out)
{
    out[threadIdx.x] = 1;
}

// Takes its time: a chain that cannot be shortened. Adds 1 to *x at its end.
extern "C" __global__ void slow_add(int *x, int n, unsigned *sink)
{
    unsigned state = (unsigned)*x + 1u;
    for (int i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
    }
    *sink = state;
    *x = *x + 1;
}

extern "C" __global__ void store_at(int *where)
{
    *where = 1;
}

extern "C" __global__ void count(unsigned *counter)
{
    atomicAdd(counter, 1u);
}

// Parameters of every size and alignment, in an order that needs padding.
extern "C" __global__ void many_params(char a, double b, short c, float d, long long e, unsigned char f, int *g,
                                       double *out)
{
    out[0] = (double)a;
    out[1] = b;
    out[2] = (double)c;
    out[3] = (double)d;
    out[4] = (double)e;
    out[5] = (double)f;
    out[6] = (double)g[0];
}

struct params_by_value {
    int n;
    double x[3];
    unsigned char last;
};

extern "C" __global__ void struct_param(params_by_value p, double *out)
{
    out[0] = p.x[0] + p.x[1] + p.x[2];
    out[1] = (double)(p.n + p.last);
}

extern "C" __global__ void read_globals(float *out)
{
    out[threadIdx.x] = (float)table[threadIdx.x] * factors[threadIdx.x & 1];
    table[threadIdx.x] = table[threadIdx.x] + 10;
}

extern "C" __global__ void wavefront(int *out)
{
    out[0] = (int)warpSize;
}

extern "C" __global__ void no_params()
{
}

// 64 threads sum through shuffles of width 16: right on wavefronts of 32 and of 64.
extern "C" __global__ void sum_16(int *x)
{
    int value = x[threadIdx.x];
    for (int step = 8; step > 0; step >>= 1) {
        value += __shfl_xor(value, step, 16);
    }
    x[threadIdx.x] = value;
}

// Every third thread leaves before the barrier-free rest.
extern "C" __global__ void leave_early(int *out)
{
    if (threadIdx.x % 3 == 0) {
        return;
    }
    out[threadIdx.x] = (int)threadIdx.x;
}

template <typename T, int N> __global__ void scale(T *x)
{
    x[threadIdx.x] = x[threadIdx.x] * (T)N;
}
