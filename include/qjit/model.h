/* qjit: what a model file asks of a device: which operators its tensors are for, and their kernels compiled
 * ahead.
 *
 * The conventions of qjit.h hold. Model files are those of gguf.h, operators those of ops.h.
 */
#ifndef QJIT_MODEL_H
#define QJIT_MODEL_H

#include <qjit/gguf.h>
#include <qjit/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One operator call that a tensor is for. Both structs live until the callback returns. Non-zero stops. */
typedef int (*qjit_model_op_fn)(void *payload, const qjit_gguf_tensor *tensor, const qjit_op_call *call);

/* The operator calls of a model on `arch` (as in qjit_op_call), by the shape of each tensor and by the names
 * that GGUF gives tensors:
 *   - one dimension, or one row: none; these are norms and biases, which are added and multiplied with.
 *   - "token_embd", "token_types" and "position_embd": get_rows. A model without "output.weight" multiplies
 * by "token_embd.weight" too.
 *   - three dimensions (experts): mul_mat_experts, or mul_mat where that has no kernel for the type.
 *   - all others: mul_mat.
 * Each is given once for each of n_batches numbers of columns (0: 1, 8 and 512), whether or not the operator
 * has kernels for the tensor's type: qjit_plan_op says. Tensors of the same type and shape are given one by
 * one. QJIT_OK, also where `each` stopped it; fails with QJIT_INVALID_ARGUMENT (a batch of 0). */
QJIT_API qjit_status qjit_each_model_op(const qjit_gguf *model, const uint64_t *batches, size_t n_batches,
                                        const char *arch, qjit_model_op_fn each, void *payload);

/* As qjit_warm, with just the units whose kernels qjit_each_model_op and qjit_plan_op name for each arch.
 * Types without kernels are left out. `modules` and `kernels` of options must be empty; options and out may
 * be NULL. Fails as qjit_warm does, and with QJIT_INVALID_ARGUMENT. */
QJIT_API qjit_status qjit_warm_model(qjit_context *context, qjit_warm_result *out, const qjit_gguf *model,
                                     const uint64_t *batches, size_t n_batches,
                                     const qjit_warm_options *options);

#ifdef __cplusplus
}
#endif

#endif
