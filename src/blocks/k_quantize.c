/* Q2_K to Q6_K made: a search for each group's scale, then the scales themselves quantised, then the elements
 * by the scales that came out of that. */
#include "blocks/blocks.h"
#include "blocks/layout.h"
#include "blocks/number.h"
#include "blocks/pack.h"
#include "blocks/search.h"

enum { MAX_GROUPS = 16 };

/* ---- scale alone: Q3_K, Q6_K ---- */

/* Group scales of `n_groups` groups as d * code, code from -limit to limit - 1; quants above levels->low. */
static void quantize_scaled(uint8_t d[2], int codes[], int q[QJ_SUPER], const float *x, int n_groups,
                            const struct qj_levels *levels, int limit)
{
    const int size = QJ_SUPER / n_groups;
    double scales[MAX_GROUPS], largest = 0;
    for (int g = 0; g < n_groups; g++) {
        scales[g] = qj_search_scale(x + g * size, size, levels);
        if (scales[g] * scales[g] > largest * largest) {
            largest = scales[g];
        }
    }
    const double step = (double)qj_put_scale(d, (float)(largest / -limit));
    for (int g = 0; g < n_groups; g++) {
        codes[g] = step == 0 ? 0 : qj_nearest(scales[g] / step, -limit, limit - 1);
    }
    for (int i = 0; i < QJ_SUPER; i++) {
        const int g = i / size;
        const double scale = step * codes[g];
        q[i] = scale == 0 ? -levels->low : qj_level_place(levels, (double)x[i] / scale);
    }
}

void qj_quantize_Q3_K(void *out, const float *x, size_t n)
{
    static const struct qj_levels levels = {.low = -4, .high = 3};
    int q[QJ_SUPER], codes[16];
    for (struct qj_q3_K *block = out; n > 0; n--, block++, x += QJ_SUPER) {
        quantize_scaled(block->d, codes, q, x, 16, &levels, 32);
        for (int g = 0; g < 16; g++) {
            codes[g] += 32;
        }
        qj_put_scales_q3(block->scales, codes);
        qj_put_pairs(block->qs, q);
        qj_put_bits(block->hmask, q, 2);
    }
}

void qj_quantize_Q6_K(void *out, const float *x, size_t n)
{
    static const struct qj_levels levels = {.low = -32, .high = 31};
    int q[QJ_SUPER], codes[16];
    for (struct qj_q6_K *block = out; n > 0; n--, block++, x += QJ_SUPER) {
        quantize_scaled(block->d, codes, q, x, 16, &levels, 128);
        for (int g = 0; g < 16; g++) {
            block->scales[g] = (uint8_t)codes[g];
        }
        qj_put_q6(block->ql, block->qh, q);
    }
}

/* ---- scale and minimum: Q2_K, Q4_K, Q5_K ---- */

struct lines {
    uint8_t *d, *dmin;
    int scales[MAX_GROUPS], minima[MAX_GROUPS], q[QJ_SUPER];
};

/* Codes of n numbers, none negative, from 0 to `high` in units of an f16, which is given. */
static double put_codes(uint8_t unit[2], int codes[], const double *numbers, int n, int high)
{
    double largest = 0;
    for (int i = 0; i < n; i++) {
        largest = numbers[i] > largest ? numbers[i] : largest;
    }
    const double step = (double)qj_put_scale(unit, (float)(largest / high));
    for (int i = 0; i < n; i++) {
        codes[i] = step == 0 ? 0 : qj_nearest(numbers[i] / step, 0, high);
    }
    return step;
}

static void quantize_lines(struct lines *out, const float *x, int n_groups, int high, int code_high)
{
    const int size = QJ_SUPER / n_groups;
    double scales[MAX_GROUPS], minima[MAX_GROUPS];
    for (int g = 0; g < n_groups; g++) {
        qj_search_scale_and_minimum(&scales[g], &minima[g], x + g * size, size, high);
    }
    const double d = put_codes(out->d, out->scales, scales, n_groups, code_high);
    const double dmin = put_codes(out->dmin, out->minima, minima, n_groups, code_high);
    for (int i = 0; i < QJ_SUPER; i++) {
        const int g = i / size;
        const double scale = d * out->scales[g], minimum = dmin * out->minima[g];
        out->q[i] = scale == 0 ? 0 : qj_nearest(((double)x[i] + minimum) / scale, 0, high);
    }
}

void qj_quantize_Q2_K(void *out, const float *x, size_t n)
{
    for (struct qj_q2_K *block = out; n > 0; n--, block++, x += QJ_SUPER) {
        struct lines lines = {.d = block->d, .dmin = block->dmin};
        quantize_lines(&lines, x, 16, 3, 15);
        for (int g = 0; g < 16; g++) {
            block->scales[g] = (uint8_t)(lines.scales[g] | lines.minima[g] << 4);
        }
        qj_put_pairs(block->qs, lines.q);
    }
}

void qj_quantize_Q4_K(void *out, const float *x, size_t n)
{
    for (struct qj_q4_K *block = out; n > 0; n--, block++, x += QJ_SUPER) {
        struct lines lines = {.d = block->d, .dmin = block->dmin};
        quantize_lines(&lines, x, 8, 15, 63);
        qj_put_scales_q4(block->scales, lines.scales, lines.minima);
        qj_put_nibbles(block->qs, lines.q);
    }
}

void qj_quantize_Q5_K(void *out, const float *x, size_t n)
{
    for (struct qj_q5_K *block = out; n > 0; n--, block++, x += QJ_SUPER) {
        struct lines lines = {.d = block->d, .dmin = block->dmin};
        quantize_lines(&lines, x, 8, 31, 63);
        qj_put_scales_q4(block->scales, lines.scales, lines.minima);
        qj_put_nibbles(block->qs, lines.q);
        qj_put_bits(block->qh, lines.q, 4);
    }
}
