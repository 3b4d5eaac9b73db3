/* mul_mat_<T> and mul_mat_narrow_<T>: weights times any number of columns of q8_1 activations.
 *
 * Tolerance: weights.h, with two f32 additions for each run of quants with a scale, one product's and one
 * minimum's. What lies between a row's k and its padding must not count: the activations' blocks there are
 * NaNs. */
#include <cpu_ref/cpu_ref.h>
#include <stdio.h>
#include <string.h>

#include "weights.h"

enum { BLOCK = 32, ROW_PADDING = 512, SHORTEST_RUN = 16 };

struct subject {
    const struct weights_type *weights;
    const struct ref_type *type;
    unsigned rows, columns; /* of a block's tile */
    unsigned subgroups;     /* that a block has, of 32 threads */
    char kernel[64];
};

struct shape {
    size_t k, n, batch;
};

static bool launch(struct run *run, const struct subject *subject, struct run_buffer *x, struct run_buffer *y,
                   struct run_buffer *out, struct shape shape, size_t k_padded)
{
    int ncols_x = (int)shape.k, nrows_x = (int)shape.n, ncols_y = (int)shape.batch, nrows_y = (int)k_padded,
        nrows_dst = (int)shape.n;
    return run_launch(
        run, subject->kernel,
        (struct run_dim){((unsigned)shape.n + subject->rows - 1) / subject->rows,
                         ((unsigned)shape.batch + subject->columns - 1) / subject->columns, 1},
        (struct run_dim){32, subject->subgroups, 1},
        (void *[]){&x->device, &y->device, &out->device, &ncols_x, &nrows_x, &ncols_y, &nrows_y, &nrows_dst});
}

/* s is not the sum of the quants, as it never quite is: kernels that take one for the other fail. */
static void fill_activations(struct run *run, enum weights_kind kind, struct ref_q8_1 *y, struct shape shape,
                             size_t k_padded)
{
    for (size_t i = 0; i < shape.batch * k_padded / BLOCK; i++) {
        if (i % (k_padded / BLOCK) >= shape.k / BLOCK) {
            memset(&y[i], 0xff, sizeof y[i]);
            continue;
        }
        run_random_bytes(run, y[i].qs, sizeof y[i].qs);
        y[i].d = weights_random_f16(run, kind);
        y[i].s = weights_random_f16(run, kind);
    }
}

static void run_one(struct run *run, const struct subject *subject, enum weights_kind kind,
                    struct shape shape, bool is_view)
{
    run_case(run, "%s, k %zu, n %zu, batch %zu%s", weights_kind_names[kind], shape.k, shape.n, shape.batch,
             is_view ? ", within larger buffers" : "");
    const size_t k_padded = (shape.k + ROW_PADDING - 1) / ROW_PADDING * ROW_PADDING;
    const size_t block_bytes = subject->type->n_bytes, n_out = shape.n * shape.batch;
    const size_t n_weights = shape.k / subject->type->n_elements * shape.n;
    const size_t n_activations = shape.batch * k_padded / BLOCK;
    void *weights = run_memory(run, n_weights * block_bytes);
    struct ref_q8_1 *activations = run_memory(run, n_activations * sizeof *activations);
    struct ref_sum *wanted = run_memory(run, n_out * sizeof *wanted);
    weights_fill(run, subject->weights, kind, weights, n_weights);
    fill_activations(run, kind == WEIGHTS_ZERO ? WEIGHTS_FINITE : kind, activations, shape, k_padded);
    struct run_buffer *x = run_input(run, "x", weights, n_weights * block_bytes, is_view ? block_bytes : 0);
    struct run_buffer *y = run_input(run, "y", activations, n_activations * sizeof *activations,
                                     is_view ? sizeof *activations : 0);
    struct run_buffer *out = run_output(run, "dst", n_out * sizeof(float), is_view ? sizeof(float) : 0);
    launch(run, subject, x, y, out, shape, k_padded);
    const float *got = run_result(run, out, 0, out->n);
    if (got) {
        ref_mat_vec_q8_1(wanted, subject->type, weights, activations, shape.k, shape.n, k_padded,
                         shape.batch);
        weights_expect(run, got, wanted, n_out, 2 * shape.k / SHORTEST_RUN);
    }
    run_case_end(run);
}

/* k shorter than a block is no block: all is zero, and the weights are not read. */
static void run_less_than_a_block(struct run *run, const struct subject *subject)
{
    enum { K = 16, N = 4, BATCH = 2048 };
    run_case(run, "k %d, n %d, batch %d", K, N, BATCH);
    const size_t n_activations = BATCH * ROW_PADDING / BLOCK;
    struct ref_q8_1 *activations = run_memory(run, n_activations * sizeof *activations);
    double *wanted = run_memory(run, N * BATCH * sizeof *wanted);
    const unsigned char weights[4] = {0xff, 0xff, 0xff, 0xff};
    memset(activations, 0xff, n_activations * sizeof *activations);
    struct run_buffer *x = run_input(run, "x", weights, sizeof weights, 0);
    struct run_buffer *y = run_input(run, "y", activations, n_activations * sizeof *activations, 0);
    struct run_buffer *out = run_output(run, "dst", N * BATCH * sizeof(float), 0);
    launch(run, subject, x, y, out, (struct shape){K, N, BATCH}, ROW_PADDING);
    const float *got = run_result(run, out, 0, out->n);
    if (got) {
        run_expect_near(run, "dst", got, wanted, N * BATCH, (struct run_tolerance){0});
    }
    run_case_end(run);
}

/* Each is here for an edge: of the tile (its rows, its columns, and the few columns that have a way of their
 * own), of a slice of k, or of the padding. */
static void run_shapes(struct run *run, const struct subject *subject)
{
    const size_t block = subject->type->n_elements;
    const struct shape quick[] = {
        {block, 1, 1},
        {block, 3, 2},
        {3 * block, 2, 9},
        {block, 33, 17},
        {5 * block, 127, 16},
        {block, 129, 65},
        {2 * block, 64, 64},
        {block, 31, 129},
        {2048 + block, 2, 7},
        {512 - block, 3, 8},
        {512, 128, subject->columns},
    };
    for (size_t i = 0; i < sizeof quick / sizeof *quick; i++) {
        run_one(run, subject, WEIGHTS_FINITE, quick[i], false);
    }
    if (run->settings.quick) {
        return;
    }
    static const size_t n[] = {1, 2, 3, 31, 32, 33, 127, 128, 129};
    static const size_t batch[] = {1, 2, 7, 8, 9, 16, 17, 33, 64, 65, 129};
    const size_t k[] = {block, 2 * block, 3 * block, 512, 512 + block, 2048};
    for (size_t i = 0; i < sizeof n / sizeof *n; i++) {
        for (size_t j = 0; j < sizeof batch / sizeof *batch; j++) {
            for (size_t l = 0; l < sizeof k / sizeof *k; l++) {
                if (n[i] * batch[j] * k[l] <= 1 << 22) {
                    run_one(run, subject, WEIGHTS_FINITE, (struct shape){k[l], n[i], batch[j]}, false);
                }
            }
        }
    }
    run_one(run, subject, WEIGHTS_FINITE, (struct shape){2048, 129, 129}, false);
    run_one(run, subject, WEIGHTS_FINITE, (struct shape){8192, 3, 9}, false);
    run_one(run, subject, WEIGHTS_FINITE, (struct shape){11008 / 256 * 256, 33, 64}, false);
    run_one(run, subject, WEIGHTS_FINITE, (struct shape){16384, 2, 16}, false);
    run_one(run, subject, WEIGHTS_FINITE, (struct shape){512, 300, 600}, false);
}

static void fuzz_subject(struct run *run, const struct subject *subject)
{
    const size_t block = subject->type->n_elements;
    while (run_fuzz(run)) {
        struct shape shape = {.k = block * run_random_size(run, 8192 / block),
                              .batch = run_random_size(run, 300)};
        shape.n = run_random_size(run, (1 << 19) / (shape.k * shape.batch) + 1);
        run_one(run, subject, run_random_below(run, 2) ? WEIGHTS_BYTES : WEIGHTS_FINITE, shape,
                run_random_below(run, 2));
    }
}

static void run_subject(struct run *run, const struct subject *subject)
{
    if (run->settings.fuzz_seconds > 0) {
        fuzz_subject(run, subject);
        return;
    }
    const size_t block = subject->type->n_elements;
    run_shapes(run, subject);
    for (enum weights_kind kind = WEIGHTS_BYTES; kind < WEIGHTS_KINDS; kind++) {
        run_one(run, subject, kind, (struct shape){block, 33, 19}, false);
        run_one(run, subject, kind, (struct shape){3 * block, 5, 3}, false);
    }
    run_one(run, subject, WEIGHTS_FINITE, (struct shape){5 * block, 3, 4}, true);
    run_less_than_a_block(run, subject);
}

/* Products that existing callers know, of 0, 1/4, 2/4, ... as q4_0 weights (4 rows of 256) and as activations
 * (4 columns of 256). Computed by other code, whose order of additions is its own. */
static void run_known(struct run *run)
{
    enum { K = 256, N = 4, BATCH = 4, K_PADDED = 512 };
    static const struct {
        size_t index;
        double value;
    } known[] = {{0, 347604.0},   {1, 888153.06},  {4, 869780.7},   {5, 2483145.0},
                 {11, 9407368.0}, {14, 9470856.0}, {15, 13138824.0}};
    struct subject subject = {.rows = 64, .columns = 128, .subgroups = 4, .kernel = "mul_mat_q4_0"};
    /* quantize_q8_1 is compiled when it is launched. */
    if (!run_group(run, "known values", subject.kernel)) {
        return;
    }
    run_case(run, "quarters");
    float *values = run_memory(run, K * BATCH * sizeof *values);
    struct ref_q4_0 *weights = run_memory(run, K * N / BLOCK * sizeof *weights);
    for (int i = 0; i < K * BATCH; i++) {
        values[i] = (float)i / 4.0f;
    }
    weights_quantize_q4_0(weights, values, K * N / BLOCK);
    struct run_buffer *x = run_input(run, "x", weights, K * N / BLOCK * sizeof *weights, 0);
    struct run_buffer *from = run_input(run, "y", values, K * BATCH * sizeof *values, 0);
    struct run_buffer *y = run_output(run, "q8_1", BATCH * K_PADDED / BLOCK * sizeof(struct ref_q8_1), 0);
    struct run_buffer *out = run_output(run, "dst", N * BATCH * sizeof(float), 0);
    int kx = K, kx_padded = K_PADDED;
    run_launch(run, "quantize_q8_1", (struct run_dim){2, BATCH, 1}, (struct run_dim){256, 1, 1},
               (void *[]){&from->device, &y->device, &kx, &kx_padded});
    launch(run, &subject, x, y, out, (struct shape){K, N, BATCH}, K_PADDED);
    const float *got = run_result(run, out, 0, out->n);
    for (size_t i = 0; got && i < sizeof known / sizeof *known; i++) {
        run_expect_near(run, "dst", &got[known[i].index], &known[i].value, 1,
                        (struct run_tolerance){.relative = 1e-6});
    }
    run_case_end(run);
    run_group_end(run);
}

/* The launch of mul_mat is its callers', that of mul_mat_narrow tuning.h's: both are written out here. */
static void run_types(struct run *run, bool is_narrow)
{
    for (size_t i = 0; i < WEIGHTS_TYPES; i++) {
        if (!weights_types[i].mul_mat.rows) {
            continue;
        }
        struct subject subject = {
            .weights = &weights_types[i],
            .type = ref_type_find(weights_types[i].name),
            .rows = is_narrow ? 32 : weights_types[i].mul_mat.rows,
            .columns = is_narrow ? 16 : weights_types[i].mul_mat.columns,
            .subgroups = is_narrow ? 8 : 4,
        };
        snprintf(subject.kernel, sizeof subject.kernel, "mul_mat_%s%s", is_narrow ? "narrow_" : "",
                 weights_types[i].name);
        if (run_group(run, subject.kernel, subject.kernel)) {
            run_subject(run, &subject);
            run_group_end(run);
        }
    }
}

void run_mul_mat(struct run *run)
{
    run_types(run, false);
    run_types(run, true);
    run_known(run);
}
