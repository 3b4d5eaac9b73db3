/* quantize_q8_1: rows of f32 to rows of q8_1 blocks.
 *
 * d, s and the quants must be the reference's bits. Every step is one correctly rounded IEEE operation
 * (maximum, division, round, f32 to f16) and the order of the additions is fixed, so there is nothing a
 * target may do otherwise: no tolerance. Where that is required of unusual inputs:
 *   - subnormal f32 inputs and scales count as what they are, not as zero;
 *   - an infinity makes d infinite, its own quant 127 (of either sign: inf / inf is a NaN) and all others 0;
 *   - a quiet NaN leaves d to the others, makes s a NaN, and its own quant is 127. Signalling NaNs are not
 * part of the contract: maximum treats them differently from target to target;
 *   - d and s past the range of f16 are infinite;
 *   - columns from k on are blocks of zeros, and columns within the last block count as 0. */
#include <cpu_ref/cpu_ref.h>
#include <float.h>
#include <math.h>

#include "run.h"

enum { ROW_PADDING = 512, THREADS = 256, BLOCK = 32 };

static const size_t all_k[] = {1, 31, 32, 33, 127, 255, 256, 257, 511, 512, 4096, 11008};
static const size_t all_rows[] = {1, 2, 3, 7};

/* Fills a row-packed matrix. */
typedef void (*fill_fn)(struct run *run, float *x, size_t n);

static void fill_zeros(struct run *run, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = run_random_below(run, 2) ? 0.0f : -0.0f;
    }
}

static void fill_random(struct run *run, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = run_random_float(run);
    }
}

/* Every 32 values around another power of two, from the smallest subnormal to past f16's range. */
static void fill_scales(struct run *run, float *x, size_t n)
{
    int exponent = 0;
    for (size_t i = 0; i < n; i++) {
        if (i % BLOCK == 0) {
            exponent = (int)run_random_below(run, 260) - 149;
        }
        x[i] = ldexpf(run_random_float(run), exponent);
    }
}

/* With 127 in a block the scale is 1, so half numbers are ties: these go away from zero. */
static void fill_ties(struct run *run, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = i % BLOCK == 5 ? 127.0f : (float)((int)run_random_below(run, 254) - 127) + 0.5f;
    }
}

static void fill_chosen(struct run *run, float *x, size_t n, const float *values, uint32_t n_values)
{
    fill_random(run, x, n);
    for (size_t i = 0; i < n; i++) {
        if (run_random_below(run, 8) == 0) {
            x[i] = values[run_random_below(run, n_values)];
        }
    }
}

static void fill_huge(struct run *run, float *x, size_t n)
{
    static const float values[] = {1e30f, -1e30f, FLT_MAX, -FLT_MAX, 65504.0f * 127, 65520.0f * 127, 8.4e6f};
    fill_chosen(run, x, n, values, sizeof values / sizeof *values);
}

static void fill_tiny(struct run *run, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = run_random_float(run) * ((i / BLOCK) % 2 ? 1e-38f : 1e-43f);
    }
}

static void fill_infinities(struct run *run, float *x, size_t n)
{
    static const float values[] = {INFINITY, -INFINITY};
    fill_chosen(run, x, n, values, 2);
}

static void fill_nans(struct run *run, float *x, size_t n)
{
    static const float values[] = {NAN, INFINITY, 1.0f, -NAN};
    fill_chosen(run, x, n, values, 4);
}

/* d and s apart from the quants, so that a failure says which. */
static void expect_blocks(struct run *run, const struct ref_q8_1 *got, const struct ref_q8_1 *wanted,
                          size_t n)
{
    uint16_t *d = run_memory(run, n * 4 * sizeof *d), *s = d + n, *wanted_d = s + n, *wanted_s = wanted_d + n;
    int8_t *q = run_memory(run, n * BLOCK * 2), *wanted_q = q + n * BLOCK;
    for (size_t i = 0; i < n; i++) {
        d[i] = got[i].d, s[i] = got[i].s;
        wanted_d[i] = wanted[i].d, wanted_s[i] = wanted[i].s;
        for (size_t j = 0; j < BLOCK; j++) {
            q[i * BLOCK + j] = got[i].qs[j];
            wanted_q[i * BLOCK + j] = wanted[i].qs[j];
        }
    }
    run_expect_exact_f16(run, "d", d, wanted_d, n, 0);
    run_expect_exact_f16(run, "s", s, wanted_s, n, 0);
    run_expect_bytes(run, "quants", q, wanted_q, n * BLOCK);
}

static void run_one(struct run *run, fill_fn fill, size_t k, size_t n_rows, bool is_view)
{
    run_case(run, "k %zu, %zu rows%s", k, n_rows, is_view ? ", within larger buffers" : "");
    const size_t k_padded = (k + ROW_PADDING - 1) / ROW_PADDING * ROW_PADDING;
    const size_t n_blocks = n_rows * k_padded / BLOCK;
    float *x = run_memory(run, n_rows * k * sizeof *x);
    struct ref_q8_1 *wanted = run_memory(run, n_blocks * sizeof *wanted);
    fill(run, x, n_rows * k);
    struct run_buffer *from = run_input(run, "x", x, n_rows * k * sizeof *x, is_view ? sizeof *x : 0);
    struct run_buffer *to = run_output(run, "y", n_blocks * sizeof *wanted, is_view ? sizeof *wanted : 0);
    int kx = (int)k, kx_padded = (int)k_padded;
    run_launch(run, "quantize_q8_1", (struct run_dim){(unsigned)k_padded / THREADS, (unsigned)n_rows, 1},
               (struct run_dim){THREADS, 1, 1}, (void *[]){&from->device, &to->device, &kx, &kx_padded});
    const struct ref_q8_1 *got = run_result(run, to, 0, to->n);
    if (got) {
        ref_quantize_q8_1(wanted, x, k, k_padded, n_rows);
        expect_blocks(run, got, wanted, n_blocks);
    }
    run_case_end(run);
}

void run_quantize_q8_1(struct run *run)
{
    static const struct {
        const char *name;
        fill_fn fill;
    } kinds[] = {
        {"zeros", fill_zeros}, {"random", fill_random}, {"scales", fill_scales},         {"ties", fill_ties},
        {"huge", fill_huge},   {"tiny", fill_tiny},     {"infinities", fill_infinities}, {"nans", fill_nans},
    };
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        if (!run_group(run, kinds[kind].name, "quantize_q8_1")) {
            continue;
        }
        while (run_fuzz(run)) {
            const size_t k = run_random_size(run, 20000), n_rows = run_random_size(run, 40000 / k + 1);
            run_one(run, kinds[kind].fill, k, n_rows, run_random_below(run, 2));
        }
        for (size_t i = 0; i < sizeof all_k / sizeof *all_k && run->settings.fuzz_seconds <= 0; i++) {
            for (size_t j = 0; j < sizeof all_rows / sizeof *all_rows; j++) {
                run_one(run, kinds[kind].fill, all_k[i], all_rows[j], false);
            }
        }
        run_one(run, kinds[kind].fill, 257, 3, true);
        run_group_end(run);
    }
}
