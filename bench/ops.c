/* bench_ops: how well qjit_mul_mat chooses. Each type, shape and batch is computed by every path that there
 * is, in turns; a JSON line says which one QJIT_PATH_AUTO takes, which is best, and the ratio of their times.
 * The last line has the worst ratio and how many are within 5 %. The rules are in src/ops/path.c. */
#include <getopt.h>
#include <qjit/ops.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"

enum { N_ROUNDS = 3, N_PATHS = QJIT_PATH_MAT_VEC_WIDE + 1, N_SLOTS_MAX = 64, N_KERNELS_MAX = 1024 };

struct op_case {
    const qjit_ggml_type_info *type;
    uint64_t n, k, batch;
};

struct bench {
    struct device device;
    struct options options;
    const char *kernels[N_KERNELS_MAX]; /* of all cases */
    size_t n_kernels;
    qjit_buffer *out, *x;
    qjit_weights *slots[N_SLOTS_MAX]; /* of the case: its weights, in several places */
    size_t n_slots;
    struct op_case current;
    qjit_path path;
    size_t n_cases, n_good;
    double worst;
};

static void usage(FILE *to)
{
    (void)fputs(
        "usage: bench_ops [--hip rocm|cpu|cuda|PATH] [--type LIST] [--shape NxK,...] [--batch LIST]\n"
        "                 [--seconds S] [--rotate MIB]\n"
        "Lists are separated by commas. --seconds: of each measurement (default 0.005); --rotate: memory\n"
        "that the weights of a case go through (default 1024, a quarter of the free memory at most).\n"
        "Exit status: 0, 1 something failed, 2 wrong options, 77 there is no device.\n",
        to);
}

static bool parse(struct options *out, int argc, char **argv)
{
    static const struct option options[] = {
        {"hip", required_argument, NULL, 'h'},
        {"type", required_argument, NULL, 't'},
        {"shape", required_argument, NULL, 's'},
        {"batch", required_argument, NULL, 'b'},
        {"seconds", required_argument, NULL, 'n'},
        {"rotate", required_argument, NULL, 'r'},
        {NULL, 0, NULL, 0},
    };
    const char *texts[128] = {0};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == '?') {
            return false;
        }
        texts[option] = optarg;
    }
    *out = (struct options){
        .hip = texts['h'],
        .type = texts['t'] ? texts['t']
                           : "q4_0,q4_1,q5_0,q5_1,q8_0,q2_K,q3_K,q4_K,q5_K,q6_K,q8_K,iq4_nl,iq4_xs,mxfp4,"
                             "nvfp4,f32,f16,bf16",
        .shape = texts['s'] ? texts['s'] : "4096x4096,4096x11008,11008x4096,4096x14336,8192x28672,4096x32000",
        .batch = texts['b'] ? texts['b'] : "1,2,4,8,9,12,16,24,32,40,48,64,128,512",
        .seconds = texts['n'] ? strtod(texts['n'], NULL) : 0.005,
        .rotate_bytes = texts['r'] ? strtoul(texts['r'], NULL, 10) << 20 : (size_t)1 << 30,
    };
    return optind == argc && out->seconds > 0 && out->rotate_bytes > 0;
}

static void check(qjit_status status, const char *what)
{
    if (status != QJIT_OK) {
        (void)fprintf(stderr, "bench_ops: %s: %s\n", what, qjit_error_detail());
        exit(1);
    }
}

/* The next word of a list; false at its end. */
static bool next_word(char out[static 32], const char **list)
{
    const size_t n = strcspn(*list, ",");
    if (n == 0) {
        return false;
    }
    (void)snprintf(out, 32, "%.*s", (int)n, *list);
    *list += n + ((*list)[n] == ',');
    return true;
}

/* Calls each with every case of the lists that fits into the arenas. */
static void each_case(struct bench *bench, void (*each)(struct bench *bench, const struct op_case *it))
{
    char type[32], shape[32], batch[32];
    const struct device *device = &bench->device;
    for (const char *types = bench->options.type; next_word(type, &types);) {
        struct op_case it;
        check(qjit_find_ggml_type(&it.type, type), type);
        for (const char *shapes = bench->options.shape; next_word(shape, &shapes);) {
            char *end;
            it.n = strtoul(shape, &end, 10);
            it.k = *end == 'x' ? strtoul(end + 1, NULL, 10) : 0;
            for (const char *batches = bench->options.batch; next_word(batch, &batches);) {
                it.batch = strtoul(batch, NULL, 10);
                const uint64_t bytes = it.n * it.k / it.type->block_elements * it.type->block_bytes;
                if (bytes > 0 && it.batch > 0 && it.k % it.type->block_elements == 0 &&
                    bytes <= device->in.n_bytes && it.batch * it.n * 4 <= device->out.n_bytes &&
                    it.batch * it.k * 4 <= device->side.n_bytes) {
                    each(bench, &it);
                }
            }
        }
    }
}

static qjit_status plan(const struct bench *bench, qjit_op_plan *out, const struct op_case *it,
                        qjit_path path)
{
    *out = (qjit_op_plan){.struct_size = sizeof *out};
    const qjit_op_call call = {.struct_size = sizeof call,
                               .op = QJIT_OP_MUL_MAT,
                               .type = it->type->type,
                               .n = it->n,
                               .k = it->k,
                               .batch = it->batch,
                               .path = path,
                               .arch = bench->device.facts.arch};
    return qjit_plan_op(out, &call);
}

/* Those that compute the case in a time worth comparing. */
static bool is_tried(const struct bench *bench, qjit_op_plan *out, const struct op_case *it, qjit_path path)
{
    enum { BY_ONE = 8 }; /* columns: of more, paths of a launch a column are far behind */
    qjit_op_plan chosen;
    check(plan(bench, &chosen, it, QJIT_PATH_AUTO), it->type->name);
    const bool is_by_one =
        path == QJIT_PATH_MAT_VEC_F32 || path == QJIT_PATH_DEQUANTIZE_F32 || path == QJIT_PATH_MAT_VEC_WIDE;
    return plan(bench, out, it, path) == QJIT_OK &&
           (!is_by_one || it->batch <= BY_ONE || path == chosen.path);
}

static void collect(struct bench *bench, const struct op_case *it)
{
    for (qjit_path path = QJIT_PATH_MAT_VEC; path <= QJIT_PATH_MAT_VEC_WIDE; path++) {
        qjit_op_plan out;
        for (uint32_t i = 0; is_tried(bench, &out, it, path) && i < out.n_kernels; i++) {
            size_t j = 0;
            while (j < bench->n_kernels && bench->kernels[j] != out.kernels[i]) {
                j++;
            }
            if (j == bench->n_kernels && j < N_KERNELS_MAX) {
                bench->kernels[bench->n_kernels++] = out.kernels[i];
            }
        }
    }
}

static void multiply(void *payload, size_t i)
{
    const struct bench *bench = payload;
    check(qjit_mul_mat(bench->slots[i % bench->n_slots], bench->out, bench->x, bench->current.batch,
                       bench->path, NULL),
          "qjit_mul_mat");
}

static void take_slots(struct bench *bench, const struct op_case *it)
{
    const size_t n_bytes = it->n * it->k / it->type->block_elements * it->type->block_bytes;
    const size_t stride = (n_bytes + 255) / 256 * 256;
    bench->n_slots = 0;
    while (bench->n_slots < N_SLOTS_MAX && bench->n_slots * stride + n_bytes <= bench->device.in.n_bytes) {
        qjit_buffer *place;
        char *start = bench->device.in.start + bench->n_slots * stride;
        check(qjit_buffer_wrap(bench->device.context, &place, 0, start, n_bytes), "qjit_buffer_wrap");
        check(qjit_weights_wrap(place, &bench->slots[bench->n_slots], it->type->type, it->n, it->k, 1, 0),
              "qjit_weights_wrap");
        qjit_buffer_destroy(place);
        bench->n_slots++;
    }
}

static void print(struct bench *bench, const struct op_case *it, qjit_path chosen,
                  const double us[static N_PATHS])
{
    qjit_path best = chosen;
    struct bench_line line;
    for (qjit_path path = QJIT_PATH_MAT_VEC; path <= QJIT_PATH_MAT_VEC_WIDE; path++) {
        best = us[path] > 0 && us[path] < us[best] ? path : best;
    }
    const double ratio = us[chosen] / us[best];
    bench->n_cases++;
    bench->n_good += ratio <= 1.05;
    bench->worst = ratio > bench->worst ? ratio : bench->worst;
    bench_begin(&line, "ops");
    bench_text(&line, "device", bench->device.facts.name);
    bench_text(&line, "arch", bench->device.facts.arch);
    bench_text(&line, "type", it->type->name);
    bench_number(&line, "n", (double)it->n);
    bench_number(&line, "k", (double)it->k);
    bench_number(&line, "batch", (double)it->batch);
    bench_text(&line, "chosen", qjit_path_name(chosen));
    bench_text(&line, "best", qjit_path_name(best));
    for (qjit_path path = QJIT_PATH_MAT_VEC; path <= QJIT_PATH_MAT_VEC_WIDE; path++) {
        char name[32];
        (void)snprintf(name, sizeof name, "%s_us", qjit_path_name(path));
        if (us[path] > 0) {
            bench_number(&line, name, us[path]);
        }
    }
    bench_number(&line, "ratio", ratio);
    bench_end(&line);
}

static void measure(struct bench *bench, const struct op_case *it)
{
    double rounds[N_PATHS][N_ROUNDS], us[N_PATHS] = {0};
    qjit_op_plan out, chosen;
    bench->current = *it;
    take_slots(bench, it);
    for (size_t round = 0; round < N_ROUNDS; round++) {
        for (qjit_path path = QJIT_PATH_MAT_VEC; path <= QJIT_PATH_MAT_VEC_WIDE; path++) {
            bench->path = path;
            rounds[path][round] =
                is_tried(bench, &out, it, path)
                    ? device_time_us(&bench->device, bench->options.seconds, multiply, bench)
                    : 0;
        }
    }
    for (qjit_path path = QJIT_PATH_MAT_VEC; path <= QJIT_PATH_MAT_VEC_WIDE; path++) {
        us[path] = bench_median(rounds[path], N_ROUNDS);
    }
    check(plan(bench, &chosen, it, QJIT_PATH_AUTO), it->type->name);
    print(bench, it, chosen.path, us);
    while (bench->n_slots > 0) {
        qjit_weights_destroy(bench->slots[--bench->n_slots]);
    }
}

static void open_buffers(struct bench *bench)
{
    struct device *device = &bench->device;
    own_add(device);
    own_fill(device, device->in);
    check(qjit_buffer_wrap(device->context, &bench->out, 0, device->out.start, device->out.n_bytes), "out");
    check(qjit_buffer_wrap(device->context, &bench->x, 0, device->side.start, device->side.n_bytes), "x");
    check(qjit_buffer_fill_on(bench->x, 0, 0x3d, device->side.n_bytes, NULL), "x"); /* 0.046 each */
    each_case(bench, collect);
    const qjit_warm_options warm = {
        .struct_size = sizeof warm, .kernels = bench->kernels, .n_kernels = bench->n_kernels};
    if (bench->n_kernels > 0) {
        check(qjit_warm(device->context, NULL, &warm), "qjit_warm");
    }
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
        open_buffers(&bench);
        each_case(&bench, measure);
        struct bench_line line;
        bench_begin(&line, "ops");
        bench_text(&line, "arch", bench.device.facts.arch);
        bench_number(&line, "cases", (double)bench.n_cases);
        bench_number(&line, "within_5_percent", (double)bench.n_good);
        bench_number(&line, "worst_ratio", bench.worst);
        bench_end(&line);
        qjit_buffer_destroy(bench.x);
        qjit_buffer_destroy(bench.out);
    }
    device_close(&bench.device);
    return result;
}
