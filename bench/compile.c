/* compile [LIBRARY]: what first use costs, against hipRTC as it comes. LIBRARY is the one that holds hipRTC;
 * without it the usual names are tried.
 *
 * Four lines: a cold first compile, whole process against whole process (stock compiles an empty kernel, qjit
 * a real one, store included); a compile in a warm worker against one in a warm process (an empty kernel
 * again); the 23 kernels that quantise and dequantise by one worker against as many stock processes, each
 * with a kernel of that kind; the whole
 * module by one worker; and how warm-up grows with the number of workers. Rounds alternate, figures are
 * medians, ratios those of a round. */
#include <dlfcn.h>
#include <qjit/qjit.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum {
    N_COLD = 9,
    N_WARM = 15,
    N_ALL = 3,
    N_PARALLEL = 3,
    N_KERNELS = 23,
    N_JOBS_MAX = 8,
    N_TIMES_MAX = 256
};

extern char **environ;

static const char arch[] = "gfx1030";
static const char kernel[] = "dequantize_block_q4_0_f32";
static const char *library;

/* What stock hipRTC compiles: nothing, and a kernel as people write them. */
static const char empty[] = "extern \"C\" __global__ void k() {}\n";
static const char dequantize[] =
    "struct block { _Float16 d; unsigned char qs[16]; };\n"
    "extern \"C\" __global__ void k(const block *x, float *y, int n_blocks)\n"
    "{\n"
    "    int i = blockIdx.x * blockDim.x + threadIdx.x, b = i / 16, q = i % 16;\n"
    "    if (b >= n_blocks)\n"
    "        return;\n"
    "    float d = (float)x[b].d;\n"
    "    y[b * 32 + q] = d * ((x[b].qs[q] & 15) - 8);\n"
    "    y[b * 32 + q + 16] = d * ((x[b].qs[q] >> 4) - 8);\n"
    "}\n";

/* The kernels that are warmed. */
static const char *kernels[N_KERNELS];

static double now_ms(void)
{
    return (double)bench_ns() / 1e6;
}

static void fail(const char *what)
{
    (void)fprintf(stderr, "compile: %s: %s\n", what, qjit_error_detail());
    exit(1);
}

/* ---- hipRTC as it comes ------------------------------------------------------------------------------ */

static struct {
    int (*create)(void **out, const char *source, const char *name, int n, const char **texts,
                  const char **names);
    int (*compile)(void *program, int n, const char **options);
    int (*destroy)(void **program);
} stock;

static void *stock_symbol(void *handle, const char *name)
{
    void *symbol = handle ? dlsym(handle, name) : NULL;
    if (!symbol) {
        fail(name);
    }
    return symbol;
}

static void stock_open(void)
{
    static const char *const names[] = {"libhiprtc.so.7", "libhiprtc.so.6", "libamdhip64.so.6",
                                        "libamdhip64.so.5"};
    void *handle = library ? dlopen(library, RTLD_LAZY) : NULL;
    for (size_t i = 0; !library && !handle && i < sizeof names / sizeof *names; i++) {
        handle = dlopen(names[i], RTLD_LAZY);
    }
    void *create = stock_symbol(handle, "hiprtcCreateProgram");
    void *compile = stock_symbol(handle, "hiprtcCompileProgram");
    void *destroy = stock_symbol(handle, "hiprtcDestroyProgram");
    memcpy(&stock.create, &create, sizeof create);
    memcpy(&stock.compile, &compile, sizeof compile);
    memcpy(&stock.destroy, &destroy, sizeof destroy);
}

static void stock_compile(const char *source)
{
    const char *options[] = {"--offload-arch=gfx1030"};
    void *program;
    if (stock.create(&program, source, "k.hip", 0, NULL, NULL) || stock.compile(program, 1, options)) {
        fail("hipRTC does not compile a plain kernel");
    }
    (void)stock.destroy(&program);
}

/* ---- qjit -------------------------------------------------------------------------------------------- */

static qjit_context *context_of(const char *store, uint32_t n_jobs)
{
    qjit_options options = QJIT_OPTIONS_INIT;
    options.cache_dir = store;
    options.flags = store ? 0 : QJIT_NO_STORE;
    options.n_jobs = n_jobs;
    qjit_context *context;
    if (qjit_create(&context, &options)) {
        fail("qjit_create");
    }
    return context;
}

static void first_use(const char *store)
{
    qjit_context *context = context_of(store, 1);
    qjit_kernel id;
    qjit_object *object;
    if (qjit_find_kernel(context, &id, kernel) || qjit_get_object(context, &object, id, arch)) {
        fail("qjit_get_object");
    }
    if (object->from_store) {
        fail("the store was not empty");
    }
    qjit_object_destroy(object);
    qjit_destroy(context);
}

/* When each unit was done, and its name. */
struct times {
    double at_ms[N_TIMES_MAX];
    char unit[N_TIMES_MAX][64];
    size_t n;
};

static int note(void *payload, const qjit_warm_event *event)
{
    struct times *times = payload;
    if (event->outcome != QJIT_WARM_COMPILED || times->n == N_TIMES_MAX) {
        fail(event->unit);
    }
    (void)snprintf(times->unit[times->n], sizeof times->unit[0], "%s", event->unit);
    times->at_ms[times->n++] = now_ms();
    return 0;
}

static void find_kernels(void)
{
    qjit_context *context = context_of(NULL, 1);
    qjit_kernel_info info;
    size_t n = 0;
    for (qjit_kernel id = 0; qjit_get_kernel_info(context, &info, id) == QJIT_OK; id++) {
        if (strcmp(info.name, "quantize_q8_1") != 0 && strncmp(info.name, "dequantize_block_q", 18) != 0) {
            continue;
        }
        char *name = n < N_KERNELS ? strdup(info.name) : NULL;
        if (!name) {
            fail("there are more kernels than this program knows");
        }
        kernels[n++] = name;
    }
    qjit_destroy(context);
    if (n < N_KERNELS) {
        fail("there are fewer kernels than this program knows");
    }
}

static double warm_units(const char *store, uint32_t n_jobs, qjit_warm_options options, struct times *times)
{
    options.struct_size = sizeof options;
    options.progress = note;
    options.payload = times;
    times->n = 0;
    double start = now_ms();
    qjit_context *context = context_of(store, n_jobs);
    if (qjit_warm(context, NULL, &options)) {
        fail("qjit_warm");
    }
    qjit_destroy(context);
    return now_ms() - start;
}

/* Compiles the units of `kernels` for the archs into the store, if any; milliseconds. */
static double warm(const char *store, uint32_t n_jobs, const char *const *archs, size_t n_archs,
                   struct times *times)
{
    qjit_warm_options options = {
        .archs = archs, .n_archs = n_archs, .kernels = kernels, .n_kernels = N_KERNELS};
    return warm_units(store, n_jobs, options, times);
}

/* ---- the measurements -------------------------------------------------------------------------------- */

/* Runs this program with other arguments; milliseconds from start to end. */
static double run(const char *mode, const char *argument)
{
    char self[] = "/proc/self/exe";
    char *arguments[] = {self, (char *)(uintptr_t)mode, (char *)(uintptr_t)argument, NULL};
    pid_t pid;
    int status;
    double start = now_ms();
    if (posix_spawn(&pid, self, NULL, NULL, arguments, environ) != 0 || waitpid(pid, &status, 0) != pid ||
        status) {
        fail(mode);
    }
    return now_ms() - start;
}

static void remove_store(const char *store)
{
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", store);
    if (system(command) != 0) {
        fail(command);
    }
}

static void print_pair(const char *name, double *qjit_ms, double *stock_ms, size_t n, double most)
{
    double ratios[N_TIMES_MAX];
    for (size_t i = 0; i < n; i++) {
        ratios[i] = qjit_ms[i] / stock_ms[i];
    }
    struct bench_line line;
    bench_begin(&line, name);
    bench_number(&line, "qjit_ms", bench_median(qjit_ms, n));
    bench_number(&line, "stock_ms", bench_median(stock_ms, n));
    bench_number(&line, "ratio", bench_median(ratios, n));
    bench_number(&line, "ratio_wanted", most);
    bench_number(&line, "rounds", (double)n);
    bench_end(&line);
}

/* run() with the directory of a new store as argument. */
static double run_with_store(const char *mode)
{
    char store[] = "/tmp/qjit-bench-XXXXXX";
    if (!mkdtemp(store)) {
        fail("mkdtemp");
    }
    double ms = run(mode, store);
    remove_store(store);
    return ms;
}

static void measure_cold(void)
{
    double qjit_ms[N_COLD], stock_ms[N_COLD];
    for (int i = -1; i < N_COLD; i++) { /* the first pair warms the page cache */
        double one = run("--stock", library), other = run_with_store("--first");
        if (i >= 0) {
            stock_ms[i] = one;
            qjit_ms[i] = other;
        }
    }
    print_pair("compile_cold", qjit_ms, stock_ms, N_COLD, 0.5);
}

static void measure_warm(void)
{
    static const char *const archs[] = {"gfx1030", "gfx906"};
    static struct times times;
    double qjit_ms[N_WARM], stock_ms[N_WARM];
    stock_open();
    stock_compile(empty);
    (void)warm(NULL, 1, archs, 2, &times); /* the first answer comes from a cold worker */
    for (size_t i = 0; i < N_WARM; i++) {
        double start = now_ms();
        stock_compile(empty);
        stock_ms[i] = now_ms() - start;
        qjit_ms[i] = times.at_ms[i + 2] - times.at_ms[i + 1];
    }
    print_pair("compile_warm", qjit_ms, stock_ms, N_WARM, 0.5);
}

static void measure_all(void)
{
    double qjit_ms[N_ALL], stock_ms[N_ALL];
    for (size_t i = 0; i < N_ALL; i++) {
        qjit_ms[i] = run_with_store("--all");
        stock_ms[i] = 0;
        for (size_t k = 0; k < N_KERNELS; k++) {
            stock_ms[i] += run("--stock-unit", library);
        }
    }
    print_pair("compile_all", qjit_ms, stock_ms, N_ALL, 0.25);
}

/* What a worker took for a unit; of its first one nobody knows. */
static double took_ms(const struct times *times, size_t i)
{
    return i == 0 ? 0 : times->at_ms[i] - times->at_ms[i - 1];
}

/* The whole module by one worker: all of it, its dearest unit, and the dearest of those that a mat-vec of one
 * column needs first, against an empty kernel by stock hipRTC in a warm process. */
static void measure_module(void)
{
    static const char *const archs[] = {"gfx1030"}, *const modules[] = {"quantized"};
    static struct times times;
    double stock_ms[N_WARM];
    for (size_t i = 0; i < N_WARM; i++) {
        double start = now_ms();
        stock_compile(empty);
        stock_ms[i] = now_ms() - start;
    }
    qjit_warm_options options = {.archs = archs, .n_archs = 1, .modules = modules, .n_modules = 1};
    double all_ms = warm_units(NULL, 1, options, &times);
    size_t dearest = 0, mat_vec = 0;
    for (size_t i = 0; i < times.n; i++) {
        const char *end = strrchr(times.unit[i], '_');
        dearest = took_ms(&times, i) > took_ms(&times, dearest) ? i : dearest;
        if (strncmp(times.unit[i], "mat_vec_", 8) == 0 && strcmp(end, "_1") == 0 &&
            took_ms(&times, i) > took_ms(&times, mat_vec)) {
            mat_vec = i;
        }
    }
    struct bench_line line;
    bench_begin(&line, "compile_module");
    bench_number(&line, "units", (double)times.n);
    bench_number(&line, "all_s", all_ms / 1e3);
    bench_text(&line, "dearest_unit", times.unit[dearest]);
    bench_number(&line, "dearest_s", took_ms(&times, dearest) / 1e3);
    bench_text(&line, "dearest_mat_vec_1", times.unit[mat_vec]);
    bench_number(&line, "mat_vec_1_ms", took_ms(&times, mat_vec));
    bench_number(&line, "stock_ms", bench_median(stock_ms, N_WARM));
    bench_number(&line, "ratio", took_ms(&times, mat_vec) / bench_median(stock_ms, N_WARM));
    bench_number(&line, "ratio_wanted", 1.5);
    bench_end(&line);
}

static void measure_parallel(void)
{
    static const char *const archs[] = {"gfx1030", "gfx906", "gfx90a", "gfx1010"};
    static struct times times;
    long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
    double ms[N_PARALLEL], alone_ms = 0;
    for (uint32_t n = 1; n <= (uint32_t)n_cpus && n <= N_JOBS_MAX; n *= 2) {
        for (size_t i = 0; i < N_PARALLEL; i++) {
            ms[i] = warm(NULL, n, archs, sizeof archs / sizeof *archs, &times);
        }
        double median_ms = bench_median(ms, N_PARALLEL);
        alone_ms = n == 1 ? median_ms : alone_ms;
        struct bench_line line;
        bench_begin(&line, "compile_parallel");
        bench_number(&line, "workers", n);
        bench_number(&line, "units", (double)times.n);
        bench_number(&line, "qjit_ms", median_ms);
        bench_number(&line, "efficiency", alone_ms / (median_ms * n));
        bench_number(&line, "efficiency_wanted", 0.85);
        bench_end(&line);
    }
}

/* What a process of its own does. False: `mode` is none. */
static bool run_mode(const char *mode, const char *argument)
{
    static const char *const archs[] = {"gfx1030"};
    static struct times times;
    bool is_empty = strcmp(mode, "--stock") == 0;
    if (is_empty || strcmp(mode, "--stock-unit") == 0) {
        library = argument;
        stock_open();
        stock_compile(is_empty ? empty : dequantize);
    } else if (argument && strcmp(mode, "--first") == 0) {
        first_use(argument);
    } else if (argument && strcmp(mode, "--all") == 0) {
        find_kernels();
        (void)warm(argument, 1, archs, 1, &times);
    } else {
        return false;
    }
    return true;
}

int main(int argc, char *argv[])
{
    (void)setenv("AMD_COMGR_CACHE", "0", 1); /* stock compiles, too, and does not read */
    if (argc > 1 && run_mode(argv[1], argc > 2 ? argv[2] : NULL)) {
        return 0;
    }
    library = argc > 1 ? argv[1] : NULL;
    find_kernels();
    measure_cold();
    measure_warm();
    measure_all();
    measure_module();
    measure_parallel();
    return 0;
}
