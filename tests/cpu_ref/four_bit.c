#include "cpu_ref/four_bit.h"

#include <math.h>

#include "cpu_ref/f16.h"

static const double iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                      1,    13,   25,  38,  53,  69,  89,  113};
static const double e2m1_values[16] = {0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6};

/* 2 n values: the low nibbles of n bytes, then their high nibbles. */
static void look_up(double *out, const double values[16], const uint8_t *qs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = values[qs[i] % 16];
        out[i + n] = values[qs[i] / 16];
    }
}

void ref_dequantize_iq4_nl(double *out, const void *memory)
{
    const struct ref_iq4_nl *block = memory;
    look_up(out, iq4_values, block->qs, 16);
    for (int i = 0; i < 32; i++)
        out[i] *= ref_f16_to_double(block->d);
}

/* Group j of eight: the low four bits of its scale are a nibble of scales_l, low ones first, the upper two
 * bits 2 j and 2 j + 1 of scales_h; 32 is taken off. */
void ref_dequantize_iq4_xs(double *out, const void *memory)
{
    const struct ref_iq4_xs *block = memory;
    for (int j = 0; j < 8; j++) {
        const int byte = block->scales_l[j / 2], low = j % 2 ? byte / 16 : byte % 16;
        const int scale = low + 16 * (block->scales_h >> (2 * j) & 3) - 32;
        look_up(out + 32 * j, iq4_values, block->qs + 16 * j, 16);
        for (int i = 0; i < 32; i++)
            out[32 * j + i] *= ref_f16_to_double(block->d) * scale;
    }
}

double ref_e8m0_to_double(uint8_t bits)
{
    return bits == 255 ? NAN : ldexp(1, bits - 127);
}

double ref_ue4m3_to_double(uint8_t bits)
{
    const int exponent = bits / 8 % 16, fraction = bits % 8;
    if (exponent == 15 && fraction == 7)
        return NAN;
    return exponent == 0 ? ldexp(fraction, -9) : ldexp(8 + fraction, exponent - 10);
}

void ref_dequantize_mxfp4(double *out, const void *memory)
{
    const struct ref_mxfp4 *block = memory;
    look_up(out, e2m1_values, block->qs, 16);
    for (int i = 0; i < 32; i++)
        out[i] *= ref_e8m0_to_double(block->e);
}

/* Four groups of 16, with eight bytes and a scale each. */
void ref_dequantize_nvfp4(double *out, const void *memory)
{
    const struct ref_nvfp4 *block = memory;
    for (int j = 0; j < 4; j++) {
        look_up(out + 16 * j, e2m1_values, block->qs + 8 * j, 8);
        for (int i = 0; i < 16; i++)
            out[16 * j + i] *= ref_ue4m3_to_double(block->d[j]);
    }
}

static uint8_t nearest(const double values[16], double x)
{
    uint8_t best = 0;
    for (uint8_t i = 1; i < 16; i++)
        if (fabs(values[i] - x) < fabs(values[best] - x))
            best = i;
    return best;
}

/* The 2 n quants of x / scale as n bytes, as look_up reads them. */
static void put_nearest(uint8_t *out, const double values[16], const float *x, size_t n, double scale)
{
    for (size_t i = 0; i < n; i++) {
        const double low = scale != 0 ? (double)x[i] / scale : 0;
        const double high = scale != 0 ? (double)x[i + n] / scale : 0;
        out[i] = (uint8_t)(nearest(values, low) | nearest(values, high) << 4);
    }
}

/* With its sign. */
static float largest_of(const float *x, size_t n)
{
    float largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = fabsf(x[i]) > fabsf(largest) ? x[i] : largest;
    return largest;
}

void ref_quantize_iq4_nl(struct ref_iq4_nl *out, const float *x, size_t n_blocks)
{
    for (; n_blocks > 0; n_blocks--, out++, x += 32) {
        double values[32], products = 0, squares = 0;
        put_nearest(out->qs, iq4_values, x, 16, (double)largest_of(x, 32) / -127);
        look_up(values, iq4_values, out->qs, 16);
        for (int i = 0; i < 32; i++) {
            const double weight = (double)x[i] * (double)x[i];
            products += weight * values[i] * (double)x[i];
            squares += weight * values[i] * values[i];
        }
        out->d = ref_f16_from_double(squares > 0 ? products / squares : 0);
    }
}

void ref_quantize_mxfp4(struct ref_mxfp4 *out, const float *x, size_t n_blocks)
{
    for (; n_blocks > 0; n_blocks--, out++, x += 32) {
        const double largest = fabs((double)largest_of(x, 32));
        const int e = largest > 0 ? ilogb(largest) - 2 + 127 : 0;
        out->e = (uint8_t)(e < 0 ? 0 : e > 254 ? 254 : e);
        put_nearest(out->qs, e2m1_values, x, 16, ref_e8m0_to_double(out->e));
    }
}

/* Nearest, halves up, not above 448, whose bits are 0x7e: they grow with the number. */
static uint8_t ue4m3_from_double(double x)
{
    uint8_t bits = 0;
    while (bits < 0x7e && (ref_ue4m3_to_double(bits) + ref_ue4m3_to_double((uint8_t)(bits + 1))) / 2 <= x)
        bits++;
    return bits;
}

void ref_quantize_nvfp4(struct ref_nvfp4 *out, const float *x, size_t n_blocks)
{
    for (; n_blocks > 0; n_blocks--, out++)
        for (int j = 0; j < 4; j++, x += 16) {
            out->d[j] = ue4m3_from_double(fabs((double)largest_of(x, 16)) / 6);
            put_nearest(out->qs + 8 * j, e2m1_values, x, 8, ref_ue4m3_to_double(out->d[j]));
        }
}
