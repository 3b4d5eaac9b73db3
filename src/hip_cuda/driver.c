#include "hip_cuda/driver.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "hip_cuda/handle.h"

enum { DEVICES_MAX = 64 };

struct qj_cuda qj_cuda;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static hipError_t open_error = QJ_HIP_ERROR_NO_DEVICE;
static int n_devices;
static _Atomic(CUcontext) contexts[DEVICES_MAX];
static pthread_mutex_t retain_lock = PTHREAD_MUTEX_INITIALIZER;

static _Thread_local int current_device;
static _Thread_local hipError_t last_error;

static bool fill_table(void *library)
{
    bool complete = true;
    enum { MAY, MUST };
#define QJ_CUDA_FUNCTION(need, name, symbol, params)                                                         \
    {                                                                                                        \
        void *at = dlsym(library, symbol);                                                                   \
        memcpy(&qj_cuda.name, &at, sizeof at);                                                               \
        complete = complete && (at != NULL || need == MAY);                                                  \
    }
#include "hip_cuda/cuda.def"
#undef QJ_CUDA_FUNCTION
    return complete;
}

static void open_once(void)
{
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        return;
    }
    if (!fill_table(library)) {
        open_error = 35; /* hipErrorInsufficientDriver */
        return;
    }
    int result = qj_cuda.cuInit(0);
    if (result == 0) {
        result = qj_cuda.cuDeviceGetCount(&n_devices);
    }
    if (n_devices > DEVICES_MAX) {
        n_devices = DEVICES_MAX;
    }
    if (result != 0 || n_devices == 0) {
        n_devices = 0;
        open_error = result == 0 ? QJ_HIP_ERROR_NO_DEVICE : qj_cuda_error(result);
        return;
    }
    open_error = qj_handle_reserve() ? QJ_HIP_SUCCESS : QJ_HIP_ERROR_OUT_OF_MEMORY;
}

hipError_t qj_cuda_open(void)
{
    pthread_once(&once, open_once);
    return open_error;
}

int qj_cuda_n_devices(void)
{
    return n_devices;
}

int qj_cuda_device(void)
{
    return current_device;
}

void qj_cuda_set_device(int device)
{
    current_device = device;
}

/* The primary context is shared with everything else of this process that uses CUDA; it is kept to the end.
 */
static hipError_t retain(int device, CUcontext *out)
{
    pthread_mutex_lock(&retain_lock);
    CUcontext context = atomic_load_explicit(&contexts[device], memory_order_relaxed);
    int result = 0;
    if (context == NULL) {
        CUdevice handle;
        result = qj_cuda.cuDeviceGet(&handle, device);
        if (result == 0) {
            result = qj_cuda.cuDevicePrimaryCtxRetain(&context, handle);
        }
        if (result == 0) {
            atomic_store_explicit(&contexts[device], context, memory_order_release);
        }
    }
    pthread_mutex_unlock(&retain_lock);
    *out = context;
    return qj_cuda_error(result);
}

hipError_t qj_cuda_bind(int device)
{
    if (qj_cuda_open() != QJ_HIP_SUCCESS) {
        return open_error;
    }
    CUcontext wanted = atomic_load_explicit(&contexts[device], memory_order_acquire), now = NULL;
    if (wanted == NULL) {
        hipError_t error = retain(device, &wanted);
        if (error != QJ_HIP_SUCCESS) {
            return error;
        }
    }
    /* Asked each time: other users of CUDA in this thread change it too. */
    int result = qj_cuda.cuCtxGetCurrent(&now);
    if (result == 0 && now != wanted) {
        result = qj_cuda.cuCtxSetCurrent(wanted);
    }
    return qj_cuda_error(result);
}

hipError_t qj_cuda_enter(void)
{
    return qj_cuda_bind(current_device);
}

hipError_t qj_cuda_leave(hipError_t error)
{
    if (error != QJ_HIP_SUCCESS && error != QJ_HIP_ERROR_NOT_READY) {
        last_error = error;
    }
    return error;
}

hipError_t hipGetLastError(void)
{
    hipError_t error = last_error;
    last_error = QJ_HIP_SUCCESS;
    return error;
}
