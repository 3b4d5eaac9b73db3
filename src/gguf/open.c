/* The public calls on an open model; its life ends in file.c. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "gguf/gguf.h"

static qjit_status index_tensors(qjit_gguf *gguf)
{
    const char *twice;
    char shown[QJ_GGUF_SHOWN];
    qjit_status status =
        qj_gguf_names_init(&gguf->names, gguf->tensors, gguf->n_tensors, sizeof *gguf->tensors, &twice);
    if (status == QJIT_OK && twice) {
        status = qj_fail(QJIT_BAD_FILE,
                         "'%s' has two tensors called '%s': the file is damaged, or made by a faulty program",
                         gguf->files[0].path, qj_gguf_shown(shown, twice, strlen(twice)));
    }
    return status;
}

/* Reads the file that was added, and its other parts. Gives the model out or takes it apart. */
static qjit_status finish_open(qjit_gguf **out, qjit_gguf *gguf, qjit_status status, bool with_parts)
{
    if (status == QJIT_OK) {
        status = qj_gguf_parse(gguf);
    }
    if (status == QJIT_OK) {
        status = qj_gguf_lay_out(gguf);
    }
    if (status == QJIT_OK && with_parts) {
        status = qj_gguf_add_parts(gguf);
    }
    if (status == QJIT_OK) {
        status = index_tensors(gguf);
    }
    if (status == QJIT_OK) {
        *out = gguf;
    } else {
        qjit_gguf_close(gguf);
    }
    return status;
}

qjit_status qjit_gguf_open(qjit_gguf **out, const char *path, uint32_t flags)
{
    if (flags & ~(uint32_t)QJIT_GGUF_ONE_PART) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "flags 0x%x of qjit_gguf_open: qjit %s knows no such flag",
                       flags, QJIT_VERSION_STRING);
    }
    qjit_gguf *gguf = calloc(1, sizeof *gguf);
    if (!gguf) {
        return qj_fail(QJIT_NO_MEMORY, "no memory to open '%s'", path);
    }
    return finish_open(out, gguf, qj_gguf_add_file(gguf, path), !(flags & QJIT_GGUF_ONE_PART));
}

qjit_status qjit_gguf_open_bytes(qjit_gguf **out, const void *bytes, size_t n_bytes)
{
    qjit_gguf *gguf = calloc(1, sizeof *gguf);
    if (!gguf) {
        return qj_fail(QJIT_NO_MEMORY, "no memory to open bytes in memory");
    }
    return finish_open(out, gguf, qj_gguf_add_bytes(gguf, bytes, n_bytes), false);
}

uint32_t qjit_gguf_part_count(const qjit_gguf *gguf)
{
    return gguf->n_files;
}

uint64_t qjit_gguf_entry_count(const qjit_gguf *gguf)
{
    return gguf->files[0].n_entries;
}

uint64_t qjit_gguf_tensor_count(const qjit_gguf *gguf)
{
    return gguf->n_tensors;
}

static qjit_status no_such(const qjit_gguf *gguf, const char *what, uint64_t index, uint64_t n)
{
    return qj_fail(QJIT_NOT_FOUND, "'%s' has no %s %llu: it has %llu, from 0", gguf->files[0].path, what,
                   (unsigned long long)index, (unsigned long long)n);
}

qjit_status qjit_gguf_get_part(const qjit_gguf *gguf, const qjit_gguf_part **out, uint32_t part)
{
    if (part >= gguf->n_files) {
        return no_such(gguf, "part", part, gguf->n_files);
    }
    *out = &gguf->files[part].facts;
    return QJIT_OK;
}

qjit_status qjit_gguf_get_entry(const qjit_gguf *gguf, const qjit_gguf_entry **out, uint64_t index)
{
    if (index >= gguf->files[0].n_entries) {
        return no_such(gguf, "metadata entry", index, gguf->files[0].n_entries);
    }
    *out = &gguf->files[0].entries[index];
    return QJIT_OK;
}

qjit_status qjit_gguf_find_entry(const qjit_gguf *gguf, const qjit_gguf_entry **out, const char *key)
{
    const qjit_gguf_entry *entry = qj_gguf_file_entry(&gguf->files[0], key);
    if (!entry) {
        return qj_fail(QJIT_NOT_FOUND, "'%s' has no metadata '%s'", gguf->files[0].path, key);
    }
    *out = entry;
    return QJIT_OK;
}

qjit_status qjit_gguf_get_tensor(const qjit_gguf *gguf, const qjit_gguf_tensor **out, uint64_t index)
{
    if (index >= gguf->n_tensors) {
        return no_such(gguf, "tensor", index, gguf->n_tensors);
    }
    *out = &gguf->tensors[index];
    return QJIT_OK;
}

qjit_status qjit_gguf_find_tensor(const qjit_gguf *gguf, const qjit_gguf_tensor **out, const char *name)
{
    size_t at = qj_gguf_names_find(&gguf->names, name);
    if (at == SIZE_MAX) {
        return qj_fail(QJIT_NOT_FOUND, "'%s' has no tensor '%s'", gguf->files[0].path, name);
    }
    *out = &gguf->tensors[at];
    return QJIT_OK;
}
