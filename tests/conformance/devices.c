/* Devices: count, current device, attributes, properties, and work on two of them. */
#include <pthread.h>
#include <string.h>

#include "conformance/conformance.h"

/* hipDeviceAttribute_t as HIP numbers it */
enum {
    ATTRIBUTE_MAX_BLOCK_X = 26,
    ATTRIBUTE_MAX_GRID_X = 29,
    ATTRIBUTE_MAX_THREADS_PER_BLOCK = 56,
    ATTRIBUTE_N_PROCESSORS = 63,
    ATTRIBUTE_LDS_PER_BLOCK = 74,
    ATTRIBUTE_WARP_SIZE = 87
};

static void count(struct conf *c)
{
    int n = -1;
    OK(c, c->hip.hipGetDeviceCount(&n));
    conf_check(c, n == c->n_devices, "the count stays the same");
    EXPECT(c, c->hip.hipGetDeviceCount(NULL), VALUE);
}

static void current(struct conf *c)
{
    int device = -1;
    OK(c, c->hip.hipGetDevice(&device));
    conf_check(c, device == 0, "the current device is 0 at first");
    EXPECT(c, c->hip.hipGetDevice(NULL), VALUE);
    OK(c, c->hip.hipSetDevice(0));
    EXPECT(c, c->hip.hipSetDevice(-1), QJ_HIP_ERROR_INVALID_DEVICE);
    EXPECT(c, c->hip.hipSetDevice(c->n_devices), QJ_HIP_ERROR_INVALID_DEVICE);
    OK(c, c->hip.hipGetDevice(&device));
    conf_check(c, device == 0, "a refused hipSetDevice changes nothing");
    OK(c, c->hip.hipDeviceSynchronize());
}

static int attribute(struct conf *c, int which)
{
    int value = -1;
    OK(c, c->hip.hipDeviceGetAttribute(&value, which, 0));
    return value;
}

static void attributes(struct conf *c)
{
    int warp = attribute(c, ATTRIBUTE_WARP_SIZE);
    conf_check(c, warp == 32 || warp == 64, "warp size %d is 32 or 64", warp);
    int threads = attribute(c, ATTRIBUTE_MAX_THREADS_PER_BLOCK);
    conf_check(c, threads >= 256 && threads % warp == 0, "%d threads per block are whole wavefronts",
               threads);
    int lds = attribute(c, ATTRIBUTE_LDS_PER_BLOCK);
    conf_check(c, lds >= 16384, "%d bytes of LDS per block are enough", lds);
    int processors = attribute(c, ATTRIBUTE_N_PROCESSORS);
    conf_check(c, processors >= 1, "%d multiprocessors", processors);
    conf_check(c, attribute(c, ATTRIBUTE_MAX_BLOCK_X) >= 256, "a block may be 256 wide");
    conf_check(c, attribute(c, ATTRIBUTE_MAX_GRID_X) >= 65535, "a grid may be 65,535 wide");
    int value = 0;
    EXPECT(c, c->hip.hipDeviceGetAttribute(NULL, ATTRIBUTE_WARP_SIZE, 0), VALUE);
    EXPECT(c, c->hip.hipDeviceGetAttribute(&value, ATTRIBUTE_WARP_SIZE, -1), QJ_HIP_ERROR_INVALID_DEVICE);
    EXPECT(c, c->hip.hipDeviceGetAttribute(&value, ATTRIBUTE_WARP_SIZE, c->n_devices),
           QJ_HIP_ERROR_INVALID_DEVICE);
    EXPECT(c, c->hip.hipDeviceGetAttribute(&value, 9000, 0), VALUE, QJ_HIP_ERROR_NOT_SUPPORTED);
}

/* What of one layout is held against the attributes: offsets of members in bytes. */
struct layout {
    const char *name;
    size_t n_bytes, memory, lds, warp, threads, processors, arch;
};

static void check_layout(struct conf *c, hipError_t (*get)(void *, int), const struct layout *layout)
{
    static unsigned char memory[8192];
    memset(memory, 0xA5, sizeof memory);
    OK(c, get(memory, 0));
    int warp, threads, processors;
    size_t lds, total;
    memcpy(&warp, memory + layout->warp, sizeof warp);
    memcpy(&threads, memory + layout->threads, sizeof threads);
    memcpy(&processors, memory + layout->processors, sizeof processors);
    memcpy(&lds, memory + layout->lds, sizeof lds);
    memcpy(&total, memory + layout->memory, sizeof total);
    conf_check(c, memory[0] != 0 && memory[0] != 0xA5 && memchr(memory, 0, 256) != NULL, "%s: it has a name",
               layout->name);
    conf_check(c, warp == attribute(c, ATTRIBUTE_WARP_SIZE), "%s: warp size %d", layout->name, warp);
    conf_check(c, threads == attribute(c, ATTRIBUTE_MAX_THREADS_PER_BLOCK), "%s: threads per block %d",
               layout->name, threads);
    conf_check(c, processors == attribute(c, ATTRIBUTE_N_PROCESSORS), "%s: multiprocessors %d", layout->name,
               processors);
    conf_check(c, lds == (size_t)attribute(c, ATTRIBUTE_LDS_PER_BLOCK), "%s: LDS %zu", layout->name, lds);
    conf_check(c, total >= (size_t)1 << 20 && total < (size_t)1 << 50, "%s: memory %zu", layout->name, total);
    conf_check(c, strncmp((char *)memory + layout->arch, c->arch, 64) == 0, "%s: arch '%s'", layout->name,
               c->arch);
    conf_check(c, memory[layout->n_bytes] == 0xA5 && memory[layout->n_bytes + 64] == 0xA5,
               "%s: nothing is written behind its %zu bytes", layout->name, layout->n_bytes);
    EXPECT(c, get(NULL, 0), VALUE);
    EXPECT(c, get(memory, -1), QJ_HIP_ERROR_INVALID_DEVICE);
    EXPECT(c, get(memory, c->n_devices), QJ_HIP_ERROR_INVALID_DEVICE);
}

static void properties(struct conf *c)
{
    static const struct layout before_6 = {"hipGetDeviceProperties", 792, 256, 264, 276, 280, 336, 396};
    check_layout(c, c->hip.hipGetDeviceProperties, &before_6);
}

static void properties_r0600(struct conf *c)
{
    static const struct layout since_6 = {"hipGetDevicePropertiesR0600", 1472, 288, 296, 308, 320, 388, 1160};
    if (c->hip.hipGetDevicePropertiesR0600 == NULL) {
        conf_skip(c, "the library is older than HIP 6");
        return;
    }
    check_layout(c, c->hip.hipGetDevicePropertiesR0600, &since_6);
}

static void *device_of_new_thread(void *payload)
{
    struct conf *c = payload;
    static int device;
    device = -1;
    c->hip.hipGetDevice(&device);
    return &device;
}

static void per_thread(struct conf *c)
{
    OK(c, c->hip.hipSetDevice(1));
    pthread_t thread;
    void *seen = NULL;
    if (conf_check(c, pthread_create(&thread, NULL, device_of_new_thread, c) == 0, "a thread starts")) {
        pthread_join(thread, &seen);
        conf_check(c, *(int *)seen == 0, "a new thread is on device 0");
    }
    int device = -1;
    OK(c, c->hip.hipGetDevice(&device));
    conf_check(c, device == 1, "this thread is on device 1");
    OK(c, c->hip.hipSetDevice(0));
}

/* A kernel and its memory on device 1, then a copy from there to device 0. */
static void work_on_second(struct conf *c)
{
    size_t n_code;
    const void *code = conf_kernels_code(c, &n_code);
    int *first = conf_device_memory(c, 4096), host[1024] = {0};
    OK(c, c->hip.hipSetDevice(1));
    int *second = conf_device_memory(c, 4096), value = 77, n = 1024;
    hipModule_t module = NULL;
    hipFunction_t fill = NULL;
    if (code == NULL || first == NULL || second == NULL || !OK(c, c->hip.hipModuleLoadData(&module, code)) ||
        !OK(c, c->hip.hipModuleGetFunction(&fill, module, "fill"))) {
        return;
    }
    OK(c, conf_launch(c, fill, 4, 256, 0, NULL, (void *[]){&second, &value, &n}));
    OK(c, c->hip.hipDeviceSynchronize());
    OK(c, c->hip.hipMemcpy(first, second, 4096, QJ_HIP_MEMCPY_DEVICE_TO_DEVICE));
    OK(c, c->hip.hipSetDevice(0));
    OK(c, c->hip.hipMemcpy(host, first, 4096, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
    conf_check(c, host[0] == 77 && host[1023] == 77, "what device 1 wrote arrives through device 0");
    OK(c, c->hip.hipFree(second));
    OK(c, c->hip.hipFree(first));
    OK(c, c->hip.hipModuleUnload(module));
}

/* A stream belongs to the device it was made on, whichever device is current when it is used. */
static void stream_of_second(struct conf *c)
{
    size_t n_code;
    const void *code = conf_kernels_code(c, &n_code);
    OK(c, c->hip.hipSetDevice(1));
    int *memory = conf_device_memory(c, 4096), value = 5, n = 1024, host[1024] = {0};
    hipStream_t stream = NULL;
    hipModule_t module = NULL;
    hipFunction_t fill = NULL;
    if (code == NULL || memory == NULL || !OK(c, c->hip.hipStreamCreate(&stream)) ||
        !OK(c, c->hip.hipModuleLoadData(&module, code)) ||
        !OK(c, c->hip.hipModuleGetFunction(&fill, module, "fill"))) {
        return;
    }
    OK(c, c->hip.hipSetDevice(0));
    OK(c, conf_launch(c, fill, 4, 256, 0, stream, (void *[]){&memory, &value, &n}));
    OK(c, c->hip.hipMemcpyAsync(host, memory, 4096, QJ_HIP_MEMCPY_DEVICE_TO_HOST, stream));
    OK(c, c->hip.hipStreamSynchronize(stream));
    int device = -1;
    OK(c, c->hip.hipGetDevice(&device));
    conf_check(c, device == 0 && host[1023] == 5, "it ran on device 1, and device 0 stayed current");
    OK(c, c->hip.hipStreamDestroy(stream));
    OK(c, c->hip.hipFree(memory));
}

const struct conf_case conf_devices_cases[] = {
    {"devices", "current", CONF_DEVICE, current},
    {"devices", "count", CONF_DEVICE, count},
    {"devices", "attributes", CONF_DEVICE, attributes},
    {"devices", "properties", CONF_DEVICE, properties},
    {"devices", "properties_r0600", CONF_DEVICE, properties_r0600},
    {"devices", "per_thread", CONF_TWO_DEVICES, per_thread},
    {"devices", "work_on_second", CONF_TWO_DEVICES, work_on_second},
    {"devices", "stream_of_second", CONF_TWO_DEVICES, stream_of_second},
    {NULL, NULL, 0, NULL},
};
