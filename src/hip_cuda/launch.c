/* The one call that is made often: everything it needs was looked up when the function was. */
#include "hip_cuda/handle.h"
#include "hip_cuda/stream.h"

enum { BLOCK_MAX = 1024, GRID_YZ_MAX = 65535 };

/* HIP's ends of a list of extra parameters: 1 a pointer follows, 2 its size, 3 the end. CUDA's: 1, 2 and 0.
 */
struct extra {
    void *entries[5];
};

static hipError_t translate_extra(struct extra *out, void **extra)
{
    size_t n = 0;
    while (n + 1 < 5 && ((uintptr_t)extra[n] == 1 || (uintptr_t)extra[n] == 2)) {
        out->entries[n] = extra[n];
        out->entries[n + 1] = extra[n + 1];
        n += 2;
    }
    out->entries[n] = NULL;
    return n == 4 && (uintptr_t)extra[n] == 3 ? QJ_HIP_SUCCESS : QJ_HIP_ERROR_INVALID_VALUE;
}

static hipError_t check(const struct qj_handle *function, uint64_t grid_x, unsigned grid_y, unsigned grid_z,
                        uint64_t block_x, uint64_t block_y, uint64_t block_z, unsigned lds_bytes)
{
    uint64_t n_threads = block_x * block_y; /* two of 32 bits fit */
    if (grid_x == 0 || grid_y == 0 || grid_z == 0 || grid_x > INT32_MAX || grid_y > GRID_YZ_MAX ||
        grid_z > GRID_YZ_MAX) {
        return QJ_HIP_ERROR_INVALID_VALUE;
    }
    if (n_threads == 0 || block_z == 0 || grid_x * block_x > UINT32_MAX) {
        return QJ_HIP_ERROR_INVALID_CONFIGURATION;
    }
    if (n_threads > BLOCK_MAX || n_threads * block_z > BLOCK_MAX || lds_bytes > function->max_lds_bytes) {
        return QJ_HIP_ERROR_INVALID_VALUE;
    }
    return n_threads * block_z > function->max_threads ? QJ_HIP_ERROR_LAUNCH_FAILURE : QJ_HIP_SUCCESS;
}

hipError_t hipModuleLaunchKernel(hipFunction_t function, unsigned int grid_x, unsigned int grid_y,
                                 unsigned int grid_z, unsigned int block_x, unsigned int block_y,
                                 unsigned int block_z, unsigned int lds_bytes, hipStream_t stream,
                                 void **params, void **extra)
{
    CUstream on;
    int device;
    struct extra translated;
    hipError_t error = qj_cuda_open();
    const struct qj_handle *of = error == QJ_HIP_SUCCESS ? qj_handle_get(function, QJ_FUNCTION) : NULL;
    if (of == NULL) {
        error = error != QJ_HIP_SUCCESS ? error : QJ_HIP_ERROR_INVALID_HANDLE;
        return qj_cuda_leave(
            function == NULL && error == QJ_HIP_ERROR_INVALID_HANDLE ? QJ_HIP_ERROR_INVALID_IMAGE : error);
    }
    error = check(of, grid_x, grid_y, grid_z, block_x, block_y, block_z, lds_bytes);
    if (error == QJ_HIP_SUCCESS && qj_stream_get(&on, &device, stream) != QJ_HIP_SUCCESS) {
        error = QJ_HIP_ERROR_INVALID_VALUE;
    } else if (error == QJ_HIP_SUCCESS && device != of->device) {
        error = QJ_HIP_ERROR_INVALID_DEVICE;
    } else if (error == QJ_HIP_SUCCESS) {
        error = (params != NULL && extra != NULL) || (params == NULL && extra == NULL && of->has_params)
                    ? QJ_HIP_ERROR_INVALID_VALUE
                    : qj_cuda_bind(device);
    }
    if (error == QJ_HIP_SUCCESS && extra != NULL) {
        error = translate_extra(&translated, extra);
        extra = translated.entries;
    }
    if (error == QJ_HIP_SUCCESS) {
        error = qj_cuda_error(qj_cuda.cuLaunchKernel(of->function, grid_x, grid_y, grid_z, block_x, block_y,
                                                     block_z, lds_bytes, on, params, extra));
    }
    return qj_cuda_leave(error);
}
