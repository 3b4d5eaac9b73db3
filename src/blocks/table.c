/* The types whose quants are places in a table: IQ4_NL, IQ4_XS, MXFP4 and NVFP4. */
#include "blocks/blocks.h"
#include "blocks/layout.h"
#include "blocks/number.h"
#include "blocks/search.h"

static const int8_t iq4_table[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                     1,    13,   25,  38,  53,  69,  89,  113};
static const struct qj_levels iq4_levels = {.table = iq4_table, .n = 16, .low = -127, .high = 113};

/* E2M1 (sign, two bits of exponent, one of fraction), twice as large: these are integers. */
static const int8_t fp4_table[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
/* The same in order, without the second zero and with the last one twice: a search by halves wants sixteen.
 */
static const int8_t fp4_sorted[16] = {-12, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 12, 12};
static const struct qj_levels fp4_levels = {.table = fp4_sorted, .n = 16, .low = -12, .high = 12};

/* 2 n quants as n bytes: the low nibbles are the first half. */
static void put_places(uint8_t *qs, const uint8_t *places, int n)
{
    for (int i = 0; i < n; i++) {
        qs[i] = (uint8_t)(places[i] | places[i + n] << 4);
    }
}

static void get_values(float *out, float scale, const int8_t table[16], const uint8_t *qs, int n)
{
    for (int i = 0; i < n; i++) {
        out[i] = scale * (float)table[qs[i] & 15];
        out[i + n] = scale * (float)table[qs[i] >> 4];
    }
}

/* ---- IQ4_NL, IQ4_XS ---- */

static void put_iq4(uint8_t qs[16], const float *x, double scale)
{
    uint8_t places[QJ_BLOCK];
    for (int i = 0; i < QJ_BLOCK; i++) {
        places[i] = (uint8_t)qj_level_place(&iq4_levels, scale == 0 ? 0 : (double)x[i] / scale);
    }
    put_places(qs, places, 16);
}

void qj_quantize_IQ4_NL(void *out, const float *x, size_t n)
{
    for (struct qj_iq4_nl *block = out; n > 0; n--, block++, x += QJ_BLOCK) {
        const float d = qj_put_scale(block->d, (float)qj_search_scale(x, QJ_BLOCK, &iq4_levels));
        put_iq4(block->qs, x, (double)d);
    }
}

void qj_quantize_IQ4_XS(void *out, const float *x, size_t n)
{
    for (struct qj_iq4_xs *block = out; n > 0; n--, block++, x += QJ_SUPER) {
        double scales[8], largest = 0;
        uint32_t high = 0, low = 0;
        for (int g = 0; g < 8; g++) {
            scales[g] = qj_search_scale(x + QJ_BLOCK * g, QJ_BLOCK, &iq4_levels);
            largest = scales[g] * scales[g] > largest * largest ? scales[g] : largest;
        }
        const double d = (double)qj_put_scale(block->d, (float)(largest / -32));
        for (int g = 0; g < 8; g++) {
            const int code = d == 0 ? 0 : qj_nearest(scales[g] / d, -32, 31);
            put_iq4(block->qs + 16 * g, x + QJ_BLOCK * g, d * code);
            low |= (uint32_t)((code + 32) & 15) << (4 * g);
            high |= (uint32_t)((code + 32) >> 4) << (2 * g);
        }
        qj_put_u32(block->scales_l, low);
        qj_put_u16(block->scales_h, high);
    }
}

void qj_dequantize_IQ4_NL(float *out, const void *blocks, size_t n)
{
    for (const struct qj_iq4_nl *block = blocks; n > 0; n--, block++, out += QJ_BLOCK) {
        get_values(out, qj_get_f16(block->d), iq4_table, block->qs, 16);
    }
}

void qj_dequantize_IQ4_XS(float *out, const void *blocks, size_t n)
{
    for (const struct qj_iq4_xs *block = blocks; n > 0; n--, block++, out += QJ_SUPER) {
        const uint32_t high = qj_get_u16(block->scales_h), low = qj_get_u32(block->scales_l);
        for (int g = 0; g < 8; g++) {
            const int code = (int)((low >> (4 * g) & 15) | (high >> (2 * g) & 3) << 4) - 32;
            get_values(out + QJ_BLOCK * g, qj_get_f16(block->d) * (float)code, iq4_table, block->qs + 16 * g,
                       16);
        }
    }
}

/* ---- MXFP4, NVFP4 ---- */

/* Half of an E8M0 number, 2^(e - 128): a subnormal for 0 and 1. 255 is NaN. */
static float half_e8m0(int e)
{
    return qj_float_of_bits(e == 255 ? 0x7fc00000 : e < 2 ? 0x00200000u << e : (uint32_t)(e - 1) << 23);
}

/* Half of an E4M3 number: exponent with bias 7, subnormals, 0x7f NaN; its sign does not count. */
static float half_e4m3(int code)
{
    const int exponent = code >> 3 & 15, fraction = code & 7;
    if ((code & 0x7f) == 0x7f) {
        return qj_float_of_bits(0x7fc00000);
    }
    return exponent == 0 ? (float)fraction * 0x1p-10f
                         : qj_float_of_bits((uint32_t)(exponent + 127 - 7 - 1) << 23) *
                               (1.0f + (float)fraction * 0.125f);
}

/* 2 n values with this scale. -0 is not used. */
static void put_fp4(uint8_t *qs, const float *x, int n, double scale)
{
    uint8_t places[QJ_BLOCK];
    for (int i = 0; i < 2 * n; i++) {
        const int level = qj_level(&fp4_levels, scale == 0 ? 0 : (double)x[i] / scale);
        for (places[i] = 0; fp4_table[places[i]] != level; places[i]++) {
        }
    }
    put_places(qs, places, n);
}

/* Of the codes from `first` to `last`, the one with the least squared error. */
static int best_code(const float *x, int n, float (*scale_of)(int code), int first, int last)
{
    int best = first;
    double best_error = qj_scale_error(x, n, &fp4_levels, (double)scale_of(first));
    for (int code = first + 1; code <= last; code++) {
        const double error = qj_scale_error(x, n, &fp4_levels, (double)scale_of(code));
        if (error < best_error) {
            best_error = error;
            best = code;
        }
    }
    return best;
}

static double largest_size(const float *x, int n)
{
    double largest = 0;
    for (int i = 0; i < n; i++) {
        const double size = x[i] < 0 ? -(double)x[i] : (double)x[i];
        largest = size > largest ? size : largest;
    }
    return largest;
}

/* The first code from which on 6 reaches the largest value, `last` if none does. Codes grow with their
 * scales. */
static int reaching_code(double largest, float (*scale_of)(int code), int last)
{
    int low = 0;
    while (low < last) {
        const int middle = (low + last) / 2;
        if ((double)scale_of(middle) * 12 < largest) {
            low = middle + 1;
        } else {
            last = middle;
        }
    }
    return low;
}

void qj_quantize_MXFP4(void *out, const float *x, size_t n)
{
    for (struct qj_mxfp4 *block = out; n > 0; n--, block++, x += QJ_BLOCK) {
        const int last = reaching_code(largest_size(x, QJ_BLOCK), half_e8m0, 254);
        const int e = last == 0 ? 0 : best_code(x, QJ_BLOCK, half_e8m0, last - 1, last);
        block->e = (uint8_t)e;
        put_fp4(block->qs, x, 16, (double)half_e8m0(e));
    }
}

/* Codes are an eighth of a power of two apart: those tried cut off up to half of the largest value. */
void qj_quantize_NVFP4(void *out, const float *x, size_t n)
{
    for (struct qj_nvfp4 *block = out; n > 0; n--, block++) {
        for (int g = 0; g < 4; g++, x += 16) {
            const int last = reaching_code(largest_size(x, 16), half_e4m3, 0x7e);
            const int code = best_code(x, 16, half_e4m3, last < 8 ? 0 : last - 8, last);
            block->d[g] = (uint8_t)code;
            put_fp4(block->qs + 8 * g, x, 8, (double)half_e4m3(code));
        }
    }
}

void qj_dequantize_MXFP4(float *out, const void *blocks, size_t n)
{
    for (const struct qj_mxfp4 *block = blocks; n > 0; n--, block++, out += QJ_BLOCK) {
        get_values(out, half_e8m0(block->e), fp4_table, block->qs, 16);
    }
}

void qj_dequantize_NVFP4(float *out, const void *blocks, size_t n)
{
    for (const struct qj_nvfp4 *block = blocks; n > 0; n--, block++, out += 64) {
        for (int g = 0; g < 4; g++) {
            get_values(out + 16 * g, half_e4m3(block->d[g]), fp4_table, block->qs + 8 * g, 8);
        }
    }
}
