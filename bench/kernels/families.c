/* What can be measured: the kernels of units.def by the source that they are in, with the launch geometry
 * that their callers keep to, on the shapes of real models. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "tuning.h"

enum { BLOCK = 32, Q8_1_BYTES = 36, ROW_PADDING = 512 };

static const struct unit {
    const char *name, *source, *defines;
} units[] = {
#define QJ_UNIT(name, module, source, defines, options) {#name, source, defines},
#define QJ_KERNEL(unit, name, aliases)
#include "units.def"
#undef QJ_UNIT
#undef QJ_KERNEL
};

static const struct row {
    const char *unit, *kernel;
} kernels[] = {
#define QJ_UNIT(name, module, source, defines, options)
#define QJ_KERNEL(unit, name, aliases) {#unit, #name},
#include "units.def"
#undef QJ_UNIT
#undef QJ_KERNEL
};

static const struct tile {
    const char *type;
    unsigned rows, columns;
} tiles[] = {
#define ROW(type, rows, columns) {#type, rows, columns},
    QJ_MUL_MAT_TILES(ROW)
#undef ROW
};

static const struct wide {
    const char *type;
    unsigned subgroups, blocks;
} wides[] = {
#define ROW(type, subgroups, blocks, rows, stages) {#type, subgroups, blocks},
    QJ_MAT_VEC_WIDE(ROW)
#undef ROW
};

struct shape {
    unsigned n, k;
};

/* Where the value of define `name` begins; NULL: there is none. */
static const char *define_of(const struct unit *unit, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = unit->defines; at; at = strchr(at, ' ')) {
        at += *at == ' ';
        if (strncmp(at, name, length) == 0 && at[length] == '=') {
            return at + length + 1;
        }
    }
    return NULL;
}

static unsigned number_of(const struct unit *unit, const char *name)
{
    const char *value = define_of(unit, name);
    return value ? (unsigned)strtoul(value, NULL, 10) : 0;
}

bool is_listed(const char *list, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0')) {
            return true;
        }
    }
    return list == NULL;
}

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

static unsigned ceil_div(size_t n, size_t by)
{
    return (unsigned)((n + by - 1) / by);
}

static void set_launch(struct work *work, unsigned x, unsigned y, unsigned z, unsigned threads_x,
                       unsigned threads_y)
{
    work->launch.grid[0] = x;
    work->launch.grid[1] = y;
    work->launch.grid[2] = z;
    work->launch.block[0] = threads_x;
    work->launch.block[1] = threads_y;
    work->launch.block[2] = 1;
}

static void set_params(struct work *work, void *first, void *second, void *third, void *fourth,
                       unsigned n_ints)
{
    void *pointers[] = {first, second, third, fourth};
    size_t at = 0;
    for (; at < 4 && pointers[at]; at++) {
        work->launch.params[at] = pointers[at];
    }
    for (unsigned i = 0; i < n_ints; i++) {
        work->launch.params[at++] = &work->ints[i];
    }
}

static size_t row_bytes_of(const struct work *work)
{
    return work->k / work->type.n_elements * (size_t)work->type.n_bytes;
}

static int padded(const struct work *work)
{
    return (int)round_up(work->k, ROW_PADDING);
}

/* ---- the families: each sets what its launch is, and says whether the case makes sense ---- */

static bool set_mat_vec(const struct device *device, struct work *work, const struct unit *unit)
{
    (void)device, (void)unit;
    const int ints[] = {(int)work->k, (int)work->n, padded(work), (int)work->n};
    memcpy(work->ints, ints, sizeof ints);
    set_launch(work, ceil_div(work->n, QJ_MAT_VEC_ROWS(work->batch)), 1, 1, 32,
               QJ_MAT_VEC_SUBGROUPS(work->batch));
    set_params(work, &work->in, &work->side, &work->out, NULL, 4);
    work->in_bytes = row_bytes_of(work) * work->n;
    work->side_bytes = (size_t)padded(work) / BLOCK * Q8_1_BYTES * work->batch;
    work->out_bytes = 4 * (size_t)work->n * work->batch;
    work->bytes = (double)work->in_bytes;
    work->ops = 2.0 * work->n * work->k * work->batch;
    return true;
}

/* By as many blocks of threads as are best. */
static bool set_mat_vec_wide(const struct device *device, struct work *work, const struct unit *unit)
{
    size_t i = 0;
    while (i < sizeof wides / sizeof *wides && strcmp(wides[i].type, work->type.name) != 0) {
        i++;
    }
    if (i == sizeof wides / sizeof *wides || !set_mat_vec(device, work, unit)) {
        return false;
    }
    set_launch(work, device->facts.n_cus * wides[i].blocks, 1, 1, 32, wides[i].subgroups);
    return true;
}

static bool set_mat_vec_float(const struct device *device, struct work *work, const struct unit *unit)
{
    const bool is_set = set_mat_vec(device, work, unit);
    work->side_bytes = 4 * (size_t)padded(work) * work->batch;
    return is_set;
}

static bool set_dequantize_mul_mat_vec(const struct device *device, struct work *work,
                                       const struct unit *unit)
{
    (void)device, (void)unit;
    work->ints[0] = (int)work->k;
    work->ints[1] = (int)work->n;
    set_launch(work, work->n, 1, 1, 32, 1);
    set_params(work, &work->in, &work->side, &work->out, NULL, 2);
    work->in_bytes = row_bytes_of(work) * work->n;
    work->side_bytes = 4 * (size_t)work->k;
    work->out_bytes = 4 * (size_t)work->n;
    work->bytes = (double)work->in_bytes;
    work->ops = 2.0 * work->n * work->k;
    return true;
}

static bool set_mul_mat(const struct device *device, struct work *work, const struct unit *unit)
{
    size_t i = 0;
    while (i < sizeof tiles / sizeof *tiles && strcmp(tiles[i].type, work->type.name) != 0) {
        i++;
    }
    if (i == sizeof tiles / sizeof *tiles || !set_mat_vec(device, work, unit)) {
        return false;
    }
    const int ints[] = {(int)work->k, (int)work->n, (int)work->batch, padded(work), (int)work->n};
    memcpy(work->ints, ints, sizeof ints);
    set_launch(work, ceil_div(work->n, tiles[i].rows), ceil_div(work->batch, tiles[i].columns), 1, 32, 4);
    set_params(work, &work->in, &work->side, &work->out, NULL, 5);
    work->is_for_dp4a = true;
    return true;
}

/* Of few columns it takes the time of its weights, of more that of its products. */
static bool set_mul_mat_narrow(const struct device *device, struct work *work, const struct unit *unit)
{
    if (!set_mul_mat(device, work, unit)) {
        return false;
    }
    set_launch(work, ceil_div(work->n, MUL_MAT_NARROW_ROWS), ceil_div(work->batch, MUL_MAT_NARROW_COLUMNS), 1,
               32, MUL_MAT_NARROW_SUBGROUPS);
    work->is_for_dp4a = work->batch > 8;
    return true;
}

static bool set_dequantize(const struct device *device, struct work *work, const struct unit *unit)
{
    (void)device;
    const unsigned per_group = number_of(unit, "QJ_ELEMENTS"), counts = number_of(unit, "QJ_K");
    const size_t n = (size_t)work->n * work->k, length = strlen(work->kernel);
    if (per_group == 0) {
        return false;
    }
    work->ints[0] = counts ? (int)(n / counts) : 0;
    set_launch(work, ceil_div(n, per_group), 1, 1, number_of(unit, "QJ_THREADS"), 1);
    set_params(work, &work->in, &work->out, NULL, NULL, 1);
    work->in_bytes = row_bytes_of(work) * work->n;
    work->out_bytes = n * (strcmp(work->kernel + length - 4, "_f16") == 0 ? 2 : 4);
    work->bytes = (double)(work->in_bytes + work->out_bytes);
    return true;
}

static bool set_dequantize_wide(const struct device *device, struct work *work, const struct unit *unit)
{
    enum { WIDE = 4096 };
    (void)device, (void)unit;
    const size_t n = (size_t)work->n * work->k, length = strlen(work->kernel);
    work->columns = (int64_t)n;
    set_launch(work, ceil_div(n, WIDE), 1, 1, 256, 1);
    set_params(work, &work->in, &work->out, &work->columns, NULL, 0);
    work->in_bytes = row_bytes_of(work) * work->n;
    work->out_bytes = n * (strcmp(work->kernel + length - 4, "_f16") == 0 ? 2 : 4);
    work->bytes = (double)(work->in_bytes + work->out_bytes);
    return true;
}

/* As many rows as the shape has, of a table that fills the arena. */
static bool set_get_rows(const struct device *device, struct work *work, const struct unit *unit)
{
    const unsigned threads = number_of(unit, "QJ_THREADS");
    const unsigned per_group = work->type.n_elements == 1 ? 256 : number_of(unit, "QJ_ELEMENTS");
    if (per_group == 0) {
        return false;
    }
    work->columns = work->k;
    work->row_bytes = row_bytes_of(work);
    work->n_ids = work->n;
    work->ids_below = (unsigned)(device->in.n_bytes / work->row_bytes);
    const unsigned y = ceil_div(work->k, per_group);
    set_launch(work, work->n, y > 65535 ? 65535 : y, 1, threads, 1);
    set_params(work, &work->in, &work->ids, &work->out, &work->columns, 0);
    work->launch.params[4] = &work->row_bytes;
    work->out_bytes = 4 * (size_t)work->n * work->k;
    work->bytes = (double)work->row_bytes * work->n + (double)work->out_bytes;
    return work->ids_below > 1;
}

/* The same with as many blocks of threads to a row as are enough. */
static bool set_get_rows_enough(const struct device *device, struct work *work, const struct unit *unit)
{
    const bool makes_sense = set_get_rows(device, work, unit);
    work->launch.grid[1] = ceil_div(work->k, 16 * work->launch.block[0]);
    return makes_sense;
}

/* Experts fill the arena, up to 128 of them; of 16 or more each row of the batch uses eight, else two. */
static bool set_moe(const struct device *device, struct work *work, const struct unit *unit)
{
    (void)unit;
    const size_t matrix = row_bytes_of(work) * work->n, room = device->in.n_bytes / matrix;
    work->ids_below = room > 128 ? 128 : (unsigned)room;
    const unsigned topk = work->ids_below >= 16 ? 8 : 2;
    const int ints[] = {(int)work->n, (int)work->k, (int)work->batch, (int)topk, padded(work), 1};
    memcpy(work->ints, ints, sizeof ints);
    work->n_ids = work->batch * topk;
    set_launch(work, work->n, work->batch, topk, 32, 4);
    set_params(work, &work->in, &work->side, &work->ids, &work->out, 6);
    work->side_bytes = (size_t)padded(work) / BLOCK * Q8_1_BYTES * work->batch;
    work->out_bytes = 4 * (size_t)work->n * work->n_ids;
    work->bytes = (double)matrix; /* for each of the experts that a launch uses, counted later */
    work->ops = 2.0 * work->n * work->k * work->n_ids;
    return work->ids_below >= 2;
}

static bool set_quantize(const struct device *device, struct work *work, const struct unit *unit)
{
    (void)device, (void)unit;
    work->ints[0] = (int)work->k;
    work->ints[1] = padded(work);
    set_launch(work, ceil_div((size_t)padded(work), 256), work->n, 1, 256, 1);
    set_params(work, &work->in, &work->out, NULL, NULL, 2);
    work->in_bytes = 4 * (size_t)work->k * work->n;
    work->out_bytes = (size_t)padded(work) / BLOCK * Q8_1_BYTES * work->n;
    work->bytes = (double)(work->in_bytes + work->out_bytes);
    return true;
}

static const struct family {
    const char *name, *source, *shapes, *batches;
    bool (*set)(const struct device *device, struct work *work, const struct unit *unit);
} families[] = {
#define MODELS "4096x4096,4096x11008,11008x4096,4096x14336,8192x28672,4096x32000"
    {"mat_vec", "mat_vec.hip", MODELS, "1,2,3,4,5,6,7,8", set_mat_vec},
    {"mat_vec_wide", "mat_vec_wide.hip", MODELS, "1", set_mat_vec_wide},
    {"mat_vec_float", "mat_vec_float.hip", MODELS, "1,2,3,4,5,6,7,8", set_mat_vec_float},
    {"dequantize_mul_mat_vec", "dequantize_mul_mat_vec.hip", MODELS, "1", set_dequantize_mul_mat_vec},
    {"mul_mat", "mul_mat.hip", MODELS, "16,64,512", set_mul_mat},
    {"mul_mat_narrow", "mul_mat_narrow.hip", MODELS, "8,16,64", set_mul_mat_narrow},
    {"dequantize", "dequantize.hip", MODELS, "1", set_dequantize},
    {"dequantize_wide", "dequantize_wide.hip", MODELS, "1", set_dequantize_wide},
    {"get_rows", "get_rows.hip", MODELS, "1", set_get_rows},
    {"get_rows_enough", "get_rows.hip", MODELS, "1", set_get_rows_enough},
    {"moe", "indexed_moe.hip", "768x2048,2048x768,14336x4096,4096x14336", "1,8", set_moe},
    {"quantize_q8_1", "quantize.hip", MODELS, "1", set_quantize},
};

/* Reads "4096x11008,..."; the rest of the list goes to *list, NULL at its end. */
static bool next_shape(struct shape *out, const char **list)
{
    char *end = NULL;
    if (!*list) {
        return false;
    }
    const unsigned long n = strtoul(*list, &end, 10), k = *end == 'x' ? strtoul(end + 1, &end, 10) : 0;
    if (n == 0 || k == 0 || n > 1u << 24 || k > 1u << 24 || (*end != '\0' && *end != ',')) {
        (void)fprintf(stderr, "bench_kernels: '%s' is no list of shapes such as 4096x11008\n", *list);
        exit(2);
    }
    *out = (struct shape){(unsigned)n, (unsigned)k};
    *list = *end == ',' ? end + 1 : NULL;
    return true;
}

static bool next_batch(unsigned *out, const char **list)
{
    char *end = NULL;
    if (!*list) {
        return false;
    }
    const unsigned long batch = strtoul(*list, &end, 10);
    if (batch == 0 || batch > 65536 || (*end != '\0' && *end != ',')) {
        (void)fprintf(stderr, "bench_kernels: '%s' is no list of batches such as 1,16\n", *list);
        exit(2);
    }
    *out = (unsigned)batch;
    *list = *end == ',' ? end + 1 : NULL;
    return true;
}

/* What fits into the arenas, each launch's buffers whole. */
static bool fits(const struct device *device, const struct work *work)
{
    const size_t ids_bytes = 4 * (size_t)work->n_ids * ID_SETS;
    return work->in_bytes <= device->in.n_bytes && work->out_bytes <= device->out.n_bytes &&
           work->side_bytes <= device->side.n_bytes / 2 && ids_bytes <= device->side.n_bytes / 2;
}

struct visit {
    struct device *device;
    const struct options *options;
    void (*each)(void *payload, struct work *work);
    void *payload;
};

static void visit_kernel(const struct visit *visit, const struct family *family, const struct unit *unit,
                         const char *kernel, const struct type *type)
{
    const char *shapes = visit->options->shape ? visit->options->shape : family->shapes;
    /* A kernel of one batch has it at the end of its name. */
    const bool is_of_one = family->set == set_mat_vec || family->set == set_mat_vec_float;
    const unsigned own = is_of_one ? (unsigned)(kernel[strlen(kernel) - 1] - '0') : 0;
    for (struct shape shape; next_shape(&shape, &shapes);) {
        const char *batches =
            visit->options->batch && strchr(family->batches, ',') ? visit->options->batch : family->batches;
        for (unsigned batch; next_batch(&batch, &batches);) {
            struct work work = {.family = family->name,
                                .kernel = kernel,
                                .type = *type,
                                .n = shape.n,
                                .k = shape.k,
                                .batch = batch};
            if ((own == 0 || own == batch) && shape.k % type->n_elements == 0 &&
                family->set(visit->device, &work, unit) && fits(visit->device, &work)) {
                visit->each(visit->payload, &work);
            }
        }
    }
}

static void visit_family(const struct visit *visit, const struct family *family)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(units[i].source, family->source) != 0) {
            continue;
        }
        char name[32] = "f32"; /* of quantize_q8_1, which has one type only */
        const char *define = define_of(&units[i], "QJ_TYPE");
        if (define) {
            (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(define, " "), define);
        }
        const struct type *type = type_find(name);
        if (!type || !is_listed(visit->options->type, name)) {
            continue;
        }
        for (size_t j = 0; j < sizeof kernels / sizeof *kernels; j++) {
            if (strcmp(kernels[j].unit, units[i].name) == 0) {
                visit_kernel(visit, family, &units[i], kernels[j].kernel, type);
            }
        }
    }
}

void families_each(struct device *device, const struct options *options,
                   void (*each)(void *payload, struct work *work), void *payload)
{
    const struct visit visit = {device, options, each, payload};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (is_listed(options->family, families[i].name)) {
            visit_family(&visit, &families[i]);
        }
    }
}
