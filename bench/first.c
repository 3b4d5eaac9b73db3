/* From the start of a process to its first product: a small Q4_K matrix times a vector, by qjit_mul_mat. On a
 * cold store, beside what compiling its two units took; on a warm one, beside a HIP program that only
 * allocates, copies and frees on the same library.
 * first LIBRARY [ROUNDS] */
#include <dlfcn.h>
#include <qjit/blocks.h>
#include <qjit/ops.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { N = 256, K = 256, ROUNDS_MAX = 100 };

extern char **environ;

static void fail(const char *what)
{
    (void)fprintf(stderr, "bench_first: %s: %s\n", what, qjit_error_detail());
    exit(1);
}

static void need(qjit_status status, const char *what)
{
    if (status != QJIT_OK) {
        fail(what);
    }
}

static qjit_context *open_context(const char *library, const char *store)
{
    qjit_options options = QJIT_OPTIONS_INIT;
    options.hip = library;
    options.cache_dir = store;
    qjit_context *context;
    need(qjit_create(&context, &options), "qjit_create");
    return context;
}

/* One process: the first product, and whether it is the right one. */
static int multiply(const char *library, const char *store)
{
    static float ones[N * K], y[N];
    static unsigned char blocks[sizeof ones];
    for (int i = 0; i < N * K; i++) {
        ones[i] = 1;
    }
    qjit_context *context = open_context(library, store);
    qjit_weights *weights;
    qjit_buffer *x, *out;
    need(qjit_quantize_blocks(blocks, QJIT_GGML_Q4_K, ones, N * K), "qjit_quantize_blocks");
    need(qjit_weights_create(context, &weights, 0, QJIT_GGML_Q4_K, N, K, 1), "qjit_weights_create");
    need(qjit_weights_upload(weights, 0, N, blocks), "qjit_weights_upload");
    need(qjit_buffer_create(context, &x, 0, K * sizeof *ones), "qjit_buffer_create");
    need(qjit_buffer_create(context, &out, 0, sizeof y), "qjit_buffer_create");
    need(qjit_buffer_upload(x, 0, ones, K * sizeof *ones), "qjit_buffer_upload");
    need(qjit_mul_mat(weights, out, x, 1, QJIT_PATH_AUTO, NULL), "qjit_mul_mat");
    need(qjit_buffer_download(out, y, 0, sizeof y), "qjit_buffer_download");
    return !(y[N - 1] > K * 0.99F && y[N - 1] < K * 1.01F);
}

static void get(void *out, void *library, const char *name)
{
    void *symbol = dlsym(library, name);
    if (!symbol) {
        fail(name);
    }
    memcpy(out, &symbol, sizeof symbol);
}

/* One process: what any HIP program does. */
static int be_empty(const char *path)
{
    int (*set_device)(int), (*allocate)(void **, size_t), (*copy)(void *, const void *, size_t, int),
        (*release)(void *), number = 1;
    void *memory, *library = dlopen(path, RTLD_NOW);
    if (!library) {
        fail(dlerror());
    }
    get(&set_device, library, "hipSetDevice");
    get(&allocate, library, "hipMalloc");
    get(&copy, library, "hipMemcpy");
    get(&release, library, "hipFree");
    return set_device(0) || allocate(&memory, sizeof number) || copy(memory, &number, sizeof number, 1) ||
           copy(&number, memory, sizeof number, 2) || release(memory);
}

/* Milliseconds from a process's start to its result; store NULL: the empty one. */
static double run(char *library, char *store)
{
    char self[] = "/proc/self/exe", be[] = "--be";
    char *arguments[] = {self, be, library, store, NULL};
    pid_t child;
    int status = 1;
    uint64_t begin = bench_ns();
    if (posix_spawn(&child, self, NULL, NULL, arguments, environ) != 0 || waitpid(child, &status, 0) < 0 ||
        status != 0) {
        fail("a process");
    }
    return (double)(bench_ns() - begin) / 1e6;
}

static int add_compile_ms(void *sum, const qjit_cache_row *row)
{
    *(double *)sum += (double)row->compile_us / 1e3;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[1], "--be") == 0) {
        _exit(argc == 4 ? multiply(argv[2], argv[3]) : be_empty(argv[2])); /* what ending costs is left out */
    }
    int n_rounds = argc == 3 ? atoi(argv[2]) : 7;
    if (argc < 2 || n_rounds < 1 || n_rounds > ROUNDS_MAX) {
        (void)fputs("usage: bench_first LIBRARY [ROUNDS]\n", stderr);
        return 2;
    }
    double cold[ROUNDS_MAX], compile[ROUNDS_MAX], ratios[ROUNDS_MAX], warm[ROUNDS_MAX], empty[ROUNDS_MAX],
        over[ROUNDS_MAX];
    const char *directory = getenv("TMPDIR");
    char root[256], command[sizeof root + 16];
    (void)snprintf(root, sizeof root, "%s/qjit-bench-XXXXXX", directory ? directory : "/tmp");
    if (!mkdtemp(root)) {
        fail(root);
    }
    (void)snprintf(command, sizeof command, "rm -rf '%s'/*", root);
    for (int i = 0; i < n_rounds; i++) {
        cold[i] = run(argv[1], root);
        compile[i] = 0;
        qjit_context *context = open_context(argv[1], root);
        need(qjit_each_cache_row(context, add_compile_ms, &compile[i]), "qjit_each_cache_row");
        qjit_destroy(context);
        ratios[i] = cold[i] / compile[i];
        warm[i] = run(argv[1], root);
        empty[i] = run(argv[1], NULL);
        over[i] = warm[i] - empty[i];
        if (system(command) != 0) {
            fail(command);
        }
    }
    (void)rmdir(root);
    struct bench_line line;
    bench_begin(&line, "first_product");
    bench_text(&line, "library", argv[1]);
    bench_number(&line, "cold_ms", bench_median(cold, (size_t)n_rounds));
    bench_number(&line, "compile_ms", bench_median(compile, (size_t)n_rounds));
    bench_number(&line, "cold_ratio", bench_median(ratios, (size_t)n_rounds));
    bench_number(&line, "warm_ms", bench_median(warm, (size_t)n_rounds));
    bench_number(&line, "empty_ms", bench_median(empty, (size_t)n_rounds));
    bench_number(&line, "over_empty_ms", bench_median(over, (size_t)n_rounds));
    bench_number(&line, "rounds", n_rounds);
    bench_end(&line);
    return 0;
}
