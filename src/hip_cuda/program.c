/* hiprtc*: programs. NVRTC's own program lives for the time of one compile; what came of it is kept here. */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hip_cuda/driver.h"
#include "hip_cuda/nvrtc.h"
#include "hip_cuda/options.h"

/* prelude.h as text, with a NUL behind it. */
extern const char qj_prelude[] __attribute__((visibility("hidden")));
__asm__(".section .rodata\n"
        ".global qj_prelude\n"
        ".hidden qj_prelude\n"
        "qj_prelude:\n"
        ".incbin \"" QJIT_HIP_CUDA_PRELUDE "\"\n"
        ".byte 0\n"
        ".previous\n");

/* Names under which programs ask for what hipRTC has built in. The first is also included before every
 * source; a program's own header of that name is AMD's, and gives way to ours. */
static const char *const prelude_names[] = {"hiprtc_runtime.h", "hip/hip_runtime.h", "hip/hip_fp16.h"};
enum { N_PRELUDE_NAMES = sizeof prelude_names / sizeof *prelude_names };

struct expression {
    char *text, *lowered; /* lowered: NULL until compiled */
};

struct program {
    char *source, *name, *log;
    int n_headers; /* the program's own */
    char **headers, **header_names;
    int n_expressions;
    struct expression *expressions;
    bool is_compiled;
    size_t n_code;
    char *code;
};

static struct program *of(hiprtcProgram program)
{
    return (struct program *)(void *)program;
}

const char *hiprtcGetErrorString(hiprtcResult result)
{
    static const char *const names[] = {
        "HIPRTC_SUCCESS",
        "HIPRTC_ERROR_OUT_OF_MEMORY",
        "HIPRTC_ERROR_PROGRAM_CREATION_FAILURE",
        "HIPRTC_ERROR_INVALID_INPUT",
        "HIPRTC_ERROR_INVALID_PROGRAM",
        "HIPRTC_ERROR_INVALID_OPTION",
        "HIPRTC_ERROR_COMPILATION",
        "HIPRTC_ERROR_BUILTIN_OPERATION_FAILURE",
        "HIPRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION",
        "HIPRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION",
        "HIPRTC_ERROR_NAME_EXPRESSION_NOT_VALID",
        "HIPRTC_ERROR_INTERNAL_ERROR",
    };
    return (unsigned)result < sizeof names / sizeof *names ? names[result] : "HIPRTC_ERROR_UNKNOWN";
}

/* hipRTC says 9.0 in every release. */
hiprtcResult hiprtcVersion(int *major, int *minor)
{
    if (major == NULL || minor == NULL) {
        return QJ_HIPRTC_ERROR_INVALID_INPUT;
    }
    *major = 9;
    *minor = 0;
    return QJ_HIPRTC_SUCCESS;
}

hiprtcResult hiprtcDestroyProgram(hiprtcProgram *program)
{
    if (program == NULL || *program == NULL) {
        return QJ_HIPRTC_ERROR_INVALID_PROGRAM;
    }
    struct program *p = of(*program);
    for (int i = 0; i < p->n_headers; i++) {
        free(p->headers[i]);
        free(p->header_names[i]);
    }
    for (int i = 0; i < p->n_expressions; i++) {
        free(p->expressions[i].text);
        free(p->expressions[i].lowered);
    }
    free(p->headers);
    free(p->header_names);
    free(p->expressions);
    free(p->source);
    free(p->name);
    free(p->log);
    free(p->code);
    free(p);
    *program = NULL;
    return QJ_HIPRTC_SUCCESS;
}

static bool copy_headers(struct program *p, int n, const char **headers, const char **names)
{
    p->headers = calloc((size_t)n + 1, sizeof *p->headers);
    p->header_names = calloc((size_t)n + 1, sizeof *p->header_names);
    if (p->headers == NULL || p->header_names == NULL) {
        return false;
    }
    for (int i = 0; i < n; i++) {
        if (strcmp(names[i], prelude_names[0]) == 0) {
            continue;
        }
        p->headers[p->n_headers] = strdup(headers[i]);
        p->header_names[p->n_headers] = strdup(names[i]);
        p->n_headers++;
        if (p->headers[p->n_headers - 1] == NULL || p->header_names[p->n_headers - 1] == NULL) {
            return false;
        }
    }
    return true;
}

static bool has_null(int n, const char **texts)
{
    for (int i = 0; i < n; i++) {
        if (texts == NULL || texts[i] == NULL) {
            return true;
        }
    }
    return false;
}

hiprtcResult hiprtcCreateProgram(hiprtcProgram *out, const char *source, const char *name, int n_headers,
                                 const char **headers, const char **include_names)
{
    if (out == NULL || source == NULL || source[0] == '\0' || n_headers < 0 || has_null(n_headers, headers) ||
        has_null(n_headers, include_names)) {
        return QJ_HIPRTC_ERROR_INVALID_INPUT;
    }
    struct program *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return QJ_HIPRTC_ERROR_OUT_OF_MEMORY;
    }
    p->source = strdup(source);
    p->name = strdup(name != NULL && name[0] != '\0' ? name : "source.hip");
    hiprtcProgram program = (hiprtcProgram)(void *)p;
    if (p->source == NULL || p->name == NULL || !copy_headers(p, n_headers, headers, include_names)) {
        hiprtcDestroyProgram(&program);
        return QJ_HIPRTC_ERROR_OUT_OF_MEMORY;
    }
    *out = program;
    return QJ_HIPRTC_SUCCESS;
}

hiprtcResult hiprtcAddNameExpression(hiprtcProgram program, const char *expression)
{
    struct program *p = of(program);
    if (p == NULL || expression == NULL) {
        return p == NULL ? QJ_HIPRTC_ERROR_INVALID_PROGRAM : QJ_HIPRTC_ERROR_INVALID_INPUT;
    }
    if (p->is_compiled) {
        return 8; /* HIPRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION */
    }
    struct expression *more = realloc(p->expressions, ((size_t)p->n_expressions + 1) * sizeof *more);
    if (more == NULL) {
        return QJ_HIPRTC_ERROR_OUT_OF_MEMORY;
    }
    p->expressions = more;
    more[p->n_expressions] = (struct expression){strdup(expression), NULL};
    if (more[p->n_expressions].text == NULL) {
        return QJ_HIPRTC_ERROR_OUT_OF_MEMORY;
    }
    p->n_expressions++;
    return QJ_HIPRTC_SUCCESS;
}

hiprtcResult hiprtcGetLoweredName(hiprtcProgram program, const char *expression, const char **out)
{
    const struct program *p = of(program);
    if (p == NULL || expression == NULL || out == NULL) {
        return p == NULL ? QJ_HIPRTC_ERROR_INVALID_PROGRAM : QJ_HIPRTC_ERROR_INVALID_INPUT;
    }
    if (!p->is_compiled) {
        return 9; /* HIPRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION */
    }
    for (int i = 0; i < p->n_expressions; i++) {
        if (strcmp(p->expressions[i].text, expression) == 0 && p->expressions[i].lowered != NULL) {
            *out = p->expressions[i].lowered;
            return QJ_HIPRTC_SUCCESS;
        }
    }
    return QJ_HIPRTC_ERROR_NAME_EXPRESSION_NOT_VALID;
}

/* ---- compiling ------------------------------------------------------------------------------ */

static void set_log(struct program *p, char *log)
{
    free(p->log);
    p->log = log;
}

static void take_log(struct program *p, const struct qj_nvrtc *nvrtc, nvrtcProgram compiled)
{
    size_t n = 0;
    if (nvrtc->nvrtcGetProgramLogSize(compiled, &n) != 0 || n <= 1) {
        return;
    }
    char *log = calloc(n + 1, 1);
    if (log != NULL && nvrtc->nvrtcGetProgramLog(compiled, log) == 0) {
        set_log(p, log);
    } else {
        free(log);
    }
}

static hiprtcResult take_code(struct program *p, const struct qj_nvrtc *nvrtc, nvrtcProgram compiled)
{
    hiprtcResult result = nvrtc->nvrtcGetCUBINSize(compiled, &p->n_code);
    free(p->code);
    p->code = result == 0 && p->n_code > 0 ? malloc(p->n_code) : NULL;
    if (p->code == NULL) {
        p->n_code = 0;
        return result == 0 ? QJ_HIPRTC_ERROR_INTERNAL : result;
    }
    result = nvrtc->nvrtcGetCUBIN(compiled, p->code);
    for (int i = 0; i < p->n_expressions && result == 0; i++) {
        const char *lowered = NULL;
        result = nvrtc->nvrtcGetLoweredName(compiled, p->expressions[i].text, &lowered);
        if (result == 0) {
            free(p->expressions[i].lowered);
            p->expressions[i].lowered = strdup(lowered);
        }
    }
    return result;
}

/* The program's headers, then ours, unless the program has one of the same name. */
static int gather_headers(const struct program *p, const char **headers, const char **names)
{
    int n = 0;
    for (; n < p->n_headers; n++) {
        headers[n] = p->headers[n];
        names[n] = p->header_names[n];
    }
    for (size_t i = 0; i < N_PRELUDE_NAMES; i++) {
        bool is_given = false;
        for (int k = 0; k < p->n_headers; k++) {
            is_given = is_given || strcmp(p->header_names[k], prelude_names[i]) == 0;
        }
        if (!is_given) {
            headers[n] = qj_prelude;
            names[n++] = prelude_names[i];
        }
    }
    return n;
}

static hiprtcResult compile(struct program *p, const struct qj_nvrtc *nvrtc,
                            const struct qj_nvrtc_options *options)
{
    nvrtcProgram compiled = NULL;
    size_t n_max = (size_t)p->n_headers + N_PRELUDE_NAMES;
    const char **headers = calloc(2 * n_max, sizeof *headers), **names = headers + n_max;
    if (headers == NULL) {
        return QJ_HIPRTC_ERROR_OUT_OF_MEMORY;
    }
    int n = gather_headers(p, headers, names);
    hiprtcResult result = nvrtc->nvrtcCreateProgram(&compiled, p->source, p->name, n, headers, names);
    for (int i = 0; i < p->n_expressions && result == 0; i++) {
        result = nvrtc->nvrtcAddNameExpression(compiled, p->expressions[i].text);
    }
    if (result == 0) {
        result = nvrtc->nvrtcCompileProgram(compiled, options->n, (const char *const *)options->items);
        take_log(p, nvrtc, compiled);
    }
    if (result == 0) {
        result = take_code(p, nvrtc, compiled);
    }
    if (compiled != NULL) {
        nvrtc->nvrtcDestroyProgram(&compiled);
    }
    free(headers);
    return result;
}

/* The arch of the thread's device, for programs that name none. */
static const char *own_arch(char *memory, size_t n)
{
    enum { MAJOR = 75, MINOR = 76 };
    int major = 0, minor = 0;
    CUdevice device;
    if (qj_cuda_open() != QJ_HIP_SUCCESS || qj_cuda.cuDeviceGet(&device, qj_cuda_device()) != 0 ||
        qj_cuda.cuDeviceGetAttribute(&major, MAJOR, device) != 0 ||
        qj_cuda.cuDeviceGetAttribute(&minor, MINOR, device) != 0) {
        return NULL;
    }
    snprintf(memory, n, "sm_%d%d", major, minor);
    return memory;
}

static bool names_arch(int n, const char **options)
{
    for (int i = 0; i < n; i++) {
        if (options[i] != NULL && strstr(options[i], "arch") != NULL && options[i][0] == '-') {
            return true;
        }
    }
    return false;
}

hiprtcResult hiprtcCompileProgram(hiprtcProgram program, int n_options, const char **options)
{
    /* Device functions need no annotation here as constexpr ones need none in HIP. */
    static const char *const always[] = {"--pre-include=hiprtc_runtime.h",
                                         "--device-as-default-execution-space", "--no-source-include"};
    struct program *p = of(program);
    if (p == NULL || n_options < 0 || (n_options > 0 && options == NULL)) {
        return p == NULL ? QJ_HIPRTC_ERROR_INVALID_PROGRAM : QJ_HIPRTC_ERROR_INVALID_INPUT;
    }
    const char *why;
    const struct qj_nvrtc *nvrtc = qj_nvrtc_open(&why);
    set_log(p, NULL);
    if (nvrtc == NULL) {
        set_log(p, strdup(why));
        return QJ_HIPRTC_ERROR_INTERNAL;
    }
    char arch[16];
    struct qj_nvrtc_options translated;
    hiprtcResult result = QJ_HIPRTC_ERROR_COMPILATION;
    if (qj_nvrtc_options_init(&translated, nvrtc, n_options, options,
                              names_arch(n_options, options) ? NULL : own_arch(arch, sizeof arch))) {
        for (size_t i = 0; i < sizeof always / sizeof *always; i++) {
            qj_nvrtc_options_add(&translated, always[i], "");
        }
        result = compile(p, nvrtc, &translated);
    } else {
        set_log(p, strdup(translated.error));
    }
    p->is_compiled = result == QJ_HIPRTC_SUCCESS;
    qj_nvrtc_options_finish(&translated);
    return result;
}

hiprtcResult hiprtcGetProgramLogSize(hiprtcProgram program, size_t *n)
{
    const struct program *p = of(program);
    if (p == NULL || n == NULL) {
        return p == NULL ? QJ_HIPRTC_ERROR_INVALID_PROGRAM : QJ_HIPRTC_ERROR_INVALID_INPUT;
    }
    *n = p->log == NULL ? 0 : strlen(p->log) + 1;
    return QJ_HIPRTC_SUCCESS;
}

hiprtcResult hiprtcGetProgramLog(hiprtcProgram program, char *log)
{
    const struct program *p = of(program);
    if (p == NULL || log == NULL) {
        return p == NULL ? QJ_HIPRTC_ERROR_INVALID_PROGRAM : QJ_HIPRTC_ERROR_INVALID_INPUT;
    }
    if (p->log != NULL) {
        memcpy(log, p->log, strlen(p->log) + 1);
    }
    return QJ_HIPRTC_SUCCESS;
}

hiprtcResult hiprtcGetCodeSize(hiprtcProgram program, size_t *n)
{
    const struct program *p = of(program);
    if (p == NULL || n == NULL) {
        return p == NULL ? QJ_HIPRTC_ERROR_INVALID_PROGRAM : QJ_HIPRTC_ERROR_INVALID_INPUT;
    }
    *n = p->n_code;
    return p->is_compiled ? QJ_HIPRTC_SUCCESS : QJ_HIPRTC_ERROR_INVALID_PROGRAM;
}

hiprtcResult hiprtcGetCode(hiprtcProgram program, char *code)
{
    const struct program *p = of(program);
    if (p == NULL || code == NULL) {
        return p == NULL ? QJ_HIPRTC_ERROR_INVALID_PROGRAM : QJ_HIPRTC_ERROR_INVALID_INPUT;
    }
    if (!p->is_compiled) {
        return QJ_HIPRTC_ERROR_INVALID_PROGRAM;
    }
    memcpy(code, p->code, p->n_code);
    return QJ_HIPRTC_SUCCESS;
}
