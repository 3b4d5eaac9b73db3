/* The types of four_bit.h against numbers worked out by hand; each derivation stands beside its number. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "cpu_ref/four_bit.h"
#include "cpu_ref/mat_vec.h"

enum { ONE = 0x3c00, HALF = 0x3800, TWO = 0x4000 }; /* f16 */

Test(four_bit, scales)
{
    cr_assert_eq(ref_e8m0_to_double(127), 1.0);
    cr_assert_eq(ref_e8m0_to_double(0), ldexp(1, -127));
    cr_assert_eq(ref_e8m0_to_double(254), ldexp(1, 127));
    cr_assert(isnan(ref_e8m0_to_double(255)));
    cr_assert_eq(ref_ue4m3_to_double(0x38), 1.0);          /* exponent 7, which is the bias */
    cr_assert_eq(ref_ue4m3_to_double(0x3d), 1.625);        /* fraction 5 of 8 */
    cr_assert_eq(ref_ue4m3_to_double(0x7e), 448.0);        /* 2^8 * 14 / 8, the largest */
    cr_assert_eq(ref_ue4m3_to_double(0x08), ldexp(1, -6)); /* the smallest normal */
    cr_assert_eq(ref_ue4m3_to_double(0x01), ldexp(1, -9)); /* the smallest subnormal: 2^-6 / 8 */
    cr_assert_eq(ref_ue4m3_to_double(0x80), 0.0);
    cr_assert_eq(ref_ue4m3_to_double(0xb8), 1.0); /* bit 7 does not count */
    cr_assert(isnan(ref_ue4m3_to_double(0x7f)) && isnan(ref_ue4m3_to_double(0xff)));
}

Test(four_bit, iq4_nl)
{
    struct ref_iq4_nl block = {.d = HALF, .qs = {[0] = 0xf0, [5] = 0x87, [15] = 0x3c}};
    double y[32];
    ref_dequantize_iq4_nl(y, &block);
    cr_assert_eq(y[0], -63.5);  /* place 0: -127 / 2 */
    cr_assert_eq(y[16], 56.5);  /* place 15: 113 / 2 */
    cr_assert_eq(y[5], -5.0);   /* place 7: -10 / 2 */
    cr_assert_eq(y[21], 0.5);   /* place 8: 1 / 2 */
    cr_assert_eq(y[15], 26.5);  /* place 12: 53 / 2 */
    cr_assert_eq(y[31], -32.5); /* place 3: -65 / 2 */
    cr_assert_eq(y[1], -63.5);  /* there is no quant for zero */
}

Test(four_bit, iq4_xs)
{
    /* Group 5: the high nibble of scales_l[2] and bits 10 and 11 of scales_h; bytes 80 to 95 of qs. */
    struct ref_iq4_xs block = {.d = TWO, .scales_h = 3 << 10, .scales_l = {[2] = 0x90}};
    block.qs[80 + 6] = 0xe9;
    double y[256];
    ref_dequantize_iq4_xs(y, &block);
    cr_assert_eq(y[160 + 6], 650.0);   /* 2 * (9 + 48 - 32) * 13, place 9 */
    cr_assert_eq(y[160 + 22], 4450.0); /* 2 * 25 * 89, place 14 */
    cr_assert_eq(y[160 + 7], -6350.0); /* 2 * 25 * -127 */
    cr_assert_eq(y[128], 8128.0);      /* group 4 has scale 0 - 32: 2 * -32 * -127 */
    cr_assert_eq(y[255], 8128.0);      /* so has the last one */
}

Test(four_bit, mxfp4)
{
    struct ref_mxfp4 block = {.e = 129, .qs = {[0] = 0x97, [15] = 0xf1, [3] = 0x8d}};
    double y[32];
    ref_dequantize_mxfp4(y, &block);
    cr_assert_eq(y[0], 24.0);   /* 0111: 2^2 * 1.5 = 6, times 2^2 */
    cr_assert_eq(y[16], -2.0);  /* 1001: -0.5, times 2^2 */
    cr_assert_eq(y[15], 2.0);   /* 0001: 0.5 */
    cr_assert_eq(y[31], -24.0); /* 1111: -6 */
    cr_assert_eq(y[3], -12.0);  /* 1101: -2 * 1.5 */
    cr_assert(y[19] == 0.0 && !signbit(y[19]));
    block.e = 0;
    ref_dequantize_mxfp4(y, &block);
    cr_assert_eq(y[15], ldexp(1, -128));
    block.e = 255;
    ref_dequantize_mxfp4(y, &block);
    cr_assert(isnan(y[1]), "of a NaN scale a zero too is NaN");
}

Test(four_bit, nvfp4)
{
    /* Group 2: elements 32 to 47, bytes 16 to 23. */
    struct ref_nvfp4 block = {.d = {0x38, 0x7f, 0x41, 0x02}, .qs = {[0] = 0x52, [16] = 0xb4, [23] = 0x06}};
    block.qs[31] = 0x70;
    double y[64];
    ref_dequantize_nvfp4(y, &block);
    cr_assert_eq(y[0], 1.0);            /* scale 1 */
    cr_assert_eq(y[8], 3.0);            /* 0101: 2 * 1.5 */
    cr_assert_eq(y[32], 4.5);           /* scale 0x41: 2 * 9 / 8; 0100: 2 */
    cr_assert_eq(y[40], -3.375);        /* 1011: -1.5 */
    cr_assert_eq(y[39], 9.0);           /* 0110: 4 */
    cr_assert_eq(y[63], ldexp(12, -9)); /* scale 0x02: 2 * 2^-9; 0111: 6 */
    cr_assert(isnan(y[16]) && isnan(y[31]));
}

Test(four_bit, dot)
{
    /* 4 * -0.5 * 3 + 4 * 6 * 2, activations of scale 2: -12 + 96. */
    const struct ref_mxfp4 weights = {.e = 129, .qs = {[2] = 0x09, [4] = 0x70}};
    const struct ref_q8_1 y = {.d = TWO, .s = ONE, .qs = {[2] = 3, [20] = 2}};
    struct ref_sum sum;
    ref_mat_vec_q8_1(&sum, ref_type_find("mxfp4"), &weights, &y, 32, 1, 32, 1);
    cr_assert_eq(sum.value, 84.0);
    cr_assert_eq(sum.magnitude, 108.0);
    /* 0.5 * (113 * 2 - 10 * 3) * 2 = 196; the other quants meet zeros. */
    const struct ref_iq4_nl other = {.d = HALF, .qs = {[0] = 0x7f}};
    const struct ref_q8_1 z = {.d = TWO, .qs = {[0] = 2, [16] = 3}};
    ref_mat_vec_q8_1(&sum, ref_type_find("iq4_nl"), &other, &z, 32, 1, 32, 1);
    cr_assert_eq(sum.value, 196.0);
}

/* Values that a block can have must come back as they were. */
static void check_round_trip(const char *name, void *block, const float *x, size_t n)
{
    double y[64];
    ref_type_find(name)->dequantize(y, block);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(y[i], (double)x[i], "%s: [%zu] is %g, not %g", name, i, y[i], (double)x[i]);
}

Test(four_bit, quantize_what_there_is)
{
    static const float fp4[8] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
    static const float iq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    float x[64];
    for (int i = 0; i < 64; i++)
        x[i] = (i / 8 % 2 ? -4.0f : 4.0f) * fp4[i % 8];
    struct ref_mxfp4 mxfp4;
    ref_quantize_mxfp4(&mxfp4, x, 1);
    cr_assert_eq(mxfp4.e, 129); /* the largest is 24 = 2^4 * 1.5: 4 - 2 + 127 */
    check_round_trip("mxfp4", &mxfp4, x, 32);
    struct ref_nvfp4 nvfp4;
    ref_quantize_nvfp4(&nvfp4, x, 1);
    cr_assert_eq(nvfp4.d[3], 0x48); /* 24 / 6 = 4 = 2^2: exponent 9 */
    check_round_trip("nvfp4", &nvfp4, x, 64);
    for (int i = 0; i < 32; i++)
        x[i] = iq4[i % 16] / 4.0f;
    struct ref_iq4_nl iq4_nl;
    ref_quantize_iq4_nl(&iq4_nl, x, 1);
    cr_assert_eq(iq4_nl.d, 0x3400); /* 1/4; no error, so no better scale */
    check_round_trip("iq4_nl", &iq4_nl, x, 32);
}

Test(four_bit, quantize_extremes)
{
    float x[64] = {0};
    struct ref_mxfp4 mxfp4;
    ref_quantize_mxfp4(&mxfp4, x, 1);
    cr_assert(mxfp4.e == 0 && mxfp4.qs[0] == 0);
    x[1] = 7.9f; /* 2^2 becomes 4, so the scale is 1 and the nearest is 6 */
    ref_quantize_mxfp4(&mxfp4, x, 1);
    cr_assert(mxfp4.e == 127 && mxfp4.qs[1] == 0x07);
    x[1] = 1e6f; /* above 6 * 448 */
    struct ref_nvfp4 nvfp4;
    ref_quantize_nvfp4(&nvfp4, x, 1);
    cr_assert(nvfp4.d[0] == 0x7e && nvfp4.qs[1] == 0x07 && nvfp4.d[1] == 0);
    x[1] = 6.375f; /* / 6 is 1.0625, half way from 1 to 1.125: up */
    ref_quantize_nvfp4(&nvfp4, x, 1);
    cr_assert_eq(nvfp4.d[0], 0x39);
    struct ref_iq4_nl iq4_nl;
    const float zeros[32] = {0};
    ref_quantize_iq4_nl(&iq4_nl, zeros, 1);
    cr_assert_eq(iq4_nl.d, 0);
    cr_assert_eq(iq4_nl.qs[0], 0x88); /* the place of 1 is the nearest to 0 */
}

Test(four_bit, plain)
{
    const uint16_t f16[4] = {ONE, TWO, HALF, 0xc500}; /* 1 2; 1/2 -5 */
    const float y[6] = {3.0f, 0.25f, 9.0f, -1.0f, 2.0f, 9.0f};
    struct ref_sum sums[4];
    ref_mat_vec_plain(sums, "f16", f16, y, 2, 2, 3, 2);
    cr_assert_eq(sums[0].value, 3.5);   /* 3 + 2 / 4 */
    cr_assert_eq(sums[1].value, 0.25);  /* 3 / 2 - 5 / 4 */
    cr_assert_eq(sums[2].value, 3.0);   /* -1 + 4 */
    cr_assert_eq(sums[3].value, -10.5); /* -1 / 2 - 10 */
    cr_assert_eq(sums[3].magnitude, 10.5);
}
