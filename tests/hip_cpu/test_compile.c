/* The run-time compiler: options, headers, names, logs. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hip_cpu_test.h"

static int try_options(char **log, const char *source, const char *const *options)
{
    void *object = NULL;
    size_t n = 0;
    int result = hip_try_compile(&object, &n, log, source, options);
    free(object);
    return result;
}

#define OPTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})

Test(hip_cpu_compile, log_of_an_error)
{
    hip_open(NULL, NULL);
    char *log = NULL;
    cr_assert_eq(try_options(&log, "extern \"C\" __global__ void k()\n{ undeclared = 1; }\n", NULL),
                 QJ_HIPRTC_ERROR_COMPILATION);
    cr_assert(strstr(log, "test.hip:2:3: error: "), "%s", log);
    cr_assert_not(strstr(log, "/tmp/"), "%s", log);
}

Test(hip_cpu_compile, options)
{
    hip_open(NULL, NULL);
    char *log = NULL;
    const char *source =
        "static_assert(A == 3 && B == 1 && warpSize == 64, \"\");\nextern \"C\" __global__ void k() {}\n";
    OK(try_options(&log, source,
                   OPTIONS("--offload-arch=cpu-x86_64-w64", "-DA=3", "-D", "B", "-O3", "-std=c++14",
                           "-mcumode", "-mllvm", "-amdgpu-x=1", "--gpu-max-threads-per-block=256",
                           "-nogpulib")));
    cr_assert_eq(try_options(&log, source, OPTIONS("--offload-arch=gfx1030")), QJ_HIPRTC_ERROR_COMPILATION);
    cr_assert(strstr(log, "unknown arch 'gfx1030'") && strstr(log, "cpu-x86_64-w32"), "%s", log);
    for (int i = 0; i < 6; i++) {
        const char *bad[] = {"-fplugin=x.so", "@file", "-o", "-save-temps", "-include/etc/passwd", "-Wl,-x"};
        cr_assert_eq(try_options(&log, source, OPTIONS(bad[i])), QJ_HIPRTC_ERROR_INVALID_OPTION, "%s",
                     bad[i]);
        cr_assert(strstr(log, bad[i]), "%s", log);
    }
}

/* No compiler: a line that says what to install. */
Test(hip_cpu_compile, clang_missing)
{
    hip_open("QJIT_HIP_CPU_CLANG=/nonexistent/clang++", NULL);
    char *log = NULL;
    cr_assert_eq(try_options(&log, "extern \"C\" __global__ void k() {}", NULL), QJ_HIPRTC_ERROR_COMPILATION);
    cr_assert(strstr(log, "QJIT_HIP_CPU_CLANG") && strstr(log, "/nonexistent/clang++"), "%s", log);
}

static int with_header(const char *name, const char *text, const char *source)
{
    hiprtcProgram program = NULL;
    OK(hip.hiprtcCreateProgram(&program, source, "../odd name", 1, &text, &name));
    int result = hip.hiprtcCompileProgram(program, 0, NULL);
    OK(hip.hiprtcDestroyProgram(&program));
    return result;
}

Test(hip_cpu_compile, headers)
{
    hip_open(NULL, NULL);
    const char *use = "#include \"sub/a.h\"\nextern \"C\" __global__ void k(int *p) { *p = A; }";
    OK(with_header("sub/a.h", "#define A 1\n", use));
    cr_assert_eq(with_header("../a.h", "#define A 1\n", use), QJ_HIPRTC_ERROR_COMPILATION);
    cr_assert_eq(with_header("/tmp/a.h", "#define A 1\n", use), QJ_HIPRTC_ERROR_COMPILATION);
    /* AMD's run-time header is not read: the prelude stands in its place */
    OK(with_header(
        "hiprtc_runtime.h", "#error read\n",
        "#include <hiprtc_runtime.h>\nextern \"C\" __global__ void k(int *p) { *p = threadIdx.x; }"));
    /* what the process's environment and the machine's include folders hold is not seen */
    cr_assert_neq(with_header("a.h", "", "#include <stdio.h>\nextern \"C\" __global__ void k() {}"), 0);
}

static hipModule_t compile_names(const char *source, const char *const *expressions, const char **lowered,
                                 int n)
{
    static hiprtcProgram program; /* its lowered names are used while the test runs */
    OK(hip.hiprtcCreateProgram(&program, source, "names.hip", 0, NULL, NULL));
    for (int i = 0; i < n; i++)
        OK(hip.hiprtcAddNameExpression(program, expressions[i]));
    OK(hip.hiprtcAddNameExpression(program, expressions[0])); /* twice is once */
    cr_assert_neq(hip.hiprtcGetLoweredName(program, expressions[0], &lowered[0]), 0);
    OK(hip.hiprtcCompileProgram(program, 0, NULL));
    for (int i = 0; i < n; i++)
        OK(hip.hiprtcGetLoweredName(program, expressions[i], &lowered[i]));
    const char *none = NULL;
    cr_assert_eq(hip.hiprtcGetLoweredName(program, "other", &none),
                 QJ_HIPRTC_ERROR_NAME_EXPRESSION_NOT_VALID);
    cr_assert_neq(hip.hiprtcAddNameExpression(program, "late"), 0);
    size_t code_bytes = 0;
    OK(hip.hiprtcGetCodeSize(program, &code_bytes));
    void *code = malloc(code_bytes);
    OK(hip.hiprtcGetCode(program, code));
    hipModule_t module = NULL;
    OK(hip.hipModuleLoadData(&module, code));
    free(code);
    return module;
}

/* Templates exist through name expressions; the symbols are those of the C++ ABI, as in hipRTC. */
Test(hip_cpu_compile, name_expressions)
{
    hip_open(NULL, NULL);
    const char *source =
        "template <class T, int N> __global__ void __launch_bounds__(N) tk(T *p) { __shared__ T s[N];\n"
        "s[threadIdx.x] = (T)threadIdx.x; __syncthreads(); p[threadIdx.x] = s[N - 1 - threadIdx.x]; }\n"
        "namespace n { __global__ void plain(float *p) { *p = 9; } __device__ int value = 4; }\n"
        "extern \"C\" __global__ void c(float *p) { *p = 8; }\n";
    const char *const expressions[] = {"tk<float, 4>", "tk<int,8>", "n::plain", "&n::value", "c"};
    const char *lowered[5] = {NULL};
    hipModule_t module = compile_names(source, expressions, lowered, 5);
    const char *const expected[] = {"_Z2tkIfLi4EEvPT_", "_Z2tkIiLi8EEvPT_", "_ZN1n5plainEPf", "_ZN1n5valueE",
                                    "c"};
    for (int i = 0; i < 5; i++)
        cr_assert_str_eq(lowered[i], expected[i]);
    float got[4];
    void *out = hip_upload(NULL, sizeof got);
    OK(hip_run(hip_function(module, lowered[0]), 1, 4, 0, PARAMS(&out)));
    hip_download(got, out, sizeof got);
    cr_assert_float_eq(got[0], 3.0f, 0);
    OK(hip_run(hip_function(module, lowered[2]), 1, 1, 0, PARAMS(&out)));
    hip_download(got, out, sizeof got);
    cr_assert_float_eq(got[0], 9.0f, 0);
    hipDeviceptr_t at = NULL;
    size_t n = 0;
    OK(hip.hipModuleGetGlobal(&at, &n, module, lowered[3]));
    cr_assert_eq(n, sizeof(int));
}

/* Kernels that macros make, in namespaces, declared before, with bounds on either side. */
Test(hip_cpu_compile, kernels_are_found)
{
    hip_open(NULL, NULL);
    hipModule_t module =
        hip_load("#define MAKE(name, v) extern \"C\" __global__ void made_##name(int *p) { *p = v; }\n"
                 "MAKE(a, 1) MAKE(b, 2)\n"
                 "extern \"C\" { __global__ void early(int *p); __global__ __launch_bounds__(64, 2) void "
                 "bound(int *p)\n"
                 "{ *p = 3; } __launch_bounds__(4 * 8) __global__ void before(int *p) { *p = 4; } }\n"
                 "namespace a::b { namespace { inline namespace c { struct S { int x; }; } } }\n"
                 "extern \"C\" __global__ void early(int *p) { const char *s = \"qj_global } {\"; *p = 5 + "
                 "(s[0] == '}'); }\n"
                 "static __global__ void internal(const int (*f)[4], int *p) { *p = 6; }\n");
    static const struct {
        const char *name;
        int value, bound;
    } kernels[] = {
        {"made_a", 1, 1024}, {"made_b", 2, 1024}, {"bound", 3, 64}, {"before", 4, 32}, {"early", 5, 1024}};
    void *out = hip_upload(NULL, sizeof(int));
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        int got = 0, bound = 0;
        hipFunction_t function = hip_function(module, kernels[i].name);
        OK(hip_run(function, 1, 1, 0, PARAMS(&out)));
        hip_download(&got, out, sizeof got);
        cr_assert_eq(got, kernels[i].value);
        OK(hip.hipFuncGetAttribute(&bound, 0, function));
        cr_assert_eq(bound, kernels[i].bound);
        if (bound < 1024)
            cr_assert_eq(hip_run(function, 1, (unsigned)bound + 1, 0, PARAMS(&out)),
                         QJ_HIP_ERROR_INVALID_CONFIGURATION);
    }
}

/* The same input gives the same bytes, in another process and directory too. */
Test(hip_cpu_compile, is_deterministic)
{
    hip_open(NULL, NULL);
    const char *source = "extern \"C\" __global__ void k(float *p) { extern __shared__ float s[]; "
                         "s[threadIdx.x] = 1; *p = s[0]; }";
    size_t n = 0, n_again = 0;
    void *object = hip_compile(source, &n);
    OK(setenv("CPATH", "/usr/include", 1));
    void *again = hip_compile(source, &n_again);
    cr_assert_eq(n, n_again);
    cr_assert_arr_eq(object, again, n);
}

/* Nothing is left in the temporary directory, whatever came of the compile. */
Test(hip_cpu_compile, leaves_nothing_behind)
{
    char folder[] = "left-XXXXXX", setting[256];
    cr_assert(mkdtemp(folder));
    char here[128];
    cr_assert(getcwd(here, sizeof here));
    snprintf(setting, sizeof setting, "TMPDIR=%s/%s", here, folder);
    hip_open(setting, NULL);
    char *log = NULL;
    OK(try_options(&log, "extern \"C\" __global__ void k() {}", NULL));
    cr_assert_neq(try_options(&log, "nonsense", NULL), 0);
    DIR *left = opendir(folder);
    int n = 0;
    while (readdir(left))
        n++;
    closedir(left);
    cr_assert_eq(n, 2, "%d entries", n);
}

Test(hip_cpu_compile, what_identifies_it)
{
    hip_open(NULL, NULL);
    const char *files[8], *archs[8];
    int n_files = hip.qjitCompilerFiles(files, 8), n_archs = hip.qjitArchs(archs, 8);
    cr_assert_geq(n_files, 2);
    cr_assert(strstr(files[0], "libqjit_hip_cpu"), "%s", files[0]);
    cr_assert(strstr(files[1], "clang"), "%s", files[1]);
    for (int i = 0; i < n_files; i++)
        OK(access(files[i], R_OK));
    cr_assert_eq(n_archs, 4);
    cr_assert_str_eq(archs[0], "cpu-x86_64-w32");
    cr_assert_eq(hip.qjitArchs(archs, 1), 1);
    for (int i = 0; i < n_files; i++)
        printf("%s\n", files[i]);
}
