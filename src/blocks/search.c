/* Sums are in double, so that the square of no float is too large for them. */
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

/* Least squares for the levels that 1 / inverse chooses: the scale, and by how much it takes the squared
 * error below that of zeros. */
static double fit_scale(double *out_gain, const float *x, int n, const struct qj_levels *levels,
                        double inverse)
{
    double products = 0, squares = 0;
    for (int i = 0; i < n; i++) {
        const int level = qj_level(levels, (double)x[i] * inverse);
        products += (double)x[i] * level;
        squares += (double)level * level;
    }
    *out_gain = squares > 0 ? products * products / squares : 0;
    return squares > 0 ? products / squares : 0;
}

double qj_search_scale(const float *x, int n, const struct qj_levels *levels)
{
    double largest = 0, best = 0, best_gain = 0;
    for (int i = 0; i < n; i++) {
        const double size = x[i] < 0 ? -(double)x[i] : (double)x[i];
        largest = size > largest ? size : largest;
    }
    if (largest == 0) {
        return 0;
    }
    const double end = levels->low < 0 ? -levels->low : levels->high;
    const double step = levels->table ? end / 50 : 0.1;
    for (int sign = -1; sign <= 1; sign += 2) {
        for (int try = 0; try < N_TRIES; try++) {
            double gain;
            const double inverse = sign * (end + step * (FIRST_TRY + try)) / largest;
            const double scale = fit_scale(&gain, x, n, levels, inverse);
            if (gain > best_gain) {
                best_gain = gain;
                best = scale;
            }
        }
    }
    return best;
}

/* ---- with a minimum ---- */

struct line {
    double scale, minimum; /* x is about scale * q - minimum */
    double error;
};

/* Least squares for the quants that (x + minimum) * inverse chooses. */
static struct line fit_line(const float *x, int n, int high, double minimum, double inverse)
{
    double sum_q = 0, sum_qq = 0, sum_x = 0, sum_xq = 0, sum_xx = 0;
    for (int i = 0; i < n; i++) {
        const double q = qj_nearest(((double)x[i] + minimum) * inverse, 0, high), value = (double)x[i];
        sum_q += q;
        sum_qq += q * q;
        sum_x += value;
        sum_xq += value * q;
        sum_xx += value * value;
    }
    struct line line = {.minimum = minimum};
    const double determinant = n * sum_qq - sum_q * sum_q;
    if (determinant > 0) {
        line.scale = (n * sum_xq - sum_q * sum_x) / determinant;
        line.minimum = (sum_q * sum_xq - sum_qq * sum_x) / determinant;
    } else {
        line.minimum = -sum_x / n;
    }
    if (line.minimum < 0) {
        line.minimum = 0;
        line.scale = sum_qq > 0 ? sum_xq / sum_qq : 0;
    }
    line.scale = line.scale > 0 ? line.scale : 0;
    line.error = line.scale * line.scale * sum_qq - 2 * line.scale * line.minimum * sum_q +
                 n * line.minimum * line.minimum - 2 * line.scale * sum_xq + 2 * line.minimum * sum_x +
                 sum_xx;
    return line;
}

void qj_search_scale_and_minimum(double *out_scale, double *out_minimum, const float *x, int n, int high)
{
    double lowest = 0, highest = x[0];
    for (int i = 0; i < n; i++) {
        lowest = (double)x[i] < lowest ? (double)x[i] : lowest;
        highest = (double)x[i] > highest ? (double)x[i] : highest;
    }
    struct line best = {.minimum = -lowest};
    bool found = false;
    for (int try = 0; try < N_TRIES && highest > lowest; try++) {
        const double inverse = (high + 0.1 * (FIRST_TRY_OF_LINE + try)) / (highest - lowest);
        struct line line = fit_line(x, n, high, -lowest, inverse);
        if (line.scale > 0) { /* once more, with the quants that it would choose itself */
            const struct line again = fit_line(x, n, high, line.minimum, 1 / line.scale);
            line = again.error < line.error ? again : line;
        }
        if (!found || line.error < best.error) {
            best = line;
            found = true;
        }
    }
    *out_scale = best.scale;
    *out_minimum = best.minimum;
}
