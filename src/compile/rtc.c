#include "compile/rtc.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/status.h"
#include "compile/wire.h"

qjit_status qj_rtc_open(struct qj_rtc *out, const struct qj_hip_where *where)
{
    *out = (struct qj_rtc){.comgr = {.library = NULL}};
    qjit_status status = qj_hip_open_rtc(&out->hip, where);
    return status || !where->comgr ? status : qj_comgr_open(&out->comgr, where->comgr);
}

void qj_rtc_archs(const struct qj_rtc *rtc, struct qj_buf *out)
{
    enum { MAX = 256 };
    if (rtc->comgr.library) {
        qj_comgr_archs(&rtc->comgr, out, "\n");
        return;
    }
    /* Optional in HIP libraries of our own: fills in up to max names and returns how many there are. */
    int (*archs)(const char **names, int max);
    void *symbol = dlsym(rtc->hip.library, "qjitArchs");
    memcpy(&archs, &symbol, sizeof archs);
    const char *names[MAX];
    int n = archs ? archs(names, MAX) : 0;
    for (int i = 0; i < n && i < MAX; i++) {
        qj_buf_printf(out, "%s%s", i ? "\n" : "", names[i]);
    }
}

/* What a job has brought so far. */
struct result {
    qjit_status status;
    const char *detail; /* constant text */
    struct qj_buf log, kernels;
    void *object;
    size_t n_bytes;
};

static void fail(struct result *result, qjit_status status, const char *detail)
{
    result->status = status;
    result->detail = detail ? detail : "hipRTC failed and gave no reason";
}

static bool called_before(const struct qj_job *job, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (strcmp(job->kernels[k], job->kernels[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The same expression twice is a redefinition to hipRTC. */
static bool add_names(const struct qj_hip *hip, hiprtcProgram program, const struct qj_job *job,
                      struct result *result)
{
    for (size_t i = 0; i < job->n_kernels; i++) {
        if (qj_plan_is_symbol(job->kernels[i]) || called_before(job, i)) {
            continue;
        }
        hiprtcResult code = hip->hiprtcAddNameExpression(program, job->kernels[i]);
        if (code != QJ_HIPRTC_SUCCESS) {
            fail(result, QJIT_COMPILE_FAILED, hip->hiprtcGetErrorString(code));
            return false;
        }
    }
    return true;
}

static void get_log(const struct qj_hip *hip, hiprtcProgram program, struct result *result)
{
    size_t n = 0;
    if (hip->hiprtcGetProgramLogSize(program, &n) != QJ_HIPRTC_SUCCESS || n <= 1) {
        return;
    }
    char *log = calloc(1, n + 1);
    if (log && hip->hiprtcGetProgramLog(program, log) == QJ_HIPRTC_SUCCESS) {
        size_t length = strlen(log); /* n counts a NUL, or several */
        bool cut = length > QJ_WIRE_LOG_MAX - 64;
        qj_buf_append(&result->log, log, cut ? QJ_WIRE_LOG_MAX - 64 : length);
        qj_buf_puts(&result->log, cut ? "\n(the rest of the log is left out)\n" : "");
    }
    free(log);
}

static void get_kernels(const struct qj_hip *hip, hiprtcProgram program, const struct qj_job *job,
                        struct result *result)
{
    for (size_t i = 0; i < job->n_kernels; i++) {
        const char *name = job->kernels[i];
        if (!qj_plan_is_symbol(name) &&
            hip->hiprtcGetLoweredName(program, job->kernels[i], &name) != QJ_HIPRTC_SUCCESS) {
            fail(result, QJIT_COMPILE_FAILED, "a name expression names no kernel of this source");
            return;
        }
        qj_buf_puts(&result->kernels, i ? " " : "");
        qj_buf_puts(&result->kernels, name);
    }
}

static void get_object(const struct qj_hip *hip, hiprtcProgram program, struct result *result)
{
    size_t n = 0;
    if (hip->hiprtcGetCodeSize(program, &n) != QJ_HIPRTC_SUCCESS || n == 0) {
        fail(result, QJIT_COMPILE_FAILED, "hipRTC reported success and gave no code");
        return;
    }
    if (n > QJ_WIRE_OBJECT_MAX) {
        fail(result, QJIT_COMPILE_FAILED, "the code object is larger than 256 MiB");
        return;
    }
    result->object = malloc(n);
    if (!result->object) {
        fail(result, QJIT_COMPILE_NO_MEMORY, "");
    } else if (hip->hiprtcGetCode(program, result->object) != QJ_HIPRTC_SUCCESS) {
        fail(result, QJIT_COMPILE_FAILED, "hipRTC reported success and did not hand out the code");
    } else {
        result->n_bytes = n;
    }
}

static void compile(const struct qj_hip *hip, const struct qj_job *job, struct result *result)
{
    hiprtcProgram program;
    hiprtcResult code = hip->hiprtcCreateProgram(&program, job->source, QJ_MESSAGE_SOURCE_NAME,
                                                 (int)job->n_headers, job->header_texts, job->header_names);
    if (code != QJ_HIPRTC_SUCCESS) {
        fail(result, QJIT_COMPILE_FAILED, hip->hiprtcGetErrorString(code));
        return;
    }
    if (add_names(hip, program, job, result)) {
        code = hip->hiprtcCompileProgram(program, (int)job->n_options, job->options);
        get_log(hip, program, result);
        if (code == QJ_HIPRTC_ERROR_OUT_OF_MEMORY) {
            fail(result, QJIT_COMPILE_NO_MEMORY, "");
        } else if (code != QJ_HIPRTC_SUCCESS) {
            fail(result, QJIT_COMPILE_FAILED, hip->hiprtcGetErrorString(code));
        } else {
            get_kernels(hip, program, job, result);
        }
        if (!result->status) {
            get_object(hip, program, result);
        }
    }
    (void)hip->hiprtcDestroyProgram(&program);
}

void qj_rtc_compile(const struct qj_rtc *rtc, struct qj_buf *out, const struct qj_job *job)
{
    struct result result = {.status = QJIT_OK, .detail = ""};
    uint64_t start = qj_clock_us();
    if (rtc->comgr.library && !qj_comgr_knows(&rtc->comgr, job->arch)) {
        fail(&result, QJIT_ARCH_UNKNOWN, "");
        qj_comgr_archs(&rtc->comgr, &result.kernels, " ");
    } else {
        compile(&rtc->hip, job, &result);
    }
    if (result.log.failed || result.kernels.failed) {
        fail(&result, QJIT_COMPILE_NO_MEMORY, "");
    }
    const struct qj_answer answer = {.status = result.status,
                                     .detail = result.detail,
                                     .log = qj_buf_text(&result.log),
                                     .kernels = qj_buf_text(&result.kernels),
                                     .object = result.object,
                                     .n_bytes = result.status ? 0 : result.n_bytes,
                                     .compile_us = (uint32_t)(qj_clock_us() - start)};
    qj_message_put_answer(out, &answer);
    free(result.object);
    qj_buf_finish(&result.log);
    qj_buf_finish(&result.kernels);
}
