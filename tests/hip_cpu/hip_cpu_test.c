#include "hip_cpu_test.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct library hip;

static char report_path[64];

void hip_open(const char *first, ...)
{
    va_list list;
    va_start(list, first);
    for (const char *it = first; it; it = va_arg(list, const char *))
        putenv(strdup(it));
    va_end(list);
    snprintf(report_path, sizeof report_path, "report-%ld", (long)getpid());
    setenv("QJIT_HIP_CPU_REPORT", report_path, 1);
    void *library = dlopen(HIP_CPU_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    cr_assert(library, "%s", dlerror());
    void *symbol;
#define LOAD(name)                                                                                           \
    symbol = dlsym(library, #name);                                                                          \
    cr_assert(symbol, "%s is not exported", #name);                                                          \
    memcpy(&hip.name, &symbol, sizeof symbol);
#define QJ_HIP_FUNCTION(need, ret, name, params) LOAD(name)
#include "hip/functions.def"
#undef QJ_HIP_FUNCTION
    LOAD(qjitCompilerFiles)
    LOAD(qjitArchs)
}

int hip_try_compile(void **out, size_t *n, char **log, const char *source, const char *const *options)
{
    int n_options = 0;
    while (options && options[n_options])
        n_options++;
    hiprtcProgram program = NULL;
    OK(hip.hiprtcCreateProgram(&program, source, "test.hip", 0, NULL, NULL));
    int result = hip.hiprtcCompileProgram(program, n_options, (const char **)options);
    size_t n_log = 0;
    OK(hip.hiprtcGetProgramLogSize(program, &n_log));
    *log = calloc(1, n_log + 1);
    OK(hip.hiprtcGetProgramLog(program, *log));
    *out = NULL;
    if (result == 0) {
        OK(hip.hiprtcGetCodeSize(program, n));
        *out = malloc(*n);
        OK(hip.hiprtcGetCode(program, *out));
    }
    OK(hip.hiprtcDestroyProgram(&program));
    return result;
}

void *hip_compile(const char *source, size_t *n)
{
    void *out = NULL;
    char *log = NULL;
    int result = hip_try_compile(&out, n, &log, source, NULL);
    cr_assert_eq(result, 0, "%d: %s", result, log);
    free(log);
    return out;
}

hipModule_t hip_load(const char *source)
{
    size_t n = 0;
    void *object = hip_compile(source, &n);
    hipModule_t module = NULL;
    OK(hip.hipModuleLoadData(&module, object));
    free(object);
    return module;
}

hipFunction_t hip_function(hipModule_t module, const char *name)
{
    hipFunction_t function = NULL;
    int error = hip.hipModuleGetFunction(&function, module, name);
    cr_assert_eq(error, 0, "%s: %d", name, error);
    return function;
}

void *hip_upload(const void *from, size_t n)
{
    void *memory = NULL;
    OK(hip.hipMalloc(&memory, n));
    if (from)
        OK(hip.hipMemcpy(memory, from, n, QJ_HIP_MEMCPY_HOST_TO_DEVICE));
    return memory;
}

void hip_download(void *to, const void *from, size_t n)
{
    OK(hip.hipMemcpy(to, from, n, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
}

int hip_run(hipFunction_t function, unsigned grid, unsigned block, unsigned lds_bytes, void **params)
{
    int error = hip.hipModuleLaunchKernel(function, grid, 1, 1, block, 1, 1, lds_bytes, NULL, params, NULL);
    return error ? error : hip.hipDeviceSynchronize();
}

const char *hip_report(void)
{
    static char text[4096];
    FILE *file = fopen(report_path, "r");
    size_t n = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[n] = 0;
    if (file)
        fclose(file);
    return text;
}
