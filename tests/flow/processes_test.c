/* Many processes want the same kernels of a cold store at once, as when a cluster's jobs start: each unit is
 * compiled once, all get their functions. Then again while the process that is compiling is killed, and while
 * it is stopped, which the others see from their deadline.
 *
 * usage: processes_test [PROCESS DIRECTORY TIMEOUT_MS]; with arguments it is one of the processes. */
#include <errno.h>
#include <qjit/qjit.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { N_PROCESSES = 64, N_KERNELS = 20, TIMEOUT_MS = 60000, PATIENCE_MS = 10000 };

extern char **environ;

static const char *const types[] = {"q4_0", "q4_1", "q5_0", "q5_1", "q8_0",
                                    "q2_K", "q3_K", "q4_K", "q5_K", "q6_K"};
static char library[4096], worker[4096];

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

/* One process: all kernels, beginning with its own one. */
static int be_one(int process, const char *directory, uint32_t timeout_ms)
{
    qjit_context *context = open_context(directory, timeout_ms);
    int result = !context;
    for (int i = 0; i < N_KERNELS && !result; i++) {
        char name[64];
        qjit_function function;
        name_kernel(name, (process + i) % N_KERNELS);
        if (qjit_get_function(context, &function, 0, name) != QJIT_OK) {
            (void)fprintf(stderr, "process %d, %s: %s\n", process, name, qjit_error_detail());
            result = 1;
        }
    }
    qjit_destroy(context);
    return result;
}

static pid_t start(int process, const char *directory, int timeout_ms)
{
    char self[] = "/proc/self/exe", number[16], timeout[16], *path = strdup(directory);
    (void)snprintf(number, sizeof number, "%d", process);
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

/* Starts a process and waits until it has a worker, which it starts when it has the lease of its first key.
 */
static pid_t start_holder(const char *directory)
{
    pid_t holder = start(0, directory, TIMEOUT_MS);
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

static int run_all(const char *directory, int n_processes, int timeout_ms)
{
    pid_t children[N_PROCESSES];
    int n_failed = 0;
    for (int i = 0; i < n_processes; i++) {
        children[i] = start(i, directory, timeout_ms);
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

int main(int argc, char **argv)
{
    (void)snprintf(library, sizeof library, "%s/tests/libfake_hip.so", getenv("QJIT_BUILD"));
    (void)snprintf(worker, sizeof worker, "%s/bin/qjit-worker", getenv("QJIT_BUILD"));
    if (argc == 4) {
        return be_one(atoi(argv[1]), argv[2], (uint32_t)atoi(argv[3]));
    }
    int n_failed = run_all("cold", N_PROCESSES, TIMEOUT_MS);
    int all_right = is_right("64 processes, 20 kernels", "cold", n_failed, N_KERNELS, N_KERNELS);

    pid_t holder = start_holder("killed");
    int is_held = holder > 0 && kill(holder, SIGKILL) == 0;
    n_failed = run_all("killed", 8, TIMEOUT_MS);
    (void)wait_for(holder);
    all_right &= is_held && is_right("the holder killed", "killed", n_failed, N_KERNELS, N_KERNELS + 1);

    holder = start_holder("stopped");
    is_held = holder > 0 && kill(holder, SIGSTOP) == 0;
    n_failed = run_all("stopped", 8, PATIENCE_MS);
    (void)kill(holder, SIGCONT);
    n_failed += wait_for(holder) != 0;
    all_right &= is_held && is_right("the holder stopped", "stopped", n_failed, N_KERNELS, N_KERNELS + 8);
    return !all_right;
}
