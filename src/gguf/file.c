/* Files: mapping them, and taking an open model apart again. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "gguf/gguf.h"

bool qj_gguf_reserve(void *items, size_t n, size_t *room, size_t item_bytes)
{
    if (n < *room) {
        return true;
    }
    size_t more = *room ? *room * 2 : 16;
    void *old, *grown;
    memcpy(&old, items, sizeof old);
    grown = reallocarray(old, more, item_bytes);
    if (!grown) {
        return false;
    }
    memcpy(items, &grown, sizeof grown);
    *room = more;
    return true;
}

/* The next file, all zero but for its path, which is copied. */
static struct qj_gguf_file *add(qjit_gguf *gguf, const char *path)
{
    struct qj_gguf_file *files = reallocarray(gguf->files, (size_t)gguf->n_files + 1, sizeof *files);
    if (!files) {
        return NULL;
    }
    gguf->files = files;
    struct qj_gguf_file *file = &files[gguf->n_files];
    *file = (struct qj_gguf_file){.path = strdup(path), .first_tensor = gguf->n_tensors};
    if (!file->path) {
        return NULL;
    }
    file->facts.path = file->path;
    gguf->n_files++;
    return file;
}

/* Maps what `fd` is open on; the mapping stays when it is closed. */
static qjit_status map(struct qj_gguf_file *file, int fd)
{
    struct stat facts;
    if (fstat(fd, &facts) != 0) {
        return qj_fail(QJIT_IO, "cannot look at '%s': %s", file->path, strerror(errno));
    }
    if (!S_ISREG(facts.st_mode)) {
        return qj_fail(QJIT_IO, "'%s' is no regular file, so that it cannot be mapped: name a file",
                       file->path);
    }
    if (facts.st_size == 0) {
        return QJIT_OK;
    }
    void *bytes = mmap(NULL, (size_t)facts.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        return qj_fail(QJIT_IO, "cannot map '%s': %s", file->path, strerror(errno));
    }
    file->bytes = bytes;
    file->facts.n_bytes = (uint64_t)facts.st_size;
    file->is_mapped = true;
    return QJIT_OK;
}

qjit_status qj_gguf_add_file(qjit_gguf *gguf, const char *path)
{
    struct qj_gguf_file *file = add(gguf, path);
    if (!file) {
        return qj_fail(QJIT_NO_MEMORY, "no memory to open '%s'", path);
    }
    /* Not to wait for the other end if it is a pipe. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return qj_fail(QJIT_IO, "cannot open '%s': %s", path, strerror(errno));
    }
    qjit_status status = map(file, fd);
    (void)close(fd);
    return status;
}

qjit_status qj_gguf_add_bytes(qjit_gguf *gguf, const void *bytes, size_t n_bytes)
{
    struct qj_gguf_file *file = add(gguf, "bytes in memory");
    if (!file) {
        return qj_fail(QJIT_NO_MEMORY, "no memory to open bytes in memory");
    }
    file->bytes = bytes;
    file->facts.n_bytes = n_bytes;
    return QJIT_OK;
}

const qjit_gguf_entry *qj_gguf_file_entry(const struct qj_gguf_file *file, const char *key)
{
    size_t at = qj_gguf_names_find(&file->keys, key);
    return at == SIZE_MAX ? NULL : &file->entries[at];
}

static void close_file(struct qj_gguf_file *file)
{
    for (size_t i = 0; i < file->n_entries; i++) {
        free((char *)file->entries[i].key);
    }
    free(file->entries);
    qj_gguf_names_finish(&file->keys);
    if (file->is_mapped) {
        (void)munmap((void *)file->bytes, file->facts.n_bytes);
    }
    free(file->path);
}

void qjit_gguf_close(qjit_gguf *gguf)
{
    if (!gguf) {
        return;
    }
    for (size_t i = 0; i < gguf->n_tensors; i++) {
        free((char *)gguf->tensors[i].name);
    }
    free(gguf->tensors);
    qj_gguf_names_finish(&gguf->names);
    for (uint32_t i = 0; i < gguf->n_files; i++) {
        close_file(&gguf->files[i]);
    }
    free(gguf->files);
    free(gguf);
}
