/* mul_mat_vec_<T>_q8_1_cuda<b>: weights times b columns of q8_1 activations; mul_mat_vec_wide_<T>_q8_1: the
 * same of one column.
 *
 * Tolerance: weights.h. The launch geometry is the contract with existing callers, written out here; that of
 * the latter is any grid, and a case takes the next one of a few. What
 * lies between a row's k and its padding must not count: the activations' blocks there are NaNs. */
#include <cpu_ref/cpu_ref.h>
#include <stdio.h>
#include <string.h>

#include "weights.h"

enum { BLOCK = 32, ROW_PADDING = 512 };

struct subject {
    const struct weights_type *weights;
    const struct ref_type *type;
    unsigned batch;
    bool is_wide;
    char kernel[64];
};

static unsigned subgroups_of(unsigned batch)
{
    return batch <= 4 ? 4 : 2;
}

static bool launch_wide(struct run *run, const struct subject *subject, unsigned n_blocks,
                        struct run_buffer *x, struct run_buffer *y, struct run_buffer *out, size_t k,
                        size_t n)
{
    int ncols_x = (int)k, nrows_x = (int)n;
    return run_launch(run, subject->kernel, (struct run_dim){n_blocks, 1, 1},
                      (struct run_dim){32, subject->weights->mat_vec_wide_subgroups, 1},
                      (void *[]){&x->device, &y->device, &out->device, &ncols_x, &nrows_x});
}

/* More than one row for each sub-group, and more sub-groups than rows. */
static unsigned next_grid(const struct run *run)
{
    static const unsigned grids[] = {1, 2, 7, 528};
    return grids[run->n_cases % (sizeof grids / sizeof *grids)];
}

static bool launch(struct run *run, const char *kernel, unsigned batch, struct run_buffer *x,
                   struct run_buffer *y, struct run_buffer *out, size_t k, size_t n, size_t k_padded)
{
    const unsigned rows = batch == 1 ? 1 : 2;
    int ncols_x = (int)k, nrows_x = (int)n, nrows_y = (int)k_padded, nrows_dst = (int)n;
    return run_launch(
        run, kernel, (struct run_dim){((unsigned)n + rows - 1) / rows, 1, 1},
        (struct run_dim){32, subgroups_of(batch), 1},
        (void *[]){&x->device, &y->device, &out->device, &ncols_x, &nrows_x, &nrows_y, &nrows_dst});
}

/* s is not the sum of the quants, as it never quite is: kernels that take one for the other fail. */
static void fill_activations(struct run *run, enum weights_kind kind, struct ref_q8_1 *y, size_t k,
                             size_t k_padded, size_t n_columns)
{
    for (size_t i = 0; i < n_columns * k_padded / BLOCK; i++) {
        if (i % (k_padded / BLOCK) >= k / BLOCK) {
            memset(&y[i], 0xff, sizeof y[i]);
            continue;
        }
        run_random_bytes(run, y[i].qs, sizeof y[i].qs);
        y[i].d = weights_random_f16(run, kind);
        y[i].s = weights_random_f16(run, kind);
    }
}

static void run_one(struct run *run, const struct subject *subject, enum weights_kind kind, size_t k,
                    size_t n, bool is_view)
{
    const unsigned grid = next_grid(run);
    char of_grid[32] = "";
    if (subject->is_wide) {
        snprintf(of_grid, sizeof of_grid, ", grid %u", grid);
    }
    run_case(run, "%s, k %zu, n %zu%s%s", weights_kind_names[kind], k, n,
             is_view ? ", within larger buffers" : "", of_grid);
    const size_t k_padded = (k + ROW_PADDING - 1) / ROW_PADDING * ROW_PADDING;
    const size_t n_weights = k / subject->type->n_elements * n, n_out = n * subject->batch;
    const size_t n_activations = subject->batch * k_padded / BLOCK;
    void *weights = run_memory(run, n_weights * subject->type->n_bytes);
    struct ref_q8_1 *activations = run_memory(run, n_activations * sizeof *activations);
    struct ref_sum *wanted = run_memory(run, n_out * sizeof *wanted);
    weights_fill(run, subject->weights, kind, weights, n_weights);
    fill_activations(run, kind == WEIGHTS_ZERO ? WEIGHTS_FINITE : kind, activations, k, k_padded,
                     subject->batch);
    struct run_buffer *x = run_input(run, "x", weights, n_weights * subject->type->n_bytes,
                                     is_view ? subject->type->n_bytes : 0);
    struct run_buffer *y = run_input(run, "y", activations, n_activations * sizeof *activations,
                                     is_view ? k_padded / BLOCK * sizeof *activations : 0);
    struct run_buffer *out = run_output(run, "dst", n_out * sizeof(float), is_view ? sizeof(float) : 0);
    if (subject->is_wide) {
        launch_wide(run, subject, grid, x, y, out, k, n);
    } else {
        launch(run, subject->kernel, subject->batch, x, y, out, k, n, k_padded);
    }
    const float *got = run_result(run, out, 0, out->n);
    if (got) {
        ref_mat_vec_q8_1(wanted, subject->type, weights, activations, k, n, k_padded, subject->batch);
        /* A thread adds up the sums of 16 elements or more. */
        const size_t n_sharers = subject->is_wide ? 1 : subgroups_of(subject->batch);
        weights_expect(run, got, wanted, n_out, k / (16 * 32 * n_sharers));
    }
    run_case_end(run);
}

static void fuzz_subject(struct run *run, const struct subject *subject)
{
    enum weights_kind kind;
    size_t k, n;
    while (weights_fuzz(run, subject->type, &kind, &k, &n)) {
        run_one(run, subject, kind, k, n, run_random_below(run, 2));
    }
}

static void run_subject(struct run *run, const struct subject *subject)
{
    if (run->settings.fuzz_seconds > 0) {
        fuzz_subject(run, subject);
        return;
    }
    static const size_t quick_n[] = {1, 2, 3, 33}, all_n[] = {1, 2, 3, 31, 32, 33, 127};
    const size_t block = subject->type->n_elements, quick_k[] = {block, 3 * block, 2048 + block};
    const size_t all_k[] = {block, 2 * block, 3 * block, 512, 512 + block, 2048 - block, 2048, 4096};
    const bool quick = run->settings.quick;
    const size_t *n = quick ? quick_n : all_n, *k = quick ? quick_k : all_k;
    for (size_t i = 0; i < (quick ? sizeof quick_n : sizeof all_n) / sizeof *n; i++) {
        for (size_t j = 0; j < (quick ? sizeof quick_k : sizeof all_k) / sizeof *k; j++) {
            if (n[i] * k[j] <= (quick ? 8192 : 1 << 18)) {
                run_one(run, subject, WEIGHTS_FINITE, k[j], n[i], false);
            }
        }
    }
    for (enum weights_kind kind = WEIGHTS_BYTES; kind < WEIGHTS_KINDS; kind++) {
        run_one(run, subject, kind, block, 33, false);
        run_one(run, subject, kind, 3 * block, 5, false);
    }
    run_one(run, subject, WEIGHTS_FINITE, 5 * block, 3, true);
    if (!quick) {
        run_one(run, subject, WEIGHTS_FINITE, 4096, 127, false);
        run_one(run, subject, WEIGHTS_FINITE, 11008, 3, false);
        run_one(run, subject, WEIGHTS_FINITE, 16384, 3, false);
    }
}

/* The products of 0, 1, ... 255 with themselves that existing callers know: through q8_1 and, of the kernel
 * that takes f32, without. Each was computed by other code, whose order of additions is its own. */
static void run_known(struct run *run)
{
    enum { K = 256, K_PADDED = 512 };
    /* The other two kernels are compiled when they are launched. */
    if (!run_group(run, "known value", "mul_mat_vec_q4_0_q8_1_cuda1")) {
        return;
    }
    run_case(run, "squares to 255");
    float *values = run_memory(run, K * sizeof *values);
    struct ref_q4_0 *weights = run_memory(run, K / BLOCK * sizeof *weights);
    for (int i = 0; i < K; i++) {
        values[i] = (float)i;
    }
    weights_quantize_q4_0(weights, values, K / BLOCK);
    struct run_buffer *x = run_input(run, "x", weights, K / BLOCK * sizeof *weights, 0);
    struct run_buffer *from = run_input(run, "y", values, K * sizeof *values, 0);
    struct run_buffer *y = run_output(run, "q8_1", K_PADDED / BLOCK * sizeof(struct ref_q8_1), 0);
    struct run_buffer *out = run_output(run, "dst", sizeof(float), 0);
    struct run_buffer *out_f32 = run_output(run, "dst of f32", sizeof(float), 0);
    int kx = K, kx_padded = K_PADDED, n = 1;
    run_launch(run, "quantize_q8_1", (struct run_dim){2, 1, 1}, (struct run_dim){256, 1, 1},
               (void *[]){&from->device, &y->device, &kx, &kx_padded});
    launch(run, "mul_mat_vec_q4_0_q8_1_cuda1", 1, x, y, out, K, 1, K_PADDED);
    run_launch(run, "dequantize_mul_mat_vec_q4_0_cuda", (struct run_dim){1, 1, 1}, (struct run_dim){32, 1, 1},
               (void *[]){&x->device, &from->device, &out_f32->device, &kx, &n});
    const float *got = run_result(run, out, 0, sizeof *got);
    const float *got_f32 = run_result(run, out_f32, 0, sizeof *got);
    const struct run_tolerance tolerance = {.relative = 1e-6};
    if (got && got_f32) {
        run_expect_near(run, "through q8_1", got, &(const double){5561664.5}, 1, tolerance);
        run_expect_near(run, "of f32", got_f32, &(const double){5561851.0}, 1, tolerance);
    }
    run_case_end(run);
    run_group_end(run);
}

static void run_kernel(struct run *run, struct subject *subject)
{
    if (run_group(run, subject->kernel, subject->kernel)) {
        run_subject(run, subject);
        run_group_end(run);
    }
}

void run_mat_vec(struct run *run)
{
    for (size_t i = 0; i < WEIGHTS_TYPES; i++) {
        const struct weights_type *weights = &weights_types[i];
        if (weights->mul_mat.rows == 0) {
            continue;
        }
        struct subject subject = {.weights = weights, .type = ref_type_find(weights->name)};
        for (subject.batch = 1; subject.batch <= 8; subject.batch++) {
            snprintf(subject.kernel, sizeof subject.kernel, "mul_mat_vec_%s_q8_1_cuda%u", weights->name,
                     subject.batch);
            run_kernel(run, &subject);
        }
        subject.batch = 1;
        subject.is_wide = true;
        snprintf(subject.kernel, sizeof subject.kernel, "mul_mat_vec_wide_%s_q8_1", weights->name);
        run_kernel(run, &subject);
    }
    run_known(run);
}
