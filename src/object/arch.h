/* Arch strings: processor[:sramecc(+|-)][:xnack(+|-)], canonical when the features are in this order. */
#ifndef QJ_OBJECT_ARCH_H
#define QJ_OBJECT_ARCH_H

#include <stdbool.h>
#include <stddef.h>

#include <qjit/qjit.h>

enum { QJ_ARCH_MAX = 128 };

/* Writes the canonical form of `arch`: features sorted by name. Fails with QJIT_INVALID_ARGUMENT for what
 * cannot be an arch (empty, odd characters, a feature twice or without sign). Knows no list of archs. */
qjit_status qj_arch_canonical(char out[static QJ_ARCH_MAX], const char *arch);

/* True if `arch` is `pattern`, or if pattern has no features and is arch's processor. Both canonical. */
bool qj_arch_matches(const char *arch, const char *pattern);

/* True if code for `object` runs on a device of arch `device`: the same processor, or its generic target, and
 * every feature that the object names set as the device has it; what the object leaves out it does not mind.
 * Both canonical, the device's with all its features. LLVM, "User Guide for AMDGPU Backend", Target ID. */
bool qj_arch_serves(const char *object, const char *device);

/* Writes the generic target whose code runs on `arch`, with those of its features that the target has. False
 * if there is none, as for a generic target itself. Both canonical. By LLVM's "User Guide for AMDGPU
 * Backend", table of generic processors. */
bool qj_arch_generic(char out[static QJ_ARCH_MAX], const char *arch);

#endif
