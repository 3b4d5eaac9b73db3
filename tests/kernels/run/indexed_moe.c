/* indexed_moe_forward_<T>_q8_1: each input times the matrices of the experts that its indices name.
 *
 * Tolerance: weights.h. The launch geometry is the contract with existing callers, written out here. What
 * lies between a row's k and its padding must not count: the inputs' blocks there are NaNs. So is the matrix
 * of an expert that no index names: one that is read a block or a matrix off is seen. */
#include <cpu_ref/indexed_moe.h>
#include <stdio.h>
#include <string.h>

#include "weights.h"

enum { BLOCK = 32, ROW_PADDING = 512, SUBGROUPS = 4 };

static const struct subject {
    const char *type, *kernel;
} subjects[] = {
    {"q2_K", "indexed_moe_forward_q2k_q8_1"}, {"q3_K", "indexed_moe_forward_q3k_q8_1"},
    {"q4_K", "indexed_moe_forward_q4k_q8_1"}, {"q5_K", "indexed_moe_forward_q5k_q8_1"},
    {"q6_K", "indexed_moe_forward_q6k_q8_1"}, {"q8_0", "indexed_moe_forward_q8_0_q8_1"},
};

static const struct weights_type *weights_of(const char *type)
{
    size_t i = 0;
    while (strcmp(weights_types[i].name, type) != 0) {
        i++;
    }
    return &weights_types[i];
}

static void fill_inputs(struct run *run, enum weights_kind kind, struct ref_q8_1 *y,
                        const struct ref_moe *moe)
{
    const size_t row_blocks = moe->k_padded / BLOCK;
    for (size_t i = 0; i < moe->batch * moe->input_dim1 * row_blocks; i++) {
        if (i % row_blocks >= moe->k / BLOCK) {
            memset(&y[i], 0xff, sizeof y[i]);
            continue;
        }
        run_random_bytes(run, y[i].qs, sizeof y[i].qs);
        y[i].d = weights_random_f16(run, kind);
        y[i].s = weights_random_f16(run, kind);
    }
}

/* Unordered and repeated, the last expert first, and never expert 1 of more than two. */
static uint32_t *choose_experts(struct run *run, const struct ref_moe *moe, size_t n_experts)
{
    uint32_t *indices = run_memory(run, moe->batch * moe->topk * sizeof *indices);
    for (size_t i = 0; i < moe->batch * moe->topk; i++) {
        const uint32_t chosen = run_random_below(run, (uint32_t)n_experts);
        indices[i] = i == 0 || (chosen == 1 && n_experts > 2) ? (uint32_t)n_experts - 1 : chosen;
    }
    return indices;
}

static bool launch(struct run *run, const char *kernel, const struct ref_moe *moe, struct run_buffer *x,
                   struct run_buffer *y, struct run_buffer *indices, struct run_buffer *out)
{
    int n = (int)moe->n, k = (int)moe->k, batch = (int)moe->batch, topk = (int)moe->topk;
    int k_padded = (int)moe->k_padded, input_dim1 = (int)moe->input_dim1;
    return run_launch(run, kernel, (struct run_dim){(unsigned)n, (unsigned)batch, (unsigned)topk},
                      (struct run_dim){32, SUBGROUPS, 1},
                      (void *[]){&x->device, &y->device, &indices->device, &out->device, &n, &k, &batch,
                                 &topk, &k_padded, &input_dim1});
}

static void run_one(struct run *run, const struct subject *subject, enum weights_kind kind,
                    struct ref_moe moe, size_t n_experts)
{
    moe.k_padded = (moe.k + ROW_PADDING - 1) / ROW_PADDING * ROW_PADDING;
    run_case(run, "%s, %zu experts of %zu x %zu, batch %zu, topk %zu, %zu rows of input each",
             weights_kind_names[kind], n_experts, moe.n, moe.k, moe.batch, moe.topk, moe.input_dim1);
    const struct ref_type *type = ref_type_find(subject->type);
    const size_t matrix_blocks = moe.n * moe.k / type->n_elements;
    const size_t n_weights = n_experts * matrix_blocks * type->n_bytes, n_out = moe.batch * moe.topk * moe.n;
    const size_t n_inputs = moe.batch * moe.input_dim1 * moe.k_padded / BLOCK;
    unsigned char *weights = run_memory(run, n_weights);
    struct ref_q8_1 *inputs = run_memory(run, n_inputs * sizeof *inputs);
    struct ref_sum *wanted = run_memory(run, n_out * sizeof *wanted);
    weights_fill(run, weights_of(subject->type), kind, weights, n_experts * matrix_blocks);
    if (n_experts > 2) {
        memset(weights + matrix_blocks * type->n_bytes, 0xff, matrix_blocks * type->n_bytes);
    }
    fill_inputs(run, kind == WEIGHTS_ZERO ? WEIGHTS_FINITE : kind, inputs, &moe);
    const uint32_t *chosen = choose_experts(run, &moe, n_experts);
    struct run_buffer *x = run_input(run, "all_weights", weights, n_weights, 0);
    struct run_buffer *y = run_input(run, "all_inputs", inputs, n_inputs * sizeof *inputs, 0);
    struct run_buffer *indices =
        run_input(run, "indices", chosen, moe.batch * moe.topk * sizeof *chosen, sizeof *chosen);
    struct run_buffer *out = run_output(run, "all_outputs", n_out * sizeof(float), 0);
    launch(run, subject->kernel, &moe, x, y, indices, out);
    const float *got = run_result(run, out, 0, out->n);
    if (got) {
        ref_indexed_moe(wanted, type, weights, inputs, chosen, &moe);
        /* A thread adds up the sums of 16 elements or more. */
        weights_expect(run, got, wanted, n_out, moe.k / (16 * 32 * SUBGROUPS));
    }
    run_case_end(run);
}

/* A matrix that begins past 2^32 bytes: expert 0 is left as an output is at first, expert 1 is known. */
static void run_large(struct run *run, const struct subject *subject)
{
    const struct ref_type *type = ref_type_find(subject->type);
    const struct weights_type *weights_type = weights_of(subject->type);
    struct ref_moe moe = {.k = 16384, .batch = 1, .topk = 1, .k_padded = 16384, .input_dim1 = 1};
    const size_t row_bytes = moe.k / type->n_elements * type->n_bytes;
    moe.n = ((size_t)1 << 32) / row_bytes + 1;
    size_t free_bytes = 0, total_bytes = 0;
    const size_t needed = 2 * moe.n * row_bytes;
    if (run->hip.hipMemGetInfo(&free_bytes, &total_bytes) != 0 || free_bytes < needed + (needed >> 3)) {
        run_skip(run, "needs %zu MiB of device memory, %zu are free", needed >> 20, free_bytes >> 20);
        return;
    }
    run_case(run, "a matrix past 2^32 bytes");
    enum { ROWS = 2 }; /* the first and the last */
    unsigned char *rows = run_memory(run, ROWS * row_bytes);
    struct ref_q8_1 *inputs = run_memory(run, moe.k_padded / BLOCK * sizeof *inputs);
    struct ref_sum wanted[ROWS];
    weights_fill(run, weights_type, WEIGHTS_FINITE, rows, ROWS * moe.k / type->n_elements);
    fill_inputs(run, WEIGHTS_FINITE, inputs, &moe);
    struct run_buffer *x = run_output(run, "all_weights", needed, 0);
    struct run_buffer *y = run_input(run, "all_inputs", inputs, moe.k_padded / BLOCK * sizeof *inputs, 0);
    struct run_buffer *indices = run_input(run, "indices", &(uint32_t){1}, sizeof(uint32_t), 0);
    struct run_buffer *out = run_output(run, "all_outputs", moe.n * sizeof(float), 0);
    char *matrix = (char *)x->device + moe.n * row_bytes;
    if (x->device && run->hip.hipMemcpy(matrix, rows, row_bytes, 1) == 0 &&
        run->hip.hipMemcpy(matrix + (moe.n - 1) * row_bytes, rows + row_bytes, row_bytes, 1) == 0 &&
        launch(run, subject->kernel, &moe, x, y, indices, out)) {
        float got[ROWS] = {0};
        run_download(run, out, 0, sizeof *got, &got[0]);
        run_download(run, out, (moe.n - 1) * sizeof *got, sizeof *got, &got[1]);
        ref_mat_vec_q8_1(wanted, type, rows, inputs, moe.k, ROWS, moe.k_padded, 1);
        weights_expect(run, got, wanted, ROWS, moe.k / (16 * 32 * SUBGROUPS));
    } else {
        run_fail(run, "the weights could not be had");
    }
    run_case_end(run);
}

static void fuzz_subject(struct run *run, const struct subject *subject)
{
    const size_t block = ref_type_find(subject->type)->n_elements;
    while (run_fuzz(run)) {
        struct ref_moe moe = {.k = block * run_random_size(run, 4096 / block)};
        moe.n = run_random_size(run, 16384 / moe.k + 1);
        moe.batch = run_random_size(run, 5);
        moe.topk = run_random_size(run, 4);
        moe.input_dim1 = run_random_below(run, 2) ? moe.topk : 1;
        run_one(run, subject, run_random_below(run, 2) ? WEIGHTS_BYTES : WEIGHTS_FINITE, moe,
                run_random_size(run, 8));
    }
}

static void run_subject(struct run *run, const struct subject *subject)
{
    if (run->settings.fuzz_seconds > 0) {
        fuzz_subject(run, subject);
        return;
    }
    const size_t block = ref_type_find(subject->type)->n_elements;
    const struct ref_moe shapes[] = {
        {.n = 1, .k = block, .batch = 1, .topk = 1, .input_dim1 = 1},
        {.n = 3, .k = 3 * block, .batch = 2, .topk = 2, .input_dim1 = 1},
        {.n = 3, .k = 3 * block, .batch = 2, .topk = 3, .input_dim1 = 3},
        {.n = 2, .k = 2048 + block, .batch = 1, .topk = 2, .input_dim1 = 2},
        {.n = 33, .k = block, .batch = 3, .topk = 2, .input_dim1 = 1},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (size_t n_experts = 1; n_experts <= 5; n_experts += 4) {
            run_one(run, subject, WEIGHTS_FINITE, shapes[i], n_experts);
        }
    }
    for (enum weights_kind kind = WEIGHTS_BYTES; kind < WEIGHTS_KINDS; kind++) {
        run_one(run, subject, kind, shapes[2], 4);
    }
    if (!run->settings.quick) {
        run_one(run, subject, WEIGHTS_FINITE,
                (struct ref_moe){.n = 127, .k = 2048, .batch = 5, .topk = 8, .input_dim1 = 1}, 16);
        run_one(run, subject, WEIGHTS_FINITE,
                (struct ref_moe){.n = 128, .k = 768, .batch = 5, .topk = 8, .input_dim1 = 8}, 16);
        run_one(run, subject, WEIGHTS_FINITE,
                (struct ref_moe){.n = 2, .k = block, .batch = 1000, .topk = 3, .input_dim1 = 3}, 3);
    }
    if (run->settings.large) {
        run_large(run, subject);
    }
}

void run_indexed_moe(struct run *run)
{
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        if (run_group(run, subjects[i].kernel, subjects[i].kernel)) {
            run_subject(run, &subjects[i]);
            run_group_end(run);
        }
    }
}
