/* Weights: shapes, padding, uploads, tensors of a model, experts. */
#include <stdlib.h>
#include <string.h>

#include "ops.h"

static qjit_context *context;

static void setup(void)
{
    context = ops_create();
}

static void teardown(void)
{
    qjit_destroy(context);
}

TestSuite(weights, .init = setup, .fini = teardown);

/* All that is allocated, padding and all. */
static unsigned char *all_bytes(const qjit_weights *weights)
{
    qjit_buffer *whole;
    const qjit_weights_info *info = qjit_weights_get_info(weights);
    ops_do(qjit_buffer_wrap(context, &whole, 0, info->pointer, info->padded_bytes));
    unsigned char *bytes = ops_bytes(whole);
    qjit_buffer_destroy(whole);
    return bytes;
}

Test(weights, padding_is_there_and_zero_for_every_type)
{
    for (uint32_t type = 0; type < QJIT_GGML_TYPE_END; type++) {
        const qjit_ggml_type_info *facts;
        qjit_weights *weights;
        if (qjit_get_ggml_type(&facts, type) != QJIT_OK) {
            continue;
        }
        const uint64_t row = 2 * facts->block_bytes,
                       padding = 512 / facts->block_elements * facts->block_bytes;
        ops_do(qjit_weights_create(context, &weights, 0, type, 3, 2 * facts->block_elements, 0));
        const qjit_weights_info *info = qjit_weights_get_info(weights);
        cr_assert_eq(info->type, facts);
        cr_assert(info->n == 3 && info->k == 2 * facts->block_elements && info->n_experts == 1);
        cr_assert(info->row_bytes == row && info->n_bytes == 3 * row);
        cr_assert_eq(info->padded_bytes, 3 * row + padding);
        cr_assert_eq(info->is_padded, 1);
        unsigned char *ones = malloc(2 * row);
        cr_assert_not_null(ones);
        memset(ones, 1, 2 * row);
        ops_do(qjit_weights_upload(weights, 1, 2, ones));
        unsigned char *bytes = all_bytes(weights);
        uint64_t n_right = 0;
        while (n_right < info->padded_bytes && bytes[n_right] == (n_right >= row && n_right < 3 * row)) {
            n_right++;
        }
        cr_assert_eq(n_right, info->padded_bytes, "%s: byte %u", facts->name, (unsigned)n_right);
        free(bytes);
        free(ones);
        qjit_weights_destroy(weights);
    }
}

Test(weights, shapes_that_cannot_be_are_refused)
{
    qjit_weights *weights = NULL;
    ops_expect(qjit_weights_create(context, &weights, 0, QJIT_GGML_Q4_K, 1, 255, 1), QJIT_INVALID_ARGUMENT,
               "255 columns are no multiple of a block of 'Q4_K', which is 256");
    ops_expect(qjit_weights_create(context, &weights, 0, 4, 1, 32, 1), QJIT_NOT_FOUND, "no longer part");
    ops_expect(qjit_weights_create(context, &weights, 0, QJIT_GGML_F32, 1u << 27, 1, 1),
               QJIT_INVALID_ARGUMENT, "too large");
    ops_expect(qjit_weights_create(context, &weights, 0, QJIT_GGML_F32, 1, 1ull << 31, 1),
               QJIT_INVALID_ARGUMENT, "too large");
    ops_expect(qjit_weights_create(context, &weights, 0, QJIT_GGML_F32, (1u << 27) - 1, 1u << 30, 1u << 31),
               QJIT_INVALID_ARGUMENT, "too large");
    ops_expect(qjit_weights_create(context, &weights, 0, QJIT_GGML_F32, 1, 1, UINT64_MAX),
               QJIT_INVALID_ARGUMENT, "too large");
    ops_expect(qjit_weights_create(context, &weights, 9, QJIT_GGML_F32, 1, 1, 1), QJIT_NO_DEVICE, "device 9");
    cr_assert_null(weights);
    qjit_weights_destroy(NULL);
}

Test(weights, uploads_stay_within_the_rows)
{
    static const unsigned char row[18];
    qjit_weights *weights;
    ops_do(qjit_weights_create(context, &weights, 0, QJIT_GGML_Q4_0, 2, 32, 2));
    ops_do(qjit_weights_upload(weights, 3, 1, row));
    ops_do(qjit_weights_upload(weights, 4, 0, NULL));
    static const uint64_t bad[][2] = {{4, 1}, {5, 0}, {0, 5}, {UINT64_MAX, 2}, {1, UINT64_MAX}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ops_expect(qjit_weights_upload(weights, bad[i][0], bad[i][1], row), QJIT_INVALID_ARGUMENT,
                   "are not within 4 rows");
    }
    qjit_weights_destroy(weights);
}

Test(weights, wrapped_memory_says_whether_it_is_padded)
{
    enum { ROW = 18, ROWS = 2, PADDING = 16 * ROW };
    qjit_buffer *buffer, *part;
    qjit_weights *weights;
    ops_do(qjit_buffer_create_zeroed(context, &buffer, 0, ROWS * ROW + PADDING));
    ops_do(qjit_weights_wrap(buffer, &weights, QJIT_GGML_Q4_0, ROWS, 32, 1, 1));
    cr_assert_eq(qjit_weights_get_info(weights)->is_padded, 1);
    cr_assert_eq(qjit_weights_get_info(weights)->pointer, qjit_buffer_pointer(buffer));
    qjit_weights_destroy(weights);
    ops_do(qjit_buffer_view(buffer, &part, 0, ROWS * ROW + PADDING - 1));
    ops_expect(qjit_weights_wrap(part, &weights, QJIT_GGML_Q4_0, ROWS, 32, 1, 1), QJIT_INVALID_ARGUMENT,
               "buffer 'weights' has 323 bytes: 324 are needed");
    ops_do(qjit_weights_wrap(part, &weights, QJIT_GGML_Q4_0, ROWS, 32, 1, 0));
    cr_assert_eq(qjit_weights_get_info(weights)->is_padded, 0);
    qjit_buffer_destroy(part);
    ops_do(qjit_buffer_view(buffer, &part, 1, ROWS * ROW));
    qjit_weights *odd = NULL;
    ops_expect(qjit_weights_wrap(part, &odd, QJIT_GGML_Q4_0, ROWS, 32, 1, 0), QJIT_INVALID_ARGUMENT,
               "not aligned to 2 bytes");
    qjit_buffer_destroy(part);
    qjit_buffer_destroy(buffer); /* the weights keep the memory */
    ops_do(qjit_weights_view(weights, &part));
    cr_assert_eq(qjit_buffer_bytes(part), ROWS * ROW);
    qjit_weights_destroy(weights);
    free(ops_bytes(part));
    qjit_buffer_destroy(part);
}

Test(weights, of_a_tensor)
{
    enum { N_FLOATS = 3 * 2 * 2 * 2 };
    float values[N_FLOATS];
    for (int i = 0; i < N_FLOATS; i++) {
        values[i] = (float)i;
    }
    const qjit_ggml_type_info *f32;
    ops_do(qjit_get_ggml_type(&f32, QJIT_GGML_F32));
    qjit_gguf_tensor tensor = {.name = "t",
                               .type = f32,
                               .n_dims = 4,
                               .dims = {3, 2, 2, 2},
                               .n_elements = N_FLOATS,
                               .n_bytes = sizeof values,
                               .data = values};
    qjit_weights *weights, *third;
    ops_do(qjit_weights_create_from_tensor(context, &weights, 0, &tensor));
    const qjit_weights_info *info = qjit_weights_get_info(weights);
    cr_assert(info->n == 2 && info->k == 3 && info->n_experts == 4);
    unsigned char *bytes = all_bytes(weights);
    cr_assert_eq(memcmp(bytes, values, sizeof values), 0);
    free(bytes);
    ops_do(qjit_weights_view_expert(weights, &third, 2));
    qjit_buffer *part;
    ops_do(qjit_weights_view(third, &part));
    bytes = ops_bytes(part);
    cr_assert_eq(qjit_buffer_bytes(part), 6 * sizeof(float));
    cr_assert_eq(memcmp(bytes, values + 12, 6 * sizeof(float)), 0);
    free(bytes);
    cr_assert_eq(qjit_weights_get_info(third)->is_padded, 0);
    qjit_buffer_destroy(part);
    qjit_weights_destroy(third);
    ops_do(qjit_weights_view_expert(weights, &third, 3));
    cr_assert_eq(qjit_weights_get_info(third)->is_padded, 1);
    qjit_weights_destroy(third);
    ops_expect(qjit_weights_view_expert(weights, &third, 4), QJIT_INVALID_ARGUMENT, "no expert 4");
    ops_expect(qjit_mul_mat(weights, part, part, 0, QJIT_PATH_AUTO, NULL), QJIT_INVALID_ARGUMENT,
               "4 matrices: take one by qjit_weights_view_expert");
    qjit_weights_destroy(weights);
    tensor.n_bytes--;
    ops_expect(qjit_weights_create_from_tensor(context, &weights, 0, &tensor), QJIT_INVALID_ARGUMENT,
               "tensor 't' has 95 bytes, not the 96");
}

/* 2^21 * 2^15 * 2^26 f32 are 2^64 bytes: a sum that turned over would let any buffer pass. */
Test(weights, experts_of_more_than_memory_are_refused)
{
    enum { N = 1 << 26, K = 256, BATCH = 1 << 21, TOPK = 1 << 15 };
    const size_t id_bytes = (size_t)BATCH * TOPK * sizeof(uint32_t),
                 x_bytes = (size_t)BATCH * K * sizeof(float);
    void *nowhere = (void *)(uintptr_t)4096;
    qjit_buffer *all, *out, *x, *ids;
    qjit_weights *weights;
    ops_do(qjit_buffer_wrap(context, &all, 0, nowhere, (size_t)1 << 40));
    ops_do(qjit_weights_wrap(all, &weights, QJIT_GGML_Q4_K, N, K, 2, 0));
    ops_do(qjit_buffer_view(all, &out, 0, sizeof(float)));
    ops_do(qjit_buffer_view(all, &x, 0, x_bytes));
    ops_do(qjit_buffer_view(all, &ids, 0, id_bytes));
    ops_expect(qjit_mul_mat_experts(weights, out, x, ids, BATCH, TOPK, 1, NULL), QJIT_INVALID_ARGUMENT,
               "batch * topk");
    qjit_buffer_destroy(ids);
    qjit_buffer_destroy(x);
    qjit_buffer_destroy(out);
    qjit_weights_destroy(weights);
    qjit_buffer_destroy(all);
}
