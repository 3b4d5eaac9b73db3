/* Modules: functions and globals by name, two of one name, unloading. */
#include <stdlib.h>
#include <string.h>

#include "conformance/conformance.h"

static void find(struct conf *c)
{
    hipModule_t module = conf_kernels_module(c);
    hipFunction_t function = NULL;
    if (module == NULL) {
        return;
    }
    OK(c, c->hip.hipModuleGetFunction(&function, module, "fill"));
    conf_check(c, function != NULL, "a function is not NULL");
    EXPECT(c, c->hip.hipModuleGetFunction(&function, module, "no_such_kernel"), QJ_HIP_ERROR_NOT_FOUND);
    EXPECT(c, c->hip.hipModuleGetFunction(&function, module, "fil"), QJ_HIP_ERROR_NOT_FOUND);
    EXPECT(c, c->hip.hipModuleGetFunction(&function, module, "table"), QJ_HIP_ERROR_NOT_FOUND);
    EXPECT(c, c->hip.hipModuleGetFunction(&function, module, ""), VALUE, QJ_HIP_ERROR_NOT_FOUND);
    EXPECT(c, c->hip.hipModuleGetFunction(&function, module, NULL), VALUE);
    EXPECT(c, c->hip.hipModuleGetFunction(NULL, module, "fill"), VALUE);
    EXPECT(c, c->hip.hipModuleGetFunction(&function, NULL, "fill"), BAD_MODULE);
}

static void global(struct conf *c)
{
    hipModule_t module = conf_kernels_module(c);
    hipDeviceptr_t at = NULL;
    size_t n = 0;
    if (module == NULL) {
        return;
    }
    int host[4] = {0};
    OK(c, c->hip.hipModuleGetGlobal(&at, &n, module, "table"));
    conf_check(c, at != NULL && n == 16, "table has %zu bytes", n);
    OK(c, c->hip.hipMemcpy(host, at, 16, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
    conf_check(c, host[0] % 10 == 1 && host[3] % 10 == 4, "it holds its initial values");
    EXPECT(c, c->hip.hipModuleGetGlobal(&at, &n, module, "no_such_global"), QJ_HIP_ERROR_NOT_FOUND);
    EXPECT(c, c->hip.hipModuleGetGlobal(&at, &n, module, NULL), VALUE);
    EXPECT(c, c->hip.hipModuleGetGlobal(&at, &n, NULL, "table"), BAD_MODULE);
    EXPECT(c, c->hip.hipModuleGetGlobal(NULL, NULL, module, "table"), VALUE);
}

/* Kernels and the host share globals, and each module has its own. */
static void globals_are_apart(struct conf *c)
{
    size_t n_code;
    const void *code = conf_kernels_code(c, &n_code);
    float *out = conf_device_memory(c, 16), host[4] = {0};
    hipModule_t modules[2] = {NULL, NULL};
    hipFunction_t read[2] = {NULL, NULL};
    for (int i = 0; code != NULL && i < 2; i++) {
        OK(c, c->hip.hipModuleLoadData(&modules[i], code));
        OK(c, c->hip.hipModuleGetFunction(&read[i], modules[i], "read_globals"));
    }
    if (read[1] == NULL) {
        return;
    }
    const int order[3] = {0, 0, 1};
    const float wanted[3] = {0.5f, 5.5f, 0.5f};
    for (int i = 0; i < 3; i++) {
        OK(c, conf_launch(c, read[order[i]], 1, 4, 0, NULL, (void *[]){&out}));
        OK(c, c->hip.hipMemcpy(host, out, 16, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
        conf_check(c, host[0] == wanted[i] && host[1] == (i == 1 ? 24.0f : 4.0f), "launch %d reads %g", i + 1,
                   (double)host[0]);
    }
    OK(c, c->hip.hipModuleUnload(modules[0]));
    OK(c, c->hip.hipModuleUnload(modules[1]));
    OK(c, c->hip.hipFree(out));
}

static hipModule_t load_source(struct conf *c, const char *source)
{
    void *code = NULL;
    size_t n;
    char *log = NULL;
    hipModule_t module = NULL;
    hiprtcResult result = conf_compile(c, source, c->arch, NULL, 0, &code, &n, &log);
    if (conf_check(c, result == 0, "it compiles: %.300s", log)) {
        OK(c, c->hip.hipModuleLoadData(&module, code));
    }
    free(log);
    free(code); /* HIP's own libraries may want it as long as the module: docs/conformance.md */
    return module;
}

/* Two modules whose kernels have the same names do not see each other. */
static void same_names(struct conf *c)
{
    hipModule_t one = load_source(c, "extern \"C\" __global__ void answer(int *out) { out[0] = 1; }");
    hipModule_t two = load_source(c, "extern \"C\" __global__ void answer(int *out) { out[0] = 2; }");
    hipFunction_t first = NULL, second = NULL;
    int *memory = conf_device_memory(c, 4), host = 0;
    if (one == NULL || two == NULL) {
        return;
    }
    OK(c, c->hip.hipModuleGetFunction(&second, two, "answer"));
    OK(c, c->hip.hipModuleGetFunction(&first, one, "answer"));
    OK(c, conf_launch(c, first, 1, 1, 0, NULL, (void *[]){&memory}));
    OK(c, c->hip.hipMemcpy(&host, memory, 4, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
    conf_check(c, host == 1, "the first module's kernel ran");
    OK(c, c->hip.hipModuleUnload(one));
    OK(c, conf_launch(c, second, 1, 1, 0, NULL, (void *[]){&memory}));
    OK(c, c->hip.hipMemcpy(&host, memory, 4, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
    conf_check(c, host == 2, "the second's does, after the first was unloaded");
    OK(c, c->hip.hipModuleUnload(two));
    OK(c, c->hip.hipFree(memory));
}

static void unload(struct conf *c)
{
    EXPECT(c, c->hip.hipModuleUnload(NULL), BAD_MODULE);
    hipModule_t module = load_source(c, "extern \"C\" __global__ void empty() {}");
    hipFunction_t function = NULL;
    hipDeviceptr_t at = NULL;
    size_t n = 0;
    OK(c, c->hip.hipModuleUnload(module));
    EXPECT(c, c->hip.hipModuleUnload(module), BAD_MODULE);
    EXPECT(c, c->hip.hipModuleGetFunction(&function, module, "empty"), BAD_MODULE);
    EXPECT(c, c->hip.hipModuleGetGlobal(&at, &n, module, "empty"), BAD_MODULE);
    hipModule_t never = calloc(1, 4096);
    EXPECT(c, c->hip.hipModuleUnload(never), BAD_MODULE);
    EXPECT(c, c->hip.hipModuleGetFunction(&function, never, "empty"), BAD_MODULE);
    free(never);
}

/* Loading and unloading does not eat memory. */
static void again_and_again(struct conf *c)
{
    size_t n_code, before = 0, after = 0, total;
    const void *code = conf_kernels_code(c, &n_code);
    bool all = code != NULL;
    for (int i = 0; all && i < 120; i++) {
        if (i == 20) {
            c->hip.hipMemGetInfo(&before, &total);
        }
        hipModule_t module = NULL;
        hipFunction_t function = NULL;
        all = c->hip.hipModuleLoadData(&module, code) == 0 &&
              c->hip.hipModuleGetFunction(&function, module, "fill") == 0 &&
              c->hip.hipModuleUnload(module) == 0;
    }
    conf_check(c, all, "120 times loaded and unloaded");
    c->hip.hipMemGetInfo(&after, &total);
    conf_check(c, after + ((size_t)8 << 20) >= before, "free memory went from %zu to %zu", before, after);
}

/* An image may lie at any address. */
static void unaligned_image(struct conf *c)
{
    size_t n_code;
    const void *code = conf_kernels_code(c, &n_code);
    char *copy = code == NULL ? NULL : malloc(n_code + 16);
    hipModule_t module = NULL;
    if (copy == NULL) {
        return;
    }
    memcpy(copy + 1, code, n_code);
    if (OK(c, c->hip.hipModuleLoadData(&module, copy + 1))) {
        OK(c, c->hip.hipModuleUnload(module));
    }
    free(copy);
}

const struct conf_case conf_module_cases[] = {
    {"modules", "find", CONF_DEVICE, find},
    {"modules", "global", CONF_DEVICE, global},
    {"modules", "globals_are_apart", CONF_DEVICE, globals_are_apart},
    {"modules", "same_names", CONF_DEVICE, same_names},
    {"modules", "unload", CONF_DEVICE | CONF_ALONE, unload},
    {"modules", "again_and_again", CONF_DEVICE, again_and_again},
    {"modules", "unaligned_image", CONF_DEVICE | CONF_ALONE, unaligned_image},
    {NULL, NULL, 0, NULL},
};
