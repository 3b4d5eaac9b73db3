/* The rows of units.def as tables, and a unit made of a row and its embedded file. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "registry/embedded.h"
#include "registry/ids.h"
#include "registry/unit.h"

#define QJ_KERNEL(unit, name, aliases)
#define QJ_UNIT(name, module, source, defines, options) QJ_BUILTIN_##name,
enum {
#include "kernel_src/units.def"
    N_UNITS
};
#undef QJ_UNIT

#define QJ_UNIT(name, module, source, defines, options) {#name, #module, source, defines, options},
const struct qj_builtin_unit qj_builtin_units[] = {
#include "kernel_src/units.def"
};
#undef QJ_UNIT
#undef QJ_KERNEL

#define QJ_UNIT(name, module, source, defines, options)
#define QJ_KERNEL(unit, name, aliases) {#name, aliases, QJ_BUILTIN_##unit},
const struct qj_builtin_kernel qj_builtin_kernels[] = {
#include "kernel_src/units.def"
};
#undef QJ_KERNEL
#undef QJ_UNIT

const uint32_t qj_n_builtin_units = N_UNITS;
const uint32_t qj_n_builtin_kernels = sizeof qj_builtin_kernels / sizeof qj_builtin_kernels[0];

const char *qj_builtin_name(qjit_kernel kernel)
{
    assert(kernel < QJ_ID_END);
    return qj_builtin_kernels[kernel].name;
}

static const struct qj_embedded *find_source(const char *name)
{
    for (size_t i = 0; i < qj_n_embedded_sources; i++)
        if (strcmp(qj_embedded_sources[i].name, name) == 0)
            return &qj_embedded_sources[i];
    return NULL;
}

/* The parts of `text`, which one space separates. */
static const char *const *split(struct qj_unit_memory *memory, size_t *out_n, const char *text)
{
    size_t n = 0;
    for (const char *at = text; *at; at += *at == ' ')
        n++, at += strcspn(at, " ");
    const char **parts = qj_unit_take(memory, n * sizeof *parts, _Alignof(const char *));
    for (size_t i = 0; i < n; i++) {
        const size_t n_bytes = strcspn(text, " ");
        const char *part = qj_unit_copy(memory, text, n_bytes);
        if (parts)
            parts[i] = part;
        text += n_bytes + 1;
    }
    *out_n = n;
    return parts;
}

static struct qj_unit *lay_out(struct qj_unit_memory *memory, const struct qj_builtin_unit *row,
                               const struct qj_embedded *file)
{
    struct qj_unit *unit = qj_unit_take(memory, sizeof *unit, _Alignof(struct qj_unit));
    struct qj_unit filled = {
        .name = row->name,
        .module = row->module,
        .source_name = file->name,
        .source = file->text,
        .source_bytes = file->bytes,
        .headers = file->headers,
        .n_headers = file->n_headers,
        .small_runtime = true,
    };
    filled.defines = split(memory, &filled.n_defines, row->defines);
    filled.options = split(memory, &filled.n_options, row->options);
    if (unit)
        *unit = filled;
    return unit;
}

struct qj_unit *qj_unit_create_builtin(const struct qj_builtin_unit *row)
{
    const struct qj_embedded *file = find_source(row->source);
    assert(file && "a unit of units.def names a source that is not there");
    struct qj_unit_memory memory = {0};
    (void)lay_out(&memory, row, file);
    memory = (struct qj_unit_memory){.bytes = malloc(memory.used)};
    return memory.bytes ? lay_out(&memory, row, file) : NULL;
}
