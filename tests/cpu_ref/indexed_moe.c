#include "cpu_ref/indexed_moe.h"

void ref_indexed_moe(struct ref_sum *out, const struct ref_type *type, const void *weights,
                     const struct ref_q8_1 *inputs, const uint32_t *indices, const struct ref_moe *moe)
{
    const size_t matrix_bytes = moe->n * (moe->k / type->n_elements) * type->n_bytes;
    for (size_t b = 0; b < moe->batch; b++)
        for (size_t t = 0; t < moe->topk; t++) {
            const size_t task = b * moe->topk + t;
            const size_t input = moe->input_dim1 == 1 ? b : b * moe->input_dim1 + t;
            ref_mat_vec_q8_1(out + task * moe->n, type,
                             (const unsigned char *)weights + indices[task] * matrix_bytes,
                             inputs + input * moe->k_padded / 32, moe->k, moe->n, moe->k_padded, 1);
        }
}
