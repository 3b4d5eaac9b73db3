#include "compile/verdict.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

static void expect(const char *text, const char *tidied)
{
    struct qj_buf out = {0};
    qj_verdict_tidy(&out, text, "/tmp/qjit worker-abc", "scale.hip");
    cr_assert_str_eq(qj_buf_text(&out), tidied);
    qj_buf_finish(&out);
}

Test(verdict, tidy)
{
    expect("", "");
    expect("no path here\n", "no path here\n");
    expect("/tmp/qjit worker-abc/tmp/comgr-12ab34/input/CompileSource:3:7: error: x\n",
           "scale.hip:3:7: error: x\n");
    expect("In file included from /tmp/qjit worker-abc/tmp/comgr-1-2-Xy/input/CompileSource:1:\n",
           "In file included from scale.hip:1:\n");
    expect("'/tmp/qjit worker-abc/tmp/comgr-1/include/sub/a.h:1'", "'sub/a.h:1'");
    expect("/tmp/qjit worker-abc/tmp/comgr-1/output/a.o /tmp/qjit worker-abc/tmp/own.cpp", "a.o own.cpp");
    expect("CompileSource stays where it is no file of ours",
           "CompileSource stays where it is no file of ours");
    expect("/tmp/qjit worker-abc/tmp/comgr-1", "comgr-1");
    expect("/tmp/qjit worker-abc", "");
}

static const struct qj_subject subject = {.unit = "scale",
                                          .source_name = "scale.hip",
                                          .arch = "gfx1030",
                                          .program = "/w",
                                          .timeout_ms = 100,
                                          .max_bytes = (uint64_t)1 << 30};

static qjit_status ended(int signal, int exit_code, long max_rss_kb, const char *log)
{
    const struct qj_child_end end = {
        .known = true, .signal = signal, .exit_code = exit_code, .max_rss_kb = max_rss_kb};
    return qj_verdict_no_answer(&subject, QJ_EXCHANGE_ENDED, true, NULL, &end, log);
}

Test(verdict, how_it_ended)
{
    cr_assert_eq(ended(SIGSEGV, 0, 1000, ""), QJIT_COMPILE_CRASHED);
    cr_assert_str_eq(qjit_error_detail(),
                     "unit 'scale' for 'gfx1030': the compiler crashed (SIGSEGV); reduce the "
                     "source until it does not, or try another ROCm version");
    cr_assert_eq(ended(SIGKILL, 0, 1000, ""), QJIT_COMPILE_CRASHED);
    cr_assert(strstr(qjit_error_detail(), "out of memory"), "%s", qjit_error_detail());
    cr_assert_eq(ended(SIGXCPU, 0, 1000, ""), QJIT_COMPILE_TIMEOUT);
    cr_assert_eq(ended(0, 1, 1000, "why"), QJIT_COMPILE_EXITED);
    cr_assert_str_eq(qjit_error_log(), "why");
    cr_assert_eq(ended(SIGABRT, 0, 1000, "what():  std::bad_alloc\n"), QJIT_COMPILE_NO_MEMORY);
    cr_assert_eq(ended(SIGSEGV, 0, 900000, ""), QJIT_COMPILE_NO_MEMORY, "close to the limit of 1 GiB");
}

Test(verdict, answer_without_object)
{
    struct qj_answer answer = {.status = QJIT_COMPILE_FAILED, .detail = "hipRTC says so", .kernels = ""};
    cr_assert_eq(qj_verdict_answer(&subject, &answer, "a\nscale.hip:1:2: error: no\nb\n"),
                 QJIT_COMPILE_FAILED);
    cr_assert_str_eq(qjit_error_detail(),
                     "unit 'scale' for 'gfx1030' does not compile: scale.hip:1:2: error: no");
    cr_assert_eq(qj_verdict_answer(&subject, &answer, ""), QJIT_COMPILE_FAILED);
    cr_assert_str_eq(qjit_error_detail(), "unit 'scale' for 'gfx1030' does not compile: hipRTC says so");
    answer = (struct qj_answer){.status = QJIT_COMPILE_NO_MEMORY, .kernels = ""};
    cr_assert_eq(qj_verdict_answer(&subject, &answer, ""), QJIT_COMPILE_NO_MEMORY);
    cr_assert(strstr(qjit_error_detail(), "1024 MiB"), "%s", qjit_error_detail());
}
