#include "hip_cuda/identity.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hip_cuda/nvrtc.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char own_path[4096];
static char arch_names[64][16];

static void fill_once(void)
{
    const char *why;
    const struct qj_nvrtc *nvrtc = qj_nvrtc_open(&why);
    Dl_info info;
    if (dladdr(arch_names, &info) == 0 || realpath(info.dli_fname, own_path) == NULL) {
        own_path[0] = '\0';
    }
    for (int i = 0; nvrtc != NULL && i < nvrtc->n_archs; i++) {
        snprintf(arch_names[i], sizeof arch_names[i], "sm_%d", nvrtc->archs[i]);
    }
}

int qjitCompilerFiles(const char **out, int max)
{
    pthread_once(&once, fill_once);
    const char *why;
    const struct qj_nvrtc *nvrtc = qj_nvrtc_open(&why);
    if (nvrtc == NULL) {
        return -1;
    }
    const char *files[3] = {own_path, nvrtc->path, nvrtc->builtins};
    int n = 0;
    for (int i = 0; i < 3; i++) {
        if (files[i][0] == '\0') {
            continue;
        }
        if (n < max && out != NULL) {
            out[n] = files[i];
        }
        n++;
    }
    return n;
}

int qjitArchs(const char **out, int max)
{
    pthread_once(&once, fill_once);
    const char *why;
    const struct qj_nvrtc *nvrtc = qj_nvrtc_open(&why);
    for (int i = 0; nvrtc != NULL && out != NULL && i < nvrtc->n_archs && i < max; i++) {
        out[i] = arch_names[i];
    }
    return nvrtc == NULL ? -1 : nvrtc->n_archs;
}
