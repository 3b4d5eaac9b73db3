/* dequantize_mul_mat_vec_<T>: weights times one column of f32 activations. Tolerance: weights.h. */
#include <cpu_ref/cpu_ref.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "weights.h"

struct subject {
    const struct weights_type *weights;
    const struct ref_type *type;
    char kernel[64];
};

static void fill_activations(struct run *run, enum weights_kind kind, float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = kind == WEIGHTS_EXTREME ? ldexpf(run_random_float(run), (int)run_random_below(run, 80) - 40)
                                       : run_random_float(run);
    }
}

static void run_one(struct run *run, const struct subject *subject, enum weights_kind kind, size_t k,
                    size_t n, bool is_view)
{
    run_case(run, "%s, k %zu, n %zu%s", weights_kind_names[kind], k, n,
             is_view ? ", within larger buffers" : "");
    const size_t n_weights = k / subject->type->n_elements * n;
    void *weights = run_memory(run, n_weights * subject->type->n_bytes);
    float *activations = run_memory(run, k * sizeof *activations);
    struct ref_sum *wanted = run_memory(run, n * sizeof *wanted);
    weights_fill(run, subject->weights, kind, weights, n_weights);
    fill_activations(run, kind, activations, k);
    struct run_buffer *x = run_input(run, "x", weights, n_weights * subject->type->n_bytes,
                                     is_view ? subject->type->n_bytes : 0);
    struct run_buffer *y =
        run_input(run, "y", activations, k * sizeof *activations, is_view ? sizeof *activations : 0);
    struct run_buffer *out = run_output(run, "dst", n * sizeof(float), is_view ? sizeof(float) : 0);
    int ncols = (int)k, nrows = (int)n; /* q5_k does not look at the fifth */
    run_launch(run, subject->kernel, (struct run_dim){(unsigned)n, 1, 1}, (struct run_dim){32, 1, 1},
               (void *[]){&x->device, &y->device, &out->device, &ncols, &nrows});
    const float *got = run_result(run, out, 0, out->n);
    if (got) {
        ref_mat_vec_f32(wanted, subject->type, weights, activations, k, n);
        weights_expect(run, got, wanted, n, k / 32);
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
    static const size_t all_n[] = {1, 2, 3, 31, 32, 33, 127};
    const size_t block = subject->type->n_elements;
    const size_t all_k[] = {block, 2 * block, 3 * block, 512 + block, 4096};
    for (size_t i = 0; i < sizeof all_n / sizeof *all_n; i++) {
        for (size_t j = 0; j < sizeof all_k / sizeof *all_k; j++) {
            if (!run->settings.quick || all_n[i] * all_k[j] <= 16384) {
                run_one(run, subject, WEIGHTS_FINITE, all_k[j], all_n[i], false);
            }
        }
    }
    for (enum weights_kind kind = WEIGHTS_BYTES; kind < WEIGHTS_KINDS; kind++) {
        run_one(run, subject, kind, block, 33, false);
        run_one(run, subject, kind, 3 * block, 5, false);
    }
    run_one(run, subject, WEIGHTS_FINITE, 5 * block, 3, true);
    if (!run->settings.quick) {
        run_one(run, subject, WEIGHTS_FINITE, 16384, 3, false);
    }
}

void run_dequantize_mul_mat_vec(struct run *run)
{
    for (size_t i = 0; i < WEIGHTS_TYPES; i++) {
        const char *end = weights_types[i].dequantize_mul_mat_vec;
        struct subject subject = {.weights = &weights_types[i], .type = ref_type_find(weights_types[i].name)};
        if (!end) {
            continue;
        }
        snprintf(subject.kernel, sizeof subject.kernel, "dequantize_mul_mat_vec_%s", end);
        if (run_group(run, subject.kernel, subject.kernel)) {
            run_subject(run, &subject);
            run_group_end(run);
        }
    }
}
