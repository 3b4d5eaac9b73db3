/* Plans: which path is taken, which kernels, how much scratch memory. No context, no device. */
#include <string.h>

#include "ops.h"

static qjit_op_call product(uint32_t type, uint64_t n, uint64_t k, uint64_t batch)
{
    return (qjit_op_call){.struct_size = sizeof(qjit_op_call),
                          .op = QJIT_OP_MUL_MAT,
                          .type = type,
                          .n = n,
                          .k = k,
                          .batch = batch,
                          .arch = "gfx1100"};
}

/* The names of the plan's kernels, separated by one space. */
static const char *kernels_of(qjit_op_plan *plan, const qjit_op_call *call)
{
    static char names[1024];
    plan->struct_size = sizeof *plan;
    ops_do(qjit_plan_op(plan, call));
    names[0] = '\0';
    for (uint32_t i = 0; i < plan->n_kernels; i++) {
        (void)strcat(strcat(names, i > 0 ? " " : ""), plan->kernels[i]);
    }
    return names;
}

Test(plan, batches_are_dealt_to_mat_vecs)
{
    qjit_op_plan plan;
    qjit_op_call call = product(QJIT_GGML_Q4_K, 100, 512, 1);
    cr_assert_str_eq(kernels_of(&plan, &call), "quantize_q8_1 mul_mat_vec_q4_K_q8_1_cuda1");
    cr_assert(plan.path == QJIT_PATH_MAT_VEC && plan.n_launches == 2 && plan.scratch_bytes == 576);
    call.batch = 8;
    cr_assert_str_eq(kernels_of(&plan, &call), "quantize_q8_1 mul_mat_vec_q4_K_q8_1_cuda8");
    call.batch = 9;
    cr_assert_str_eq(kernels_of(&plan, &call), "quantize_q8_1 mul_mat_q4_K");
    cr_assert(plan.path == QJIT_PATH_MUL_MAT && plan.scratch_bytes == 9 * 576);
    call.path = QJIT_PATH_MUL_MAT_NARROW;
    cr_assert_str_eq(kernels_of(&plan, &call), "quantize_q8_1 mul_mat_narrow_q4_K");
    cr_assert(plan.n_launches == 2 && plan.scratch_bytes == 9 * 576);
    call.path = QJIT_PATH_MAT_VEC;
    call.batch = 21;
    cr_assert_str_eq(kernels_of(&plan, &call),
                     "quantize_q8_1 mul_mat_vec_q4_K_q8_1_cuda8 mul_mat_vec_q4_K_q8_1_cuda5");
    cr_assert_eq(plan.n_launches, 4);
}

/* The largest batch that mul_mat is not taken for, of those up to 512. */
static uint64_t last_before_mul_mat(uint32_t type, uint64_t n, uint64_t k, const char *arch)
{
    qjit_op_plan plan = {.struct_size = sizeof plan};
    uint64_t last = 0;
    for (uint64_t batch = 1; batch <= 512; batch++) {
        qjit_op_call call = product(type, n, k, batch);
        call.arch = arch;
        ops_do(qjit_plan_op(&plan, &call));
        last = plan.path != QJIT_PATH_MUL_MAT ? batch : last;
    }
    return last;
}

Test(plan, where_it_was_measured_type_and_shape_decide)
{
    /* Many rows fill a device with few columns: mul_mat begins earlier. */
    const uint64_t tall = last_before_mul_mat(QJIT_GGML_Q4_K, 11008, 4096, "sm_90"),
                   flat = last_before_mul_mat(QJIT_GGML_Q4_K, 4096, 14336, "sm_90");
    cr_assert(8 <= tall && tall < flat && flat < 512, "%llu, %llu", (unsigned long long)tall,
              (unsigned long long)flat);
    cr_assert_eq(last_before_mul_mat(QJIT_GGML_Q4_K, 11000, 4608, "sm_90"), tall);
    cr_assert_eq(last_before_mul_mat(QJIT_GGML_Q4_K, 1u << 20, 512, "sm_90"), tall);
    cr_assert_eq(last_before_mul_mat(QJIT_GGML_Q4_K, 1, 1u << 20, "sm_90"),
                 last_before_mul_mat(QJIT_GGML_Q4_K, 4096, 32000, "sm_90"));
    cr_assert_gt(last_before_mul_mat(QJIT_GGML_Q3_K, 4096, 14336, "sm_90"), flat);
    qjit_op_plan plan;
    qjit_op_call call = product(QJIT_GGML_Q4_K, 4096, 14336, 1);
    call.arch = "sm_90";
    cr_assert_str_eq(kernels_of(&plan, &call), "quantize_q8_1 mul_mat_vec_wide_q4_K_q8_1");
    call.batch = 2;
    cr_assert_str_eq(kernels_of(&plan, &call), "quantize_q8_1 mul_mat_vec_q4_K_q8_1_cuda2");
    call.batch = 16;
    cr_assert_str_eq(kernels_of(&plan, &call), "quantize_q8_1 mul_mat_narrow_q4_K");
    cr_assert_eq(last_before_mul_mat(QJIT_GGML_Q4_K, 4096, 14336, "gfx1100"), 8);
    cr_assert_eq(last_before_mul_mat(QJIT_GGML_Q4_K, 4096, 14336, NULL), 8);
}

Test(plan, types_with_one_way_take_it)
{
    qjit_op_plan plan;
    qjit_op_call call = product(QJIT_GGML_F16, 10, 77, 10);
    cr_assert_str_eq(kernels_of(&plan, &call), "mul_mat_vec_f16_f32_cuda8 mul_mat_vec_f16_f32_cuda2");
    cr_assert(plan.path == QJIT_PATH_MAT_VEC_F32 && plan.scratch_bytes == 0);
    call = product(QJIT_GGML_Q8_K, 10, 512, 1);
    cr_assert_str_eq(kernels_of(&plan, &call), "dequantize_wide_q8_K_f32 mul_mat_vec_f32_f32_cuda1");
    cr_assert(plan.path == QJIT_PATH_DEQUANTIZE_F32 && plan.scratch_bytes == 10 * 512 * 4);
    call.n = 100000; /* a part of the rows at a time */
    cr_assert_str_eq(kernels_of(&plan, &call), "dequantize_wide_q8_K_f32 mul_mat_vec_f32_f32_cuda1");
    cr_assert(plan.n_launches == 2 * 4 && plan.scratch_bytes == 1 << 26);
}

Test(plan, other_operators)
{
    qjit_op_plan plan;
    qjit_op_call call = product(QJIT_GGML_Q6_K, 10, 512, 3);
    call.op = QJIT_OP_DEQUANTIZE_F16;
    cr_assert_str_eq(kernels_of(&plan, &call), "dequantize_wide_q6_K_f16");
    call.op = QJIT_OP_GET_ROWS;
    cr_assert_str_eq(kernels_of(&plan, &call), "get_rows_q6_K");
    call.op = QJIT_OP_MUL_MAT_EXPERTS;
    cr_assert_str_eq(kernels_of(&plan, &call), "quantize_q8_1 indexed_moe_forward_q6k_q8_1");
    call.op = QJIT_OP_QUANTIZE_Q8_1;
    call.type = 4; /* not looked at */
    call.k = 33;
    cr_assert_str_eq(kernels_of(&plan, &call), "quantize_q8_1");
    call = product(QJIT_GGML_BF16, 10, 7, 3);
    call.op = QJIT_OP_DEQUANTIZE_F32;
    cr_assert_str_eq(kernels_of(&plan, &call), "get_rows_bf16");
    cr_assert_eq(plan.n_launches, 2); /* and the id that it is given */
    call.type = QJIT_GGML_F32;
    cr_assert_str_eq(kernels_of(&plan, &call), "");
    call.batch = 0;
    cr_assert_str_eq(kernels_of(&plan, &call), "");
    cr_assert_eq(plan.n_launches, 0);
}

Test(plan, what_cannot_be_is_said)
{
    qjit_op_plan plan = {.struct_size = sizeof plan};
    qjit_op_call call = product(QJIT_GGML_IQ2_XS, 10, 512, 1);
    ops_expect(qjit_plan_op(&plan, &call), QJIT_NOT_FOUND, "no kernel takes weights of type 'IQ2_XS'");
    call = product(QJIT_GGML_Q4_0, 10, 48, 1);
    ops_expect(qjit_plan_op(&plan, &call), QJIT_INVALID_ARGUMENT, "48 columns");
    call = product(QJIT_GGML_Q4_0, 1u << 27, 32, 1);
    ops_expect(qjit_plan_op(&plan, &call), QJIT_INVALID_ARGUMENT, "too many");
    call = product(QJIT_GGML_F32, 10, 512, 1);
    call.path = QJIT_PATH_MUL_MAT;
    ops_expect(qjit_plan_op(&plan, &call), QJIT_NOT_FOUND, "path 'mul_mat' has no kernel for");
    call.path = (qjit_path)77;
    ops_expect(qjit_plan_op(&plan, &call), QJIT_INVALID_ARGUMENT, "no path 77");
    call.op = (qjit_op)0;
    ops_expect(qjit_plan_op(&plan, &call), QJIT_INVALID_ARGUMENT, "no operator 0");
    call = product(QJIT_GGML_Q4_0, 10, 512, 1);
    call.op = QJIT_OP_MUL_MAT_EXPERTS;
    ops_expect(qjit_plan_op(&plan, &call), QJIT_NOT_FOUND, "experts");
    call.struct_size = 0;
    ops_expect(qjit_plan_op(&plan, &call), QJIT_INVALID_ARGUMENT, "struct_size");
}
