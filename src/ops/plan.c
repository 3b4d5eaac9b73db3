/* What an operator call does, without doing it. */
#include "base/sized.h"
#include "ops/op.h"
#include "registry/ids.h"

static qjit_status note(void *payload, const struct qj_step *step)
{
    qjit_op_plan *plan = payload;
    plan->n_launches++;
    if (step->kind != QJ_STEP_LAUNCH) {
        return QJIT_OK;
    }
    const char *name = qj_builtin_name(step->kernel);
    uint32_t i = 0;
    while (i < plan->n_kernels && plan->kernels[i] != name) {
        i++;
    }
    if (i == plan->n_kernels && i < QJIT_OP_KERNELS_MAX) {
        plan->kernels[plan->n_kernels++] = name;
    }
    return QJIT_OK;
}

qjit_status qjit_plan_op(qjit_op_plan *out, const qjit_op_call *call)
{
    qjit_op_call known;
    struct qj_op op;
    qjit_status status = qj_sized_read(&known, sizeof known, call, "qjit_op_call");
    if (status == QJIT_OK) {
        status = qj_op_init(&op, &known);
    }
    if (status != QJIT_OK) {
        return status;
    }
    qjit_op_plan plan = {.path = op.path, .scratch_bytes = op.scratch_bytes};
    (void)qj_op_each_step(&op, &(struct qj_sink){note, &plan});
    return qj_sized_write(out, &plan, sizeof plan, "qjit_op_plan");
}
