/* What a launch costs through libqjit_hip_cuda.so over calling the CUDA driver itself: the same kernel, the
 * same context, batches of both in turn. One JSON line.
 *
 * usage: bench_launch LIBRARY [ROUNDS] */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hip/types.h"

enum { BATCH = 256, ROUNDS_MAX = 100000 };

struct hip {
#define QJ_HIP_FUNCTION(need, ret, name, params) ret(*name) params;
#include "hip/functions.def"
#undef QJ_HIP_FUNCTION
};

typedef int (*launch_fn)(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                         unsigned bz, unsigned lds_bytes, void *stream, void **params, void **extra);

struct cuda {
    int (*cuModuleLoadData)(void **out, const void *image);
    int (*cuModuleGetFunction)(void **out, void *module, const char *name);
    int (*cuStreamCreate)(void **out, unsigned flags);
    int (*cuStreamSynchronize)(void *stream);
    launch_fn cuLaunchKernel;
};

static const char source[] = "extern \"C\" __global__ void nothing(int *out, float scale, int n)\n"
                             "{\n    if (n < 0) {\n        out[0] = (int)scale;\n    }\n}\n";

static void get(void *out, void *library, const char *name)
{
    void *symbol = dlsym(library, name);
    if (symbol == NULL) {
        fprintf(stderr, "bench_launch: there is no '%s'\n", name);
        exit(2);
    }
    memcpy(out, &symbol, sizeof symbol);
}

static void need(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "bench_launch: %s failed\n", what);
        exit(2);
    }
}

static void load_hip(struct hip *out, const char *path)
{
    void *library = dlopen(path, RTLD_NOW);
    if (library == NULL) {
        fprintf(stderr, "bench_launch: %s\n", dlerror());
        exit(2);
    }
#define QJ_HIP_FUNCTION(need_, ret, name, params) get(&out->name, library, #name);
#include "hip/functions.def"
#undef QJ_HIP_FUNCTION
}

static void load_cuda(struct cuda *out)
{
    void *library = dlopen("libcuda.so.1", RTLD_NOW);
    need(library != NULL, "dlopen of libcuda.so.1");
    get(&out->cuModuleLoadData, library, "cuModuleLoadData");
    get(&out->cuModuleGetFunction, library, "cuModuleGetFunction");
    get(&out->cuStreamCreate, library, "cuStreamCreate");
    get(&out->cuStreamSynchronize, library, "cuStreamSynchronize");
    get(&out->cuLaunchKernel, library, "cuLaunchKernel");
}

static char *compile(const struct hip *hip)
{
    hiprtcProgram program;
    size_t n = 0;
    need(hip->hiprtcCreateProgram(&program, source, "nothing.hip", 0, NULL, NULL) == 0,
         "hiprtcCreateProgram");
    need(hip->hiprtcCompileProgram(program, 0, NULL) == 0, "hiprtcCompileProgram");
    need(hip->hiprtcGetCodeSize(program, &n) == 0, "hiprtcGetCodeSize");
    char *code = malloc(n);
    need(code != NULL && hip->hiprtcGetCode(program, code) == 0, "hiprtcGetCode");
    hip->hiprtcDestroyProgram(&program);
    return code;
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, ascending);
    return values[n / 2];
}

/* Nanoseconds a launch; the queue is empty before and after. */
static double batch(launch_fn launch, void *function, void *stream, void **params)
{
    int result = 0;
    double start = now_ns();
    for (int i = 0; i < BATCH; i++) {
        result |= launch(function, 1, 1, 1, 32, 1, 1, 0, stream, params, NULL);
    }
    double ns = (now_ns() - start) / BATCH;
    need(result == 0, "a launch");
    return ns;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fputs("usage: bench_launch LIBRARY [ROUNDS]\n", stderr);
        return 2;
    }
    int rounds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 2000;
    need(rounds > 0 && rounds <= ROUNDS_MAX, "reading ROUNDS");
    struct hip hip;
    struct cuda cuda;
    load_hip(&hip, argv[1]);
    load_cuda(&cuda);
    hipModule_t module;
    hipFunction_t function;
    hipStream_t stream;
    void *cu_module, *cu_function, *cu_stream;
    need(hip.hipSetDevice(0) == 0, "hipSetDevice");
    char *code = compile(&hip);
    need(hip.hipModuleLoadData(&module, code) == 0, "hipModuleLoadData");
    need(hip.hipModuleGetFunction(&function, module, "nothing") == 0, "hipModuleGetFunction");
    need(hip.hipStreamCreate(&stream) == 0, "hipStreamCreate");
    /* The primary context is current since hipModuleLoadData. */
    need(cuda.cuModuleLoadData(&cu_module, code) == 0, "cuModuleLoadData");
    need(cuda.cuModuleGetFunction(&cu_function, cu_module, "nothing") == 0, "cuModuleGetFunction");
    need(cuda.cuStreamCreate(&cu_stream, 0) == 0, "cuStreamCreate");
    launch_fn hip_launch;
    memcpy(&hip_launch, &hip.hipModuleLaunchKernel, sizeof hip_launch);
    int *out = NULL, n = 1;
    float scale = 1;
    void *params[] = {&out, &scale, &n};
    double *direct = calloc((size_t)rounds * 2, sizeof *direct), *through = direct + rounds;
    need(direct != NULL, "an allocation");
    for (int i = -50; i < rounds; i++) { /* the first rounds warm up and are overwritten */
        int at = i < 0 ? 0 : i;
        bool hip_first = (i & 1) != 0;
        for (int k = 0; k < 2; k++) {
            if ((k == 0) == hip_first) {
                through[at] = batch(hip_launch, function, stream, params);
                need(hip.hipStreamSynchronize(stream) == 0, "hipStreamSynchronize");
            } else {
                direct[at] = batch(cuda.cuLaunchKernel, cu_function, cu_stream, params);
                need(cuda.cuStreamSynchronize(cu_stream) == 0, "cuStreamSynchronize");
            }
        }
    }
    double direct_ns = median(direct, rounds), through_ns = median(through, rounds);
    printf(
        "{\"bench\":\"launch\",\"rounds\":%d,\"batch\":%d,\"cuda_ns\":%.1f,\"hip_ns\":%.1f,\"ratio\":%.4f}\n",
        rounds, BATCH, direct_ns, through_ns, through_ns / direct_ns);
    free(direct);
    free(code);
    return 0;
}
