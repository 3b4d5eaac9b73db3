/* What must not change an object, and who cleans up when somebody dies in the middle. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "rtc/rtc.h"

enum { LONG_MS = 120000, TICK_US = 10000, PATIENCE_US = 10000000 };

static const uint64_t gib = (uint64_t)1 << 30;

/* Compiles for many minutes. */
static const struct rtc_job endless = {
    .source =
        "template <int N, int M> struct e { enum { v = e<N - 1, 2 * M>::v + e<N - 1, 2 * M + 1>::v }; };\n"
        "template <int M> struct e<0, M> { enum { v = M }; };\n"
        "int x = e<28, 0>::v;\n"};

static void finish(struct rtc *rtc)
{
    const char *left = rtc_finish(rtc);
    cr_assert_null(left, "%s is left", left);
}

static void digest_of(uint8_t out[static QJ_DIGEST_BYTES], struct rtc *rtc, const struct rtc_job *job)
{
    struct qj_compiled compiled;
    cr_assert_eq(rtc_compile(rtc, &compiled, job), QJIT_OK, "%s\n%s", qjit_error_detail(), qjit_error_log());
    rtc_digest(out, &compiled);
    qj_compiled_finish(&compiled);
}

static const struct rtc_job full = {.source =
                                        "#if __has_include(\"evil.h\")\n#include \"evil.h\"\n#endif\n"
                                        "extern \"C\" __global__ void k(float *x) { x[threadIdx.x] += 1; }\n",
                                    .kernels = {"k"},
                                    .full_runtime = 1};

/* The same plan gives the same bytes: in one worker, in another, in another private directory. */
Test(isolation, same_plan_same_bytes)
{
    uint8_t first[QJ_DIGEST_BYTES], again[QJ_DIGEST_BYTES];
    struct rtc rtc;
    rtc_init(&rtc, 1, LONG_MS, 4 * gib);
    digest_of(first, &rtc, &full);
    digest_of(again, &rtc, &full);
    cr_assert_arr_eq(first, again, sizeof first);
    finish(&rtc);
    rtc_init(&rtc, 1, LONG_MS, 4 * gib);
    digest_of(again, &rtc, &full);
    cr_assert_arr_eq(first, again, sizeof first);
    finish(&rtc);
}

static void put_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* Files in the caller's directory and variables in its environment, each of which changes what hipRTC makes
 * when it runs in the caller's own process. */
Test(isolation, surroundings_change_nothing)
{
    uint8_t clean[QJ_DIGEST_BYTES], dirty[QJ_DIGEST_BYTES];
    struct rtc rtc;
    rtc_init(&rtc, 1, LONG_MS, 4 * gib);
    digest_of(clean, &rtc, &full);
    finish(&rtc);
    char here[4096];
    cr_assert(getcwd(here, sizeof here) != NULL);
    put_file("hiprtc_runtime.h", "#error of the caller's directory\n");
    put_file("evil.h", "#define threadIdx blockIdx\n");
    cr_assert_eq(setenv("CPATH", here, 1), 0);
    cr_assert_eq(setenv("CPLUS_INCLUDE_PATH", here, 1), 0);
    cr_assert_eq(setenv("HIPRTC_COMPILE_OPTIONS_APPEND", "-O0", 1), 0);
    cr_assert_eq(setenv("AMD_COMGR_SAVE_TEMPS", "1", 1), 0);
    rtc_init(&rtc, 1, LONG_MS, 4 * gib);
    digest_of(dirty, &rtc, &full);
    finish(&rtc);
    cr_assert_arr_eq(clean, dirty, sizeof clean);
}

/* The process whose parent is `parent` and whose name is qjit-worker; 0 if there is none yet. */
static pid_t find_worker(pid_t parent)
{
    DIR *processes = opendir("/proc");
    pid_t found = 0;
    for (struct dirent *entry; processes && !found && (entry = readdir(processes));) {
        char path[300], name[64];
        int pid, its_parent;
        (void)snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        FILE *file = fopen(path, "r");
        if (file && fscanf(file, "%d (%63[^)]) %*c %d", &pid, name, &its_parent) == 3 &&
            its_parent == parent && strcmp(name, "qjit-worker") == 0) {
            found = (pid_t)pid;
        }
        if (file) {
            (void)fclose(file);
        }
    }
    (void)closedir(processes);
    return found;
}

/* The worker of `parent`, once it has used processor time, so that it surely compiles. */
static pid_t busy_worker(pid_t parent)
{
    enum { BUSY_TICKS = 40 };
    for (uint64_t end = qj_clock_us() + PATIENCE_US; qj_clock_us() < end; (void)usleep(TICK_US)) {
        pid_t pid = find_worker(parent);
        char path[64];
        unsigned long ticks = 0;
        (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        FILE *file = pid ? fopen(path, "r") : NULL;
        if (file) {
            (void)fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu", &ticks);
            (void)fclose(file);
        }
        if (ticks >= BUSY_TICKS) {
            return pid;
        }
    }
    return 0;
}

static void *kill_worker(void *unused)
{
    (void)unused;
    pid_t worker = busy_worker(getpid());
    if (worker > 0) {
        (void)kill(worker, SIGKILL);
    }
    return NULL;
}

Test(isolation, worker_killed)
{
    struct rtc rtc;
    struct qj_compiled compiled;
    pthread_t killer;
    uint8_t digest[QJ_DIGEST_BYTES];
    rtc_init(&rtc, 1, LONG_MS, 4 * gib);
    cr_assert_eq(pthread_create(&killer, NULL, kill_worker, NULL), 0);
    qjit_status status = rtc_compile(&rtc, &compiled, &endless);
    cr_assert_eq(pthread_join(killer, NULL), 0);
    cr_assert_eq(status, QJIT_COMPILE_CRASHED, "%s", qjit_error_detail());
    cr_assert(strstr(qjit_error_detail(), "SIGKILL"), "%s", qjit_error_detail());
    digest_of(digest, &rtc, &full);
    finish(&rtc);
}

/* A process that compiles without end, and its worker once it is at it. */
static pid_t start_victim(struct rtc *rtc, pid_t *out_worker)
{
    pid_t victim = fork();
    if (victim == 0) {
        struct qj_compiled compiled;
        (void)rtc_compile(rtc, &compiled, &endless);
        _exit(0);
    }
    *out_worker = busy_worker(victim);
    cr_assert_gt(*out_worker, 0);
    return victim;
}

static int is_empty(const char *path)
{
    DIR *directory = opendir(path);
    int n = 0;
    while (directory && readdir(directory)) {
        n++;
    }
    (void)closedir(directory);
    return n == 2;
}

/* The worker is a child of init by then, or of nobody who reaps. */
static int is_dead(pid_t worker)
{
    char path[64], state = 'X';
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)worker);
    FILE *file = fopen(path, "r");
    if (file) {
        (void)fscanf(file, "%*d (%*[^)]) %c", &state);
        (void)fclose(file);
    }
    return state == 'X' || state == 'Z';
}

static void expect_death(pid_t worker)
{
    uint64_t end = qj_clock_us() + PATIENCE_US;
    while (!is_dead(worker) && qj_clock_us() < end) {
        (void)usleep(TICK_US);
    }
    cr_assert(is_dead(worker));
}

/* True if nobody holds the lock of a worker's directory in `temp`. A dead process's last thread may, for a
 * moment. */
static int is_free(const char *temp)
{
    int is_held = 0;
    DIR *directory = opendir(temp);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s/lock", temp, entry->d_name);
        int lock = open(path, O_RDONLY | O_CLOEXEC);
        is_held |= lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) != 0;
        if (lock >= 0) {
            (void)close(lock);
        }
    }
    (void)closedir(directory);
    return !is_held;
}

Test(isolation, library_killed)
{
    struct rtc rtc;
    pid_t worker;
    rtc_init(&rtc, 1, LONG_MS, 4 * gib);
    pid_t victim = start_victim(&rtc, &worker);
    cr_assert_eq(kill(victim, SIGKILL), 0);
    cr_assert_eq(waitpid(victim, NULL, 0), victim);
    expect_death(worker);
    cr_assert(is_empty(rtc.temp));
    finish(&rtc);
}

/* Nobody is left to clean up; the next pool does. */
Test(isolation, both_killed)
{
    struct rtc rtc;
    pid_t worker;
    uint8_t digest[QJ_DIGEST_BYTES];
    rtc_init(&rtc, 1, LONG_MS, 4 * gib);
    pid_t victim = start_victim(&rtc, &worker);
    cr_assert_eq(kill(victim, SIGSTOP), 0);
    cr_assert_eq(kill(worker, SIGKILL), 0);
    cr_assert_eq(kill(victim, SIGKILL), 0);
    cr_assert_eq(waitpid(victim, NULL, 0), victim);
    expect_death(worker);
    uint64_t end = qj_clock_us() + PATIENCE_US;
    while (!is_free(rtc.temp) && qj_clock_us() < end) {
        (void)usleep(TICK_US);
    }
    cr_assert(!is_empty(rtc.temp));
    digest_of(digest, &rtc, &full);
    finish(&rtc);
}
