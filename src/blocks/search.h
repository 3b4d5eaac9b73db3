/* Scales with a small squared error, for one group of values. */
#ifndef QJ_BLOCKS_SEARCH_H
#define QJ_BLOCKS_SEARCH_H

#include <stdint.h>

/* The values that a quant can stand for, before they are scaled. */
struct qj_levels {
    const int8_t *table; /* n of them, ascending; NULL: every integer from `low` to `high` */
    int n, low, high;
};

/* The one nearest to x, as a value; and as a place in the table, or above `low`. */
int qj_level(const struct qj_levels *levels, double x);
int qj_level_place(const struct qj_levels *levels, double x);

/* The best `scale`, of either sign, for scale * level: those are tried that put the largest value at or near
 * an end of the levels, each then fitted by least squares to the levels that it chose. */
double qj_search_scale(const float *x, int n, const struct qj_levels *levels);

/* The same for scale * q - minimum with q from 0 to `high` and neither of them negative. */
void qj_search_scale_and_minimum(double *out_scale, double *out_minimum, const float *x, int n, int high);

/* The squared error of scale * (nearest level). */
double qj_scale_error(const float *x, int n, const struct qj_levels *levels, double scale);

#endif
