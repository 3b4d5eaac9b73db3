/* libcuda as a table of function pointers, and the state that every call needs: which devices there are, the
 * context of each, the current device and last error of each thread. */
#ifndef QJ_HIP_CUDA_DRIVER_H
#define QJ_HIP_CUDA_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#include "hip/types.h"

#define QJ_EXPORT __attribute__((visibility("default")))

/* The exported functions, declared from the list. */
#define QJ_HIP_FUNCTION(need, ret, name, params) QJ_EXPORT ret name params;
#include "hip/functions.def"
#undef QJ_HIP_FUNCTION

typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;

struct qj_cuda {
#define QJ_CUDA_FUNCTION(need, name, symbol, params) int(*name) params;
#include "hip_cuda/cuda.def"
#undef QJ_CUDA_FUNCTION
};

/* Valid once qj_cuda_open has succeeded. */
extern struct qj_cuda qj_cuda;

/* Loads libcuda and initialises it, once; the same answer ever after: a hipError_t, QJ_HIP_ERROR_NO_DEVICE
 * where there is no driver or no device. */
hipError_t qj_cuda_open(void);

int qj_cuda_n_devices(void);

/* The thread's device. */
int qj_cuda_device(void);
void qj_cuda_set_device(int device);

/* Opens, then makes the primary context of `device` this thread's current one. */
hipError_t qj_cuda_bind(int device);

/* The same for the thread's own device: the first step of every call that works on a device. */
hipError_t qj_cuda_enter(void);

/* CUresult -> hipError_t: HIP took over CUDA's numbers; those it has no name for become hipErrorUnknown. */
hipError_t qj_cuda_error(int result);

/* Last step of every call: keeps a failure as the thread's last error and returns it. */
hipError_t qj_cuda_leave(hipError_t error);

#endif
