/* Launches: geometry, limits, parameters, LDS, attributes and occupancy. */
#include <stdlib.h>
#include <string.h>

#include "conformance/conformance.h"

enum { ATTRIBUTE_MAX_THREADS_PER_BLOCK = 56, ATTRIBUTE_LDS_PER_BLOCK = 74, ATTRIBUTE_WARP_SIZE = 87 };
enum { FUNC_MAX_THREADS = 0, FUNC_LDS_BYTES = 1, FUNC_N_REGISTERS = 4 };

static int device_attribute(struct conf *c, int which)
{
    int value = 0;
    c->hip.hipDeviceGetAttribute(&value, which, 0);
    return value;
}

static void coordinates(struct conf *c)
{
    enum { GX = 3, GY = 2, GZ = 2, BX = 5, BY = 3, BZ = 2, N = GX * GY * GZ * BX * BY * BZ };
    hipFunction_t function = conf_function(c, "coordinates");
    unsigned *memory = conf_device_memory(c, N * 4), host[N];
    if (function == NULL || memory == NULL) {
        return;
    }
    OK(c, c->hip.hipModuleLaunchKernel(function, GX, GY, GZ, BX, BY, BZ, 0, NULL, (void *[]){&memory}, NULL));
    OK(c, c->hip.hipMemcpy(host, memory, sizeof host, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
    unsigned i = 0, n_right = 0;
    for (unsigned block = 0; block < GX * GY * GZ; block++) {
        for (unsigned thread = 0; thread < BX * BY * BZ; thread++, i++) {
            unsigned wanted = (block % GX) | (block / GX % GY) << 4 | (block / GX / GY) << 8 |
                              (thread % BX) << 12 | (thread / BX % BY) << 18 | (thread / BX / BY) << 24;
            n_right += host[i] == wanted;
        }
    }
    conf_check(c, n_right == N, "%u of %u threads have the right coordinates", n_right, (unsigned)N);
    OK(c, c->hip.hipFree(memory));
}

static void zero_sizes(struct conf *c)
{
    hipFunction_t function = conf_function(c, "no_params");
    for (int axis = 0; axis < 3 && function != NULL; axis++) {
        unsigned grid[3] = {1, 1, 1}, block[3] = {1, 1, 1};
        grid[axis] = 0;
        EXPECT(
            c,
            c->hip.hipModuleLaunchKernel(function, grid[0], grid[1], grid[2], 1, 1, 1, 0, NULL, NULL, NULL),
            BAD_CONFIGURATION);
        block[axis] = 0;
        EXPECT(c,
               c->hip.hipModuleLaunchKernel(function, 1, 1, 1, block[0], block[1], block[2], 0, NULL, NULL,
                                            NULL),
               BAD_CONFIGURATION);
    }
}

static void too_large(struct conf *c)
{
    hipFunction_t function = conf_function(c, "no_params");
    unsigned limit = (unsigned)device_attribute(c, ATTRIBUTE_MAX_THREADS_PER_BLOCK);
    if (function == NULL) {
        return;
    }
    OK(c, conf_launch(c, function, 1, limit, 0, NULL, NULL));
    EXPECT(c, conf_launch(c, function, 1, limit + 1, 0, NULL, NULL), BAD_CONFIGURATION);
    EXPECT(c, c->hip.hipModuleLaunchKernel(function, 1, 1, 1, limit, 2, 1, 0, NULL, NULL, NULL),
           BAD_CONFIGURATION);
    EXPECT(c, c->hip.hipModuleLaunchKernel(function, 1, 1, 1, 65536, 65536, 1, 0, NULL, NULL, NULL),
           BAD_CONFIGURATION); /* the product is 0 in 32 bits */
    EXPECT(c, c->hip.hipModuleLaunchKernel(function, 0x80000000u, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL),
           BAD_CONFIGURATION);
    EXPECT(c, c->hip.hipModuleLaunchKernel(function, 1, 65537, 1, 1, 1, 1, 0, NULL, NULL, NULL),
           BAD_CONFIGURATION);
    EXPECT(c, conf_launch(c, function, 1, 1, 1u << 30, NULL, NULL), BAD_CONFIGURATION,
           QJ_HIP_ERROR_LAUNCH_OUT_OF_RESOURCES, QJ_HIP_ERROR_OUT_OF_MEMORY);
    OK(c, conf_launch(c, function, 65536, 1, 0, NULL, NULL));
    OK(c, c->hip.hipDeviceSynchronize());
}

static void launch_bounds(struct conf *c)
{
    hipFunction_t function = conf_function(c, "bound_64");
    int *memory = conf_device_memory(c, 1024), host[65] = {0};
    if (function == NULL || memory == NULL) {
        return;
    }
    OK(c, conf_launch(c, function, 1, 64, 0, NULL, (void *[]){&memory}));
    EXPECT(c, conf_launch(c, function, 1, 65, 0, NULL, (void *[]){&memory}), QJ_HIP_ERROR_LAUNCH_FAILURE,
           BAD_CONFIGURATION, QJ_HIP_ERROR_LAUNCH_OUT_OF_RESOURCES);
    OK(c, c->hip.hipMemcpy(host, memory, sizeof host, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
    conf_check(c, host[63] == 1 && host[64] == 0, "the refused launch did not run");
    int value = 0;
    OK(c, c->hip.hipFuncGetAttribute(&value, FUNC_MAX_THREADS, function));
    conf_check(c, value == 64, "its most threads are %d", value);
    OK(c, c->hip.hipFree(memory));
}

static void wrong(struct conf *c)
{
    hipFunction_t fill = conf_function(c, "fill");
    int *memory = conf_device_memory(c, 64), value = 1, n = 16;
    size_t size = 8;
    void *params[] = {&memory, &value, &n};
    void *extra[] = {(void *)1, &memory, (void *)2, &size, (void *)3};
    EXPECT(c, conf_launch(c, NULL, 1, 1, 0, NULL, params), BAD_FUNCTION);
    EXPECT(c, c->hip.hipModuleLaunchKernel(fill, 1, 1, 1, 1, 1, 1, 0, NULL, params, extra), VALUE);
    EXPECT(c, c->hip.hipModuleLaunchKernel(fill, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL), VALUE);
    OK(c, conf_launch(c, fill, 1, 16, 0, NULL, params));
    OK(c, c->hip.hipDeviceSynchronize());
    OK(c, c->hip.hipFree(memory));
}

/* A function handle that never was one, and one whose module is gone. */
static void stale(struct conf *c)
{
    hipFunction_t never = calloc(1, 4096), fill = NULL;
    hipModule_t module = NULL;
    size_t n_code;
    const void *code = conf_kernels_code(c, &n_code);
    int value = 0;
    EXPECT(c, conf_launch(c, never, 1, 1, 0, NULL, NULL), BAD_FUNCTION);
    EXPECT(c, c->hip.hipFuncGetAttribute(&value, FUNC_MAX_THREADS, never), BAD_FUNCTION);
    EXPECT(c, c->hip.hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(&value, never, 64, 0), BAD_FUNCTION);
    free(never);
    if (code == NULL || !OK(c, c->hip.hipModuleLoadData(&module, code)) ||
        !OK(c, c->hip.hipModuleGetFunction(&fill, module, "no_params"))) {
        return;
    }
    OK(c, c->hip.hipModuleUnload(module));
    EXPECT(c, conf_launch(c, fill, 1, 1, 0, NULL, NULL), BAD_FUNCTION);
}

static void params(struct conf *c)
{
    hipFunction_t function = conf_function(c, "many_params");
    double *out = conf_device_memory(c, 7 * sizeof(double)), host[7] = {0};
    int *g = conf_device_memory(c, 4), g_value = 1234567;
    signed char a = 65;
    double b = 1e300;
    short s = -32768;
    float d = 0.15625f;
    long long e = -(1LL << 50);
    unsigned char f = 255;
    if (function == NULL || out == NULL || g == NULL) {
        return;
    }
    OK(c, c->hip.hipMemcpy(g, &g_value, 4, QJ_HIP_MEMCPY_HOST_TO_DEVICE));
    OK(c, conf_launch(c, function, 1, 1, 0, NULL, (void *[]){&a, &b, &s, &d, &e, &f, &g, &out}));
    /* What the pointers pointed at was read by the call. */
    b = 0;
    e = 0;
    OK(c, c->hip.hipMemcpy(host, out, sizeof host, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
    const double wanted[7] = {65, 1e300, -32768, 0.15625, -1125899906842624.0, 255, 1234567};
    for (int i = 0; i < 7; i++) {
        conf_check(c, host[i] == wanted[i], "parameter %d arrives: %g", i, host[i]);
    }
    OK(c, c->hip.hipFree(out));
    OK(c, c->hip.hipFree(g));
}

/* The same as one packed buffer: HIP_LAUNCH_PARAM_BUFFER_POINTER, _SIZE, _END. */
static void params_packed(struct conf *c)
{
    hipFunction_t fill = conf_function(c, "fill");
    int *memory = conf_device_memory(c, 64), host[16] = {0};
    struct {
        int *out;
        int value, n;
    } packed = {memory, 42, 16};
    size_t size = sizeof packed;
    void *extra[] = {(void *)1, &packed, (void *)2, &size, (void *)3};
    if (fill == NULL || memory == NULL) {
        return;
    }
    OK(c, c->hip.hipModuleLaunchKernel(fill, 1, 1, 1, 16, 1, 1, 0, NULL, NULL, extra));
    OK(c, c->hip.hipMemcpy(host, memory, sizeof host, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
    conf_check(c, host[0] == 42 && host[15] == 42, "a packed buffer works as pointers do");
    OK(c, c->hip.hipFree(memory));
}

static void param_struct(struct conf *c)
{
    struct {
        int n;
        double x[3];
        unsigned char last;
    } by_value = {40, {1, 2, 4}, 2};
    hipFunction_t function = conf_function(c, "struct_param");
    double *out = conf_device_memory(c, 16), host[2] = {0};
    if (function == NULL || out == NULL) {
        return;
    }
    OK(c, conf_launch(c, function, 1, 1, 0, NULL, (void *[]){&by_value, &out}));
    OK(c, c->hip.hipMemcpy(host, out, sizeof host, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
    conf_check(c, host[0] == 7 && host[1] == 42, "a struct by value arrives");
    OK(c, c->hip.hipFree(out));
}

static void lds(struct conf *c)
{
    static const char *const kernels[2] = {"reverse_static", "reverse_dynamic"};
    for (int i = 0; i < 2; i++) {
        hipFunction_t function = conf_function(c, kernels[i]);
        int *memory = conf_device_memory(c, 1024), host[256], n_right = 0;
        for (int k = 0; k < 256; k++) {
            host[k] = k;
        }
        OK(c, c->hip.hipMemcpy(memory, host, 1024, QJ_HIP_MEMCPY_HOST_TO_DEVICE));
        OK(c, conf_launch(c, function, 1, 256, i == 0 ? 0 : 1024, NULL, (void *[]){&memory}));
        OK(c, c->hip.hipMemcpy(host, memory, 1024, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
        for (int k = 0; k < 256; k++) {
            n_right += host[k] == 255 - k;
        }
        conf_check(c, n_right == 256, "%s: %d of 256", kernels[i], n_right);
        OK(c, c->hip.hipFree(memory));
    }
}

/* Dynamic LDS up to the device's limit, with nothing said beforehand. */
static void lds_largest(struct conf *c)
{
    hipFunction_t function = conf_function(c, "sweep_dynamic");
    int limit = device_attribute(c, ATTRIBUTE_LDS_PER_BLOCK), n = limit / 4, host = 0;
    int *out = conf_device_memory(c, 4);
    if (function == NULL || out == NULL) {
        return;
    }
    OK(c, conf_launch(c, function, 1, 256, (unsigned)limit, NULL, (void *[]){&out, &n}));
    OK(c, c->hip.hipMemcpy(&host, out, 4, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
    conf_check(c, host == n, "%d of %d words of LDS hold what was written", host, n);
    OK(c, c->hip.hipFree(out));
}

static void shuffles(struct conf *c)
{
    hipFunction_t sum = conf_function(c, "sum_16"), leave = conf_function(c, "leave_early");
    hipFunction_t wavefront = conf_function(c, "wavefront");
    int *memory = conf_device_memory(c, 256), host[64], n_right = 0;
    if (sum == NULL || leave == NULL || wavefront == NULL || memory == NULL) {
        return;
    }
    for (int i = 0; i < 64; i++) {
        host[i] = i;
    }
    OK(c, c->hip.hipMemcpy(memory, host, 256, QJ_HIP_MEMCPY_HOST_TO_DEVICE));
    OK(c, conf_launch(c, sum, 1, 64, 0, NULL, (void *[]){&memory}));
    OK(c, c->hip.hipMemcpy(host, memory, 256, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
    for (int i = 0; i < 64; i++) {
        n_right += host[i] == i / 16 * 256 + 120;
    }
    conf_check(c, n_right == 64, "sums of 16 lanes: %d of 64", n_right);
    OK(c, c->hip.hipMemset(memory, 0, 256));
    OK(c, conf_launch(c, leave, 1, 64, 0, NULL, (void *[]){&memory}));
    OK(c, c->hip.hipMemcpy(host, memory, 256, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
    conf_check(c, host[1] == 1 && host[63] == 0 && host[62] == 62, "threads may leave early");
    OK(c, conf_launch(c, wavefront, 1, 1, 0, NULL, (void *[]){&memory}));
    OK(c, c->hip.hipMemcpy(host, memory, 4, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
    conf_check(c, host[0] == device_attribute(c, ATTRIBUTE_WARP_SIZE), "warpSize is %d", host[0]);
    OK(c, c->hip.hipFree(memory));
}

static void many_blocks(struct conf *c)
{
    hipFunction_t count = conf_function(c, "count");
    unsigned *counter = conf_device_memory(c, 4), host = 0;
    if (count == NULL || counter == NULL) {
        return;
    }
    OK(c, c->hip.hipModuleLaunchKernel(count, 33, 7, 3, 64, 2, 1, 0, NULL, (void *[]){&counter}, NULL));
    OK(c, c->hip.hipMemcpy(&host, counter, 4, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
    conf_check(c, host == 33 * 7 * 3 * 128, "%u threads ran", host);
    OK(c, c->hip.hipFree(counter));
}

static void attributes(struct conf *c)
{
    hipFunction_t function = conf_function(c, "reverse_static");
    int value = -1;
    if (function == NULL) {
        return;
    }
    OK(c, c->hip.hipFuncGetAttribute(&value, FUNC_LDS_BYTES, function));
    conf_check(c, value >= 1024, "static LDS is %d bytes", value);
    OK(c, c->hip.hipFuncGetAttribute(&value, FUNC_MAX_THREADS, function));
    conf_check(c, value >= 256, "its most threads are %d", value);
    OK(c, c->hip.hipFuncGetAttribute(&value, FUNC_N_REGISTERS, function));
    conf_check(c, value >= 0, "registers: %d", value);
    EXPECT(c, c->hip.hipFuncGetAttribute(NULL, FUNC_MAX_THREADS, function), VALUE);
    EXPECT(c, c->hip.hipFuncGetAttribute(&value, 1000, function), VALUE);
    EXPECT(c, c->hip.hipFuncGetAttribute(&value, -1, function), VALUE);
    EXPECT(c, c->hip.hipFuncGetAttribute(&value, FUNC_MAX_THREADS, NULL), BAD_FUNCTION);
}

static void occupancy(struct conf *c)
{
    hipFunction_t function = conf_function(c, "reverse_dynamic");
    int n = -1, fewer = -1;
    if (function == NULL) {
        return;
    }
    OK(c, c->hip.hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(&n, function, 256, 1024));
    conf_check(c, n >= 1, "%d blocks of 256 fit on a multiprocessor", n);
    OK(c, c->hip.hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(
              &fewer, function, 256, (size_t)device_attribute(c, ATTRIBUTE_LDS_PER_BLOCK)));
    conf_check(c, fewer >= 1 && fewer <= n, "with all LDS: %d", fewer);
    EXPECT(c, c->hip.hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(NULL, function, 256, 0), VALUE);
    EXPECT(c, c->hip.hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(&n, function, 0, 0), VALUE);
    EXPECT(c, c->hip.hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(&n, NULL, 256, 0), BAD_FUNCTION);
    n = -1;
    EXPECT(c, c->hip.hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(&n, function, 1 << 20, 0),
           QJ_HIP_SUCCESS, VALUE);
    conf_check(c, n <= 0, "a block of a million threads fits %d times", n);
}

/* An illegal store is reported at the latest when the host waits, and never silently lost. */
static void illegal_store(struct conf *c)
{
    hipFunction_t store = conf_function(c, "store_at");
    int *nowhere = NULL;
    if (store == NULL) {
        return;
    }
    hipError_t launched = conf_launch(c, store, 1, 1, 0, NULL, (void *[]){&nowhere});
    hipError_t waited = c->hip.hipDeviceSynchronize();
    conf_check(c, launched != 0 || waited != 0, "launch gives %d, waiting %d", launched, waited);
    hipError_t error = launched != 0 ? launched : waited;
    conf_check(c, error == 700 || error == 719 || error == 1 || error == 999,
               "the code says what happened: %d", error);
}

const struct conf_case conf_launch_cases[] = {
    {"launch", "coordinates", CONF_DEVICE, coordinates},
    {"launch", "zero_sizes", CONF_DEVICE, zero_sizes},
    {"launch", "too_large", CONF_DEVICE, too_large},
    {"launch", "launch_bounds", CONF_DEVICE, launch_bounds},
    {"launch", "wrong", CONF_DEVICE, wrong},
    {"launch", "stale", CONF_DEVICE | CONF_ALONE, stale},
    {"launch", "params", CONF_DEVICE, params},
    {"launch", "params_packed", CONF_DEVICE, params_packed},
    {"launch", "param_struct", CONF_DEVICE, param_struct},
    {"launch", "lds", CONF_DEVICE, lds},
    {"launch", "lds_largest", CONF_DEVICE, lds_largest},
    {"launch", "shuffles", CONF_DEVICE, shuffles},
    {"launch", "many_blocks", CONF_DEVICE, many_blocks},
    {"launch", "attributes", CONF_DEVICE, attributes},
    {"launch", "occupancy", CONF_DEVICE, occupancy},
    {"launch", "illegal_store", CONF_DEVICE | CONF_ALONE, illegal_store},
    {NULL, NULL, 0, NULL},
};
