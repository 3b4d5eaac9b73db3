/* bench_kernels: what each kernel of the quantized module makes of the device, beside what the device itself
 * does in the same run. One JSON line a case; see README.md. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

struct bench {
    struct device device;
    struct options options;
    struct cublas *cublas;
    const char *no_cublas; /* why not */
    const char *family;    /* of the case before */
    const char *names[4096];
    size_t n_names;
    uint64_t random;
    size_t n_cases;
};

static void usage(FILE *to)
{
    (void)fputs(
        "usage: bench_kernels [--hip rocm|cpu|cuda|PATH] [--family LIST] [--type LIST] [--shape NxK,...]\n"
        "                     [--batch LIST] [--seconds S] [--rotate MIB] [--cublas PATH]\n"
        "Lists are separated by commas. --seconds: of launches for a case (default 0.02); --rotate: memory\n"
        "that the weights of a case go through (default 1024, a quarter of the free memory at most).\n"
        "Exit status: 0, 1 something failed, 2 wrong options, 77 there is no device.\n",
        to);
}

static bool parse(struct options *out, int argc, char **argv)
{
    static const struct option options[] = {
        {"hip", required_argument, NULL, 'h'},
        {"family", required_argument, NULL, 'f'},
        {"type", required_argument, NULL, 't'},
        {"shape", required_argument, NULL, 's'},
        {"batch", required_argument, NULL, 'b'},
        {"seconds", required_argument, NULL, 'n'},
        {"rotate", required_argument, NULL, 'r'},
        {"cublas", required_argument, NULL, 'c'},
        {NULL, 0, NULL, 0},
    };
    const char *texts[128] = {0};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == '?') {
            return false;
        }
        texts[option] = optarg;
    }
    *out = (struct options){texts['h'], texts['f'], texts['t'], texts['s'], texts['b'], texts['c'], 0, 0};
    out->seconds = texts['n'] ? strtod(texts['n'], NULL) : 0.02;
    out->rotate_bytes = texts['r'] ? strtoul(texts['r'], NULL, 10) << 20 : (size_t)1 << 30;
    return optind == argc && out->seconds > 0 && out->seconds < 3600 && out->rotate_bytes > 0;
}

static void collect(void *payload, struct work *work)
{
    struct bench *bench = payload;
    if (bench->n_names < sizeof bench->names / sizeof *bench->names) {
        bench->names[bench->n_names++] = work->kernel;
    }
}

/* Compiles what will be needed, as many units at once as there are processors. */
static void warm(struct bench *bench)
{
    families_each(&bench->device, &bench->options, collect, bench);
    const qjit_warm_options options = {
        .struct_size = sizeof options, .kernels = bench->names, .n_kernels = bench->n_names};
    if (bench->n_names > 0 && qjit_warm(bench->device.context, NULL, &options) != QJIT_OK) {
        (void)fprintf(stderr, "bench_kernels: %s\n", qjit_error_detail());
        exit(1);
    }
}

static uint32_t random_below(struct bench *bench, uint32_t n)
{
    bench->random = bench->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((bench->random >> 32) * n >> 32);
}

/* Sets of ids, behind the activations; those of a row of a batch differ. Returns how many of a set differ on
 * average. */
static double put_ids(struct bench *bench, struct work *work)
{
    const size_t n = (size_t)work->n_ids * ID_SETS;
    const unsigned per_row = work->n_ids / work->batch;
    uint32_t *ids = calloc(n, sizeof *ids);
    unsigned char *seen = calloc(work->ids_below, 1);
    size_t n_distinct = 0;
    if (!ids || !seen) {
        exit(1);
    }
    for (size_t i = 0; i < n; i++) {
        const size_t in_set = i % work->n_ids, row_start = i - in_set % per_row;
        bool is_new = false;
        for (unsigned tries = 0; !is_new && tries < 64; tries++) {
            ids[i] = random_below(bench, work->ids_below);
            is_new = per_row > 64;
            for (size_t j = row_start; !is_new && j <= i; j++) {
                is_new = j == i;
                if (j < i && ids[j] == ids[i]) {
                    break;
                }
            }
        }
        memset(seen, 0, in_set == 0 ? work->ids_below : 0);
        n_distinct += !seen[ids[i]];
        seen[ids[i]] = 1;
    }
    struct device *device = &bench->device;
    device_check(device, device->hip.hipMemcpy(work->ids, ids, n * sizeof *ids, 1), "hipMemcpy");
    free(ids);
    free(seen);
    return (double)n_distinct / ID_SETS;
}

static size_t stride_of(size_t n_bytes)
{
    return (n_bytes + 255) / 256 * 256;
}

static size_t copies_in(const struct arena *arena, size_t n_bytes)
{
    return n_bytes == 0 || arena->n_bytes < stride_of(n_bytes) ? 1 : arena->n_bytes / stride_of(n_bytes);
}

/* Random bytes as weights, with scales of a model's size, and the same as activations. */
static void prepare(struct bench *bench, struct work *work)
{
    struct device *device = &bench->device;
    const struct type *type = &work->type;
    static const unsigned f32_scales[] = {2, 2}, q8_1_scales[] = {0, 2};
    work->in = device->in.start;
    work->out = device->out.start;
    work->side = device->side.start;
    work->ids = device->side.start + device->side.n_bytes / 2 / 256 * 256;
    own_fill(device, device->in);
    own_fill(device, device->side);
    const size_t n_bytes = work->in_bytes ? work->in_bytes : device->in.n_bytes;
    if (type->scales[0] != NO_SCALE) {
        own_set_scales(device, work->in, type->n_bytes, type->scales, n_bytes / type->n_bytes,
                       work->in_bytes ? copies_in(&device->in, n_bytes) : 1, stride_of(n_bytes));
    }
    if (work->side_bytes == 4 * (size_t)work->k) {
        own_set_scales(device, work->side, 4, f32_scales, work->side_bytes / 4, 1, 0);
    } else if (work->side_bytes > 0) {
        own_set_scales(device, work->side, 36, q8_1_scales, work->side_bytes / 36, 1, 0);
    }
    if (work->n_ids > 0) {
        const double n_distinct = put_ids(bench, work);
        work->bytes *= strcmp(work->family, "moe") == 0 ? n_distinct : 1;
    }
}

struct turns {
    struct device *device;
    struct work *work;
    size_t n_in, n_out;
};

static void launch_turn(void *payload, size_t i)
{
    struct turns *turns = payload;
    struct work *work = turns->work;
    const struct device *device = turns->device;
    char *ids = device->side.start + device->side.n_bytes / 2 / 256 * 256;
    work->in = device->in.start + i % turns->n_in * stride_of(work->in_bytes);
    work->out = device->out.start + i % turns->n_out * stride_of(work->out_bytes);
    work->ids = ids + i % ID_SETS * 4 * work->n_ids;
    device_launch(device, &work->launch);
}

static void begin_line(struct bench_line *line, const struct bench *bench, const char *family)
{
    const struct device *device = &bench->device;
    bench_begin(line, "kernels");
    bench_text(line, "device", device->facts.name);
    bench_text(line, "arch", device->facts.arch);
    bench_text(line, "hip", device->found);
    bench_text(line, "compiler", device->compiler);
    bench_number(line, "driver", device->driver);
    bench_text(line, "family", family);
    bench_number(line, "copy_gbps", device->peaks.copy_gbps);
    bench_number(line, "dp4a_gops", device->peaks.dp4a_gops);
}

static void measure_peaks(struct bench *bench)
{
    struct bench_line line;
    own_measure(&bench->device, bench->n_cases == 0 ? 0.3 : 0.05);
    begin_line(&line, bench, "device");
    bench_number(&line, "copy_kernel_gbps", bench->device.peaks.copy_kernel_gbps);
    bench_number(&line, "memcpy_gbps", bench->device.peaks.memcpy_gbps);
    bench_number(&line, "empty_us", bench->device.peaks.empty_us);
    bench_end(&line);
}

/* With the kernels that existing callers dequantise by, and with the wide ones. */
static void compare(struct bench *bench, struct bench_line *line, const struct work *work, double us)
{
    static const struct {
        const char *family, *us, *ratio;
    } rows[] = {{"dequantize", "dequantize_cublas_us", "faster_than_cublas"},
                {"dequantize_wide", "dequantize_wide_cublas_us", "faster_than_wide_cublas"}};
    const char *why = bench->no_cublas;
    double cublas_us = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && bench->cublas; i++) {
        cublas_us =
            cublas_time_us(bench->cublas, &bench->device, work, rows[i].family, bench->options.seconds, &why);
        if (cublas_us > 0) {
            bench_number(line, rows[i].us, cublas_us);
            bench_number(line, rows[i].ratio, cublas_us / us);
        }
    }
    if (!(cublas_us > 0)) {
        bench_text(line, "no_cublas", why);
    }
}

static void measure(void *payload, struct work *work)
{
    struct bench *bench = payload;
    struct device *device = &bench->device;
    if (!bench->family || strcmp(bench->family, work->family) != 0) {
        measure_peaks(bench);
        bench->family = work->family;
    }
    bench->n_cases++;
    prepare(bench, work);
    work->launch.function = device_function(device, work->kernel);
    struct turns turns = {device, work, copies_in(&device->in, work->in_bytes),
                          copies_in(&device->out, work->out_bytes)};
    const double us = device_time_us(device, bench->options.seconds, launch_turn, &turns);
    const double gbps = work->bytes / (1e3 * us), gops = work->ops / (1e3 * us);
    struct bench_line line;
    begin_line(&line, bench, work->family);
    bench_text(&line, "kernel_name", work->kernel);
    bench_text(&line, "type", work->type.name);
    bench_number(&line, "n", work->n);
    bench_number(&line, "k", work->k);
    bench_number(&line, "batch", work->batch);
    bench_number(&line, "us", us);
    bench_number(&line, "gbps", gbps);
    bench_number(&line, "gops", gops);
    bench_text(&line, "ratio_to", work->is_for_dp4a ? "dp4a" : "copy");
    bench_number(&line, "ratio",
                 work->is_for_dp4a ? gops / device->peaks.dp4a_gops : gbps / device->peaks.copy_gbps);
    if (work->is_for_dp4a && work->batch == 16) {
        compare(bench, &line, work, us);
    }
    bench_end(&line);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    if (!parse(&bench.options, argc, argv)) {
        usage(stderr);
        return 2;
    }
    int result = device_open(&bench.device, &bench.options);
    if (result == 0) {
        own_add(&bench.device);
        warm(&bench);
        bench.cublas = cublas_open(&bench.device, bench.options.cublas, &bench.no_cublas);
        families_each(&bench.device, &bench.options, measure, &bench);
        if (bench.n_cases == 0) {
            (void)fputs("bench_kernels: nothing is of that family, type, shape and batch\n", stderr);
            result = 2;
        }
        cublas_close(bench.cublas);
    }
    device_close(&bench.device);
    return result;
}
