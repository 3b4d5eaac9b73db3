#include "matrix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where a block has its f16 scales, or what it has instead. */
enum { NONE = -1, F32_SCALE = -2, E8M0_SCALE = -3, E4M3_SCALES = -4 };

static const struct row {
    const char *name;
    uint32_t ggml;
    int scales[2];
} rows[] = {
    {"q4_0", QJIT_GGML_Q4_0, {0, 0}},
    {"q4_1", QJIT_GGML_Q4_1, {0, 2}},
    {"q5_0", QJIT_GGML_Q5_0, {0, 0}},
    {"q5_1", QJIT_GGML_Q5_1, {0, 2}},
    {"q8_0", QJIT_GGML_Q8_0, {0, 0}},
    {"q2_K", QJIT_GGML_Q2_K, {80, 82}},
    {"q3_K", QJIT_GGML_Q3_K, {108, 108}},
    {"q4_K", QJIT_GGML_Q4_K, {0, 2}},
    {"q5_K", QJIT_GGML_Q5_K, {0, 2}},
    {"q6_K", QJIT_GGML_Q6_K, {208, 208}},
    {"q8_K", QJIT_GGML_Q8_K, {F32_SCALE, NONE}},
    {"iq4_nl", QJIT_GGML_IQ4_NL, {0, 0}},
    {"iq4_xs", QJIT_GGML_IQ4_XS, {0, 0}},
    {"mxfp4", QJIT_GGML_MXFP4, {E8M0_SCALE, NONE}},
    {"nvfp4", QJIT_GGML_NVFP4, {E4M3_SCALES, NONE}},
    {"f32", QJIT_GGML_F32, {NONE, NONE}},
    {"f16", QJIT_GGML_F16, {NONE, NONE}},
    {"bf16", QJIT_GGML_BF16, {NONE, NONE}},
};

static const struct row *row_of(const char *name)
{
    size_t i = 0;
    while (i < sizeof rows / sizeof *rows && strcmp(rows[i].name, name) != 0) {
        i++;
    }
    cr_assert_lt(i, sizeof rows / sizeof *rows);
    return &rows[i];
}

struct matrix_type matrix_type(const char *name)
{
    const struct ref_type *blocks = ref_type_find(name);
    return (struct matrix_type){name, row_of(name)->ggml, blocks, blocks ? (uint32_t)blocks->n_elements : 1};
}

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Between 2^-6 and 2^0, of either sign. */
static uint16_t random_f16(uint32_t *state)
{
    return (uint16_t)((9 + next(state) % 6) << 10 | (next(state) & 0x83ff));
}

static void set_scales(const struct row *row, unsigned char *block, uint32_t *state)
{
    const float scale = 0.01f;
    switch (row->scales[0]) {
    case F32_SCALE:
        memcpy(block, &scale, sizeof scale);
        return;
    case E8M0_SCALE:
        block[0] = (unsigned char)(120 + next(state) % 8);
        return;
    case E4M3_SCALES:
        for (int i = 0; i < 4; i++) {
            block[i] = (unsigned char)(next(state) % 0x50);
        }
        return;
    default:
        for (int i = 0; i < 2; i++) {
            const uint16_t f16 = random_f16(state);
            memcpy(block + row->scales[i], &f16, sizeof f16);
        }
    }
}

static void fill_plain(const struct matrix_type *type, unsigned char *out, size_t n, uint32_t *state)
{
    for (size_t i = 0; i < n; i++) {
        const float value = (float)next(state) / 8388608.0f - 1.0f;
        const uint16_t f16 = random_f16(state);
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        const uint16_t bf16 = (uint16_t)(bits >> 16);
        switch (type->ggml) {
        case QJIT_GGML_F32:
            memcpy(out + 4 * i, &value, 4);
            break;
        case QJIT_GGML_F16:
            memcpy(out + 2 * i, &f16, 2);
            break;
        default:
            memcpy(out + 2 * i, &bf16, 2);
        }
    }
}

void *matrix_random(const struct matrix_type *type, size_t n, size_t k, uint32_t seed)
{
    uint32_t state = seed;
    const size_t n_bytes = n * ref_row_bytes(type->name, k);
    unsigned char *out = malloc(n_bytes + 1);
    cr_assert_not_null(out);
    if (!type->blocks) {
        fill_plain(type, out, n * k, &state);
        return out;
    }
    for (size_t i = 0; i < n_bytes; i++) {
        out[i] = (unsigned char)next(&state);
    }
    for (size_t at = 0; at < n_bytes; at += type->blocks->n_bytes) {
        set_scales(row_of(type->name), out + at, &state);
    }
    return out;
}

float *floats_random(size_t n, uint32_t seed)
{
    uint32_t state = seed;
    float *out = malloc((n + 1) * sizeof *out);
    cr_assert_not_null(out);
    for (size_t i = 0; i < n; i++) {
        out[i] = (float)next(&state) / 8388608.0f - 1.0f;
    }
    return out;
}

struct ref_sum *matrix_product(const struct matrix_type *type, const void *weights, const float *x, size_t n,
                               size_t k, size_t batch, bool through_q8_1)
{
    struct ref_sum *out = malloc((batch * n + 1) * sizeof *out);
    cr_assert_not_null(out);
    if (!type->blocks) {
        ref_mat_vec_plain(out, type->name, weights, x, k, n, k, batch);
    } else if (!through_q8_1) {
        for (size_t c = 0; c < batch; c++) {
            ref_mat_vec_f32(out + c * n, type->blocks, weights, x + c * k, k, n);
        }
    } else {
        const size_t k_padded = (k + 511) / 512 * 512;
        struct ref_q8_1 *y = malloc((batch * k_padded / 32 + 1) * sizeof *y);
        cr_assert_not_null(y);
        ref_quantize_q8_1(y, x, k, k_padded, batch);
        ref_mat_vec_q8_1(out, type->blocks, weights, y, k, n, k_padded, batch);
        free(y);
    }
    return out;
}

void expect_sums(const char *what, const float *got, const struct ref_sum *wanted, size_t n,
                 size_t n_additions)
{
    size_t i = 0;
    while (i < n && fabs((double)got[i] - wanted[i].value) <=
                        (double)(n_additions + 16) * ldexp(wanted[i].magnitude, -24)) {
        i++;
    }
    /* Once, as assertions that hold are slow. */
    cr_assert_eq(i, n, "%s: [%zu] of %zu is %.9g, not %.9g", what, i, n, (double)got[i % n],
                 wanted[i % n].value);
}
