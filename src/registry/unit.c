/* A unit of an application's source. The same function first counts the bytes and then fills them, so that
 * the two cannot disagree. */
#include "registry/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "registry/embedded.h"

void *qj_unit_take(struct qj_unit_memory *memory, size_t n, size_t alignment)
{
    memory->used = (memory->used + alignment - 1) / alignment * alignment;
    void *taken = memory->bytes ? memory->bytes + memory->used : NULL;
    memory->used += n;
    return taken;
}

char *qj_unit_copy(struct qj_unit_memory *memory, const char *text, size_t n)
{
    char *copy = qj_unit_take(memory, n + 1, 1);
    if (copy) {
        memcpy(copy, text, n);
        copy[n] = '\0';
    }
    return copy;
}

static const char *const *copy_texts(struct qj_unit_memory *memory, const char *const *texts, size_t n)
{
    const char **copies = qj_unit_take(memory, n * sizeof *copies, _Alignof(const char *));
    for (size_t i = 0; i < n; i++) {
        const char *copy = qj_unit_copy(memory, texts[i], strlen(texts[i]));
        if (copies)
            copies[i] = copy;
    }
    return copies;
}

static const qjit_header *copy_headers(struct qj_unit_memory *memory, const qjit_source *source, bool runtime)
{
    const size_t n = source->n_headers;
    qjit_header *copies = qj_unit_take(memory, (n + runtime) * sizeof *copies, _Alignof(qjit_header));
    if (copies && runtime)
        copies[0] = qj_embedded_runtime;
    for (size_t i = 0; i < n; i++) {
        const qjit_header *header = &source->headers[i];
        const char *name = qj_unit_copy(memory, header->name, strlen(header->name));
        const char *text = qj_unit_copy(memory, header->text, strlen(header->text));
        if (copies)
            copies[i + runtime] = (qjit_header){name, text};
    }
    return copies;
}

static struct qj_unit *lay_out(struct qj_unit_memory *memory, const char *const **names,
                               const qjit_source *source)
{
    const bool runtime = source->flags & QJIT_SOURCE_SMALL_RUNTIME;
    struct qj_unit *unit = qj_unit_take(memory, sizeof *unit, _Alignof(struct qj_unit));
    *names = copy_texts(memory, source->kernels, source->n_kernels);
    struct qj_unit filled = {
        .module = "app",
        .name = qj_unit_copy(memory, source->name, strlen(source->name)),
        .source = source->text ? qj_unit_copy(memory, source->text, strlen(source->text)) : NULL,
        .source_bytes = source->text ? strlen(source->text) : 0,
        .headers = copy_headers(memory, source, runtime),
        .n_headers = source->n_headers + runtime,
        .defines = copy_texts(memory, source->defines, source->n_defines),
        .n_defines = source->n_defines,
        .options = copy_texts(memory, source->options, source->n_options),
        .n_options = source->n_options,
        .small_runtime = runtime,
        .n_kernels = (uint32_t)source->n_kernels,
    };
    filled.source_name = filled.name;
    if (unit)
        *unit = filled;
    return unit;
}

/* `source` has been checked. */
static qjit_status create(struct qj_unit **out, const char *const **out_names, const qjit_source *source)
{
    struct qj_unit_memory memory = {0};
    const char *const *names;
    (void)lay_out(&memory, &names, source);
    memory = (struct qj_unit_memory){.bytes = malloc(memory.used)};
    if (!memory.bytes)
        return qj_fail(QJIT_NO_MEMORY, "no memory for unit '%s'", source->name);
    *out = lay_out(&memory, &names, source);
    if (out_names)
        *out_names = names;
    return QJIT_OK;
}

qjit_status qj_unit_create(struct qj_unit **out, const char *const **out_names, const qjit_source *source)
{
    const qjit_status status = qj_source_check(source);
    return status == QJIT_OK ? create(out, out_names, source) : status;
}

qjit_status qj_unit_create_bare(struct qj_unit **out, const char *const **out_names,
                                const qjit_source *source)
{
    const qjit_status status = qj_source_check_bare(source);
    return status == QJIT_OK ? create(out, out_names, source) : status;
}

void qj_unit_destroy(struct qj_unit *unit)
{
    free(unit);
}
