#include "hip_cuda/nvrtc.h"

#include <dlfcn.h>
#include <glob.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct qj_nvrtc nvrtc;
static bool is_open;
static char reason[4352] =
    "no NVRTC found: looked for libnvrtc.so.13 and libnvrtc.so.12 in the loader's places, in "
    "/usr/local/cuda*/lib64 and beside Python's packages; install nvidia-cuda-nvrtc or set "
    "QJIT_HIP_CUDA_NVRTC to its path";

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

/* NVRTC opens libnvrtc-builtins.so.MAJOR.MINOR, from its own directory, when it first compiles. */
static void find_files(void)
{
    Dl_info info;
    void *symbol;
    memcpy(&symbol, &nvrtc.nvrtcVersion, sizeof symbol);
    if (dladdr(symbol, &info) == 0 || realpath(info.dli_fname, nvrtc.path) == NULL) {
        nvrtc.path[0] = '\0';
        return;
    }
    const char *slash = strrchr(nvrtc.path, '/');
    snprintf(nvrtc.builtins, sizeof nvrtc.builtins, "%.*s/libnvrtc-builtins.so.%d.%d",
             (int)(slash - nvrtc.path), nvrtc.path, nvrtc.major, nvrtc.minor);
    if (access(nvrtc.builtins, R_OK) != 0) {
        nvrtc.builtins[0] = '\0';
    }
}

static bool use(const char *path)
{
    enum { ARCHS_MAX = sizeof nvrtc.archs / sizeof *nvrtc.archs };
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL || !fill_table(library) || nvrtc.nvrtcVersion(&nvrtc.major, &nvrtc.minor) != 0 ||
        nvrtc.nvrtcGetNumSupportedArchs(&nvrtc.n_archs) != 0 || nvrtc.n_archs > ARCHS_MAX ||
        nvrtc.nvrtcGetSupportedArchs(nvrtc.archs) != 0) {
        return false;
    }
    find_files();
    return true;
}

/* The matches of a pattern from the last to the first: later names are newer versions. */
static bool use_match(const char *prefix, const char *pattern)
{
    char full[4096];
    glob_t found = {0};
    bool used = false;
    if (prefix == NULL || snprintf(full, sizeof full, "%s%s", prefix, pattern) >= (int)sizeof full) {
        return false;
    }
    if (glob(full, 0, NULL, &found) == 0) {
        for (size_t i = found.gl_pathc; i > 0 && !used; i--) {
            used = use(found.gl_pathv[i - 1]);
        }
    }
    globfree(&found);
    return used;
}

static bool use_packages(const char *name)
{
    char pattern[256];
    snprintf(pattern, sizeof pattern, "/lib/python3*/*-packages/nvidia/*/lib/%s", name);
    const char *home = secure_getenv("HOME");
    char local[4096] = "";
    snprintf(local, sizeof local, "%s/.local", home != NULL ? home : "");
    return use_match(secure_getenv("VIRTUAL_ENV"), pattern) ||
           use_match(secure_getenv("CONDA_PREFIX"), pattern) ||
           use_match(home != NULL ? local : NULL, pattern) || use_match("/usr/local", pattern) ||
           use_match("/usr", pattern);
}

static void open_once(void)
{
    static const char *const names[] = {"libnvrtc.so.13", "libnvrtc.so.12"};
    const char *named = secure_getenv("QJIT_HIP_CUDA_NVRTC");
    if (named != NULL && named[0] != '\0') {
        is_open = use(named);
        if (!is_open) {
            const char *error = dlerror();
            snprintf(reason, sizeof reason, "QJIT_HIP_CUDA_NVRTC names '%.3000s', which is no NVRTC: %.1000s",
                     named, error != NULL ? error : "it lacks a symbol");
        }
        return;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names && !is_open; i++) {
        char pattern[128];
        snprintf(pattern, sizeof pattern, "/cuda*/lib64/%s", names[i]);
        is_open = use(names[i]) || use_match("/usr/local", pattern) || use_packages(names[i]);
    }
}

const struct qj_nvrtc *qj_nvrtc_open(const char **why)
{
    pthread_once(&once, open_once);
    *why = is_open ? "" : reason;
    return is_open ? &nvrtc : NULL;
}
