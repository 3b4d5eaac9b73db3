#include "ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

qjit_context *ops_create(void)
{
    char worker[4096], hip[4096];
    const char *build = getenv("QJIT_BUILD");
    cr_assert_not_null(build);
    (void)snprintf(worker, sizeof worker, "%s/bin/qjit-worker", build);
    (void)snprintf(hip, sizeof hip, "%s/lib/libqjit_hip_cpu.so", build);
    qjit_options options = QJIT_OPTIONS_INIT;
    options.hip = hip;
    options.worker = worker;
    qjit_context *context = NULL;
    ops_do(qjit_create(&context, &options));
    return context;
}

void ops_expect(qjit_status status, qjit_status wanted, const char *text)
{
    cr_assert_eq(status, wanted, "%s, not %s: %s\n%s", qjit_status_name(status), qjit_status_name(wanted),
                 qjit_error_detail(), qjit_error_log());
    cr_assert(status == QJIT_OK || strstr(qjit_error_detail(), text), "'%s' does not say '%s'",
              qjit_error_detail(), text);
}

qjit_buffer *ops_buffer(qjit_context *context, const void *from, size_t n_bytes)
{
    qjit_buffer *buffer;
    ops_do(qjit_buffer_create(context, &buffer, 0, n_bytes));
    ops_do(qjit_buffer_upload(buffer, 0, from, n_bytes));
    return buffer;
}

void *ops_bytes(const qjit_buffer *buffer)
{
    const size_t n_bytes = qjit_buffer_bytes(buffer);
    void *bytes = malloc(n_bytes + 1);
    cr_assert_not_null(bytes);
    ops_do(qjit_buffer_download(buffer, bytes, 0, n_bytes));
    return bytes;
}
