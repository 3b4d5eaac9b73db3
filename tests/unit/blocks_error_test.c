/* How far blocks are from what they were made of, against the least that their format could be: the error
 * with one scale (and minimum) for each group, neither of them rounded to what a block holds, found by trying
 * thousands. No quantiser can do better, so the ratio is at most 1 of the best possible one. */
#include <criterion/criterion.h>
#include <math.h>

#include <qjit/blocks.h>

enum { N_ELEMENTS = 12 * 256 };

static const int iq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
static const int fp4[15] = {-12, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 12};

/* A format as the brute search sees it, and how much worse than that the quantiser may be: the root of the
 * mean squared error. What the formulas of ggml lose, and what rounding scales to few bits costs, is in it.
 */
static const struct format {
    const char *type;
    int group, low, high;
    const int *table;
    int n_table;
    int is_power; /* scales are powers of two */
    double bound;
} formats[] = {
    {"q4_0", 32, -8, 7, NULL, 0, 0, 1.1},        {"q4_1", 32, 0, 15, NULL, 0, 0, 1.16},
    {"q5_0", 32, -16, 15, NULL, 0, 0, 1.1},      {"q5_1", 32, 0, 31, NULL, 0, 0, 1.16},
    {"q8_0", 32, -128, 127, NULL, 0, 0, 1.22},   {"q8_K", 256, -128, 127, NULL, 0, 0, 1.06},
    {"q2_K", 16, 0, 3, NULL, 0, 0, 1.08},        {"q3_K", 16, -4, 3, NULL, 0, 0, 1.04},
    {"q4_K", 32, 0, 15, NULL, 0, 0, 1.06},       {"q5_K", 32, 0, 31, NULL, 0, 0, 1.1},
    {"q6_K", 16, -32, 31, NULL, 0, 0, 1.1},      {"iq4_nl", 32, -127, 113, iq4, 16, 0, 1.01},
    {"iq4_xs", 32, -127, 113, iq4, 16, 0, 1.04}, {"mxfp4", 32, -12, 12, fp4, 15, 1, 1.001},
    {"nvfp4", 16, -12, 12, fp4, 15, 0, 1.1},
};

static double random_uniform(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (double)(state >> 11) * 0x1p-53;
}

/* As weights are: normal, with a few that are larger, and blocks of other sizes. */
static void fill(float *x)
{
    for (int i = 0; i < N_ELEMENTS; i++) {
        const double u = random_uniform(), v = random_uniform();
        const double normal = sqrt(-2 * log(1 - u)) * cos(6.283185307179586 * v);
        x[i] = (float)(0.02 * normal * (random_uniform() < 0.01 ? 4 : 1) * (1 + i / 256 % 3));
    }
}

static double nearest(const struct format *format, double x)
{
    if (!format->table)
        return fmin(fmax(round(x), format->low), format->high);
    double best = format->table[0];
    for (int i = 1; i < format->n_table; i++)
        best = fabs(format->table[i] - x) < fabs(best - x) ? format->table[i] : best;
    return best;
}

/* Squared error of scale * level + offset. */
static double error_with(const struct format *format, const float *x, double scale, double offset)
{
    double error = 0;
    for (int i = 0; i < format->group; i++) {
        const double value = scale * nearest(format, ((double)x[i] - offset) / scale) + offset;
        error += ((double)x[i] - value) * ((double)x[i] - value);
    }
    return error;
}

static double least_error(const struct format *format, const float *x)
{
    double low = 0, high = 0, best = INFINITY;
    for (int i = 0; i < format->group; i++) {
        low = fmin(low, (double)x[i]);
        high = fmax(high, (double)x[i]);
    }
    const double size = fmax(-low, high);
    if (format->is_power)
        for (int e = -30; e < 10; e++)
            best = fmin(best, error_with(format, x, ldexp(1, e), 0));
    else if (format->low < 0)
        for (int i = 0; i < 600; i++) {
            const double scale = size / format->high * (0.4 + 0.0015 * i);
            best = fmin(best, error_with(format, x, scale, 0));
            best = fmin(best, error_with(format, x, -scale, 0));
        }
    else
        for (int i = 0; i < 40; i++)
            for (int j = 0; j < 40; j++) {
                const double offset = low * (0.4 + 0.018 * i), range = (high - low) * (0.4 + 0.018 * j);
                best = fmin(best, error_with(format, x, range / format->high, offset));
            }
    return best;
}

Test(blocks_error, is_near_the_least_possible)
{
    static float x[N_ELEMENTS], y[N_ELEMENTS];
    static uint8_t bytes[N_ELEMENTS * 2];
    fill(x);
    for (size_t t = 0; t < sizeof formats / sizeof formats[0]; t++) {
        const struct format *format = &formats[t];
        const qjit_ggml_type_info *type;
        double error = 0, least = 0;
        cr_assert_eq(qjit_find_ggml_type(&type, format->type), QJIT_OK);
        cr_assert_eq(qjit_quantize_blocks(bytes, type->type, x, N_ELEMENTS), QJIT_OK);
        cr_assert_eq(qjit_dequantize_blocks(y, type->type, bytes, N_ELEMENTS), QJIT_OK);
        for (int i = 0; i < N_ELEMENTS; i++)
            error += ((double)y[i] - (double)x[i]) * ((double)y[i] - (double)x[i]);
        for (int i = 0; i < N_ELEMENTS; i += format->group)
            least += least_error(format, x + i);
        const double ratio = sqrt(error / least);
        cr_log_info("%s: rms error %.4g, %.4f of the least", format->type, sqrt(error / N_ELEMENTS), ratio);
        cr_expect(ratio < format->bound, "%s: %.4f of the least error possible", format->type, ratio);
    }
}
