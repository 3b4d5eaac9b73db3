#include "hip_cuda/nvrtc.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct qj_nvrtc nvrtc;
static bool is_open;
static const char *reason = "";

static bool fill_table(void *library)
{
    bool complete = true;
#define QJ_NVRTC_FUNCTION(ret, name, params)                                                                 \
    {                                                                                                        \
        void *at = dlsym(library, #name);                                                                    \
        memcpy(&nvrtc.name, &at, sizeof at);                                                                 \
        complete = complete && at != NULL;                                                                   \
    }
#include "hip_cuda/nvrtc.def"
#undef QJ_NVRTC_FUNCTION
    return complete;
}

static void open_once(void)
{
    enum { ARCHS_MAX = sizeof nvrtc.archs / sizeof *nvrtc.archs };
    const struct qj_nvrtc_files *files = qj_nvrtc_find(&reason);
    void *library = files != NULL ? dlopen(files->nvrtc, RTLD_NOW | RTLD_LOCAL) : NULL;
    is_open = library != NULL && fill_table(library) && nvrtc.nvrtcVersion(&nvrtc.major, &nvrtc.minor) == 0 &&
              nvrtc.nvrtcGetNumSupportedArchs(&nvrtc.n_archs) == 0 && nvrtc.n_archs <= ARCHS_MAX &&
              nvrtc.nvrtcGetSupportedArchs(nvrtc.archs) == 0;
    if (files != NULL && !is_open) {
        static char text[4608];
        const char *error = dlerror();
        snprintf(text, sizeof text, "'%s' is no NVRTC that can be used: %.400s", files->nvrtc,
                 error != NULL ? error : "it lacks a function");
        reason = text;
    }
}

const struct qj_nvrtc *qj_nvrtc_open(const char **why)
{
    pthread_once(&once, open_once);
    *why = is_open ? "" : reason;
    return is_open ? &nvrtc : NULL;
}
