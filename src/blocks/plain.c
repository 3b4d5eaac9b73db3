/* F32, F16 and BF16: blocks of one. */
#include "blocks/blocks.h"

#include <string.h>

#include "blocks/number.h"

void qj_quantize_F32(void *out, const float *x, size_t n)
{
    uint8_t *bytes = out;
    for (size_t i = 0; i < n; i++) {
        qj_put_u32(bytes + 4 * i, qj_float_bits(x[i]));
    }
}

void qj_dequantize_F32(float *out, const void *blocks, size_t n)
{
    const uint8_t *bytes = blocks;
    for (size_t i = 0; i < n; i++) {
        out[i] = qj_float_of_bits(qj_get_u32(bytes + 4 * i));
    }
}

void qj_quantize_F16(void *out, const float *x, size_t n)
{
    uint8_t *bytes = out;
    for (size_t i = 0; i < n; i++) {
        qj_put_f16(bytes + 2 * i, x[i]);
    }
}

void qj_dequantize_F16(float *out, const void *blocks, size_t n)
{
    const uint8_t *bytes = blocks;
    for (size_t i = 0; i < n; i++) {
        out[i] = qj_get_f16(bytes + 2 * i);
    }
}

void qj_quantize_BF16(void *out, const float *x, size_t n)
{
    uint8_t *bytes = out;
    for (size_t i = 0; i < n; i++) {
        qj_put_bf16(bytes + 2 * i, x[i]);
    }
}

void qj_dequantize_BF16(float *out, const void *blocks, size_t n)
{
    const uint8_t *bytes = blocks;
    for (size_t i = 0; i < n; i++) {
        out[i] = qj_get_bf16(bytes + 2 * i);
    }
}
