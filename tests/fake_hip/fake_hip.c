#include <elf.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "properties.h"

enum { FUNCTIONS_MAX = 256, NAME_BYTES = 256, FAKE_VERSION = 60443484 };

struct ihipModuleSymbol_t {
    char name[NAME_BYTES];
};
struct ihipModule_t {
    struct ihipModule_t *next;
    const unsigned char *image;
    size_t n_image;
    struct ihipModuleSymbol_t *functions[FUNCTIONS_MAX];
    size_t n_functions;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ihipModule_t *modules;
static _Thread_local int current;

/* ---- devices ---------------------------------------------------------------------------------------------
 */

static int count_devices(void)
{
    const char *text = getenv("FAKE_HIP_DEVICES");
    return text ? atoi(text) : 1;
}

static void write_arch(char out[static 256], int device)
{
    const char *list = getenv("FAKE_HIP_ARCH");
    list = list && *list ? list : "gfx1030";
    for (; device > 0 && strchr(list, ','); device--) {
        list = strchr(list, ',') + 1;
    }
    (void)snprintf(out, 256, "%.*s", (int)strcspn(list, ","), list);
}

static bool is_unknown_layout(void)
{
    const char *layout = getenv("FAKE_HIP_LAYOUT");
    return layout && strcmp(layout, "unknown") == 0;
}

static struct fake_device describe(int device)
{
    struct fake_device out = {
        .memory_bytes = (size_t)16 << 30, .lds_bytes = 65536, .max_workgroup = 1024, .n_cus = 36};
    (void)snprintf(out.name, sizeof out.name, "Fake GPU %d", device);
    write_arch(out.arch, device);
    out.wavefront = strncmp(out.arch, "gfx1", 4) == 0 ? 32 : 64; /* gfx10 and later */
    return out;
}

hipError_t hipGetDeviceCount(int *count)
{
    int error = fake_call(__func__, "%s", "");
    *count = error ? 0 : count_devices();
    return error || *count > 0 ? error : QJ_HIP_ERROR_NO_DEVICE;
}

hipError_t hipGetDevice(int *device)
{
    *device = current;
    return fake_call(__func__, "%s", "");
}

hipError_t hipSetDevice(int device)
{
    int error = fake_call(__func__, "%d", device);
    if (error || device < 0 || device >= count_devices()) {
        return error ? error : QJ_HIP_ERROR_INVALID_DEVICE;
    }
    current = device;
    return QJ_HIP_SUCCESS;
}

hipError_t hipGetDeviceProperties(void *properties, int device)
{
    int error = fake_call(__func__, "%d", device);
    if (!error && !is_unknown_layout()) {
        const struct fake_device description = describe(device);
        fake_put_old(properties, &description);
    }
    return error;
}

#ifndef FAKE_HIP_OLD
hipError_t hipGetDevicePropertiesR0600(void *properties, int device)
{
    int error = fake_call(__func__, "%d", device);
    if (!error && !is_unknown_layout()) {
        const struct fake_device description = describe(device);
        fake_put_r0600(properties, &description);
    }
    return error;
}
#endif

hipError_t hipRuntimeGetVersion(int *version)
{
    *version = FAKE_VERSION;
    return fake_call(__func__, "%s", "");
}

hipError_t hipDriverGetVersion(int *version)
{
    *version = FAKE_VERSION;
    return fake_call(__func__, "%s", "");
}

const char *hipGetErrorName(hipError_t error)
{
    return error == QJ_HIP_SUCCESS         ? "hipSuccess"
           : error == QJ_HIP_ERROR_UNKNOWN ? "hipErrorUnknown"
                                           : "hipErrorFake";
}

const char *hipGetErrorString(hipError_t error)
{
    return error == QJ_HIP_SUCCESS ? "no error" : "failed as it was told to";
}

/* ---- memory ----------------------------------------------------------------------------------------------
 */

static hipError_t allocate(const char *function, void **out, size_t n)
{
    int error = fake_call(function, "%zu", n);
    *out = error ? NULL : malloc(n ? n : 1);
    return error || *out ? error : QJ_HIP_ERROR_OUT_OF_MEMORY;
}

hipError_t hipMalloc(void **out, size_t n)
{
    return allocate(__func__, out, n);
}

hipError_t hipHostMalloc(void **out, size_t n, unsigned int flags)
{
    (void)flags;
    return allocate(__func__, out, n);
}

/* What is refused during a capture stays allocated, as with HIP. */
hipError_t hipFree(void *memory)
{
    int error = fake_call(__func__, "%s", "");
    if (error != QJ_HIP_ERROR_STREAM_CAPTURE_UNSUPPORTED) {
        free(memory);
    }
    return error;
}

hipError_t hipHostFree(void *memory)
{
    free(memory);
    return fake_call(__func__, "%s", "");
}

hipError_t hipMemGetInfo(size_t *free_bytes, size_t *total_bytes)
{
    *free_bytes = *total_bytes = (size_t)16 << 30;
    return fake_call(__func__, "%s", "");
}

hipError_t hipMemcpy(void *to, const void *from, size_t n, hipMemcpyKind kind)
{
    int error = fake_call(__func__, "%zu %d", n, kind);
    if (!error) {
        memmove(to, from, n);
    }
    return error;
}

hipError_t hipMemcpyAsync(void *to, const void *from, size_t n, hipMemcpyKind kind, hipStream_t stream)
{
    (void)stream;
    int error = fake_call(__func__, "%zu %d", n, kind);
    if (!error) {
        memmove(to, from, n);
    }
    return error;
}

hipError_t hipMemset(void *to, int byte, size_t n)
{
    int error = fake_call(__func__, "%d %zu", byte, n);
    if (!error) {
        memset(to, byte, n);
    }
    return error;
}

hipError_t hipMemsetAsync(void *to, int byte, size_t n, hipStream_t stream)
{
    (void)stream;
    int error = fake_call(__func__, "%d %zu", byte, n);
    if (!error) {
        memset(to, byte, n);
    }
    return error;
}

/* ---- streams and events: handles, nothing behind them ----------------------------------------------------
 */

hipError_t hipStreamCreate(hipStream_t *out)
{
    return allocate(__func__, (void **)out, 1);
}

hipError_t hipStreamCreateWithFlags(hipStream_t *out, unsigned int flags)
{
    (void)flags;
    return allocate(__func__, (void **)out, 1);
}

hipError_t hipStreamDestroy(hipStream_t stream)
{
    free(stream);
    return fake_call(__func__, "%s", "");
}

hipError_t hipStreamIsCapturing(hipStream_t stream, hipStreamCaptureStatus *out)
{
    (void)stream;
    *out = getenv("FAKE_HIP_CAPTURING") != NULL;
    return fake_call(__func__, "%s", "");
}

hipError_t hipEventCreate(hipEvent_t *out)
{
    return allocate(__func__, (void **)out, 1);
}

hipError_t hipEventCreateWithFlags(hipEvent_t *out, unsigned flags)
{
    (void)flags;
    return allocate(__func__, (void **)out, 1);
}

hipError_t hipEventDestroy(hipEvent_t event)
{
    free(event);
    return fake_call(__func__, "%s", "");
}

hipError_t hipEventElapsedTime(float *ms, hipEvent_t start, hipEvent_t stop)
{
    (void)start;
    (void)stop;
    *ms = 0.5F;
    return fake_call(__func__, "%s", "");
}

/* ---- modules ---------------------------------------------------------------------------------------------
 */

/* hipModuleLoadData gets no length: an ELF as compilers for GPUs write it ends with its section headers. */
static size_t size_of(const void *image)
{
    Elf64_Ehdr header;
    memcpy(&header, image, sizeof header);
    return (size_t)header.e_shoff + (size_t)header.e_shnum * header.e_shentsize;
}

hipError_t hipModuleLoadData(hipModule_t *out, const void *image)
{
    bool is_elf = memcmp(image, ELFMAG, SELFMAG) == 0;
    int error = fake_call(__func__, "%zu", is_elf ? size_of(image) : 0);
    *out = NULL;
    if (error || !is_elf) {
        return error ? error : QJ_HIP_ERROR_INVALID_IMAGE;
    }
    struct ihipModule_t *module = calloc(1, sizeof *module);
    if (!module) {
        return QJ_HIP_ERROR_OUT_OF_MEMORY;
    }
    module->image = image;
    module->n_image = size_of(image);
    (void)pthread_mutex_lock(&lock);
    module->next = modules;
    modules = module;
    (void)pthread_mutex_unlock(&lock);
    *out = module;
    return QJ_HIP_SUCCESS;
}

/* Takes the module out of the list; NULL if it is not in it. */
static struct ihipModule_t *take(hipModule_t module)
{
    struct ihipModule_t *taken = NULL;
    (void)pthread_mutex_lock(&lock);
    for (struct ihipModule_t **at = &modules; *at && !taken; at = &(*at)->next) {
        if (*at == module) {
            taken = module;
            *at = module->next;
            break;
        }
    }
    (void)pthread_mutex_unlock(&lock);
    return taken;
}

hipError_t hipModuleUnload(hipModule_t module)
{
    int error = fake_call("hipModuleUnload", "%s", "");
    struct ihipModule_t *taken = take(module);
    if (!taken) {
        return QJ_HIP_ERROR_INVALID_HANDLE;
    }
    for (size_t i = 0; i < taken->n_functions; i++) {
        free(taken->functions[i]);
    }
    free(taken);
    return error;
}

static hipFunction_t find_function(hipModule_t module, const char *name)
{
    for (size_t i = 0; i < module->n_functions; i++) {
        if (strcmp(module->functions[i]->name, name) == 0) {
            return module->functions[i];
        }
    }
    char symbol[NAME_BYTES + 4];
    int n = snprintf(symbol, sizeof symbol, "%s.kd", name);
    if (n >= NAME_BYTES || module->n_functions == FUNCTIONS_MAX ||
        !memmem(module->image, module->n_image, symbol, (size_t)n + 1)) {
        return NULL;
    }
    struct ihipModuleSymbol_t *function = calloc(1, sizeof *function);
    if (function) {
        (void)snprintf(function->name, sizeof function->name, "%s", name);
        module->functions[module->n_functions++] = function;
    }
    return function;
}

hipError_t hipModuleGetFunction(hipFunction_t *out, hipModule_t module, const char *name)
{
    int error = fake_call(__func__, "%s", name);
    *out = NULL;
    if (!error) {
        (void)pthread_mutex_lock(&lock);
        *out = find_function(module, name);
        (void)pthread_mutex_unlock(&lock);
    }
    return error || *out ? error : QJ_HIP_ERROR_NOT_FOUND;
}

hipError_t hipModuleLaunchKernel(hipFunction_t function, unsigned int grid_x, unsigned int grid_y,
                                 unsigned int grid_z, unsigned int block_x, unsigned int block_y,
                                 unsigned int block_z, unsigned int lds_bytes, hipStream_t stream,
                                 void **params, void **extra)
{
    (void)stream;
    (void)params;
    (void)extra;
    (void)sched_yield(); /* whoever may come in between shall */
    return fake_call(__func__, "%s %u,%u,%u %u,%u,%u %u", function->name, grid_x, grid_y, grid_z, block_x,
                     block_y, block_z, lds_bytes);
}

hipError_t hipFuncGetAttribute(int *value, hipFunction_attribute attribute, hipFunction_t function)
{
    *value = 0;
    return fake_call(__func__, "%d %s", attribute, function->name);
}
