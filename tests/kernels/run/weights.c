#include "weights.h"

#include <math.h>
#include <string.h>

const struct weights_type weights_types[WEIGHTS_TYPES] = {
    {"q4_0", {0, 0}},   {"q4_1", {0, 2}},     {"q5_0", {0, 0}}, {"q5_1", {0, 2}}, {"q8_0", {0, 0}},
    {"q2_K", {80, 82}}, {"q3_K", {108, 108}}, {"q4_K", {0, 2}}, {"q5_K", {0, 2}}, {"q6_K", {208, 208}},
};

const char *const weights_kind_names[WEIGHTS_KINDS] = {"finite", "random bytes", "extreme scales", "zeros"};

uint16_t weights_random_f16(struct run *run, enum weights_kind kind)
{
    static const uint16_t extremes[] = {0x0000, 0x8000, 0x0001, 0x8001, 0x03ff, 0x0400, 0x7bff, 0xfbff};
    switch (kind) {
    case WEIGHTS_FINITE: /* 2^-10 to 2^2, of either sign */
        return (uint16_t)((5u + run_random_below(run, 12)) << 10 | (run_random(run) & 0x83ff));
    case WEIGHTS_BYTES:
        return (uint16_t)run_random(run);
    case WEIGHTS_EXTREME:
        return extremes[run_random_below(run, sizeof extremes / sizeof *extremes)];
    default:
        return 0;
    }
}

void weights_fill(struct run *run, const struct weights_type *type, enum weights_kind kind, void *blocks,
                  size_t n_blocks)
{
    const size_t n_bytes = ref_type_find(type->name)->n_bytes;
    if (kind == WEIGHTS_ZERO) {
        memset(blocks, 0, n_blocks * n_bytes);
        return;
    }
    run_random_bytes(run, blocks, n_blocks * n_bytes);
    for (size_t i = 0; i < n_blocks && kind != WEIGHTS_BYTES; i++) {
        for (size_t j = 0; j < 2; j++) {
            const uint16_t bits = weights_random_f16(run, kind);
            memcpy((char *)blocks + i * n_bytes + type->scales[j], &bits, sizeof bits);
        }
    }
}

static bool is_right(double got, const struct ref_sum *wanted, size_t n_additions)
{
    if (!isfinite(wanted->value)) {
        return !isfinite(got);
    }
    return fabs(got - wanted->value) <= (double)(n_additions + 16) * ldexp(wanted->magnitude, -24);
}

void weights_expect(struct run *run, const float *got, const struct ref_sum *wanted, size_t n,
                    size_t n_additions)
{
    size_t n_wrong = 0, first = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_right((double)got[i], &wanted[i], n_additions) && n_wrong++ == 0) {
            first = i;
        }
    }
    if (n_wrong > 0) {
        run_fail(run, "%zu of %zu wrong, first [%zu] is %.9g, not %.9g (off by %.3g of %.3g)", n_wrong, n,
                 first, (double)got[first], wanted[first].value, (double)got[first] - wanted[first].value,
                 wanted[first].magnitude);
    }
}

void weights_quantize_q4_0(struct ref_q4_0 *out, const float *x, size_t n_blocks)
{
    for (size_t i = 0; i < n_blocks; i++, x += 32) {
        float largest = 0.0f;
        for (size_t e = 0; e < 32; e++) {
            largest = fabsf(x[e]) > fabsf(largest) ? x[e] : largest;
        }
        const float scale = largest / -8.0f;
        out[i].d = ref_to_f16((double)scale);
        for (size_t e = 0; e < 16; e++) {
            const int low = scale != 0.0f ? (int)(x[e] / scale + 8.5f) : 8;
            const int high = scale != 0.0f ? (int)(x[e + 16] / scale + 8.5f) : 8;
            out[i].qs[e] = (uint8_t)((low > 15 ? 15 : low) | (high > 15 ? 15 : high) << 4);
        }
    }
}
