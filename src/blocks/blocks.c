/* The public calls: which type, how many blocks, and whether that makes sense. */
#include "blocks/blocks.h"

#include "base/status.h"
#include "blocks/number.h"

static const struct direction {
    qj_quantize_fn quantize;
    qj_dequantize_fn dequantize;
} directions[QJIT_GGML_TYPE_END] = {
#define ROW(name) [QJIT_GGML_##name] = {qj_quantize_##name, qj_dequantize_##name},
    QJ_BLOCK_TYPE_MAP(ROW)
#undef ROW
};

static qjit_status check_count(const qjit_ggml_type_info *type, uint64_t n)
{
    if (n % type->block_elements) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "%llu elements of '%s' are not whole blocks of %u",
                       (unsigned long long)n, type->name, type->block_elements);
    }
    if (n / type->block_elements > (uint64_t)INT64_MAX / type->block_bytes) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "%llu elements of '%s' take more than 2^63 - 1 bytes",
                       (unsigned long long)n, type->name);
    }
    return QJIT_OK;
}

qjit_status qjit_get_block_bytes(uint64_t *out, uint32_t type, uint64_t n)
{
    const qjit_ggml_type_info *info;
    qjit_status status = qjit_get_ggml_type(&info, type);
    if (status == QJIT_OK) {
        status = check_count(info, n);
    }
    if (status == QJIT_OK) {
        *out = n / info->block_elements * info->block_bytes;
    }
    return status;
}

/* What both directions ask first. */
static qjit_status check(const qjit_ggml_type_info **out, uint32_t type, size_t n)
{
    qjit_status status = qjit_get_ggml_type(out, type);
    if (status == QJIT_OK && !directions[type].quantize) {
        status = qj_fail(QJIT_NOT_FOUND,
                         "blocks of '%s' can be neither made nor read on the host; of F32, F16, "
                         "BF16, Q4_0 to Q8_1, Q2_K to Q8_K, IQ4_NL, IQ4_XS, MXFP4 and NVFP4 "
                         "they can",
                         (*out)->name);
    }
    return status == QJIT_OK ? check_count(*out, n) : status;
}

static qjit_status check_finite(const qjit_ggml_type_info *type, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((qj_float_bits(x[i]) & 0x7f800000) == 0x7f800000) {
            return qj_fail(QJIT_INVALID_ARGUMENT,
                           "element %zu is %g: blocks of '%s' take finite numbers only", i, (double)x[i],
                           type->name);
        }
    }
    return QJIT_OK;
}

qjit_status qjit_quantize_blocks(void *out, uint32_t type, const float *x, size_t n)
{
    const qjit_ggml_type_info *info;
    qjit_status status = check(&info, type, n);
    if (status == QJIT_OK && info->block_elements > 1) {
        status = check_finite(info, x, n);
    }
    if (status == QJIT_OK) {
        directions[type].quantize(out, x, n / info->block_elements);
    }
    return status;
}

qjit_status qjit_dequantize_blocks(float *out, uint32_t type, const void *blocks, size_t n)
{
    const qjit_ggml_type_info *info;
    qjit_status status = check(&info, type, n);
    if (status == QJIT_OK) {
        directions[type].dequantize(out, blocks, n / info->block_elements);
    }
    return status;
}
