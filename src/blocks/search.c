#include "blocks/search.h"

#include <stdbool.h>
#include <stddef.h>

#include "blocks/number.h"

/* Ends of the levels that are tried, and how far apart they are: a tenth of a step where steps are coarse, a
 * few thousandths of the range where they are fine. */
enum { N_TRIES = 21, FIRST_TRY = -10, FIRST_TRY_OF_LINE = -7 };

int qj_level_place(const struct qj_levels *levels, double x)
{
    if (!levels->table) {
        return qj_nearest(x, levels->low, levels->high) - levels->low;
    }
    int at = 0;
    for (int step = levels->n / 2; step > 0; step /= 2) { /* n is a power of two */
        const int next = at + step;
        at = x > 0.5 * (levels->table[next - 1] + levels->table[next]) ? next : at;
    }
    return at;
}

int qj_level(const struct qj_levels *levels, double x)
{
    const int place = qj_level_place(levels, x);
    return levels->table ? levels->table[place] : levels->low + place;
}

double qj_scale_error(const float *x, int n, const struct qj_levels *levels, double scale)
{
    double error = 0;
    for (int i = 0; i < n; i++) {
        const double rest = (double)x[i] - (scale == 0 ? 0 : scale * qj_level(levels, (double)x[i] / scale));
        error += rest * rest;
    }
    return error;
}

/* Groups are searched as floats of which the largest is 1, in lanes: compilers compute several at once, and
 * the order of the additions is always the same. */
enum { LANES = 8, MAX_GROUP = 32 };

/* Gives what the values were divided by; 0 if all are 0. */
static double normalise(float out[MAX_GROUP], const float *x, int n)
{
    double largest = 0;
    for (int i = 0; i < n; i++) {
        const double size = x[i] < 0 ? -(double)x[i] : (double)x[i];
        largest = size > largest ? size : largest;
    }
    for (int i = 0; i < n; i++) {
        out[i] = largest > 0 ? (float)((double)x[i] / largest) : 0;
    }
    return largest;
}

static double sum_lanes(const float lanes[LANES])
{
    double sum = 0;
    for (int i = 0; i < LANES; i++) {
        sum += (double)lanes[i];
    }
    return sum;
}

/* Adding this number, and taking it off again, leaves the nearest integer: its unit is 1. */
#define ROUNDING 12582912.0f

static inline float round_between(float x, float low, float high)
{
    x = x < low ? low : x;
    x = x > high ? high : x;
    return x + ROUNDING - ROUNDING;
}

/* What qj_level gives for each of LANES values; between[k] is half way from level k - 1 to level k. */
static inline void choose_levels(float out[LANES], const float *x, float inverse,
                                 const struct qj_levels *levels, const float between[16])
{
    if (!levels->table) {
        for (int i = 0; i < LANES; i++) {
            out[i] = round_between(x[i] * inverse, (float)levels->low, (float)levels->high);
        }
        return;
    }
    for (int i = 0; i < LANES; i++) {
        out[i] = levels->table[0];
    }
    for (int k = 1; k < 16; k++) {
        const float limit = between[k], level = levels->table[k];
        for (int i = 0; i < LANES; i++) {
            out[i] = x[i] * inverse > limit ? level : out[i];
        }
    }
}

/* Least squares for the levels that 1 / inverse chooses: the scale, and by how much it takes the squared
 * error below that of zeros. */
static double fit_scale(double *out_gain, const float *x, int n, const struct qj_levels *levels,
                        const float between[16], float inverse)
{
    float products[LANES] = {0}, squares[LANES] = {0}, level[LANES];
    for (int at = 0; at < n; at += LANES) {
        choose_levels(level, x + at, inverse, levels, between);
        for (int i = 0; i < LANES; i++) {
            products[i] += x[at + i] * level[i];
            squares[i] += level[i] * level[i];
        }
    }
    const double product = sum_lanes(products), square = sum_lanes(squares);
    *out_gain = square > 0 ? product * product / square : 0;
    return square > 0 ? product / square : 0;
}

double qj_search_scale(const float *x, int n, const struct qj_levels *levels)
{
    float values[MAX_GROUP] = {0}, between[16] = {0};
    double best = 0, best_gain = 0;
    const double largest = normalise(values, x, n);
    for (int k = 1; levels->table && k < 16; k++) {
        between[k] = 0.5f * (float)(levels->table[k - 1] + levels->table[k]);
    }
    const double end = levels->low < 0 ? -levels->low : levels->high;
    const double step = levels->table ? end / 50 : 0.1;
    for (int sign = -1; sign <= 1; sign += 2) {
        for (int try = 0; try < N_TRIES; try++) {
            double gain;
            const float inverse = (float)(sign * (end + step * (FIRST_TRY + try)));
            const double scale = fit_scale(&gain, values, n, levels, between, inverse);
            if (gain > best_gain) {
                best_gain = gain;
                best = scale;
            }
        }
    }
    return best * largest;
}

/* ---- with a minimum ---- */

struct line {
    double scale, minimum; /* x is about scale * q - minimum */
    double error;          /* less the sum of the squares of x */
};

/* Least squares for the quants that (x + minimum) * inverse chooses. */
static struct line fit_line(const float *x, int n, double sum_x, int high, float minimum, float inverse)
{
    float qs[LANES] = {0}, squares[LANES] = {0}, products[LANES] = {0};
    for (int at = 0; at < n; at += LANES) {
        for (int i = 0; i < LANES; i++) {
            const float q = round_between((x[at + i] + minimum) * inverse, 0, (float)high);
            qs[i] += q;
            squares[i] += q * q;
            products[i] += x[at + i] * q;
        }
    }
    const double sum_q = sum_lanes(qs), sum_qq = sum_lanes(squares), sum_xq = sum_lanes(products);
    struct line line = {.minimum = -sum_x / n};
    const double determinant = n * sum_qq - sum_q * sum_q;
    if (determinant > 0) {
        line.scale = (n * sum_xq - sum_q * sum_x) / determinant;
        line.minimum = (sum_q * sum_xq - sum_qq * sum_x) / determinant;
    }
    if (line.minimum < 0) {
        line.minimum = 0;
        line.scale = sum_qq > 0 ? sum_xq / sum_qq : 0;
    }
    line.scale = line.scale > 0 ? line.scale : 0;
    line.error = line.scale * line.scale * sum_qq - 2 * line.scale * line.minimum * sum_q +
                 n * line.minimum * line.minimum - 2 * line.scale * sum_xq + 2 * line.minimum * sum_x;
    return line;
}

void qj_search_scale_and_minimum(double *out_scale, double *out_minimum, const float *x, int n, int high)
{
    float values[MAX_GROUP] = {0}, lowest = 0;
    const double largest = normalise(values, x, n);
    double sum = 0;
    float highest = values[0];
    for (int i = 0; i < n; i++) {
        lowest = values[i] < lowest ? values[i] : lowest;
        highest = values[i] > highest ? values[i] : highest;
        sum += (double)values[i];
    }
    struct line best = {.minimum = (double)-lowest};
    bool found = false;
    for (int try = 0; try < N_TRIES && highest > lowest; try++) {
        const float inverse = ((float)high + 0.1f * (float)(FIRST_TRY_OF_LINE + try)) / (highest - lowest);
        struct line line = fit_line(values, n, sum, high, -lowest, inverse);
        if (line.scale > 0) { /* once more, with the quants that it would choose itself */
            const struct line again =
                fit_line(values, n, sum, high, (float)line.minimum, (float)(1 / line.scale));
            line = again.error < line.error ? again : line;
        }
        if (!found || line.error < best.error) {
            best = line;
            found = true;
        }
    }
    *out_scale = best.scale * largest;
    *out_minimum = best.minimum * largest;
}
