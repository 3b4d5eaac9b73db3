/* mul_mat_vec_<T>_f32_cuda<b>: plain weights times b columns of f32 activations.
 *
 * Tolerance: weights.h, with an addition for each element that a thread has, and a product of its own for
 * each of them, which can be too small for f32. What lies between a column's k and the next column must not
 * count: it is NaNs. Rows begin at every multiple of an element, as k is odd too. */
#include <cpu_ref/get_rows.h>
#include <cpu_ref/mat_vec.h>
#include <stdio.h>
#include <string.h>

#include "weights.h"

struct subject {
    const char *type;
    unsigned batch;
    char kernel[64];
};

struct shape {
    size_t k, n, gap;        /* gap: floats between columns of y */
    size_t x_shift, y_shift; /* bytes before the buffers */
};

static bool launch(struct run *run, const struct subject *subject, const struct shape *shape,
                   struct run_buffer *x, struct run_buffer *y, struct run_buffer *out)
{
    const unsigned rows = subject->batch == 1 ? 1 : 2, subgroups = subject->batch <= 4 ? 4 : 2;
    int ncols_x = (int)shape->k, nrows_x = (int)shape->n, nrows_y = (int)(shape->k + shape->gap);
    return run_launch(
        run, subject->kernel, (struct run_dim){((unsigned)shape->n + rows - 1) / rows, 1, 1},
        (struct run_dim){32, subgroups, 1},
        (void *[]){&x->device, &y->device, &out->device, &ncols_x, &nrows_x, &nrows_y, &nrows_x});
}

/* f32 in [-1, 1) as the type has it. */
static void fill_finite(struct run *run, const char *type, unsigned char *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float value = run_random_float(run);
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        const uint16_t half = strcmp(type, "f16") == 0 ? ref_to_f16((double)value) : (uint16_t)(bits >> 16);
        if (strcmp(type, "f32") == 0) {
            memcpy(out + i * sizeof bits, &bits, sizeof bits);
        } else {
            memcpy(out + i * sizeof half, &half, sizeof half);
        }
    }
}

static float *make_activations(struct run *run, const struct subject *subject, const struct shape *shape)
{
    const size_t column = shape->k + shape->gap;
    float *y = run_memory(run, column * subject->batch * sizeof *y);
    memset(y, 0xff, column * subject->batch * sizeof *y);
    for (size_t c = 0; c < subject->batch; c++) {
        for (size_t e = 0; e < shape->k; e++) {
            y[c * column + e] = run_random_float(run);
        }
    }
    return y;
}

static void run_one(struct run *run, const struct subject *subject, enum weights_kind kind,
                    struct shape shape)
{
    run_case(run, "%s, k %zu, n %zu, %zu between columns, shifted by %zu and %zu", weights_kind_names[kind],
             shape.k, shape.n, shape.gap, shape.x_shift, shape.y_shift);
    const size_t n_bytes = shape.n * ref_row_bytes(subject->type, shape.k), n_out = shape.n * subject->batch;
    const size_t n_activations = (shape.k + shape.gap) * subject->batch;
    unsigned char *weights = run_memory(run, n_bytes);
    struct ref_sum *wanted = run_memory(run, n_out * sizeof *wanted);
    if (kind == WEIGHTS_FINITE) {
        fill_finite(run, subject->type, weights, shape.n * shape.k);
    } else if (kind == WEIGHTS_BYTES) {
        run_random_bytes(run, weights, n_bytes);
    }
    const float *activations = make_activations(run, subject, &shape);
    struct run_buffer *x = run_input(run, "x", weights, n_bytes, shape.x_shift);
    struct run_buffer *y = run_input(run, "y", activations, n_activations * sizeof(float), shape.y_shift);
    struct run_buffer *out = run_output(run, "dst", n_out * sizeof(float), 0);
    launch(run, subject, &shape, x, y, out);
    const float *got = run_result(run, out, 0, out->n);
    if (got) {
        ref_mat_vec_plain(wanted, subject->type, weights, activations, shape.k, shape.n, shape.k + shape.gap,
                          subject->batch);
        weights_expect(run, got, wanted, n_out, shape.k / (subject->batch <= 4 ? 128 : 64) + 8);
    }
    run_case_end(run);
}

static void fuzz_subject(struct run *run, const struct subject *subject)
{
    const size_t element = ref_row_bytes(subject->type, 1);
    while (run_fuzz(run)) {
        struct shape shape = {.k = run_random_size(run, 16384), .gap = run_random_below(run, 5)};
        shape.n = run_random_size(run, 65536 / shape.k + 1);
        shape.x_shift = element * run_random_below(run, (uint32_t)(16 / element));
        shape.y_shift = 4 * run_random_below(run, 4);
        run_one(run, subject, run_random_below(run, 4) ? WEIGHTS_FINITE : WEIGHTS_BYTES, shape);
    }
}

static void run_subject(struct run *run, const struct subject *subject)
{
    if (run->settings.fuzz_seconds > 0) {
        fuzz_subject(run, subject);
        return;
    }
    static const size_t n[] = {1, 2, 3, 31, 32, 33, 127};
    static const size_t quick_k[] = {1, 7, 8, 9, 33, 512, 1031, 2048, 2049};
    static const size_t all_k[] = {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 63, 511, 512, 1024, 1025, 4095, 4096};
    const bool quick = run->settings.quick;
    const size_t element = ref_row_bytes(subject->type, 1), *k = quick ? quick_k : all_k;
    for (size_t i = 0; i < sizeof n / sizeof *n; i++) {
        for (size_t j = 0; j < (quick ? sizeof quick_k : sizeof all_k) / sizeof *k; j++) {
            if (n[i] * k[j] <= (quick ? 8192 : 1 << 18)) {
                run_one(run, subject, WEIGHTS_FINITE, (struct shape){.k = k[j], .n = n[i]});
            }
        }
    }
    for (size_t gap = 1; gap <= 4; gap++) {
        run_one(run, subject, WEIGHTS_FINITE, (struct shape){.k = 640, .n = 3, .gap = gap});
    }
    for (size_t shift = element; shift < 16; shift += element) {
        run_one(run, subject, WEIGHTS_FINITE, (struct shape){640, 3, 4, shift, 0});
    }
    run_one(run, subject, WEIGHTS_FINITE, (struct shape){643, 3, 1, element, 4});
    run_one(run, subject, WEIGHTS_FINITE, (struct shape){640, 2, 0, 16, 8});
    run_one(run, subject, WEIGHTS_BYTES, (struct shape){.k = 40, .n = 33});
    run_one(run, subject, WEIGHTS_BYTES, (struct shape){.k = 515, .n = 5});
    run_one(run, subject, WEIGHTS_ZERO, (struct shape){.k = 515, .n = 5});
    if (!quick) {
        run_one(run, subject, WEIGHTS_FINITE, (struct shape){.k = 4096, .n = 4096});
        run_one(run, subject, WEIGHTS_FINITE, (struct shape){.k = 11008, .n = 3});
        run_one(run, subject, WEIGHTS_FINITE, (struct shape){.k = 16384, .n = 3});
    }
}

void run_mat_vec_float(struct run *run)
{
    static const char *const types[] = {"f32", "f16", "bf16"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        for (unsigned batch = 1; batch <= 8; batch++) {
            struct subject subject = {.type = types[i], .batch = batch};
            snprintf(subject.kernel, sizeof subject.kernel, "mul_mat_vec_%s_f32_cuda%u", types[i], batch);
            if (run_group(run, subject.kernel, subject.kernel)) {
                run_subject(run, &subject);
                run_group_end(run);
            }
        }
    }
}
