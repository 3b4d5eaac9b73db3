/* Streams, as the other files need them. */
#ifndef QJ_HIP_CUDA_STREAM_H
#define QJ_HIP_CUDA_STREAM_H

#include "hip_cuda/handle.h"

/* CUDA's stream behind HIP's, and the device it is on; NULL, hipStreamLegacy (1) and hipStreamPerThread (2)
 * are on the thread's device and the same in both. hipErrorContextIsDestroyed (709), ROCm's code, for a
 * handle that is none. */
static inline hipError_t qj_stream_get(CUstream *out, int *device, hipStream_t stream)
{
    if ((uintptr_t)stream <= 2) {
        *out = (CUstream)(void *)stream;
        *device = qj_cuda_device();
        return QJ_HIP_SUCCESS;
    }
    const struct qj_handle *handle = qj_handle_get(stream, QJ_STREAM);
    if (handle == NULL) {
        return 709;
    }
    *out = handle->stream;
    *device = handle->device;
    return QJ_HIP_SUCCESS;
}

/* Binds the stream's device. */
hipError_t qj_stream_enter(CUstream *out, hipStream_t stream);

#endif
