/* hipRTC's options as NVRTC's. */
#ifndef QJ_HIP_CUDA_OPTIONS_H
#define QJ_HIP_CUDA_OPTIONS_H

#include <stdbool.h>

#include "hip_cuda/nvrtc.h"

enum { QJ_OPTIONS_MAX = 256 };

struct qj_nvrtc_options {
    char *items[QJ_OPTIONS_MAX];
    int n;
    char error[512]; /* "" while every option was understood; else one line */
};

/* Fills *out; on false out->error says why. Finish in either case. default_arch: "sm_90", for a program that
 * names none, or NULL. */
bool qj_nvrtc_options_init(struct qj_nvrtc_options *out, const struct qj_nvrtc *nvrtc, int n,
                           const char *const *options, const char *default_arch);
/* Adds first and second as one option; says so in `error` where there is no room. */
void qj_nvrtc_options_add(struct qj_nvrtc_options *out, const char *first, const char *second);
void qj_nvrtc_options_finish(struct qj_nvrtc_options *options);

#endif
