/* Order and concurrency of streams, events and asynchronous copies. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "hip_cpu_test.h"

/* `gate` keeps its stream busy until the host opens it; the others leave traces. */
static const char KERNELS[] =
    "extern \"C\" __global__ void gate(volatile int *open) { while (!*open) { } }\n"
    "extern \"C\" __global__ void set(int *p, int v) { *p = v; }\n"
    "extern \"C\" __global__ void twice_plus(int *p, int v) { *p = *p * 2 + v; }\n"
    "extern \"C\" __global__ void copy(int *to, const int *from) { *to = *from; }\n";

static hipFunction_t gate, set, twice_plus, copy;
static volatile int *door;

static void begin(void)
{
    hip_open(NULL, NULL);
    hipModule_t module = hip_load(KERNELS);
    gate = hip_function(module, "gate");
    set = hip_function(module, "set");
    twice_plus = hip_function(module, "twice_plus");
    copy = hip_function(module, "copy");
    void *memory = NULL;
    OK(hip.hipHostMalloc(&memory, sizeof(int), 0));
    door = memory;
    *door = 0;
}

static void launch(hipFunction_t function, hipStream_t stream, void **params)
{
    OK(hip.hipModuleLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, stream, params, NULL));
}

static hipStream_t stream_new(unsigned flags)
{
    hipStream_t stream = NULL;
    OK(hip.hipStreamCreateWithFlags(&stream, flags));
    return stream;
}

/* A launch comes back at once, and is not done until it is. */
Test(hip_cpu_streams, are_asynchronous)
{
    begin();
    hipStream_t stream = stream_new(1);
    hipEvent_t before = NULL, after = NULL;
    OK(hip.hipEventCreate(&before));
    OK(hip.hipEventCreate(&after));
    OK(hip.hipEventQuery(after)); /* never recorded */
    OK(hip.hipEventRecord(before, stream));
    launch(gate, stream, PARAMS(&door));
    OK(hip.hipEventRecord(after, stream));
    cr_assert_eq(hip.hipStreamQuery(stream), QJ_HIP_ERROR_NOT_READY);
    cr_assert_eq(hip.hipEventQuery(after), QJ_HIP_ERROR_NOT_READY);
    float ms = -1;
    cr_assert_eq(hip.hipEventElapsedTime(&ms, before, after), QJ_HIP_ERROR_NOT_READY);
    *door = 1;
    OK(hip.hipEventSynchronize(after));
    OK(hip.hipStreamQuery(stream));
    OK(hip.hipEventQuery(after));
    OK(hip.hipEventElapsedTime(&ms, before, after));
    cr_assert(ms >= 0 && ms < 60000);
    hipStreamCaptureStatus status = 1;
    OK(hip.hipStreamIsCapturing(stream, &status));
    cr_assert_eq(status, 0);
    OK(hip.hipStreamDestroy(stream));
    cr_assert_eq(hip.hipStreamQuery(stream), QJ_HIP_ERROR_INVALID_HANDLE);
    cr_assert_eq(hip.hipStreamIsCapturing(stream, &status), QJ_HIP_ERROR_INVALID_HANDLE);
    OK(hip.hipEventDestroy(after));
    cr_assert_eq(hip.hipEventQuery(after), QJ_HIP_ERROR_INVALID_HANDLE);
}

/* A thousand small pieces of work in one stream: each sees what the one before did. */
Test(hip_cpu_streams, keep_order)
{
    begin();
    hipStream_t stream = stream_new(1);
    unsigned expected = 1;
    int got = 0, one = 1;
    void *p = hip_upload(NULL, sizeof(int));
    launch(gate, stream, PARAMS(&door));
    launch(set, stream, PARAMS(&p, &one));
    for (int i = 0; i < 1000; i++) {
        launch(twice_plus, stream, PARAMS(&p, &i)); /* arguments are copied: i changes */
        expected = expected * 2 + (unsigned)i;
    }
    OK(hip.hipMemcpyAsync(&got, p, sizeof got, QJ_HIP_MEMCPY_DEVICE_TO_HOST, stream));
    *door = 1;
    OK(hip.hipStreamSynchronize(stream));
    cr_assert_eq((unsigned)got, expected);
}

/* Streams do not wait for one another; an event makes one of them. */
Test(hip_cpu_streams, wait_for_events)
{
    begin();
    hipStream_t first = stream_new(1), second = stream_new(1);
    hipEvent_t event = NULL;
    OK(hip.hipEventCreateWithFlags(&event, 2));
    int zero = 0, seven = 7, got = 0;
    void *a = hip_upload(&zero, sizeof zero), *b = hip_upload(&zero, sizeof zero);
    launch(gate, first, PARAMS(&door));
    launch(set, second, PARAMS(&b, &seven));
    OK(hip.hipStreamSynchronize(second)); /* while the first is held */
    launch(set, first, PARAMS(&a, &seven));
    OK(hip.hipEventRecord(event, first));
    OK(hip.hipStreamWaitEvent(second, event, 0));
    launch(copy, second, PARAMS(&b, &a));
    cr_assert_eq(hip.hipStreamQuery(second), QJ_HIP_ERROR_NOT_READY);
    *door = 1;
    OK(hip.hipStreamSynchronize(first));
    OK(hip.hipStreamSynchronize(second));
    hip_download(&got, b, sizeof got);
    cr_assert_eq(got, 7);
    float ms = 0;
    cr_assert_eq(hip.hipEventElapsedTime(&ms, event, event), QJ_HIP_ERROR_INVALID_HANDLE);
}

/* The null stream waits for blocking streams and they for it; a non-blocking one stands apart. */
Test(hip_cpu_streams, null_stream)
{
    begin();
    hipStream_t blocking = stream_new(0), apart = stream_new(1);
    int zero = 0, five = 5, six = 6, got = 0;
    void *p = hip_upload(&zero, sizeof zero), *q = hip_upload(&zero, sizeof zero),
         *r = hip_upload(&zero, sizeof zero);
    launch(gate, blocking, PARAMS(&door));
    launch(set, blocking, PARAMS(&p, &five));
    launch(copy, NULL, PARAMS(&q, &p));     /* after the blocking stream's work */
    launch(copy, blocking, PARAMS(&r, &q)); /* after the null stream's */
    launch(set, apart, PARAMS(&p, &six));
    OK(hip.hipStreamSynchronize(apart)); /* does not wait for the gate */
    cr_assert_eq(hip.hipStreamQuery(NULL), QJ_HIP_ERROR_NOT_READY);
    *door = 1;
    OK(hip.hipDeviceSynchronize());
    hip_download(&got, r, sizeof got);
    cr_assert_eq(got, 5);
}

/* Freeing memory and unloading a module wait for the work that uses them. */
Test(hip_cpu_streams, free_waits)
{
    begin();
    hipStream_t stream = stream_new(1);
    int three = 3;
    void *p = hip_upload(NULL, sizeof(int));
    hipModule_t module = hip_load(KERNELS);
    *door = 1;
    for (int i = 0; i < 200; i++)
        launch(hip_function(module, "set"), stream, PARAMS(&p, &three));
    OK(hip.hipModuleUnload(module));
    OK(hip.hipFree(p));
    OK(hip.hipStreamSynchronize(stream));
}

/* An error stays with its device; the other works on. */
Test(hip_cpu_streams, failed_device)
{
    hip_open("QJIT_HIP_CPU_DEVICES=2", NULL);
    hipModule_t module = hip_load("extern \"C\" __global__ void bad() { __trap(); }");
    hipStream_t stream = stream_new(1);
    OK(hip.hipModuleLaunchKernel(hip_function(module, "bad"), 1, 1, 1, 1, 1, 1, 0, stream, NULL, NULL));
    cr_assert_eq(hip.hipStreamSynchronize(stream), QJ_HIP_ERROR_LAUNCH_FAILURE);
    cr_assert_eq(hip.hipDeviceSynchronize(), QJ_HIP_ERROR_LAUNCH_FAILURE);
    cr_assert(strstr(hip_report(), "bad: trap; block (0,0,0) thread (0,0,0)"), "%s", hip_report());
    OK(hip.hipSetDevice(1));
    OK(hip.hipDeviceSynchronize());
    hip_upload("x", 1);
}
