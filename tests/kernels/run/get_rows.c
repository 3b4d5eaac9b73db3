/* get_rows_<T>: rows of a table as f32.
 *
 * The result must be the reference's bits, as in dequantize.c and for the same reason: no tolerance. The
 * bytes between a row's end and the next row must not count, and the last row is followed by nothing. */
#include <cpu_ref/get_rows.h>
#include <stdio.h>
#include <string.h>

#include "weights.h"

/* Plain numbers, launched as the types of weights.h are. */
static const struct weights_type plains[] = {
    {.name = "f32", .get_rows = {256, 256, false}},
    {.name = "f16", .get_rows = {256, 256, false}},
    {.name = "bf16", .get_rows = {256, 256, false}},
};

struct subject {
    const struct weights_type *weights;
    size_t block, block_bytes; /* of plain numbers: one of them */
    bool is_plain;
    char kernel[64];
};

/* y: blocks of threads for a row; 0: as the contract has it. */
struct shape {
    size_t n_rows, n_ids, n_columns, gap_blocks;
    unsigned y;
    bool is_view;
};

static unsigned y_of(const struct weights_type *type, size_t n_columns)
{
    const unsigned per_group = type->get_rows.per_group;
    const size_t n = (n_columns + (type->get_rows.is_exact ? 0 : per_group - 1)) / per_group;
    return n > 65535 ? 65535 : n == 0 ? 1 : (unsigned)n;
}

static bool launch(struct run *run, const struct subject *subject, const struct shape *shape,
                   struct run_buffer *table, struct run_buffer *ids, struct run_buffer *out, size_t stride)
{
    int64_t n_columns = (int64_t)shape->n_columns;
    const unsigned y = shape->y ? shape->y : y_of(subject->weights, shape->n_columns);
    return run_launch(run, subject->kernel, (struct run_dim){(unsigned)shape->n_ids, y, 1},
                      (struct run_dim){subject->weights->get_rows.threads, 1, 1},
                      (void *[]){&table->device, &ids->device, &out->device, &n_columns, &stride});
}

static void fill(struct run *run, const struct subject *subject, enum weights_kind kind, unsigned char *rows,
                 size_t n_bytes)
{
    if (!subject->is_plain) {
        weights_fill(run, subject->weights, kind, rows, n_bytes / subject->block_bytes);
    } else if (kind != WEIGHTS_ZERO) { /* for plain numbers too every bit pattern is one */
        run_random_bytes(run, rows, n_bytes);
    }
}

/* Unordered and repeated; the last row is there first and last. */
static uint32_t *choose_ids(struct run *run, const struct shape *shape)
{
    uint32_t *ids = run_memory(run, shape->n_ids * sizeof *ids);
    for (size_t i = 0; i < shape->n_ids; i++) {
        ids[i] = run_random_below(run, (uint32_t)shape->n_rows);
    }
    ids[0] = ids[shape->n_ids - 1] = (uint32_t)shape->n_rows - 1;
    return ids;
}

static void run_one(struct run *run, const struct subject *subject, enum weights_kind kind,
                    struct shape shape)
{
    run_case(run, "%s, %zu of %zu rows of %zu, %zu blocks between, y %u%s", weights_kind_names[kind],
             shape.n_ids, shape.n_rows, shape.n_columns, shape.gap_blocks, shape.y,
             shape.is_view ? ", within larger buffers" : "");
    const char *type = subject->weights->name;
    const size_t row_bytes = ref_row_bytes(type, shape.n_columns), n_out = shape.n_ids * shape.n_columns;
    const size_t stride = row_bytes + shape.gap_blocks * subject->block_bytes;
    const size_t n_bytes = (shape.n_rows - 1) * stride + row_bytes;
    unsigned char *rows = run_memory(run, n_bytes);
    fill(run, subject, kind, rows, n_bytes);
    const uint32_t *chosen = choose_ids(run, &shape);
    struct run_buffer *table =
        run_input(run, "src0", rows, n_bytes, shape.is_view ? subject->block_bytes : 0);
    struct run_buffer *ids =
        run_input(run, "src1", chosen, shape.n_ids * sizeof *chosen, shape.is_view ? sizeof *chosen : 0);
    struct run_buffer *out = run_output(run, "dst", n_out * sizeof(float), shape.is_view ? sizeof(float) : 0);
    launch(run, subject, &shape, table, ids, out, stride);
    const float *got = run_result(run, out, 0, out->n);
    if (got) {
        float *wanted = run_memory(run, out->n);
        ref_get_rows(wanted, type, rows, stride, chosen, shape.n_ids, shape.n_columns);
        run_expect_exact_f32(run, "dst", got, wanted, n_out, 0);
    }
    run_case_end(run);
}

/* A row that begins past 2^32 bytes and a result of more than 2^31 elements. The table is what an output
 * holds at first, but for the row. */
static void run_large(struct run *run, const struct subject *subject)
{
    const struct shape shape = {.n_rows = 2, .n_columns = 4096, .n_ids = ((size_t)1 << 31) / 4096 + 3};
    const size_t row_bytes = ref_row_bytes(subject->weights->name, shape.n_columns);
    const size_t stride = ((size_t)1 << 32) + row_bytes, row_out = shape.n_columns * sizeof(float);
    size_t free_bytes = 0, total_bytes = 0;
    const size_t needed = stride + row_bytes + shape.n_ids * row_out;
    if (run->hip.hipMemGetInfo(&free_bytes, &total_bytes) != 0 || free_bytes < needed + (needed >> 3)) {
        run_skip(run, "needs %zu MiB of device memory, %zu are free", needed >> 20, free_bytes >> 20);
        return;
    }
    run_case(run, "more than 2^31 elements");
    unsigned char *row = run_memory(run, row_bytes);
    fill(run, subject, WEIGHTS_FINITE, row, row_bytes);
    uint32_t *chosen = run_memory(run, shape.n_ids * sizeof *chosen);
    for (size_t i = 0; i < shape.n_ids; i++) {
        chosen[i] = i % 2 == 0; /* the last one is row 1 */
    }
    struct run_buffer *table = run_output(run, "src0", stride + row_bytes, 0);
    struct run_buffer *ids = run_input(run, "src1", chosen, shape.n_ids * sizeof *chosen, 0);
    struct run_buffer *out = run_output(run, "dst", shape.n_ids * row_out, 0);
    float *wanted = run_memory(run, row_out), *got = run_memory(run, row_out);
    if (table->device &&
        run->hip.hipMemcpy((char *)table->device + stride, row, row_bytes, 1 /* to the device */) == 0 &&
        launch(run, subject, &shape, table, ids, out, stride)) {
        ref_get_rows(wanted, subject->weights->name, row, 0, &(uint32_t){0}, 1, shape.n_columns);
        for (size_t i = 0; i < shape.n_ids; i += shape.n_ids - 1) {
            if (run_download(run, out, i * row_out, row_out, got)) {
                run_expect_exact_f32(run, "dst", got, wanted, shape.n_columns, i * shape.n_columns);
            }
        }
    } else {
        run_fail(run, "the table could not be had");
    }
    run_case_end(run);
}

static void fuzz_subject(struct run *run, const struct subject *subject)
{
    while (run_fuzz(run)) {
        struct shape shape = {.n_rows = run_random_size(run, 100), .n_columns = run_random_size(run, 16384)};
        shape.n_ids = run_random_size(run, 65536 / shape.n_columns + 1);
        shape.gap_blocks = run_random_below(run, 3);
        shape.is_view = run_random_below(run, 2);
        run_one(run, subject, WEIGHTS_BYTES, shape);
    }
}

static void run_subject(struct run *run, const struct subject *subject)
{
    if (run->settings.fuzz_seconds > 0) {
        fuzz_subject(run, subject);
        return;
    }
    const size_t block = subject->block, group = subject->weights->get_rows.per_group;
    const size_t columns[] = {block, 3 * block,       group, group + block, 2 * group - block,
                              2048,  2048 + 5 * block};
    const bool quick = run->settings.quick;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        run_one(run, subject, WEIGHTS_FINITE,
                (struct shape){.n_rows = 5, .n_ids = quick ? 4 : 17, .n_columns = columns[i]});
    }
    const struct shape few = {.n_rows = 7, .n_ids = 9, .n_columns = 3 * block, .gap_blocks = 2};
    for (enum weights_kind kind = WEIGHTS_BYTES; kind < WEIGHTS_KINDS; kind++) {
        run_one(run, subject, kind, few);
    }
    run_one(run, subject, WEIGHTS_BYTES,
            (struct shape){
                .n_rows = 3, .n_ids = 5, .n_columns = group + block + 1, .gap_blocks = 1, .is_view = true});
    /* More and fewer blocks of threads than a row needs. */
    const struct shape uneven = {.n_rows = 2, .n_ids = 2, .n_columns = 4 * group + block / 2 + 1};
    for (unsigned y = 1; y <= 9; y += 4) {
        struct shape shape = uneven;
        shape.y = y;
        run_one(run, subject, WEIGHTS_FINITE, shape);
    }
    if (!quick) {
        run_one(run, subject, WEIGHTS_BYTES, (struct shape){.n_rows = 300, .n_ids = 1000, .n_columns = 4096});
        run_one(run, subject, WEIGHTS_BYTES, (struct shape){.n_rows = 1, .n_ids = 70000, .n_columns = 256});
        run_one(run, subject, WEIGHTS_FINITE, (struct shape){.n_rows = 2, .n_ids = 2, .n_columns = 1 << 21});
    }
    if (run->settings.large) {
        run_large(run, subject);
    }
}

static void run_type(struct run *run, const struct weights_type *weights)
{
    const struct ref_type *type = ref_type_find(weights->name);
    struct subject subject = {
        .weights = weights,
        .block = type ? type->n_elements : 1,
        .block_bytes = type ? type->n_bytes : ref_row_bytes(weights->name, 1),
        .is_plain = !type,
    };
    snprintf(subject.kernel, sizeof subject.kernel, "get_rows_%s", weights->name);
    if (weights->get_rows.threads && run_group(run, subject.kernel, subject.kernel)) {
        run_subject(run, &subject);
        run_group_end(run);
    }
}

void run_get_rows(struct run *run)
{
    for (size_t i = 0; i < WEIGHTS_TYPES; i++) {
        run_type(run, &weights_types[i]);
    }
    for (size_t i = 0; i < sizeof plains / sizeof *plains; i++) {
        run_type(run, &plains[i]);
    }
}
