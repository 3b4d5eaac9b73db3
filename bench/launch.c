/* What a launch costs through libqjit_hip_cuda.so over calling the CUDA driver itself: the same kernel, the
 * same context, batches of both in turn. One JSON line.
 *
 * usage: bench_launch LIBRARY [ROUNDS] */
#include <dlfcn.h>
#include <qjit/qjit.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 256, ROUNDS_MAX = 100000 };

typedef int (*launch_fn)(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                         unsigned bz, unsigned lds_bytes, void *stream, void **params, void **extra);

struct hip {
    int (*hipSetDevice)(int device);
    int (*hipStreamCreate)(void **out);
    int (*hipStreamSynchronize)(void *stream);
    launch_fn hipModuleLaunchKernel;
};

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

static void get_hip(void *out, qjit_context *context, const char *name)
{
    void (*symbol)(void);
    need(qjit_get_hip_symbol(context, &symbol, name) == QJIT_OK, name);
    memcpy(out, &symbol, sizeof symbol);
}

static void load_hip(struct hip *out, qjit_context *context)
{
    get_hip(&out->hipSetDevice, context, "hipSetDevice");
    get_hip(&out->hipStreamCreate, context, "hipStreamCreate");
    get_hip(&out->hipStreamSynchronize, context, "hipStreamSynchronize");
    get_hip(&out->hipModuleLaunchKernel, context, "hipModuleLaunchKernel");
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

/* The kernel loaded by qjit, and its code object. */
static qjit_object *compile(qjit_context *context, qjit_function *out)
{
    const qjit_source of_nothing = {.struct_size = sizeof of_nothing,
                                    .name = "nothing",
                                    .text = source,
                                    .kernels = (const char *const[]){"nothing"},
                                    .n_kernels = 1,
                                    .flags = QJIT_SOURCE_SMALL_RUNTIME};
    qjit_device device = {.struct_size = sizeof device};
    qjit_kernel kernel;
    qjit_object *object;
    need(qjit_add_source(context, &kernel, &of_nothing) == QJIT_OK, "qjit_add_source");
    need(qjit_get_function_by_id(context, out, 0, kernel) == QJIT_OK, "qjit_get_function_by_id");
    need(qjit_device_info(context, &device, 0) == QJIT_OK, "qjit_device_info");
    need(qjit_get_object(context, &object, kernel, device.arch) == QJIT_OK, "qjit_get_object");
    return object;
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
    qjit_options options = QJIT_OPTIONS_INIT;
    options.hip = argv[1];
    qjit_context *context;
    struct hip hip;
    struct cuda cuda;
    need(qjit_create(&context, &options) == QJIT_OK, "qjit_create");
    load_hip(&hip, context);
    load_cuda(&cuda);
    qjit_function function;
    void *stream, *cu_module, *cu_function, *cu_stream;
    need(hip.hipSetDevice(0) == 0, "hipSetDevice");
    qjit_object *object = compile(context, &function);
    need(hip.hipStreamCreate(&stream) == 0, "hipStreamCreate");
    /* The primary context is current since hipStreamCreate. */
    need(cuda.cuModuleLoadData(&cu_module, object->bytes) == 0, "cuModuleLoadData");
    need(cuda.cuModuleGetFunction(&cu_function, cu_module, "nothing") == 0, "cuModuleGetFunction");
    need(cuda.cuStreamCreate(&cu_stream, 0) == 0, "cuStreamCreate");
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
                through[at] = batch(hip.hipModuleLaunchKernel, function, stream, params);
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
    qjit_object_destroy(object);
    qjit_destroy(context);
    return 0;
}
