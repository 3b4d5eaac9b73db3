/* Streams and events. */
#include "hip_cuda/stream.h"

enum { EVENT_DISABLE_TIMING = 2, EVENT_INTERPROCESS = 4, EVENT_CUDA_FLAGS = 7 };
/* hipEventDisableSystemFence, hipEventReleaseToDevice, hipEventReleaseToSystem: about caches that CUDA
 * manages. */
#define EVENT_FENCE_FLAGS 0xE0000000u

hipError_t qj_stream_enter(CUstream *out, hipStream_t stream)
{
    int device;
    hipError_t error = qj_cuda_open();
    if (error == QJ_HIP_SUCCESS) {
        error = qj_stream_get(out, &device, stream);
    }
    return error == QJ_HIP_SUCCESS ? qj_cuda_bind(device) : error;
}

hipError_t hipStreamCreateWithFlags(hipStream_t *out, unsigned int flags)
{
    if (out == NULL || flags > 1) { /* hipStreamNonBlocking is 1, as CUDA's */
        return qj_cuda_leave(QJ_HIP_ERROR_INVALID_VALUE);
    }
    hipError_t error = qj_cuda_enter();
    if (error != QJ_HIP_SUCCESS) {
        return qj_cuda_leave(error);
    }
    struct qj_handle *handle = qj_handle_create(qj_cuda_device());
    if (handle == NULL) {
        return qj_cuda_leave(QJ_HIP_ERROR_OUT_OF_MEMORY);
    }
    error = qj_cuda_error(qj_cuda.cuStreamCreate(&handle->stream, flags));
    if (error == QJ_HIP_SUCCESS) {
        qj_handle_publish(handle, QJ_STREAM);
        *out = (hipStream_t)(void *)handle;
    } else {
        qj_handle_destroy(handle);
    }
    return qj_cuda_leave(error);
}

hipError_t hipStreamCreate(hipStream_t *out)
{
    return hipStreamCreateWithFlags(out, 0);
}

/* Work that is on the stream is done all the same. */
hipError_t hipStreamDestroy(hipStream_t stream)
{
    if ((uintptr_t)stream <= 2) {
        return qj_cuda_leave(QJ_HIP_ERROR_INVALID_HANDLE);
    }
    CUstream on;
    hipError_t error = qj_stream_enter(&on, stream);
    struct qj_handle *handle = (struct qj_handle *)(void *)stream;
    if (error == QJ_HIP_SUCCESS && !qj_handle_retire(handle, QJ_STREAM)) {
        error = 709;
    }
    if (error == QJ_HIP_SUCCESS) {
        error = qj_cuda_error(qj_cuda.cuStreamDestroy(on));
        qj_handle_destroy(handle);
    }
    return qj_cuda_leave(error);
}

hipError_t hipStreamSynchronize(hipStream_t stream)
{
    CUstream on;
    hipError_t error = qj_stream_enter(&on, stream);
    return qj_cuda_leave(error == QJ_HIP_SUCCESS ? qj_cuda_error(qj_cuda.cuStreamSynchronize(on)) : error);
}

hipError_t hipStreamQuery(hipStream_t stream)
{
    CUstream on;
    hipError_t error = qj_stream_enter(&on, stream);
    return qj_cuda_leave(error == QJ_HIP_SUCCESS ? qj_cuda_error(qj_cuda.cuStreamQuery(on)) : error);
}

/* HIP's values of the status are CUDA's. */
hipError_t hipStreamIsCapturing(hipStream_t stream, hipStreamCaptureStatus *out)
{
    CUstream on;
    hipError_t error = qj_stream_enter(&on, stream);
    if (error == QJ_HIP_SUCCESS && (out == NULL || qj_cuda.cuStreamIsCapturing == NULL)) {
        error = out == NULL ? QJ_HIP_ERROR_INVALID_VALUE : QJ_HIP_ERROR_NOT_SUPPORTED;
    } else if (error == QJ_HIP_SUCCESS) {
        error = qj_cuda_error(qj_cuda.cuStreamIsCapturing(on, out));
    }
    return qj_cuda_leave(error);
}

hipError_t hipStreamWaitEvent(hipStream_t stream, hipEvent_t event, unsigned int flags)
{
    CUstream on;
    hipError_t error = qj_stream_enter(&on, stream);
    const struct qj_handle *handle = qj_handle_get(event, QJ_EVENT);
    if (error == 709 || (error == QJ_HIP_SUCCESS && handle == NULL)) {
        error = QJ_HIP_ERROR_INVALID_HANDLE;
    } else if (error == QJ_HIP_SUCCESS && flags != 0) {
        error = QJ_HIP_ERROR_INVALID_VALUE;
    } else if (error == QJ_HIP_SUCCESS) {
        error = qj_cuda_error(qj_cuda.cuStreamWaitEvent(on, handle->event, 0));
    }
    return qj_cuda_leave(error);
}

hipError_t hipEventCreateWithFlags(hipEvent_t *out, unsigned flags)
{
    unsigned fences = flags & EVENT_FENCE_FLAGS;
    if (out == NULL || (flags & ~(EVENT_FENCE_FLAGS | EVENT_CUDA_FLAGS)) != 0 ||
        (fences & (fences - 1)) != 0 ||
        (flags & (EVENT_INTERPROCESS | EVENT_DISABLE_TIMING)) == EVENT_INTERPROCESS) {
        return qj_cuda_leave(QJ_HIP_ERROR_INVALID_VALUE);
    }
    hipError_t error = qj_cuda_enter();
    if (error != QJ_HIP_SUCCESS) {
        return qj_cuda_leave(error);
    }
    struct qj_handle *handle = qj_handle_create(qj_cuda_device());
    if (handle == NULL) {
        return qj_cuda_leave(QJ_HIP_ERROR_OUT_OF_MEMORY);
    }
    error = qj_cuda_error(qj_cuda.cuEventCreate(&handle->event, flags & EVENT_CUDA_FLAGS));
    if (error == QJ_HIP_SUCCESS) {
        qj_handle_publish(handle, QJ_EVENT);
        *out = (hipEvent_t)(void *)handle;
    } else {
        qj_handle_destroy(handle);
    }
    return qj_cuda_leave(error);
}

hipError_t hipEventCreate(hipEvent_t *out)
{
    return hipEventCreateWithFlags(out, 0);
}

/* Binds the event's device. */
static hipError_t event_enter(CUevent *out, hipEvent_t event)
{
    hipError_t error = qj_cuda_open();
    if (error != QJ_HIP_SUCCESS) {
        return error;
    }
    const struct qj_handle *handle = qj_handle_get(event, QJ_EVENT);
    if (handle == NULL) {
        return QJ_HIP_ERROR_INVALID_HANDLE;
    }
    *out = handle->event;
    return qj_cuda_bind(handle->device);
}

hipError_t hipEventDestroy(hipEvent_t event)
{
    CUevent of;
    hipError_t error = event_enter(&of, event);
    struct qj_handle *handle = (struct qj_handle *)(void *)event;
    if (error == QJ_HIP_SUCCESS && !qj_handle_retire(handle, QJ_EVENT)) {
        error = QJ_HIP_ERROR_INVALID_HANDLE;
    }
    if (error == QJ_HIP_SUCCESS) {
        error = qj_cuda_error(qj_cuda.cuEventDestroy(of));
        qj_handle_destroy(handle);
    }
    return qj_cuda_leave(error);
}

hipError_t hipEventRecord(hipEvent_t event, hipStream_t stream)
{
    CUevent of;
    CUstream on;
    hipError_t error = event_enter(&of, event);
    if (error == QJ_HIP_SUCCESS) {
        error = qj_stream_enter(&on, stream);
    }
    return qj_cuda_leave(error == QJ_HIP_SUCCESS ? qj_cuda_error(qj_cuda.cuEventRecord(of, on)) : error);
}

hipError_t hipEventSynchronize(hipEvent_t event)
{
    CUevent of;
    hipError_t error = event_enter(&of, event);
    return qj_cuda_leave(error == QJ_HIP_SUCCESS ? qj_cuda_error(qj_cuda.cuEventSynchronize(of)) : error);
}

hipError_t hipEventQuery(hipEvent_t event)
{
    CUevent of;
    hipError_t error = event_enter(&of, event);
    return qj_cuda_leave(error == QJ_HIP_SUCCESS ? qj_cuda_error(qj_cuda.cuEventQuery(of)) : error);
}

hipError_t hipEventElapsedTime(float *ms, hipEvent_t start, hipEvent_t stop)
{
    CUevent from, to;
    hipError_t error = ms == NULL ? QJ_HIP_ERROR_INVALID_VALUE : event_enter(&from, start);
    if (error == QJ_HIP_SUCCESS) {
        error = event_enter(&to, stop);
    }
    return qj_cuda_leave(error == QJ_HIP_SUCCESS ? qj_cuda_error(qj_cuda.cuEventElapsedTime(ms, from, to))
                                                 : error);
}
