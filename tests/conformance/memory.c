/* Memory: allocation, copies of every kind, setting, and refused pointers and sizes. */
#include <stdlib.h>
#include <string.h>

#include "conformance/conformance.h"

enum { N = 1 << 16 };

static void allocate(struct conf *c)
{
    void *memory = NULL;
    OK(c, c->hip.hipMalloc(&memory, N));
    conf_check(c, memory != NULL && (uintptr_t)memory % 256 == 0,
               "the memory is there and aligned to 256 bytes");
    OK(c, c->hip.hipFree(memory));
    EXPECT(c, c->hip.hipMalloc(NULL, N), VALUE);
    memory = &memory;
    OK(c, c->hip.hipMalloc(&memory, 0));
    conf_check(c, memory == NULL, "no bytes are NULL");
    memory = NULL;
    EXPECT(c, c->hip.hipMalloc(&memory, (size_t)1 << 50), QJ_HIP_ERROR_OUT_OF_MEMORY);
    EXPECT(c, c->hip.hipMalloc(&memory, SIZE_MAX), QJ_HIP_ERROR_OUT_OF_MEMORY, VALUE);
    OK(c, c->hip.hipFree(NULL));
}

static void free_wrong(struct conf *c)
{
    char *memory = NULL;
    OK(c, c->hip.hipMalloc((void **)&memory, N));
    EXPECT(c, c->hip.hipFree(memory + 256), VALUE, 17);
    OK(c, c->hip.hipFree(memory));
    EXPECT(c, c->hip.hipFree(memory), VALUE, 17);
    int on_stack = 0;
    EXPECT(c, c->hip.hipFree(&on_stack), VALUE, 17);
}

static void host(struct conf *c)
{
    unsigned char *memory = NULL;
    if (OK(c, c->hip.hipHostMalloc((void **)&memory, N, 0))) {
        memset(memory, 7, N);
        conf_check(c, memory[N - 1] == 7, "the host writes it");
    }
    OK(c, c->hip.hipHostFree(memory));
    EXPECT(c, c->hip.hipHostMalloc(NULL, N, 0), VALUE);
    memory = (unsigned char *)&memory;
    OK(c, c->hip.hipHostMalloc((void **)&memory, 0, 0));
    conf_check(c, memory == NULL, "no bytes are NULL");
    EXPECT(c, c->hip.hipHostMalloc((void **)&memory, N, 0x00010000u), VALUE);
    OK(c, c->hip.hipHostMalloc((void **)&memory, N, 1u | 2u));
    OK(c, c->hip.hipHostFree(memory));
    OK(c, c->hip.hipHostFree(NULL));
    int on_stack = 0;
    EXPECT(c, c->hip.hipHostFree(&on_stack), VALUE);
}

static void info(struct conf *c)
{
    size_t free_bytes = 0, total = 0;
    OK(c, c->hip.hipMemGetInfo(&free_bytes, &total));
    conf_check(c, total > 0 && free_bytes > 0 && free_bytes <= total, "free %zu of %zu", free_bytes, total);
}

static void fill_pattern(unsigned char *out, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        out[i] = (unsigned char)(seed >> 24);
    }
}

/* host -> device -> device -> host; with `pinned`, from and to memory of hipHostMalloc; kinds given or
 * inferred. */
static void round_trip(struct conf *c, bool pinned, bool inferred)
{
    unsigned char *from = malloc(N), *to = malloc(N), *a = conf_device_memory(c, N),
                  *b = conf_device_memory(c, N);
    if (pinned) {
        free(from);
        free(to);
        from = to = NULL;
        OK(c, c->hip.hipHostMalloc((void **)&from, N, 0));
        OK(c, c->hip.hipHostMalloc((void **)&to, N, 0));
    }
    if (from != NULL && to != NULL && a != NULL && b != NULL) {
        int any = QJ_HIP_MEMCPY_DEFAULT;
        fill_pattern(from, N, 1);
        memset(to, 0, N);
        OK(c, c->hip.hipMemcpy(a, from, N, inferred ? any : QJ_HIP_MEMCPY_HOST_TO_DEVICE));
        OK(c, c->hip.hipMemcpy(b, a, N, inferred ? any : QJ_HIP_MEMCPY_DEVICE_TO_DEVICE));
        OK(c, c->hip.hipMemcpy(to, b, N, inferred ? any : QJ_HIP_MEMCPY_DEVICE_TO_HOST));
        conf_check(c, memcmp(from, to, N) == 0, "%s, kinds %s: the bytes arrive",
                   pinned ? "pinned" : "pageable", inferred ? "inferred" : "given");
        OK(c, c->hip.hipMemcpy(to, from + 1, 100, inferred ? any : QJ_HIP_MEMCPY_HOST_TO_HOST));
        conf_check(c, memcmp(to, from + 1, 100) == 0, "host to host too");
    }
    if (pinned) {
        c->hip.hipHostFree(from);
        c->hip.hipHostFree(to);
    } else {
        free(from);
        free(to);
    }
    c->hip.hipFree(a);
    c->hip.hipFree(b);
}

static void copy(struct conf *c)
{
    round_trip(c, false, false);
    round_trip(c, false, true);
    round_trip(c, true, false);
    round_trip(c, true, true);
}

static void copy_parts(struct conf *c)
{
    unsigned char from[512], to[512] = {0}, *memory = conf_device_memory(c, 512);
    fill_pattern(from, sizeof from, 9);
    OK(c, c->hip.hipMemcpy(memory + 3, from + 5, 37, QJ_HIP_MEMCPY_HOST_TO_DEVICE));
    OK(c, c->hip.hipMemcpy(to, memory, 512, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
    conf_check(c, memcmp(to + 3, from + 5, 37) == 0, "odd offsets and sizes arrive");
    conf_check(c, to[2] == 0 && to[40] == 0, "the bytes beside them stay");
    OK(c, c->hip.hipFree(memory));
}

static void copy_wrong(struct conf *c)
{
    char host_memory[64] = {0}, *memory = conf_device_memory(c, 64);
    EXPECT(c, c->hip.hipMemcpy(NULL, host_memory, 64, QJ_HIP_MEMCPY_HOST_TO_DEVICE), VALUE);
    EXPECT(c, c->hip.hipMemcpy(memory, NULL, 64, QJ_HIP_MEMCPY_HOST_TO_DEVICE), VALUE);
    EXPECT(c, c->hip.hipMemcpy(memory, host_memory, 64, 9), 21, VALUE);
    EXPECT(c, c->hip.hipMemcpy(memory, host_memory, 64, -1), 21, VALUE);
    OK(c, c->hip.hipMemcpy(memory, host_memory, 0, QJ_HIP_MEMCPY_HOST_TO_DEVICE));
    EXPECT(c, c->hip.hipMemcpyAsync(memory, host_memory, 64, 9, NULL), 21, VALUE);
    EXPECT(c, c->hip.hipMemcpyAsync(NULL, host_memory, 64, QJ_HIP_MEMCPY_HOST_TO_DEVICE, NULL), VALUE);
    OK(c, c->hip.hipFree(memory));
}

/* More bytes than the allocation has. */
static void copy_too_much(struct conf *c)
{
    char *large = calloc(4, N), *memory = conf_device_memory(c, N);
    EXPECT(c, c->hip.hipMemcpy(memory, large, (size_t)N + 1, QJ_HIP_MEMCPY_HOST_TO_DEVICE), VALUE);
    EXPECT(c, c->hip.hipMemcpy(large, memory + N / 2, N, QJ_HIP_MEMCPY_DEVICE_TO_HOST), VALUE);
    EXPECT(c, c->hip.hipMemset(memory, 0, (size_t)N + 1), VALUE);
    OK(c, c->hip.hipMemcpy(memory, large, N, QJ_HIP_MEMCPY_HOST_TO_DEVICE));
    OK(c, c->hip.hipFree(memory));
    free(large);
}

static void set(struct conf *c)
{
    unsigned char host_memory[1001], *memory = conf_device_memory(c, 1001);
    memset(host_memory, 1, sizeof host_memory);
    OK(c, c->hip.hipMemset(memory + 1, 0x1A7, 999)); /* the low byte counts */
    OK(c, c->hip.hipMemcpy(host_memory, memory, 1001, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
    conf_check(c, host_memory[1] == 0xA7 && host_memory[999] == 0xA7, "every byte is set");
    conf_check(c, host_memory[0] == 0 && host_memory[1000] == 0, "no other byte is");
    OK(c, c->hip.hipMemset(memory, 5, 0));
    EXPECT(c, c->hip.hipMemset(NULL, 0, 16), VALUE);
    EXPECT(c, c->hip.hipMemsetAsync(NULL, 0, 16, NULL), VALUE);
    OK(c, c->hip.hipFree(memory));
}

static void async(struct conf *c)
{
    unsigned char *from = NULL, *to = NULL, *memory = conf_device_memory(c, N);
    hipStream_t stream = NULL;
    OK(c, c->hip.hipHostMalloc((void **)&from, N, 0));
    OK(c, c->hip.hipHostMalloc((void **)&to, N, 0));
    OK(c, c->hip.hipStreamCreate(&stream));
    fill_pattern(from, N, 3);
    memset(to, 0, N);
    OK(c, c->hip.hipMemcpyAsync(memory, from, N, QJ_HIP_MEMCPY_HOST_TO_DEVICE, stream));
    OK(c, c->hip.hipMemsetAsync(memory, 0x3C, 16, stream));
    OK(c, c->hip.hipMemcpyAsync(to, memory, N, QJ_HIP_MEMCPY_DEVICE_TO_HOST, stream));
    OK(c, c->hip.hipStreamSynchronize(stream));
    conf_check(c, memcmp(from + 16, to + 16, N - 16) == 0 && to[0] == 0x3C && to[15] == 0x3C,
               "copies and sets of one stream happen in their order");
    OK(c, c->hip.hipStreamDestroy(stream));
    OK(c, c->hip.hipHostFree(from));
    OK(c, c->hip.hipHostFree(to));
    OK(c, c->hip.hipFree(memory));
}

/* An asynchronous copy from pageable memory may be overwritten as soon as the call returns, or is done on the
 * stream; either way the copy that a synchronised stream has made is right if the source stays. */
static void async_pageable(struct conf *c)
{
    unsigned char *from = malloc(N), *to = calloc(1, N), *memory = conf_device_memory(c, N);
    fill_pattern(from, N, 4);
    OK(c, c->hip.hipMemcpyAsync(memory, from, N, QJ_HIP_MEMCPY_HOST_TO_DEVICE, NULL));
    OK(c, c->hip.hipMemcpyAsync(to, memory, N, QJ_HIP_MEMCPY_DEVICE_TO_HOST, NULL));
    OK(c, c->hip.hipStreamSynchronize(NULL));
    conf_check(c, memcmp(from, to, N) == 0, "the bytes arrive");
    OK(c, c->hip.hipFree(memory));
    free(from);
    free(to);
}

/* Kernels see pinned host memory at its own address. */
static void host_from_kernel(struct conf *c)
{
    int *memory = NULL, value = 31, n = 256;
    hipFunction_t fill = conf_function(c, "fill");
    if (fill == NULL || !OK(c, c->hip.hipHostMalloc((void **)&memory, 1024, 2))) {
        return;
    }
    memset(memory, 0, 1024);
    OK(c, conf_launch(c, fill, 1, 256, 0, NULL, (void *[]){&memory, &value, &n}));
    OK(c, c->hip.hipDeviceSynchronize());
    conf_check(c, memory[0] == 31 && memory[255] == 31, "what the kernel wrote is there");
    OK(c, c->hip.hipHostFree(memory));
}

const struct conf_case conf_memory_cases[] = {
    {"memory", "allocate", CONF_DEVICE, allocate},
    {"memory", "free_wrong", CONF_DEVICE, free_wrong},
    {"memory", "host", CONF_DEVICE, host},
    {"memory", "info", CONF_DEVICE, info},
    {"memory", "copy", CONF_DEVICE, copy},
    {"memory", "copy_parts", CONF_DEVICE, copy_parts},
    {"memory", "copy_wrong", CONF_DEVICE, copy_wrong},
    {"memory", "copy_too_much", CONF_DEVICE, copy_too_much},
    {"memory", "set", CONF_DEVICE, set},
    {"memory", "async", CONF_DEVICE, async},
    {"memory", "async_pageable", CONF_DEVICE, async_pageable},
    {"memory", "host_from_kernel", CONF_DEVICE, host_from_kernel},
    {NULL, NULL, 0, NULL},
};
