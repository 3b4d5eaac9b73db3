/* What the low bits of an AMDGPU ELF's e_flags say: processor and target features. */
#ifndef QJ_OBJECT_MACH_H
#define QJ_OBJECT_MACH_H

#include <stdint.h>

#include <qjit/qjit.h>

/* Holds e_flags of code object V4 or later against a canonical gfx arch. A processor that the table does not
 * have and a machine value that it does not have agree: the metadata decides then. */
qjit_status qj_mach_check(uint32_t e_flags, const char *arch);

#endif
