/* qjit-worker: compiles, in a process of its own. Started by the library (compile/child.c), which gives it a
 * socket as descriptor 3; never by hand. One HELLO first, then one answer for each frame, until the channel
 * closes. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "compile/message.h"
#include "compile/rtc.h"
#include "compile/scratch.h"
#include "compile/wire.h"
#include "hip/identity.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
/* A crash must be seen as the signal it is. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "handle_segv=0:handle_abort=0:handle_sigill=0:handle_sigbus=0:handle_sigfpe=0";
}
#else
enum { SANITIZED = 0 };
#endif

static char *directory; /* private; removed when the library is gone */
static pid_t parent;

/* Ends the process; nobody is left to clean up behind it. Called by either thread. */
static _Noreturn void leave(void)
{
    static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
    (void)pthread_mutex_lock(&once);
    enum { TRIES = 100 }; /* the compiler may still be writing there */
    for (int i = 0; directory && i < TRIES && qj_fs_remove_tree(directory) != 0; i++) {
    }
    _exit(0);
}

/* Waits for the library's end, also when somebody else holds its end of the channel open. */
static void *watch(void *unused)
{
    (void)unused;
    struct pollfd fds[] = {
        {.fd = QJ_WIRE_FD, .events = POLLRDHUP},
        {.fd = (int)syscall(SYS_pidfd_open, parent, 0), .events = POLLIN},
    };
    if (getppid() == parent) {
        int n;
        do {
            n = poll(fds, 2, -1);
        } while (n < 0 && errno == EINTR);
    }
    leave();
}

static void set_limit(int resource, rlim_t soft)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max != RLIM_INFINITY && soft > limit.rlim_max ? limit.rlim_max : soft;
        (void)setrlimit((__rlimit_resource_t)resource, &limit);
    }
}

static void set_limits(uint64_t max_bytes)
{
    const rlim_t file_bytes = (rlim_t)1 << 30, stack_bytes = (rlim_t)64 << 20;
    set_limit(RLIMIT_CORE, 0);
    set_limit(RLIMIT_FSIZE, file_bytes);
    set_limit(RLIMIT_STACK,
              stack_bytes); /* deep nesting overflows the usual 8 MB and takes the process along */
    if (max_bytes && !SANITIZED) {
        set_limit(RLIMIT_AS, (rlim_t)max_bytes);
    }
}

/* The library watches the clock; this is for when it is stopped or gone. */
static void set_cpu_limit(uint32_t timeout_ms)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        rlim_t used = (rlim_t)usage.ru_utime.tv_sec + (rlim_t)usage.ru_stime.tv_sec;
        set_limit(RLIMIT_CPU, used + timeout_ms / 1000 + 3);
    }
}

/* Reads n bytes; leaves when the channel closes. */
static void receive(void *out, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = recv(QJ_WIRE_FD, (char *)out + done, n - done, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            leave();
        }
        done += (size_t)got;
    }
}

static _Noreturn void die(const char *why)
{
    (void)fprintf(stderr, "qjit-worker: %s\n", why);
    _exit(2);
}

/* One frame; malloc'ed body. */
static void *receive_frame(uint32_t *out_type, size_t *out_n)
{
    uint8_t header[QJ_WIRE_HEADER_BYTES];
    receive(header, sizeof header);
    if (qj_wire_header(header, out_type, out_n)) {
        die("the library talks another protocol");
    }
    void *body = malloc(*out_n + 1);
    if (!body) {
        die("out of memory for a request");
    }
    receive(body, *out_n);
    return body;
}

static void send_all(struct qj_buf *out)
{
    if (out->failed) {
        die("out of memory for an answer");
    }
    (void)fflush(NULL);
    for (size_t sent = 0; sent < out->size;) {
        ssize_t n = send(QJ_WIRE_FD, out->bytes + sent, out->size - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            leave();
        }
        sent += (size_t)n;
    }
    qj_buf_finish(out);
}

static char *non_empty(const char *text)
{
    return *text ? (char *)(uintptr_t)text : NULL;
}

static void open_compiler(struct qj_rtc *rtc, const struct qj_hello *hello)
{
    const struct qj_hip_where where = {.kind = (enum qj_hip_kind)hello->kind,
                                       .runtime = non_empty(hello->runtime),
                                       .rtc = non_empty(hello->rtc),
                                       .comgr = non_empty(hello->comgr)};
    char identity[QJ_IDENTITY_MAX] = "";
    struct qj_ready ready = {.status = qj_rtc_open(rtc, &where), .detail = "", .identity = identity};
    if (!ready.status && hello->confirm) {
        ready.status = qj_identity_loaded(identity, &where);
    }
    if (ready.status) {
        ready.detail = qjit_error_detail();
    }
    struct qj_buf out = {0};
    qj_message_put_ready(&out, &ready);
    send_all(&out);
}

static void start(struct qj_rtc *rtc)
{
    uint32_t type;
    size_t n;
    struct qj_hello hello;
    pthread_t watcher;
    void *body = receive_frame(&type, &n);
    if (type != QJ_WIRE_HELLO || !qj_message_hello(&hello, body, n)) {
        die("the library's greeting makes no sense");
    }
    qj_scratch_hold(hello.directory);
    directory = strdup(hello.directory);
    parent = (pid_t)hello.parent;
    if (pthread_create(&watcher, NULL, watch, NULL) != 0) {
        die("no watcher thread can be started");
    }
    set_limits(hello.max_bytes);
    open_compiler(rtc, &hello);
    free(body);
}

static void answer(const struct qj_rtc *rtc)
{
    uint32_t type;
    size_t n;
    struct qj_job job = {0};
    struct qj_buf out = {0};
    void *body = receive_frame(&type, &n);
    if (type == QJ_WIRE_JOB && qj_message_job(&job, body, n)) {
        set_cpu_limit(job.timeout_ms);
        qj_rtc_compile(rtc, &out, &job);
    } else if (type == QJ_WIRE_ARCHS) {
        struct qj_buf archs = {0};
        qj_rtc_archs(rtc, &archs);
        qj_message_put_arch_list(&out, qj_buf_text(&archs));
        qj_buf_finish(&archs);
    } else {
        die("the library's request makes no sense");
    }
    send_all(&out);
    qj_job_finish(&job);
    free(body);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN); /* printing to a library that is gone */
    struct qj_rtc rtc = {.comgr = {.library = NULL}};
    start(&rtc);
    for (;;) {
        answer(&rtc);
    }
}
