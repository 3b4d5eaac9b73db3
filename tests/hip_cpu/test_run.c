/* Kernels: compiled, loaded, launched, and what they compute. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hip_cpu_test.h"

Test(hip_cpu_run, adds_vectors)
{
    hip_open(NULL, NULL);
    hipModule_t module =
        hip_load("extern \"C\" __global__ void add(const float *a, const float *b, float *c, int n)\n"
                 "{ int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) c[i] = a[i] + b[i]; }\n");
    enum { N = 1000 };
    float a[N], b[N], c[N];
    for (int i = 0; i < N; i++) {
        a[i] = (float)i;
        b[i] = 0.5f * (float)i;
    }
    void *da = hip_upload(a, sizeof a), *db = hip_upload(b, sizeof b), *dc = hip_upload(NULL, sizeof c);
    int n = N;
    OK(hip_run(hip_function(module, "add"), 4, 256, 0, PARAMS(&da, &db, &dc, &n)));
    hip_download(c, dc, sizeof c);
    for (int i = 0; i < N; i++)
        cr_assert_eq(c[i], a[i] + b[i]);
    OK(hip.hipFree(da));
    OK(hip.hipFree(db));
    OK(hip.hipFree(dc));
    OK(hip.hipModuleUnload(module));
}

/* Each block reverses its part through LDS: without a working barrier the late half reads poison. */
Test(hip_cpu_run, barrier_and_static_lds)
{
    hip_open(NULL, NULL);
    hipModule_t module = hip_load("extern \"C\" __global__ void reverse(int *a) { __shared__ int s[256];\n"
                                  "int *mine = a + blockIdx.x * 256; s[threadIdx.x] = mine[threadIdx.x];\n"
                                  "__syncthreads(); mine[threadIdx.x] = s[255 - threadIdx.x]; }\n");
    enum { N = 256 * 40 };
    static int a[N];
    for (int i = 0; i < N; i++)
        a[i] = i;
    void *d = hip_upload(a, sizeof a);
    OK(hip_run(hip_function(module, "reverse"), N / 256, 256, 0, PARAMS(&d)));
    hip_download(a, d, sizeof a);
    for (int i = 0; i < N; i++)
        cr_assert_eq(a[i], i / 256 * 256 + 255 - i % 256);
}

/* ---- waves ---- */

static const char SUM_FOR_64[] = "extern \"C\" __global__ void k(int *out) { int x = threadIdx.x;\n"
                                 "for (int step = 32; step; step /= 2) x += __shfl_xor(x, step, 64);\n"
                                 "out[threadIdx.x] = x; }\n";

static int sum_of_64(const char *wave)
{
    hip_open(wave, NULL);
    void *out = hip_upload(NULL, 64 * sizeof(int));
    int sums[64];
    OK(hip_run(hip_function(hip_load(SUM_FOR_64), "k"), 1, 64, 0, PARAMS(&out)));
    hip_download(sums, out, sizeof sums);
    return sums[0];
}

/* A seeded bug: the kernel takes a wave for 64 lanes. Where it is 32, the result is another. */
Test(hip_cpu_run, wave_of_64_assumed_on_64)
{
    cr_assert_eq(sum_of_64("QJIT_HIP_CPU_WAVE=64"), 64 * 63 / 2);
}

Test(hip_cpu_run, wave_of_64_assumed_on_32)
{
    cr_assert_neq(sum_of_64("QJIT_HIP_CPU_WAVE=32"), 64 * 63 / 2);
}

/* Every shuffle with every width, against HIP's definition. */
static void shuffles(const char *wave_variable, int wave)
{
    hip_open(wave_variable, NULL);
    hipModule_t module = hip_load(
        "extern \"C\" __global__ void k(int *out, int width, int by) { int t = threadIdx.x, n = blockDim.x;\n"
        "out[t] = __shfl(t, by, width); out[n + t] = __shfl_up(t, by, width);\n"
        "out[2 * n + t] = __shfl_down(t, by, width); out[3 * n + t] = __shfl_xor(t, by, width);\n"
        "double d = t + 0.5; out[4 * n + t] = (int)(2 * __shfl(d, by, width)); }\n");
    enum { N = 128 };
    int got[5 * N];
    void *out = hip_upload(NULL, sizeof got);
    for (int width = 2; width <= wave; width *= 2) {
        for (int by = 0; by<width; by += width> 8 ? 5 : 1) {
            OK(hip_run(hip_function(module, "k"), 1, N, 0, PARAMS(&out, &width, &by)));
            hip_download(got, out, sizeof got);
            for (int t = 0; t < N; t++) {
                int first = t / width * width, up = t - by, down = t + by, other = first + ((t - first) ^ by);
                cr_assert_eq(got[t], first + by);
                cr_assert_eq(got[N + t], up < first ? t : up);
                cr_assert_eq(got[2 * N + t], down >= first + width ? t : down);
                cr_assert_eq(got[3 * N + t], other);
                cr_assert_eq(got[4 * N + t], 2 * (first + by) + 1);
            }
        }
    }
}

Test(hip_cpu_run, shuffles_on_32)
{
    shuffles("QJIT_HIP_CPU_WAVE=32", 32);
}

Test(hip_cpu_run, shuffles_on_64)
{
    shuffles("QJIT_HIP_CPU_WAVE=64", 64);
}

/* Votes count the lanes that are there: in a branch, after some have returned, in loops of different length.
 */
Test(hip_cpu_run, votes_of_active_lanes)
{
    hip_open("QJIT_HIP_CPU_WAVE=64", NULL);
    hipModule_t module = hip_load(
        "extern \"C\" __global__ void k(unsigned long long *out) { int t = threadIdx.x; unsigned long long b "
        "= 0;\n"
        "if (t >= 60) return;\n"
        "if (t < 10) b = __ballot(t % 2);\n"
        "out[t] = b; out[64 + t] = __ballot(1);\n"
        "int n = 0; for (int i = 0; i < t; i++) n += __popcll(__ballot(1)); out[128 + t] = n;\n"
        "out[192 + t] = __all(t < 60) + 2 * __any(t == 3) + 4 * __all(t < 59) + 8 * __any(t > 60); }\n");
    unsigned long long got[256];
    void *out = hip_upload(NULL, sizeof got);
    OK(hip_run(hip_function(module, "k"), 1, 64, 0, PARAMS(&out)));
    hip_download(got, out, sizeof got);
    for (unsigned t = 0; t < 60; t++) {
        unsigned expected = 0;
        for (unsigned i = 0; i < t; i++)
            expected += 59 - i;
        cr_assert_eq(got[t], t < 10 ? 0x2aau : 0u);
        cr_assert_eq(got[64 + t], (1ull << 60) - 1);
        cr_assert_eq(got[128 + t], expected, "%u: %llu", t, got[128 + t]);
        cr_assert_eq(got[192 + t], 3);
    }
}

/* ---- blocks ---- */

/* Threads that return early leave the barriers of the rest; the votes at a barrier are of those that are
 * there. */
Test(hip_cpu_run, early_return_and_votes_at_barriers)
{
    hip_open(NULL, NULL);
    hipModule_t module =
        hip_load("extern \"C\" __global__ void k(int *out, int n) { int t = threadIdx.x;\n"
                 "if (t >= n) return; __shared__ int s[256]; s[t] = t; __syncthreads();\n"
                 "out[t] = s[n - 1 - t] + 1000 * __syncthreads_count(t % 2)\n"
                 "+ 1000000 * __syncthreads_and(t < n) + 2000000 * __syncthreads_or(t == 1000); }\n");
    enum { N = 77 };
    int got[N], n = N;
    void *out = hip_upload(NULL, sizeof got);
    OK(hip_run(hip_function(module, "k"), 1, 256, 0, PARAMS(&out, &n)));
    hip_download(got, out, sizeof got);
    for (int t = 0; t < N; t++)
        cr_assert_eq(got[t], N - 1 - t + 1000 * 38 + 1000000);
}

/* Dynamic LDS: all unsized arrays begin at the same place, blocks do not share it. */
Test(hip_cpu_run, dynamic_lds)
{
    hip_open("QJIT_HIP_CPU_THREADS=3", NULL);
    hipModule_t module =
        hip_load("extern __shared__ unsigned char outside[];\n"
                 "extern \"C\" __global__ void k(int *out, int n) { extern __shared__ int s[]; "
                 "HIP_DYNAMIC_SHARED(float, other)\n"
                 "for (int i = threadIdx.x; i < n; i += blockDim.x) s[i] = i + blockIdx.x; __syncthreads();\n"
                 "int sum = (void *)s == (void *)outside && (void *)s == (void *)other;\n"
                 "if (threadIdx.x == 0) { for (int i = 0; i < n; i++) sum += s[n - 1 - i]; out[blockIdx.x] = "
                 "sum; } }\n");
    int got[50], n = 16384;
    void *out = hip_upload(NULL, sizeof got);
    OK(hip_run(hip_function(module, "k"), 50, 64, 65536, PARAMS(&out, &n)));
    hip_download(got, out, sizeof got);
    for (int b = 0; b < 50; b++)
        cr_assert_eq(got[b], n * (n - 1) / 2 + n * b + 1);
    cr_assert_eq(hip.hipModuleLaunchKernel(hip_function(module, "k"), 1, 1, 1, 64, 1, 1, 65537, NULL,
                                           PARAMS(&out, &n), NULL),
                 QJ_HIP_ERROR_INVALID_VALUE);
}

/* Static LDS holds no value of the block before, and is poisoned: all ones, not a number. */
Test(hip_cpu_run, lds_is_poisoned)
{
    hip_open("QJIT_HIP_CPU_THREADS=1", NULL);
    hipModule_t module =
        hip_load("extern \"C\" __global__ void k(unsigned *out) { __shared__ volatile unsigned s[4];\n"
                 "out[blockIdx.x] = s[2]; s[2] = 7; }\n");
    unsigned got[3];
    void *out = hip_upload(NULL, sizeof got);
    OK(hip_run(hip_function(module, "k"), 3, 1, 0, PARAMS(&out)));
    hip_download(got, out, sizeof got);
    for (int b = 0; b < 3; b++)
        cr_assert_eq(got[b], 0xffffffffu);
}

Test(hip_cpu_run, fresh_memory_is_poisoned)
{
    hip_open(NULL, NULL);
    unsigned char got[100];
    void *memory = hip_upload(NULL, sizeof got);
    hip_download(got, memory, sizeof got);
    for (size_t i = 0; i < sizeof got; i++)
        cr_assert_eq(got[i], 0xff);
}

/* Grids and blocks of three dimensions, each thread once. */
Test(hip_cpu_run, three_dimensions)
{
    hip_open(NULL, NULL);
    hipModule_t module =
        hip_load("extern \"C\" __global__ void k(int *out) {\n"
                 "int b = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;\n"
                 "int t = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;\n"
                 "atomicAdd(&out[b * blockDim.x * blockDim.y * blockDim.z + t], 1 + (int)(__lane_id() == t % "
                 "warpSize)); }\n");
    enum { N = 2 * 3 * 4 * 5 * 6 * 7 };
    static int got[N];
    void *out = hip_upload(got, sizeof got);
    OK(hip.hipModuleLaunchKernel(hip_function(module, "k"), 2, 3, 4, 5, 6, 7, 0, NULL, PARAMS(&out), NULL));
    hip_download(got, out, sizeof got);
    for (int i = 0; i < N; i++)
        cr_assert_eq(got[i], 2);
}

/* ---- memory ---- */

Test(hip_cpu_run, atomics_across_blocks)
{
    hip_open("QJIT_HIP_CPU_THREADS=4", NULL);
    hipModule_t module = hip_load(
        "extern \"C\" __global__ void k(int *i, unsigned *u, unsigned long long *l, float *f, double *d) {\n"
        "int t = blockIdx.x * blockDim.x + threadIdx.x; atomicAdd(i, 1); atomicSub(i + 1, 2); atomicMax(i + "
        "2, t);\n"
        "atomicMin(i + 3, -t); atomicInc(u, 9); atomicOr(u + 1, 1u << t % 32); atomicXor(u + 2, t); "
        "atomicAdd(l, t);\n"
        "atomicAdd(f, 1.0f); atomicAdd(d, 0.5); int old = i[4], seen;\n"
        "do { seen = old; old = atomicCAS(i + 4, seen, seen + 3); } while (old != seen); atomicExch(u + 3, "
        "5u); }\n");
    enum { N = 100 * 128 };
    int i[5] = {0}, xor = 0;
    unsigned u[4] = {0};
    unsigned long long l = 0;
    float f = 0;
    double d = 0;
    void *di = hip_upload(i, sizeof i), *du = hip_upload(u, sizeof u), *dl = hip_upload(&l, sizeof l),
         *df = hip_upload(&f, sizeof f), *dd = hip_upload(&d, sizeof d);
    OK(hip_run(hip_function(module, "k"), 100, 128, 0, PARAMS(&di, &du, &dl, &df, &dd)));
    hip_download(i, di, sizeof i);
    hip_download(u, du, sizeof u);
    hip_download(&l, dl, sizeof l);
    hip_download(&f, df, sizeof f);
    hip_download(&d, dd, sizeof d);
    for (int t = 0; t < N; t++)
        xor ^= t;
    cr_assert(i[0] == N && i[1] == -2 * N && i[2] == N - 1 && i[3] == 1 - N && i[4] == 3 * N);
    cr_assert(u[0] == N % 10 && u[1] == ~0u && u[2] == (unsigned)xor&&u[3] == 5);
    cr_assert(l == (unsigned long long)N * (N - 1) / 2 && f == (float)N && d == 0.5 * N);
}

/* Constants and device variables: found by name, written by the host, of this module alone. */
Test(hip_cpu_run, globals_of_two_modules)
{
    hip_open(NULL, NULL);
    const char *source =
        "__constant__ float scale[4]; __device__ int counter = 5; namespace n { __device__ short s; }\n"
        "extern \"C\" __global__ void k(float *out) { *out = scale[3] + counter++ + n::s; }\n";
    hipModule_t modules[2] = {hip_load(source), hip_load(source)};
    void *out = hip_upload(NULL, sizeof(float));
    for (int i = 0; i < 2; i++) {
        hipDeviceptr_t at = NULL;
        size_t n = 0;
        OK(hip.hipModuleGetGlobal(&at, &n, modules[i], "scale"));
        cr_assert_eq(n, 16);
        float scale[4] = {0, 0, 0, 100.0f * (float)(i + 1)};
        OK(hip.hipMemcpy(at, scale, n, QJ_HIP_MEMCPY_HOST_TO_DEVICE));
    }
    for (int i = 0; i < 4; i++) {
        float got = 0;
        OK(hip_run(hip_function(modules[i % 2], "k"), 1, 1, 0, PARAMS(&out)));
        hip_download(&got, out, sizeof got);
        cr_assert_float_eq(got, 100.0f * (float)(i % 2 + 1) + 5.0f + (float)(i / 2), 0);
    }
    hipDeviceptr_t at = NULL;
    size_t n = 0;
    OK(hip.hipModuleGetGlobal(&at, &n, modules[0], "_ZN1n1sE"));
    cr_assert_eq(n, 2);
    cr_assert_eq(hip.hipModuleGetGlobal(&at, &n, modules[0], "absent"), QJ_HIP_ERROR_NOT_FOUND);
    cr_assert_eq(hip.hipModuleGetGlobal(&at, &n, modules[0], "k"), QJ_HIP_ERROR_NOT_FOUND);
    OK(hip.hipModuleUnload(modules[0]));
    OK(hip_run(hip_function(modules[1], "k"), 1, 1, 0, PARAMS(&out)));
}

/* Arguments of every size, by value, as an array of pointers and as one packed buffer. */
Test(hip_cpu_run, arguments)
{
    hip_open(NULL, NULL);
    hipModule_t module = hip_load("struct big { double d[5]; char c; };\n"
                                  "extern \"C\" __global__ void k(char c, double *out, short s, float f, big "
                                  "b, bool t, __half h, long long l) {\n"
                                  "out[0] = c; out[1] = s; out[2] = f; out[3] = b.d[4] + b.c; out[4] = t; "
                                  "out[5] = (float)h; out[6] = l; }\n");
    struct {
        double d[5];
        char c;
    } big = {{0, 0, 0, 0, 4.5}, 3};
    double got[7], expected[7] = {-3, 300, 1.25, 7.5, 1, 1.5, -9e15};
    void *out = hip_upload(NULL, sizeof got);
    char c = -3;
    short s = 300;
    float f = 1.25f;
    unsigned char t = 1;
    uint16_t h = 0x3e00;
    long long l = -9000000000000000;
    OK(hip_run(hip_function(module, "k"), 1, 1, 0, PARAMS(&c, &out, &s, &f, &big, &t, &h, &l)));
    hip_download(got, out, sizeof got);
    cr_assert_arr_eq(got, expected, sizeof got);
    OK(hip.hipMemset(out, 0, sizeof got));
    char buffer[96];
    size_t n = 88;
    memcpy(buffer + 0, &c, 1);
    memcpy(buffer + 8, &out, 8);
    memcpy(buffer + 16, &s, 2);
    memcpy(buffer + 20, &f, 4);
    memcpy(buffer + 24, &big, 48);
    memcpy(buffer + 72, &t, 1);
    memcpy(buffer + 74, &h, 2);
    memcpy(buffer + 80, &l, 8);
    void *extra[] = {(void *)1, buffer, (void *)2, &n, (void *)3};
    hipFunction_t k = hip_function(module, "k");
    OK(hip.hipModuleLaunchKernel(k, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, extra));
    hip_download(got, out, sizeof got);
    cr_assert_arr_eq(got, expected, sizeof got);
    n = 87;
    cr_assert_eq(hip.hipModuleLaunchKernel(k, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, extra),
                 QJ_HIP_ERROR_INVALID_VALUE);
}

/* ---- faults ---- */

/* A wild address, a division by zero, a stack that runs over: an error code that stays, no dead process. */
static void expect_fault(const char *body, int error)
{
    hip_open(NULL, NULL);
    char source[1024];
    snprintf(
        source, sizeof source,
        "__device__ __noinline__ int deep(volatile int *p, int n) { volatile int a[256]; a[n %% 256] = n;\n"
        "return n == -1 ? 0 : deep(p, n + 1) + a[p[0] & 255]; }\n"
        "extern \"C\" __global__ void k(int *p, int zero) { %s }\n"
        "extern \"C\" __global__ void good() {}\n",
        body);
    hipModule_t module = hip_load(source);
    int zeros[16] = {0}, zero = 0;
    void *p = hip_upload(zeros, sizeof zeros);
    cr_assert_eq(hip_run(hip_function(module, "k"), 3, 40, 0, PARAMS(&p, &zero)), error);
    cr_assert(strstr(hip_report(), "k: "), "%s", hip_report());
    cr_assert_eq(hip.hipDeviceSynchronize(), error);
    cr_assert_eq(hip_run(hip_function(module, "good"), 1, 1, 0, NULL), error);
    void *more = NULL;
    cr_assert_eq(hip.hipMalloc(&more, 16), error);
    cr_assert_eq(hip.hipGetLastError(), error);
}

Test(hip_cpu_run, fault_of_address)
{
    expect_fault("*(volatile int *)(0x10000l * (zero + 1)) = p[0];", QJ_HIP_ERROR_ILLEGAL_ADDRESS);
}

Test(hip_cpu_run, fault_of_division)
{
    expect_fault("p[0] = p[1] / zero;", QJ_HIP_ERROR_LAUNCH_FAILURE);
}

Test(hip_cpu_run, fault_of_stack)
{
    expect_fault("p[0] = deep(p, 0);", QJ_HIP_ERROR_ILLEGAL_ADDRESS);
}

Test(hip_cpu_run, fault_of_assertion)
{
    expect_fault("assert(zero == 1);", 710);
}

/* After other threads have stopped at a barrier. */
Test(hip_cpu_run, fault_amid_barriers)
{
    expect_fault("__syncthreads(); if (threadIdx.x == 20) __trap(); __syncthreads(); p[0] = 1;",
                 QJ_HIP_ERROR_LAUNCH_FAILURE);
}

/* ---- numbers ---- */

/* Every half to float and back, and every float near a tie, against the compiler's own type. */
Test(hip_cpu_run, half_conversions)
{
    hip_open(NULL, NULL);
    hipModule_t module =
        hip_load("extern \"C\" __global__ void widen(const __half *h, float *f) {\n"
                 "int i = blockIdx.x * 256 + threadIdx.x; f[i] = __half2float(h[i]); }\n"
                 "extern \"C\" __global__ void narrow(const float *f, __half *h) {\n"
                 "int i = blockIdx.x * 256 + threadIdx.x; h[i] = __float2half_rn(f[i]); }\n");
    enum { N = 65536 };
    static uint16_t half[N], back[N];
    static float wide[N];
    for (unsigned i = 0; i < N; i++)
        half[i] = (uint16_t)i;
    void *dh = hip_upload(half, sizeof half), *df = hip_upload(NULL, sizeof wide);
    OK(hip_run(hip_function(module, "widen"), N / 256, 256, 0, PARAMS(&dh, &df)));
    hip_download(wide, df, sizeof wide);
    for (unsigned i = 0; i < N; i++) {
        int exponent = i >> 10 & 31, mantissa = i & 1023;
        double value = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
        if (exponent == 31)
            cr_assert(mantissa ? isnan(wide[i]) : isinf(wide[i]));
        else
            cr_assert_eq((double)wide[i], i & 0x8000 ? -value : value);
        cr_assert_eq(!!signbit(wide[i]), i >> 15);
    }
    OK(hip_run(hip_function(module, "narrow"), N / 256, 256, 0, PARAMS(&df, &dh)));
    hip_download(back, dh, sizeof back);
    for (unsigned i = 0; i < N; i++)
        cr_assert_eq(back[i], isnan(wide[i]) ? half[i] | 0x200 : half[i]);
    /* between each half and the next: below, at and above the middle; the last is half way to infinity */
    for (int side = -1; side <= 1; side++) {
        for (unsigned i = 0; i < 0x7c00; i++) {
            double next = i == 0x7bff ? 65536.0 : (double)wide[i + 1], middle = ((double)wide[i] + next) / 2;
            wide[0x8000 + i] = side ? nextafterf((float)middle, side < 0 ? 0.0f : INFINITY) : (float)middle;
        }
        OK(hip.hipMemcpy(df, wide + 0x8000, 0x7c00 * sizeof(float), QJ_HIP_MEMCPY_HOST_TO_DEVICE));
        OK(hip_run(hip_function(module, "narrow"), 0x7c00 / 256, 256, 0, PARAMS(&df, &dh)));
        hip_download(back, dh, sizeof back);
        for (unsigned i = 0; i < 0x7c00; i++)
            cr_assert_eq(back[i],
                         side < 0   ? i
                         : side > 0 ? i + 1
                                    : i + (i & 1),
                         "%u side %d: %u", i, side, back[i]);
    }
}

/* ---- speed ---- */

/* Not a benchmark: that a switch of threads costs nanoseconds, and an idle block no more. */
Test(hip_cpu_run, is_fast_enough)
{
    hip_open(NULL, NULL);
    hipModule_t module =
        hip_load("extern \"C\" __global__ void k(int *out, int n) { int x = threadIdx.x;\n"
                 "for (int i = 0; i < n; i++) { x += __shfl_xor(x, 1); __syncthreads(); } *out = x; }\n");
    void *out = hip_upload(NULL, sizeof(int));
    int n = 100;
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    OK(hip_run(hip_function(module, "k"), 64, 256, 0, PARAMS(&out, &n))); /* 3.3 million switches */
    clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds = (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
    cr_log_info("%.3f s", seconds);
    cr_assert_lt(seconds, 20.0);
    printf("3.3 million switches: %.3f s\n", seconds);
}
