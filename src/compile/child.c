#include "compile/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/status.h"
#include "compile/wire.h"

extern char **environ;

/* What a compiler may see of the environment. Everything else stays out: CPATH, HIPRTC_COMPILE_OPTIONS_APPEND
 * and others change what is compiled without being in the key. The sanitizers' variables serve our own test
 * builds, QJIT_HIP_* the HIP libraries of our own. In a setuid program nothing is taken over. */
static bool is_kept(const char *variable)
{
    static const char *const kept[] = {
        "PATH=", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "LSAN_OPTIONS=", "TSAN_OPTIONS=", "QJIT_HIP_"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        if (strncmp(variable, kept[i], strlen(kept[i])) == 0) {
            return getauxval(AT_SECURE) == 0;
        }
    }
    return false;
}

/* Texts, each with its NUL, become a list in one block. */
static char **list_of(const struct qj_buf *texts, size_t n)
{
    char **list = texts->failed ? NULL : malloc((n + 1) * sizeof *list + texts->size);
    if (list) {
        char *text = (char *)(list + n + 1);
        if (texts->size) {
            memcpy(text, texts->bytes, texts->size);
        }
        for (size_t i = 0; i < n; i++) {
            list[i] = text;
            text += strlen(text) + 1;
        }
        list[n] = NULL;
    }
    return list;
}

static void put_variable(struct qj_buf *out, size_t *n, const char *name, const char *value)
{
    qj_buf_puts(out, name);
    qj_buf_append(out, value, strlen(value) + 1);
    ++*n;
}

char **qj_child_environment(const char *library_path)
{
    struct qj_buf texts = {0};
    size_t n = 0;
    for (char **variable = environ; variable && *variable; variable++) {
        if (is_kept(*variable)) {
            put_variable(&texts, &n, "", *variable);
        }
    }
    if (library_path) { /* for the compiler libraries' own dependencies; they themselves are opened by path */
        put_variable(&texts, &n, "LD_LIBRARY_PATH=", library_path);
    }
    char **list = list_of(&texts, n);
    qj_buf_finish(&texts);
    return list;
}

/* The whole environment of a worker: `kept` and what is its own. */
static char **environment_of(char *const *kept, const struct qj_scratch *scratch)
{
    struct qj_buf texts = {0};
    size_t n = 0;
    for (; kept[n];) {
        put_variable(&texts, &n, "", kept[n]);
    }
    put_variable(&texts, &n, "TMPDIR=", scratch->tmp);
    put_variable(&texts, &n, "HOME=", scratch->tmp);
    put_variable(&texts, &n, "LANG=", "C");
    put_variable(&texts, &n, "AMD_COMGR_CACHE=", "0"); /* it hands back damaged objects as good ones */
    char **list = list_of(&texts, n);
    qj_buf_finish(&texts);
    return list;
}

/* Moves the descriptor out of the way of 0 to 3, which the child's file actions overwrite. */
static int out_of_the_way(int fd)
{
    enum { FIRST = 10 };
    if (fd < 0 || fd >= FIRST) {
        return fd;
    }
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, FIRST);
    (void)close(fd);
    return moved;
}

struct ends {
    int channel[2]; /* ours, the child's */
    int output[2];  /* ours, the child's */
};

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
    *fd = -1;
}

static bool open_ends(struct ends *out)
{
    *out = (struct ends){{-1, -1}, {-1, -1}};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out->channel) != 0 ||
        pipe2(out->output, O_CLOEXEC) != 0) {
        return false;
    }
    for (int i = 0; i < 2; i++) {
        out->channel[i] = out_of_the_way(out->channel[i]);
        out->output[i] = out_of_the_way(out->output[i]);
        if (out->channel[i] < 0 || out->output[i] < 0) {
            return false;
        }
    }
    return fcntl(out->channel[0], F_SETFL, O_NONBLOCK) == 0 &&
           fcntl(out->output[0], F_SETFL, O_NONBLOCK) == 0;
}

static int set_actions(posix_spawn_file_actions_t *actions, const struct ends *ends, const char *cwd)
{
    int error = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    error = error ? error : posix_spawn_file_actions_adddup2(actions, ends->output[1], 1);
    error = error ? error : posix_spawn_file_actions_adddup2(actions, ends->output[1], 2);
    error = error ? error : posix_spawn_file_actions_adddup2(actions, ends->channel[1], QJ_WIRE_FD);
    error = error ? error : posix_spawn_file_actions_addclosefrom_np(actions, QJ_WIRE_FD + 1);
    return error ? error : posix_spawn_file_actions_addchdir_np(actions, cwd);
}

/* Signals as a program expects them at its start, whatever the application does with them. */
static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int error = posix_spawnattr_setflags(
        attributes, (short)(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
    error = error ? error : posix_spawnattr_setpgroup(attributes, 0);
    error = error ? error : posix_spawnattr_setsigmask(attributes, &none);
    return error ? error : posix_spawnattr_setsigdefault(attributes, &all);
}

static int spawn(pid_t *out, const char *program, char *const *environment, const struct ends *ends,
                 const char *cwd)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error) {
        return error;
    }
    error = posix_spawnattr_init(&attributes);
    if (error) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return error;
    }
    char name[] = "qjit-worker";
    char *arguments[] = {name, NULL};
    error = set_actions(&actions, ends, cwd);
    error = error ? error : set_attributes(&attributes);
    error = error ? error : posix_spawn(out, program, &actions, &attributes, arguments, environment);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

qjit_status qj_child_start(struct qj_child *out, const char *program, char *const *kept,
                           const struct qj_scratch *scratch)
{
    *out = (struct qj_child){.pidfd = -1, .channel = -1, .output = -1};
    struct ends ends;
    char **environment = environment_of(kept, scratch);
    int error = !open_ends(&ends) ? errno : environment ? 0 : ENOMEM;
    pid_t pid = 0;
    error = error ? error : spawn(&pid, program, environment, &ends, scratch->cwd);
    free(environment);
    close_fd(&ends.channel[1]);
    close_fd(&ends.output[1]);
    if (error) {
        close_fd(&ends.channel[0]);
        close_fd(&ends.output[0]);
        return qj_fail(QJIT_WORKER_NOT_STARTED,
                       "worker '%s' cannot be started; set QJIT_WORKER to the path of qjit-worker: %s",
                       program, strerror(error));
    }
    *out = (struct qj_child){.pid = pid,
                             .pidfd = (int)syscall(SYS_pidfd_open, pid, 0),
                             .channel = ends.channel[0],
                             .output = ends.output[0]};
    return QJIT_OK;
}

bool qj_child_has_ended(const struct qj_child *child)
{
    siginfo_t info = {0};
    int result = waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    return result != 0 ? errno == ECHILD : info.si_pid == child->pid;
}

bool qj_child_wait(const struct qj_child *child, int ms)
{
    enum { ASK_MS = 5 };
    struct pollfd fd = {.fd = child->pidfd, .events = POLLIN};
    bool ended = qj_child_has_ended(child);
    for (int left = ms; !ended && left > 0;) {
        int step = child->pidfd < 0 && left > ASK_MS ? ASK_MS : left;
        (void)poll(&fd, 1, step);
        left -= step;
        ended = qj_child_has_ended(child);
    }
    return ended;
}

void qj_child_kill(const struct qj_child *child)
{
    siginfo_t info;
    /* Not ours any more if somebody has reaped it: its number may be another's by now. */
    if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
        (void)kill(-child->pid, SIGKILL);
    }
}

void qj_child_stop(struct qj_child *child, struct qj_child_end *out_end)
{
    *out_end = (struct qj_child_end){0};
    if (child->pid > 0) {
        qj_child_kill(child);
        int status;
        struct rusage usage;
        pid_t pid;
        do {
            pid = wait4(child->pid, &status, 0, &usage);
        } while (pid < 0 && errno == EINTR);
        if (pid == child->pid) {
            *out_end = (struct qj_child_end){.known = true,
                                             .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
                                             .exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
                                             .max_rss_kb = usage.ru_maxrss};
        }
    }
    close_fd(&child->pidfd);
    close_fd(&child->channel);
    close_fd(&child->output);
    child->pid = 0;
}
