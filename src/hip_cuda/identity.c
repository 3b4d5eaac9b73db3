#include "hip_cuda/identity.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hip_cuda/nvrtc.h"

static char own_path[4096];
static char arch_names[64][16];

static void find_own_path(void)
{
    Dl_info info;
    if (dladdr(arch_names, &info) == 0 || realpath(info.dli_fname, own_path) == NULL) {
        own_path[0] = '\0';
    }
}

int qjitCompilerFiles(const char **out, int max)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_own_path);
    const char *why;
    const struct qj_nvrtc_files *found = qj_nvrtc_find(&why);
    if (found == NULL) {
        return -1;
    }
    const char *all[3] = {own_path, found->nvrtc, found->builtins};
    int n = 0;
    for (int i = 0; i < 3; i++) {
        if (all[i][0] == '\0') {
            continue;
        }
        if (n < max && out != NULL) {
            out[n] = all[i];
        }
        n++;
    }
    return n;
}

static void name_archs(void)
{
    const char *why;
    const struct qj_nvrtc *nvrtc = qj_nvrtc_open(&why);
    for (int i = 0; nvrtc != NULL && i < nvrtc->n_archs; i++) {
        snprintf(arch_names[i], sizeof arch_names[i], "sm_%d", nvrtc->archs[i]);
    }
}

int qjitArchs(const char **out, int max)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, name_archs);
    const char *why;
    const struct qj_nvrtc *nvrtc = qj_nvrtc_open(&why);
    for (int i = 0; nvrtc != NULL && out != NULL && i < nvrtc->n_archs && i < max; i++) {
        out[i] = arch_names[i];
    }
    return nvrtc == NULL ? -1 : nvrtc->n_archs;
}
