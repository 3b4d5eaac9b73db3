/* The one seam: the HIP C interface as a table of function pointers. functions.def lists what is in it.
 *
 * Finding is apart from opening: a hit for a given arch, or `qjit warm` on a host without GPU, needs to know
 * which libraries would compile (for the key), but loads none of them. */
#ifndef QJ_HIP_HIP_H
#define QJ_HIP_HIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qjit/qjit.h>

#include "hip/types.h" /* hip*_t as opaque types and the constants we use; written here, no ROCm headers */

struct qj_hip {
    void *library;
#define QJ_HIP_FUNCTION(need, ret, name, params) ret(*name) params;
#include "hip/functions.def"
#undef QJ_HIP_FUNCTION
};

enum qj_hip_kind { QJ_HIP_ROCM, QJ_HIP_CPU, QJ_HIP_CUDA, QJ_HIP_PATH };

/* Which files stand behind the seam; absolute paths, NULL where there is none. */
struct qj_hip_where {
    enum qj_hip_kind kind;
    char *runtime; /* libamdhip64.so.N, libqjit_hip_*.so; NULL: no HIP runtime (a build host with hipRTC only)
                    */
    char *rtc;     /* holds hiprtcCompileProgram; the same file as runtime where hipRTC is inside it */
    char *comgr; /* libamd_comgr.so.N, to be loaded before hipRTC; NULL for libraries of our own, and where it
                  * is missing: then qj_hip_open_rtc and qj_identity_get say so */
    char *library_path, *root; /* as in the search: comgr's own libraries are looked for there too */
};

/* What to look for, and where. Texts may be NULL. */
struct qj_hip_search {
    const char *which;        /* "rocm" (also NULL), "cpu", "cuda" or a path */
    const char *rocm_path;    /* $ROCM_PATH */
    const char *library_path; /* $LD_LIBRARY_PATH */
    const char *root; /* for tests: stands before /etc/ld.so.cache, the system's directories and /opt */
};

/* Finds the files, loading nothing. In this order:
 *
 *   - a copy of HIP that this process has loaded already
 *   - rocm_path/lib
 *   - library_path
 *   - the system: ld.so.cache, the default directories, /opt/rocm/lib
 *
 * At each, the newest major (7, 6, 5) first; runtime and rtc are of one major. A path is taken as it is: the
 * directory it lies in is then the first place for hipRTC and comgr; a library that has no
 * hiprtcCompileProgram gets the compiler that a search for "rocm" finds.
 * At least one of runtime and rtc is set on success; finish `out` then. Fails with QJIT_HIP_NOT_FOUND: one
 * line that says where it looked and what to install; QJIT_HIP_UNUSABLE (a path to what is no library),
 * QJIT_NO_MEMORY. */
qjit_status qj_hip_find(struct qj_hip_where *out, const struct qj_hip_search *search);
void qj_hip_where_finish(struct qj_hip_where *where);

/* Opens the run-time half (everything but hiprtc*) of `where` and fills that part of the table, which leaves
 * what qj_hip_open_rtc filled. The library is never closed. Fails with QJIT_HIP_NOT_FOUND (no runtime there),
 * QJIT_HIP_UNUSABLE (cannot be loaded; lacks a symbol: which). */
qjit_status qj_hip_open_runtime(struct qj_hip *out, const struct qj_hip_where *where);

/* Opens hipRTC, comgr first, and fills the hiprtc* part of the table. For the worker only. Fails with
 * QJIT_COMPILER_NOT_FOUND, QJIT_HIP_UNUSABLE. */
qjit_status qj_hip_open_rtc(struct qj_hip *out, const struct qj_hip_where *where);

/* Words a failed HIP call: "hipModuleLoadData: no kernel image (hipErrorNoBinaryForGpu, 209)". */
qjit_status qj_hip_fail(const struct qj_hip *hip, qjit_status status, const char *function, hipError_t error);

#endif
