/* What the tests of operators share: a context that runs kernels, on the CPU unless told otherwise. */
#ifndef QJ_TESTS_OPS_H
#define QJ_TESTS_OPS_H

#include <criterion/criterion.h>
#include <qjit/ops.h>

/* A context over the HIP library that QJIT_TEST_HIP names, else `cpu`; fails the test if there is none. The
 * store is this test program's. */
qjit_context *ops_create(void);

/* The same with these of enum qjit_flags. */
qjit_context *ops_create_with(uint32_t flags);

/* A context over the recording HIP library with two devices of gfx1030, and how often a function of that was
 * called in this process. */
qjit_context *ops_create_recording(void);
int ops_recorded(const char *name);

/* Fails the test unless `status` is `wanted` and the detail contains `text`. */
void ops_expect(qjit_status status, qjit_status wanted, const char *text);

/* Fails the test unless the status is QJIT_OK. */
#define ops_do(call) ops_expect(call, QJIT_OK, "")

/* A buffer on device 0 with these bytes; and the bytes of one, to be freed. */
qjit_buffer *ops_buffer(qjit_context *context, const void *from, size_t n_bytes);
void *ops_bytes(const qjit_buffer *buffer);

#endif
