#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "compile/scratch.h"
#include "compile/wire.h"
#include "workers/stage.h"

enum { DEADLINE_MS = 1500, SOON_MS = 10000 };

static void expect_clean(struct stage *stage)
{
    const char *left = stage_finish(stage);
    cr_assert(left == NULL, "%s is left", left);
}

/* A well worker does the next job in the same pool. */
static void expect_recovery(struct stage *stage)
{
    struct qj_compiled compiled;
    stage_cast(stage, "well");
    qjit_status status = qj_pool_compile(stage->pool, &compiled, &stage->plan);
    cr_assert_eq(status, QJIT_OK, "the next job: %s", qjit_error_detail());
    cr_assert(compiled.n_bytes > 1000);
    cr_assert_str_eq(compiled.kernels, "k");
    qj_compiled_finish(&compiled);
}

/* One job with a hostile worker: its status, words in its detail, words in its log, and all within deadline.
 */
static void expect(const char *behaviour, uint32_t timeout_ms, qjit_status wanted, const char *detail,
                   const char *log)
{
    struct stage stage;
    struct qj_compiled compiled;
    stage_init(&stage, behaviour, 1, timeout_ms);
    uint64_t start = qj_clock_us();
    qjit_status status = qj_pool_compile(stage.pool, &compiled, &stage.plan);
    uint64_t ms = (qj_clock_us() - start) / 1000;
    cr_assert_eq(status, wanted, "%s: %s", qjit_status_name(status), qjit_error_detail());
    cr_assert(strstr(qjit_error_detail(), detail), "detail: %s", qjit_error_detail());
    cr_assert(strstr(qjit_error_log(), log), "log: %s", qjit_error_log());
    cr_assert_null(strchr(qjit_error_detail(), '\n'));
    cr_assert_null(compiled.object);
    /* Sanitizers make the start of a process slow. */
    cr_assert(ms < timeout_ms + 1500, "took %u ms", (unsigned)ms);
    expect_recovery(&stage);
    expect_clean(&stage);
}

#define HOSTILE(behaviour, timeout_ms, status, detail, log)                                                  \
    Test(pool, behaviour)                                                                                    \
    {                                                                                                        \
        expect(#behaviour, timeout_ms, status, detail, log);                                                 \
    }

HOSTILE(exits_at_once, SOON_MS, QJIT_WORKER_NOT_STARTED,
        "exited with code 3 before it was ready: cannot find myself", "cannot find myself")
HOSTILE(never_ready, DEADLINE_MS, QJIT_WORKER_NOT_STARTED, "within 1500 ms", "")
HOSTILE(crashes_while_starting, SOON_MS, QJIT_WORKER_NOT_STARTED, "SIGBUS", "")
HOSTILE(hangs, DEADLINE_MS, QJIT_COMPILE_TIMEOUT, "more than 1500 ms", "")
HOSTILE(ignores_signals, DEADLINE_MS, QJIT_COMPILE_TIMEOUT, "more than 1500 ms", "")
HOSTILE(floods, DEADLINE_MS, QJIT_COMPILE_TIMEOUT, "more than 1500 ms", "")
HOSTILE(out_of_time, SOON_MS, QJIT_COMPILE_TIMEOUT, "processor time", "")
HOSTILE(crashes, SOON_MS, QJIT_COMPILE_CRASHED, "SIGSEGV", "last words")
HOSTILE(litters, SOON_MS, QJIT_COMPILE_CRASHED, "SIGSEGV", "")
HOSTILE(out_of_memory, SOON_MS, QJIT_COMPILE_NO_MEMORY, "4096 MiB", "LLVM ERROR: out of memory")
HOSTILE(exits, SOON_MS, QJIT_COMPILE_EXITED, "exit code 0", "")
HOSTILE(leaves_a_child, SOON_MS, QJIT_COMPILE_EXITED, "exit code 5", "")
HOSTILE(talks_garbage, SOON_MS, QJIT_WORKER_BAD_REPLY, "what is no frame", "")
HOSTILE(truncates, SOON_MS, QJIT_WORKER_BAD_REPLY, "half a frame", "")
HOSTILE(boasts, SOON_MS, QJIT_WORKER_BAD_REPLY, "too long", "")
HOSTILE(lies, SOON_MS, QJIT_WORKER_BAD_REPLY, "makes no sense", "")
HOSTILE(invents_a_status, SOON_MS, QJIT_WORKER_BAD_REPLY, "makes no sense", "")
HOSTILE(changes_the_subject, SOON_MS, QJIT_WORKER_BAD_REPLY, "not asked for", "")
HOSTILE(hangs_up, SOON_MS, QJIT_WORKER_BAD_REPLY, "closed channel", "")
HOSTILE(is_another_compiler, SOON_MS, QJIT_COMPILER_NOT_FOUND, "hiprtc=0123 comgr=4567", "")

/* These two answer, so that their worker lives on. */
static void expect_answer(const char *behaviour, qjit_status wanted, const char *log)
{
    struct stage stage;
    struct qj_compiled compiled;
    stage_init(&stage, behaviour, 1, SOON_MS);
    qjit_status status = qj_pool_compile(stage.pool, &compiled, &stage.plan);
    cr_assert_eq(status, wanted, "%s: %s", qjit_status_name(status), qjit_error_detail());
    cr_assert(strstr(qjit_error_log(), log));
    cr_assert(strlen(qjit_error_log()) <= (128 << 10));
    expect_clean(&stage);
}

Test(pool, gives_no_object)
{
    expect_answer("gives_no_object", QJIT_OBJECT_REFUSED, "");
}

Test(pool, is_noisy)
{
    expect_answer("is_noisy", QJIT_COMPILE_FAILED, "the end of the noise");
}

static void expect_not_started(const char *behaviour, const char *why)
{
    struct stage stage;
    struct qj_compiled compiled;
    stage_init(&stage, behaviour, 1, SOON_MS);
    cr_assert_eq(qj_pool_compile(stage.pool, &compiled, &stage.plan), QJIT_WORKER_NOT_STARTED);
    cr_assert(strstr(qjit_error_detail(), why), "%s", qjit_error_detail());
    cr_assert(strstr(qjit_error_detail(), "QJIT_WORKER"), "%s", qjit_error_detail());
    expect_recovery(&stage);
    expect_clean(&stage);
}

Test(pool, program_that_is_not_there)
{
    expect_not_started("no_such_program", "No such file");
}

Test(pool, program_that_is_none)
{
    expect_not_started("well/..", "ot a directory"); /* ENOTDIR */
}

Test(pool, temp_directory_that_is_not_there)
{
    struct stage stage;
    struct qj_compiled compiled;
    stage_init(&stage, "well", 1, SOON_MS);
    cr_assert_eq(rmdir(stage.temp), 0);
    cr_assert_eq(qj_pool_compile(stage.pool, &compiled, &stage.plan), QJIT_WORKER_NOT_STARTED);
    cr_assert(strstr(qjit_error_detail(), "TMPDIR"), "%s", qjit_error_detail());
    cr_assert_eq(mkdir(stage.temp, 0700), 0);
    expect_recovery(&stage);
    expect_clean(&stage);
}

Test(pool, archs_and_jobs_share_a_worker)
{
    struct stage stage;
    struct qj_compiled compiled;
    char *archs;
    stage_init(&stage, "well", 1, SOON_MS);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(qj_pool_archs(stage.pool, &archs), QJIT_OK);
        cr_assert_str_eq(archs, "elf-test");
        free(archs);
        cr_assert_eq(qj_pool_compile(stage.pool, &compiled, &stage.plan), QJIT_OK);
        qj_compiled_finish(&compiled);
        stage_cast(&stage, "exits_at_once"); /* a second worker would fail */
    }
    expect_clean(&stage);
}

/* It answers and then ends: the next job gets a new worker and no error. */
Test(pool, worker_that_dies_when_idle)
{
    struct stage stage;
    char *archs;
    stage_init(&stage, "dies_when_idle", 1, SOON_MS);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(qj_pool_archs(stage.pool, &archs), QJIT_OK, "%s", qjit_error_detail());
        free(archs);
        (void)usleep(100000);
    }
    expect_clean(&stage);
}

/* More than a socket holds at once. */
Test(pool, source_of_30_megabytes)
{
    struct stage stage;
    struct qj_compiled compiled;
    size_t n = (size_t)30 << 20;
    char *source = malloc(n + 1);
    memset(source, ' ', n);
    source[n] = '\0';
    stage_init(&stage, "well", 1, SOON_MS);
    stage.plan.source = source;
    stage.plan.source_bytes = n;
    cr_assert_eq(qj_pool_compile(stage.pool, &compiled, &stage.plan), QJIT_OK, "%s", qjit_error_detail());
    qj_compiled_finish(&compiled);
    stage_cast(&stage, "never_ready"); /* and one who does not read it all */
    expect_clean(&stage);
    free(source);
}

/* Environment, descriptors, directory and process group of a worker. */
Test(pool, worker_sees_little)
{
    struct stage stage;
    struct qj_compiled compiled;
    int stray = dup(STDERR_FILENO); /* without close-on-exec, as applications do */
    cr_assert(fcntl(stray, F_DUPFD, 77) >= 77);
    cr_assert_eq(setenv("CPATH", "/usr/include", 1), 0);
    cr_assert_eq(setenv("HIPRTC_COMPILE_OPTIONS_APPEND", "-O0", 1), 0);
    stage_init(&stage, "looks_around", 1, SOON_MS);
    cr_assert_eq(qj_pool_compile(stage.pool, &compiled, &stage.plan), QJIT_COMPILE_FAILED);
    const char *log = qjit_error_log();
    cr_assert(strstr(log, "cwd /cwd\n") && strstr(log, "group 1\n"), "%s", log);
    cr_assert(strstr(log, "env LANG=C\n") && strstr(log, "env AMD_COMGR_CACHE=0\n") &&
              strstr(log, "env PATH="));
    cr_assert(strstr(log, "env TMPDIR=") && strstr(log, "env HOME="));
    cr_assert(!strstr(log, "CPATH") && !strstr(log, "HIPRTC") && !strstr(log, "USER="), "%s", log);
    cr_assert(strstr(log, "fd 3\n") && !strstr(log, "fd 4\n") && !strstr(log, "fd 77\n"), "%s", log);
    expect_clean(&stage);
}

/* An application that ignores SIGCHLD reaps our workers before us: still an answer, no hang, nothing killed.
 */
Test(pool, sigchld_ignored)
{
    struct stage stage;
    struct qj_compiled compiled;
    stage_init(&stage, "exits", 1, SOON_MS);
    (void)signal(SIGCHLD, SIG_IGN);
    cr_assert_eq(qj_pool_compile(stage.pool, &compiled, &stage.plan), QJIT_COMPILE_EXITED);
    cr_assert(strstr(qjit_error_detail(), "SIGCHLD"), "%s", qjit_error_detail());
    expect_recovery(&stage);
    expect_clean(&stage);
}

/* A directory whose processes are dead is swept, one that is held is not, one of another name is not. */
Test(pool, sweeps_what_the_dead_left)
{
    struct stage stage;
    struct qj_scratch dead, live;
    stage_init(&stage, "well", 1, SOON_MS);
    cr_assert_eq(qj_scratch_init(&dead, stage.temp), QJIT_OK);
    cr_assert_eq(qj_scratch_init(&live, stage.temp), QJIT_OK);
    char *kept = qj_fs_join(stage.temp, "somebody-elses"), *deep = qj_fs_join(dead.tmp, "comgr-1");
    cr_assert_eq(mkdir(kept, 0700), 0);
    cr_assert_eq(mkdir(deep, 0700), 0);
    (void)close(dead.lock); /* its process is gone */
    dead.lock = -1;
    expect_recovery(&stage);
    cr_assert(!qj_fs_exists(dead.path));
    cr_assert(qj_fs_exists(live.tmp));
    cr_assert(qj_fs_exists(kept));
    cr_assert_eq(rmdir(kept), 0);
    qj_scratch_finish(&dead);
    qj_scratch_finish(&live);
    free(kept);
    free(deep);
    expect_clean(&stage);
}
