#include "ops.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file of the build; free() it. */
static char *built(const char *name)
{
    char path[4096];
    const char *build = getenv("QJIT_BUILD");
    cr_assert_not_null(build);
    (void)snprintf(path, sizeof path, "%s/%s", build, name);
    return strdup(path);
}

static qjit_context *create(const char *hip, uint32_t flags)
{
    char *worker = built("bin/qjit-worker");
    qjit_options options = QJIT_OPTIONS_INIT;
    options.flags = flags;
    options.hip = hip;
    options.worker = worker;
    qjit_context *context = NULL;
    ops_do(qjit_create(&context, &options));
    free(worker);
    return context;
}

qjit_context *ops_create_with(uint32_t flags)
{
    const char *name = getenv("QJIT_TEST_HIP");
    return create(name ? name : "cpu", flags);
}

qjit_context *ops_create(void)
{
    return ops_create_with(0);
}

qjit_context *ops_create_recording(void)
{
    cr_assert_eq(setenv("FAKE_HIP_DEVICES", "2", 1), 0);
    char *hip = built("tests/libfake_hip.so");
    qjit_context *context = create(hip, 0);
    free(hip);
    return context;
}

int ops_recorded(const char *name)
{
    char *path = built("tests/libfake_hip.so");
    void *library = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    free(path);
    cr_assert_not_null(library);
    void *symbol = dlsym(library, "fakeHipCalls");
    int (*calls)(const char *);
    memcpy(&calls, &symbol, sizeof calls);
    const int n = calls(name);
    (void)dlclose(library);
    return n;
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
