#include "cpu_ref/mat_vec.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "cpu_ref/get_rows.h"

/* Where the quants of a block lie: the rest are scales. A type that is not here adds nothing to its quants.
 */
static const struct layout {
    const char *type;
    size_t first, end; /* bytes */
    bool uses_s;
} layouts[] = {
    {"q4_0", offsetof(struct ref_q4_0, qs), sizeof(struct ref_q4_0), true},
    {"q4_1", offsetof(struct ref_q4_1, qs), sizeof(struct ref_q4_1), true},
    {"q5_0", offsetof(struct ref_q5_0, qh), sizeof(struct ref_q5_0), true},
    {"q5_1", offsetof(struct ref_q5_1, qh), sizeof(struct ref_q5_1), true},
    {"q8_0", offsetof(struct ref_q8_0, qs), sizeof(struct ref_q8_0), false},
    {"q2_K", offsetof(struct ref_q2_K, qs), offsetof(struct ref_q2_K, d), false},
    {"q3_K", offsetof(struct ref_q3_K, hmask), offsetof(struct ref_q3_K, scales), false},
    {"q4_K", offsetof(struct ref_q4_K, qs), sizeof(struct ref_q4_K), false},
    {"q5_K", offsetof(struct ref_q5_K, qh), sizeof(struct ref_q5_K), false},
    {"q6_K", offsetof(struct ref_q6_K, ql), offsetof(struct ref_q6_K, scales), false},
};

/* NULL: none. */
static const struct layout *layout_of(const struct ref_type *type)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (strcmp(layouts[i].type, type->name) == 0)
            return &layouts[i];
    return NULL;
}

/* A block's values, and those that it would have if every quant were 0: what it adds to all of them. */
struct values {
    double all[256], added[256];
};

static void dequantize(struct values *out, const struct ref_type *type, const void *block)
{
    const struct layout *layout = layout_of(type);
    memset(out->added, 0, sizeof out->added);
    type->dequantize(out->all, block);
    if (!layout)
        return;
    unsigned char without_quants[256];
    memcpy(without_quants, block, type->n_bytes);
    memset(without_quants + layout->first, 0, layout->end - layout->first);
    type->dequantize(out->added, without_quants);
}

static void add_term(struct ref_sum *sum, double weight, double activation)
{
    sum->value += weight * activation;
    sum->magnitude += fabs(weight) * fabs(activation);
}

static void add_block_q8_1(struct ref_sum *sum, const struct ref_type *type, const struct values *values,
                           const struct ref_q8_1 *y)
{
    const struct layout *layout = layout_of(type);
    const bool uses_s = layout && layout->uses_s;
    for (size_t e = 0; e < type->n_elements; e++) {
        const struct ref_q8_1 *block = &y[e / 32];
        const double activation = ref_f16_to_double(block->d) * block->qs[e % 32];
        add_term(sum, values->all[e] - values->added[e], activation);
        if (!uses_s)
            add_term(sum, values->added[e], activation);
    }
    if (uses_s)
        add_term(sum, values->added[0], ref_f16_to_double(y->s));
}

void ref_mat_vec_q8_1(struct ref_sum *out, const struct ref_type *type, const void *x,
                      const struct ref_q8_1 *y, size_t k, size_t n, size_t k_padded, size_t n_columns)
{
    memset(out, 0, n * n_columns * sizeof *out);
    const unsigned char *block = x;
    for (size_t row = 0; row < n; row++)
        for (size_t e = 0; e < k; e += type->n_elements, block += type->n_bytes) {
            struct values values;
            dequantize(&values, type, block);
            for (size_t column = 0; column < n_columns; column++)
                add_block_q8_1(&out[column * n + row], type, &values, &y[(column * k_padded + e) / 32]);
        }
}

void ref_mat_vec_f32(struct ref_sum *out, const struct ref_type *type, const void *x, const float *y,
                     size_t k, size_t n)
{
    memset(out, 0, n * sizeof *out);
    const unsigned char *block = x;
    for (size_t row = 0; row < n; row++)
        for (size_t e = 0; e < k; e += type->n_elements, block += type->n_bytes) {
            struct values values;
            dequantize(&values, type, block);
            for (size_t i = 0; i < type->n_elements; i++) {
                add_term(&out[row], values.all[i] - values.added[i], y[e + i]);
                add_term(&out[row], values.added[i], y[e + i]);
            }
        }
}

void ref_mat_vec_plain(struct ref_sum *out, const char *type, const void *x, const float *y, size_t k,
                       size_t n, size_t column, size_t n_columns)
{
    const size_t row_bytes = ref_row_bytes(type, k);
    memset(out, 0, n * n_columns * sizeof *out);
    for (size_t row = 0; row < n; row++)
        for (size_t e = 0; e < k; e++) {
            const float weight = ref_plain_value(type, (const unsigned char *)x + row * row_bytes, e);
            for (size_t c = 0; c < n_columns; c++)
                add_term(&out[c * n + row], (double)weight, (double)y[c * column + e]);
        }
}
