#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

enum { N_BATCHES = 7, N_CALLS_MAX = 4096 };

static void fail(const char *what, const char *detail)
{
    (void)fprintf(stderr, "bench_kernels: %s: %s\n", what, detail);
    exit(1);
}

static void load_hip(struct device *device)
{
    const struct {
        const char *name;
        void *to;
    } rows[] = {
#define ROW(name) {#name, &device->hip.name}
        ROW(hipSetDevice),          ROW(hipMalloc),           ROW(hipFree),
        ROW(hipMemcpyAsync),        ROW(hipMemcpy),           ROW(hipMemGetInfo),
        ROW(hipDeviceSynchronize),  ROW(hipDriverGetVersion), ROW(hipEventCreate),
        ROW(hipEventRecord),        ROW(hipEventSynchronize), ROW(hipEventElapsedTime),
        ROW(hipModuleLaunchKernel), ROW(hipGetErrorName),
#undef ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        void (*symbol)(void);
        if (qjit_get_hip_symbol(device->context, &symbol, rows[i].name) != QJIT_OK) {
            fail(rows[i].name, qjit_error_detail());
        }
        memcpy(rows[i].to, &symbol, sizeof symbol);
    }
}

static int note_finding(void *payload, const qjit_finding *finding)
{
    struct device *device = payload;
    if (strcmp(finding->subject, "hip") == 0) {
        (void)snprintf(device->found, sizeof device->found, "%s", finding->found);
    } else if (strcmp(finding->subject, "compiler") == 0) {
        (void)snprintf(device->compiler, sizeof device->compiler, "%s", finding->found);
    }
    return 0;
}

void device_check(const struct device *device, int error, const char *what)
{
    if (error != 0) {
        fail(what, device->hip.hipGetErrorName(error));
    }
}

static struct arena take(const struct device *device, size_t n_bytes)
{
    void *start = NULL;
    device_check(device, device->hip.hipMalloc(&start, n_bytes), "hipMalloc");
    return (struct arena){.start = start, .n_bytes = n_bytes};
}

/* Results of a launch may be eight times the weights, so both arenas are of one size. */
static void take_arenas(struct device *device, size_t rotate_bytes)
{
    size_t free_bytes = 0, total_bytes = 0;
    device_check(device, device->hip.hipMemGetInfo(&free_bytes, &total_bytes), "hipMemGetInfo");
    const size_t most = free_bytes / 4 / 4096 * 4096;
    const size_t n_bytes = rotate_bytes < most ? rotate_bytes : most;
    device->in = take(device, n_bytes);
    device->out = take(device, n_bytes);
    device->side = take(device, n_bytes / 4);
}

int device_open(struct device *out, const struct options *options)
{
    *out = (struct device){.facts = {.struct_size = sizeof out->facts}};
    qjit_options own = QJIT_OPTIONS_INIT;
    own.hip = options->hip;
    uint32_t n_devices = 0;
    qjit_status status = qjit_create(&out->context, &own);
    if (status == QJIT_OK) {
        status = qjit_device_count(out->context, &n_devices);
    }
    if (status == QJIT_HIP_NOT_FOUND || status == QJIT_NO_DEVICE || (status == QJIT_OK && n_devices == 0)) {
        (void)fprintf(stderr, "bench_kernels: skipped: no device: %s\n",
                      status == QJIT_OK ? "the HIP library sees none" : qjit_error_detail());
        return NO_DEVICE;
    }
    if (status != QJIT_OK || qjit_device_info(out->context, &out->facts, 0) != QJIT_OK) {
        fail("device 0", qjit_error_detail());
    }
    load_hip(out);
    (void)qjit_examine(out->context, note_finding, out);
    (void)out->hip.hipDriverGetVersion(&out->driver);
    device_check(out, out->hip.hipSetDevice(0), "hipSetDevice");
    device_check(out, out->hip.hipEventCreate(&out->start), "hipEventCreate");
    device_check(out, out->hip.hipEventCreate(&out->stop), "hipEventCreate");
    take_arenas(out, options->rotate_bytes);
    return 0;
}

void device_close(struct device *device)
{
    if (device->in.start) {
        (void)device->hip.hipFree(device->in.start);
        (void)device->hip.hipFree(device->out.start);
        (void)device->hip.hipFree(device->side.start);
    }
    qjit_destroy(device->context);
}

qjit_function device_function(struct device *device, const char *kernel)
{
    qjit_function function = NULL;
    if (qjit_get_function(device->context, &function, 0, kernel) != QJIT_OK) {
        fail(kernel, qjit_error_detail());
    }
    return function;
}

void device_launch(const struct device *device, struct launch *launch)
{
    device_check(device,
                 device->hip.hipModuleLaunchKernel(launch->function, launch->grid[0], launch->grid[1],
                                                   launch->grid[2], launch->block[0], launch->block[1],
                                                   launch->block[2], 0, NULL, launch->params, NULL),
                 "hipModuleLaunchKernel");
}

static double batch_us(const struct device *device, size_t first, size_t n,
                       void (*act)(void *payload, size_t i), void *payload)
{
    float ms = 0;
    device_check(device, device->hip.hipEventRecord(device->start, NULL), "hipEventRecord");
    for (size_t i = 0; i < n; i++) {
        act(payload, first + i);
    }
    device_check(device, device->hip.hipEventRecord(device->stop, NULL), "hipEventRecord");
    device_check(device, device->hip.hipEventSynchronize(device->stop), "a kernel");
    device_check(device, device->hip.hipEventElapsedTime(&ms, device->start, device->stop),
                 "hipEventElapsedTime");
    return (double)ms * 1e3 / (double)n;
}

double device_time_us(const struct device *device, double seconds, void (*act)(void *payload, size_t i),
                      void *payload)
{
    double us[N_BATCHES];
    (void)batch_us(device, 0, 1, act, payload); /* the first one loads what is loaded late */
    double estimate = batch_us(device, 1, 4, act, payload);
    double n_calls = seconds * 1e6 / N_BATCHES / (estimate > 0.01 ? estimate : 0.01);
    size_t n = n_calls < 1 ? 1 : n_calls > N_CALLS_MAX ? N_CALLS_MAX : (size_t)n_calls;
    for (size_t i = 0; i < N_BATCHES; i++) {
        us[i] = batch_us(device, 5 + i * n, n, act, payload);
    }
    return bench_median(us, N_BATCHES);
}
