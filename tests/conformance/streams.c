/* Streams: life, refused handles, order within one and between two. */
#include <stdlib.h>
#include <string.h>

#include "conformance/conformance.h"

enum { SLOW = 300000 }; /* steps of slow_add: some milliseconds */

static void life(struct conf *c)
{
    hipStream_t stream = NULL;
    OK(c, c->hip.hipStreamCreate(&stream));
    conf_check(c, stream != NULL, "a stream is not NULL");
    OK(c, c->hip.hipStreamQuery(stream));
    OK(c, c->hip.hipStreamSynchronize(stream));
    OK(c, c->hip.hipStreamDestroy(stream));
    OK(c, c->hip.hipStreamCreateWithFlags(&stream, 0));
    OK(c, c->hip.hipStreamDestroy(stream));
    OK(c, c->hip.hipStreamCreateWithFlags(&stream, 1));
    OK(c, c->hip.hipStreamDestroy(stream));
    OK(c, c->hip.hipStreamQuery(NULL));
    OK(c, c->hip.hipStreamSynchronize(NULL));
}

static void wrong(struct conf *c)
{
    hipStream_t stream = NULL;
    EXPECT(c, c->hip.hipStreamCreate(NULL), VALUE);
    EXPECT(c, c->hip.hipStreamCreateWithFlags(NULL, 0), VALUE);
    EXPECT(c, c->hip.hipStreamCreateWithFlags(&stream, 0xF0), VALUE);
    EXPECT(c, c->hip.hipStreamDestroy(NULL), BAD_STREAM);
    EXPECT(c, c->hip.hipStreamWaitEvent(NULL, NULL, 0), BAD_EVENT);
}

/* A handle that was destroyed, and one that never was one. */
static void stale(struct conf *c)
{
    char on_host[64] = {0};
    int *memory = conf_device_memory(c, 64), value = 1, n = 16;
    hipStream_t stream = NULL, never = calloc(1, 1024);
    hipFunction_t fill = conf_function(c, "fill");
    OK(c, c->hip.hipStreamCreate(&stream));
    OK(c, c->hip.hipStreamDestroy(stream));
    for (int i = 0; i < 2; i++, stream = never) {
        EXPECT(c, c->hip.hipStreamDestroy(stream), BAD_STREAM);
        EXPECT(c, c->hip.hipStreamSynchronize(stream), BAD_STREAM);
        EXPECT(c, c->hip.hipStreamQuery(stream), BAD_STREAM);
        EXPECT(c, c->hip.hipMemcpyAsync(memory, on_host, 64, QJ_HIP_MEMCPY_HOST_TO_DEVICE, stream),
               BAD_STREAM);
        EXPECT(c, c->hip.hipMemsetAsync(memory, 0, 64, stream), BAD_STREAM);
        EXPECT(c, conf_launch(c, fill, 1, 16, 0, stream, (void *[]){&memory, &value, &n}), BAD_STREAM);
    }
    free(never);
    OK(c, c->hip.hipFree(memory));
}

/* slow kernel, then a fast one, then a copy: all on one stream. */
static void order(struct conf *c)
{
    hipFunction_t slow = conf_function(c, "slow_add"), fast = conf_function(c, "add_one");
    int *memory = conf_device_memory(c, 8), n = SLOW, one = 1, host = -1;
    unsigned *sink = (unsigned *)memory + 1;
    hipStream_t stream = NULL;
    if (slow == NULL || fast == NULL || !OK(c, c->hip.hipStreamCreateWithFlags(&stream, 1))) {
        return;
    }
    for (int i = 0; i < 3; i++) {
        OK(c, conf_launch(c, slow, 1, 1, 0, stream, (void *[]){&memory, &n, &sink}));
        OK(c, conf_launch(c, fast, 1, 1, 0, stream, (void *[]){&memory, &one}));
    }
    OK(c, c->hip.hipMemcpyAsync(&host, memory, 4, QJ_HIP_MEMCPY_DEVICE_TO_HOST, stream));
    OK(c, c->hip.hipStreamSynchronize(stream));
    conf_check(c, host == 6, "six kernels and a copy, one after another: %d", host);
    OK(c, c->hip.hipStreamDestroy(stream));
    OK(c, c->hip.hipFree(memory));
}

/* The NULL stream waits for blocking streams, and they for it. */
static void null_stream(struct conf *c)
{
    hipFunction_t slow = conf_function(c, "slow_add");
    int *memory = conf_device_memory(c, 8), n = SLOW, host = -1;
    unsigned *sink = (unsigned *)memory + 1;
    hipStream_t stream = NULL;
    if (slow == NULL || !OK(c, c->hip.hipStreamCreate(&stream))) {
        return;
    }
    OK(c, conf_launch(c, slow, 1, 1, 0, stream, (void *[]){&memory, &n, &sink}));
    OK(c, conf_launch(c, slow, 1, 1, 0, NULL, (void *[]){&memory, &n, &sink}));
    OK(c, conf_launch(c, slow, 1, 1, 0, stream, (void *[]){&memory, &n, &sink}));
    OK(c, c->hip.hipMemcpy(&host, memory, 4, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
    conf_check(c, host == 3, "a blocking stream and the NULL stream take turns: %d", host);
    OK(c, c->hip.hipStreamDestroy(stream));
    OK(c, c->hip.hipFree(memory));
}

/* Query says "not ready" or "ready" while work is under way, and "ready" after it. */
static void query(struct conf *c)
{
    hipFunction_t slow = conf_function(c, "slow_add");
    int *memory = conf_device_memory(c, 8), n = 10 * SLOW;
    unsigned *sink = (unsigned *)memory + 1;
    hipStream_t stream = NULL;
    if (slow == NULL || !OK(c, c->hip.hipStreamCreate(&stream))) {
        return;
    }
    OK(c, conf_launch(c, slow, 1, 1, 0, stream, (void *[]){&memory, &n, &sink}));
    EXPECT(c, c->hip.hipStreamQuery(stream), QJ_HIP_SUCCESS, QJ_HIP_ERROR_NOT_READY);
    OK(c, c->hip.hipStreamSynchronize(stream));
    OK(c, c->hip.hipStreamQuery(stream));
    OK(c, c->hip.hipStreamDestroy(stream));
    OK(c, c->hip.hipFree(memory));
}

/* Destroying a stream does not lose the work that is on it. */
static void destroy_busy(struct conf *c)
{
    hipFunction_t slow = conf_function(c, "slow_add");
    int *memory = conf_device_memory(c, 8), n = SLOW, host = -1;
    unsigned *sink = (unsigned *)memory + 1;
    hipStream_t stream = NULL;
    if (slow == NULL || !OK(c, c->hip.hipStreamCreate(&stream))) {
        return;
    }
    OK(c, conf_launch(c, slow, 1, 1, 0, stream, (void *[]){&memory, &n, &sink}));
    OK(c, c->hip.hipStreamDestroy(stream));
    OK(c, c->hip.hipDeviceSynchronize());
    OK(c, c->hip.hipMemcpy(&host, memory, 4, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
    conf_check(c, host == 1, "the kernel ran to its end");
    OK(c, c->hip.hipFree(memory));
}

static void many(struct conf *c)
{
    enum { N_STREAMS = 32 };
    hipFunction_t add = conf_function(c, "add_one");
    int *memory = conf_device_memory(c, N_STREAMS * 4), host[N_STREAMS], one = 1, n_right = 0;
    hipStream_t streams[N_STREAMS];
    bool made = true;
    for (int i = 0; i < N_STREAMS; i++) {
        made = made && c->hip.hipStreamCreateWithFlags(&streams[i], 1) == 0;
    }
    if (!conf_check(c, made && add != NULL, "%d streams are made", N_STREAMS)) {
        return;
    }
    bool launched = true;
    for (int i = 0; i < N_STREAMS * 16; i++) {
        int *at = memory + i % N_STREAMS;
        launched =
            launched && conf_launch(c, add, 1, 1, 0, streams[i % N_STREAMS], (void *[]){&at, &one}) == 0;
    }
    conf_check(c, launched, "16 launches on each are accepted");
    OK(c, c->hip.hipDeviceSynchronize());
    OK(c, c->hip.hipMemcpy(host, memory, sizeof host, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
    for (int i = 0; i < N_STREAMS; i++) {
        n_right += host[i] == 16;
        c->hip.hipStreamDestroy(streams[i]);
    }
    conf_check(c, n_right == N_STREAMS, "%d of %d streams did all their work", n_right, N_STREAMS);
    OK(c, c->hip.hipFree(memory));
}

const struct conf_case conf_stream_cases[] = {
    {"streams", "life", CONF_DEVICE, life},
    {"streams", "wrong", CONF_DEVICE, wrong},
    {"streams", "stale", CONF_DEVICE | CONF_ALONE, stale},
    {"streams", "order", CONF_DEVICE, order},
    {"streams", "null_stream", CONF_DEVICE, null_stream},
    {"streams", "query", CONF_DEVICE, query},
    {"streams", "destroy_busy", CONF_DEVICE, destroy_busy},
    {"streams", "many", CONF_DEVICE, many},
    {NULL, NULL, 0, NULL},
};
