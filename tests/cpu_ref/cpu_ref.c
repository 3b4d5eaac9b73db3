/* Each type: take the numbers out of the block in the order of the elements, then apply its formula. */
#include "cpu_ref/cpu_ref.h"

#include "cpu_ref/four_bit.h"

#include <math.h>
#include <string.h>

/* Low nibbles of the 16 bytes, then their high nibbles. */
static void unpack_nibbles(int q[32], const uint8_t qs[16])
{
    for (int i = 0; i < 16; i++) {
        q[i] = qs[i] % 16;
        q[i + 16] = qs[i] / 16;
    }
}

/* Bit i of the 32-bit little-endian number qh, as 16, to q[i]. */
static void add_fifth_bits(int q[32], const uint8_t qh[4])
{
    const uint32_t bits = qh[0] | (uint32_t)qh[1] << 8 | (uint32_t)qh[2] << 16 | (uint32_t)qh[3] << 24;
    for (int i = 0; i < 32; i++)
        q[i] += bits & (uint32_t)1 << i ? 16 : 0;
}

static void ref_dequantize_q4_0(double *out, const void *memory)
{
    const struct ref_q4_0 *block = memory;
    int q[32];
    unpack_nibbles(q, block->qs);
    for (int i = 0; i < 32; i++)
        out[i] = ref_f16_to_double(block->d) * (q[i] - 8);
}

static void ref_dequantize_q4_1(double *out, const void *memory)
{
    const struct ref_q4_1 *block = memory;
    int q[32];
    unpack_nibbles(q, block->qs);
    for (int i = 0; i < 32; i++)
        out[i] = ref_f16_to_double(block->d) * q[i] + ref_f16_to_double(block->m);
}

static void ref_dequantize_q5_0(double *out, const void *memory)
{
    const struct ref_q5_0 *block = memory;
    int q[32];
    unpack_nibbles(q, block->qs);
    add_fifth_bits(q, block->qh);
    for (int i = 0; i < 32; i++)
        out[i] = ref_f16_to_double(block->d) * (q[i] - 16);
}

static void ref_dequantize_q5_1(double *out, const void *memory)
{
    const struct ref_q5_1 *block = memory;
    int q[32];
    unpack_nibbles(q, block->qs);
    add_fifth_bits(q, block->qh);
    for (int i = 0; i < 32; i++)
        out[i] = ref_f16_to_double(block->d) * q[i] + ref_f16_to_double(block->m);
}

static void ref_dequantize_q8_0(double *out, const void *memory)
{
    const struct ref_q8_0 *block = memory;
    for (int i = 0; i < 32; i++)
        out[i] = ref_f16_to_double(block->d) * block->qs[i];
}

static void ref_dequantize_q8_1(double *out, const void *memory)
{
    const struct ref_q8_1 *block = memory;
    for (int i = 0; i < 32; i++)
        out[i] = ref_f16_to_double(block->d) * block->qs[i];
}

/* Two bits each: of every 128 elements, 32 bytes hold elements l, l + 32, l + 64 and l + 96 from low to high.
 */
static void unpack_two_bits(int q[256], const uint8_t qs[64])
{
    for (int part = 0; part < 2; part++)
        for (int l = 0; l < 32; l++) {
            int byte = qs[32 * part + l];
            for (int j = 0; j < 4; j++, byte /= 4)
                q[128 * part + 32 * j + l] = byte % 4;
        }
}

static void ref_dequantize_q2_K(double *out, const void *memory)
{
    const struct ref_q2_K *block = memory;
    const double d = ref_f16_to_double(block->d), dmin = ref_f16_to_double(block->dmin);
    int q[256];
    unpack_two_bits(q, block->qs);
    for (int i = 0; i < 256; i++) {
        const int scale = block->scales[i / 16] % 16, minimum = block->scales[i / 16] / 16;
        out[i] = d * scale * q[i] - dmin * minimum;
    }
}

/* Sixteen numbers of six bits in twelve bytes: the low nibbles of bytes 0 to 7 and then the high ones are
 * their low four bits. Byte 8 + n holds the high two of numbers n, n + 4, n + 8 and n + 12, from low to high.
 */
static void unpack_q3_scales(int scales[16], const uint8_t packed[12])
{
    for (int i = 0; i < 8; i++) {
        scales[i] = packed[i] % 16;
        scales[i + 8] = packed[i] / 16;
    }
    for (int n = 0; n < 4; n++) {
        int byte = packed[8 + n];
        for (int i = n; i < 16; i += 4, byte /= 4)
            scales[i] += 16 * (byte % 4);
    }
}

/* The third bit of element i is bit i / 32 of hmask[i % 32]; where it is missing, 4 is taken off. */
static void ref_dequantize_q3_K(double *out, const void *memory)
{
    const struct ref_q3_K *block = memory;
    int q[256], scales[16];
    unpack_two_bits(q, block->qs);
    unpack_q3_scales(scales, block->scales);
    for (int i = 0; i < 256; i++) {
        if (!(block->hmask[i % 32] & 1 << (i / 32)))
            q[i] -= 4;
        out[i] = ref_f16_to_double(block->d) * (scales[i / 16] - 32) * q[i];
    }
}

/* Eight scales and eight minima of six bits. Bytes 0 to 3 and 4 to 7: the first four scales and minima, whose
 * upper two bits are the upper two of the last four. Bytes 8 to 11: the low nibbles of the last four scales,
 * and of their minima above them. */
static void unpack_q4_scales(int scales[8], int minima[8], const uint8_t packed[12])
{
    for (int i = 0; i < 4; i++) {
        scales[i] = packed[i] % 64;
        minima[i] = packed[i + 4] % 64;
        scales[i + 4] = packed[i + 8] % 16 + packed[i] / 64 * 16;
        minima[i + 4] = packed[i + 8] / 16 + packed[i + 4] / 64 * 16;
    }
}

/* Every 32 bytes hold 64 elements: low nibbles, then high ones. */
static void unpack_super_nibbles(int q[256], const uint8_t qs[128])
{
    for (int part = 0; part < 4; part++)
        for (int l = 0; l < 32; l++) {
            q[64 * part + l] = qs[32 * part + l] % 16;
            q[64 * part + 32 + l] = qs[32 * part + l] / 16;
        }
}

static void ref_dequantize_q4_K(double *out, const void *memory)
{
    const struct ref_q4_K *block = memory;
    const double d = ref_f16_to_double(block->d), dmin = ref_f16_to_double(block->dmin);
    int q[256], scales[8], minima[8];
    unpack_super_nibbles(q, block->qs);
    unpack_q4_scales(scales, minima, block->scales);
    for (int i = 0; i < 256; i++)
        out[i] = d * scales[i / 32] * q[i] - dmin * minima[i / 32];
}

/* As q4_K; the fifth bit of element i is bit i / 32 of qh[i % 32]. */
static void ref_dequantize_q5_K(double *out, const void *memory)
{
    const struct ref_q5_K *block = memory;
    const double d = ref_f16_to_double(block->d), dmin = ref_f16_to_double(block->dmin);
    int q[256], scales[8], minima[8];
    unpack_super_nibbles(q, block->qs);
    unpack_q4_scales(scales, minima, block->scales);
    for (int i = 0; i < 256; i++) {
        if (block->qh[i % 32] & 1 << (i / 32))
            q[i] += 16;
        out[i] = d * scales[i / 32] * q[i] - dmin * minima[i / 32];
    }
}

/* Of every 128 elements: the low nibbles of 64 bytes of ql, then the high ones, are the low four bits; a byte
 * of qh holds the upper two of elements l, l + 32, l + 64 and l + 96, from low to high. */
static void ref_dequantize_q6_K(double *out, const void *memory)
{
    const struct ref_q6_K *block = memory;
    int q[256];
    for (int part = 0; part < 2; part++) {
        for (int n = 0; n < 64; n++) {
            q[128 * part + n] = block->ql[64 * part + n] % 16;
            q[128 * part + 64 + n] = block->ql[64 * part + n] / 16;
        }
        for (int l = 0; l < 32; l++) {
            int byte = block->qh[32 * part + l];
            for (int j = 0; j < 4; j++, byte /= 4)
                q[128 * part + 32 * j + l] += 16 * (byte % 4);
        }
    }
    for (int i = 0; i < 256; i++)
        out[i] = ref_f16_to_double(block->d) * block->scales[i / 16] * (q[i] - 32);
}

static void ref_dequantize_q8_K(double *out, const void *memory)
{
    const struct ref_q8_K *block = memory;
    for (int i = 0; i < 256; i++)
        out[i] = (double)block->d * block->qs[i];
}

static const struct ref_type types[] = {
#define REF_ROW(type, elements, bytes) {#type, elements, bytes, ref_dequantize_##type},
    REF_BLOCK_TYPES(REF_ROW)
#undef REF_ROW
};

const struct ref_type *ref_type_find(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    return NULL;
}

void ref_dequantize(double *out, const struct ref_type *type, const void *blocks, size_t n_blocks)
{
    for (size_t i = 0; i < n_blocks; i++)
        type->dequantize(out + i * type->n_elements, (const char *)blocks + i * type->n_bytes);
}

float ref_to_f32(double value)
{
    return (float)value;
}

uint16_t ref_to_f16(double value)
{
    return ref_f16_from_double((double)(float)value);
}

static void quantize_block(struct ref_q8_1 *out, const float x[32])
{
    float largest = 0.0f, sums[32];
    for (int i = 0; i < 32; i++) {
        largest = fmaxf(largest, fabsf(x[i]));
        sums[i] = x[i];
    }
    for (int half = 16; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            sums[i] = sums[i] + sums[i + half];
    const float scale = largest / 127.0f;
    for (int i = 0; i < 32; i++) {
        const float q = scale == 0.0f ? 0.0f : roundf(x[i] / scale);
        out->qs[i] = (int8_t)fmaxf(fminf(q, 127.0f), -127.0f);
    }
    out->d = ref_f16_from_double((double)scale);
    out->s = ref_f16_from_double((double)sums[0]);
}

void ref_quantize_q8_1(struct ref_q8_1 *out, const float *x, size_t kx, size_t kx_padded, size_t n_rows)
{
    for (size_t row = 0; row < n_rows; row++)
        for (size_t first = 0; first < kx_padded; first += 32) {
            float values[32];
            for (size_t i = 0; i < 32; i++)
                values[i] = first + i < kx ? x[row * kx + first + i] : 0.0f;
            quantize_block(out++, values);
        }
}
