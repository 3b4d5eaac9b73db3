/* Kernels: compiled, loaded, launched, and what they compute. */
#include <criterion/criterion.h>
#include <math.h>
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
