/* Every operator of every type against cpu_ref, on shapes that no tile divides. The kernels that plans name
 * are compiled first, and nothing else may be after that: a plan that leaves one out is a failure.
 *
 * A few batches for most types; all of them for all types with QJIT_TEST_OPS=full. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "matrix.h"

enum { N = 37, GUARD = 64, NAMES_MAX = 64 };

static const char *arch(void)
{
    static qjit_device device = {.struct_size = sizeof device};
    if (!device.arch[0]) {
        qjit_context *context = ops_create();
        ops_do(qjit_device_info(context, &device, 0));
        qjit_destroy(context);
    }
    return device.arch;
}

/* ---- what is going to be called ---- */

struct calls {
    const char *kernels[NAMES_MAX];
    size_t n_kernels;
};

static void plan(struct calls *calls, const struct matrix_type *type, qjit_op op, qjit_path path, size_t n,
                 size_t k, size_t batch)
{
    qjit_op_plan out = {.struct_size = sizeof out};
    const qjit_op_call call = {.struct_size = sizeof call,
                               .op = op,
                               .type = type->ggml,
                               .n = n,
                               .k = k,
                               .batch = batch,
                               .path = path,
                               .arch = arch()};
    const qjit_status status = qjit_plan_op(&out, &call);
    if (status == QJIT_NOT_FOUND) {
        return; /* the call will say so too */
    }
    ops_do(status);
    for (uint32_t i = 0; i < out.n_kernels; i++) {
        size_t j = 0;
        while (j < calls->n_kernels && calls->kernels[j] != out.kernels[i]) {
            j++;
        }
        cr_assert_lt(j, NAMES_MAX);
        calls->kernels[j] = out.kernels[i];
        calls->n_kernels += j == calls->n_kernels;
    }
}

/* A context that compiles nothing but has those. */
static qjit_context *warmed(const struct calls *calls)
{
    qjit_context *context = ops_create();
    const qjit_warm_options options = {
        .struct_size = sizeof options, .kernels = calls->kernels, .n_kernels = calls->n_kernels};
    ops_do(qjit_warm(context, NULL, &options));
    qjit_destroy(context);
    return ops_create_with(QJIT_FORBID_COMPILE);
}

/* ---- results, between guards ---- */

struct result {
    qjit_buffer *whole, *part;
};

static struct result result_create(qjit_context *context, size_t n_bytes)
{
    struct result result;
    ops_do(qjit_buffer_create(context, &result.whole, 0, n_bytes + 2 * GUARD));
    ops_do(qjit_buffer_fill_on(result.whole, 0, 0xee, n_bytes + 2 * GUARD, NULL));
    ops_do(qjit_buffer_view(result.whole, &result.part, GUARD, n_bytes));
    return result;
}

/* The bytes, to be freed; the result is destroyed. */
static void *result_take(struct result result)
{
    unsigned char *bytes = ops_bytes(result.whole);
    const size_t n = qjit_buffer_bytes(result.part);
    bool is_whole = true;
    for (size_t i = 0; i < GUARD; i++) {
        is_whole = is_whole && bytes[i] == 0xee && bytes[GUARD + n + i] == 0xee;
    }
    cr_assert(is_whole, "written out of bounds");
    qjit_buffer_destroy(result.whole);
    qjit_buffer_destroy(result.part);
    memmove(bytes, bytes + GUARD, n);
    return bytes;
}

static qjit_weights *upload(qjit_context *context, const struct matrix_type *type, const void *bytes,
                            size_t n, size_t k, size_t n_experts)
{
    qjit_weights *weights;
    ops_do(qjit_weights_create(context, &weights, 0, type->ggml, n, k, n_experts));
    ops_do(qjit_weights_upload(weights, 0, n * n_experts, bytes));
    return weights;
}

/* ---- products ---- */

struct product {
    qjit_path path;
    size_t n, k, batch;
};

static void check_product(qjit_context *context, const struct matrix_type *type, const struct product *p)
{
    char what[128];
    (void)snprintf(what, sizeof what, "%s, %s, n %zu, k %zu, batch %zu", type->name, qjit_path_name(p->path),
                   p->n, p->k, p->batch);
    const bool is_f32 = p->path == QJIT_PATH_MAT_VEC_F32 || p->path == QJIT_PATH_DEQUANTIZE_F32 ||
                        type->ggml == QJIT_GGML_Q8_K;
    void *bytes = matrix_random(type, p->n, p->k, 1);
    float *x = floats_random(p->batch * p->k, 2);
    qjit_weights *weights = upload(context, type, bytes, p->n, p->k, 1);
    qjit_buffer *from = ops_buffer(context, x, p->batch * p->k * sizeof *x);
    struct result out = result_create(context, p->batch * p->n * sizeof(float));
    const qjit_status status = qjit_mul_mat(weights, out.part, from, p->batch, p->path, NULL);
    qjit_op_call call = {.struct_size = sizeof call,
                         .op = QJIT_OP_MUL_MAT,
                         .type = type->ggml,
                         .n = p->n,
                         .k = p->k,
                         .batch = p->batch,
                         .path = p->path,
                         .arch = arch()};
    ops_expect(status, qjit_plan_op(&(qjit_op_plan){.struct_size = sizeof(qjit_op_plan)}, &call), "");
    float *got = result_take(out);
    if (status == QJIT_OK) {
        struct ref_sum *wanted = matrix_product(type, bytes, x, p->n, p->k, p->batch, !is_f32);
        expect_sums(what, got, wanted, p->batch * p->n, is_f32 || !type->blocks ? p->k : p->k / 8);
        free(wanted);
    }
    free(got);
    qjit_buffer_destroy(from);
    qjit_weights_destroy(weights);
    free(x);
    free(bytes);
}

static bool is_full(void)
{
    const char *form = getenv("QJIT_TEST_OPS");
    return form && strcmp(form, "full") == 0;
}

/* Calls each with every product of a type that is tried. */
static void each_product(const struct matrix_type *type,
                         void (*each)(void *payload, const struct matrix_type *type, const struct product *p),
                         void *payload)
{
    static const size_t all[] = {1, 2, 7, 8, 9, 64, 513}, some[] = {2, 9, 64};
    const bool is_whole = is_full() || type->ggml == QJIT_GGML_Q4_K || type->ggml == QJIT_GGML_F16;
    const size_t *batches = is_whole ? all : some;
    const size_t n_batches = is_whole ? sizeof all / sizeof *all : sizeof some / sizeof *some;
    const size_t ks[] = {type->blocks ? 5 * type->block : 77, 2048 + type->block};
    for (size_t j = 0; j < (is_full() ? 2u : 1u); j++) {
        for (size_t i = 0; i < n_batches; i++) {
            const size_t n = batches[i] > 64 ? 5 : N, k = batches[i] > 64 ? ks[0] : ks[j];
            each(payload, type, &(struct product){QJIT_PATH_AUTO, n, k, batches[i]});
            if (is_full()) {
                each(payload, type, &(struct product){QJIT_PATH_MAT_VEC, n, k, batches[i]});
                each(payload, type, &(struct product){QJIT_PATH_MUL_MAT, n, k, batches[i]});
                each(payload, type, &(struct product){QJIT_PATH_MUL_MAT_NARROW, n, k, batches[i]});
                each(payload, type, &(struct product){QJIT_PATH_MAT_VEC_WIDE, n, k, batches[i]});
                each(payload, type, &(struct product){QJIT_PATH_DEQUANTIZE_F32, n, k, batches[i]});
            }
        }
    }
    each(payload, type, &(struct product){QJIT_PATH_MAT_VEC_F32, N, ks[0], 3});
    if (type->ggml == QJIT_GGML_Q4_K) {
        each(payload, type, &(struct product){QJIT_PATH_MAT_VEC, N, ks[0], 17});
        each(payload, type, &(struct product){QJIT_PATH_MUL_MAT, N, ks[0], 1});
        each(payload, type, &(struct product){QJIT_PATH_MUL_MAT_NARROW, N, ks[0], 17});
        each(payload, type, &(struct product){QJIT_PATH_MAT_VEC_WIDE, N, ks[0], 2});
        each(payload, type, &(struct product){QJIT_PATH_DEQUANTIZE_F32, N, ks[0], 9});
    }
}

static void plan_product(void *payload, const struct matrix_type *type, const struct product *p)
{
    plan(payload, type, QJIT_OP_MUL_MAT, p->path, p->n, p->k, p->batch);
}

static void run_product(void *payload, const struct matrix_type *type, const struct product *p)
{
    check_product(payload, type, p);
}

/* ---- rows ---- */

static void check_dequantize(qjit_context *context, const struct matrix_type *type, size_t k)
{
    enum { FIRST = 3, ROWS = N - FIRST };
    uint32_t ids[ROWS];
    for (uint32_t i = 0; i < ROWS; i++) {
        ids[i] = FIRST + i;
    }
    void *bytes = matrix_random(type, N, k, 3);
    float *wanted = malloc(ROWS * k * sizeof *wanted);
    cr_assert_not_null(wanted);
    ref_get_rows(wanted, type->name, bytes, ref_row_bytes(type->name, k), ids, ROWS, k);
    qjit_weights *weights = upload(context, type, bytes, N, k, 1);
    struct result out = result_create(context, ROWS * k * sizeof *wanted);
    ops_do(qjit_dequantize(weights, out.part, QJIT_GGML_F32, FIRST, ROWS, NULL));
    float *got = result_take(out);
    cr_assert_eq(memcmp(got, wanted, ROWS * k * sizeof *wanted), 0, "%s: f32 differs", type->name);
    free(got);
    out = result_create(context, ROWS * k * sizeof(uint16_t));
    if (!type->blocks && type->ggml != QJIT_GGML_F16) {
        ops_expect(qjit_dequantize(weights, out.part, QJIT_GGML_F16, FIRST, ROWS, NULL), QJIT_NOT_FOUND,
                   "no kernel makes f16 of");
    } else {
        ops_do(qjit_dequantize(weights, out.part, QJIT_GGML_F16, FIRST, ROWS, NULL));
    }
    uint16_t *halves = result_take(out);
    size_t n_right = 0;
    while (n_right < ROWS * k && halves[n_right] == ref_to_f16((double)wanted[n_right])) {
        n_right++;
    }
    cr_assert(n_right == ROWS * k || (!type->blocks && type->ggml != QJIT_GGML_F16), "%s: f16 [%zu] differs",
              type->name, n_right);
    free(halves);
    qjit_weights_destroy(weights);
    free(wanted);
    free(bytes);
}

static void check_get_rows(qjit_context *context, const struct matrix_type *type, size_t k)
{
    static const uint32_t ids[] = {36, 0, 5, 5, 17};
    enum { IDS = sizeof ids / sizeof *ids };
    void *bytes = matrix_random(type, N, k, 4);
    float *wanted = malloc(IDS * k * sizeof *wanted);
    cr_assert_not_null(wanted);
    ref_get_rows(wanted, type->name, bytes, ref_row_bytes(type->name, k), ids, IDS, k);
    qjit_weights *weights = upload(context, type, bytes, N, k, 1);
    qjit_buffer *device_ids = ops_buffer(context, ids, sizeof ids);
    struct result out = result_create(context, IDS * k * sizeof *wanted);
    if (type->ggml == QJIT_GGML_Q8_K) {
        ops_expect(qjit_get_rows(weights, out.part, device_ids, IDS, NULL), QJIT_NOT_FOUND, "gets rows");
    } else {
        ops_do(qjit_get_rows(weights, out.part, device_ids, IDS, NULL));
    }
    float *got = result_take(out);
    cr_assert(type->ggml == QJIT_GGML_Q8_K || memcmp(got, wanted, IDS * k * sizeof *wanted) == 0,
              "%s: rows differ", type->name);
    free(got);
    qjit_buffer_destroy(device_ids);
    qjit_weights_destroy(weights);
    free(wanted);
    free(bytes);
}

/* ---- experts ---- */

static void check_experts(qjit_context *context, const struct matrix_type *type, size_t k, size_t n_inputs)
{
    enum { EXPERTS = 4, BATCH = 3, TOPK = 2 };
    static const uint32_t ids[BATCH * TOPK] = {3, 0, 1, 1, 2, 3};
    const size_t k_padded = (k + 511) / 512 * 512, n_out = BATCH * TOPK * N;
    const struct ref_moe moe = {
        .n = N, .k = k, .batch = BATCH, .topk = TOPK, .k_padded = k_padded, .input_dim1 = n_inputs};
    void *bytes = matrix_random(type, EXPERTS * N, k, 5);
    float *x = floats_random(BATCH * n_inputs * k, 6);
    struct ref_q8_1 *y = malloc(BATCH * n_inputs * k_padded / 32 * sizeof *y);
    struct ref_sum *wanted = malloc(n_out * sizeof *wanted);
    cr_assert(y && wanted);
    ref_quantize_q8_1(y, x, k, k_padded, BATCH * n_inputs);
    ref_indexed_moe(wanted, type->blocks, bytes, y, ids, &moe);
    qjit_weights *weights = upload(context, type, bytes, N, k, EXPERTS);
    qjit_buffer *from = ops_buffer(context, x, BATCH * n_inputs * k * sizeof *x),
                *device_ids = ops_buffer(context, ids, sizeof ids);
    struct result out = result_create(context, n_out * sizeof(float));
    ops_do(qjit_mul_mat_experts(weights, out.part, from, device_ids, BATCH, TOPK, n_inputs, NULL));
    float *got = result_take(out);
    expect_sums(type->name, got, wanted, n_out, k / 8);
    free(got);
    qjit_buffer_destroy(device_ids);
    qjit_buffer_destroy(from);
    qjit_weights_destroy(weights);
    free(wanted);
    free(y);
    free(x);
    free(bytes);
}

static void check_type(const char *name)
{
    const struct matrix_type type = matrix_type(name);
    const size_t k = type.blocks ? 5 * type.block : 77;
    struct calls calls = {.n_kernels = 0};
    each_product(&type, plan_product, &calls);
    plan(&calls, &type, QJIT_OP_DEQUANTIZE_F32, QJIT_PATH_AUTO, N, k, N);
    plan(&calls, &type, QJIT_OP_DEQUANTIZE_F16, QJIT_PATH_AUTO, N, k, N);
    plan(&calls, &type, QJIT_OP_GET_ROWS, QJIT_PATH_AUTO, N, k, 5);
    const size_t n_before = calls.n_kernels;
    plan(&calls, &type, QJIT_OP_MUL_MAT_EXPERTS, QJIT_PATH_AUTO, N, k, 3);
    const bool has_experts = calls.n_kernels > n_before;
    qjit_context *context = warmed(&calls);
    each_product(&type, run_product, context);
    check_dequantize(context, &type, k);
    check_get_rows(context, &type, k);
    if (has_experts) {
        check_experts(context, &type, k, 1);
        check_experts(context, &type, k, 2);
    }
    qjit_destroy(context);
}

#define TYPE_TEST(name)                                                                                      \
    Test(operators, name)                                                                                    \
    {                                                                                                        \
        check_type(#name);                                                                                   \
    }

TYPE_TEST(q4_0)
TYPE_TEST(q4_1)
TYPE_TEST(q5_0)
TYPE_TEST(q5_1)
TYPE_TEST(q8_0)
TYPE_TEST(q2_K)
TYPE_TEST(q3_K)
TYPE_TEST(q4_K)
TYPE_TEST(q5_K)
TYPE_TEST(q6_K)
TYPE_TEST(q8_K)
TYPE_TEST(iq4_nl)
TYPE_TEST(iq4_xs)
TYPE_TEST(mxfp4)
TYPE_TEST(nvfp4)
TYPE_TEST(f32)
TYPE_TEST(f16)
TYPE_TEST(bf16)
