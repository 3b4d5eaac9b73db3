#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

#include "base/status.h"
#include "hip/hip.h"

enum need { NEED_RUNTIME = 1 << 0, NEED_OPTIONAL = 1 << 1, NEED_RTC = 1 << 2 };

/* Where each function goes in the table. */
static const struct slot {
    const char *name;
    size_t offset;
    enum need need;
} slots[] = {
#define QJ_HIP_FUNCTION(need, ret, name, params) {#name, offsetof(struct qj_hip, name), NEED_##need},
#include "hip/functions.def"
#undef QJ_HIP_FUNCTION
};

/* Fills the slots whose need is in `needs` from an open library. The name of the first one missing, or NULL.
 */
static const char *fill(struct qj_hip *out, void *library, unsigned needs)
{
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        if (!(slots[i].need & needs)) {
            continue;
        }
        void *symbol = dlsym(library, slots[i].name);
        if (!symbol && slots[i].need != NEED_OPTIONAL) {
            return slots[i].name;
        }
        _Static_assert(sizeof symbol == sizeof out->hipInit, "POSIX: a function's address fits a void *");
        memcpy((char *)out + slots[i].offset, &symbol, sizeof symbol);
    }
    return NULL;
}

/* A library stays open for the life of the process: HIP and LLVM do not survive being closed. */
static qjit_status open_library(void **out, const char *path)
{
    *out = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
    if (!*out) {
        *out = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    }
    if (!*out) {
        const char *error = dlerror();
        return qj_fail(QJIT_HIP_UNUSABLE,
                       "library '%s' cannot be loaded: reinstall it with what it needs (%s)", path,
                       error ? error : "no reason given");
    }
    return QJIT_OK;
}

/* A copy of the same name that the process loaded since the search is the one to use: two in one process do
 * not agree about the devices. */
static void *open_loaded_namesake(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? dlopen(slash + 1, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD) : NULL;
}

qjit_status qj_hip_open_runtime(struct qj_hip *out, const struct qj_hip_where *where)
{
    if (!where->runtime) {
        return qj_fail(
            QJIT_HIP_NOT_FOUND,
            "no HIP runtime, only the compiler '%s': install libamdhip64 of the same version to run "
            "kernels here",
            where->rtc ? where->rtc : "");
    }
    void *library = where->kind == QJ_HIP_ROCM ? open_loaded_namesake(where->runtime) : NULL;
    qjit_status status = library ? QJIT_OK : open_library(&library, where->runtime);
    if (status != QJIT_OK) {
        return status;
    }
    const char *missing = fill(out, library, NEED_RUNTIME | NEED_OPTIONAL);
    if (missing) {
        return qj_fail(QJIT_HIP_UNUSABLE, "HIP library '%s' lacks '%s': use one of ROCm 5.2 or later",
                       where->runtime, missing);
    }
    out->library = library;
    return QJIT_OK;
}

qjit_status qj_hip_open_rtc(struct qj_hip *out, const struct qj_hip_where *where)
{
    void *library = NULL, *comgr = NULL;
    if (!where->rtc) {
        return qj_fail(QJIT_COMPILER_NOT_FOUND, "no hipRTC for '%s': install libhiprtc of the same version",
                       where->runtime ? where->runtime : "");
    }
    /* hipRTC opens comgr by name and does not look whether that worked: have the right one there before. */
    qjit_status status = where->comgr ? open_library(&comgr, where->comgr) : QJIT_OK;
    if (status == QJIT_OK) {
        status = open_library(&library, where->rtc);
    }
    if (status != QJIT_OK) {
        return status;
    }
    if (!comgr && !dlsym(library, "qjitCompilerFiles")) {
        return qj_fail(QJIT_COMPILER_NOT_FOUND,
                       "no libamd_comgr found for '%s': install libamd-comgr2 (Debian, "
                       "Ubuntu; libamd-comgr3 from ROCm 6.4 on)",
                       where->rtc);
    }
    const char *missing = fill(out, library, NEED_RTC);
    if (missing) {
        return qj_fail(QJIT_HIP_UNUSABLE, "hipRTC library '%s' lacks '%s': use one of ROCm 5.2 or later",
                       where->rtc, missing);
    }
    if (!out->library) {
        out->library = library;
    }
    return QJIT_OK;
}

qjit_status qj_hip_fail(const struct qj_hip *hip, qjit_status status, const char *function, hipError_t error)
{
    const char *text = hip->hipGetErrorString ? hip->hipGetErrorString(error) : NULL;
    const char *name = hip->hipGetErrorName ? hip->hipGetErrorName(error) : NULL;
    return qj_fail(status, "%s: %s (%s, %d)", function, text ? text : "failed", name ? name : "unknown error",
                   (int)error);
}
