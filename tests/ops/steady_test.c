/* What operators call of HIP, told by the recording library: nothing but launches once all is there. */
#include <stdlib.h>
#include <string.h>

#include "ops.h"

enum { K = 256, N = 32, BATCH = 3 };

static qjit_context *context;
static qjit_weights *weights;
static qjit_buffer *x, *out;

static void setup(void)
{
    context = ops_create_recording();
    ops_do(qjit_weights_create(context, &weights, 0, QJIT_GGML_Q4_0, N, K, 1));
    ops_do(qjit_buffer_create(context, &x, 0, 64 * K * sizeof(float)));
    ops_do(qjit_buffer_create(context, &out, 0, 64 * N * sizeof(float)));
}

static void teardown(void)
{
    qjit_buffer_destroy(out);
    qjit_buffer_destroy(x);
    qjit_weights_destroy(weights);
    qjit_destroy(context);
    cr_assert_eq(ops_recorded("hipMalloc"), ops_recorded("hipFree"));
}

TestSuite(steady, .init = setup, .fini = teardown);

static void mul_mat(uint64_t batch, qjit_stream stream)
{
    ops_do(qjit_mul_mat(weights, out, x, batch, QJIT_PATH_MAT_VEC, stream));
}

static int n_other_calls(void)
{
    static const char *const names[] = {
        "hipMalloc",      "hipFree",           "hipMemset",       "hipMemsetAsync",
        "hipMemcpy",      "hipMemcpyAsync",    "hipSetDevice",    "hipDeviceSynchronize",
        "hipEventRecord", "hipModuleLoadData", "hipStreamCreate", "hipStreamSynchronize",
    };
    int n = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        n += ops_recorded(names[i]);
    }
    return n;
}

Test(steady, a_second_call_is_launches_only)
{
    mul_mat(BATCH, NULL);
    const int n = n_other_calls(), launches = ops_recorded("hipModuleLaunchKernel");
    for (int i = 0; i < 5; i++) {
        mul_mat(BATCH, NULL);
    }
    cr_assert_eq(n_other_calls(), n);
    cr_assert_eq(ops_recorded("hipModuleLaunchKernel"), launches + 5 * 2);
}

Test(steady, a_prepared_first_call_is_launches_only)
{
    qjit_stream stream;
    const qjit_op_call call = {.struct_size = sizeof call,
                               .op = QJIT_OP_MUL_MAT,
                               .type = QJIT_GGML_Q4_0,
                               .n = N,
                               .k = K,
                               .batch = BATCH,
                               .path = QJIT_PATH_MAT_VEC};
    ops_do(qjit_stream_create(context, &stream, 0));
    ops_do(qjit_prepare_op(context, 0, &call, stream));
    cr_assert_eq(ops_recorded("hipModuleLaunchKernel"), 0);
    const int n = n_other_calls();
    mul_mat(BATCH, stream);
    cr_assert_eq(n_other_calls(), n);
    cr_assert_eq(ops_recorded("hipModuleLaunchKernel"), 2);
    mul_mat(BATCH, NULL); /* another stream has scratch memory of its own */
    cr_assert_eq(n_other_calls(), n + 1);
    ops_do(qjit_stream_destroy(context, 0, stream));
}

Test(steady, nothing_is_loaded_or_allocated_while_a_stream_is_captured)
{
    qjit_stream stream;
    const qjit_op_call call = {.struct_size = sizeof call,
                               .op = QJIT_OP_MUL_MAT,
                               .type = QJIT_GGML_Q4_0,
                               .n = N,
                               .k = K,
                               .batch = BATCH,
                               .path = QJIT_PATH_MAT_VEC};
    ops_do(qjit_stream_create(context, &stream, 0));
    cr_assert_eq(setenv("FAKE_HIP_CAPTURING", "1", 1), 0);
    ops_expect(qjit_mul_mat(weights, out, x, BATCH, QJIT_PATH_MAT_VEC, stream), QJIT_NOT_READY,
               "no kernel can be loaded while the stream is captured");
    ops_do(qjit_prepare_op(context, 0, &call, NULL)); /* the kernels, and another stream's scratch memory */
    ops_expect(qjit_mul_mat(weights, out, x, BATCH, QJIT_PATH_MAT_VEC, stream), QJIT_NOT_READY,
               "no scratch memory can be allocated while the stream is captured");
    cr_assert_eq(ops_recorded("hipModuleLaunchKernel"), 0);
    cr_assert_eq(unsetenv("FAKE_HIP_CAPTURING"), 0);
    ops_do(qjit_prepare_op(context, 0, &call, stream));
    cr_assert_eq(setenv("FAKE_HIP_CAPTURING", "1", 1), 0);
    mul_mat(BATCH, stream);
    cr_assert_eq(ops_recorded("hipModuleLaunchKernel"), 2);
    ops_do(qjit_stream_destroy(context, 0, stream));
}

Test(steady, scratch_grows_and_nothing_is_freed_before_the_end)
{
    qjit_buffer *large_x, *large_out;
    qjit_weights *large;
    const uint64_t k = 1 << 14, batch = 100; /* 1.8 MB of q8_1, more than a first allocation has */
    ops_do(qjit_weights_create(context, &large, 0, QJIT_GGML_Q4_0, 1, k, 1));
    ops_do(qjit_buffer_create(context, &large_x, 0, batch * k * sizeof(float)));
    ops_do(qjit_buffer_create(context, &large_out, 0, batch * sizeof(float)));
    mul_mat(8, NULL);
    const int n = ops_recorded("hipMalloc"), freed = ops_recorded("hipFree");
    ops_do(qjit_mul_mat(large, large_out, large_x, batch, QJIT_PATH_MAT_VEC, NULL));
    cr_assert_eq(ops_recorded("hipMalloc"), n + 1);
    mul_mat(8, NULL);
    ops_do(qjit_mul_mat(large, large_out, large_x, batch, QJIT_PATH_MAT_VEC, NULL));
    cr_assert_eq(ops_recorded("hipMalloc"), n + 1);
    cr_assert_eq(ops_recorded("hipFree"), freed);
    qjit_buffer_destroy(large_out);
    qjit_buffer_destroy(large_x);
    qjit_weights_destroy(large);
}

Test(steady, what_cannot_be_launches_nothing)
{
    qjit_buffer *small, *odd, *elsewhere;
    ops_do(qjit_buffer_view(x, &small, 0, BATCH * K * sizeof(float) - 1));
    ops_do(qjit_buffer_view(x, &odd, 2, BATCH * K * sizeof(float)));
    ops_do(qjit_buffer_create(context, &elsewhere, 1, 64 * K * sizeof(float)));
    const qjit_path path = QJIT_PATH_AUTO;
    ops_expect(qjit_mul_mat(weights, out, small, BATCH, path, NULL), QJIT_INVALID_ARGUMENT,
               "buffer 'x' has 3071 bytes: 3072 are needed");
    ops_expect(qjit_mul_mat(weights, out, odd, BATCH, path, NULL), QJIT_INVALID_ARGUMENT,
               "buffer 'x' is not aligned to 4 bytes");
    ops_expect(qjit_mul_mat(weights, elsewhere, x, BATCH, path, NULL), QJIT_INVALID_ARGUMENT,
               "buffer 'out' is of another context or device");
    ops_expect(qjit_mul_mat(weights, out, x, 65, path, NULL), QJIT_INVALID_ARGUMENT, "buffer 'out' has");
    ops_expect(qjit_mul_mat(weights, out, x, BATCH, path, (qjit_stream)(uintptr_t)2), QJIT_INVALID_ARGUMENT,
               "hipStreamPerThread");
    ops_expect(qjit_mul_mat(weights, out, x, BATCH, (qjit_path)9, NULL), QJIT_INVALID_ARGUMENT,
               "there is no path 9");
    static const uint64_t bad[][3] = {
        {1, 65536, 1}, {1ull << 31, 1, 1}, {1 << 20, 1 << 15, 1}, {1, 3, 2}, {UINT64_MAX, 2, 2}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ops_expect(qjit_mul_mat_experts(weights, out, x, x, bad[i][0], bad[i][1], bad[i][2], NULL),
                   QJIT_INVALID_ARGUMENT, "topk is at most 65535");
    }
    ops_expect(qjit_mul_mat_experts(weights, out, x, x, 1, 1, 1, NULL), QJIT_NOT_FOUND, "'Q4_0'");
    ops_do(qjit_mul_mat(weights, out, x, 0, path, NULL));
    cr_assert_eq(ops_recorded("hipModuleLaunchKernel"), 0);
    qjit_buffer_destroy(elsewhere);
    qjit_buffer_destroy(odd);
    qjit_buffer_destroy(small);
}

Test(steady, sums_of_nothing_are_zeros)
{
    qjit_weights *empty;
    ops_do(qjit_weights_create(context, &empty, 0, QJIT_GGML_Q4_0, N, 0, 1));
    ops_do(qjit_buffer_fill_on(out, 0, 0xff, N * sizeof(float) + 1, NULL));
    ops_do(qjit_mul_mat(empty, out, x, 1, QJIT_PATH_AUTO, NULL));
    unsigned char *bytes = ops_bytes(out);
    for (size_t i = 0; i < N * sizeof(float); i++) {
        cr_assert_eq(bytes[i], 0);
    }
    cr_assert_eq(bytes[N * sizeof(float)], 0xff);
    free(bytes);
    qjit_weights_destroy(empty);
}
