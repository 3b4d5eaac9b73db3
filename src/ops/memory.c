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
    qj_memory_free_refused(ops);
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
static hipError_t await_readers(const struct qj_memory *memory)
{
    int before;
    hipError_t error = QJ_HIP_SUCCESS;
    uint64_t readers = atomic_load_explicit(&memory->readers, memory_order_relaxed);
    for (uint32_t device = 0; readers && error == QJ_HIP_SUCCESS; device++, readers >>= 1) {
        if ((readers & 1) && qj_ops_enter(memory->ops, device, &before) == QJIT_OK) {
            error = memory->ops->hip->hipDeviceSynchronize();
            qj_ops_leave(memory->ops, device, before);
        }
    }
    return error;
}

static hipError_t free_on_device(const struct qj_memory *memory)
{
    int before;
    hipError_t error = await_readers(memory);
    if (error != QJ_HIP_ERROR_STREAM_CAPTURE_UNSUPPORTED &&
        qj_ops_enter(memory->ops, memory->device, &before) == QJIT_OK) {
        error = memory->ops->hip->hipFree(memory->start);
        qj_ops_leave(memory->ops, memory->device, before);
    }
    return error;
}

/* The last user's. What else may go wrong leaves nothing to try again. */
static void destroy(struct qj_memory *memory)
{
    if (!memory->is_ours || free_on_device(memory) != QJ_HIP_ERROR_STREAM_CAPTURE_UNSUPPORTED) {
        free(memory);
        return;
    }
    memory->next = atomic_load(&memory->ops->refused);
    while (!atomic_compare_exchange_weak(&memory->ops->refused, &memory->next, memory)) {
    }
}

void qj_memory_free_refused(struct qj_ops *ops)
{
    struct qj_memory *memory = atomic_exchange(&ops->refused, NULL);
    for (struct qj_memory *next; memory; memory = next) {
        next = memory->next;
        destroy(memory);
    }
}

void qj_memory_release(struct qj_memory *memory)
{
    if (memory && atomic_fetch_sub_explicit(&memory->n_users, 1, memory_order_acq_rel) == 1) {
        destroy(memory);
    }
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
