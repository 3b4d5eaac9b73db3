/* Who compiles: the GNU build-ids of the library that holds hipRTC and of those that generate code, read from
 * the files without loading them. hiprtcVersion is 9.0 in every release and says nothing.
 *
 * Form: "role=id role=id ...", roles in a fixed order: hiprtc, comgr, llvm, clang (the last two only where
 * they are libraries of their own, found through comgr's DT_NEEDED). A file without a build-id gets
 * "role=none-<size>-<mtime ns>". Paths are not part of it: the same compiler elsewhere is the same compiler.
 * Libraries of our own name the files that shape their code through `qjitCompilerFiles`. */
#ifndef QJ_HIP_IDENTITY_H
#define QJ_HIP_IDENTITY_H

#include "hip/hip.h"

enum { QJ_IDENTITY_MAX = 1024 };

/* Fails with QJIT_COMPILER_NOT_FOUND: where there is no hipRTC, or a library that it needs is missing. */
qjit_status qj_identity_get(char out[static QJ_IDENTITY_MAX], const struct qj_hip_where *where);

/* The same, of the libraries that this process has loaded: the worker's answer, held against the parent's. */
qjit_status qj_identity_loaded(char out[static QJ_IDENTITY_MAX], const struct qj_hip_where *where);

#endif
