/* qjit_dialect LIBRARY [--rtc LIBRARY] [--only TEXT] [--arch ARCH]: options, sources, and what the cases
 * share. With
 * --arch and no device, the sources are only compiled. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dialect.h"

#define TEXT_OF(symbol, path)                                                                                \
    __asm__(".section .rodata\n"                                                                             \
            ".global " #symbol "\n" #symbol ":\n"                                                            \
            ".incbin \"" path "\"\n"                                                                         \
            ".byte 0\n"                                                                                      \
            ".previous\n")
TEXT_OF(dialect_lanes, QJIT_DIALECT_DIR "/lanes.hip");
TEXT_OF(dialect_reduce, QJIT_DIALECT_DIR "/reduce.hip");
TEXT_OF(dialect_lds, QJIT_DIALECT_DIR "/lds.hip");
TEXT_OF(dialect_convert, QJIT_DIALECT_DIR "/convert.hip");
TEXT_OF(dialect_dot, QJIT_DIALECT_DIR "/dot.hip");
TEXT_OF(dialect_atomics, QJIT_DIALECT_DIR "/atomics.hip");
TEXT_OF(header_runtime, QJIT_KERNEL_INCLUDE "/runtime.h");
TEXT_OF(header_dialect, QJIT_KERNEL_INCLUDE "/dialect.h");
TEXT_OF(header_fp16, QJIT_KERNEL_INCLUDE "/fp16.h");
TEXT_OF(header_reduce, QJIT_KERNEL_INCLUDE "/reduce.h");
extern const char header_runtime[], header_dialect[], header_fp16[], header_reduce[];

enum { ATTRIBUTE_WARP_SIZE = 87, N_SOURCES = 6 };

static struct source {
    const char *text, *name;
    hipModule_t module;
    bool is_tried;
} sources[N_SOURCES] = {
    {dialect_lanes, "lanes.hip", NULL, false}, {dialect_reduce, "reduce.hip", NULL, false},
    {dialect_lds, "lds.hip", NULL, false},     {dialect_convert, "convert.hip", NULL, false},
    {dialect_dot, "dot.hip", NULL, false},     {dialect_atomics, "atomics.hip", NULL, false},
};

int dialect_wave(struct conf *c)
{
    int wave = 0;
    c->hip.hipDeviceGetAttribute(&wave, ATTRIBUTE_WARP_SIZE, 0);
    return wave;
}

/* The code object, malloc'ed; NULL after a failed check. */
static char *compile(struct conf *c, const struct source *source)
{
    const char *headers[] = {header_runtime, header_dialect, header_fp16, header_reduce};
    const char *names[] = {"hiprtc_runtime.h", "dialect.h", "fp16.h", "reduce.h"};
    char arch[160], *code = NULL;
    snprintf(arch, sizeof arch, "--offload-arch=%s", c->arch);
    const char *options[] = {arch, "-O3", "-std=c++17"};
    hiprtcProgram program = NULL;
    size_t n = 0;
    hiprtcResult result = c->hip.hiprtcCreateProgram(&program, source->text, source->name, 4, headers, names);
    if (result == 0) {
        result = c->hip.hiprtcCompileProgram(program, 3, options);
        if (result == 0 && c->hip.hiprtcGetCodeSize(program, &n) == 0 && (code = malloc(n)) != NULL) {
            result = c->hip.hiprtcGetCode(program, code);
        } else if (c->hip.hiprtcGetProgramLogSize(program, &n) == 0 && n > 0) {
            char *log = calloc(n + 1, 1);
            c->hip.hiprtcGetProgramLog(program, log);
            fprintf(stderr, "%s\n", log);
            free(log);
        }
        c->hip.hiprtcDestroyProgram(&program);
    }
    conf_check(c, result == 0 && code != NULL, "%s compiles for '%s'", source->name, c->arch);
    return code;
}

static hipModule_t module_of(struct conf *c, const char *text)
{
    struct source *source = sources;
    while (source->text != text) {
        source++;
    }
    if (!source->is_tried) {
        source->is_tried = true;
        char *code = compile(c, source);
        if (code != NULL && c->hip.hipModuleLoadData(&source->module, code) != 0) {
            conf_check(c, false, "%s loads", source->name);
            source->module = NULL;
        }
        /* The image stays: some of HIP's libraries want it as long as the module. */
    }
    return source->module;
}

hipFunction_t dialect_function(struct conf *c, const char *source, const char *name)
{
    hipFunction_t function = NULL;
    hipModule_t module = module_of(c, source);
    if (module == NULL || c->hip.hipModuleGetFunction(&function, module, name) != 0) {
        conf_check(c, false, "there is a kernel '%s'", name);
        return NULL;
    }
    return function;
}

void *dialect_upload(struct conf *c, const void *bytes, size_t n)
{
    void *memory = conf_device_memory(c, n);
    if (memory != NULL && c->hip.hipMemcpy(memory, bytes, n, QJ_HIP_MEMCPY_HOST_TO_DEVICE) != 0) {
        conf_check(c, false, "%zu bytes are uploaded", n);
    }
    return memory;
}

bool dialect_download(struct conf *c, void *out, void *memory, size_t n)
{
    hipError_t error = c->hip.hipDeviceSynchronize();
    if (error == 0) {
        error = c->hip.hipMemcpy(out, memory, n, QJ_HIP_MEMCPY_DEVICE_TO_HOST);
    }
    c->hip.hipFree(memory);
    return error == 0 || conf_check(c, false, "%zu bytes are downloaded (%d)", n, error);
}

void dialect_count(struct conf *c, const char *what, size_t n_right, size_t n, size_t bad)
{
    if (n_right == n) {
        conf_check(c, true, "%s: all %zu", what, n);
    } else {
        conf_check(c, false, "%s: %zu of %zu are right; the first wrong one is %zu", what, n_right, n, bad);
    }
}

uint32_t dialect_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void run_cases(struct conf *c, const char *only)
{
    const struct conf_case *const all[] = {dialect_lanes_cases, dialect_reduce_cases,
                                           dialect_lds_cases,   dialect_convert_cases,
                                           dialect_dot_cases,   dialect_atomics_cases};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        for (const struct conf_case *one = all[i]; one->run != NULL; one++) {
            char full[128];
            snprintf(full, sizeof full, "%s/%s", one->group, one->name);
            c->group = one->group;
            c->name = one->name;
            if (only == NULL || strstr(full, only) != NULL) {
                one->run(c);
            }
        }
    }
}

static void compile_only(struct conf *c)
{
    c->group = "dialect";
    c->name = "compile";
    for (int i = 0; i < N_SOURCES; i++) {
        free(compile(c, &sources[i]));
    }
    conf_skip(c, "there is no device: the sources were compiled and not run");
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"rtc", required_argument, NULL, 'r'},
        {"only", required_argument, NULL, 'o'},
        {"arch", required_argument, NULL, 'a'},
        {NULL, 0, NULL, 0},
    };
    const char *rtc = NULL, *only = NULL, *arch = NULL;
    static struct conf c;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        rtc = option == 'r' ? optarg : rtc;
        only = option == 'o' ? optarg : only;
        arch = option == 'a' ? optarg : arch;
        optind = option == '?' ? argc : optind;
    }
    if (optind + 1 != argc) {
        fputs("usage: qjit_dialect LIBRARY [--rtc LIBRARY] [--only TEXT] [--arch ARCH]\n", stderr);
        return 2;
    }
    if (!conf_open(&c, argv[optind], rtc, arch, NULL) || c.arch[0] == '\0') {
        fputs("qjit_dialect: no usable library, or neither a device nor --arch\n", stderr);
        return 2;
    }
    if (c.n_devices > 0) {
        run_cases(&c, only);
    } else {
        compile_only(&c);
    }
    printf("%u passed, %u failed, %u skipped\n", c.n_passed, c.n_failed, c.n_skipped);
    fflush(stdout);
    _exit(c.n_failed == 0 && c.n_passed > 0 ? 0 : 1);
}
