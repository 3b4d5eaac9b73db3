/* Many processes on one cold store: 8 that compile 20 of qjit's own units each, all different, and 64 that
 * want the same 20, each beginning with another. Beside what is ideal: as many processes as there are
 * processors share the same units, each with a store of its own. `cpu_ratio` compares the processor time of
 * all of them, which other work on the machine does not change much. `served_ratio` is what would be left if
 * nothing but the ideal time were spent on compiling: the ideal, and the time that the same processes take
 * when all they want is in the store. processes [ROUNDS] */
#include <qjit/qjit.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { ROUNDS_MAX = 16, N_EACH = 20, N_DISTINCT = 8, N_COMMON = 64 };

extern char **environ;

static char root[256];
static int n_rounds = 3;
static const char *kernels[N_DISTINCT * N_EACH];

static void fail(const char *what)
{
    (void)fprintf(stderr, "%s: %s\n", what, qjit_error_detail());
    exit(1);
}

static qjit_context *open_context(const char *store)
{
    qjit_options options = QJIT_OPTIONS_INIT;
    options.cache_dir = store;
    options.n_jobs = 1;
    qjit_context *context;
    if (qjit_create(&context, &options) != QJIT_OK) {
        fail("qjit_create");
    }
    return context;
}

/* A kernel of each of the first units of the library: what is compiled is what models need. */
static void find_kernels(const qjit_context *context)
{
    const char *unit = "";
    uint32_t n = 0;
    for (qjit_kernel i = 0; i < qjit_kernel_count(context) && n < N_DISTINCT * N_EACH; i++) {
        qjit_kernel_info info;
        if (qjit_get_kernel_info(context, &info, i) != QJIT_OK) {
            fail("qjit_get_kernel_info");
        }
        if (strcmp(info.unit, unit) != 0) {
            unit = info.unit;
            kernels[n++] = info.name;
        }
    }
    if (n < N_DISTINCT * N_EACH) {
        fail("not enough units");
    }
}

static void compile(qjit_context *context, int i)
{
    static const char *const arch = "gfx1030";
    const qjit_warm_options options = {
        .struct_size = sizeof options, .archs = &arch, .n_archs = 1, .kernels = &kernels[i], .n_kernels = 1};
    if (qjit_warm(context, NULL, &options) != QJIT_OK) {
        fail("qjit_warm");
    }
}

/* One process: n kernels, each `step` after the one before, beginning somewhere among them. */
static int be_one(const char *store, int first, int n, int begin, int step)
{
    qjit_context *context = open_context(store);
    find_kernels(context);
    for (int i = 0; i < n; i++) {
        compile(context, first + (begin + i) % n * step);
    }
    qjit_destroy(context);
    return 0;
}

static pid_t start(char *store, int first, int n, int begin, int step)
{
    char self[] = "/proc/self/exe", numbers[4][16];
    const int values[] = {first, n, begin, step};
    for (int i = 0; i < 4; i++) {
        (void)snprintf(numbers[i], sizeof numbers[i], "%d", values[i]);
    }
    char *arguments[] = {self, store, numbers[0], numbers[1], numbers[2], numbers[3], NULL};
    pid_t child;
    if (posix_spawn(&child, self, NULL, NULL, arguments, environ) != 0) {
        fail("start a process");
    }
    return child;
}

/* Of all processes that have ended. */
static double cpu_ms(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

static void make_store(char out[static 512])
{
    (void)snprintf(out, 512, "%s/XXXXXX", root);
    if (!mkdtemp(out)) {
        fail("mkdtemp");
    }
}

/* What the store counted. */
static double count_compiles(const char *store)
{
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    qjit_context *context = open_context(store);
    if (qjit_get_cache_stat(context, &stat) != QJIT_OK) {
        fail("qjit_get_cache_stat");
    }
    qjit_destroy(context);
    return (double)stat.n_compiles;
}

static void wait_for(const pid_t *children, int n)
{
    for (int i = 0; i < n; i++) {
        int status = 1;
        if (waitpid(children[i], &status, 0) < 0 || status != 0) {
            fail("a process");
        }
    }
}

/* Milliseconds until all have ended; each has kernels of its own, or all the same. */
static double run(char *store, int n_processes, int n_each, bool is_common)
{
    pid_t children[N_COMMON];
    uint64_t begin = bench_ns();
    for (int i = 0; i < n_processes; i++) {
        children[i] =
            is_common ? start(store, 0, n_each, i, N_DISTINCT) : start(store, i * n_each, n_each, 0, 1);
    }
    wait_for(children, n_processes);
    return (double)(bench_ns() - begin) / 1e6;
}

/* Milliseconds in which as many processes as there are processors share the kernels, each with a store of its
 * own: nobody waits for anybody. */
static double run_ideal(int n_kernels, bool is_common, int n_processes)
{
    const int step = is_common ? N_DISTINCT : 1;
    char stores[N_COMMON][512];
    pid_t children[N_COMMON];
    for (int i = 0; i < n_processes; i++) {
        make_store(stores[i]);
    }
    const uint64_t begin = bench_ns();
    for (int i = 0; i < n_processes; i++) {
        const int n = (n_kernels - i + n_processes - 1) / n_processes;
        children[i] = start(stores[i], i * step, n, 0, n_processes * step);
    }
    wait_for(children, n_processes);
    return (double)(bench_ns() - begin) / 1e6;
}

static void measure(const char *name, int n_processes, bool is_common, double wanted)
{
    double ms[ROUNDS_MAX], ideal[ROUNDS_MAX], ratios[ROUNDS_MAX], served_ratios[ROUNDS_MAX],
        cpu_ratios[ROUNDS_MAX];
    char store[512];
    const long n_online = sysconf(_SC_NPROCESSORS_ONLN);
    const int n_cpus = n_online < 1 ? 1 : n_online > N_EACH ? N_EACH : (int)n_online;
    int n_kernels = is_common ? N_EACH : n_processes * N_EACH;
    for (int i = 0; i < n_rounds; i++) {
        double before = cpu_ms(), between;
        ideal[i] = run_ideal(n_kernels, is_common, n_cpus);
        between = cpu_ms();
        make_store(store);
        ms[i] = run(store, n_processes, N_EACH, is_common);
        ratios[i] = ms[i] / ideal[i];
        cpu_ratios[i] = (cpu_ms() - between) / (between - before);
        served_ratios[i] = 1 + run(store, n_processes, N_EACH, is_common) / ideal[i];
    }
    struct bench_line line;
    bench_begin(&line, name);
    bench_number(&line, "processes", n_processes);
    bench_number(&line, "kernels", n_kernels);
    bench_number(&line, "compiles", count_compiles(store));
    bench_number(&line, "ms", bench_median(ms, (size_t)n_rounds));
    bench_number(&line, "ideal_ms", bench_median(ideal, (size_t)n_rounds));
    bench_number(&line, "ratio", bench_median(ratios, (size_t)n_rounds));
    bench_number(&line, "ratio_wanted", wanted);
    bench_number(&line, "served_ratio", bench_median(served_ratios, (size_t)n_rounds));
    bench_number(&line, "cpu_ratio", bench_median(cpu_ratios, (size_t)n_rounds));
    bench_number(&line, "rounds", n_rounds);
    bench_end(&line);
}

int main(int argc, char **argv)
{
    if (argc == 6) {
        return be_one(argv[1], atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), atoi(argv[5]));
    }
    if (argc == 2 && atoi(argv[1]) > 0 && atoi(argv[1]) <= ROUNDS_MAX) {
        n_rounds = atoi(argv[1]);
    }
    const char *directory = getenv("TMPDIR");
    (void)snprintf(root, sizeof root, "%s/qjit-bench-XXXXXX", directory ? directory : "/tmp");
    if (!mkdtemp(root)) {
        perror(root);
        return 1;
    }
    measure("processes_distinct", N_DISTINCT, false, 1.15);
    measure("processes_common", N_COMMON, true, 1.25);
    char command[sizeof root + 16];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command) != 0;
}
