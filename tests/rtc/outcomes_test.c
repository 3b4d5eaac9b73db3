/* What real sources that real people (and others) write come to: one status each, and the next job succeeds.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "rtc/rtc.h"

#define GIB ((uint64_t)1 << 30)

enum { LONG_MS = 120000 };

static struct rtc rtc;

static void finish(void)
{
    struct qj_compiled compiled;
    const struct rtc_job good = {.kernels = {"k"}};
    cr_assert_eq(rtc_compile(&rtc, &compiled, &good), QJIT_OK, "the next job: %s", qjit_error_detail());
    qj_compiled_finish(&compiled);
    const char *left = rtc_finish(&rtc);
    cr_assert_null(left, "%s is left", left);
}

static void expect(const struct rtc_job *job, qjit_status wanted, const char *detail, const char *log)
{
    struct qj_compiled compiled;
    qjit_status status = rtc_compile(&rtc, &compiled, job);
    cr_assert_eq(status, wanted, "%s: %s\n%s", qjit_status_name(status), qjit_error_detail(),
                 qjit_error_log());
    if (status) {
        cr_assert(strstr(qjit_error_detail(), detail), "detail: %s", qjit_error_detail());
        cr_assert(strstr(qjit_error_log(), log), "log: %s", qjit_error_log());
        cr_assert_null(strstr(qjit_error_log(), "comgr-"), "log: %s", qjit_error_log());
        cr_assert_null(strstr(qjit_error_log(), rtc.temp), "log: %s", qjit_error_log());
        cr_assert_null(compiled.object);
    }
    qj_compiled_finish(&compiled);
}

static void run(const struct rtc_job *job, qjit_status wanted, const char *detail, const char *log)
{
    rtc_init(&rtc, 1, LONG_MS, 4 * GIB);
    expect(job, wanted, detail, log);
    finish();
}

Test(outcomes, kernels_in_their_order)
{
    struct qj_compiled compiled;
    const struct rtc_job job = {.source = "extern \"C\" __global__ void a(float *x) { *x = 1; }\n"
                                          "template <class T> __global__ void t(T *x) { *x = 2; }\n"
                                          "namespace n { __global__ void b(int *x) { *x = 3; } }\n",
                                .kernels = {"t<float>", "a", "n::b", "t<float>", "t<int>"}};
    rtc_init(&rtc, 1, LONG_MS, 4 * GIB);
    cr_assert_eq(rtc_compile(&rtc, &compiled, &job), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_str_eq(compiled.kernels, "_Z1tIfEvPT_ a _ZN1n1bEPi _Z1tIfEvPT_ _Z1tIiEvPT_");
    cr_assert_str_eq(compiled.log, "");
    cr_assert_gt(compiled.compile_us, 100);
    qj_compiled_finish(&compiled);
    finish();
}

Test(outcomes, all_kernels_if_none_is_named)
{
    struct qj_compiled compiled;
    const struct rtc_job job = {.source = "extern \"C\" __global__ void a(int *x) { *x = 1; }\n"
                                          "extern \"C\" __global__ void b(int *x) { *x = 2; }\n"};
    rtc_init(&rtc, 1, LONG_MS, 4 * GIB);
    cr_assert_eq(rtc_compile(&rtc, &compiled, &job), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_str_eq(compiled.kernels, "a b");
    qj_compiled_finish(&compiled);
    finish();
}

Test(outcomes, warnings_come_with_the_object)
{
    struct qj_compiled compiled;
    const struct rtc_job job = {.source =
                                    "#warning look out\nextern \"C\" __global__ void k(int *x) { *x = 1; }\n",
                                .kernels = {"k"}};
    rtc_init(&rtc, 1, LONG_MS, 4 * GIB);
    cr_assert_eq(rtc_compile(&rtc, &compiled, &job), QJIT_OK, "%s", qjit_error_detail());
    cr_assert(strstr(compiled.log, "unit.hip:1:2: warning: look out"), "%s", compiled.log);
    qj_compiled_finish(&compiled);
    finish();
}

Test(outcomes, full_runtime_header)
{
    const struct rtc_job job = {.source = "extern \"C\" __global__ void k(float *x) { x[threadIdx.x] = "
                                          "__shfl_xor(x[blockIdx.x], 1); }\n",
                                .kernels = {"k"},
                                .full_runtime = 1};
    run(&job, QJIT_OK, "", "");
}

Test(outcomes, syntax_error)
{
    const struct rtc_job job = {.source = "\nextern \"C\" __global__ void k(float *x) { *x = ; }\n",
                                .kernels = {"k"}};
    run(&job, QJIT_COMPILE_FAILED, "unit 'unit' for 'gfx1030' does not compile: unit.hip:2:", "unit.hip:2:");
}

Test(outcomes, error_directive)
{
    const struct rtc_job job = {.source = "#error not for this arch\n"};
    run(&job, QJIT_COMPILE_FAILED, "not for this arch", "unit.hip:1:2: error: not for this arch");
}

Test(outcomes, error_in_a_header)
{
    const qjit_header headers[] = {{"hiprtc_runtime.h", "#pragma once\n"},
                                   {"sub/mine.h", "\n#error in here\n"}};
    const struct rtc_job job = {.source = "#include \"sub/mine.h\"\n", .headers = headers, .n_headers = 2};
    run(&job, QJIT_COMPILE_FAILED, "sub/mine.h:2:2: error: in here", "from unit.hip:1:");
}

Test(outcomes, inline_assembly)
{
    const struct rtc_job job = {
        .source = "extern \"C\" __global__ void k() { asm volatile(\"nonsense\"); }\n", .kernels = {"k"}};
    run(&job, QJIT_COMPILE_FAILED, "does not compile", "nonsense");
}

Test(outcomes, endless_template_recursion)
{
    const struct rtc_job job = {.source = "template <int N> struct r { enum { v = r<N + 1>::v }; };\n"
                                          "int x = r<0>::v;\n"};
    run(&job, QJIT_COMPILE_FAILED, "recursive template instantiation", "unit.hip");
}

/* Sanitizers reserve terabytes of address space, so that a worker built with one has no limit. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
Test(outcomes, memory_runs_out)
{
    const struct rtc_job job = {.source = "template <int N> struct r { enum { v = r<N + 1>::v }; };\n"
                                          "int x = r<0>::v;\n",
                                .options = {"-ftemplate-depth=1000000"}};
    rtc_init(&rtc, 1, LONG_MS, GIB);
    expect(&job, QJIT_COMPILE_NO_MEMORY, "1024 MiB", "");
    finish();
}
#endif

Test(outcomes, time_runs_out)
{
    const struct rtc_job job = {.source = "template <int N, int M> struct e { enum { v = e<N - 1, 2 * M>::v "
                                          "+ e<N - 1, 2 * M + 1>::v }; };\n"
                                          "template <int M> struct e<0, M> { enum { v = M }; };\n"
                                          "int x = e<28, 0>::v;\n"};
    rtc_init(&rtc, 1, 2000, 4 * GIB);
    uint64_t start = qj_clock_us();
    expect(&job, QJIT_COMPILE_TIMEOUT, "2000 ms", "");
    cr_assert_lt(qj_clock_us() - start, 4000000);
    finish();
}

Test(outcomes, source_of_30_megabytes)
{
    size_t n = (size_t)30 << 20;
    char *source = malloc(n + 1);
    memset(source, '\n', n);
    source[n] = '\0';
    static const char kernel[] = "extern \"C\" __global__ void k(float *x) { *x = 1; }\n";
    memcpy(source, "// ", 3);
    memcpy(source + n - sizeof kernel, kernel, sizeof kernel - 1);
    const struct rtc_job job = {.source = source, .kernels = {"k"}};
    run(&job, QJIT_OK, "", "");
    free(source);
}

Test(outcomes, compiler_crashes)
{
    const struct rtc_job job = {.source = "#pragma clang __debug crash\n"};
    run(&job, QJIT_COMPILE_CRASHED, "SIG", "");
}

Test(outcomes, compiler_gives_up)
{
    const struct rtc_job job = {.source = "#pragma clang __debug llvm_fatal_error\n"};
    run(&job, QJIT_COMPILE_CRASHED, "SIGABRT", "");
}

/* Deep enough for the stack that workers are given, too. */
Test(outcomes, stack_overflows)
{
    struct qj_buf source = {0};
    qj_buf_puts(&source, "extern \"C\" __global__ void k(int *x) { *x = ");
    for (int i = 0; i < 1000000; i++) {
        qj_buf_puts(&source, "- ");
    }
    qj_buf_puts(&source, "*x; }\n");
    const struct rtc_job job = {
        .source = source.bytes, .kernels = {"k"}, .options = {"-fbracket-depth=2000000"}};
    run(&job, QJIT_COMPILE_CRASHED, "SIGSEGV", "");
    qj_buf_finish(&source);
}

/* hipRTC 5.2 to 6.4 abort on an arch that they do not know; asked of comgr first, the worker survives. */
Test(outcomes, unknown_arch)
{
    static const char *const archs[] = {"gfx9999", "gfx1030:xnack+", "gfx90a:foo+"};
    rtc_init(&rtc, 1, LONG_MS, 4 * GIB);
    for (size_t i = 0; i < sizeof archs / sizeof *archs; i++) {
        const struct rtc_job job = {.arch = archs[i], .kernels = {"k"}};
        expect(&job, QJIT_ARCH_UNKNOWN, "gfx1030", "");
        cr_assert(strstr(qjit_error_detail(), "install a newer ROCm"), "%s", qjit_error_detail());
    }
    finish();
}

Test(outcomes, every_known_arch)
{
    char *archs, *rest = NULL;
    int n = 0;
    rtc_init(&rtc, 1, LONG_MS, 4 * GIB);
    cr_assert_eq(qj_pool_archs(rtc.pool, &archs), QJIT_OK, "%s", qjit_error_detail());
    for (char *arch = strtok_r(archs, "\n", &rest); arch; arch = strtok_r(NULL, "\n", &rest), n++) {
        if (strstr(arch, "generic")) {
            continue; /* listed from 6.4 on, without a device library */
        }
        const struct rtc_job job = {.arch = arch, .kernels = {"k"}};
        expect(&job, QJIT_OK, "", "");
    }
    cr_assert_geq(n, 20);
    free(archs);
    finish();
}

Test(outcomes, features_in_any_order)
{
    struct qj_compiled compiled;
    const struct rtc_job job = {.arch = "gfx90a:xnack-:sramecc+", .kernels = {"k"}};
    rtc_init(&rtc, 1, LONG_MS, 4 * GIB);
    cr_assert_eq(rtc_compile(&rtc, &compiled, &job), QJIT_OK, "%s", qjit_error_detail());
    qj_compiled_finish(&compiled);
    finish();
}

Test(outcomes, kernel_that_is_not_there)
{
    const struct rtc_job job = {.kernels = {"kk"}};
    run(&job, QJIT_OBJECT_REFUSED, "holds no kernel 'kk'", "");
}

Test(outcomes, name_expression_that_names_nothing)
{
    const struct rtc_job job = {.kernels = {"k", "t<float>"}};
    run(&job, QJIT_COMPILE_FAILED, "does not compile", "");
}

Test(outcomes, option_that_would_end_the_process)
{
    const struct rtc_job job = {.options = {"-mllvm", "-help"}, .kernels = {"k"}};
    run(&job, QJIT_INVALID_ARGUMENT, "option '-mllvm'", "");
}
