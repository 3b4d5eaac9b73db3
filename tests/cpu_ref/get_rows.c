#include "cpu_ref/get_rows.h"

#include <string.h>

static float f32_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float value_of_f32(const unsigned char *bytes)
{
    return f32_of_bits(bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                       (uint32_t)bytes[3] << 24);
}

static float value_of_f16(const unsigned char *bytes)
{
    return (float)ref_f16_to_double((uint16_t)(bytes[0] | bytes[1] << 8));
}

/* bf16 is the upper half of an f32. */
static float value_of_bf16(const unsigned char *bytes)
{
    return f32_of_bits((uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 24);
}

/* The types without blocks. */
static const struct plain {
    const char *name;
    size_t n_bytes;
    float (*value)(const unsigned char *bytes);
} plains[] = {{"f32", 4, value_of_f32}, {"f16", 2, value_of_f16}, {"bf16", 2, value_of_bf16}};

/* NULL: a type with blocks. */
static const struct plain *plain_of(const char *type)
{
    for (size_t i = 0; i < sizeof plains / sizeof *plains; i++)
        if (strcmp(plains[i].name, type) == 0)
            return &plains[i];
    return NULL;
}

float ref_plain_value(const char *type, const void *row, size_t e)
{
    const struct plain *plain = plain_of(type);
    return plain->value((const unsigned char *)row + e * plain->n_bytes);
}

size_t ref_row_bytes(const char *type, size_t n_columns)
{
    const struct plain *plain = plain_of(type);
    if (plain)
        return n_columns * plain->n_bytes;
    const struct ref_type *blocks = ref_type_find(type);
    return (n_columns + blocks->n_elements - 1) / blocks->n_elements * blocks->n_bytes;
}

static void get_row(float *out, const char *type, const unsigned char *row, size_t n_columns)
{
    const struct plain *plain = plain_of(type);
    const struct ref_type *blocks = ref_type_find(type);
    double values[256];
    for (size_t e = 0; e < n_columns; e++) {
        if (plain) {
            out[e] = plain->value(row + e * plain->n_bytes);
            continue;
        }
        const size_t block = e / blocks->n_elements, i = e % blocks->n_elements;
        if (i == 0)
            ref_dequantize(values, blocks, row + block * blocks->n_bytes, 1);
        out[e] = ref_to_f32(values[i]);
    }
}

void ref_get_rows(float *out, const char *type, const void *table, size_t stride, const uint32_t *ids,
                  size_t n_ids, size_t n_columns)
{
    for (size_t i = 0; i < n_ids; i++)
        get_row(out + i * n_columns, type, (const unsigned char *)table + ids[i] * stride, n_columns);
}
