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
    atomic_init(&memory->readers, 0);
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

void qj_memory_add_reader(struct qj_memory *memory, uint32_t device)
{
    _Static_assert(QJ_DEVICES_MAX <= 64, "a bit for each device");
    atomic_fetch_or_explicit(&memory->readers, (uint64_t)1 << device, memory_order_relaxed);
}

/* hipFree waits for the work of the memory's own device only. */
static void await_readers(const struct qj_memory *memory)
{
    int before;
    uint64_t readers = atomic_load_explicit(&memory->readers, memory_order_relaxed);
    for (uint32_t device = 0; readers; device++, readers >>= 1) {
        if ((readers & 1) && qj_ops_enter(memory->ops, device, &before) == QJIT_OK) {
            (void)memory->ops->hip->hipDeviceSynchronize();
            qj_ops_leave(memory->ops, device, before);
        }
    }
}

void qj_memory_release(struct qj_memory *memory)
{
    int before;
    if (!memory || atomic_fetch_sub_explicit(&memory->n_users, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (memory->is_ours) {
        await_readers(memory);
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
