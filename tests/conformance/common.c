/* Checks and what the cases share. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/conformance.h"

/* conf_kernels: the text of kernels.hip, with a NUL behind it. */
__asm__(".section .rodata\n"
        ".global conf_kernels\n"
        "conf_kernels:\n"
        ".incbin \"" QJIT_CONFORMANCE_KERNELS "\"\n"
        ".byte 0\n"
        ".previous\n");

static void print_json(const struct conf *c, const char *result, const char *text)
{
    printf("{\"case\":\"%s/%s\",\"result\":\"%s\",\"check\":\"", c->group, c->name, result);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\') {
            putchar('\\');
        }
        putchar((unsigned char)*at < ' ' ? ' ' : *at);
    }
    puts("\"}");
}

static void print_line(const struct conf *c, const char *result, const char *text)
{
    if (c->json) {
        print_json(c, result, text);
    } else {
        printf("%-4s %s/%s: %s\n", result, c->group, c->name, text);
    }
    fflush(stdout);
}

bool conf_check(struct conf *c, bool ok, const char *what, ...)
{
    char text[512];
    va_list args;
    va_start(args, what);
    vsnprintf(text, sizeof text, what, args);
    va_end(args);
    if (ok) {
        c->n_passed++;
    } else {
        c->n_failed++;
    }
    print_line(c, ok ? "pass" : "FAIL", text);
    return ok;
}

void conf_skip(struct conf *c, const char *reason, ...)
{
    char text[512];
    va_list args;
    va_start(args, reason);
    vsnprintf(text, sizeof text, reason, args);
    va_end(args);
    c->n_skipped++;
    print_line(c, "skip", text);
}

static const char *code_name(const struct conf *c, const char *call, int code)
{
    const char *name =
        strstr(call, "hiprtc") != NULL ? c->hip.hiprtcGetErrorString(code) : c->hip.hipGetErrorName(code);
    return name != NULL ? name : "?";
}

/* "c->hip.hipFree(x)" is written "hipFree(x)". */
static const char *short_call(const char *call)
{
    const char *at = strstr(call, "hip.");
    return at != NULL && at - call < 8 ? at + 4 : call;
}

bool conf_code(struct conf *c, const char *call, int got, const int *wanted, size_t n)
{
    bool ok = false;
    char list[96] = "";
    for (size_t i = 0; i < n; i++) {
        ok = ok || wanted[i] == got;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%d", i == 0 ? "" : " or ", wanted[i]);
    }
    if (ok) {
        return conf_check(c, true, "%s gives %d", short_call(call), got);
    }
    return conf_check(c, false, "%s gives %d (%s), not %s", short_call(call), got, code_name(c, call, got),
                      list);
}

bool conf_fails(struct conf *c, const char *call, int got)
{
    return conf_check(c, got != 0, "%s fails (%d, %s)", short_call(call), got, code_name(c, call, got));
}

static void read_log(struct conf *c, hiprtcProgram program, char **log)
{
    size_t n = 0;
    if (c->hip.hiprtcGetProgramLogSize(program, &n) != 0 || n == 0) {
        return;
    }
    char *text = calloc(n + 1, 1);
    if (text != NULL && c->hip.hiprtcGetProgramLog(program, text) == 0) {
        free(*log);
        *log = text;
    } else {
        free(text);
    }
}

static hiprtcResult read_code(struct conf *c, hiprtcProgram program, void **code, size_t *n_code)
{
    hiprtcResult result = c->hip.hiprtcGetCodeSize(program, n_code);
    if (result != 0) {
        return result;
    }
    *code = malloc(*n_code + 1);
    if (*code == NULL) {
        return QJ_HIPRTC_ERROR_OUT_OF_MEMORY;
    }
    result = c->hip.hiprtcGetCode(program, *code);
    if (result != 0) {
        free(*code);
        *code = NULL;
    }
    return result;
}

hiprtcResult conf_compile(struct conf *c, const char *source, const char *arch, const char *const *options,
                          int n_options, void **code, size_t *n_code, char **log)
{
    *code = NULL;
    *n_code = 0;
    *log = calloc(1, 1);
    hiprtcProgram program = NULL;
    hiprtcResult result = c->hip.hiprtcCreateProgram(&program, source, "conformance.hip", 0, NULL, NULL);
    if (result != 0) {
        return result;
    }
    char arch_option[160];
    snprintf(arch_option, sizeof arch_option, "--offload-arch=%s", arch);
    const char *all[16] = {arch_option};
    for (int i = 0; i < n_options && i < 15; i++) {
        all[i + 1] = options[i];
    }
    result = c->hip.hiprtcCompileProgram(program, n_options + 1, all);
    read_log(c, program, log);
    if (result == 0) {
        result = read_code(c, program, code, n_code);
    }
    c->hip.hiprtcDestroyProgram(&program);
    return result;
}

const void *conf_kernels_code(struct conf *c, size_t *n)
{
    static void *code;
    static size_t n_code;
    if (code == NULL) {
        char *log;
        hiprtcResult result = conf_compile(c, conf_kernels, c->arch, NULL, 0, &code, &n_code, &log);
        if (result != 0) {
            conf_check(c, false, "kernels.hip compiles for '%s' (%d): %.400s", c->arch, result, log);
        }
        free(log);
    }
    *n = n_code;
    return code;
}

hipModule_t conf_kernels_module(struct conf *c)
{
    size_t n;
    if (c->module == NULL) {
        const void *code = conf_kernels_code(c, &n);
        hipError_t error = code == NULL ? -1 : c->hip.hipModuleLoadData(&c->module, code);
        if (error != 0) {
            conf_check(c, false, "kernels.hip loads (%d)", error);
            c->module = NULL;
        }
    }
    return c->module;
}

hipFunction_t conf_function(struct conf *c, const char *name)
{
    hipFunction_t function = NULL;
    hipModule_t module = conf_kernels_module(c);
    if (module != NULL && c->hip.hipModuleGetFunction(&function, module, name) != 0) {
        conf_check(c, false, "kernel '%s' is found", name);
        function = NULL;
    }
    return function;
}

void *conf_device_memory(struct conf *c, size_t n)
{
    void *memory = NULL;
    hipError_t error = c->hip.hipMalloc(&memory, n);
    if (error == 0) {
        error = c->hip.hipMemset(memory, 0, n);
    }
    if (error == 0) {
        error = c->hip.hipDeviceSynchronize();
    }
    if (error != 0) {
        conf_check(c, false, "%zu bytes of device memory (%d)", n, error);
        return NULL;
    }
    return memory;
}

hipError_t conf_launch(struct conf *c, hipFunction_t function, unsigned grid, unsigned block,
                       unsigned lds_bytes, hipStream_t stream, void **params)
{
    return c->hip.hipModuleLaunchKernel(function, grid, 1, 1, block, 1, 1, lds_bytes, stream, params, NULL);
}
