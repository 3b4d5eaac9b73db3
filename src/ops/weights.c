#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "ops/run.h"

/* The facts of weights that are nowhere yet. */
static qjit_status describe(qjit_weights_info *out, uint32_t type, uint64_t n, uint64_t k, uint64_t n_experts)
{
    qjit_weights_info info = {.n = n, .k = k, .n_experts = n_experts > 0 ? n_experts : 1};
    qjit_status status = qjit_get_ggml_type(&info.type, type);
    if (status != QJIT_OK) {
        return status;
    }
    const uint64_t elements = info.type->block_elements, bytes = info.type->block_bytes;
    if (k % elements != 0) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "%llu columns are no multiple of a block of '%s', which is %u",
                       (unsigned long long)k, info.type->name, info.type->block_elements);
    }
    if (n > QJ_N_MAX || k > QJ_K_MAX || info.n_experts > UINT32_MAX) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "%llu matrices of %llu rows and %llu columns are too large",
                       (unsigned long long)info.n_experts, (unsigned long long)n, (unsigned long long)k);
    }
    const uint64_t padding = QJ_ROW_PADDING / elements * bytes;
    info.row_bytes = k / elements * bytes;
    if (__builtin_mul_overflow(info.row_bytes * n, info.n_experts, &info.n_bytes) ||
        info.n_bytes > INT64_MAX - padding) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "%llu matrices of %llu rows and %llu columns are too large",
                       (unsigned long long)info.n_experts, (unsigned long long)n, (unsigned long long)k);
    }
    info.padded_bytes = info.n_bytes + padding;
    *out = info;
    return QJIT_OK;
}

/* Becomes a user of the memory. */
static qjit_status create_in(qjit_weights **out, struct qj_memory *memory, const qjit_weights_info *info)
{
    qjit_weights *weights = malloc(sizeof *weights);
    if (!weights) {
        return qj_fail(QJIT_NO_MEMORY, "out of memory");
    }
    qj_memory_use(memory);
    weights->info = *info;
    weights->info.device = memory->device;
    weights->memory = memory;
    *out = weights;
    return QJIT_OK;
}

qjit_status qjit_weights_create(qjit_context *context, qjit_weights **out, uint32_t device, uint32_t type,
                                uint64_t n, uint64_t k, uint64_t n_experts)
{
    struct qj_ops *ops;
    struct qj_memory *memory;
    qjit_weights_info info;
    qjit_status status = describe(&info, type, n, k, n_experts);
    if (status == QJIT_OK) {
        status = qj_context_ops(context, &ops, device);
    }
    if (status == QJIT_OK) {
        status = qj_memory_create(&memory, ops, device, info.padded_bytes, true);
    }
    if (status == QJIT_OK) {
        info.pointer = memory->start;
        info.is_padded = 1;
        status = create_in(out, memory, &info);
        qj_memory_release(memory);
    }
    return status;
}

/* Blocks are read by loads that are as wide as their size allows. */
static uint64_t alignment_of(const qjit_ggml_type_info *type)
{
    const uint64_t power = type->block_bytes & -type->block_bytes;
    return power < 16 ? power : 16;
}

qjit_status qjit_weights_wrap(const qjit_buffer *buffer, qjit_weights **out, uint32_t type, uint64_t n,
                              uint64_t k, uint64_t n_experts, int is_padded)
{
    qjit_weights_info info;
    qjit_status status = describe(&info, type, n, k, n_experts);
    if (status != QJIT_OK) {
        return status;
    }
    const uint64_t wanted = is_padded ? info.padded_bytes : info.n_bytes;
    const struct qj_place place = qj_place_of(buffer->memory, NULL);
    status = qj_use_check(&place, &(struct qj_use){"weights", buffer, wanted, alignment_of(info.type)}, 1);
    if (status != QJIT_OK) {
        return status;
    }
    info.pointer = buffer->start;
    info.is_padded = is_padded != 0;
    return create_in(out, buffer->memory, &info);
}

qjit_status qjit_weights_view_expert(const qjit_weights *weights, qjit_weights **out, uint64_t expert)
{
    qjit_weights_info info = weights->info;
    if (expert >= info.n_experts) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "there is no expert %llu: these weights have %llu",
                       (unsigned long long)expert, (unsigned long long)info.n_experts);
    }
    const uint64_t padding = info.padded_bytes - info.n_bytes;
    info.is_padded = info.is_padded && expert + 1 == info.n_experts;
    info.n_experts = 1;
    info.n_bytes = info.n * info.row_bytes;
    info.padded_bytes = info.n_bytes + padding;
    info.pointer = qj_at(info.pointer, expert * info.n_bytes);
    return create_in(out, weights->memory, &info);
}

qjit_status qjit_weights_view(const qjit_weights *weights, qjit_buffer **out)
{
    return qj_buffer_create_in(out, weights->memory, weights->info.pointer, weights->info.n_bytes);
}

void qjit_weights_destroy(qjit_weights *weights)
{
    if (weights) {
        qj_memory_release(weights->memory);
        free(weights);
    }
}

const qjit_weights_info *qjit_weights_get_info(const qjit_weights *weights)
{
    return &weights->info;
}

qjit_status qjit_weights_upload(qjit_weights *weights, uint64_t first_row, uint64_t n_rows, const void *from)
{
    const qjit_weights_info *info = &weights->info;
    const uint64_t all_rows = info->n * info->n_experts;
    if (first_row > all_rows || n_rows > all_rows - first_row) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "%llu rows from row %llu on are not within %llu rows",
                       (unsigned long long)n_rows, (unsigned long long)first_row,
                       (unsigned long long)all_rows);
    }
    qjit_buffer rows = {weights->memory, info->pointer, info->n_bytes};
    return qjit_buffer_upload(&rows, first_row * info->row_bytes, from, n_rows * info->row_bytes);
}

qjit_status qjit_weights_create_from_tensor(qjit_context *context, qjit_weights **out, uint32_t device,
                                            const qjit_gguf_tensor *tensor)
{
    qjit_weights *weights;
    uint64_t n_experts;
    if (__builtin_mul_overflow(tensor->dims[2], tensor->dims[3], &n_experts)) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "tensor '%s' is too large", tensor->name);
    }
    if (n_experts == 0) { /* no matrices: no rows either */
        n_experts = 1;
    }
    const uint64_t n = tensor->n_elements > 0 ? tensor->dims[1] : 0;
    qjit_status status =
        qjit_weights_create(context, &weights, device, tensor->type->type, n, tensor->dims[0], n_experts);
    if (status != QJIT_OK) {
        return status;
    }
    if (weights->info.n_bytes != tensor->n_bytes) {
        status = qj_fail(QJIT_INVALID_ARGUMENT,
                         "tensor '%s' has %llu bytes, not the %llu of its type and shape", tensor->name,
                         (unsigned long long)tensor->n_bytes, (unsigned long long)weights->info.n_bytes);
    } else {
        status = qjit_weights_upload(weights, 0, n * n_experts, tensor->data);
    }
    if (status != QJIT_OK) {
        qjit_weights_destroy(weights);
        return status;
    }
    *out = weights;
    return QJIT_OK;
}
