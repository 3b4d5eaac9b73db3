/* Which units and kernels there are: those of units.def, and the application's. Reading takes no lock; ids
 * and pointers stay as they are until the registry is finished. */
#ifndef QJ_REGISTRY_REGISTRY_H
#define QJ_REGISTRY_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qjit/qjit.h>

enum { QJ_UNITS_MAX = 1u << 16, QJ_KERNELS_MAX = 1u << 20 };

/* What is compiled and cached together. */
struct qj_unit {
    const char *name, *module;
    const char *source_name; /* "dequantize.hip" */
    const char *source;      /* NULL: none, it lives from code objects that the application adds */
    size_t source_bytes;
    const qjit_header *headers;
    size_t n_headers;
    const char *const *defines; /* "NAME=value" */
    size_t n_defines;
    const char *const *options; /* besides those that every unit gets */
    size_t n_options;
    bool small_runtime;
    qjit_kernel first_kernel; /* its kernels are first_kernel ... first_kernel + n_kernels - 1 */
    uint32_t n_kernels;
};

struct qj_kernel {
    const char *name;
    const char *aliases; /* separated by one space */
    uint32_t unit;
};

struct qj_registry;

/* With the built-in units in it. */
qjit_status qj_registry_create(struct qj_registry **out);
void qj_registry_destroy(struct qj_registry *registry);

uint32_t qj_registry_n_units(const struct qj_registry *registry);
uint32_t qj_registry_n_kernels(const struct qj_registry *registry);
const struct qj_unit *qj_registry_unit(const struct qj_registry *registry, uint32_t unit); /* NULL: none */
const struct qj_kernel *qj_registry_kernel(const struct qj_registry *registry,
                                           qjit_kernel kernel); /* NULL: none */

/* By name or alias. */
bool qj_registry_find(const struct qj_registry *registry, qjit_kernel *out, const char *name);

/* Checks and copies. Calls may race: they are serialised inside. */
qjit_status qj_registry_add(struct qj_registry *registry, uint32_t *out_unit, const qjit_source *source);

/* The same for a unit without a source. Fails as qj_registry_add. */
qjit_status qj_registry_add_bare(struct qj_registry *registry, uint32_t *out_unit, const char *name,
                                 const char *const *kernels, size_t n_kernels);

/* A unit by name. Takes no lock. */
bool qj_registry_find_unit(const struct qj_registry *registry, uint32_t *out, const char *name);

/* A unit of a source that stays outside any registry; for qjit_compile. Free with qj_unit_destroy. */
qjit_status qj_unit_create(struct qj_unit **out, const char *const **out_names, const qjit_source *source);
void qj_unit_destroy(struct qj_unit *unit);

#endif
