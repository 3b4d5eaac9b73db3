/* Comparisons: each says how many values are wrong and shows the first of them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "run.h"

/* What to print about the first wrong value. */
struct wrong {
    size_t n, at;
    char text[128];
};

static bool report(struct run *run, const char *what, const struct wrong *wrong, size_t n, size_t first)
{
    if (wrong->n > 0) {
        run_fail(run, "%s: %zu of %zu wrong, first [%zu] %s", what, wrong->n, n, first + wrong->at,
                 wrong->text);
    }
    return wrong->n == 0;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

bool run_expect_exact_f32(struct run *run, const char *what, const float *got, const float *wanted, size_t n,
                          size_t first)
{
    struct wrong wrong = {0};
    for (size_t i = 0; i < n; i++) {
        if (bits_of(got[i]) == bits_of(wanted[i]) || (isnan(got[i]) && isnan(wanted[i]))) {
            continue;
        }
        if (wrong.n++ == 0) {
            wrong.at = i;
            snprintf(wrong.text, sizeof wrong.text, "is %.9g (0x%08x), not %.9g (0x%08x)", (double)got[i],
                     bits_of(got[i]), (double)wanted[i], bits_of(wanted[i]));
        }
    }
    return report(run, what, &wrong, n, first);
}

static bool is_nan_f16(uint16_t bits)
{
    return (bits & 0x7fff) > 0x7c00;
}

bool run_expect_exact_f16(struct run *run, const char *what, const uint16_t *got, const uint16_t *wanted,
                          size_t n, size_t first)
{
    struct wrong wrong = {0};
    for (size_t i = 0; i < n; i++) {
        if (got[i] == wanted[i] || (is_nan_f16(got[i]) && is_nan_f16(wanted[i]))) {
            continue;
        }
        if (wrong.n++ == 0) {
            wrong.at = i;
            snprintf(wrong.text, sizeof wrong.text, "is f16 0x%04x, not 0x%04x", got[i], wanted[i]);
        }
    }
    return report(run, what, &wrong, n, first);
}

bool run_expect_bytes(struct run *run, const char *what, const void *got, const void *wanted, size_t n)
{
    struct wrong wrong = {0};
    const unsigned char *a = got, *b = wanted;
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i] && wrong.n++ == 0) {
            wrong.at = i;
            snprintf(wrong.text, sizeof wrong.text, "is 0x%02x, not 0x%02x", a[i], b[i]);
        }
    }
    return report(run, what, &wrong, n, 0);
}

static bool is_near(double got, double wanted, struct run_tolerance tolerance)
{
    if (isnan(wanted)) {
        return isnan(got);
    }
    /* As f32: what is past its range must come out as infinity. */
    if (isinf((float)wanted)) {
        return got == (double)(float)wanted;
    }
    return fabs(got - wanted) <= tolerance.absolute + tolerance.relative * fabs(wanted);
}

bool run_expect_near(struct run *run, const char *what, const float *got, const double *wanted, size_t n,
                     struct run_tolerance tolerance)
{
    struct wrong wrong = {0};
    for (size_t i = 0; i < n; i++) {
        if (!is_near((double)got[i], wanted[i], tolerance) && wrong.n++ == 0) {
            wrong.at = i;
            snprintf(wrong.text, sizeof wrong.text, "is %.9g, not %.9g (off by %.3g)", (double)got[i],
                     wanted[i], (double)got[i] - wanted[i]);
        }
    }
    return report(run, what, &wrong, n, 0);
}
