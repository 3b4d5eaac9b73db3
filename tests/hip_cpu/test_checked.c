/* Checked mode: bugs that are put into kernels on purpose, and what the library says of each. Every kernel
 * has a twin without the bug, which must pass: a check that refuses everything would catch these too. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hip_cpu_test.h"

static void open_checked(void)
{
    hip_open("QJIT_HIP_CPU_CHECK=1", "QJIT_HIP_CPU_THREADS=2", NULL);
}

/* Compiles the source with and without BUG, runs kernel `name` with one block of `block` threads over n ints:
 * without it must pass and say nothing, with it must fail with `error` and a report that has each of `words`.
 */
static void expect(const char *body, unsigned block, unsigned lds_bytes, int error, const char *const *words)
{
    open_checked();
    char source[4096];
    int ones[1024];
    for (int i = 0; i < 1024; i++)
        ones[i] = i;
    for (int bug = 0; bug < 2; bug++) {
        snprintf(source, sizeof source, "#define BUG %d\n%s", bug, body);
        hipModule_t module = hip_load(source);
        void *in = hip_upload(ones, block * sizeof(int)), *out = hip_upload(NULL, block * sizeof(int));
        int got = hip_run(hip_function(module, "k"), 1, block, lds_bytes, PARAMS(&in, &out));
        cr_assert_eq(got, bug ? error : 0, "bug %d: error %d: %s", bug, got, hip_report());
        if (!bug)
            cr_assert_str_empty(hip_report());
    }
    for (; *words; words++)
        cr_assert(strstr(hip_report(), *words), "'%s' is not in: %s", *words, hip_report());
}

#define EXPECT(body, block, lds, error, ...)                                                                 \
    expect("extern \"C\" __global__ void k(const int *in, int *out) { int t = threadIdx.x;\n" body "}\n",    \
           block, lds, error, (const char *const[]){"k: ", __VA_ARGS__, NULL})

Test(hip_cpu_checked, store_one_too_far)
{
    EXPECT("out[t + BUG] = in[t];", 100, 0, QJ_HIP_ERROR_ILLEGAL_ADDRESS, "out of bounds write of 4 bytes",
           "0 bytes behind an allocation of 400 bytes", "block (0,0,0) thread (99,0,0)");
}

Test(hip_cpu_checked, load_before_the_beginning)
{
    EXPECT("out[t] = in[t - BUG];", 64, 0, QJ_HIP_ERROR_ILLEGAL_ADDRESS, "out of bounds read of 4 bytes",
           "4 bytes before an allocation of 256 bytes", "thread (0,0,0)");
}

/* What the host may touch and the device may not. */
Test(hip_cpu_checked, pointer_into_the_host)
{
    open_checked();
    hipModule_t module = hip_load("extern \"C\" __global__ void k(int *p) { *p = 1; }");
    int here = 0, *p = &here;
    cr_assert_eq(hip_run(hip_function(module, "k"), 1, 1, 0, PARAMS(&p)), QJ_HIP_ERROR_ILLEGAL_ADDRESS);
    cr_assert_eq(here, 0);
}

Test(hip_cpu_checked, missing_barrier)
{
    EXPECT("__shared__ int s[128]; s[t] = in[t];\n#if !BUG\n__syncthreads();\n#endif\nout[t] = s[127 - t];",
           128, 0, QJ_HIP_ERROR_LAUNCH_FAILURE, "LDS", "block (0,0,0) thread");
}

/* The array was filled before: a stale value is read, or a new one, and both look initialised. */
Test(hip_cpu_checked, race_of_write_and_read)
{
    EXPECT("__shared__ int s[128]; s[t] = in[t]; __syncthreads(); int x = s[(t + 1) % 128];\n"
           "#if !BUG\n__syncthreads();\n#endif\ns[t] = x; __syncthreads(); out[t] = s[t];",
           128, 0, QJ_HIP_ERROR_LAUNCH_FAILURE, "a race on LDS", "without a barrier between", "thread (");
}

Test(hip_cpu_checked, race_of_two_writes)
{
    EXPECT("__shared__ int s[2]; if (t == 0 || (BUG && t == 7)) s[0] = t; __syncthreads(); out[t] = s[0];",
           32, 0, QJ_HIP_ERROR_LAUNCH_FAILURE, "a race on LDS: write of 4 bytes", "thread (0,0,0) wrote",
           "thread (7,0,0)");
}

/* Within a wavefront too, unless it says that it meets. */
Test(hip_cpu_checked, race_within_a_wave)
{
    EXPECT("__shared__ int s[32]; s[t] = t;\n#if !BUG\n__syncwarp();\n#endif\nout[t] = s[31 - t];", 32, 0,
           QJ_HIP_ERROR_LAUNCH_FAILURE, "LDS", "thread");
}

Test(hip_cpu_checked, atomics_do_not_race)
{
    EXPECT("__shared__ int s; if (t == 0) s = 0; __syncthreads();\n"
           "#if BUG\ns += in[t];\n#else\natomicAdd(&s, in[t]);\n#endif\n__syncthreads(); out[t] = s;",
           64, 0, QJ_HIP_ERROR_LAUNCH_FAILURE, "a race on LDS", "thread (1,0,0)");
}

Test(hip_cpu_checked, uninitialised_lds)
{
    EXPECT("__shared__ int s[64]; if (t < 64 - BUG) s[t] = in[t]; __syncthreads(); out[t] = s[63 - t];", 64,
           0, QJ_HIP_ERROR_LAUNCH_FAILURE, "uninitialised LDS at offset 252", "thread (0,0,0)");
}

/* The block before must not have initialised it for this one. */
Test(hip_cpu_checked, lds_is_fresh_for_each_block)
{
    open_checked();
    hipModule_t module = hip_load("extern \"C\" __global__ void k(int *out) { __shared__ int s;\n"
                                  "if (blockIdx.x == 0) s = 1; out[blockIdx.x] = s; }");
    void *out = hip_upload(NULL, 64 * sizeof(int));
    cr_assert_eq(hip_run(hip_function(module, "k"), 64, 1, 0, PARAMS(&out)), QJ_HIP_ERROR_LAUNCH_FAILURE);
    cr_assert(strstr(hip_report(), "uninitialised LDS"), "%s", hip_report());
}

Test(hip_cpu_checked, uninitialised_device_memory)
{
    EXPECT("out[t] = 1;\n#if BUG\nif (t == 3) out[4] = out[t + 2] + 1;\n#endif\n", 64, 0,
           QJ_HIP_ERROR_LAUNCH_FAILURE, "uninitialised device memory, 20 bytes into an allocation of 256",
           "thread (3,0,0)");
}

/* A read of what the same statement writes. */
Test(hip_cpu_checked, uninitialised_sum)
{
    EXPECT("\n#if !BUG\nout[t] = 0;\n#endif\nout[t] += in[t];", 64, 0, QJ_HIP_ERROR_LAUNCH_FAILURE,
           "uninitialised device memory", "thread (0,0,0)");
}

/* What is known of the bytes travels with copies and is made by memset. */
Test(hip_cpu_checked, copies_carry_what_was_written)
{
    open_checked();
    hipModule_t module = hip_load("extern \"C\" __global__ void k(int *p) { p[threadIdx.x]++; }");
    hipFunction_t k = hip_function(module, "k");
    void *a = hip_upload(NULL, 128), *b = hip_upload(NULL, 128);
    OK(hip.hipMemset(a, 0, 64));
    OK(hip.hipMemcpy(b, a, 128, QJ_HIP_MEMCPY_DEVICE_TO_DEVICE));
    OK(hip_run(k, 1, 16, 0, PARAMS(&b)));
    cr_assert_eq(hip_run(k, 1, 17, 0, PARAMS(&b)), QJ_HIP_ERROR_LAUNCH_FAILURE);
    cr_assert(strstr(hip_report(), "64 bytes into an allocation of 128"), "%s", hip_report());
}

Test(hip_cpu_checked, barrier_in_divergent_flow)
{
    EXPECT("\n#if BUG\nif (t % 2) { out[t] = in[t]; __syncthreads(); out[t]++; } else { __syncthreads(); }\n"
           "#else\nout[t] = in[t]; __syncthreads();\n#endif\n",
           64, 0, QJ_HIP_ERROR_LAUNCH_FAILURE, "a barrier in divergent flow", "block (0,0,0) thread (");
}

/* The compiler knows behind the barrier which way each thread came, but may not give each way one of its own.
 */
Test(hip_cpu_checked, barrier_between_two_equal_conditions)
{
    EXPECT("__shared__ int s[64]; if (t >= 64) s[t - 64] = in[t];\n"
           "#if BUG\nif (t >= 64) { __syncthreads(); out[t] = 1; return; }\n#endif\n"
           "__syncthreads(); if (t >= 64) return; out[t] = s[t] + in[t];",
           128, 0, QJ_HIP_ERROR_LAUNCH_FAILURE, "a barrier in divergent flow");
}

Test(hip_cpu_checked, dynamic_lds_too_small)
{
    EXPECT("extern __shared__ int s[]; s[t + BUG] = in[t]; __syncthreads(); out[t] = s[63 - t + BUG];", 64,
           256, QJ_HIP_ERROR_ILLEGAL_ADDRESS, "out of bounds write of 4 bytes at LDS offset 256 of 256",
           "thread (63,0,0)");
}

Test(hip_cpu_checked, failed_assertion)
{
    EXPECT("assert(t < 64 - BUG); out[t] = 0;", 64, 0, 710, "assertion 't < 64 - ", "test.hip:3",
           "thread (63,0,0)");
}

/* Copies of whole structures are accesses like others. */
Test(hip_cpu_checked, structure_copied_too_far)
{
    EXPECT("struct S { int v[16]; }; if (t < 1) ((S *)out)[BUG ? 4 : 3] = ((const S *)in)[0];", 64, 0,
           QJ_HIP_ERROR_ILLEGAL_ADDRESS, "out of bounds write", "thread (0,0,0)");
}

/* Correct code of many kinds is left alone. */
Test(hip_cpu_checked, says_nothing_of_correct_code)
{
    open_checked();
    hipModule_t module = hip_load(
        "__constant__ int table[4] = {1, 2, 3, 4};\n"
        "struct pair { int a; float b; };\n"
        "template <int N> __device__ int sum(int x) { for (int i = N / 2; i; i /= 2) x += __shfl_xor(x, i); "
        "return x; }\n"
        "extern \"C\" __global__ void k(int *p, pair by_value, int n) {\n"
        "  extern __shared__ int dynamic[]; __shared__ int s[33]; int local[8];\n"
        "  int t = threadIdx.x; if (t >= n) return;\n"
        "  for (int i = 0; i < 8; i++) local[(i + t) % 8] = table[i % 4] + by_value.a;\n"
        "  dynamic[t] = local[t % 8]; if (t == 0) s[32] = 0; __syncthreads();\n"
        "  atomicAdd(&s[32], dynamic[(t + 1) % n]); if (t < 32) s[t] = sum<32>(t); __syncthreads();\n"
        "  p[t] = s[32] + s[t % 32]; atomicMax(&p[t], 3); }\n");
    void *p = hip_upload(NULL, 1024);
    struct {
        int a;
        float b;
    } pair = {2, 3.0f};
    int n = 200, out[200];
    int got = hip_run(hip_function(module, "k"), 1, 256, 1024, PARAMS(&p, &pair, &n));
    cr_assert_eq(got, 0, "%s", hip_report());
    cr_assert_str_empty(hip_report());
    hip_download(out, p, sizeof out);
    for (int i = 0; i < n; i++)
        cr_assert_eq(out[i], 200 * 3 + 31 * 16);
}

/* Not checked, an overrun is at least found when the memory is given back. */
Test(hip_cpu_checked, red_zone_without_checking)
{
    hip_open("QJIT_HIP_CPU_CHECK=0", NULL);
    hipModule_t module = hip_load("extern \"C\" __global__ void k(int *p) { p[threadIdx.x] = 1; }");
    void *p = hip_upload(NULL, 400);
    OK(hip_run(hip_function(module, "k"), 1, 101, 0, PARAMS(&p)));
    cr_assert_eq(hip.hipFree(p), QJ_HIP_ERROR_ILLEGAL_ADDRESS);
    cr_assert(strstr(hip_report(), "an allocation of 400 bytes was written 1 bytes behind its end"), "%s",
              hip_report());
}

/* Objects of one mode do not load in the other: the arch differs. */
Test(hip_cpu_checked, has_an_arch_of_its_own)
{
    open_checked();
    const char *const options[] = {"--offload-arch=cpu-x86_64-w32", NULL};
    void *object = NULL;
    char *log = NULL;
    size_t n = 0;
    OK(hip_try_compile(&object, &n, &log, "extern \"C\" __global__ void k() {}", options));
    hipModule_t module = NULL;
    cr_assert_eq(hip.hipModuleLoadData(&module, object), QJ_HIP_ERROR_NO_BINARY_FOR_GPU);
}
