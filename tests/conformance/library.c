/* The library as such: versions, names of errors, the last error, and what it says where there is no device.
 */
#include <pthread.h>
#include <string.h>

#include "conformance/conformance.h"

static void versions(struct conf *c)
{
    int version = -1;
    OK(c, c->hip.hipRuntimeGetVersion(&version));
    conf_check(c, version > 0, "run-time version %d is positive", version);
    EXPECT(c, c->hip.hipRuntimeGetVersion(NULL), VALUE);
    version = -1;
    OK(c, c->hip.hipDriverGetVersion(&version));
    conf_check(c, version >= 0, "driver version %d is not negative", version);
    EXPECT(c, c->hip.hipDriverGetVersion(NULL), VALUE);
}

static void error_names(struct conf *c)
{
    static const struct {
        int code;
        const char *name;
    } known[] = {
        {0, "hipSuccess"},
        {1, "hipErrorInvalidValue"},
        {2, "hipErrorOutOfMemory"},
        {100, "hipErrorNoDevice"},
        {101, "hipErrorInvalidDevice"},
        {200, "hipErrorInvalidImage"},
        {209, "hipErrorNoBinaryForGpu"},
        {400, "hipErrorInvalidHandle"},
        {500, "hipErrorNotFound"},
        {600, "hipErrorNotReady"},
        {700, "hipErrorIllegalAddress"},
        {719, "hipErrorLaunchFailure"},
        {801, "hipErrorNotSupported"},
        {999, "hipErrorUnknown"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const char *name = c->hip.hipGetErrorName(known[i].code);
        const char *text = c->hip.hipGetErrorString(known[i].code);
        conf_check(c, name != NULL && strcmp(name, known[i].name) == 0, "%d is called %s", known[i].code,
                   known[i].name);
        conf_check(c, text != NULL && text[0] != '\0', "%s has a text", known[i].name);
    }
    conf_check(c, c->hip.hipGetErrorName(123456) != NULL, "an unknown code has a name");
    conf_check(c, c->hip.hipGetErrorString(-5) != NULL, "a negative code has a text");
}

static void last_error(struct conf *c)
{
    c->hip.hipGetLastError();
    EXPECT(c, c->hip.hipMalloc(NULL, 16), VALUE);
    EXPECT(c, c->hip.hipGetLastError(), VALUE);
    OK(c, c->hip.hipGetLastError());
    EXPECT(c, c->hip.hipEventDestroy(NULL), BAD_EVENT);
    int device = 0;
    OK(c, c->hip.hipGetDevice(&device));
    c->hip.hipGetLastError();
}

static void *get_last_error(void *payload)
{
    struct conf *c = payload;
    static int error;
    error = c->hip.hipGetLastError();
    return &error;
}

static void last_error_per_thread(struct conf *c)
{
    c->hip.hipMalloc(NULL, 16);
    pthread_t thread;
    void *other = NULL;
    if (!conf_check(c, pthread_create(&thread, NULL, get_last_error, c) == 0, "a thread starts")) {
        return;
    }
    pthread_join(thread, &other);
    conf_check(c, *(int *)other == 0, "another thread's last error is its own");
    EXPECT(c, c->hip.hipGetLastError(), VALUE);
}

static void init(struct conf *c)
{
    OK(c, c->hip.hipInit(0));
    EXPECT(c, c->hip.hipInit(1), VALUE);
}

/* Everything that needs a device says that there is none, and nothing crashes. */
static void no_device(struct conf *c)
{
    int n = -1;
    void *memory = NULL;
    hipStream_t stream = NULL;
    hipEvent_t event = NULL;
    hipModule_t module = NULL;
    char properties[8192];
    EXPECT(c, c->hip.hipGetDeviceCount(&n), QJ_HIP_ERROR_NO_DEVICE);
    conf_check(c, n == 0, "the count is 0");
    EXPECT(c, c->hip.hipInit(0), QJ_HIP_ERROR_NO_DEVICE, QJ_HIP_ERROR_INVALID_DEVICE);
    EXPECT(c, c->hip.hipSetDevice(0), QJ_HIP_ERROR_NO_DEVICE, QJ_HIP_ERROR_INVALID_DEVICE);
    EXPECT(c, c->hip.hipGetDevice(&n), QJ_HIP_ERROR_NO_DEVICE, QJ_HIP_ERROR_INVALID_DEVICE);
    EXPECT(c, c->hip.hipMalloc(&memory, 16), QJ_HIP_ERROR_NO_DEVICE, QJ_HIP_ERROR_INVALID_DEVICE);
    EXPECT(c, c->hip.hipHostMalloc(&memory, 16, 0), QJ_HIP_ERROR_NO_DEVICE, QJ_HIP_ERROR_INVALID_DEVICE);
    EXPECT(c, c->hip.hipStreamCreate(&stream), QJ_HIP_ERROR_NO_DEVICE, QJ_HIP_ERROR_INVALID_DEVICE);
    EXPECT(c, c->hip.hipEventCreate(&event), QJ_HIP_ERROR_NO_DEVICE, QJ_HIP_ERROR_INVALID_DEVICE);
    EXPECT(c, c->hip.hipDeviceSynchronize(), QJ_HIP_ERROR_NO_DEVICE, QJ_HIP_ERROR_INVALID_DEVICE);
    EXPECT(c, c->hip.hipModuleLoadData(&module, "not an image, and never looked at"), QJ_HIP_ERROR_NO_DEVICE,
           QJ_HIP_ERROR_INVALID_DEVICE);
    EXPECT(c, c->hip.hipGetDeviceProperties(properties, 0), QJ_HIP_ERROR_NO_DEVICE,
           QJ_HIP_ERROR_INVALID_DEVICE);
    EXPECT(c, c->hip.hipDeviceGetAttribute(&n, 87, 0), QJ_HIP_ERROR_NO_DEVICE, QJ_HIP_ERROR_INVALID_DEVICE);
}

const struct conf_case conf_library_cases[] = {
    {"library", "versions", CONF_ANY, versions},
    {"library", "error_names", CONF_ANY, error_names},
    {"library", "init", CONF_DEVICE, init},
    {"library", "last_error", CONF_DEVICE, last_error},
    {"library", "last_error_per_thread", CONF_DEVICE, last_error_per_thread},
    {"library", "no_device", CONF_NO_DEVICE, no_device},
    {NULL, NULL, 0, NULL},
};
