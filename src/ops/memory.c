#include "ops/memory.h"

#include <stdlib.h>

#include "base/status.h"

static qjit_status create(struct qj_memory **out, struct qj_ops *ops, uint32_t device, void *start)
{
    struct qj_memory *memory = malloc(sizeof *memory);
    if (!memory) {
        return qj_fail(QJIT_NO_MEMORY, "out of memory");
    }
    memory->ops = ops;
    memory->device = device;
    memory->is_ours = false;
    memory->start = start;
    atomic_init(&memory->n_users, 1);
    *out = memory;
    return QJIT_OK;
}

qjit_status qj_memory_wrap(struct qj_memory **out, struct qj_ops *ops, uint32_t device, void *start)
{
    return create(out, ops, device, start);
}

/* `device` is current. */
static qjit_status allocate(struct qj_memory *memory, size_t n_bytes, bool is_zeroed)
{
    const struct qj_hip *hip = memory->ops->hip;
    qjit_status status = qj_ops_check(memory->ops, "hipMalloc", hip->hipMalloc(&memory->start, n_bytes));
    if (status != QJIT_OK) {
        qj_fail_add("%zu bytes on device %u", n_bytes, memory->device);
        return status;
    }
    memory->is_ours = true;
    if (is_zeroed) {
        status = qj_ops_check(memory->ops, "hipMemset", hip->hipMemset(memory->start, 0, n_bytes));
    }
    if (status == QJIT_OK && is_zeroed) { /* a memset of device memory is under way when it returns */
        status = qj_ops_check(memory->ops, "hipStreamSynchronize", hip->hipStreamSynchronize(NULL));
    }
    return status;
}

qjit_status qj_memory_create(struct qj_memory **out, struct qj_ops *ops, uint32_t device, size_t n_bytes,
                             bool is_zeroed)
{
    int before;
    struct qj_memory *memory;
    qjit_status status = create(&memory, ops, device, NULL);
    if (status != QJIT_OK) {
        return status;
    }
    if (n_bytes > 0) {
        status = qj_ops_enter(ops, device, &before);
        if (status == QJIT_OK) {
            status = allocate(memory, n_bytes, is_zeroed);
            qj_ops_leave(ops, device, before);
        }
    }
    if (status != QJIT_OK) {
        qj_memory_release(memory);
        return status;
    }
    *out = memory;
    return QJIT_OK;
}

void qj_memory_use(struct qj_memory *memory)
{
    atomic_fetch_add_explicit(&memory->n_users, 1, memory_order_relaxed);
}

void qj_memory_release(struct qj_memory *memory)
{
    int before;
    if (!memory || atomic_fetch_sub_explicit(&memory->n_users, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (memory->is_ours && qj_ops_enter(memory->ops, memory->device, &before) == QJIT_OK) {
        (void)memory->ops->hip->hipFree(memory->start);
        qj_ops_leave(memory->ops, memory->device, before);
    }
    free(memory);
}

qjit_status qj_buffer_create_in(qjit_buffer **out, struct qj_memory *memory, char *start, size_t n_bytes)
{
    qjit_buffer *buffer = malloc(sizeof *buffer);
    if (!buffer) {
        return qj_fail(QJIT_NO_MEMORY, "out of memory");
    }
    qj_memory_use(memory);
    *buffer = (qjit_buffer){memory, n_bytes > 0 ? start : NULL, n_bytes};
    *out = buffer;
    return QJIT_OK;
}
