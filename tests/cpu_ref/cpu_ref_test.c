/* The reference against numbers derived by hand from the formats; each derivation stands beside its number.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "cpu_ref/cpu_ref.h"

enum { ONE = 0x3c00, HALF = 0x3800, TWO = 0x4000, MINUS_ONE = 0xbc00 }; /* f16 */

Test(f16, values_from_the_format)
{
    cr_assert_eq(ref_f16_to_double(0x3c00), 1.0);           /* exponent 15: 2^0, fraction 0 */
    cr_assert_eq(ref_f16_to_double(0xc000), -2.0);          /* exponent 16: 2^1 */
    cr_assert_eq(ref_f16_to_double(0x7bff), 65504.0);       /* 2^15 * 2047 / 1024, the largest */
    cr_assert_eq(ref_f16_to_double(0x0400), ldexp(1, -14)); /* the smallest normal */
    cr_assert_eq(ref_f16_to_double(0x0001), ldexp(1, -24)); /* the smallest subnormal */
    cr_assert_eq(ref_f16_to_double(0x3555), 1365.0 / 4096); /* exponent 13: (1024 + 341) / 4096 */
    cr_assert(isinf(ref_f16_to_double(0xfc00)) && ref_f16_to_double(0xfc00) < 0);
    cr_assert(isnan(ref_f16_to_double(0x7e00)));
}

Test(f16, rounds_to_nearest_even)
{
    cr_assert_eq(ref_f16_from_double(1.0 + 1.0 / 2048), 0x3c00); /* half way to 1 + 1/1024: to even, down */
    cr_assert_eq(ref_f16_from_double(1.0 + 3.0 / 2048), 0x3c02); /* half way: to even, up */
    cr_assert_eq(ref_f16_from_double(1.0 + 1.1 / 2048), 0x3c01);
    cr_assert_eq(ref_f16_from_double(2047.5 / 1024), 0x4000); /* carries into the exponent: 2 */
    cr_assert_eq(ref_f16_from_double(65519.9), 0x7bff);
    cr_assert_eq(ref_f16_from_double(65520.0), 0x7c00);       /* half way to 65536, which there is not */
    cr_assert_eq(ref_f16_from_double(ldexp(1, -25)), 0x0000); /* half the smallest: to even */
    cr_assert_eq(ref_f16_from_double(ldexp(3, -25)), 0x0002); /* one and a half: to even */
    cr_assert_eq(ref_f16_from_double(ldexp(1023.9, -24)), 0x0400);
    cr_assert_eq(ref_f16_from_double(-0.0), 0x8000);
    cr_assert_eq(ref_f16_from_double(NAN) & 0x7fff, 0x7e00);
}

Test(f16, all_bits_there_and_back)
{
    for (unsigned bits = 0; bits < 0x10000; bits++)
        if ((bits & 0x7fff) <= 0x7c00)
            cr_assert_eq(ref_f16_from_double(ref_f16_to_double((uint16_t)bits)), bits, "%#x", bits);
}

Test(dequantize, q4_0)
{
    struct ref_q4_0 block = {.d = HALF, .qs = {[0] = 0xf0, [5] = 0x19}};
    double y[32];
    ref_type_find("q4_0")->dequantize(y, &block);
    cr_assert_eq(y[0], -4.0);  /* (0 - 8) * 0.5 */
    cr_assert_eq(y[16], 3.5);  /* (15 - 8) * 0.5 */
    cr_assert_eq(y[5], 0.5);   /* (9 - 8) * 0.5 */
    cr_assert_eq(y[21], -3.5); /* (1 - 8) * 0.5 */
}

Test(dequantize, q4_1)
{
    struct ref_q4_1 block = {.d = TWO, .m = MINUS_ONE, .qs = {[3] = 0xa7}};
    double y[32];
    ref_type_find("q4_1")->dequantize(y, &block);
    cr_assert_eq(y[3], 13.0);  /* 7 * 2 - 1 */
    cr_assert_eq(y[19], 19.0); /* 10 * 2 - 1 */
    cr_assert_eq(y[0], -1.0);
}

Test(dequantize, q5_0)
{
    /* bits 2 and 16 + 2 of qh: byte 0 bit 2, byte 2 bit 2 */
    struct ref_q5_0 block = {.d = ONE, .qh = {0x04, 0, 0x04, 0}, .qs = {[2] = 0x31, [9] = 0x31}};
    double y[32];
    ref_type_find("q5_0")->dequantize(y, &block);
    cr_assert_eq(y[2], 1.0);    /* 16 + 1 - 16 */
    cr_assert_eq(y[18], 3.0);   /* 16 + 3 - 16 */
    cr_assert_eq(y[9], -15.0);  /* 1 - 16 */
    cr_assert_eq(y[25], -13.0); /* 3 - 16 */
}

Test(dequantize, q5_1)
{
    /* bit 31: byte 3 bit 7, the high nibble of qs[15] */
    struct ref_q5_1 block = {.d = HALF, .m = ONE, .qh = {0, 0, 0, 0x80}, .qs = {[15] = 0x46}};
    double y[32];
    ref_type_find("q5_1")->dequantize(y, &block);
    cr_assert_eq(y[31], 11.0); /* (16 + 4) / 2 + 1 */
    cr_assert_eq(y[15], 4.0);  /* 6 / 2 + 1 */
}

Test(dequantize, q8_0_and_q8_1)
{
    struct ref_q8_0 plain = {.d = HALF, .qs = {[0] = -128, [31] = 127}};
    struct ref_q8_1 summed = {.d = TWO, .s = ONE, .qs = {[7] = -3}};
    double y[32];
    ref_type_find("q8_0")->dequantize(y, &plain);
    cr_assert_eq(y[0], -64.0);
    cr_assert_eq(y[31], 63.5);
    ref_type_find("q8_1")->dequantize(y, &summed);
    cr_assert_eq(y[7], -6.0);
}

Test(dequantize, q2_K)
{
    /* Element 128 + 32 * 2 + 17 = 209: byte 32 + 17 = 49, bits 4 and 5; scale 209 / 16 = 13. */
    struct ref_q2_K block = {.d = HALF, .dmin = TWO, .scales = {[13] = 0x5b}, .qs = {[49] = 3 << 4}};
    double y[256];
    ref_type_find("q2_K")->dequantize(y, &block);
    cr_assert_eq(y[209], 6.5);   /* 0.5 * 11 * 3 - 2 * 5 */
    cr_assert_eq(y[208], -10.0); /* the same scale, quant 0: -2 * 5 */
    cr_assert_eq(y[0], 0.0);
}

Test(dequantize, q3_K)
{
    /* Element 209: two bits as in q2_K; third bit is bit 209 / 32 = 6 of hmask[17]. Scale 13: low four bits
     * are the high nibble of byte 13 - 8 = 5, high two in byte 8 + 13 % 4 = 9 at bit 2 * (13 / 4) = 6. */
    struct ref_q3_K block = {.d = HALF, .hmask = {[17] = 1 << 6}, .qs = {[49] = 2 << 4}};
    block.scales[5] = 0x70, block.scales[9] = 3 << 6;
    double y[256];
    ref_type_find("q3_K")->dequantize(y, &block);
    cr_assert_eq(y[209], 23.0);  /* 0.5 * (7 + 48 - 32) * 2 */
    cr_assert_eq(y[210], -46.0); /* third bit clear: quant 0 - 4 */
    cr_assert_eq(y[0], 64.0);    /* scale 0 - 32, quant -4 */
}

Test(dequantize, q4_K)
{
    struct ref_q4_K block = {.d = HALF, .dmin = ONE};
    /* Group 2, one of the first four: scale byte 2, minimum byte 6. Group 6: low nibbles of byte 10, and the
     * upper two bits of bytes 2 and 6. */
    block.scales[2] = 0x40 | 33, block.scales[6] = 0x80 | 21, block.scales[10] = 0x9c;
    block.qs[32 * 1 + 4] = 0x0d; /* element 64 + 4 (group 2), low nibble */
    block.qs[32 * 3 + 9] = 0x07; /* element 192 + 9 (group 6), low nibble */
    double y[256];
    ref_type_find("q4_K")->dequantize(y, &block);
    cr_assert_eq(y[68], 193.5); /* 0.5 * 33 * 13 - 21 */
    cr_assert_eq(y[201], 57.0); /* 0.5 * (12 + 16 * 1) * 7 - (9 + 16 * 2) */
    cr_assert_eq(y[36], 0.0);   /* group 1 has scale and minimum 0 */
}

Test(dequantize, q5_K)
{
    struct ref_q5_K block = {.d = ONE, .dmin = HALF};
    /* Group 5 (elements 160 on): nibbles of byte 9, upper bits of bytes 1 and 5; high nibbles of bytes 64
     * to 95. */
    block.scales[1] = 0xc0, block.scales[5] = 0x40, block.scales[9] = 0x21;
    block.qs[64 + 7] = 0xe0;
    block.qh[7] = 1 << 5;
    double y[256];
    ref_type_find("q5_K")->dequantize(y, &block);
    cr_assert_eq(y[167], 1461.0); /* (1 + 48) * (14 + 16) - 0.5 * (2 + 16) */
    cr_assert_eq(y[168], -9.0);
}

Test(dequantize, q6_K)
{
    struct ref_q6_K block = {.d = HALF, .scales = {[15] = -3, [4] = 5}};
    /* Element 250 = 128 + 96 + 26: high nibble of ql[64 + 32 + 26], bits 6 and 7 of qh[32 + 26], scale 15. */
    block.ql[122] = 0x90, block.qh[58] = 2 << 6;
    /* Element 70 = 64 + 6: high nibble of ql[6], bits 4 and 5 of qh[6], scale 4. */
    block.ql[6] = 0xf0, block.qh[6] = 3 << 4;
    double y[256];
    ref_type_find("q6_K")->dequantize(y, &block);
    cr_assert_eq(y[250], -13.5); /* 0.5 * -3 * (9 + 32 - 32) */
    cr_assert_eq(y[70], 77.5);   /* 0.5 * 5 * (15 + 48 - 32) */
    cr_assert_eq(y[71], -80.0);  /* 0.5 * 5 * (0 - 32) */
}

Test(dequantize, q8_K)
{
    struct ref_q8_K block = {.d = 0.25f, .qs = {[255] = -7}};
    double y[256];
    ref_type_find("q8_K")->dequantize(y, &block);
    cr_assert_eq(y[255], -1.75);
}

Test(quantize, one_block)
{
    float x[32] = {[0] = 127.0f, [1] = -63.5f, [2] = 0.4f, [3] = -0.5f, [4] = 2.5f};
    struct ref_q8_1 block;
    ref_quantize_q8_1(&block, x, 32, 32, 1);
    cr_assert_eq(block.d, ONE);                         /* 127 / 127 */
    const int8_t expected[6] = {127, -64, 0, -1, 3, 0}; /* halves go away from zero */
    cr_assert_arr_eq(block.qs, expected, sizeof expected);
    cr_assert_eq(block.s, 0x541e); /* 65.9 in f16: 2^6 * (1024 + 30) / 1024 = 65.875, next 65.9375 */
}

Test(quantize, zeros_and_padding)
{
    float x[40] = {0};
    x[32] = 1.0f; /* row of 40, padded to 64: the second block has 8 real columns */
    struct ref_q8_1 blocks[2], zero = {0};
    memset(blocks, 0xff, sizeof blocks);
    ref_quantize_q8_1(blocks, x, 40, 64, 1);
    cr_assert_arr_eq(&blocks[0], &zero, sizeof zero);
    cr_assert_eq(blocks[1].qs[0], 127);
    cr_assert_eq(blocks[1].qs[8], 0);
    cr_assert_eq(blocks[1].s, ONE);
}

Test(quantize, stays_in_range)
{
    float x[32] = {1e-45f, INFINITY, -INFINITY, NAN};
    struct ref_q8_1 block;
    ref_quantize_q8_1(&block, x, 32, 32, 1);
    cr_assert_eq(block.d, 0x7c00); /* infinity */
    cr_assert_eq(block.qs[0], 0);
    cr_assert_eq(block.qs[1], 127);  /* inf / inf is NaN, which becomes 127 */
    const float tiny[32] = {1e-45f}; /* amax / 127 is 0 in f32 */
    ref_quantize_q8_1(&block, tiny, 32, 32, 1);
    cr_assert_eq(block.qs[0], 0);
    cr_assert_eq(block.d, 0);
}
