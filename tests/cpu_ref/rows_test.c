/* get_rows and indexed_moe of the reference against numbers worked out by hand. */
#include <criterion/criterion.h>
#include <math.h>

#include "cpu_ref/get_rows.h"
#include "cpu_ref/indexed_moe.h"

enum { ONE = 0x3c00, TWO = 0x4000, HALF = 0x3800 };

Test(get_rows, plain)
{
    const float f32[6] = {1.5f, -2.0f, 3.0f, 4.0f, 5.0f, 6.0f}; /* rows of 2, 12 bytes apart */
    const uint32_t ids[3] = {1, 0, 1};
    float out[6];
    ref_get_rows(out, "f32", f32, 12, ids, 3, 2);
    const float wanted[6] = {4.0f, 5.0f, 1.5f, -2.0f, 4.0f, 5.0f};
    cr_assert_arr_eq(out, wanted, sizeof wanted);

    const uint16_t f16[2] = {HALF, 0xc500}; /* -5: -2^2 * 1.25 */
    ref_get_rows(out, "f16", f16, 2, ids, 2, 1);
    cr_assert_eq(out[0], -5.0f);
    cr_assert_eq(out[1], 0.5f);

    const uint16_t bf16[2] = {0xc0a0, 0x3f80}; /* -5: the same in f32 is 0xc0a00000; 1 */
    ref_get_rows(out, "bf16", bf16, 2, ids, 2, 1);
    cr_assert_eq(out[0], 1.0f);
    cr_assert_eq(out[1], -5.0f);
}

Test(get_rows, blocks)
{
    /* Two rows of 33 columns, so of two blocks; the stride is three. */
    struct ref_q8_0 table[5] = {{.d = ONE, .qs = {[31] = 7}}, {.d = TWO, .qs = {[0] = -3}}};
    table[3] = (struct ref_q8_0){.d = HALF, .qs = {[0] = 9}};
    table[4] = (struct ref_q8_0){.d = ONE, .qs = {[0] = 127}};
    const uint32_t ids[2] = {1, 0};
    float out[66];
    cr_assert_eq(ref_row_bytes("q8_0", 33), 68);
    ref_get_rows(out, "q8_0", table, 3 * sizeof *table, ids, 2, 33);
    cr_assert_eq(out[0], 4.5f);
    cr_assert_eq(out[32], 127.0f);
    cr_assert_eq(out[33 + 31], 7.0f);
    cr_assert_eq(out[33 + 32], -6.0f);
}

/* Expert i has the one row i + 1 in element 0; input j has the activation 10^j there. */
static void check_moe(size_t input_dim1, const double *wanted)
{
    const struct ref_q8_0 weights[3] = {{.d = ONE, .qs = {1}}, {.d = ONE, .qs = {2}}, {.d = ONE, .qs = {3}}};
    const struct ref_q8_1 inputs[4] = {
        {.d = ONE, .qs = {1}}, {.d = ONE, .qs = {10}}, {.d = ONE, .qs = {100}}, {.d = 0x63d0, .qs = {1}}};
    const uint32_t indices[4] = {2, 0, 1, 2};
    const struct ref_moe moe = {
        .n = 1, .k = 32, .batch = 2, .topk = 2, .k_padded = 32, .input_dim1 = input_dim1};
    struct ref_sum out[4];
    ref_indexed_moe(out, ref_type_find("q8_0"), weights, inputs, indices, &moe);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(out[i].value, wanted[i], "task %d is %g", i, out[i].value);
}

Test(indexed_moe, inputs)
{
    check_moe(1, (const double[]){3, 1, 20, 30});
    check_moe(2, (const double[]){3, 10, 200, 3000}); /* 0x63d0 is 2^9 * (1024 + 976) / 1024 = 1000 */
}
