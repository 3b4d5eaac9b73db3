/* The run-time compiler: programs, options, logs, headers, name expressions. Needs no device, but an arch. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/conformance.h"

static const char empty_kernel[] = "extern \"C\" __global__ void k(int *out) { out[0] = 1; }\n";

static bool needs_arch(struct conf *c)
{
    if (c->arch[0] == '\0') {
        conf_skip(c, "there is no device, and --arch names no arch");
    }
    return c->arch[0] != '\0';
}

static void versions(struct conf *c)
{
    int major = -1, minor = -1;
    OK(c, c->hip.hiprtcVersion(&major, &minor));
    conf_check(c, major > 0 && minor >= 0, "version %d.%d", major, minor);
    EXPECT(c, c->hip.hiprtcVersion(NULL, &minor), QJ_HIPRTC_ERROR_INVALID_INPUT);
    EXPECT(c, c->hip.hiprtcVersion(&major, NULL), QJ_HIPRTC_ERROR_INVALID_INPUT);
    const char *text = c->hip.hiprtcGetErrorString(QJ_HIPRTC_ERROR_COMPILATION);
    conf_check(c, text != NULL && strcmp(text, "HIPRTC_ERROR_COMPILATION") == 0, "6 is called %s",
               text == NULL ? "nothing" : text);
}

static void compile(struct conf *c)
{
    void *code = NULL, *again = NULL;
    size_t n = 0, n_again = 0;
    char *log = NULL;
    if (!needs_arch(c)) {
        return;
    }
    hiprtcResult result = conf_compile(c, conf_kernels, c->arch, NULL, 0, &code, &n, &log);
    conf_check(c, result == 0 && n > 64, "kernels.hip compiles to %zu bytes: %.300s", n, log);
    conf_check(c, code != NULL && memcmp(code, "\177ELF", 4) == 0, "the code object is ELF");
    free(log);
    result = conf_compile(c, conf_kernels, c->arch, NULL, 0, &again, &n_again, &log);
    conf_check(c, result == 0 && n == n_again && memcmp(code, again, n) == 0,
               "the same source gives the same bytes");
    free(log);
    free(code);
    free(again);
}

static void broken_source(struct conf *c)
{
    void *code = NULL;
    size_t n = 0;
    char *log = NULL;
    if (!needs_arch(c)) {
        return;
    }
    hiprtcResult result = conf_compile(c, "extern \"C\" __global__ void k() {\n    no_such_thing = 1;\n}\n",
                                       c->arch, NULL, 0, &code, &n, &log);
    conf_check(c, result == QJ_HIPRTC_ERROR_COMPILATION, "a broken source gives %d", result);
    conf_check(c, strstr(log, "no_such_thing") != NULL, "the log names the mistake");
    conf_check(c, strchr(log, '2') != NULL, "the log names the line");
    conf_check(c, code == NULL, "there is no code");
    free(log);
}

static void unknown_arch(struct conf *c)
{
    static const char *const archs[] = {"nonsense", "gfx9999", "sm_1", "", "sm_90; rm", "gfx"};
    for (size_t i = 0; i < sizeof archs / sizeof *archs; i++) {
        void *code = NULL;
        size_t n = 0;
        char *log = NULL;
        hiprtcResult result = conf_compile(c, empty_kernel, archs[i], NULL, 0, &code, &n, &log);
        conf_check(c, result == QJ_HIPRTC_ERROR_COMPILATION || result == QJ_HIPRTC_ERROR_INVALID_OPTION,
                   "arch '%s' is refused with %d", archs[i], result);
        free(log);
        free(code);
    }
}

static void options(struct conf *c)
{
    static const char source[] = "#if !defined(N) || N != 3\n#error N is not 3\n#endif\n"
                                 "extern \"C\" __global__ void k(int *out) { out[0] = N; }\n";
    static const char *const sets[][3] = {
        {"-DN=3", "-O3", "-std=c++17"},  {"-DN=3", "-O0", "-std=c++14"},  {"-D", "N=3", "--std=c++17"},
        {"-DN=3", "-DEMPTY", "-UOTHER"}, {"-DN=3", "-ffast-math", "-O2"},
    };
    if (!needs_arch(c)) {
        return;
    }
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        void *code = NULL;
        size_t n = 0;
        char *log = NULL;
        hiprtcResult result = conf_compile(c, source, c->arch, sets[i], 3, &code, &n, &log);
        conf_check(c, result == 0, "options %s %s %s: %d %.300s", sets[i][0], sets[i][1], sets[i][2], result,
                   log);
        free(log);
        free(code);
    }
    void *code = NULL;
    size_t n = 0;
    char *log = NULL;
    const char *const bad[1] = {"--no-such-option=1"};
    hiprtcResult result = conf_compile(c, empty_kernel, c->arch, bad, 1, &code, &n, &log);
    conf_check(c, result == QJ_HIPRTC_ERROR_COMPILATION || result == QJ_HIPRTC_ERROR_INVALID_OPTION,
               "an unknown option is refused with %d", result);
    free(log);
    free(code);
}

/* Creates, compiles with the arch alone and hands out the program. */
static hiprtcProgram program_of(struct conf *c, const char *source, int n_headers, const char **headers,
                                const char **names, const char *expression, hiprtcResult *result)
{
    hiprtcProgram program = NULL;
    char arch[160];
    snprintf(arch, sizeof arch, "--offload-arch=%s", c->arch);
    const char *arguments[1] = {arch};
    *result = c->hip.hiprtcCreateProgram(&program, source, "program.hip", n_headers, headers, names);
    if (*result == 0 && expression != NULL) {
        *result = c->hip.hiprtcAddNameExpression(program, expression);
    }
    if (*result == 0) {
        *result = c->hip.hiprtcCompileProgram(program, 1, arguments);
    }
    return program;
}

static void headers(struct conf *c)
{
    const char *texts[2] = {"#include \"dir/two.h\"\n#define ONE 1\n", "#define TWO 2\n"};
    const char *names[2] = {"one.h", "dir/two.h"};
    hiprtcResult result;
    if (!needs_arch(c)) {
        return;
    }
    hiprtcProgram program = program_of(
        c, "#include \"one.h\"\nextern \"C\" __global__ void k(int *out) { out[0] = ONE + TWO; }\n", 2, texts,
        names, NULL, &result);
    conf_check(c, result == 0, "headers of the program are found (%d)", result);
    OK(c, c->hip.hiprtcDestroyProgram(&program));
    program = program_of(c, "#include \"none.h\"\n", 0, NULL, NULL, NULL, &result);
    conf_check(c, result == QJ_HIPRTC_ERROR_COMPILATION, "a header that is not there gives %d", result);
    OK(c, c->hip.hiprtcDestroyProgram(&program));
}

static void name_expressions(struct conf *c)
{
    hiprtcResult result;
    const char *lowered = NULL;
    if (!needs_arch(c)) {
        return;
    }
    hiprtcProgram program = program_of(c, conf_kernels, 0, NULL, NULL, "scale<float, 2>", &result);
    conf_check(c, result == 0, "a template's instance compiles (%d)", result);
    if (result == 0 && OK(c, c->hip.hiprtcGetLoweredName(program, "scale<float, 2>", &lowered))) {
        conf_check(c, lowered != NULL && lowered[0] != '\0', "its symbol is '%s'", lowered);
    }
    EXPECT(c, c->hip.hiprtcGetLoweredName(program, "scale<float, 99>", &lowered),
           QJ_HIPRTC_ERROR_NAME_EXPRESSION_NOT_VALID, QJ_HIPRTC_ERROR_INVALID_INPUT);
    EXPECT(c, c->hip.hiprtcGetLoweredName(program, "scale<float, 2>", NULL), QJ_HIPRTC_ERROR_INVALID_INPUT);
    EXPECT(c, c->hip.hiprtcAddNameExpression(program, NULL), QJ_HIPRTC_ERROR_INVALID_INPUT);
    OK(c, c->hip.hiprtcDestroyProgram(&program));
}

/* The instance that was asked for runs. */
static void name_expression_runs(struct conf *c)
{
    hiprtcResult result;
    const char *lowered = NULL;
    size_t n = 0;
    hiprtcProgram program = program_of(c, conf_kernels, 0, NULL, NULL, "scale<int, 7>", &result);
    if (!conf_check(c, result == 0, "scale<int, 7> compiles (%d)", result) ||
        !OK(c, c->hip.hiprtcGetLoweredName(program, "scale<int, 7>", &lowered)) ||
        !OK(c, c->hip.hiprtcGetCodeSize(program, &n))) {
        return;
    }
    char *code = malloc(n);
    OK(c, c->hip.hiprtcGetCode(program, code));
    hipModule_t module = NULL;
    hipFunction_t scale = NULL;
    int *memory = conf_device_memory(c, 8), host[2] = {6, 5};
    OK(c, c->hip.hipModuleLoadData(&module, code));
    OK(c, c->hip.hipModuleGetFunction(&scale, module, lowered));
    OK(c, c->hip.hipMemcpy(memory, host, 8, QJ_HIP_MEMCPY_HOST_TO_DEVICE));
    OK(c, conf_launch(c, scale, 1, 2, 0, NULL, (void *[]){&memory}));
    OK(c, c->hip.hipMemcpy(host, memory, 8, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
    conf_check(c, host[0] == 42 && host[1] == 35, "it multiplies by 7: %d, %d", host[0], host[1]);
    OK(c, c->hip.hiprtcDestroyProgram(&program));
    OK(c, c->hip.hipModuleUnload(module));
    OK(c, c->hip.hipFree(memory));
    free(code);
}

static void wrong(struct conf *c)
{
    hiprtcProgram program = NULL;
    size_t n = 0;
    EXPECT(c, c->hip.hiprtcCreateProgram(NULL, empty_kernel, NULL, 0, NULL, NULL),
           QJ_HIPRTC_ERROR_INVALID_INPUT, QJ_HIPRTC_ERROR_INVALID_PROGRAM);
    EXPECT(c, c->hip.hiprtcCreateProgram(&program, empty_kernel, NULL, -1, NULL, NULL),
           QJ_HIPRTC_ERROR_INVALID_INPUT);
    EXPECT(c, c->hip.hiprtcCreateProgram(&program, empty_kernel, NULL, 1, NULL, NULL),
           QJ_HIPRTC_ERROR_INVALID_INPUT);
    EXPECT(c, c->hip.hiprtcCompileProgram(NULL, 0, NULL), QJ_HIPRTC_ERROR_INVALID_PROGRAM,
           QJ_HIPRTC_ERROR_INVALID_INPUT);
    EXPECT(c, c->hip.hiprtcGetCodeSize(NULL, &n), QJ_HIPRTC_ERROR_INVALID_PROGRAM,
           QJ_HIPRTC_ERROR_INVALID_INPUT);
    EXPECT(c, c->hip.hiprtcGetProgramLogSize(NULL, &n), QJ_HIPRTC_ERROR_INVALID_PROGRAM,
           QJ_HIPRTC_ERROR_INVALID_INPUT);
    EXPECT(c, c->hip.hiprtcDestroyProgram(NULL), QJ_HIPRTC_ERROR_INVALID_PROGRAM,
           QJ_HIPRTC_ERROR_INVALID_INPUT);
    OK(c, c->hip.hiprtcCreateProgram(&program, empty_kernel, NULL, 0, NULL, NULL));
    EXPECT(c, c->hip.hiprtcGetCodeSize(program, NULL), QJ_HIPRTC_ERROR_INVALID_INPUT);
    EXPECT(c, c->hip.hiprtcGetCode(program, NULL), QJ_HIPRTC_ERROR_INVALID_INPUT);
    EXPECT(c, c->hip.hiprtcGetProgramLog(program, NULL), QJ_HIPRTC_ERROR_INVALID_INPUT);
    EXPECT(c, c->hip.hiprtcCompileProgram(program, -1, NULL), QJ_HIPRTC_ERROR_INVALID_INPUT);
    n = 0;
    hiprtcResult result = c->hip.hiprtcGetCodeSize(program, &n);
    conf_check(c, result != 0 || n == 0, "before compiling there is no code (%d, %zu bytes)", result, n);
    OK(c, c->hip.hiprtcDestroyProgram(&program));
}

struct compile_thread {
    struct conf *c;
    int i, result;
    size_t n;
};

static void *compile_one(void *payload)
{
    struct compile_thread *job = payload;
    char source[256];
    snprintf(source, sizeof source, "extern \"C\" __global__ void k(int *out) { out[0] = %d; }\n", job->i);
    void *code = NULL;
    char *log = NULL;
    job->result = conf_compile(job->c, source, job->c->arch, NULL, 0, &code, &job->n, &log);
    free(code);
    free(log);
    return NULL;
}

/* Two threads at once: HIP before 5.7 cannot, so it has a process of its own. */
static void threads(struct conf *c)
{
    enum { N_THREADS = 2 };
    struct compile_thread jobs[N_THREADS];
    pthread_t threads_of[N_THREADS];
    if (!needs_arch(c)) {
        return;
    }
    for (int i = 0; i < N_THREADS; i++) {
        jobs[i] = (struct compile_thread){c, i, -1, 0};
        if (pthread_create(&threads_of[i], NULL, compile_one, &jobs[i]) != 0) {
            conf_check(c, false, "a thread starts");
            return;
        }
    }
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(threads_of[i], NULL);
        conf_check(c, jobs[i].result == 0 && jobs[i].n > 0, "thread %d compiles", i);
    }
}

const struct conf_case conf_compiler_cases[] = {
    {"compiler", "versions", CONF_ANY, versions},
    {"compiler", "compile", CONF_ANY, compile},
    {"compiler", "broken_source", CONF_ANY, broken_source},
    {"compiler", "unknown_arch", CONF_ALONE, unknown_arch},
    {"compiler", "options", CONF_ANY, options},
    {"compiler", "headers", CONF_ANY, headers},
    {"compiler", "name_expressions", CONF_ANY, name_expressions},
    {"compiler", "name_expression_runs", CONF_DEVICE, name_expression_runs},
    {"compiler", "wrong", CONF_ALONE, wrong},
    {"compiler", "threads", CONF_ALONE, threads},
    {NULL, NULL, 0, NULL},
};
