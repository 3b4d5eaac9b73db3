/* Memory. */
#include <stdbool.h>
#include <string.h>

#include "hip_cuda/driver.h"
#include "hip_cuda/stream.h"

/* hipHostMalloc's flags and what CUDA has for them. HIP's others speak of NUMA and coherence: here all host
 * memory is coherent. */
enum {
    HOST_PORTABLE = 1,
    HOST_MAPPED = 2,
    HOST_WRITE_COMBINED = 4,
    HOST_CUDA_FLAGS = HOST_PORTABLE | HOST_MAPPED | HOST_WRITE_COMBINED
};
#define HOST_NUMA_USER   0x20000000u
#define HOST_COHERENT    0x40000000u
#define HOST_NONCOHERENT 0x80000000u

hipError_t hipMalloc(void **out, size_t n)
{
    hipError_t error = out == NULL ? QJ_HIP_ERROR_INVALID_VALUE : qj_cuda_enter();
    if (error == QJ_HIP_SUCCESS) {
        CUdeviceptr at = 0;
        error = n == 0 ? QJ_HIP_SUCCESS : qj_cuda_error(qj_cuda.cuMemAlloc(&at, n));
        if (error == QJ_HIP_SUCCESS) {
            *out = (void *)(uintptr_t)at;
        }
    }
    return qj_cuda_leave(error);
}

hipError_t hipFree(void *memory)
{
    hipError_t error = qj_cuda_enter();
    if (error == QJ_HIP_SUCCESS && memory != NULL) {
        error = qj_cuda_error(qj_cuda.cuMemFree((CUdeviceptr)(uintptr_t)memory));
    }
    return qj_cuda_leave(error);
}

hipError_t hipHostMalloc(void **out, size_t n, unsigned int flags)
{
    unsigned known = HOST_CUDA_FLAGS | HOST_NUMA_USER | HOST_COHERENT | HOST_NONCOHERENT;
    bool both = (flags & HOST_COHERENT) != 0 && (flags & HOST_NONCOHERENT) != 0;
    if (out == NULL || (flags & ~known) != 0 || both) {
        return qj_cuda_leave(QJ_HIP_ERROR_INVALID_VALUE);
    }
    hipError_t error = qj_cuda_enter();
    if (error == QJ_HIP_SUCCESS) {
        void *memory = NULL;
        error = n == 0 ? QJ_HIP_SUCCESS
                       : qj_cuda_error(
                             qj_cuda.cuMemHostAlloc(&memory, n, (flags & HOST_CUDA_FLAGS) | HOST_PORTABLE));
        if (error == QJ_HIP_SUCCESS) {
            *out = memory;
        }
    }
    return qj_cuda_leave(error);
}

hipError_t hipHostFree(void *memory)
{
    hipError_t error = qj_cuda_enter();
    if (error == QJ_HIP_SUCCESS && memory != NULL) {
        error = qj_cuda_error(qj_cuda.cuMemFreeHost(memory));
    }
    return qj_cuda_leave(error);
}

hipError_t hipMemGetInfo(size_t *free_bytes, size_t *total_bytes)
{
    size_t free_now = 0, total = 0;
    hipError_t error = qj_cuda_enter();
    if (error == QJ_HIP_SUCCESS) {
        error = qj_cuda_error(qj_cuda.cuMemGetInfo(&free_now, &total));
    }
    if (error == QJ_HIP_SUCCESS && free_bytes != NULL) {
        *free_bytes = free_now;
    }
    if (error == QJ_HIP_SUCCESS && total_bytes != NULL) {
        *total_bytes = total;
    }
    return qj_cuda_leave(error);
}

/* CUDA maps memory in large pages and lets a copy run over the end of an allocation into the next one. Memory
 * that is not the driver's is the host's: its range is 0, and nobody knows its size. */
static bool is_inside(const void *at, size_t n)
{
    static const int attributes[2] = {11, 12}; /* CU_POINTER_ATTRIBUTE_RANGE_START_ADDR, _RANGE_SIZE */
    CUdeviceptr base = 0, start = (CUdeviceptr)(uintptr_t)at;
    size_t size = 0;
    int result = qj_cuda.cuPointerGetAttributes(2, attributes, (void *[]){&base, &size}, start);
    return result != 0 || base == 0 || (n <= size && start - base <= size - n);
}

static hipError_t check_copy(const void *to, const void *from, size_t n, hipMemcpyKind kind)
{
    if ((int)kind < QJ_HIP_MEMCPY_HOST_TO_HOST || (int)kind > QJ_HIP_MEMCPY_DEFAULT) {
        return 21; /* hipErrorInvalidMemcpyDirection */
    }
    if (to == NULL || from == NULL || !is_inside(to, n) || !is_inside(from, n)) {
        return QJ_HIP_ERROR_INVALID_VALUE;
    }
    return QJ_HIP_SUCCESS;
}

/* The direction is read off the pointers, as ROCm does: a kind that says otherwise is not an error. */
hipError_t hipMemcpy(void *to, const void *from, size_t n, hipMemcpyKind kind)
{
    hipError_t error = qj_cuda_enter();
    if (error == QJ_HIP_SUCCESS && n > 0) {
        error = check_copy(to, from, n, kind);
        if (error == QJ_HIP_SUCCESS) {
            error =
                qj_cuda_error(qj_cuda.cuMemcpy((CUdeviceptr)(uintptr_t)to, (CUdeviceptr)(uintptr_t)from, n));
        }
    }
    return qj_cuda_leave(error);
}

hipError_t hipMemcpyAsync(void *to, const void *from, size_t n, hipMemcpyKind kind, hipStream_t stream)
{
    CUstream on;
    hipError_t error = qj_stream_enter(&on, stream);
    if (error == QJ_HIP_SUCCESS && n > 0) {
        error = check_copy(to, from, n, kind);
        if (error == QJ_HIP_SUCCESS) {
            error = qj_cuda_error(
                qj_cuda.cuMemcpyAsync((CUdeviceptr)(uintptr_t)to, (CUdeviceptr)(uintptr_t)from, n, on));
        }
    }
    return qj_cuda_leave(error);
}

static hipError_t set(void *to, int byte, size_t n, CUstream on)
{
    if (n == 0) {
        return QJ_HIP_SUCCESS;
    }
    if (to == NULL || !is_inside(to, n)) {
        return QJ_HIP_ERROR_INVALID_VALUE;
    }
    return qj_cuda_error(qj_cuda.cuMemsetD8Async((CUdeviceptr)(uintptr_t)to, (unsigned char)byte, n, on));
}

/* Done when it returns: unlike CUDA's, which leaves non-blocking streams to race with it. */
hipError_t hipMemset(void *to, int byte, size_t n)
{
    hipError_t error = qj_cuda_enter();
    if (error == QJ_HIP_SUCCESS) {
        error = set(to, byte, n, NULL);
    }
    if (error == QJ_HIP_SUCCESS && n > 0) {
        error = qj_cuda_error(qj_cuda.cuStreamSynchronize(NULL));
    }
    return qj_cuda_leave(error);
}

hipError_t hipMemsetAsync(void *to, int byte, size_t n, hipStream_t stream)
{
    CUstream on;
    hipError_t error = qj_stream_enter(&on, stream);
    if (error == QJ_HIP_SUCCESS) {
        error = set(to, byte, n, on);
    }
    return qj_cuda_leave(error);
}
