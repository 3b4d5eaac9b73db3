/* Buffers: bounds, sharing, copies in every direction. */
#include <stdlib.h>
#include <string.h>

#include "ops.h"

enum { N = 64 };

static uint8_t counted[N];
static qjit_context *context;

static void setup(void)
{
    for (int i = 0; i < N; i++) {
        counted[i] = (uint8_t)i;
    }
    context = ops_create();
}

static void teardown(void)
{
    qjit_destroy(context);
}

TestSuite(buffer, .init = setup, .fini = teardown);

static void expect_bytes(const qjit_buffer *buffer, size_t offset, const void *wanted, size_t n_bytes)
{
    unsigned char *bytes = ops_bytes(buffer);
    cr_assert_eq(memcmp(bytes + offset, wanted, n_bytes), 0);
    free(bytes);
}

Test(buffer, keeps_what_was_put)
{
    qjit_buffer *buffer = ops_buffer(context, counted, N);
    cr_assert_eq(qjit_buffer_bytes(buffer), N);
    cr_assert_eq(qjit_buffer_device(buffer), 0);
    cr_assert_not_null(qjit_buffer_pointer(buffer));
    ops_do(qjit_buffer_upload(buffer, 60, counted + 10, 4));
    expect_bytes(buffer, 0, counted, 60);
    expect_bytes(buffer, 60, counted + 10, 4);
    qjit_buffer_destroy(buffer);
}

Test(buffer, zeroed_is_zero)
{
    static const uint8_t zeros[N];
    qjit_buffer *buffer;
    ops_do(qjit_buffer_create_zeroed(context, &buffer, 0, N));
    expect_bytes(buffer, 0, zeros, N);
    qjit_buffer_destroy(buffer);
}

Test(buffer, of_nothing_is_fine)
{
    qjit_buffer *buffer, *view, *wrapped;
    ops_do(qjit_buffer_create_zeroed(context, &buffer, 0, 0));
    ops_do(qjit_buffer_view(buffer, &view, 0, 0));
    ops_do(qjit_buffer_wrap(context, &wrapped, 0, NULL, 0));
    cr_assert_null(qjit_buffer_pointer(view));
    ops_do(qjit_buffer_upload(view, 0, NULL, 0));
    ops_do(qjit_buffer_copy_on(view, 0, wrapped, 0, 0, NULL));
    ops_do(qjit_buffer_fill_on(view, 0, 1, 0, NULL));
    ops_expect(qjit_buffer_upload(view, 0, counted, 1), QJIT_INVALID_ARGUMENT,
               "1 bytes from byte 0 on are not within a buffer of 0 bytes");
    qjit_buffer_destroy(wrapped);
    qjit_buffer_destroy(buffer);
    qjit_buffer_destroy(view);
    qjit_buffer_destroy(NULL);
}

Test(buffer, ranges_are_checked)
{
    uint8_t byte;
    qjit_buffer *buffer = ops_buffer(context, counted, N), *view = NULL, *other = NULL;
    static const size_t bad[][2] = {{0, N + 1}, {N, 1}, {N + 1, 0}, {1, SIZE_MAX}, {SIZE_MAX, 2}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const size_t offset = bad[i][0], n = bad[i][1];
        const char *text = "not within a buffer of 64 bytes";
        ops_expect(qjit_buffer_view(buffer, &view, offset, n), QJIT_INVALID_ARGUMENT, text);
        ops_expect(qjit_buffer_upload(buffer, offset, counted, n), QJIT_INVALID_ARGUMENT, text);
        ops_expect(qjit_buffer_download(buffer, &byte, offset, n), QJIT_INVALID_ARGUMENT, text);
        ops_expect(qjit_buffer_upload_on(buffer, offset, counted, n, NULL), QJIT_INVALID_ARGUMENT, text);
        ops_expect(qjit_buffer_download_on(buffer, &byte, offset, n, NULL), QJIT_INVALID_ARGUMENT, text);
        ops_expect(qjit_buffer_fill_on(buffer, offset, 1, n, NULL), QJIT_INVALID_ARGUMENT, text);
        ops_expect(qjit_buffer_copy_on(buffer, offset, buffer, 0, n, NULL), QJIT_INVALID_ARGUMENT, text);
        ops_expect(qjit_buffer_copy_on(buffer, 0, buffer, offset, n, NULL), QJIT_INVALID_ARGUMENT, text);
    }
    cr_assert_null(view);
    ops_expect(qjit_buffer_upload(buffer, 0, NULL, 1), QJIT_INVALID_ARGUMENT, "is NULL");
    ops_expect(qjit_buffer_wrap(context, &other, 0, NULL, 1), QJIT_INVALID_ARGUMENT, "at NULL");
    ops_expect(qjit_buffer_create(context, &other, 7, 1), QJIT_NO_DEVICE, "no device 7");
    cr_assert_null(other);
    expect_bytes(buffer, 0, counted, N);
    qjit_buffer_destroy(buffer);
}

Test(buffer, views_share_and_keep_the_memory)
{
    qjit_buffer *buffer = ops_buffer(context, counted, N), *view, *part;
    ops_do(qjit_buffer_view(buffer, &view, 16, 32));
    ops_do(qjit_buffer_view(view, &part, 8, 8));
    cr_assert_eq(qjit_buffer_pointer(part), (char *)qjit_buffer_pointer(buffer) + 24);
    ops_expect(qjit_buffer_view(view, &part, 0, 33), QJIT_INVALID_ARGUMENT, "buffer of 32 bytes");
    qjit_buffer_destroy(buffer);
    qjit_buffer_destroy(view);
    expect_bytes(part, 0, counted + 24, 8);
    qjit_buffer_destroy(part);
}

Test(buffer, copies_and_fills)
{
    static const uint8_t sevens[8] = {7, 7, 7, 7, 7, 7, 7, 7};
    uint8_t got[8];
    qjit_stream stream;
    qjit_buffer *from = ops_buffer(context, counted, N), *to;
    ops_do(qjit_stream_create(context, &stream, 0));
    ops_do(qjit_buffer_create_zeroed(context, &to, 0, N));
    ops_do(qjit_buffer_copy_on(to, 8, from, 32, 24, stream));
    ops_do(qjit_buffer_fill_on(to, 40, 7, 8, stream));
    ops_do(qjit_buffer_upload_on(to, 0, counted, 8, stream));
    ops_do(qjit_buffer_download_on(to, got, 40, 8, stream));
    ops_do(qjit_stream_wait(context, 0, stream));
    cr_assert_eq(memcmp(got, sevens, 8), 0);
    expect_bytes(to, 0, counted, 8);
    expect_bytes(to, 8, counted + 32, 24);
    ops_do(qjit_buffer_copy_on(from, 0, from, 32, 32, stream)); /* side by side is no overlap */
    ops_expect(qjit_buffer_copy_on(from, 0, from, 31, 32, stream), QJIT_INVALID_ARGUMENT, "overlap");
    ops_do(qjit_stream_destroy(context, 0, stream));
    ops_do(qjit_stream_destroy(context, 0, NULL));
    expect_bytes(from, 0, counted + 32, 32);
    qjit_buffer_destroy(to);
    qjit_buffer_destroy(from);
}

Test(buffer, of_two_contexts_are_not_copied)
{
    qjit_context *second = ops_create();
    qjit_buffer *a = ops_buffer(context, counted, N), *b = ops_buffer(second, counted, N);
    ops_expect(qjit_buffer_copy_on(a, 0, b, 0, 1, NULL), QJIT_INVALID_ARGUMENT, "two contexts");
    qjit_buffer_destroy(b);
    qjit_buffer_destroy(a);
    qjit_destroy(second);
}

Test(buffer, wrapped_memory_stays_the_applications)
{
    qjit_buffer *owner = ops_buffer(context, counted, N), *wrapped;
    ops_do(qjit_buffer_wrap(context, &wrapped, 0, (char *)qjit_buffer_pointer(owner) + 8, 8));
    expect_bytes(wrapped, 0, counted + 8, 8);
    qjit_buffer_destroy(wrapped);
    expect_bytes(owner, 0, counted, N);
    qjit_buffer_destroy(owner);
}

Test(buffer, stream_per_thread_is_refused)
{
    const qjit_stream per_thread = (qjit_stream)(uintptr_t)2;
    qjit_buffer *buffer = ops_buffer(context, counted, N);
    ops_expect(qjit_buffer_fill_on(buffer, 0, 1, 1, per_thread), QJIT_INVALID_ARGUMENT, "hipStreamPerThread");
    ops_expect(qjit_buffer_upload_on(buffer, 0, counted, 1, per_thread), QJIT_INVALID_ARGUMENT,
               "hipStreamPerThread");
    ops_expect(qjit_stream_wait(context, 0, per_thread), QJIT_INVALID_ARGUMENT, "hipStreamPerThread");
    qjit_buffer_destroy(buffer);
}

Test(buffer_of_two_devices, stream_per_thread_is_not_destroyed)
{
    qjit_context *recording = ops_create_recording();
    const qjit_stream per_thread = (qjit_stream)(uintptr_t)2;
    ops_expect(qjit_stream_destroy(recording, 0, per_thread), QJIT_INVALID_ARGUMENT, "hipStreamPerThread");
    cr_assert_eq(ops_recorded("hipStreamDestroy"), 0);
    qjit_destroy(recording);
}

/* hipFree waits for the work of the memory's own device only. */
Test(buffer_of_two_devices, freeing_waits_for_copies_by_the_other)
{
    qjit_context *recording = ops_create_recording();
    qjit_buffer *from, *view, *to;
    ops_do(qjit_buffer_create(recording, &from, 0, N));
    ops_do(qjit_buffer_create(recording, &to, 1, N));
    ops_do(qjit_buffer_view(from, &view, 8, 8));
    ops_do(qjit_buffer_copy_on(to, 0, view, 0, 8, NULL));
    qjit_buffer_destroy(view);
    cr_assert_eq(ops_recorded("hipDeviceSynchronize"), 0);
    qjit_buffer_destroy(from);
    cr_assert_eq(ops_recorded("hipDeviceSynchronize"), 1);
    qjit_buffer_destroy(to);
    cr_assert_eq(ops_recorded("hipDeviceSynchronize"), 1);
    qjit_destroy(recording);
}

Test(buffer_of_two_devices, what_a_capture_kept_from_being_freed_is_freed_later)
{
    qjit_context *recording = ops_create_recording();
    static const char *const failures[] = {"hipFree:0:900", "hipDeviceSynchronize:0:900"};
    qjit_buffer *from, *to;
    int n_freed = 0;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        ops_do(qjit_buffer_create(recording, &from, 0, N));
        ops_do(qjit_buffer_create(recording, &to, 1, N));
        ops_do(qjit_buffer_copy_on(to, 0, from, 0, N, NULL));
        qjit_buffer_destroy(to);
        n_freed = ops_recorded("hipFree");
        cr_assert_eq(setenv("FAKE_HIP_FAIL", failures[i], 1), 0);
        qjit_buffer_destroy(from);
        cr_assert_eq(unsetenv("FAKE_HIP_FAIL"), 0);
        n_freed += i == 0; /* in vain */
        cr_assert_eq(ops_recorded("hipFree"), n_freed);
        if (i == 0) { /* by the next allocation; then by the end */
            ops_do(qjit_buffer_create(recording, &to, 1, N));
            cr_assert_eq(ops_recorded("hipFree"), n_freed + 1);
            qjit_buffer_destroy(to);
        }
    }
    qjit_destroy(recording);
    cr_assert_eq(ops_recorded("hipFree"), n_freed + 1);
}

/* Of other failures nobody knows what became of the memory. */
Test(buffer_of_two_devices, what_fails_otherwise_is_not_freed_twice)
{
    qjit_context *recording = ops_create_recording();
    qjit_buffer *buffer;
    ops_do(qjit_buffer_create(recording, &buffer, 0, N));
    cr_assert_eq(setenv("FAKE_HIP_FAIL", "hipFree:0:700", 1), 0);
    qjit_buffer_destroy(buffer);
    cr_assert_eq(unsetenv("FAKE_HIP_FAIL"), 0);
    qjit_destroy(recording);
    cr_assert_eq(ops_recorded("hipFree"), 1);
}

Test(buffer, too_large_is_no_memory)
{
    qjit_buffer *buffer = NULL;
    ops_expect(qjit_buffer_create(context, &buffer, 0, SIZE_MAX / 2), QJIT_NO_MEMORY, "on device 0");
    cr_assert_null(buffer);
}
