/* Blocks made and read on the host: read against tests/cpu_ref, to the bit; made against numbers worked out
 * by hand, and against the least error that a brute search finds (blocks_error_test.c). */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <qjit/blocks.h>

#include "blocks/number.h"
#include "cpu_ref/cpu_ref.h"

enum { MOST = 256, ROUNDS = 500 };

static const char *const with_reference[] = {"q4_0",   "q4_1",   "q5_0",  "q5_1", "q8_0", "q8_1",
                                             "q2_K",   "q3_K",   "q4_K",  "q5_K", "q6_K", "q8_K",
                                             "iq4_nl", "iq4_xs", "mxfp4", "nvfp4"};
enum { N_REFERENCE = sizeof with_reference / sizeof with_reference[0] };

static uint32_t random_word(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

static const qjit_ggml_type_info *type_of(const char *name)
{
    const qjit_ggml_type_info *type = NULL;
    cr_assert_eq(qjit_find_ggml_type(&type, name), QJIT_OK);
    return type;
}

static bool same(float a, float b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

/* Any bytes are blocks: scales that are infinite, NaN or subnormal come up as often as others. */
Test(blocks, any_bytes_are_read_as_the_reference_reads_them)
{
    for (size_t t = 0; t < N_REFERENCE; t++) {
        const qjit_ggml_type_info *type = type_of(with_reference[t]);
        const struct ref_type *ref = ref_type_find(with_reference[t]);
        for (int round = 0; round < ROUNDS; round++) {
            uint32_t memory[128]; /* aligned, as the reference wants it */
            uint8_t shifted[sizeof memory + 1];
            float y[MOST];
            double expected[MOST];
            for (size_t i = 0; i < sizeof memory / 4; i++)
                memory[i] = random_word();
            memcpy(shifted + 1, memory, type->block_bytes);
            (void)qjit_dequantize_blocks(y, type->type, shifted + 1, type->block_elements);
            ref->dequantize(expected, memory);
            uint32_t i = 0;
            while (i < type->block_elements && same(y[i], ref_to_f32(expected[i])))
                i++;
            if (i < type->block_elements) /* an assertion that holds is slow */
                cr_assert_fail("%s: [%u] is %a, not %a", type->name, i, (double)y[i], expected[i]);
        }
    }
}

Test(blocks, half_floats_there_and_back)
{
    uint32_t n_wrong = 0;
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        const uint8_t half[2] = {(uint8_t)bits, (uint8_t)(bits >> 8)};
        uint8_t back[2], brain[2];
        float y, z;
        (void)qjit_dequantize_blocks(&y, QJIT_GGML_F16, half, 1);
        (void)qjit_dequantize_blocks(&z, QJIT_GGML_BF16, half, 1);
        (void)qjit_quantize_blocks(back, QJIT_GGML_F16, &y, 1);
        (void)qjit_quantize_blocks(brain, QJIT_GGML_BF16, &z, 1);
        n_wrong +=
            !same(y, (float)ref_f16_to_double((uint16_t)bits)) || !same(z, qj_float_of_bits(bits << 16));
        n_wrong += (!isnan(y) && memcmp(back, half, 2) != 0) || (!isnan(z) && memcmp(brain, half, 2) != 0);
    }
    cr_assert_eq(n_wrong, 0);
}

static bool is_rounded(float x)
{
    uint8_t out[2];
    (void)qjit_quantize_blocks(out, QJIT_GGML_F16, &x, 1);
    return qj_get_u16(out) == ref_f16_from_double((double)x);
}

/* Every f16, what lies half way to the next, and the floats just beside those. */
Test(blocks, half_floats_are_rounded)
{
    uint32_t n_wrong = 0;
    for (uint32_t bits = 0; bits < 0x7c00; bits++) {
        const float low = (float)ref_f16_to_double((uint16_t)bits);
        const float high = bits == 0x7bff ? 65536.0f : (float)ref_f16_to_double((uint16_t)(bits + 1));
        const float half = (low + high) / 2;
        n_wrong += !is_rounded(half) || !is_rounded(-half) || !is_rounded(nextafterf(half, 0)) ||
                   !is_rounded(nextafterf(half, INFINITY)) || !is_rounded(nextafterf(low, INFINITY));
    }
    cr_assert_eq(n_wrong, 0);
    cr_assert(is_rounded(INFINITY) && is_rounded(-INFINITY) && is_rounded(NAN) && is_rounded(FLT_MAX) &&
              is_rounded(FLT_MIN) && is_rounded(1e-45f));
    const uint32_t brains[][2] = {{0x3f808000, 0x3f80}, {0x3f818000, 0x3f82}, {0x3f808001, 0x3f81},
                                  {0x7f7fffff, 0x7f80}, {0x7fc00000, 0x7fc0}, {0x7f800001, 0x7fc0}};
    for (size_t i = 0; i < sizeof brains / sizeof brains[0]; i++) {
        const float x = qj_float_of_bits(brains[i][0]);
        uint8_t out[2];
        (void)qjit_quantize_blocks(out, QJIT_GGML_BF16, &x, 1);
        cr_assert_eq(qj_get_u16(out), brains[i][1], "%#x", brains[i][0]);
    }
}

static void quantize(void *out, const char *type, const float *x, size_t n)
{
    cr_assert_eq(qjit_quantize_blocks(out, type_of(type)->type, x, n), QJIT_OK, "%s", qjit_error_detail());
}

/* 0 to 31: the largest, 31, becomes -8 of q4_0, so d is -3.875 and x / d + 8.5, cut off, is the quant. */
Test(blocks, four_and_five_bits_by_hand)
{
    float x[32];
    uint8_t bytes[24];
    for (int i = 0; i < 32; i++)
        x[i] = (float)i;
    quantize(bytes, "q4_0", x, 32);
    cr_assert_eq(qj_get_f16(bytes), -3.875f);
    cr_assert_eq(bytes[2], 8 | 4 << 4);      /* 0: 8.5; 16: 4.37 */
    cr_assert_eq(bytes[2 + 2], 7 | 3 << 4);  /* 2: 7.98; 18: 3.85 */
    cr_assert_eq(bytes[2 + 15], 4 | 0 << 4); /* 15: 4.63; 31: 0.5 */
    quantize(bytes, "q4_1", x, 32);          /* d = 31 / 15, 2.0667 as f16 2.06640625; m = 0 */
    cr_assert_eq(qj_get_f16(bytes), 2.06640625f);
    cr_assert_eq(qj_get_f16(bytes + 2), 0.0f);
    cr_assert_eq(bytes[4 + 1], 0 | 8 << 4);   /* 1: 0.98; 17: 8.73 */
    cr_assert_eq(bytes[4 + 15], 7 | 15 << 4); /* 15: 7.76; 31: 15.5 */
    quantize(bytes, "q5_0", x, 32);           /* d = 31 / -16 */
    cr_assert_eq(qj_get_f16(bytes), -1.9375f);
    cr_assert_eq(bytes[2], 0x01); /* bit 4: 0: 16.5; 1: 15.98 */
    cr_assert_eq(bytes[3] | bytes[4] | bytes[5], 0);
    cr_assert_eq(bytes[6], 0 | 8 << 4);      /* 0: 16 without its bit 4; 16: 8.24 */
    cr_assert_eq(bytes[6 + 15], 8 | 0 << 4); /* 15: 8.76; 31: 0.5 */
    for (int i = 0; i < 32; i++)
        x[i] -= 3;
    quantize(bytes, "q5_1", x, 32); /* d = 1, m = -3: element i is i */
    cr_assert_eq(qj_get_f16(bytes), 1.0f);
    cr_assert_eq(qj_get_f16(bytes + 2), -3.0f);
    cr_assert(bytes[4] == 0 && bytes[5] == 0 && bytes[6] == 0xff && bytes[7] == 0xff);
    for (int i = 0; i < 16; i++)
        cr_assert_eq(bytes[8 + i], i | i << 4);
}

Test(blocks, eight_bits_by_hand)
{
    float x[256] = {[0] = -254.0f, [1] = 1.0f, [2] = 127.0f, [17] = -2.9f, [255] = 253.0f};
    int8_t bytes[292];
    quantize(bytes, "q8_0", x, 32); /* d = 2 */
    cr_assert_eq(qj_get_f16((uint8_t *)bytes), 2.0f);
    const int8_t expected[4] = {-127, 1, 64, 0}; /* halves away from zero */
    cr_assert_arr_eq(bytes + 2, expected, 4);
    cr_assert_eq(bytes[2 + 17], -1);
    quantize(bytes, "q8_K", x, 256); /* the largest, -254, becomes -127 */
    cr_assert_eq(qj_float_of_bits(qj_get_u32((uint8_t *)bytes)), 2.0f);
    cr_assert_arr_eq(bytes + 4, expected, 4);
    cr_assert_eq(bytes[4 + 255], 127); /* 126.5 */
    const int16_t sums[16] = {-127 + 1 + 64, -1, [15] = 127};
    cr_assert_arr_eq(bytes + 260, sums, sizeof sums);
}

Test(blocks, activations_are_those_of_the_kernel)
{
    for (int round = 0; round < ROUNDS; round++) {
        float x[32];
        uint8_t bytes[36];
        struct ref_q8_1 expected;
        for (int i = 0; i < 32; i++)
            x[i] = ldexpf((float)(int32_t)random_word(), (int)(random_word() % 20) - 40);
        ref_quantize_q8_1(&expected, x, 32, 32, 1);
        quantize(bytes, "q8_1", x, 32);
        cr_assert_arr_eq(bytes, &expected, sizeof bytes);
    }
}

/* Values that a block can have come back as they were, wherever the quantiser has to look for the scale. */
Test(blocks, what_a_block_can_say_comes_back)
{
    static const float fp4[8] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
    static const float iq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    static const struct {
        const char *type;
        int low, high;
    } whole[] = {{"q4_0", -8, 7},   {"q5_0", -16, 15},   {"q4_1", 0, 15},    {"q5_1", 0, 31},
                 {"q2_K", 0, 3},    {"q3_K", -4, 3},     {"q4_K", 0, 15},    {"q5_K", 0, 31},
                 {"q6_K", -32, 31}, {"q8_0", -127, 127}, {"q8_K", -127, 127}};
    float x[256], y[256];
    uint8_t bytes[292];
    for (size_t t = 0; t < sizeof whole / sizeof whole[0]; t++) {
        const int n_levels = whole[t].high - whole[t].low + 1;
        for (int i = 0; i < 256; i++)
            x[i] =
                0.25f * (float)(whole[t].low + (n_levels > 32 ? i % 16 * (n_levels - 1) / 15 : i % n_levels));
        const size_t n = type_of(whole[t].type)->block_elements;
        quantize(bytes, whole[t].type, x, n);
        cr_assert_eq(qjit_dequantize_blocks(y, type_of(whole[t].type)->type, bytes, n), QJIT_OK);
        for (size_t i = 0; i < n; i++)
            cr_assert_leq(fabsf(y[i] - x[i]), 0.002f * fabsf(x[i]), "%s: [%zu] is %g, not %g", whole[t].type,
                          i, (double)y[i], (double)x[i]);
    }
    for (int i = 0; i < 256; i++)
        x[i] = (i / 8 % 2 ? -4.0f : 4.0f) * fp4[i % 8];
    for (int t = 0; t < 2; t++) {
        const char *type = t ? "nvfp4" : "mxfp4";
        quantize(bytes, type, x, 64);
        cr_assert_eq(qjit_dequantize_blocks(y, type_of(type)->type, bytes, 64), QJIT_OK);
        for (int i = 0; i < 64; i++)
            cr_assert(y[i] == x[i] && (y[i] != 0 || !signbit(y[i])), "%s: [%d] is %g, not %g", type, i,
                      (double)y[i], (double)x[i]);
    }
    for (int i = 0; i < 256; i++)
        x[i] = iq4[i % 16] / 4.0f;
    quantize(bytes, "iq4_nl", x, 32);
    cr_assert_eq(qjit_dequantize_blocks(y, QJIT_GGML_IQ4_NL, bytes, 32), QJIT_OK);
    cr_assert_arr_eq(x, y, 32 * sizeof *x);
    quantize(bytes, "iq4_xs", x, 256);
    cr_assert_eq(qjit_dequantize_blocks(y, QJIT_GGML_IQ4_XS, bytes, 256), QJIT_OK);
    cr_assert_arr_eq(x, y, sizeof x);
}

/* Whatever is finite comes back finite, not larger than the next that its block can say, and zeros as zeros.
 */
Test(blocks, extremes)
{
    static const float extremes[][4] = {
        {0, 0, 0, 0},
        {FLT_MAX, -FLT_MAX, FLT_MAX, 1},
        {-FLT_MAX, -FLT_MAX, 0, 0},
        {1e-45f, -1e-45f, 0, 1e-45f},
        {1e-38f, 1e-39f, -1e-38f, 0},
        {1e-7f, -3e-8f, 2e-7f, 6e-8f},
        {1e6f, -3e5f, 9e8f, 1},
        {5, 5, 5, 5},
        {-5, -5, -5, -5},
        {-0.0f, 0, -0.0f, 0},
    };
    for (size_t t = 0; t < N_REFERENCE; t++)
        for (size_t e = 0; e < sizeof extremes / sizeof extremes[0]; e++) {
            const qjit_ggml_type_info *type = type_of(with_reference[t]);
            float x[256], y[256], largest = 0;
            uint8_t bytes[292];
            for (int i = 0; i < 256; i++) {
                x[i] = extremes[e][i % 4];
                largest = fmaxf(largest, fabsf(x[i]));
            }
            quantize(bytes, type->name, x, type->block_elements);
            cr_assert_eq(qjit_dequantize_blocks(y, type->type, bytes, type->block_elements), QJIT_OK);
            if (type->type == QJIT_GGML_Q8_1 && largest > 65504.0f * 127)
                continue; /* the kernel's scale is infinite then */
            for (uint32_t i = 0; i < type->block_elements; i++)
                if (!(fabsf(y[i]) <= 1.25f * largest + 1e-6f))
                    cr_assert_fail("%s, %zu: [%u] is %g, was %g", type->name, e, i, (double)y[i],
                                   (double)x[i]);
        }
}

static void expect_fault(qjit_status got, qjit_status expected, const char *detail)
{
    cr_assert_eq(got, expected);
    cr_assert_not_null(strstr(qjit_error_detail(), detail), "'%s'", qjit_error_detail());
}

Test(blocks, faults)
{
    float x[256] = {0};
    uint8_t bytes[292];
    uint64_t n_bytes;
    expect_fault(qjit_quantize_blocks(bytes, QJIT_GGML_Q4_K, x, 32), QJIT_INVALID_ARGUMENT,
                 "whole blocks of 256");
    expect_fault(qjit_dequantize_blocks(x, QJIT_GGML_Q4_0, bytes, 33), QJIT_INVALID_ARGUMENT,
                 "whole blocks of 32");
    expect_fault(qjit_quantize_blocks(bytes, QJIT_GGML_IQ2_XXS, x, 0), QJIT_NOT_FOUND, "'IQ2_XXS'");
    expect_fault(qjit_dequantize_blocks(x, QJIT_GGML_I32, bytes, 1), QJIT_NOT_FOUND, "'I32'");
    expect_fault(qjit_quantize_blocks(bytes, 99, x, 0), QJIT_NOT_FOUND, "type 99");
    expect_fault(qjit_get_block_bytes(&n_bytes, 4, 32), QJIT_NOT_FOUND, "'Q4_2'");
    expect_fault(qjit_get_block_bytes(&n_bytes, QJIT_GGML_Q6_K, 255), QJIT_INVALID_ARGUMENT, "'Q6_K'");
    expect_fault(qjit_get_block_bytes(&n_bytes, QJIT_GGML_F64, UINT64_MAX), QJIT_INVALID_ARGUMENT,
                 "2^63 - 1");
    cr_assert_eq(qjit_get_block_bytes(&n_bytes, QJIT_GGML_Q6_K, 512), QJIT_OK);
    cr_assert_eq(n_bytes, 420);
    x[7] = NAN;
    expect_fault(qjit_quantize_blocks(bytes, QJIT_GGML_Q4_0, x, 32), QJIT_INVALID_ARGUMENT,
                 "element 7 is nan");
    x[7] = -INFINITY;
    expect_fault(qjit_quantize_blocks(bytes, QJIT_GGML_Q8_1, x, 32), QJIT_INVALID_ARGUMENT,
                 "element 7 is -inf");
    cr_assert_eq(qjit_quantize_blocks(bytes, QJIT_GGML_F32, x, 32), QJIT_OK);
    cr_assert_eq(memcmp(bytes, x, 128), 0);
    cr_assert_eq(qjit_quantize_blocks(NULL, QJIT_GGML_Q4_K, NULL, 0), QJIT_OK);
}
