/* NVRTC: where it is, and its functions as a table of pointers. */
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
    int archs[64]; /* 90 for sm_90 */
};

struct qj_nvrtc_files {
    char nvrtc[4096];    /* absolute, without links */
    char builtins[4096]; /* libnvrtc-builtins beside it, which it opens when it compiles; "" if there is none
                          */
};

/* Finds the files and loads none of them, once: a program that finds its kernels compiled needs to know who
 * would compile, and no more. Looks at $QJIT_HIP_CUDA_NVRTC, and if that is not set: $LD_LIBRARY_PATH,
 * ld.so.cache, the default directories, /usr/local/cuda*, and where pip puts nvidia-cuda-nvrtc; the newest
 * major first. NULL where there is none: *why, one line, then says where it was looked for. */
const struct qj_nvrtc_files *qj_nvrtc_find(const char **why);

/* Loads what was found, once. NULL where there is none that can be used, and *why. */
const struct qj_nvrtc *qj_nvrtc_open(const char **why);

#endif
