/* What a model's tensors are for, and that a warm-up compiles just that. */
#include <criterion/criterion.h>
#include <qjit/model.h>
#include <stdio.h>
#include <string.h>

#include "flow/flow.h"

static const unsigned char data[1 << 20]; /* of every tensor: what is in them does not matter */

struct tensor {
    const char *name;
    uint32_t type;
    uint64_t dims[4];
};

/* A model with every case of the rules. */
static const struct tensor tensors[] = {
    {"token_embd.weight", QJIT_GGML_Q4_0, {256, 64, 1, 1}},
    {"output.weight", QJIT_GGML_Q6_K, {256, 64, 1, 1}},
    {"blk.0.attn_norm.weight", QJIT_GGML_F32, {256, 1, 1, 1}},
    {"blk.0.attn_q.weight", QJIT_GGML_Q5_0, {256, 96, 1, 1}},
    {"blk.1.attn_q.weight", QJIT_GGML_Q5_0, {256, 96, 1, 1}},
    {"blk.0.attn_k.weight", QJIT_GGML_IQ2_XXS, {256, 96, 1, 1}},
    {"blk.0.ffn_gate_exps.weight", QJIT_GGML_Q3_K, {256, 32, 4, 1}},
    {"blk.0.ffn_down_exps.weight", QJIT_GGML_Q5_1, {256, 32, 4, 1}},
};
enum { N_TENSORS = sizeof tensors / sizeof tensors[0] };

static void write_model(const char *path, size_t first, size_t n, int part, int n_parts)
{
    qjit_gguf_writer *writer;
    const qjit_gguf_value no = {.kind = QJIT_GGUF_UINT16, .number.u = (uint64_t)part};
    const qjit_gguf_value count = {.kind = QJIT_GGUF_UINT16, .number.u = (uint64_t)n_parts};
    const qjit_gguf_value all = {.kind = QJIT_GGUF_INT32, .number.i = N_TENSORS};
    cr_assert_eq(qjit_gguf_writer_create(&writer), QJIT_OK);
    if (n_parts > 1) {
        cr_assert_eq(qjit_gguf_put(writer, "split.no", &no), QJIT_OK);
        cr_assert_eq(qjit_gguf_put(writer, "split.count", &count), QJIT_OK);
        cr_assert_eq(qjit_gguf_put(writer, "split.tensors.count", &all), QJIT_OK);
    }
    for (size_t i = first; i < first + n; i++)
        cr_assert_eq(qjit_gguf_add_tensor(writer, tensors[i].name, tensors[i].type, 4, tensors[i].dims, data),
                     QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qjit_gguf_write(writer, path), QJIT_OK, "%s", qjit_error_detail());
    qjit_gguf_writer_destroy(writer);
}

static qjit_gguf *open_model(const char *path)
{
    qjit_gguf *model = NULL;
    cr_assert_eq(qjit_gguf_open(&model, path, 0), QJIT_OK, "%s", qjit_error_detail());
    return model;
}

struct calls {
    char text[8192];
    int n_left; /* stops when it is 0 */
};

static int note_call(void *payload, const qjit_gguf_tensor *tensor, const qjit_op_call *call)
{
    struct calls *calls = payload;
    const char *op = call->op == QJIT_OP_GET_ROWS  ? "get_rows"
                     : call->op == QJIT_OP_MUL_MAT ? "mul_mat"
                                                   : "experts";
    char line[200];
    cr_assert_eq(call->type, tensor->type->type);
    (void)snprintf(line, sizeof line, "%s %s %u x %u, %u; ", tensor->name, op, (unsigned)call->k,
                   (unsigned)call->n, (unsigned)call->batch);
    strncat(calls->text, line, sizeof calls->text - strlen(calls->text) - 1);
    return --calls->n_left == 0;
}

TestSuite(model, .init = flow_init);

Test(model, what_tensors_are_for)
{
    static const uint64_t batches[] = {3};
    struct calls calls = {.n_left = -1};
    write_model("model.gguf", 0, N_TENSORS, 0, 1);
    qjit_gguf *model = open_model("model.gguf");
    cr_assert_eq(qjit_each_model_op(model, batches, 1, "gfx1030", note_call, &calls), QJIT_OK);
    cr_assert_str_eq(calls.text, "token_embd.weight get_rows 256 x 64, 3; "
                                 "output.weight mul_mat 256 x 64, 3; "
                                 "blk.0.attn_q.weight mul_mat 256 x 96, 3; "
                                 "blk.1.attn_q.weight mul_mat 256 x 96, 3; "
                                 "blk.0.attn_k.weight mul_mat 256 x 96, 3; "
                                 "blk.0.ffn_gate_exps.weight experts 256 x 32, 3; "
                                 "blk.0.ffn_down_exps.weight mul_mat 256 x 32, 3; ");
    calls = (struct calls){.n_left = 4};
    cr_assert_eq(qjit_each_model_op(model, NULL, 0, NULL, note_call, &calls), QJIT_OK);
    cr_assert_str_eq(calls.text, "token_embd.weight get_rows 256 x 64, 1; "
                                 "token_embd.weight get_rows 256 x 64, 8; "
                                 "token_embd.weight get_rows 256 x 64, 512; "
                                 "output.weight mul_mat 256 x 64, 1; ");
    static const uint64_t none[] = {1, 0};
    cr_assert_eq(qjit_each_model_op(model, none, 2, NULL, note_call, &calls), QJIT_INVALID_ARGUMENT);
    qjit_gguf_close(model);

    write_model("tied.gguf", 0, 1, 0, 1); /* without output.weight */
    model = open_model("tied.gguf");
    calls = (struct calls){.n_left = -1};
    cr_assert_eq(qjit_each_model_op(model, batches, 1, NULL, note_call, &calls), QJIT_OK);
    cr_assert_str_eq(calls.text,
                     "token_embd.weight get_rows 256 x 64, 3; token_embd.weight mul_mat 256 x 64, 3; ");
    qjit_gguf_close(model);
}

/* ---- units ---- */

struct units {
    const char *names[64];
    size_t n;
};

static int has_unit(const struct units *units, const char *name)
{
    for (size_t i = 0; i < units->n; i++)
        if (strcmp(units->names[i], name) == 0)
            return 1;
    return 0;
}

/* The units of a call, as the planner names them. */
static void expect_call(qjit_context *context, struct units *units, qjit_op op, uint32_t type, uint64_t n)
{
    const qjit_op_call call = {
        .struct_size = sizeof call, .op = op, .type = type, .n = n, .k = 256, .batch = 1, .arch = "gfx1030"};
    qjit_op_plan plan = {.struct_size = sizeof plan};
    cr_assert_eq(qjit_plan_op(&plan, &call), QJIT_OK, "%s", qjit_error_detail());
    for (uint32_t i = 0; i < plan.n_kernels; i++) {
        qjit_kernel kernel;
        qjit_kernel_info info;
        cr_assert_eq(qjit_find_kernel(context, &kernel, plan.kernels[i]), QJIT_OK);
        cr_assert_eq(qjit_get_kernel_info(context, &info, kernel), QJIT_OK);
        if (!has_unit(units, info.unit))
            units->names[units->n++] = info.unit;
    }
}

struct rows {
    const struct units *expected;
    size_t n;
};

static int check_row(void *payload, const qjit_cache_row *row)
{
    struct rows *rows = payload;
    cr_assert_str_eq(row->arch, "gfx1030");
    cr_assert(has_unit(rows->expected, row->unit), "'%s' was compiled, and nothing needs it", row->unit);
    return rows->n++, 0;
}

static void check_warm(const char *path)
{
    static const char *const archs[] = {"gfx1030"};
    static const uint64_t batches[] = {1};
    const qjit_warm_options options = {.struct_size = sizeof options, .archs = archs, .n_archs = 1};
    qjit_warm_result result = {.struct_size = sizeof result};
    struct units units = {.n = 0};
    struct rows rows = {.expected = &units};
    qjit_context *context = flow_create(NULL);
    qjit_gguf *model = open_model(path);
    expect_call(context, &units, QJIT_OP_GET_ROWS, QJIT_GGML_Q4_0, 64);
    expect_call(context, &units, QJIT_OP_MUL_MAT, QJIT_GGML_Q6_K, 64);
    expect_call(context, &units, QJIT_OP_MUL_MAT, QJIT_GGML_Q5_0, 96);
    expect_call(context, &units, QJIT_OP_MUL_MAT_EXPERTS, QJIT_GGML_Q3_K, 32);
    expect_call(context, &units, QJIT_OP_MUL_MAT, QJIT_GGML_Q5_1, 32);

    cr_assert_eq(qjit_warm_model(context, &result, model, batches, 1, &options), QJIT_OK, "%s",
                 qjit_error_detail());
    cr_assert_eq(result.n_compiled, units.n);
    cr_assert_eq(result.n_units, units.n);
    cr_assert_eq(qjit_each_cache_row(context, check_row, &rows), QJIT_OK);
    cr_assert_eq(rows.n, units.n); /* a unit has one row for each arch */
    cr_assert_eq(qjit_warm_model(context, &result, model, batches, 1, &options), QJIT_OK);
    cr_assert_eq(result.n_compiled, 0);
    cr_assert_eq(result.n_cached, units.n);
    qjit_gguf_close(model);
    qjit_destroy(context);
}

Test(model, just_what_it_needs_is_compiled)
{
    write_model("model.gguf", 0, N_TENSORS, 0, 1);
    check_warm("model.gguf");
}

Test(model, all_its_parts_count)
{
    write_model("split-00001-of-00002.gguf", 0, 3, 0, 2);
    write_model("split-00002-of-00002.gguf", 3, N_TENSORS - 3, 1, 2);
    check_warm("split-00001-of-00002.gguf");
}

Test(model, names_of_others_are_refused)
{
    static const char *const names[] = {"quantized"};
    qjit_warm_options options = {.struct_size = sizeof options, .modules = names, .n_modules = 1};
    qjit_context *context = flow_create(NULL);
    write_model("model.gguf", 0, N_TENSORS, 0, 1);
    qjit_gguf *model = open_model("model.gguf");
    cr_assert_eq(qjit_warm_model(context, NULL, model, NULL, 0, &options), QJIT_INVALID_ARGUMENT);
    qjit_gguf_close(model);
    qjit_destroy(context);
}
