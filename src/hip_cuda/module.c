/* Modules, their functions and globals. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "hip_cuda/handle.h"
#include "hip_cuda/image.h"

/* CUfunction_attribute, the same numbers as hipFunction_attribute */
enum { FUNC_MAX_THREADS = 0, FUNC_LDS_BYTES = 1, FUNC_MAX_DYNAMIC_LDS_BYTES = 8, FUNC_ATTRIBUTES = 10 };
enum { DEVICE_LDS_OPTIN = 97 };

/* Of every module's list of functions. */
static pthread_mutex_t functions_lock = PTHREAD_MUTEX_INITIALIZER;

hipError_t hipModuleLoadData(hipModule_t *out, const void *image)
{
    if (out == NULL || image == NULL) {
        return qj_cuda_leave(QJ_HIP_ERROR_INVALID_VALUE);
    }
    void *copy = NULL;
    struct qj_handle *handle = NULL;
    hipError_t error = qj_cuda_enter();
    if (error == QJ_HIP_SUCCESS) {
        error = qj_image_copy(&copy, image);
    }
    if (error == QJ_HIP_SUCCESS) {
        handle = qj_handle_create(qj_cuda_device());
        error = handle == NULL ? QJ_HIP_ERROR_OUT_OF_MEMORY
                               : qj_cuda_error(qj_cuda.cuModuleLoadData(&handle->module, copy));
    }
    if (error == QJ_HIP_SUCCESS) {
        qj_handle_publish(handle, QJ_MODULE);
        *out = (hipModule_t)(void *)handle;
    } else if (handle != NULL) {
        qj_handle_destroy(handle);
    }
    free(copy); /* the driver has taken what it needs */
    return qj_cuda_leave(error);
}

/* The handle and its device bound. NULL: hipErrorInvalidHandle, another pointer: hipErrorNotFound, as ROCm
 * has it. */
static hipError_t module_enter(struct qj_handle **out, hipModule_t module)
{
    hipError_t error = qj_cuda_open();
    if (error != QJ_HIP_SUCCESS) {
        return error;
    }
    *out = qj_handle_get(module, QJ_MODULE);
    if (*out == NULL) {
        return module == NULL ? QJ_HIP_ERROR_INVALID_HANDLE : QJ_HIP_ERROR_NOT_FOUND;
    }
    return qj_cuda_bind((*out)->device);
}

hipError_t hipModuleUnload(hipModule_t module)
{
    struct qj_handle *handle;
    hipError_t error = module_enter(&handle, module);
    if (error == QJ_HIP_SUCCESS && !qj_handle_retire(handle, QJ_MODULE)) {
        error = QJ_HIP_ERROR_NOT_FOUND;
    }
    if (error == QJ_HIP_SUCCESS) {
        pthread_mutex_lock(&functions_lock);
        for (struct qj_handle *function = handle->first, *next; function != NULL; function = next) {
            next = function->next;
            qj_handle_destroy(function);
        }
        pthread_mutex_unlock(&functions_lock);
        error = qj_cuda_error(qj_cuda.cuModuleUnload(handle->module));
        qj_handle_destroy(handle);
    }
    return qj_cuda_leave(error);
}

/* CUDA wants to be told of dynamic LDS beyond 48 KiB; HIP does not. So each function may have all there is.
 */
static hipError_t prepare(struct qj_handle *function)
{
    int optin = 0, lds = 0, threads = 0;
    CUdevice device;
    int result = qj_cuda.cuDeviceGet(&device, function->device);
    result = result != 0 ? result : qj_cuda.cuDeviceGetAttribute(&optin, DEVICE_LDS_OPTIN, device);
    result = result != 0 ? result : qj_cuda.cuFuncGetAttribute(&lds, FUNC_LDS_BYTES, function->function);
    result =
        result != 0 ? result : qj_cuda.cuFuncGetAttribute(&threads, FUNC_MAX_THREADS, function->function);
    if (result != 0) {
        return qj_cuda_error(result);
    }
    function->max_threads = (uint32_t)threads;
    function->max_lds_bytes = optin > lds ? (uint32_t)(optin - lds) : 0;
    /* Older drivers cannot say; then a launch without parameters is believed. */
    size_t offset, n;
    function->has_params = qj_cuda.cuFuncGetParamInfo != NULL &&
                           qj_cuda.cuFuncGetParamInfo(function->function, 0, &offset, &n) == 0;
    return qj_cuda_error(qj_cuda.cuFuncSetAttribute(function->function, FUNC_MAX_DYNAMIC_LDS_BYTES,
                                                    (int)function->max_lds_bytes));
}

/* The module's handle for this function: one, however often it is asked for. */
static hipError_t add_function(struct qj_handle **out, struct qj_handle *module, CUfunction function)
{
    struct qj_handle *handle = module->first;
    while (handle != NULL && handle->function != function) {
        handle = handle->next;
    }
    if (handle == NULL) {
        handle = qj_handle_create(module->device);
        if (handle == NULL) {
            return QJ_HIP_ERROR_OUT_OF_MEMORY;
        }
        handle->function = function;
        hipError_t error = prepare(handle);
        if (error != QJ_HIP_SUCCESS) {
            qj_handle_destroy(handle);
            return error;
        }
        handle->next = module->first;
        module->first = handle;
        qj_handle_publish(handle, QJ_FUNCTION);
    }
    *out = handle;
    return QJ_HIP_SUCCESS;
}

hipError_t hipModuleGetFunction(hipFunction_t *out, hipModule_t module, const char *name)
{
    struct qj_handle *of, *handle;
    CUfunction function;
    if (out == NULL || name == NULL || name[0] == '\0') {
        return qj_cuda_leave(QJ_HIP_ERROR_INVALID_VALUE);
    }
    hipError_t error = module_enter(&of, module);
    if (error == QJ_HIP_SUCCESS) {
        error = qj_cuda_error(qj_cuda.cuModuleGetFunction(&function, of->module, name));
    }
    if (error == QJ_HIP_SUCCESS) {
        pthread_mutex_lock(&functions_lock);
        error = add_function(&handle, of, function);
        pthread_mutex_unlock(&functions_lock);
    }
    if (error == QJ_HIP_SUCCESS) {
        *out = (hipFunction_t)(void *)handle;
    }
    return qj_cuda_leave(error);
}

hipError_t hipModuleGetGlobal(hipDeviceptr_t *out, size_t *n, hipModule_t module, const char *name)
{
    struct qj_handle *of;
    CUdeviceptr at = 0;
    size_t size = 0;
    if ((out == NULL && n == NULL) || name == NULL || name[0] == '\0') {
        return qj_cuda_leave(QJ_HIP_ERROR_INVALID_VALUE);
    }
    hipError_t error = module_enter(&of, module);
    if (error == QJ_HIP_SUCCESS) {
        error = qj_cuda_error(qj_cuda.cuModuleGetGlobal(&at, &size, of->module, name));
    }
    if (error == QJ_HIP_SUCCESS && out != NULL) {
        *out = (void *)(uintptr_t)at;
    }
    if (error == QJ_HIP_SUCCESS && n != NULL) {
        *n = size;
    }
    return qj_cuda_leave(error);
}

static hipError_t function_enter(struct qj_handle **out, hipFunction_t function)
{
    hipError_t error = qj_cuda_open();
    if (error != QJ_HIP_SUCCESS) {
        return error;
    }
    *out = qj_handle_get(function, QJ_FUNCTION);
    return *out == NULL ? QJ_HIP_ERROR_INVALID_HANDLE : qj_cuda_bind((*out)->device);
}

hipError_t hipFuncGetAttribute(int *value, hipFunction_attribute attribute, hipFunction_t function)
{
    struct qj_handle *of;
    hipError_t error = value == NULL || (int)attribute < 0 || (int)attribute >= FUNC_ATTRIBUTES
                           ? QJ_HIP_ERROR_INVALID_VALUE
                           : function_enter(&of, function);
    if (error == QJ_HIP_SUCCESS) {
        error = qj_cuda_error(qj_cuda.cuFuncGetAttribute(value, (int)attribute, of->function));
    }
    return qj_cuda_leave(error);
}

hipError_t hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(int *out, hipFunction_t function,
                                                              int block_size, size_t lds_bytes)
{
    struct qj_handle *of;
    hipError_t error =
        out == NULL || block_size <= 0 ? QJ_HIP_ERROR_INVALID_VALUE : function_enter(&of, function);
    if (error == QJ_HIP_SUCCESS && (uint32_t)block_size > of->max_threads) {
        *out = 0;
    } else if (error == QJ_HIP_SUCCESS) {
        error = qj_cuda_error(
            qj_cuda.cuOccupancyMaxActiveBlocksPerMultiprocessor(out, of->function, block_size, lds_bytes));
    }
    return qj_cuda_leave(error);
}
