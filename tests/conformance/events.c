/* Events: life, refused handles and flags, times, and streams that wait for each other. */
#include <stdlib.h>

#include "conformance/conformance.h"

enum { SLOW = 300000, DISABLE_TIMING = 2 };

static void life(struct conf *c)
{
    hipEvent_t event = NULL;
    OK(c, c->hip.hipEventCreate(&event));
    OK(c, c->hip.hipEventQuery(event)); /* never recorded: nothing to wait for */
    OK(c, c->hip.hipEventSynchronize(event));
    OK(c, c->hip.hipEventRecord(event, NULL));
    OK(c, c->hip.hipEventSynchronize(event));
    OK(c, c->hip.hipEventQuery(event));
    OK(c, c->hip.hipEventRecord(event, NULL)); /* again */
    OK(c, c->hip.hipEventDestroy(event));
    OK(c, c->hip.hipDeviceSynchronize());
    OK(c, c->hip.hipEventCreateWithFlags(&event, DISABLE_TIMING));
    OK(c, c->hip.hipEventDestroy(event));
    OK(c, c->hip.hipEventCreateWithFlags(&event, 1)); /* blocking sync */
    OK(c, c->hip.hipEventDestroy(event));
}

static void wrong(struct conf *c)
{
    hipEvent_t event = NULL;
    float ms = 0;
    EXPECT(c, c->hip.hipEventCreate(NULL), VALUE);
    EXPECT(c, c->hip.hipEventCreateWithFlags(NULL, 0), VALUE);
    EXPECT(c, c->hip.hipEventCreateWithFlags(&event, 0x100), VALUE);
    EXPECT(c, c->hip.hipEventDestroy(NULL), BAD_EVENT);
    EXPECT(c, c->hip.hipEventRecord(NULL, NULL), BAD_EVENT);
    EXPECT(c, c->hip.hipEventSynchronize(NULL), BAD_EVENT);
    EXPECT(c, c->hip.hipEventQuery(NULL), BAD_EVENT);
    OK(c, c->hip.hipEventCreate(&event));
    EXPECT(c, c->hip.hipEventElapsedTime(NULL, event, event), VALUE);
    EXPECT(c, c->hip.hipEventElapsedTime(&ms, NULL, event), BAD_EVENT);
    EXPECT(c, c->hip.hipEventElapsedTime(&ms, event, NULL), BAD_EVENT);
    EXPECT(c, c->hip.hipEventElapsedTime(&ms, event, event), BAD_EVENT); /* never recorded */
    OK(c, c->hip.hipEventDestroy(event));
}

static void stale(struct conf *c)
{
    hipEvent_t event = NULL, never = calloc(1, 1024);
    OK(c, c->hip.hipEventCreate(&event));
    OK(c, c->hip.hipEventDestroy(event));
    for (int i = 0; i < 2; i++, event = never) {
        EXPECT(c, c->hip.hipEventDestroy(event), BAD_EVENT);
        EXPECT(c, c->hip.hipEventRecord(event, NULL), BAD_EVENT);
        EXPECT(c, c->hip.hipEventQuery(event), BAD_EVENT);
        EXPECT(c, c->hip.hipEventSynchronize(event), BAD_EVENT);
        EXPECT(c, c->hip.hipStreamWaitEvent(NULL, event, 0), BAD_EVENT);
    }
    free(never);
}

static void elapsed(struct conf *c)
{
    hipFunction_t slow = conf_function(c, "slow_add");
    int *memory = conf_device_memory(c, 8), n = SLOW;
    unsigned *sink = (unsigned *)memory + 1;
    hipEvent_t start = NULL, stop = NULL, untimed = NULL;
    float ms = -1;
    OK(c, c->hip.hipEventCreate(&start));
    OK(c, c->hip.hipEventCreate(&stop));
    OK(c, c->hip.hipEventCreateWithFlags(&untimed, DISABLE_TIMING));
    OK(c, c->hip.hipEventRecord(start, NULL));
    OK(c, conf_launch(c, slow, 1, 1, 0, NULL, (void *[]){&memory, &n, &sink}));
    OK(c, c->hip.hipEventRecord(stop, NULL));
    OK(c, c->hip.hipEventRecord(untimed, NULL));
    EXPECT(c, c->hip.hipEventElapsedTime(&ms, start, stop), QJ_HIP_SUCCESS, QJ_HIP_ERROR_NOT_READY);
    OK(c, c->hip.hipEventSynchronize(stop));
    OK(c, c->hip.hipEventElapsedTime(&ms, start, stop));
    conf_check(c, ms > 0 && ms < 60000, "the kernel took %g ms", (double)ms);
    OK(c, c->hip.hipEventSynchronize(untimed));
    EXPECT(c, c->hip.hipEventElapsedTime(&ms, start, untimed), BAD_EVENT);
    OK(c, c->hip.hipEventDestroy(start));
    OK(c, c->hip.hipEventDestroy(stop));
    OK(c, c->hip.hipEventDestroy(untimed));
    OK(c, c->hip.hipFree(memory));
}

/* One stream's kernel reads what another's, slow, has written: only the event orders them. */
static void wait_across(struct conf *c)
{
    hipFunction_t slow = conf_function(c, "slow_add"), add = conf_function(c, "add_one");
    int *memory = conf_device_memory(c, 8), n = SLOW, one = 1, host = -1;
    unsigned *sink = (unsigned *)memory + 1;
    hipStream_t a = NULL, b = NULL;
    hipEvent_t event = NULL;
    OK(c, c->hip.hipStreamCreateWithFlags(&a, 1));
    OK(c, c->hip.hipStreamCreateWithFlags(&b, 1));
    OK(c, c->hip.hipEventCreateWithFlags(&event, DISABLE_TIMING));
    if (slow == NULL || add == NULL || event == NULL) {
        return;
    }
    for (int i = 0; i < 4; i++) {
        OK(c, conf_launch(c, slow, 1, 1, 0, a, (void *[]){&memory, &n, &sink}));
        OK(c, c->hip.hipEventRecord(event, a));
        OK(c, c->hip.hipStreamWaitEvent(b, event, 0));
        OK(c, conf_launch(c, add, 1, 1, 0, b, (void *[]){&memory, &one}));
        OK(c, c->hip.hipEventRecord(event, b));
        OK(c, c->hip.hipStreamWaitEvent(a, event, 0));
    }
    OK(c, c->hip.hipStreamSynchronize(b));
    OK(c, c->hip.hipMemcpy(&host, memory, 4, QJ_HIP_MEMCPY_DEVICE_TO_HOST));
    conf_check(c, host == 8, "eight kernels on two streams took turns: %d", host);
    EXPECT(c, c->hip.hipStreamWaitEvent(b, event, 0x100), VALUE);
    OK(c, c->hip.hipEventDestroy(event));
    OK(c, c->hip.hipStreamDestroy(a));
    OK(c, c->hip.hipStreamDestroy(b));
    OK(c, c->hip.hipFree(memory));
}

/* Waiting for an event that was never recorded waits for nothing. */
static void wait_unrecorded(struct conf *c)
{
    hipStream_t stream = NULL;
    hipEvent_t event = NULL;
    OK(c, c->hip.hipStreamCreate(&stream));
    OK(c, c->hip.hipEventCreate(&event));
    OK(c, c->hip.hipStreamWaitEvent(stream, event, 0));
    OK(c, c->hip.hipStreamSynchronize(stream));
    OK(c, c->hip.hipEventDestroy(event));
    OK(c, c->hip.hipStreamDestroy(stream));
}

const struct conf_case conf_event_cases[] = {
    {"events", "life", CONF_DEVICE, life},
    {"events", "wrong", CONF_DEVICE, wrong},
    {"events", "stale", CONF_DEVICE | CONF_ALONE, stale},
    {"events", "elapsed", CONF_DEVICE, elapsed},
    {"events", "wait_across", CONF_DEVICE, wait_across},
    {"events", "wait_unrecorded", CONF_DEVICE, wait_unrecorded},
    {NULL, NULL, 0, NULL},
};
