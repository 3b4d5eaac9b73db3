#include "weights.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* clang-format off */
const struct weights_type weights_types[WEIGHTS_TYPES] = {
    {"q4_0",   SCALES_F16,   {0, 0},     {32, 256, 32},  {256, 512, false},  {64, 128},  "q4_0_cuda", 16},
    {"q4_1",   SCALES_F16,   {0, 2},     {32, 256, 32},  {256, 512, false},  {64, 128},  "q4_1_cuda", 16},
    {"q5_0",   SCALES_F16,   {0, 0},     {256, 512, 1},  {256, 512, false},  {128, 64},  "q5_0_cuda", 16},
    {"q5_1",   SCALES_F16,   {0, 2},     {256, 512, 1},  {256, 512, false},  {128, 64},  "q5_1_cuda", 16},
    {"q8_0",   SCALES_F16,   {0, 0},     {32, 256, 32},  {256, 512, false},  {128, 64},  "q8_0_cuda", 4},
    {"q2_K",   SCALES_F16,   {80, 82},   {64, 256, 0},   {64, 256, true},    {64, 128},  "q2_k", 4},
    {"q3_K",   SCALES_F16,   {108, 108}, {64, 256, 0},   {64, 256, true},    {128, 128}, "q3_k", 4},
    {"q4_K",   SCALES_F16,   {0, 2},     {32, 256, 0},   {32, 256, true},    {64, 128},  "q4_k", 16},
    {"q5_K",   SCALES_F16,   {0, 2},     {64, 256, 0},   {64, 256, true},    {64, 128},  "q5_k", 16},
    {"q6_K",   SCALES_F16,   {208, 208}, {64, 256, 0},   {64, 256, true},    {64, 64},   "q6_k", 4},
    {"q8_K",   SCALES_F32,   {0, 0},     {32, 256, 0},   {0, 0, false},      {0, 0},     NULL, 0},
    {"iq4_nl", SCALES_F16,   {0, 0},     {256, 1024, 1}, {256, 1024, false}, {64, 128},  NULL, 16},
    {"iq4_xs", SCALES_F16,   {0, 0},     {256, 1024, 1}, {256, 1024, false}, {64, 128},  NULL, 16},
    {"mxfp4",  SCALES_E8M0,  {0, 0},     {256, 1024, 1}, {256, 1024, false}, {64, 128},  NULL, 16},
    {"nvfp4",  SCALES_UE4M3, {0, 0},     {256, 1024, 1}, {256, 1024, false}, {64, 128},  NULL, 16},
};
/* clang-format on */

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

void weights_set_scales(const struct weights_type *type, unsigned char *block, uint16_t scale,
                        uint16_t minimum)
{
    const uint32_t both = (uint32_t)scale << 16 | minimum;
    const unsigned char bytes[4] = {(unsigned char)(scale >> 8), (unsigned char)(minimum >> 8),
                                    (unsigned char)scale, (unsigned char)minimum};
    switch (type->format) {
    case SCALES_F16:
        memcpy(block + type->scales[1], &minimum, sizeof minimum);
        memcpy(block + type->scales[0], &scale, sizeof scale);
        break;
    case SCALES_F32:
        memcpy(block, &both, sizeof both);
        break;
    case SCALES_E8M0:
        block[0] = bytes[0];
        break;
    case SCALES_UE4M3:
        memcpy(block, bytes, sizeof bytes);
        break;
    }
}

/* A byte of E8M0 or UE4M3 as weights_random_f16 has a number: about 1, or an extreme. */
static unsigned char random_byte(struct run *run, const struct weights_type *type, enum weights_kind kind)
{
    static const unsigned char e8m0[] = {0, 1, 2, 127, 200, 253, 254};
    static const unsigned char ue4m3[] = {0x00, 0x80, 0x01, 0x81, 0x07, 0x08, 0x7e, 0xfe};
    if (kind == WEIGHTS_FINITE) {
        return (unsigned char)(type->format == SCALES_E8M0 ? 117 + run_random_below(run, 12)
                                                           : run_random_below(run, 0x7f));
    }
    return type->format == SCALES_E8M0 ? e8m0[run_random_below(run, sizeof e8m0)]
                                       : ue4m3[run_random_below(run, sizeof ue4m3)];
}

static void fill_scales(struct run *run, const struct weights_type *type, enum weights_kind kind,
                        unsigned char *block)
{
    if (type->format == SCALES_F16) {
        const uint16_t scale = weights_random_f16(run, kind), minimum = weights_random_f16(run, kind);
        weights_set_scales(type, block, scale, minimum);
        return;
    }
    for (size_t i = 0; i < (type->format == SCALES_UE4M3 ? 4 : 1); i++) {
        block[i] = random_byte(run, type, kind);
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
        fill_scales(run, type, kind, (unsigned char *)blocks + i * n_bytes);
    }
}

static bool is_right(double got, const struct ref_sum *wanted, size_t n_additions)
{
    const double units = (double)(n_additions + 16);
    if (!isfinite(wanted->value) || fabs(wanted->value) > 2 * (double)FLT_MAX) {
        return !isfinite(got);
    }
    if (!isfinite(got)) {
        return wanted->magnitude >= (double)FLT_MAX;
    }
    return fabs(got - wanted->value) <= units * (ldexp(wanted->magnitude, -24) + ldexp(1, -149));
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

bool weights_fuzz(struct run *run, const struct ref_type *type, enum weights_kind *kind, size_t *k, size_t *n)
{
    if (!run_fuzz(run)) {
        return false;
    }
    *k = type->n_elements * run_random_size(run, 16384 / type->n_elements);
    *n = run_random_size(run, 65536 / *k + 1);
    *kind = run_random_below(run, 2) ? WEIGHTS_BYTES : WEIGHTS_FINITE;
    return true;
}
