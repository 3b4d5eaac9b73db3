/* The device: the context, HIP's calls through it, buffers between guards, launches. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

enum { NO_DEVICE = 77, TO_DEVICE = 1, TO_HOST = 2 };

/* Guards hold these two bytes in turn. As f32 (2.5e36) and as f16 (65056) they are finite and huge, so a
 * kernel that reads a guard and takes a maximum or a sum of it gives a wrong result. Outputs are filled with
 * the second, which as f32 and f16 is huge too: a value that was not written is a wrong one, also where a NaN
 * is right. */
static const unsigned char guard_bytes[2] = {0xf1, 0x7b};
enum { RUN_FILL = 0x7b };

static bool failed(struct run *run, int error, const char *what)
{
    if (error != 0) {
        run_fail(run, "%s: %s (%d)", what, run->hip.hipGetErrorName(error), error);
        /* After a fault a device may refuse all that follows. */
        run->lost = run->hip.hipDeviceSynchronize() != 0 || run->lost;
    }
    return error != 0;
}

/* ---- opening -------------------------------------------------------------------------------- */

static bool load_hip(struct run *run)
{
    const struct {
        const char *name;
        void *to;
    } rows[] = {
#define ROW(name) {#name, &run->hip.name}
        ROW(hipMalloc),
        ROW(hipFree),
        ROW(hipMemset),
        ROW(hipMemcpy),
        ROW(hipMemGetInfo),
        ROW(hipDeviceSynchronize),
        ROW(hipModuleLaunchKernel),
        ROW(hipGetErrorName),
#undef ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        void (*symbol)(void);
        if (qjit_get_hip_symbol(run->context, &symbol, rows[i].name) != QJIT_OK) {
            return false;
        }
        memcpy(rows[i].to, &symbol, sizeof symbol);
    }
    return true;
}

static void log_line(void *payload, enum qjit_log_level level, const char *line)
{
    (void)payload, (void)level;
    fprintf(stderr, "qjit: %s\n", line);
}

int run_open(struct run *out, const struct run_settings *settings)
{
    *out = (struct run){.settings = *settings};
    if (settings->list) {
        return 0;
    }
    qjit_options options = QJIT_OPTIONS_INIT;
    options.hip = settings->hip;
    options.log = log_line;
    uint32_t n_devices = 0;
    qjit_device device = {.struct_size = sizeof device};
    qjit_status status = qjit_create(&out->context, &options);
    if (status == QJIT_OK) {
        status = qjit_device_count(out->context, &n_devices);
    }
    if (status == QJIT_HIP_NOT_FOUND || status == QJIT_NO_DEVICE || (status == QJIT_OK && n_devices == 0)) {
        printf("skipped: no device: %s\n",
               status == QJIT_OK ? "the HIP library sees none" : qjit_error_detail());
        return NO_DEVICE;
    }
    if (status != QJIT_OK || qjit_device_info(out->context, &device, 0) != QJIT_OK || !load_hip(out)) {
        fprintf(stderr, "kernels_run: %s\n", qjit_error_detail());
        return 1;
    }
    printf("device 0: %s, %s, wavefront %u; seed %#llx, guards of %zu bytes\n", device.name, device.arch,
           device.wavefront, (unsigned long long)settings->seed, settings->guard_bytes);
    return 0;
}

void run_warm(struct run *run)
{
    if (run->n_kernels == 0) {
        return;
    }
    qjit_warm_options options = {
        .struct_size = sizeof options, .kernels = run->kernels, .n_kernels = run->n_kernels};
    qjit_warm_result result = {.struct_size = sizeof result};
    (void)qjit_warm(run->context, &result, &options);
    printf("%u units: %u compiled, %u from the store, %u failed; %.2f s\n", result.n_units, result.n_compiled,
           result.n_cached, result.n_failed, result.seconds);
}

void run_close(struct run *run)
{
    qjit_destroy(run->context);
}

/* ---- buffers -------------------------------------------------------------------------------- */

static bool write_guard(struct run *run, char *to, size_t n)
{
    if (n == 0) {
        return true;
    }
    unsigned char *pattern = run_memory(run, n);
    for (size_t i = 0; i < n; i++) {
        pattern[i] = guard_bytes[i % 2];
    }
    return !failed(run, run->hip.hipMemcpy(to, pattern, n, TO_DEVICE), "writing a guard");
}

static void check_guard(struct run *run, const struct run_buffer *buffer, const char *from, size_t n,
                        bool behind)
{
    if (n == 0) {
        return;
    }
    unsigned char *got = malloc(n);
    if (!got || failed(run, run->hip.hipMemcpy(got, from, n, TO_HOST), "reading a guard")) {
        run_fail(run, "the guard of '%s' cannot be read", buffer->name);
        free(got);
        return;
    }
    size_t n_wrong = 0, nearest = 0;
    for (size_t i = 0; i < n; i++) {
        if (got[i] != guard_bytes[i % 2]) {
            nearest = n_wrong++ == 0 || !behind ? i : nearest;
        }
    }
    if (n_wrong > 0) {
        run_fail(run, "%zu bytes written out of bounds of '%s' (%zu bytes), the nearest %zu bytes %s",
                 n_wrong, buffer->name, buffer->n, behind ? nearest : n - nearest,
                 behind ? "behind its end" : "before it");
    }
    free(got);
}

static struct run_buffer *add_buffer(struct run *run, const char *name, size_t n, size_t shift)
{
    if (run->n_buffers == RUN_BUFFERS_MAX) {
        fprintf(stderr, "kernels_run: more than %d buffers in %s\n", RUN_BUFFERS_MAX, run->group);
        exit(1);
    }
    struct run_buffer *buffer = &run->buffers[run->n_buffers++];
    *buffer = (struct run_buffer){.name = name, .n = n, .after = run->settings.guard_bytes};
    buffer->before = run->settings.guard_bytes + shift;
    void *allocation = NULL;
    if (failed(run, run->hip.hipMalloc(&allocation, buffer->before + n + buffer->after), "hipMalloc")) {
        return buffer;
    }
    buffer->allocation = allocation;
    char *start = buffer->allocation + buffer->before;
    if (write_guard(run, buffer->allocation, buffer->before) && write_guard(run, start + n, buffer->after)) {
        buffer->device = start;
    }
    return buffer;
}

struct run_buffer *run_input(struct run *run, const char *name, const void *host, size_t n, size_t shift)
{
    struct run_buffer *buffer = add_buffer(run, name, n, shift);
    buffer->host = host;
    if (buffer->device && failed(run, run->hip.hipMemcpy(buffer->device, host, n, TO_DEVICE), "hipMemcpy")) {
        buffer->device = NULL;
    }
    return buffer;
}

struct run_buffer *run_output(struct run *run, const char *name, size_t n, size_t shift)
{
    struct run_buffer *buffer = add_buffer(run, name, n, shift);
    if (buffer->device && failed(run, run->hip.hipMemset(buffer->device, RUN_FILL, n), "hipMemset")) {
        buffer->device = NULL;
    }
    return buffer;
}

bool run_download(struct run *run, const struct run_buffer *buffer, size_t first, size_t n, void *out)
{
    return !failed(run, run->hip.hipMemcpy(out, (char *)buffer->device + first, n, TO_HOST), "hipMemcpy");
}

void *run_result(struct run *run, const struct run_buffer *buffer, size_t first, size_t n)
{
    if (run->case_failed) {
        return NULL;
    }
    void *out = run_memory(run, n);
    return run_download(run, buffer, first, n, out) ? out : NULL;
}

/* A kernel may not write to its input either. */
static void check_input(struct run *run, const struct run_buffer *buffer)
{
    void *now = malloc(buffer->n ? buffer->n : 1);
    if (now && run_download(run, buffer, 0, buffer->n, now) && memcmp(now, buffer->host, buffer->n) != 0) {
        run_fail(run, "the input '%s' was written to", buffer->name);
    }
    free(now);
}

void run_buffers_finish(struct run *run)
{
    for (size_t i = 0; i < run->n_buffers; i++) {
        struct run_buffer *buffer = &run->buffers[i];
        char *start = buffer->device;
        if (start && !run->lost) {
            check_guard(run, buffer, buffer->allocation, buffer->before, false);
            check_guard(run, buffer, start + buffer->n, buffer->after, true);
        }
        if (start && !run->lost && buffer->host) {
            check_input(run, buffer);
        }
        if (buffer->allocation && !run->lost) {
            (void)failed(run, run->hip.hipFree(buffer->allocation), "hipFree");
        }
    }
    run->n_buffers = 0;
}

/* ---- launch --------------------------------------------------------------------------------- */

static unsigned at_least_one(unsigned n)
{
    return n ? n : 1;
}

bool run_launch(struct run *run, const char *kernel, struct run_dim grid, struct run_dim block, void **params)
{
    if (run->case_failed) {
        return false;
    }
    qjit_function function;
    qjit_status status = qjit_get_function(run->context, &function, 0, kernel);
    if (status != QJIT_OK) {
        run_fail(run, "%s: %s\n%s", kernel, qjit_error_detail(), qjit_error_log());
        return false;
    }
    int error =
        run->hip.hipModuleLaunchKernel(function, grid.x, at_least_one(grid.y), at_least_one(grid.z), block.x,
                                       at_least_one(block.y), at_least_one(block.z), 0, NULL, params, NULL);
    return !failed(run, error, "hipModuleLaunchKernel") &&
           !failed(run, run->hip.hipDeviceSynchronize(), "hipDeviceSynchronize");
}
