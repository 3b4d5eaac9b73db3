#include <stdlib.h>

#include "base/status.h"
#include "ops/memory.h"

static qjit_status create(qjit_context *context, qjit_buffer **out, uint32_t device, size_t n_bytes,
                          bool is_zeroed)
{
    struct qj_ops *ops;
    struct qj_memory *memory;
    qjit_status status = qj_context_ops(context, &ops, device);
    if (status == QJIT_OK) {
        status = qj_memory_create(&memory, ops, device, n_bytes, is_zeroed);
    }
    if (status == QJIT_OK) {
        status = qj_buffer_create_in(out, memory, memory->start, n_bytes);
        qj_memory_release(memory);
    }
    return status;
}

qjit_status qjit_buffer_create(qjit_context *context, qjit_buffer **out, uint32_t device, size_t n_bytes)
{
    return create(context, out, device, n_bytes, false);
}

qjit_status qjit_buffer_create_zeroed(qjit_context *context, qjit_buffer **out, uint32_t device,
                                      size_t n_bytes)
{
    return create(context, out, device, n_bytes, true);
}

qjit_status qjit_buffer_wrap(qjit_context *context, qjit_buffer **out, uint32_t device, void *pointer,
                             size_t n_bytes)
{
    struct qj_ops *ops;
    struct qj_memory *memory;
    if (!pointer && n_bytes > 0) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "no memory of %zu bytes is at NULL", n_bytes);
    }
    qjit_status status = qj_context_ops(context, &ops, device);
    if (status == QJIT_OK) {
        status = qj_memory_wrap(&memory, ops, device, pointer);
    }
    if (status == QJIT_OK) {
        status = qj_buffer_create_in(out, memory, pointer, n_bytes);
        qj_memory_release(memory);
    }
    return status;
}

static qjit_status check_range(const qjit_buffer *buffer, size_t offset, size_t n_bytes)
{
    if (offset > buffer->n_bytes || n_bytes > buffer->n_bytes - offset) {
        return qj_fail(QJIT_INVALID_ARGUMENT,
                       "%zu bytes from byte %zu on are not within a buffer of %zu bytes", n_bytes, offset,
                       buffer->n_bytes);
    }
    return QJIT_OK;
}

qjit_status qjit_buffer_view(const qjit_buffer *buffer, qjit_buffer **out, size_t offset, size_t n_bytes)
{
    qjit_status status = check_range(buffer, offset, n_bytes);
    if (status != QJIT_OK) {
        return status;
    }
    return qj_buffer_create_in(out, buffer->memory, n_bytes > 0 ? buffer->start + offset : NULL, n_bytes);
}

void qjit_buffer_destroy(qjit_buffer *buffer)
{
    if (buffer) {
        qj_memory_release(buffer->memory);
        free(buffer);
    }
}

void *qjit_buffer_pointer(const qjit_buffer *buffer)
{
    return buffer->start;
}

size_t qjit_buffer_bytes(const qjit_buffer *buffer)
{
    return buffer->n_bytes;
}

uint32_t qjit_buffer_device(const qjit_buffer *buffer)
{
    return buffer->memory->device;
}

/* A copy that has been checked, by the thread's current device, on a stream or, where `waits`, at once. */
struct copy {
    void *to;
    const void *from;
    size_t n_bytes;
    hipMemcpyKind kind;
    bool waits;
    qjit_stream stream;
};

static qjit_status copy(const struct qj_memory *memory, const struct copy *copy)
{
    int before;
    const struct qj_hip *hip = memory->ops->hip;
    qjit_status status = qj_ops_check_stream(copy->stream);
    if (status != QJIT_OK || copy->n_bytes == 0) {
        return status;
    }
    if (!copy->to || !copy->from) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "the host's end of a copy of %zu bytes is NULL", copy->n_bytes);
    }
    status = qj_ops_enter(memory->ops, memory->device, &before);
    if (status != QJIT_OK) {
        return status;
    }
    status = copy->waits ? qj_ops_check(memory->ops, "hipMemcpy",
                                        hip->hipMemcpy(copy->to, copy->from, copy->n_bytes, copy->kind))
                         : qj_ops_check(memory->ops, "hipMemcpyAsync",
                                        hip->hipMemcpyAsync(copy->to, copy->from, copy->n_bytes, copy->kind,
                                                            (hipStream_t)copy->stream));
    qj_ops_leave(memory->ops, memory->device, before);
    return status;
}

static qjit_status upload(qjit_buffer *buffer, size_t offset, const void *from, size_t n_bytes, bool waits,
                          qjit_stream stream)
{
    qjit_status status = check_range(buffer, offset, n_bytes);
    if (status != QJIT_OK) {
        return status;
    }
    return copy(buffer->memory, &(struct copy){n_bytes > 0 ? buffer->start + offset : NULL, from, n_bytes,
                                               QJ_HIP_MEMCPY_HOST_TO_DEVICE, waits, stream});
}

static qjit_status download(const qjit_buffer *buffer, void *out, size_t offset, size_t n_bytes, bool waits,
                            qjit_stream stream)
{
    qjit_status status = check_range(buffer, offset, n_bytes);
    if (status != QJIT_OK) {
        return status;
    }
    return copy(buffer->memory, &(struct copy){out, n_bytes > 0 ? buffer->start + offset : NULL, n_bytes,
                                               QJ_HIP_MEMCPY_DEVICE_TO_HOST, waits, stream});
}

qjit_status qjit_buffer_upload(qjit_buffer *buffer, size_t offset, const void *from, size_t n_bytes)
{
    return upload(buffer, offset, from, n_bytes, true, NULL);
}

qjit_status qjit_buffer_download(const qjit_buffer *buffer, void *out, size_t offset, size_t n_bytes)
{
    return download(buffer, out, offset, n_bytes, true, NULL);
}

qjit_status qjit_buffer_upload_on(qjit_buffer *buffer, size_t offset, const void *from, size_t n_bytes,
                                  qjit_stream stream)
{
    return upload(buffer, offset, from, n_bytes, false, stream);
}

qjit_status qjit_buffer_download_on(const qjit_buffer *buffer, void *out, size_t offset, size_t n_bytes,
                                    qjit_stream stream)
{
    return download(buffer, out, offset, n_bytes, false, stream);
}

qjit_status qjit_buffer_copy_on(qjit_buffer *to, size_t to_offset, const qjit_buffer *from,
                                size_t from_offset, size_t n_bytes, qjit_stream stream)
{
    qjit_status status = check_range(to, to_offset, n_bytes);
    if (status == QJIT_OK) {
        status = check_range(from, from_offset, n_bytes);
    }
    if (status != QJIT_OK || n_bytes == 0) {
        return status;
    }
    if (to->memory->ops != from->memory->ops) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "the two buffers of a copy are of two contexts");
    }
    const bool is_same = to->memory->device == from->memory->device;
    char *target = to->start + to_offset;
    const char *source = from->start + from_offset;
    if (is_same && target < source + n_bytes && source < target + n_bytes) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "the two ranges of a copy of %zu bytes overlap", n_bytes);
    }
    if (!is_same) {
        qj_memory_add_reader(from->memory, to->memory->device);
    }
    return copy(to->memory, &(struct copy){target, source, n_bytes,
                                           is_same ? QJ_HIP_MEMCPY_DEVICE_TO_DEVICE : QJ_HIP_MEMCPY_DEFAULT,
                                           false, stream});
}

qjit_status qjit_buffer_fill_on(qjit_buffer *buffer, size_t offset, uint8_t byte, size_t n_bytes,
                                qjit_stream stream)
{
    int before;
    const struct qj_memory *memory = buffer->memory;
    qjit_status status = check_range(buffer, offset, n_bytes);
    if (status == QJIT_OK) {
        status = qj_ops_check_stream(stream);
    }
    if (status != QJIT_OK || n_bytes == 0) {
        return status;
    }
    status = qj_ops_enter(memory->ops, memory->device, &before);
    if (status == QJIT_OK) {
        status = qj_ops_check(
            memory->ops, "hipMemsetAsync",
            memory->ops->hip->hipMemsetAsync(buffer->start + offset, byte, n_bytes, (hipStream_t)stream));
        qj_ops_leave(memory->ops, memory->device, before);
    }
    return status;
}
