/* Reads a code object: an ELF64 for AMDGPU as hipRTC gives it. Bytes are untrusted: every offset is checked,
 * nothing is written, nothing outside [bytes, bytes + n) is read. Format: LLVM "User Guide for AMDGPU
 * Backend", code object V4 and later; MessagePack specification. */
#ifndef QJ_OBJECT_CODE_OBJECT_H
#define QJ_OBJECT_CODE_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qjit/qjit.h>

#include "base/buf.h"

struct qj_code_object {
    char arch[128]; /* canonical, from the metadata's amdhsa.target: gfx90a:sramecc+:xnack- */
    uint32_t e_flags;
    uint8_t abi_version;        /* ELF e_ident[EI_ABIVERSION]: 2 is V4, 3 is V5, 4 is V6 */
    qjit_kernel_usage *kernels; /* names point into `names` */
    size_t n_kernels;
    char *names;
    struct qj_buf arg_bytes; /* a uint32_t for each explicit argument, kernel after kernel */
};

/* Parses everything. Fails with QJIT_OBJECT_REFUSED (what is wrong, in words) or QJIT_NO_MEMORY.
 * On success finish with qj_code_object_finish. */
qjit_status qj_code_object_init(struct qj_code_object *out, const void *bytes, size_t n);
void qj_code_object_finish(struct qj_code_object *object);

/* The quick check before loading: ELF64 little endian, the program and section headers and all they point to
 * lie inside n bytes, machine AMDGPU, OS/ABI HSA, and e_flags agree with `arch` (its processor where this
 * table knows it, its xnack and sramecc settings). For an arch that is not gfx*: only that it is an ELF
 * whose headers lie inside. QJIT_OK or QJIT_OBJECT_REFUSED. */
qjit_status qj_code_object_check(const void *bytes, size_t n, const char *arch);

/* True if `symbol` is a kernel of the object ("name" for the descriptor "name.kd"). */
bool qj_code_object_has(const struct qj_code_object *object, const char *symbol);

/* The bytes of an explicit argument of kernels[kernel], arg < n_args. */
uint32_t qj_code_object_arg_bytes(const struct qj_code_object *object, size_t kernel, uint32_t arg);

#endif
