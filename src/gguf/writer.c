/* Gathers metadata and tensors, and writes them as a file of version 3. */
#include "gguf/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/status.h"
#include "gguf/encode.h"
#include "gguf/gguf.h"

struct qjit_gguf_writer {
    char **keys;
    size_t n_keys, keys_room;
    struct qj_buf metadata; /* the entries as the file has them */
    qjit_gguf_tensor *tensors;
    size_t n_tensors, tensors_room;
    uint32_t alignment;
};

qjit_status qjit_gguf_writer_create(qjit_gguf_writer **out)
{
    qjit_gguf_writer *writer = calloc(1, sizeof *writer);
    if (!writer) {
        return qj_fail(QJIT_NO_MEMORY, "no memory for a GGUF writer");
    }
    writer->alignment = QJ_GGUF_ALIGNMENT;
    *out = writer;
    return QJIT_OK;
}

void qjit_gguf_writer_destroy(qjit_gguf_writer *writer)
{
    if (!writer) {
        return;
    }
    for (size_t i = 0; i < writer->n_keys; i++) {
        free(writer->keys[i]);
    }
    for (size_t i = 0; i < writer->n_tensors; i++) {
        free((char *)writer->tensors[i].name);
    }
    free(writer->keys);
    free(writer->tensors);
    qj_buf_finish(&writer->metadata);
    free(writer);
}

static qjit_status no_memory(void)
{
    return qj_fail(QJIT_NO_MEMORY, "no memory for what the GGUF writer was given");
}

static qjit_status check_key(const qjit_gguf_writer *writer, const char *key, const qjit_gguf_value *value)
{
    const char *fault = qj_gguf_name_fault(key, strlen(key));
    if (fault) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "a key of metadata %s", fault);
    }
    for (size_t i = 0; i < writer->n_keys; i++) {
        if (strcmp(writer->keys[i], key) == 0) {
            return qj_fail(QJIT_EXISTS, "metadata '%s' has been put already", key);
        }
    }
    if (strcmp(key, "general.alignment") == 0 && !qj_gguf_alignment_of(value)) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "'general.alignment' must be a uint32 that is a power of two");
    }
    return QJIT_OK;
}

/* The metadata as it was before an entry that could not be put. */
static void take_back(struct qj_buf *metadata, size_t size)
{
    metadata->size = size;
    metadata->failed = false;
}

qjit_status qjit_gguf_put(qjit_gguf_writer *writer, const char *key, const qjit_gguf_value *value)
{
    qjit_status status = check_key(writer, key, value);
    if (status != QJIT_OK) {
        return status;
    }
    size_t before = writer->metadata.size;
    qj_gguf_encode_text(&writer->metadata, key, strlen(key));
    const char *fault = qj_gguf_encode_value(&writer->metadata, value);
    char *copy = strdup(key);
    if (fault) {
        status = qj_fail(QJIT_INVALID_ARGUMENT, "the value of metadata '%s' %s", key, fault);
    } else if (!copy || writer->metadata.failed ||
               !qj_gguf_reserve(&writer->keys, writer->n_keys, &writer->keys_room, sizeof *writer->keys)) {
        status = no_memory();
    } else {
        writer->keys[writer->n_keys++] = copy;
        writer->alignment =
            strcmp(key, "general.alignment") == 0 ? qj_gguf_alignment_of(value) : writer->alignment;
        return QJIT_OK;
    }
    free(copy);
    take_back(&writer->metadata, before);
    return status;
}

qjit_status qjit_gguf_put_text(qjit_gguf_writer *writer, const char *key, const char *text)
{
    size_t n = strlen(text);
    return qjit_gguf_put(writer, key,
                         &(qjit_gguf_value){.kind = QJIT_GGUF_STRING, .n = n, .bytes = text, .n_bytes = n});
}

qjit_status qjit_gguf_put_uint32(qjit_gguf_writer *writer, const char *key, uint32_t value)
{
    return qjit_gguf_put(writer, key, &(qjit_gguf_value){.kind = QJIT_GGUF_UINT32, .number.u = value});
}

static qjit_status check_tensor(const qjit_gguf_writer *writer, qjit_gguf_tensor *tensor)
{
    const char *fault = qj_gguf_name_fault(tensor->name, strlen(tensor->name));
    if (fault) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "the name of a tensor %s", fault);
    }
    for (size_t i = 0; i < writer->n_tensors; i++) {
        if (strcmp(writer->tensors[i].name, tensor->name) == 0) {
            return qj_fail(QJIT_EXISTS, "tensor '%s' has been added already", tensor->name);
        }
    }
    fault = qj_gguf_shape_fault(tensor);
    if (!fault && tensor->n_bytes && !tensor->data) {
        fault = "has no data";
    }
    return fault ? qj_fail(QJIT_INVALID_ARGUMENT, "tensor '%s' %s", tensor->name, fault) : QJIT_OK;
}

qjit_status qjit_gguf_add_tensor(qjit_gguf_writer *writer, const char *name, uint32_t type, uint32_t n_dims,
                                 const uint64_t *dims, const void *data)
{
    qjit_gguf_tensor tensor = {.name = name, .n_dims = n_dims, .data = data};
    if (qjit_get_ggml_type(&tensor.type, type) != QJIT_OK) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "tensor '%s': %s", name, qjit_error_detail());
    }
    for (uint32_t i = 0; i < n_dims && i < QJIT_GGUF_MAX_DIMS; i++) {
        tensor.dims[i] = dims[i];
    }
    qjit_status status = check_tensor(writer, &tensor);
    if (status != QJIT_OK) {
        return status;
    }
    tensor.name = strdup(name);
    if (!tensor.name || !qj_gguf_reserve(&writer->tensors, writer->n_tensors, &writer->tensors_room,
                                         sizeof *writer->tensors)) {
        free((char *)tensor.name);
        return no_memory();
    }
    writer->tensors[writer->n_tensors++] = tensor;
    return QJIT_OK;
}

void qj_gguf_writer_header(const qjit_gguf_writer *writer, struct qj_buf *out)
{
    uint64_t offset = 0;
    qj_buf_append(out, "GGUF", 4);
    qj_gguf_encode_u32(out, 3);
    qj_gguf_encode_u64(out, writer->n_tensors);
    qj_gguf_encode_u64(out, writer->n_keys);
    qj_buf_append(out, writer->metadata.bytes, writer->metadata.size);
    for (size_t i = 0; i < writer->n_tensors; i++) {
        const qjit_gguf_tensor *tensor = &writer->tensors[i];
        qj_gguf_encode_text(out, tensor->name, strlen(tensor->name));
        qj_gguf_encode_u32(out, tensor->n_dims);
        qj_buf_append(out, tensor->dims, tensor->n_dims * sizeof *tensor->dims);
        qj_gguf_encode_u32(out, tensor->type->type);
        qj_gguf_encode_u64(out, offset);
        offset = qj_gguf_align(offset + tensor->n_bytes, writer->alignment);
    }
}

/* ---- the file ------------------------------------------------------------------------------------- */

static bool write_all(int fd, const void *bytes, uint64_t n)
{
    const char *at = bytes;
    while (n) {
        ssize_t written = write(fd, at, n);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        at += written;
        n -= (uint64_t)written;
    }
    return true;
}

/* Bytes, then zeros up to the alignment. */
static bool write_padded(int fd, const void *bytes, uint64_t n, uint32_t alignment)
{
    static const char zeros[4096];
    uint64_t n_zeros = qj_gguf_align(n, alignment) - n;
    bool is_written = write_all(fd, bytes, n);
    while (is_written && n_zeros) {
        uint64_t chunk = n_zeros < sizeof zeros ? n_zeros : sizeof zeros;
        is_written = write_all(fd, zeros, chunk);
        n_zeros -= chunk;
    }
    return is_written;
}

static bool write_file(const qjit_gguf_writer *writer, const struct qj_buf *header, int fd)
{
    bool is_written = write_padded(fd, header->bytes, header->size, writer->alignment);
    for (size_t i = 0; is_written && i < writer->n_tensors; i++) {
        is_written = write_padded(fd, writer->tensors[i].data, writer->tensors[i].n_bytes, writer->alignment);
    }
    return is_written;
}

/* Beside the target, so that the rename stays within one file system; a name that nobody else makes. */
static char *temporary_path(const char *path)
{
    static atomic_uint n;
    struct qj_buf name = {0};
    qj_buf_printf(&name, "%s.%ld.%u.part", path, (long)getpid(), atomic_fetch_add(&n, 1));
    if (name.failed) {
        qj_buf_finish(&name);
        return NULL;
    }
    return name.bytes;
}

static qjit_status write_and_rename(const qjit_gguf_writer *writer, const struct qj_buf *header,
                                    const char *path, const char *temporary)
{
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) {
        return qj_fail(QJIT_IO, "cannot make '%s': %s", temporary, strerror(errno));
    }
    bool is_written = write_file(writer, header, fd);
    int error = errno;
    if (close(fd) != 0 && is_written) {
        is_written = false;
        error = errno;
    }
    if (is_written && rename(temporary, path) != 0) {
        is_written = false;
        error = errno;
    }
    if (is_written) {
        return QJIT_OK;
    }
    (void)unlink(temporary);
    return qj_fail(QJIT_IO, "cannot write '%s': %s", path, strerror(error));
}

qjit_status qjit_gguf_write(const qjit_gguf_writer *writer, const char *path)
{
    struct qj_buf header = {0};
    qj_gguf_writer_header(writer, &header);
    char *temporary = temporary_path(path);
    qjit_status status =
        header.failed || !temporary ? no_memory() : write_and_rename(writer, &header, path, temporary);
    free(temporary);
    qj_buf_finish(&header);
    return status;
}
