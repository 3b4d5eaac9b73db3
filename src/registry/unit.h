/* Units as the registry's own files see them. */
#ifndef QJ_REGISTRY_UNIT_H
#define QJ_REGISTRY_UNIT_H

#include "registry/registry.h"

/* A unit and all that it points to, in one allocation; free with qj_unit_destroy. */
struct qj_unit_memory {
    char *bytes; /* NULL while the size is being counted */
    size_t used;
};

/* Room for n bytes, aligned; while counting, NULL. */
void *qj_unit_take(struct qj_unit_memory *memory, size_t n, size_t alignment);
/* A copy with a NUL at its end; while counting, NULL. */
char *qj_unit_copy(struct qj_unit_memory *memory, const char *text, size_t n);

/* Is `source` something that can be compiled? Fails with QJIT_INVALID_ARGUMENT, QJIT_NO_MEMORY. */
qjit_status qj_source_check(const qjit_source *source);
/* The same but for its text, which may be missing. */
qjit_status qj_source_check_bare(const qjit_source *source);

/* As qj_unit_create, for a unit without a text. */
qjit_status qj_unit_create_bare(struct qj_unit **out, const char *const **out_names,
                                const qjit_source *source);

/* One unit of units.def, its kernels' ids still unknown. NULL: out of memory. */
struct qj_builtin_unit {
    const char *name, *module, *source, *defines, *options;
};
struct qj_builtin_kernel {
    const char *name, *aliases;
    uint32_t unit;
};
extern const struct qj_builtin_unit qj_builtin_units[];
extern const struct qj_builtin_kernel qj_builtin_kernels[];
extern const uint32_t qj_n_builtin_units, qj_n_builtin_kernels;

struct qj_unit *qj_unit_create_builtin(const struct qj_builtin_unit *row);

#endif
