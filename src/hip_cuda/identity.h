/* What only HIP libraries of our own export, so that qjit can key a cache and check archs: not part of HIP.
 */
#ifndef QJ_HIP_CUDA_IDENTITY_H
#define QJ_HIP_CUDA_IDENTITY_H

#include "hip_cuda/driver.h"

/* The files that shape the code: this library, whose prelude is part of every source, libnvrtc,
 * libnvrtc-builtins. Loads none of them. Fills up to max absolute paths, which belong to the library, and
 * returns how many there are; -1 without NVRTC. */
QJ_EXPORT int qjitCompilerFiles(const char **out, int max);

/* The archs that NVRTC compiles for, "sm_90"; the same conventions. */
QJ_EXPORT int qjitArchs(const char **out, int max);

#endif
