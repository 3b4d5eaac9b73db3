/* HIP's types as far as functions.def needs them, written here so that no ROCm header is needed to build.
 * With QJ_HIP_REAL_HEADERS the real ones stand in their place: tests/headers holds the two against each
 * other. */
#ifndef QJ_HIP_TYPES_H
#define QJ_HIP_TYPES_H

#include <stddef.h>

#ifdef QJ_HIP_REAL_HEADERS
#include <hip/hip_runtime_api.h>
#include <hip/hiprtc.h>
#else
typedef int hipError_t;
typedef int hipMemcpyKind;
typedef int hipDeviceAttribute_t;
typedef int hipFunction_attribute;
typedef int hipStreamCaptureStatus; /* 0: the stream is not being captured */
typedef struct ihipStream_t *hipStream_t;
typedef struct ihipEvent_t *hipEvent_t;
typedef struct ihipModule_t *hipModule_t;
typedef struct ihipModuleSymbol_t *hipFunction_t;
typedef void *hipDeviceptr_t;
typedef int hiprtcResult;
typedef struct _hiprtcProgram *hiprtcProgram;
#endif

/* hipError_t */
enum {
    QJ_HIP_SUCCESS = 0,
    QJ_HIP_ERROR_INVALID_VALUE = 1,
    QJ_HIP_ERROR_OUT_OF_MEMORY = 2,
    QJ_HIP_ERROR_NOT_INITIALIZED = 3,
    QJ_HIP_ERROR_INVALID_CONFIGURATION = 9,
    QJ_HIP_ERROR_NO_DEVICE = 100,
    QJ_HIP_ERROR_INVALID_DEVICE = 101,
    QJ_HIP_ERROR_INVALID_IMAGE = 200,
    QJ_HIP_ERROR_NO_BINARY_FOR_GPU = 209,
    QJ_HIP_ERROR_INVALID_KERNEL_FILE = 218,
    QJ_HIP_ERROR_INVALID_HANDLE = 400,
    QJ_HIP_ERROR_NOT_FOUND = 500,
    QJ_HIP_ERROR_NOT_READY = 600,
    QJ_HIP_ERROR_ILLEGAL_ADDRESS = 700,
    QJ_HIP_ERROR_LAUNCH_OUT_OF_RESOURCES = 701,
    QJ_HIP_ERROR_LAUNCH_FAILURE = 719,
    QJ_HIP_ERROR_NOT_SUPPORTED = 801,
    QJ_HIP_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900,
    QJ_HIP_ERROR_UNKNOWN = 999
};

/* hipMemcpyKind */
enum {
    QJ_HIP_MEMCPY_HOST_TO_HOST = 0,
    QJ_HIP_MEMCPY_HOST_TO_DEVICE = 1,
    QJ_HIP_MEMCPY_DEVICE_TO_HOST = 2,
    QJ_HIP_MEMCPY_DEVICE_TO_DEVICE = 3,
    QJ_HIP_MEMCPY_DEFAULT = 4
};

/* hiprtcResult */
enum {
    QJ_HIPRTC_SUCCESS = 0,
    QJ_HIPRTC_ERROR_OUT_OF_MEMORY = 1,
    QJ_HIPRTC_ERROR_PROGRAM_CREATION_FAILURE = 2,
    QJ_HIPRTC_ERROR_INVALID_INPUT = 3,
    QJ_HIPRTC_ERROR_INVALID_PROGRAM = 4,
    QJ_HIPRTC_ERROR_INVALID_OPTION = 5,
    QJ_HIPRTC_ERROR_COMPILATION = 6,
    QJ_HIPRTC_ERROR_NAME_EXPRESSION_NOT_VALID = 10,
    QJ_HIPRTC_ERROR_INTERNAL = 11
};

#endif
