/* The kernels of units.def by name, for those inside the library who know which one they want: no look-up. */
#ifndef QJ_REGISTRY_IDS_H
#define QJ_REGISTRY_IDS_H

#include <qjit/qjit.h>

/* QJ_ID_<name>: the kernel's number in every context. */
enum qj_kernel_id {
#define QJ_UNIT(name, module, source, defines, options)
#define QJ_KERNEL(unit, name, aliases) QJ_ID_##name,
#include "kernel_src/units.def"
#undef QJ_KERNEL
#undef QJ_UNIT
    QJ_ID_END
};

/* The name of a kernel of this list; it lives as long as the library. */
const char *qj_builtin_name(qjit_kernel kernel);

#endif
