/* dequantize_block_<T>_f32 and _f16, dequantize_wide_<T>_f32 and _f16: rows of blocks to numbers.
 *
 * The result must be the reference's bits: a scale times a quant fits in a float's significand, so each value
 * is rounded at most once, to f32, and once more to f16. Fusing multiply and add changes nothing then. No
 * tolerance. Required of unusual scales: infinite and NaN ones give what IEEE arithmetic gives (inf * 0 is a
 * NaN), subnormal f16 and f32 ones count as what they are, zeros have IEEE's signs. */
#include <cpu_ref/cpu_ref.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "weights.h"

/* One kernel and how it is called. */
struct subject {
    const struct weights_type *weights;
    const struct ref_type *type;
    char kernel[64];
    bool f16;
    size_t value_bytes;
    unsigned wide_grid; /* of dequantize_wide: blocks of threads at most; 0: it is another kernel */
};

typedef void (*fill_fn)(struct run *run, const struct subject *subject, unsigned char *blocks,
                        size_t n_blocks);

static void fill_zeros(struct run *run, const struct subject *subject, unsigned char *blocks, size_t n_blocks)
{
    (void)run;
    memset(blocks, 0, n_blocks * subject->type->n_bytes);
}

/* Also the scales: one in 32 is an infinity or a NaN. */
static void fill_bytes(struct run *run, const struct subject *subject, unsigned char *blocks, size_t n_blocks)
{
    run_random_bytes(run, blocks, n_blocks * subject->type->n_bytes);
}

/* Finite numbers, as a model has them. */
static void fill_finite(struct run *run, const struct subject *subject, unsigned char *blocks,
                        size_t n_blocks)
{
    fill_bytes(run, subject, blocks, n_blocks);
    for (size_t i = 0; i < n_blocks; i++) {
        uint16_t scale = (uint16_t)run_random_below(run, 0x4000),
                 minimum = (uint16_t)run_random_below(run, 0x4000);
        weights_set_scales(subject->weights, blocks + i * subject->type->n_bytes, scale, minimum);
    }
}

/* Zeros, subnormals, the largest, infinities and NaNs, each with each as scale and minimum. As the halves of
 * an f32 scale they are extremes too. */
static void fill_extremes(struct run *run, const struct subject *subject, unsigned char *blocks,
                          size_t n_blocks)
{
    static const uint16_t scales[] = {0x0000, 0x8000, 0x0001, 0x8001, 0x03ff, 0x0400, 0x7bff,
                                      0xfbff, 0x7c00, 0xfc00, 0x7e00, 0x7f80, 0xff7f, 0x007f};
    const size_t n = sizeof scales / sizeof *scales;
    fill_bytes(run, subject, blocks, n_blocks);
    for (size_t i = 0; i < n_blocks; i++) {
        weights_set_scales(subject->weights, blocks + i * subject->type->n_bytes, scales[i % n],
                           scales[i / n % n]);
    }
}

/* As many of the 65536 bit patterns of a scale as there are blocks, spread evenly; the minimum is random. */
static void fill_every_scale(struct run *run, const struct subject *subject, unsigned char *blocks,
                             size_t n_blocks)
{
    fill_bytes(run, subject, blocks, n_blocks);
    for (size_t i = 0; i < n_blocks; i++) {
        weights_set_scales(subject->weights, blocks + i * subject->type->n_bytes,
                           (uint16_t)(i * 65536 / n_blocks), (uint16_t)run_random(run));
    }
}

/* What the blocks must give, from element `first * elements of a block` on, as f32 or f16. */
static void compute_wanted(void *out, const struct subject *subject, const unsigned char *blocks,
                           size_t n_blocks)
{
    double values[256];
    for (size_t i = 0; i < n_blocks; i++) {
        ref_dequantize(values, subject->type, blocks + i * subject->type->n_bytes, 1);
        for (size_t j = 0; j < subject->type->n_elements; j++) {
            const size_t at = i * subject->type->n_elements + j;
            if (subject->f16) {
                ((uint16_t *)out)[at] = ref_to_f16(values[j]);
            } else {
                ((float *)out)[at] = ref_to_f32(values[j]);
            }
        }
    }
}

static void expect_values(struct run *run, const struct subject *subject, const void *got, const void *wanted,
                          size_t n, size_t first)
{
    if (subject->f16) {
        run_expect_exact_f16(run, "y", got, wanted, n, first);
    } else {
        run_expect_exact_f32(run, "y", got, wanted, n, first);
    }
}

static bool launch(struct run *run, const struct subject *subject, struct run_buffer *x, struct run_buffer *y,
                   size_t n_elements)
{
    if (subject->wide_grid) {
        enum { WIDE = 4096 };
        const size_t n_blocks = (n_elements + WIDE - 1) / WIDE;
        int64_t n = (int64_t)n_elements;
        return run_launch(
            run, subject->kernel,
            (struct run_dim){n_blocks < subject->wide_grid ? (unsigned)n_blocks : subject->wide_grid, 1, 1},
            (struct run_dim){256, 1, 1}, (void *[]){&x->device, &y->device, &n});
    }
    const size_t per_group = subject->weights->dequantize.per_group;
    const unsigned k_counts = subject->weights->dequantize.k_counts;
    const struct run_dim grid = {(unsigned)((n_elements + per_group - 1) / per_group), 1, 1};
    int k = k_counts ? (int)(n_elements / k_counts) : 0;
    return run_launch(run, subject->kernel, grid,
                      (struct run_dim){subject->weights->dequantize.threads, 1, 1},
                      (void *[]){&x->device, &y->device, &k});
}

/* is_view: both buffers start within larger ones, by a block and by a value. */
static void run_one(struct run *run, const struct subject *subject, const char *kind, fill_fn fill,
                    size_t n_blocks, bool is_view)
{
    run_case(run, "%s, %zu blocks%s", kind, n_blocks, is_view ? " within larger buffers" : "");
    const size_t n_bytes = n_blocks * subject->type->n_bytes,
                 n_elements = n_blocks * subject->type->n_elements;
    unsigned char *blocks = run_memory(run, n_bytes);
    fill(run, subject, blocks, n_blocks);
    struct run_buffer *x = run_input(run, "x", blocks, n_bytes, is_view ? subject->type->n_bytes : 0);
    struct run_buffer *y = run_output(run, "y", n_elements * subject->value_bytes,
                                      is_view ? subject->value_bytes * (subject->wide_grid ? 4 : 1) : 0);
    launch(run, subject, x, y, n_elements);
    const void *got = run_result(run, y, 0, y->n);
    if (got) {
        void *wanted = run_memory(run, y->n);
        compute_wanted(wanted, subject, blocks, n_blocks);
        expect_values(run, subject, got, wanted, n_elements, 0);
    }
    run_case_end(run);
}

/* An output of just over 2^31 bytes: the input is a tile of blocks over and over, so the reference is needed
 * once. */
static void run_large(struct run *run, const struct subject *subject)
{
    enum { TILE = 8191 }; /* blocks; odd, so that no power of two divides the tile */
    const size_t tile_values = TILE * subject->type->n_elements, tile_bytes = TILE * subject->type->n_bytes;
    const size_t n_tiles = ((size_t)1 << 31) / (tile_values * subject->value_bytes) + 1;
    size_t free_bytes = 0, total_bytes = 0;
    const size_t needed = n_tiles * (tile_bytes + tile_values * subject->value_bytes);
    if (run->hip.hipMemGetInfo(&free_bytes, &total_bytes) != 0 || free_bytes < needed + (needed >> 3)) {
        run_skip(run, "needs %zu MiB of device memory, %zu are free", needed >> 20, free_bytes >> 20);
        return;
    }
    run_case(run, "more than 2^31 bytes");
    unsigned char *blocks = run_memory(run, n_tiles * tile_bytes);
    void *wanted = run_memory(run, tile_values * subject->value_bytes);
    void *got = run_memory(run, tile_values * subject->value_bytes);
    fill_finite(run, subject, blocks, TILE);
    compute_wanted(wanted, subject, blocks, TILE);
    for (size_t i = 1; i < n_tiles; i++) {
        memcpy(blocks + i * tile_bytes, blocks, tile_bytes);
    }
    struct run_buffer *x = run_input(run, "x", blocks, n_tiles * tile_bytes, 0);
    struct run_buffer *y = run_output(run, "y", n_tiles * tile_values * subject->value_bytes, 0);
    bool ok = launch(run, subject, x, y, n_tiles * tile_values);
    for (size_t i = 0; i < n_tiles && ok; i++) {
        ok = run_download(run, y, i * tile_values * subject->value_bytes, tile_values * subject->value_bytes,
                          got);
        if (ok && memcmp(got, wanted, tile_values * subject->value_bytes) != 0) {
            expect_values(run, subject, got, wanted, tile_values, i * tile_values);
            ok = false;
        }
    }
    run_case_end(run);
}

static void run_subject(struct run *run, const struct subject *subject)
{
    static const size_t quick_counts[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 127, 129, 257};
    static const size_t long_counts[] = {1023, 4099, 16385, 65535};
    const bool quick = run->settings.quick;
    if (!run_group(run, subject->kernel, subject->kernel)) {
        return;
    }
    while (run_fuzz(run)) {
        const size_t n_blocks = run_random_size(run, 65536 / subject->type->n_elements);
        run_one(run, subject, "random bytes", fill_bytes, n_blocks, run_random_below(run, 2));
    }
    if (run->settings.fuzz_seconds > 0) {
        run_group_end(run);
        return;
    }
    for (size_t i = 0; i < sizeof quick_counts / sizeof *quick_counts; i++) {
        run_one(run, subject, "random bytes", fill_bytes, quick_counts[i], false);
    }
    for (size_t i = 0; i < sizeof long_counts / sizeof *long_counts && !quick; i++) {
        run_one(run, subject, "random bytes", fill_bytes, long_counts[i], false);
    }
    run_one(run, subject, "random bytes", fill_bytes, 33, true);
    run_one(run, subject, "zeros", fill_zeros, 17, false);
    run_one(run, subject, "finite", fill_finite, 129, false);
    run_one(run, subject, "extreme scales", fill_extremes, 14 * 14, false);
    run_one(run, subject, "every scale", fill_every_scale, quick ? 521 : 65536, false);
    if (run->settings.large) {
        run_large(run, subject);
    }
    run_group_end(run);
}

static void run_type(struct run *run, const struct weights_type *weights, bool f16)
{
    struct subject subject = {
        .weights = weights,
        .type = ref_type_find(weights->name),
        .f16 = f16,
        .value_bytes = f16 ? sizeof(uint16_t) : sizeof(float),
    };
    const char *result = f16 ? "f16" : "f32";
    snprintf(subject.kernel, sizeof subject.kernel, "dequantize_block_%s_%s", weights->name, result);
    run_subject(run, &subject);
    /* So few blocks of threads that they take turns. */
    subject.wide_grid = f16 ? 1 : 3;
    snprintf(subject.kernel, sizeof subject.kernel, "dequantize_wide_%s_%s", weights->name, result);
    run_subject(run, &subject);
}

void run_dequantize(struct run *run)
{
    for (size_t i = 0; i < WEIGHTS_TYPES; i++) {
        run_type(run, &weights_types[i], false);
        run_type(run, &weights_types[i], true);
    }
}
