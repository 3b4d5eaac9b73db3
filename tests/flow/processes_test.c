/* Many processes want the same kernels of a cold store at once, as when a cluster's jobs start: each unit is
 * compiled once, all get their functions, and few of them start a compiler of their own, above all where they
 * want the kernels in the same order. Then again while the processes that compile are killed, and while they
 * are stopped, which the others see from their deadline.
 *
 * usage: processes_test [FIRST DIRECTORY TIMEOUT_MS]; with arguments it is one of the processes.
 * QJIT_TEST_STOPPED=2 stops two, which are all that may begin on two processors; that takes half a minute. */
#include <errno.h>
#include <qjit/qjit.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { N_PROCESSES = 64, N_KERNELS = 20, N_HOLDERS = 2, TIMEOUT_MS = 60000, PATIENCE_MS = 10000 };

extern char **environ;

static const char *const types[] = {"q4_0", "q4_1", "q5_0", "q5_1", "q8_0",
                                    "q2_K", "q3_K", "q4_K", "q5_K", "q6_K"};
static char library[4096], worker[4096];
static const char wrapper[] = "worker", started[] = "started"; /* a byte for each worker */

static void name_kernel(char out[64], int i)
{
    (void)snprintf(out, 64, "dequantize_block_%s_%s", types[i % 10], i < 10 ? "f32" : "f16");
}

static qjit_context *open_context(const char *directory, uint32_t timeout_ms)
{
    qjit_options options = QJIT_OPTIONS_INIT;
    options.hip = library;
    options.worker = worker;
    options.cache_dir = directory;
    options.n_jobs = 1;
    options.compile_timeout_ms = timeout_ms;
    qjit_context *context;
    if (qjit_create(&context, &options) != QJIT_OK) {
        (void)fprintf(stderr, "%s\n", qjit_error_detail());
        return NULL;
    }
    return context;
}

/* One process: all kernels, beginning with the one given. */
static int be_one(int first, const char *directory, uint32_t timeout_ms)
{
    qjit_context *context = open_context(directory, timeout_ms);
    int result = !context;
    for (int i = 0; i < N_KERNELS && !result; i++) {
        char name[64];
        qjit_function function;
        name_kernel(name, (first + i) % N_KERNELS);
        if (qjit_get_function(context, &function, 0, name) != QJIT_OK) {
            (void)fprintf(stderr, "process %d, %s: %s\n", first, name, qjit_error_detail());
            result = 1;
        }
    }
    qjit_destroy(context);
    return result;
}

static pid_t start(int first, const char *directory, int timeout_ms)
{
    char self[] = "/proc/self/exe", number[16], timeout[16], *path = strdup(directory);
    (void)snprintf(number, sizeof number, "%d", first);
    (void)snprintf(timeout, sizeof timeout, "%d", timeout_ms);
    char *arguments[] = {self, number, path, timeout, NULL};
    pid_t child = -1;
    if (!path || posix_spawn(&child, self, NULL, NULL, arguments, environ) != 0) {
        child = -1;
    }
    free(path);
    return child;
}

static void pause_ms(long ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&time, NULL);
}

/* A worker that counts itself first. */
static int make_wrapper(void)
{
    char *here = getcwd(NULL, 0);
    FILE *file = fopen(wrapper, "w");
    int result =
        here && file &&
        fprintf(file, "#!/bin/sh\nprintf . >>'%s/%s'\nexec '%s' \"$@\"\n", here, started, worker) > 0;
    result = file && fclose(file) == 0 && chmod(wrapper, 0700) == 0 && result;
    free(here);
    return result;
}

/* How many workers were started since it was asked last. */
static long count_started(void)
{
    struct stat info;
    long n = stat(started, &info) == 0 ? (long)info.st_size : 0;
    (void)unlink(started);
    return n;
}

/* Starts a process and waits until it has a worker, which it starts when it has the lease of its first key.
 */
static pid_t start_holder(const char *directory, int first)
{
    pid_t holder = start(first, directory, TIMEOUT_MS);
    char path[64], children[64] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)holder, (int)holder);
    for (int i = 0; i < 5000 && holder > 0 && !*children; i++) {
        FILE *file = fopen(path, "r");
        if (file && !fgets(children, sizeof children, file)) {
            *children = '\0';
        }
        if (file) {
            (void)fclose(file);
        }
        pause_ms(1);
    }
    return *children ? holder : -1;
}

static int wait_for(pid_t child)
{
    int status = -1;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

/* The i-th begins with kernel i * step. */
static int run_all(const char *directory, int n_processes, int step, int timeout_ms)
{
    pid_t children[N_PROCESSES];
    int n_failed = 0;
    for (int i = 0; i < n_processes; i++) {
        children[i] = start(i * step, directory, timeout_ms);
    }
    for (int i = 0; i < n_processes; i++) {
        n_failed += wait_for(children[i]) != 0;
    }
    return n_failed;
}

/* False, with the reason printed, unless the store counts between least and most compiles and each process
 * has succeeded. */
static int is_right(const char *what, const char *directory, int n_failed, uint64_t least, uint64_t most)
{
    qjit_context *context = open_context(directory, TIMEOUT_MS);
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    int result = context && qjit_get_cache_stat(context, &stat) == QJIT_OK && n_failed == 0 &&
                 stat.n_entries == N_KERNELS && stat.n_compiles >= least && stat.n_compiles <= most;
    (void)printf("%s: %llu compiles, %llu entries, %d processes failed%s\n", what,
                 (unsigned long long)stat.n_compiles, (unsigned long long)stat.n_entries, n_failed,
                 result ? "" : ": wrong");
    qjit_destroy(context);
    return result;
}

/* Few start a compiler: no more than `most`. */
static int are_few(long most)
{
    long n = count_started();
    (void)printf("compilers started: %ld, at most %ld%s\n", n, most, n <= most ? "" : ": wrong");
    return n >= 1 && n <= most;
}

/* 8 processes while the first `n_holders` of the kernels are being compiled by others that got `signal`. */
static int run_beside(const char *directory, int n_holders, int signal, int timeout_ms)
{
    pid_t holders[N_HOLDERS];
    int is_held = 1, n_failed;
    for (int i = 0; i < n_holders; i++) {
        holders[i] = start_holder(directory, i);
        is_held &= holders[i] > 0 && kill(holders[i], signal) == 0;
    }
    n_failed = run_all(directory, 8, 1, timeout_ms);
    for (int i = 0; i < n_holders; i++) {
        (void)kill(holders[i], SIGCONT);
        n_failed += (wait_for(holders[i]) != 0) != (signal == SIGKILL);
    }
    return is_held ? n_failed : -1;
}

int main(int argc, char **argv)
{
    (void)snprintf(library, sizeof library, "%s/tests/libfake_hip.so", getenv("QJIT_BUILD"));
    (void)snprintf(worker, sizeof worker, "%s/bin/qjit-worker", getenv("QJIT_BUILD"));
    if (argc != 4 && !make_wrapper()) {
        perror(wrapper);
        return 1;
    }
    (void)snprintf(worker, sizeof worker, "%s", wrapper);
    if (argc == 4) {
        return be_one(atoi(argv[1]), argv[2], (uint32_t)atoi(argv[3]));
    }
    long n_processors = sysconf(_SC_NPROCESSORS_ONLN);
    int n_failed = run_all("cold", N_PROCESSES, 1, TIMEOUT_MS);
    int all_right = is_right("64 processes, 20 kernels", "cold", n_failed, N_KERNELS, N_KERNELS);
    all_right &= are_few(10 + n_processors);

    n_failed = run_all("in_order", N_PROCESSES, 0, TIMEOUT_MS);
    all_right &= is_right("in the same order", "in_order", n_failed, N_KERNELS, N_KERNELS);
    all_right &= are_few(N_KERNELS / 2);

    n_failed = run_beside("killed", N_HOLDERS, SIGKILL, TIMEOUT_MS);
    all_right &= is_right("the holders killed", "killed", n_failed, N_KERNELS, N_KERNELS + N_HOLDERS);

    const char *text = getenv("QJIT_TEST_STOPPED");
    int n_stopped = text && atoi(text) == N_HOLDERS ? N_HOLDERS : 1;
    n_failed = run_beside("stopped", n_stopped, SIGSTOP, PATIENCE_MS);
    all_right &= is_right("the holders stopped", "stopped", n_failed, N_KERNELS, N_KERNELS + 8);
    return !all_right;
}
