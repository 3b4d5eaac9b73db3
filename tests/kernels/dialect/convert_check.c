/* Conversions over all bit patterns. The references know a format only as its table of finite values and
 * round by looking for the nearest one: nothing in common with the kernels' bit operations. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dialect.h"

/* A format's non-negative finite values in ascending order; a value's place is its bit pattern. */
struct format {
    size_t n_finite;
    double *values;
    unsigned sign, overflow; /* overflow: the pattern of what is too large */
    unsigned first_nan;      /* patterns without sign from here on are NaN */
    size_t n_bytes;
};

static void format_init(struct format *out, int n_exponent, int n_mantissa, int bias, size_t n_finite,
                        unsigned overflow, unsigned first_nan)
{
    *out = (struct format){
        n_finite,  malloc(n_finite * sizeof(double)),  1u << (n_exponent + n_mantissa), overflow,
        first_nan, n_exponent + n_mantissa > 7 ? 2 : 1};
    for (size_t i = 0; i < n_finite; i++) {
        int exponent = (int)(i >> n_mantissa), mantissa = (int)(i & ((1u << n_mantissa) - 1));
        int one = 1 << n_mantissa;
        out->values[i] = exponent == 0 ? ldexp(mantissa, 1 - bias - n_mantissa)
                                       : ldexp(one + mantissa, exponent - bias - n_mantissa);
    }
}

/* The nearest value's pattern; between two, the even one. Not for NaN. */
static unsigned format_round(const struct format *format, float x)
{
    double size = fabs((double)x);
    unsigned sign = signbit(x) ? format->sign : 0;
    size_t low = 0, high = format->n_finite;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (format->values[middle] <= size) {
            low = middle;
        } else {
            high = middle;
        }
    }
    double step = format->values[format->n_finite - 1] - format->values[format->n_finite - 2];
    double next = high < format->n_finite ? format->values[high] : format->values[low] + step;
    double to_low = size - format->values[low], to_next = next - size;
    bool up = to_next < to_low || (to_next == to_low && (low & 1) != 0);
    unsigned bits = (unsigned)low + up;
    return sign | (bits >= format->n_finite ? format->overflow : bits);
}

/* Every value, every midpoint of two neighbours and the floats on both sides of it, both signs, and the ends.
 */
static float *make_inputs(const struct format *format, size_t *n)
{
    static const float ends[] = {FLT_MAX,   INFINITY, NAN,     FLT_MIN, FLT_TRUE_MIN,
                                 65519.99f, 65520.0f, 463.99f, 464.0f};
    size_t n_random = 100000, n_ends = sizeof ends / sizeof *ends;
    float *inputs = malloc((format->n_finite * 8 + n_ends * 2 + n_random) * sizeof *inputs), *at = inputs;
    for (size_t i = 0; i < format->n_finite; i++) {
        double next =
            i + 1 < format->n_finite ? format->values[i + 1] : 2 * format->values[i] - format->values[i - 1];
        float middle = (float)((format->values[i] + next) / 2);
        const float near[4] = {(float)format->values[i], middle, nextafterf(middle, 0),
                               nextafterf(middle, INFINITY)};
        for (int k = 0; k < 4; k++) {
            *at++ = near[k];
            *at++ = -near[k];
        }
    }
    for (size_t i = 0; i < n_ends; i++) {
        *at++ = ends[i];
        *at++ = -ends[i];
    }
    uint32_t state = 5;
    for (size_t i = 0; i < n_random; i++) {
        uint32_t bits = dialect_random(&state);
        memcpy(at++, &bits, sizeof bits);
    }
    *n = (size_t)(at - inputs);
    return inputs;
}

static bool run(struct conf *c, const char *name, void *out, size_t n_out, const void *in, size_t n_in,
                size_t n)
{
    hipFunction_t kernel = dialect_function(c, dialect_convert, name);
    int count = (int)n;
    if (kernel == NULL) {
        return false;
    }
    memset(out, 0, n_out);
    void *from = dialect_upload(c, in, n_in), *to = dialect_upload(c, out, n_out);
    bool ran = OK(c, conf_launch(c, kernel, (unsigned)(n + 255) / 256, 256, 0, NULL,
                                 (void *[]){&to, &from, &count})) &&
               dialect_download(c, out, to, n_out);
    c->hip.hipFree(from);
    return ran;
}

static unsigned pattern(const struct format *format, const void *out, size_t i)
{
    return format->n_bytes == 2 ? ((const uint16_t *)out)[i] : ((const uint8_t *)out)[i];
}

static void check_from_float(struct conf *c, const char *name, const struct format *format)
{
    size_t n, n_right = 0, bad = 0;
    float *inputs = make_inputs(format, &n);
    void *out = calloc(n, format->n_bytes);
    if (run(c, name, out, n * format->n_bytes, inputs, n * sizeof *inputs, n)) {
        for (size_t i = 0; i < n; i++) {
            unsigned got = pattern(format, out, i);
            bool right = isnan(inputs[i]) ? (got & (format->sign - 1)) >= format->first_nan
                                          : got == format_round(format, inputs[i]);
            bad = !right && n_right == i ? i : bad;
            n_right += right;
        }
        dialect_count(c, name, n_right, n, bad);
    }
    free(inputs);
    free(out);
}

static void check_to_float(struct conf *c, const char *name, const struct format *format)
{
    size_t n = (size_t)format->sign * 2, n_right = 0, bad = 0;
    unsigned char *in = calloc(n, format->n_bytes);
    float *out = malloc(n * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        uint16_t bits = (uint16_t)i;
        memcpy(in + i * format->n_bytes, &bits, format->n_bytes);
    }
    if (run(c, name, out, n * sizeof *out, in, n * format->n_bytes, n)) {
        for (size_t i = 0; i < n; i++) {
            size_t place = i & (format->sign - 1);
            float wanted = place < format->n_finite ? (float)format->values[place] : INFINITY;
            wanted = i >= format->sign ? -wanted : wanted;
            bool right =
                place >= format->first_nan ? isnan(out[i]) : memcmp(&out[i], &wanted, sizeof wanted) == 0;
            bad = !right && n_right == i ? i : bad;
            n_right += right;
        }
        dialect_count(c, name, n_right, n, bad);
    }
    free(in);
    free(out);
}

static void f16(struct conf *c)
{
    struct format format;
    format_init(&format, 5, 10, 15, 0x7c00, 0x7c00, 0x7c01);
    check_to_float(c, "float_from_f16", &format);
    check_from_float(c, "f16_from_float", &format);
    check_from_float(c, "f16_from_template", &format);
    free(format.values);
}

static void bf16(struct conf *c)
{
    struct format format;
    format_init(&format, 8, 7, 127, 0x7f80, 0x7f80, 0x7f81);
    check_to_float(c, "float_from_bf16", &format);
    check_from_float(c, "bf16_from_float", &format);
    free(format.values);
}

static void f8(struct conf *c)
{
    struct format format;
    format_init(&format, 4, 3, 7, 0x7f, 0x7e, 0x7f);
    check_to_float(c, "float_from_f8", &format);
    check_from_float(c, "f8_from_float", &format);
    free(format.values);
}

const struct conf_case dialect_convert_cases[] = {
    {"convert", "f16", 0, f16},
    {"convert", "bf16", 0, bf16},
    {"convert", "f8", 0, f8},
    {NULL, NULL, 0, NULL},
};
