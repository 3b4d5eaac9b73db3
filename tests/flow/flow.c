#include "flow/flow.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void flow_init(void)
{
    char directory[4096];
    cr_assert_not_null(getcwd(directory, sizeof directory - 32));
    size_t n = strlen(directory);
    (void)snprintf(directory + n, sizeof directory - n, "/store-%d", (int)getpid());
    cr_assert_eq(setenv("QJIT_CACHE_DIR", directory, 1), 0);
}

const char *flow_built(const char *name)
{
    static char path[4096];
    (void)snprintf(path, sizeof path, "%s/tests/%s", getenv("QJIT_BUILD"), name);
    return path;
}

qjit_context *flow_create(void (*change)(qjit_options *options))
{
    char worker[4096];
    (void)snprintf(worker, sizeof worker, "%s/bin/qjit-worker", getenv("QJIT_BUILD"));
    qjit_options options = QJIT_OPTIONS_INIT;
    options.hip = flow_built("libfake_hip.so");
    options.worker = worker;
    if (change) {
        change(&options);
    }
    qjit_context *context = NULL;
    cr_assert_eq(qjit_create(&context, &options), QJIT_OK, "%s", qjit_error_detail());
    return context;
}

qjit_cache_stat flow_stat(qjit_context *context)
{
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    cr_assert_eq(qjit_get_cache_stat(context, &stat), QJIT_OK);
    return stat;
}

void flow_sql(const char *sql)
{
    char path[4096];
    sqlite3 *db;
    char *error = NULL;
    (void)snprintf(path, sizeof path, "%s/store.sqlite", getenv("QJIT_CACHE_DIR"));
    cr_assert_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, &error), SQLITE_OK, "%s: %s", sql, error);
    cr_assert_eq(sqlite3_close(db), SQLITE_OK);
}
