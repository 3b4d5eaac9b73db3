/* Which files of a ROCm belong together. One search's findings, filled step by step by find.c. */
#ifndef QJ_HIP_ROCM_H
#define QJ_HIP_ROCM_H

#include <limits.h>
#include <stdbool.h>

#include "hip/places.h"

enum { QJ_SONAME_MAX = 64 };

/* What a library's file says of it, read once. */
struct qj_library_facts {
    int major;           /* N of "libamdhip64.so.N" or "libhiprtc.so.N", which it calls itself; else 0 */
    bool runs, compiles; /* it holds the run-time half, hipRTC */
    bool own;            /* it is one of ours */
    char comgr[QJ_SONAME_MAX]; /* the comgr it was linked with, or "" */
};

struct qj_library_facts qj_library_facts(const char *path);

/* What one search collects; "" where there is none. */
struct qj_rocm {
    char runtime[PATH_MAX], rtc[PATH_MAX], comgr[PATH_MAX];
    int major;                         /* of HIP; 0: any, or unknown */
    struct qj_library_facts rtc_facts; /* valid where rtc is set */
};

/* Finds runtime, hipRTC and comgr where "rocm" is asked for. False if there is neither runtime nor hipRTC. */
bool qj_rocm_find(struct qj_rocm *found, struct qj_places *places);

/* hipRTC for found->runtime, which has these facts, of its major: a library of its own beside it, inside it,
 * or elsewhere. */
void qj_rocm_find_rtc(struct qj_rocm *found, struct qj_places *places, struct qj_library_facts runtime);

/* The comgr that found->rtc was linked with, or, since most open it by name, the newest that its major can
 * mean. */
void qj_rocm_find_comgr(struct qj_rocm *found, struct qj_places *places);

/* Makes the library at `path`, which has these facts, the one that holds hipRTC. */
void qj_rocm_take_rtc(struct qj_rocm *found, const char *path, struct qj_library_facts facts);

#endif
