#include "objects.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/* hipRTC's calls, as in hip/hiprtc.h. */
struct rtc {
    int (*create)(void **program, const char *source, const char *name, int n_headers, const char **headers,
                  const char **names);
    int (*compile)(void *program, int n_options, const char **options);
    int (*code_size)(void *program, size_t *n_bytes);
    int (*code)(void *program, char *bytes);
    int (*destroy)(void **program);
};

static int load(struct rtc *rtc)
{
    static const char *const names[] = {"libhiprtc.so.7",   "libhiprtc.so.6",   "libhiprtc.so.5",
                                        "libamdhip64.so.6", "libamdhip64.so.5", "libamdhip64.so"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (library && dlsym(library, "hiprtcCreateProgram")) {
            *(void **)&rtc->create = dlsym(library, "hiprtcCreateProgram");
            *(void **)&rtc->compile = dlsym(library, "hiprtcCompileProgram");
            *(void **)&rtc->code_size = dlsym(library, "hiprtcGetCodeSize");
            *(void **)&rtc->code = dlsym(library, "hiprtcGetCode");
            *(void **)&rtc->destroy = dlsym(library, "hiprtcDestroyProgram");
            return rtc->compile && rtc->code_size && rtc->code && rtc->destroy ? 0 : -1;
        }
    }
    return -1;
}

/* n kernels, no two alike: different formulas over different math functions, so that the object is no
 * repetition that any compressor would fold. */
static void write_source(struct qj_buf *out, int n)
{
    static const char *const calls[] = {"sinf", "expf", "tanf", "erff", "lgammaf", "powf", "log1pf", "cbrtf"};
    static const char *const types[] = {"float", "int", "short", "unsigned"};
    for (int i = 0; i < n; i++) {
        qj_buf_printf(out,
                      "extern \"C\" __global__ void kernel_%d(float *y, const %s *x, int n) {\n"
                      "  int i = blockIdx.x * %d + threadIdx.x * %d;\n  float sum = %d.5f;\n"
                      "  for (int k = 0; k < n; k += %d) { float v = (float)x[i * %d + k];\n",
                      i, types[i % 4], 64 << (i % 3), 1 + i % 5, i, 1 + i % 7, 3 + 2 * i);
        for (int k = 0; k < 1 + i % 3; k++) {
            const char *call = calls[(i + 3 * k) % 8];
            qj_buf_printf(out, "    sum = sum * %d.25f + %s(v%s);\n", k + i, call,
                          strcmp(call, "powf") == 0 ? ", sum" : " + sum");
        }
        qj_buf_printf(out, "  }\n  y[i] = sum;\n}\n");
    }
}

static int compile(const struct rtc *rtc, struct bench_object *out, int n_kernels)
{
    struct qj_buf source = {0};
    write_source(&source, n_kernels);
    const char *options[] = {"--gpu-architecture=gfx1030"};
    void *program = NULL;
    int failed = source.failed || rtc->create(&program, source.bytes, "bench.hip", 0, NULL, NULL) ||
                 rtc->compile(program, 1, options) || rtc->code_size(program, &out->n_bytes) ||
                 !(out->bytes = malloc(out->n_bytes)) || rtc->code(program, out->bytes);
    if (program) {
        (void)rtc->destroy(&program);
    }
    qj_buf_finish(&source);
    return failed ? -1 : 0;
}

int bench_objects(struct bench_object out[BENCH_OBJECTS])
{
    static const struct {
        const char *name;
        int n_kernels;
    } plan[BENCH_OBJECTS] = {{"4K", 1}, {"64K", 26}, {"350K", 143}};
    struct rtc rtc;
    if (load(&rtc) != 0) {
        (void)fprintf(stderr, "no hipRTC here: install libamdhip64-5 to make code objects to measure with\n");
        return -1;
    }
    for (int i = 0; i < BENCH_OBJECTS; i++) {
        out[i] = (struct bench_object){.name = plan[i].name};
        if (compile(&rtc, &out[i], plan[i].n_kernels) != 0) {
            (void)fprintf(stderr, "hipRTC cannot compile the '%s' object\n", plan[i].name);
            return -1;
        }
    }
    return 0;
}
