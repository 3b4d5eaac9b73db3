/* How many elements and bytes a tensor has, and where bytes may start. */
#include "gguf/gguf.h"

const char *qj_gguf_shape_fault(qjit_gguf_tensor *tensor)
{
    const qjit_ggml_type_info *type = tensor->type;
    uint64_t n = 1, n_bytes;
    if (tensor->n_dims > QJIT_GGUF_MAX_DIMS) {
        return "has more than 4 dimensions";
    }
    for (uint32_t i = 0; i < QJIT_GGUF_MAX_DIMS; i++) {
        if (i >= tensor->n_dims) {
            tensor->dims[i] = 1;
        }
        if (tensor->dims[i] > INT64_MAX || __builtin_mul_overflow(n, tensor->dims[i], &n) || n > INT64_MAX) {
            return "has dimensions whose product is more than 2^63 - 1";
        }
    }
    if (tensor->dims[0] % type->block_elements != 0) {
        return "has a width that is no multiple of the elements in a block of its type";
    }
    if (__builtin_mul_overflow(n / type->block_elements, type->block_bytes, &n_bytes) ||
        n_bytes > INT64_MAX) {
        return "has more than 2^63 - 1 bytes";
    }
    tensor->n_elements = n;
    tensor->n_bytes = n_bytes;
    return NULL;
}

uint64_t qj_gguf_align(uint64_t n, uint32_t alignment)
{
    return (n + alignment - 1) & ~(uint64_t)(alignment - 1);
}

uint32_t qj_gguf_alignment_of(const qjit_gguf_value *value)
{
    uint64_t n = value->kind == QJIT_GGUF_UINT32 ? value->number.u : 0;
    return n && (n & (n - 1)) == 0 ? (uint32_t)n : 0;
}
