#include "flow/flow.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <link.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"

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

static char changed_library[4096];

void flow_change_library(void)
{
    static const char note[] = {4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0};
    struct link_map *map;
    struct qj_buf bytes = {0};
    void *library = dlopen("libamdhip64.so.5", RTLD_LAZY | RTLD_LOCAL);
    if (!library) {
        cr_skip_test("no libamdhip64.so.5 here to change");
    }
    cr_assert_eq(dlinfo(library, RTLD_DI_LINKMAP, &map), 0);
    cr_assert_eq(qj_fs_read(&bytes, map->l_name, 1u << 30), 0);
    char *id = memmem(bytes.bytes, bytes.size, note, sizeof note);
    cr_assert_not_null(id);
    id[sizeof note] = (char)(id[sizeof note] ^ 1);
    cr_assert_not_null(getcwd(changed_library, sizeof changed_library - 32));
    (void)strcat(changed_library, "/libamdhip64.so.5");
    FILE *file = fopen(changed_library, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes.bytes, 1, bytes.size, file), bytes.size);
    cr_assert_eq(fclose(file), 0);
    qj_buf_finish(&bytes);
}

void flow_by_the_changed_library(qjit_options *options)
{
    options->hip = changed_library;
}
