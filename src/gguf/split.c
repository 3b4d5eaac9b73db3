/* Models in several files: "split.no" (from 0), "split.count", "split.tensors.count" in each, and names that
 * end in -00001-of-00003.gguf (from 1). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "gguf/gguf.h"

static const char ending[] = "-00001-of-00003.gguf";
enum { ENDING_BYTES = sizeof ending - 1 };

/* The integer of an entry, whatever its width; `missing` where there is no such entry. */
static qjit_status get_integer(const struct qj_gguf_file *file, uint64_t *out, const char *key,
                               uint64_t missing)
{
    const qjit_gguf_entry *entry = qj_gguf_file_entry(file, key);
    if (!entry) {
        *out = missing;
        return QJIT_OK;
    }
    switch (entry->value.kind) {
    case QJIT_GGUF_INT8:
    case QJIT_GGUF_INT16:
    case QJIT_GGUF_INT32:
    case QJIT_GGUF_INT64:
        *out = (uint64_t)entry->value.number.i; /* below zero: too large for any use of it */
        return QJIT_OK;
    case QJIT_GGUF_UINT8:
    case QJIT_GGUF_UINT16:
    case QJIT_GGUF_UINT32:
    case QJIT_GGUF_UINT64:
        *out = entry->value.number.u;
        return QJIT_OK;
    default:
        return qj_fail(QJIT_BAD_FILE, "'%s': '%s' is no integer: the file is damaged", file->path, key);
    }
}

static void write_ending(char out[static ENDING_BYTES + 1], uint64_t part, uint64_t n_parts)
{
    /* Both have five digits at most. */
    (void)snprintf(out, ENDING_BYTES + 1, "-%05u-of-%05u.gguf", (unsigned)(part % 100000),
                   (unsigned)(n_parts % 100000));
}

/* The path of part `part`, from 0; to be freed. NULL, worded, if the first part's is not made that way. */
static char *path_of_part(const struct qj_gguf_file *file, uint64_t own, uint64_t part, uint64_t n_parts,
                          qjit_status *out_status)
{
    char want[ENDING_BYTES + 1];
    size_t n = strlen(file->path);
    write_ending(want, own + 1, n_parts);
    if (n < ENDING_BYTES || strcmp(file->path + n - ENDING_BYTES, want) != 0) {
        *out_status = qj_fail(QJIT_BAD_FILE,
                              "'%s' is part %llu of %llu, so that its name must end in '%s': give all parts "
                              "the names that they were made with",
                              file->path, (unsigned long long)own + 1, (unsigned long long)n_parts, want);
        return NULL;
    }
    char *path = strdup(file->path);
    if (!path) {
        *out_status = qj_fail(QJIT_NO_MEMORY, "no memory for the parts of '%s'", file->path);
        return NULL;
    }
    write_ending(path + n - ENDING_BYTES, part + 1, n_parts);
    return path;
}

static qjit_status not_first(const struct qj_gguf_file *file, uint64_t own, uint64_t n_parts)
{
    qjit_status status = QJIT_BAD_FILE;
    char *path = path_of_part(file, own, 0, n_parts, &status);
    if (path) {
        status = qj_fail(QJIT_BAD_FILE, "'%s' is part %llu of %llu: open '%s', or this part alone",
                         file->path, (unsigned long long)own + 1, (unsigned long long)n_parts, path);
    }
    free(path);
    return status;
}

static qjit_status check_part(const struct qj_gguf_file *file, uint64_t part, uint64_t n_parts)
{
    uint64_t own, count;
    qjit_status status = get_integer(file, &own, "split.no", UINT64_MAX);
    if (status == QJIT_OK) {
        status = get_integer(file, &count, "split.count", 0);
    }
    if (status == QJIT_OK && (own != part || count != n_parts)) {
        status =
            qj_fail(QJIT_BAD_FILE,
                    "'%s' does not say that it is part %llu of %llu: it belongs to another model, or was "
                    "renamed",
                    file->path, (unsigned long long)part + 1, (unsigned long long)n_parts);
    }
    return status;
}

static qjit_status add_part(qjit_gguf *gguf, uint64_t part, uint64_t n_parts)
{
    qjit_status status = QJIT_OK;
    char *path = path_of_part(&gguf->files[0], 0, part, n_parts, &status);
    if (!path) {
        return status;
    }
    status = qj_gguf_add_file(gguf, path);
    if (status == QJIT_IO) {
        qj_fail_add("it is part %llu of %llu of the model: put all parts into one folder",
                    (unsigned long long)part + 1, (unsigned long long)n_parts);
    }
    if (status == QJIT_OK) {
        status = qj_gguf_parse(gguf);
    }
    if (status == QJIT_OK) {
        status = check_part(&gguf->files[gguf->n_files - 1], part, n_parts);
    }
    if (status == QJIT_OK) {
        status = qj_gguf_lay_out(gguf);
    }
    free(path);
    return status;
}

static qjit_status check_total(const qjit_gguf *gguf)
{
    uint64_t n_tensors;
    const struct qj_gguf_file *first = &gguf->files[0];
    qjit_status status = get_integer(first, &n_tensors, "split.tensors.count", gguf->n_tensors);
    if (status == QJIT_OK && n_tensors != gguf->n_tensors) {
        status =
            qj_fail(QJIT_BAD_FILE,
                    "'%s' says that all parts together have %llu tensors, but they have %zu: they are not "
                    "parts of one model",
                    first->path, (unsigned long long)n_tensors, gguf->n_tensors);
    }
    return status;
}

qjit_status qj_gguf_add_parts(qjit_gguf *gguf)
{
    uint64_t own, n_parts;
    qjit_status status = get_integer(&gguf->files[0], &n_parts, "split.count", 1);
    if (status == QJIT_OK) {
        status = get_integer(&gguf->files[0], &own, "split.no", 0);
    }
    if (status != QJIT_OK || n_parts <= 1) {
        return status;
    }
    if (n_parts > QJ_GGUF_MAX_PARTS || own >= n_parts) {
        return qj_fail(
            QJIT_BAD_FILE,
            "'%s' says that it is part %llu, from 0, of %llu: the file is damaged, or made by a faulty "
            "program",
            gguf->files[0].path, (unsigned long long)own, (unsigned long long)n_parts);
    }
    if (own != 0) {
        return not_first(&gguf->files[0], own, n_parts);
    }
    for (uint64_t part = 1; status == QJIT_OK && part < n_parts; part++) {
        status = add_part(gguf, part, n_parts);
    }
    return status == QJIT_OK ? check_total(gguf) : status;
}
