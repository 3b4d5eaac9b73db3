/* NVRTC as a table of function pointers, and where it was found. */
#ifndef QJ_HIP_CUDA_NVRTC_H
#define QJ_HIP_CUDA_NVRTC_H

#include <stddef.h>

typedef struct _nvrtcProgram *nvrtcProgram;

struct qj_nvrtc {
#define QJ_NVRTC_FUNCTION(ret, name, params) ret(*name) params;
#include "hip_cuda/nvrtc.def"
#undef QJ_NVRTC_FUNCTION
    int major, minor;
    int n_archs;
    int archs[64];       /* 90 for sm_90 */
    char path[4096];     /* of libnvrtc itself */
    char builtins[4224]; /* of libnvrtc-builtins beside it; "" if there is none */
};

/* Loads NVRTC, once. NULL where there is none that can be used: *why, one line, then says where it was looked
 * for. Looks at $QJIT_HIP_CUDA_NVRTC, and if that is not set: the loader's places, /usr/local/cuda*, and
 * where pip puts nvidia-cuda-nvrtc; the newest major first. */
const struct qj_nvrtc *qj_nvrtc_open(const char **why);

#endif
