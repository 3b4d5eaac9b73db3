#include "compile/verdict.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "base/status.h"

/* Length of "comgr-XXXXXX/" at `text` and of the "input/", "include/" or "output/" after it. */
static size_t comgr_parts(const char *text)
{
    static const char *const parts[] = {"input/", "include/", "output/"};
    static const char comgr[] = "comgr-";
    if (strncmp(text, comgr, sizeof comgr - 1) != 0) {
        return 0;
    }
    size_t n = strcspn(text, "/\n");
    if (text[n] != '/') {
        return 0;
    }
    n++;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strncmp(text + n, parts[i], strlen(parts[i])) == 0) {
            return n + strlen(parts[i]);
        }
    }
    return n;
}

void qj_verdict_tidy(struct qj_buf *out, const char *text, const char *directory, const char *name)
{
    static const char tmp[] = "/tmp/";
    size_t n_directory = strlen(directory), n_source = strlen(QJ_MESSAGE_SOURCE_NAME);
    for (const char *hit; n_directory && (hit = strstr(text, directory));) {
        qj_buf_append(out, text, (size_t)(hit - text));
        text = hit + n_directory;
        if (strncmp(text, tmp, sizeof tmp - 1) != 0) {
            continue;
        }
        text += sizeof tmp - 1;
        text += comgr_parts(text);
        if (strncmp(text, QJ_MESSAGE_SOURCE_NAME, n_source) == 0) {
            text += n_source;
            qj_buf_puts(out, name);
        }
    }
    qj_buf_puts(out, text);
}

static const char *signal_name(int number)
{
    const char *name = sigabbrev_np(number);
    return name ? name : "unknown";
}

/* What LLVM, libstdc++ and libc say; a thread that cannot be started lacks room for its stack. */
static bool says_no_memory(const char *log)
{
    static const char *const words[] = {"out of memory", "bad_alloc", "annot allocate memory",
                                        "pthread_create failed"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strstr(log, words[i])) {
            return true;
        }
    }
    return false;
}

/* An allocation that fails under the limit seldom says so; but then the limit was close. */
static bool was_near_limit(const struct qj_subject *subject, const struct qj_child_end *end)
{
    return end->known && subject->max_bytes && (uint64_t)end->max_rss_kb * 1024 > subject->max_bytes / 4 * 3;
}

/* "unit 'x' for 'gfx1030'", or the other thing asked. */
static void name_subject(struct qj_buf *out, const struct qj_subject *subject)
{
    if (subject->unit) {
        qj_buf_printf(out, "unit '%s' for '%s'", subject->unit, subject->arch);
    } else {
        qj_buf_puts(out, "listing the archs");
    }
}

static qjit_status ended(struct qj_buf *out, const struct qj_subject *subject, const struct qj_child_end *end,
                         const char *log)
{
    if (end->known && end->signal == SIGXCPU) {
        qj_buf_printf(out,
                      ": compiling took more than %u ms of processor time; if it should, raise "
                      "compile_timeout_ms",
                      subject->timeout_ms);
        return QJIT_COMPILE_TIMEOUT;
    }
    if (says_no_memory(log) || was_near_limit(subject, end)) {
        qj_buf_printf(out,
                      ": the compiler ran out of its %llu MiB of address space; make the unit smaller or "
                      "raise worker_max_bytes",
                      (unsigned long long)(subject->max_bytes >> 20));
        return QJIT_COMPILE_NO_MEMORY;
    }
    if (end->signal == SIGKILL) {
        qj_buf_puts(out,
                    ": the worker was killed (SIGKILL) while it compiled; if nobody did that, the machine "
                    "ran out of memory: use fewer jobs");
        return QJIT_COMPILE_CRASHED;
    }
    if (end->signal) {
        qj_buf_printf(out,
                      ": the compiler crashed (SIG%s); reduce the source until it does not, or try another "
                      "ROCm version",
                      signal_name(end->signal));
        return QJIT_COMPILE_CRASHED;
    }
    if (end->known) {
        qj_buf_printf(out,
                      ": the compiler ended its process with exit code %d and no answer; its log may say why",
                      end->exit_code);
    } else {
        qj_buf_puts(out, ": the worker is gone without an answer, and another part of this program reaped it "
                         "(SIGCHLD ignored, or a wait for any child)");
    }
    return QJIT_COMPILE_EXITED;
}

/* It ended, or was silent, before it said that it was ready. */
static qjit_status not_ready(struct qj_buf *out, const struct qj_subject *subject, enum qj_exchange exchange,
                             const struct qj_child_end *end, const char *log)
{
    qj_buf_printf(out, "worker '%s' ", subject->program);
    if (exchange == QJ_EXCHANGE_LATE) {
        qj_buf_printf(out, "did not say that it is ready within %u ms", subject->timeout_ms);
    } else if (end->signal) {
        qj_buf_printf(out, "died (SIG%s) before it was ready", signal_name(end->signal));
    } else {
        qj_buf_printf(out, "exited with code %d before it was ready", end->exit_code);
    }
    const char *line = log + strspn(log, " \n");
    int n_line = (int)strcspn(line, "\n");
    if (exchange == QJ_EXCHANGE_ENDED && n_line > 0) {
        qj_buf_printf(out, ": %.*s", n_line < 200 ? n_line : 200, line);
    }
    qj_buf_puts(out, "; set QJIT_WORKER to the qjit-worker of this installation");
    return QJIT_WORKER_NOT_STARTED;
}

qjit_status qj_verdict_no_answer(const struct qj_subject *subject, enum qj_exchange exchange, bool was_ready,
                                 const char *wrong, const struct qj_child_end *end, const char *log)
{
    struct qj_buf line = {0};
    qjit_status status;
    if (exchange == QJ_EXCHANGE_NO_MEMORY) {
        status = QJIT_NO_MEMORY;
        qj_buf_puts(&line, "no memory for a worker's answer");
    } else if (exchange == QJ_EXCHANGE_BAD) {
        status = QJIT_WORKER_BAD_REPLY;
        qj_buf_printf(&line,
                      "worker '%s' answered with %s; set QJIT_WORKER to the qjit-worker of this installation",
                      subject->program, wrong ? wrong : "a frame that makes no sense");
    } else if (!was_ready) {
        status = not_ready(&line, subject, exchange, end, log);
    } else {
        name_subject(&line, subject);
        if (exchange == QJ_EXCHANGE_LATE) {
            status = QJIT_COMPILE_TIMEOUT;
            qj_buf_printf(&line, ": compiling took more than %u ms; if it should, raise compile_timeout_ms",
                          subject->timeout_ms);
        } else {
            status = ended(&line, subject, end, log);
        }
    }
    status = qj_fail_with_log(status, qj_buf_text(&line), log);
    qj_buf_finish(&line);
    return status;
}

/* The first line of the log that names an error, or what the worker said. */
static void first_error(struct qj_buf *out, const char *log, const char *otherwise)
{
    const char *hit = strstr(log, "error:");
    if (!hit) {
        qj_buf_puts(out, otherwise);
        return;
    }
    const char *start = hit;
    while (start > log && start[-1] != '\n') {
        start--;
    }
    qj_buf_append(out, start, strcspn(start, "\n"));
}

qjit_status qj_verdict_answer(const struct qj_subject *subject, const struct qj_answer *answer,
                              const char *log)
{
    struct qj_buf line = {0};
    switch (answer->status) {
    case QJIT_ARCH_UNKNOWN:
        qj_buf_printf(&line,
                      "arch '%s' is not known to this compiler; install a newer ROCm or choose among what it "
                      "knows: %s",
                      subject->arch, answer->kernels);
        break;
    case QJIT_COMPILE_NO_MEMORY:
        name_subject(&line, subject);
        qj_buf_printf(&line,
                      ": the compiler ran out of its %llu MiB of address space; make the unit smaller or "
                      "raise worker_max_bytes",
                      (unsigned long long)(subject->max_bytes >> 20));
        break;
    default:
        name_subject(&line, subject);
        qj_buf_puts(&line, " does not compile: ");
        first_error(&line, log, answer->detail);
        break;
    }
    qjit_status status = qj_fail_with_log(answer->status, qj_buf_text(&line), log);
    qj_buf_finish(&line);
    return status;
}
