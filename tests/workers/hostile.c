/* Workers that misbehave, each in one way: this file is built once per behaviour, with BEHAVIOUR its name.
 * They speak the protocol as far as they mean to. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "compile/message.h"
#include "compile/wire.h"

static struct qj_buf out; /* static: whoever dies leaks nothing */
static uint32_t type;
static char body[1 << 20];

static void send_out(void)
{
    for (size_t sent = 0; sent < out.size;) {
        ssize_t n = send(QJ_WIRE_FD, out.bytes + sent, out.size - sent, MSG_NOSIGNAL);
        if (n <= 0) {
            _exit(9);
        }
        sent += (size_t)n;
    }
    out.size = 0;
}

/* The next request; its body is thrown away but for the first bytes. Ends when the channel closes. */
static void next_request(void)
{
    uint8_t header[QJ_WIRE_HEADER_BYTES];
    size_t n;
    if (recv(QJ_WIRE_FD, header, sizeof header, MSG_WAITALL) != sizeof header ||
        qj_wire_header(header, &type, &n)) {
        _exit(0);
    }
    while (n > 0) {
        ssize_t got = recv(QJ_WIRE_FD, body, n < sizeof body ? n : sizeof body, MSG_WAITALL);
        if (got <= 0) {
            _exit(0);
        }
        n -= (size_t)got;
    }
}

static void greet(const char *identity)
{
    next_request();
    const struct qj_ready ready = {.status = QJIT_OK, .detail = "", .identity = identity};
    qj_message_put_ready(&out, &ready);
    send_out();
    next_request();
}

static _Noreturn void sleep_forever(void)
{
    for (;;) {
        (void)pause();
    }
}

static _Noreturn void die_by(int number)
{
    (void)signal(number, SIG_DFL);
    (void)raise(number);
    _exit(8);
}

static void put_answer(qjit_status status, const void *object, size_t n)
{
    const struct qj_answer answer = {.status = status,
                                     .detail = "refused by the test",
                                     .log = "",
                                     .kernels = "k",
                                     .object = object,
                                     .n_bytes = n};
    qj_message_put_answer(&out, &answer);
}

/* Answers well; its own program is an ELF, which is all that an arch without a table of its own asks for. */
static void answer_well(void)
{
    static struct qj_buf self;
    if (!self.size && qj_fs_read(&self, "/proc/self/exe", QJ_WIRE_OBJECT_MAX) != 0) {
        _exit(7);
    }
    if (type == QJ_WIRE_ARCHS) {
        qj_message_put_arch_list(&out, "elf-test");
    } else {
        put_answer(QJIT_OK, self.bytes, self.size);
    }
    send_out();
}

static void well(void)
{
    greet("test");
    for (;;) {
        answer_well();
        next_request();
    }
}

static void exits_at_once(void)
{
    (void)fprintf(stderr, "cannot find myself\n");
    exit(3);
}

static void never_ready(void)
{
    sleep_forever();
}

static void hangs(void)
{
    greet("test");
    sleep_forever();
}

static void ignores_signals(void)
{
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    hangs();
}

static void crashes(void)
{
    greet("test");
    (void)fprintf(stderr, "last words\n");
    die_by(SIGSEGV);
}

static void crashes_while_starting(void)
{
    die_by(SIGBUS);
}

static void out_of_memory(void)
{
    greet("test");
    (void)fprintf(stderr, "LLVM ERROR: out of memory\n");
    die_by(SIGABRT);
}

static void out_of_time(void)
{
    greet("test");
    die_by(SIGXCPU);
}

static void exits(void)
{
    greet("test");
    exit(0);
}

static void talks_garbage(void)
{
    greet("test");
    char garbage[] = "#include <this is not a frame, whatever it is>";
    qj_buf_append(&out, garbage, sizeof garbage);
    send_out();
    sleep_forever();
}

static void truncates(void)
{
    greet("test");
    put_answer(QJIT_OK, body, 1000);
    out.size /= 2;
    send_out();
    exit(0);
}

static void boasts(void)
{
    greet("test");
    put_answer(QJIT_OK, body, 10);
    memset(out.bytes + 8, 0x7f, 8); /* the frame's length */
    send_out();
    sleep_forever();
}

static void lies(void)
{
    greet("test");
    put_answer(QJIT_OK, body, 10);
    memset(out.bytes + QJ_WIRE_HEADER_BYTES + 4, 0x7f, 8); /* the first text's length */
    send_out();
    sleep_forever();
}

static void invents_a_status(void)
{
    greet("test");
    put_answer(QJIT_OK, body, 10);
    out.bytes[QJ_WIRE_HEADER_BYTES] = 77;
    send_out();
    sleep_forever();
}

static void changes_the_subject(void)
{
    greet("test");
    qj_message_put_ready(&out, &(struct qj_ready){.status = QJIT_OK, .detail = "", .identity = "test"});
    send_out();
    sleep_forever();
}

static void hangs_up(void)
{
    greet("test");
    (void)close(QJ_WIRE_FD);
    sleep_forever();
}

static void is_another_compiler(void)
{
    greet("hiprtc=0123 comgr=4567");
    sleep_forever();
}

static void gives_no_object(void)
{
    greet("test");
    static const char text[] = "this is no code object, though it is long enough to hold the header of one: "
                               "0123456789012345678901234567890123456789";
    put_answer(QJIT_OK, text, sizeof text);
    send_out();
    sleep_forever();
}

/* Prints frames and megabytes where its prints go, then gives a proper answer without a log of its own. */
static void is_noisy(void)
{
    greet("test");
    put_answer(QJIT_OK, body, 10);
    for (int i = 0; i < 5000; i++) {
        (void)fwrite(out.bytes, 1, out.size, stdout);
        (void)fprintf(stderr, "%01000d\n", i);
    }
    (void)fflush(stdout);
    (void)fprintf(stderr, "the end of the noise\n");
    out.size = 0;
    put_answer(QJIT_COMPILE_FAILED, "", 0);
    send_out();
    next_request();
}

static void floods(void)
{
    greet("test");
    for (;;) {
        (void)write(STDOUT_FILENO, body, sizeof body);
    }
}

/* Ends, but leaves a process of its group behind that holds channel and output open. */
static void leaves_a_child(void)
{
    greet("test");
    pid_t child = fork();
    if (child == 0) {
        sleep_forever();
    }
    exit(child > 0 ? 5 : 6);
}

static void dies_when_idle(void)
{
    greet("test");
    answer_well();
    exit(0);
}

static void litters(void)
{
    (void)mkdir("sub", 0700);
    FILE *file = fopen("sub/left", "w");
    if (file) {
        (void)fclose(file);
    }
    (void)symlink("/", "sub/root");
    (void)mkdir("../tmp/comgr-123456", 0700);
    (void)mkdir("../tmp/comgr-123456/input", 0);
    greet("test");
    die_by(SIGSEGV);
}

/* Reports, in its answer's log, what it was started with. */
static void looks_around(void)
{
    greet("test");
    char directory[4096] = "";
    (void)getcwd(directory, sizeof directory);
    struct qj_buf log = {0};
    extern char **environ;
    for (char **variable = environ; *variable; variable++) {
        qj_buf_printf(&log, "env %s\n", *variable);
    }
    for (int fd = 0; fd < 256; fd++) {
        struct stat info;
        if (fstat(fd, &info) == 0) {
            qj_buf_printf(&log, "fd %d\n", fd);
        }
    }
    qj_buf_printf(&log, "group %d\n", getpgrp() == getpid());
    const char *name = strrchr(directory, '/');
    qj_buf_printf(&log, "cwd %s\n", name ? name : "?");
    const struct qj_answer answer = {.status = QJIT_COMPILE_FAILED,
                                     .detail = "a look around",
                                     .log = qj_buf_text(&log),
                                     .kernels = "",
                                     .object = ""};
    qj_message_put_answer(&out, &answer);
    qj_buf_finish(&log);
    send_out();
    next_request();
}

int main(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } behaviours[] = {
#define ROW(name) {#name, name}
        ROW(well),
        ROW(exits_at_once),
        ROW(never_ready),
        ROW(hangs),
        ROW(ignores_signals),
        ROW(crashes),
        ROW(crashes_while_starting),
        ROW(out_of_memory),
        ROW(out_of_time),
        ROW(exits),
        ROW(talks_garbage),
        ROW(truncates),
        ROW(boasts),
        ROW(lies),
        ROW(invents_a_status),
        ROW(changes_the_subject),
        ROW(hangs_up),
        ROW(is_another_compiler),
        ROW(gives_no_object),
        ROW(is_noisy),
        ROW(floods),
        ROW(leaves_a_child),
        ROW(dies_when_idle),
        ROW(litters),
        ROW(looks_around),
#undef ROW
    };
    for (size_t i = 0; i < sizeof behaviours / sizeof *behaviours; i++) {
        if (strcmp(behaviours[i].name, BEHAVIOUR) == 0) {
            behaviours[i].run();
            return 0;
        }
    }
    return 99;
}
