/* Mixtures of experts: each input times the matrices that its indices name. */
#ifndef QJ_TESTS_CPU_REF_INDEXED_MOE_H
#define QJ_TESTS_CPU_REF_INDEXED_MOE_H

#include "cpu_ref/mat_vec.h"

/* n rows of k elements are an expert's matrix; k_padded elements a row of inputs; input_dim1 is topk, or 1:
 * the topk experts of an input share its row. */
struct ref_moe {
    size_t n, k, batch, topk, k_padded, input_dim1;
};

/* out[(b * topk + t) * n + r]: row r of matrix indices[b * topk + t] of the weights times input row t of b,
 * as ref_mat_vec_q8_1 has it. */
void ref_indexed_moe(struct ref_sum *out, const struct ref_type *type, const void *weights,
                     const struct ref_q8_1 *inputs, const uint32_t *indices, const struct ref_moe *moe);

#endif
