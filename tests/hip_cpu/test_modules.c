/* Objects: what is loaded, what is refused, by which code. */
#include <criterion/criterion.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hip_cpu_test.h"

static const char KERNEL[] = "extern \"C\" __global__ void k(int *p) { *p = VALUE; }\n";

static int load(const void *bytes)
{
    hipModule_t module = NULL;
    int error = hip.hipModuleLoadData(&module, bytes);
    if (error == 0)
        OK(hip.hipModuleUnload(module));
    return error;
}

static void *compile_value(int value, size_t *n)
{
    char source[256];
    snprintf(source, sizeof source, "#define VALUE %d\n%s", value, KERNEL);
    return hip_compile(source, n);
}

/* Cut anywhere, with nothing readable behind: an error, and no read beyond. */
Test(hip_cpu_modules, truncated)
{
    hip_open(NULL, NULL);
    size_t n = 0, page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *object = compile_value(1, &n);
    size_t room = (n / page + 2) * page;
    unsigned char *place = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char *end = place + room - page;
    OK(mprotect(end, page, PROT_NONE));
    for (size_t kept = 0; kept < n; kept += kept < 64 ? 1 : 997) {
        memcpy(end - kept, object, kept);
        cr_assert_eq(load(end - kept), QJ_HIP_ERROR_INVALID_IMAGE, "%zu of %zu bytes", kept, n);
    }
    memcpy(end - n, object, n);
    OK(load(end - n));
}

/* One flipped byte anywhere is seen. */
Test(hip_cpu_modules, damaged)
{
    hip_open(NULL, NULL);
    size_t n = 0;
    unsigned char *object = compile_value(1, &n);
    for (size_t at = 0; at < n; at += at < 64 ? 1 : 331) {
        object[at] ^= 0x40;
        int error = load(object);
        cr_assert(error == QJ_HIP_ERROR_INVALID_IMAGE || error == QJ_HIP_ERROR_NO_BINARY_FOR_GPU,
                  "byte %zu: %d", at, error);
        object[at] ^= 0x40;
    }
    OK(load(object));
}

Test(hip_cpu_modules, foreign)
{
    hip_open(NULL, NULL);
    char text[4096] = "this is no object";
    cr_assert_eq(load(text), QJ_HIP_ERROR_INVALID_IMAGE);
    cr_assert_eq(load(NULL), QJ_HIP_ERROR_INVALID_VALUE);
    Elf64_Ehdr *header = (Elf64_Ehdr *)text;
    memset(text, 0, sizeof text);
    memcpy(header->e_ident, ELFMAG, SELFMAG);
    header->e_ident[EI_CLASS] = ELFCLASS64;
    header->e_ident[EI_DATA] = ELFDATA2LSB;
    header->e_machine = 224; /* AMDGPU */
    header->e_shoff = sizeof *header;
    cr_assert_eq(load(text), QJ_HIP_ERROR_NO_BINARY_FOR_GPU);
    header->e_shoff = ~0ull;
    cr_assert_eq(load(text), QJ_HIP_ERROR_INVALID_IMAGE);
}

/* An object for waves of 64 on a device of 32. */
Test(hip_cpu_modules, wrong_arch)
{
    hip_open("QJIT_HIP_CPU_WAVE=32", NULL);
    const char *const options[] = {"--offload-arch=cpu-x86_64-w64", "-DVALUE=1", NULL};
    void *object = NULL;
    char *log = NULL;
    size_t n = 0;
    OK(hip_try_compile(&object, &n, &log, KERNEL, options));
    cr_assert_eq(load(object), QJ_HIP_ERROR_NO_BINARY_FOR_GPU);
}

/* The same names many times over, loaded, run and unloaded in every order. */
Test(hip_cpu_modules, same_names)
{
    hip_open(NULL, NULL);
    hipModule_t modules[6];
    void *objects[3], *out = hip_upload(NULL, sizeof(int));
    for (int i = 0; i < 3; i++) {
        size_t n = 0;
        objects[i] = compile_value(i + 10, &n);
    }
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 6; i++)
            OK(hip.hipModuleLoadData(&modules[i], objects[(i + round) % 3]));
        for (int i = 0; i < 6; i++) {
            int got = 0, which = (i * 5 + round) % 6;
            OK(hip_run(hip_function(modules[which], "k"), 1, 1, 0, PARAMS(&out)));
            hip_download(&got, out, sizeof got);
            cr_assert_eq(got, (which + round) % 3 + 10);
            OK(hip.hipModuleUnload(modules[which]));
        }
    }
}

/* The bytes are the caller's again after loading, and a handle is nothing after unloading. */
Test(hip_cpu_modules, handles)
{
    hip_open(NULL, NULL);
    size_t n = 0;
    void *object = compile_value(7, &n);
    hipModule_t module = NULL;
    OK(hip.hipModuleLoadData(&module, object));
    memset(object, 0, n);
    hipFunction_t k = hip_function(module, "k"), absent = NULL;
    void *out = hip_upload(NULL, sizeof(int));
    OK(hip_run(k, 1, 1, 0, PARAMS(&out)));
    cr_assert_eq(hip.hipModuleGetFunction(&absent, module, "absent"), QJ_HIP_ERROR_NOT_FOUND);
    cr_assert_eq(hip.hipModuleGetFunction(&absent, module, NULL), QJ_HIP_ERROR_INVALID_VALUE);
    OK(hip.hipModuleUnload(module));
    cr_assert_eq(hip.hipModuleUnload(module), QJ_HIP_ERROR_INVALID_HANDLE);
    cr_assert_eq(hip.hipModuleGetFunction(&absent, module, "k"), QJ_HIP_ERROR_INVALID_HANDLE);
    cr_assert_eq(hip_run(k, 1, 1, 0, PARAMS(&out)), QJ_HIP_ERROR_INVALID_HANDLE);
}

Test(hip_cpu_modules, devices)
{
    hip_open("QJIT_HIP_CPU_DEVICES=2", "QJIT_HIP_CPU_WAVE=64", "QJIT_HIP_CPU_MEMORY=16777216", NULL);
    int count = 0, wave = 0, now = -1;
    OK(hip.hipGetDeviceCount(&count));
    cr_assert_eq(count, 2);
    OK(hip.hipDeviceGetAttribute(&wave, 87, 1));
    cr_assert_eq(wave, 64);
    char properties[4096];
    OK(hip.hipGetDevicePropertiesR0600(properties, 1));
    cr_assert_str_eq(properties + 1160, "cpu-x86_64-w64");
    OK(hip.hipGetDeviceProperties(properties, 1));
    cr_assert_str_eq(properties + 396, "cpu-x86_64-w64");
    cr_assert_eq(hip.hipSetDevice(2), QJ_HIP_ERROR_INVALID_DEVICE);
    OK(hip.hipSetDevice(1));
    OK(hip.hipGetDevice(&now));
    cr_assert_eq(now, 1);
    size_t free_bytes = 0, total = 0;
    void *memory = NULL;
    OK(hip.hipMalloc(&memory, 1 << 20));
    OK(hip.hipMemGetInfo(&free_bytes, &total));
    cr_assert(total == 16 << 20 && free_bytes == 15 << 20);
    cr_assert_eq(hip.hipMalloc(&memory, (15 << 20) + 1), QJ_HIP_ERROR_OUT_OF_MEMORY);
    OK(hip.hipSetDevice(0));
    OK(hip.hipMemGetInfo(&free_bytes, &total));
    cr_assert_eq(free_bytes, total);
}

Test(hip_cpu_modules, no_device)
{
    hip_open("QJIT_HIP_CPU_DEVICES=0", NULL);
    int count = -1;
    cr_assert_eq(hip.hipGetDeviceCount(&count), QJ_HIP_ERROR_NO_DEVICE);
    cr_assert_eq(count, 0);
    size_t n = 0;
    void *object = compile_value(1, &n); /* compiling needs none */
    cr_assert_eq(load(object), QJ_HIP_ERROR_NO_DEVICE);
}

Test(hip_cpu_modules, failures_on_demand)
{
    hip_open("QJIT_HIP_CPU_FAIL=hipMalloc:3,hipModuleLoadData:1:hipErrorInvalidImage,hiprtcCompileProgram:2:"
             "6,hipFree:0:1",
             NULL);
    size_t n = 0;
    void *memory = NULL, *object = compile_value(1, &n);
    char *log = NULL;
    cr_assert_eq(load(object), QJ_HIP_ERROR_INVALID_IMAGE);
    OK(load(object));
    cr_assert_eq(hip_try_compile(&memory, &n, &log, KERNEL, NULL), QJ_HIPRTC_ERROR_COMPILATION);
    for (int i = 1; i < 5; i++)
        cr_assert_eq(hip.hipMalloc(&memory, 8), i == 3 ? QJ_HIP_ERROR_OUT_OF_MEMORY : 0);
    cr_assert_eq(hip.hipFree(memory), 1);
    cr_assert_eq(hip.hipFree(memory), 1);
}
