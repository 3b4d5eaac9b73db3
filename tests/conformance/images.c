/* Images that are no code objects for this device: hipModuleLoadData is given no length, and must not crash.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conformance/conformance.h"

enum { E_MACHINE = 18 }; /* offset in an ELF header */

static void null_and_text(struct conf *c)
{
    static const char text[4096] = "this is not a code object", zeros[4096];
    hipModule_t module = NULL;
    EXPECT(c, c->hip.hipModuleLoadData(&module, NULL), VALUE, BAD_IMAGE);
    EXPECT(c, c->hip.hipModuleLoadData(&module, text), VALUE, BAD_IMAGE);
    EXPECT(c, c->hip.hipModuleLoadData(&module, zeros), VALUE, BAD_IMAGE);
    EXPECT(c, c->hip.hipModuleLoadData(NULL, text), VALUE, BAD_IMAGE);
    conf_check(c, module == NULL, "no module was handed out");
}

/* The first n bytes of the object, with memory behind them that may not be read. */
static void load_cut(struct conf *c, const char *code, size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n_pages = (n + page - 1) / page + 1;
    char *memory = mmap(NULL, n_pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        conf_check(c, false, "memory for a cut image");
        return;
    }
    char *end = memory + (n_pages - 1) * page;
    memcpy(end - n, code, n);
    mprotect(end, page, PROT_NONE);
    hipModule_t module = NULL;
    hipError_t error = c->hip.hipModuleLoadData(&module, end - n);
    conf_check(c, error == VALUE || error == 200 || error == 209 || error == 218,
               "an object cut to %zu bytes is refused (%d)", n, error);
    munmap(memory, n_pages * page);
}

static void cut(struct conf *c)
{
    size_t n = 0;
    const char *code = conf_kernels_code(c, &n);
    if (code == NULL) {
        return;
    }
    const size_t cuts[] = {1, 4, 16, 40, 63, 64, 65, 128, n / 8, n / 4, n / 2, n - n / 4, n - 64, n - 1};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        load_cut(c, code, cuts[i]);
    }
    hipModule_t module = NULL;
    OK(c, c->hip.hipModuleLoadData(&module, code));
    OK(c, c->hip.hipModuleUnload(module));
}

/* The same cuts with zeros behind them, as a file that was not written to its end. */
static void cut_to_zeros(struct conf *c)
{
    size_t n = 0;
    const char *code = conf_kernels_code(c, &n);
    char *copy = code == NULL ? NULL : malloc(n + 4096);
    const size_t eighths[] = {0, 1, 2, 3, 4};
    for (size_t i = 0; copy != NULL && i < sizeof eighths / sizeof *eighths; i++) {
        size_t keep = eighths[i] == 0 ? 64 : n * eighths[i] / 8;
        memset(copy, 0, n + 4096);
        memcpy(copy, code, keep);
        hipModule_t module = NULL;
        hipError_t error = c->hip.hipModuleLoadData(&module, copy);
        conf_check(c, error != 0, "an object with zeros behind %zu bytes is refused (%d)", keep, error);
    }
    free(copy);
}

/* One field of the header at a time. */
static void wrong_header(struct conf *c)
{
    size_t n = 0;
    const char *code = conf_kernels_code(c, &n);
    char *copy = code == NULL ? NULL : malloc(n);
    static const struct {
        size_t at;
        unsigned char value;
        const char *what;
    } changes[] = {
        {0, 0x7e, "magic"},
        {4, 1, "class"},
        {5, 2, "byte order"},
        {E_MACHINE, 40, "machine"},
        {40 + 7, 0x7f, "section header offset"},
        {32 + 7, 0x7f, "program header offset"},
    };
    for (size_t i = 0; copy != NULL && i < sizeof changes / sizeof *changes; i++) {
        memcpy(copy, code, n);
        copy[changes[i].at] = (char)changes[i].value;
        hipModule_t module = NULL;
        hipError_t error = c->hip.hipModuleLoadData(&module, copy);
        conf_check(c, error == VALUE || error == 200 || error == 209 || error == 218,
                   "an object with another %s is refused (%d)", changes[i].what, error);
    }
    free(copy);
}

static void other_arch(struct conf *c)
{
    if (c->other_arch[0] == '\0') {
        conf_skip(c, "no arch is known that the device is not");
        return;
    }
    void *code = NULL;
    size_t n;
    char *log = NULL;
    hiprtcResult result = conf_compile(c, "extern \"C\" __global__ void k(int *out) { out[0] = 1; }",
                                       c->other_arch, NULL, 0, &code, &n, &log);
    hipModule_t module = NULL;
    if (conf_check(c, result == 0, "it compiles for '%s': %.300s", c->other_arch, log)) {
        EXPECT(c, c->hip.hipModuleLoadData(&module, code), BAD_IMAGE);
    }
    free(code);
    free(log);
}

/* A refused image leaves the library as it was. */
static void goes_on(struct conf *c)
{
    static const char zeros[4096];
    hipModule_t module = NULL;
    FAILS(c, c->hip.hipModuleLoadData(&module, zeros));
    size_t n;
    const void *code = conf_kernels_code(c, &n);
    if (code != NULL && OK(c, c->hip.hipModuleLoadData(&module, code))) {
        hipFunction_t fill = NULL;
        int *memory = conf_device_memory(c, 4), value = 3, count = 1, host = 0;
        OK(c, c->hip.hipModuleGetFunction(&fill, module, "fill"));
        OK(c, conf_launch(c, fill, 1, 1, 0, NULL, (void *[]){&memory, &value, &count}));
        OK(c, c->hip.hipMemcpy(&host, memory, 4, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
        conf_check(c, host == 3, "kernels of a good module run");
        OK(c, c->hip.hipModuleUnload(module));
        OK(c, c->hip.hipFree(memory));
    }
}

const struct conf_case conf_image_cases[] = {
    {"images", "null_and_text", CONF_DEVICE | CONF_ALONE, null_and_text},
    {"images", "cut", CONF_DEVICE | CONF_ALONE, cut},
    {"images", "cut_to_zeros", CONF_DEVICE | CONF_ALONE, cut_to_zeros},
    {"images", "wrong_header", CONF_DEVICE | CONF_ALONE, wrong_header},
    {"images", "other_arch", CONF_DEVICE | CONF_ALONE, other_arch},
    {"images", "goes_on", CONF_DEVICE, goes_on},
    {NULL, NULL, 0, NULL},
};
