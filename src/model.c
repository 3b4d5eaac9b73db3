/* What a model's tensors are for, and the units that this takes. */
#include <qjit/model.h>

#include <string.h>

#include "base/status.h"
#include "warm.h"

static const uint64_t usual_batches[] = {1, 8, 512};

/* Tables whose rows are looked up. */
static bool is_embedding(const char *name)
{
    static const char *const names[] = {"token_embd.", "token_types.", "position_embd."};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strncmp(name, names[i], strlen(names[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* The embedding is also what the last layer multiplies by, unless there is another tensor for that. */
static bool is_output(const qjit_gguf *model, const char *name)
{
    const qjit_gguf_tensor *output;
    return strcmp(name, "token_embd.weight") == 0 &&
           qjit_gguf_find_tensor(model, &output, "output.weight") != QJIT_OK;
}

static bool has_kernels(const qjit_op_call *call)
{
    qjit_op_plan plan = {.struct_size = sizeof plan};
    return qjit_plan_op(&plan, call) == QJIT_OK;
}

/* The calls of one tensor for one batch; whether to go on. */
static bool give_calls(const qjit_gguf *model, const qjit_gguf_tensor *tensor, uint64_t batch,
                       const char *arch, qjit_model_op_fn each, void *payload)
{
    qjit_op_call call = {
        .struct_size = sizeof call,
        .type = tensor->type->type,
        .k = tensor->dims[0],
        .n = tensor->dims[1],
        .batch = batch,
        .arch = arch,
    };
    if (is_embedding(tensor->name)) {
        call.op = QJIT_OP_GET_ROWS;
        if (each(payload, tensor, &call)) {
            return false;
        }
        if (!is_output(model, tensor->name)) {
            return true;
        }
    }
    call.op = tensor->dims[2] > 1 || tensor->dims[3] > 1 ? QJIT_OP_MUL_MAT_EXPERTS : QJIT_OP_MUL_MAT;
    if (call.op == QJIT_OP_MUL_MAT_EXPERTS && !has_kernels(&call)) {
        call.op = QJIT_OP_MUL_MAT;
    }
    return !each(payload, tensor, &call);
}

qjit_status qjit_each_model_op(const qjit_gguf *model, const uint64_t *batches, size_t n_batches,
                               const char *arch, qjit_model_op_fn each, void *payload)
{
    const qjit_gguf_tensor *tensor;
    if (!n_batches) {
        batches = usual_batches;
        n_batches = sizeof usual_batches / sizeof usual_batches[0];
    }
    for (size_t i = 0; i < n_batches; i++) {
        if (!batches[i]) {
            return qj_fail(QJIT_INVALID_ARGUMENT, "a batch of 0 columns needs no kernels");
        }
    }
    for (uint64_t i = 0; i < qjit_gguf_tensor_count(model); i++) {
        (void)qjit_gguf_get_tensor(model, &tensor, i);
        const bool is_matrix = tensor->dims[1] > 1 || tensor->dims[2] > 1 || tensor->dims[3] > 1;
        for (size_t b = 0; is_matrix && b < n_batches; b++) {
            if (!give_calls(model, tensor, batches[b], arch, each, payload)) {
                return QJIT_OK;
            }
        }
    }
    return QJIT_OK;
}

/* ---- warm ---- */

struct model_warm {
    const qjit_gguf *model;
    const uint64_t *batches;
    size_t n_batches;
    /* for one arch */
    const qjit_context *context;
    struct qj_wanted *wanted;
    qjit_status status;
};

static int want_call(void *payload, const qjit_gguf_tensor *tensor, const qjit_op_call *call)
{
    struct model_warm *warm = payload;
    qjit_op_plan plan = {.struct_size = sizeof plan};
    (void)tensor;
    if (qjit_plan_op(&plan, call) == QJIT_OK) {
        for (uint32_t i = 0; i < plan.n_kernels && warm->status == QJIT_OK; i++) {
            warm->status = qj_warm_want_kernel(warm->wanted, warm->context, plan.kernels[i]);
        }
    }
    return warm->status != QJIT_OK;
}

static qjit_status choose_for_model(struct qj_wanted *wanted, void *payload, const qjit_context *context,
                                    const char *arch)
{
    struct model_warm *warm = payload;
    warm->context = context;
    warm->wanted = wanted;
    const qjit_status status =
        qjit_each_model_op(warm->model, warm->batches, warm->n_batches, arch, want_call, warm);
    return status == QJIT_OK ? warm->status : status;
}

qjit_status qjit_warm_model(qjit_context *context, qjit_warm_result *out, const qjit_gguf *model,
                            const uint64_t *batches, size_t n_batches, const qjit_warm_options *options)
{
    struct model_warm warm = {.model = model, .batches = batches, .n_batches = n_batches};
    qjit_warm_options given;
    qjit_status status = qj_warm_read_options(&given, options);
    if (status == QJIT_OK && (given.n_modules || given.n_kernels)) {
        status =
            qj_fail(QJIT_INVALID_ARGUMENT, "the model decides which kernels: name no modules, no kernels");
    }
    return status == QJIT_OK ? qj_warm(context, out, &given, choose_for_model, &warm) : status;
}
