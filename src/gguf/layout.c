/* Where the data of tensors lies: aligned, inside the file, none over another. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "gguf/gguf.h"

struct extent {
    uint64_t start, end;
    const char *name;
};

static qjit_status find_data(struct qj_gguf_file *file)
{
    const qjit_gguf_entry *entry = qj_gguf_file_entry(file, "general.alignment");
    file->facts.alignment = entry ? qj_gguf_alignment_of(&entry->value) : QJ_GGUF_ALIGNMENT;
    if (!file->facts.alignment) {
        return qj_fail(
            QJIT_BAD_FILE,
            "'%s': 'general.alignment' is no uint32 that is a power of two: the file is damaged, or "
            "made by a faulty program",
            file->path);
    }
    file->facts.data_offset = qj_gguf_align(file->facts.data_offset, file->facts.alignment);
    return QJIT_OK;
}

static qjit_status place(const struct qj_gguf_file *file, qjit_gguf_tensor *tensor)
{
    const qjit_gguf_part *facts = &file->facts;
    uint64_t room = facts->n_bytes > facts->data_offset ? facts->n_bytes - facts->data_offset : 0;
    char shown[QJ_GGUF_SHOWN];
    (void)qj_gguf_shown(shown, tensor->name, strlen(tensor->name));
    if (tensor->offset % facts->alignment != 0) {
        return qj_fail(QJIT_BAD_FILE,
                       "'%s': tensor '%s' is at offset %llu, no multiple of the alignment, %u: the file is "
                       "damaged, or made by a faulty program",
                       file->path, shown, (unsigned long long)tensor->offset, facts->alignment);
    }
    if (tensor->offset > room || tensor->n_bytes > room - tensor->offset) {
        return qj_fail(QJIT_BAD_FILE,
                       "'%s': tensor '%s' needs %llu bytes at offset %llu, but there are %llu bytes of data: "
                       "the file is cut off or damaged, fetch it again",
                       file->path, shown, (unsigned long long)tensor->n_bytes,
                       (unsigned long long)tensor->offset, (unsigned long long)room);
    }
    tensor->offset += facts->data_offset;
    /* One without bytes may stand at an end that nobody padded. */
    tensor->data = file->bytes + (tensor->offset < facts->n_bytes ? tensor->offset : facts->n_bytes);
    return QJIT_OK;
}

static int compare(const void *left, const void *right)
{
    const struct extent *a = left, *b = right;
    return (a->start > b->start) - (a->start < b->start);
}

/* The extents of a file's tensors that have bytes at all. */
static size_t gather(struct extent *out, const qjit_gguf_tensor *tensors, uint64_t n_tensors)
{
    size_t n = 0;
    for (uint64_t i = 0; i < n_tensors; i++) {
        if (tensors[i].n_bytes) {
            out[n++] =
                (struct extent){tensors[i].offset, tensors[i].offset + tensors[i].n_bytes, tensors[i].name};
        }
    }
    return n;
}

static qjit_status check_overlap(const struct qj_gguf_file *file, const qjit_gguf_tensor *tensors)
{
    struct extent *extents = calloc(file->facts.n_tensors + 1, sizeof *extents);
    qjit_status status = QJIT_OK;
    if (!extents) {
        return qj_fail(QJIT_NO_MEMORY, "no memory for the tensors of '%s'", file->path);
    }
    size_t n = gather(extents, tensors, file->facts.n_tensors);
    qsort(extents, n, sizeof *extents, compare);
    for (size_t i = 1; status == QJIT_OK && i < n; i++) {
        if (extents[i].start < extents[i - 1].end) {
            char one[QJ_GGUF_SHOWN], other[QJ_GGUF_SHOWN];
            status = qj_fail(
                QJIT_BAD_FILE,
                "'%s': tensors '%s' and '%s' overlap: the file is damaged, or made by a faulty program",
                file->path, qj_gguf_shown(one, extents[i - 1].name, strlen(extents[i - 1].name)),
                qj_gguf_shown(other, extents[i].name, strlen(extents[i].name)));
        }
    }
    free(extents);
    return status;
}

qjit_status qj_gguf_lay_out(qjit_gguf *gguf)
{
    struct qj_gguf_file *file = &gguf->files[gguf->n_files - 1];
    qjit_status status = find_data(file);
    for (size_t i = file->first_tensor; status == QJIT_OK && i < gguf->n_tensors; i++) {
        status = place(file, &gguf->tensors[i]);
    }
    if (status == QJIT_OK && file->facts.n_tensors) {
        status = check_overlap(file, gguf->tensors + file->first_tensor);
    }
    return status;
}
