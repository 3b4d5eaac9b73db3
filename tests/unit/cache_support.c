#include "cache_support.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"

static _Thread_local char last_line[2048];
static _Thread_local int n_lines;

static void keep_line(void *payload, enum qjit_log_level level, const char *line)
{
    (void)payload;
    (void)level;
    (void)snprintf(last_line, sizeof last_line, "%s", line);
    n_lines++;
}

void cache_fresh(void)
{
    char name[] = "test-XXXXXX";
    if (!mkdtemp(name) || chdir(name) != 0) {
        perror("a fresh directory");
        abort();
    }
}

const char *cache_last_line(void)
{
    return last_line;
}

int cache_n_lines(void)
{
    return n_lines;
}

struct qj_store *cache_open_with(const struct qj_store_options *options)
{
    static const struct qj_log log = {.fn = keep_line, .level = QJIT_LOG_DEBUG};
    struct qj_store_options logged = *options;
    struct qj_store *store = NULL;
    logged.log = &log;
    last_line[0] = '\0';
    n_lines = 0;
    return qj_store_open(&store, &logged) == QJIT_OK ? store : NULL;
}

struct qj_store *cache_open_limited(const char *name, uint64_t max_bytes)
{
    return cache_open_with(&(struct qj_store_options){.directory = name, .max_bytes = max_bytes});
}

struct qj_store *cache_open(const char *name)
{
    return cache_open_limited(name, 0);
}

struct qj_row cache_row(int i)
{
    static _Thread_local char unit[32], kernels[64];
    struct qj_digest digest;
    struct qj_row row = {.unit = unit,
                         .module = i % 2 ? "quantized" : "unary",
                         .arch = i % 3 ? "gfx1030" : "gfx90a:sramecc+:xnack-",
                         .compiler = i % 5 ? "hiprtc=01 comgr=02" : "hiprtc=11 comgr=12",
                         .options = "-O3\n-std=c++17",
                         .names = "kernel_a\nkernel<b, 1>",
                         .kernels = kernels,
                         .log = i % 7 ? "" : "warning: one\nwarning: two\n",
                         .compile_us = (uint32_t)i};
    (void)snprintf(unit, sizeof unit, "unit_%d", i);
    (void)snprintf(kernels, sizeof kernels, "kernel_%d_a kernel_%d_b", i, i);
    qj_digest_init(&digest);
    qj_digest_field(&digest, &i, sizeof i);
    qj_digest_finish(&digest, row.key);
    memset(row.source_digest, i & 255, sizeof row.source_digest);
    memset(row.headers_digest, 255 - (i & 255), sizeof row.headers_digest);
    return row;
}

unsigned char *cache_object(int i, size_t n)
{
    unsigned char *bytes = malloc(n ? n : 1);
    uint64_t state = (uint64_t)i * 0x9e3779b97f4a7c15u + n + 1;
    for (size_t k = 0; bytes && k < n; k++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes[k] = (unsigned char)(state >> 56);
    }
    return bytes;
}

qjit_status cache_put(struct qj_store *store, int i, size_t n)
{
    struct qj_row row = cache_row(i);
    unsigned char *object = cache_object(i, n);
    qjit_status status = object ? qj_store_put(store, &row, object, n) : QJIT_NO_MEMORY;
    free(object);
    return status;
}

static bool is_same_row(const struct qj_row *a, const struct qj_row *b)
{
    return strcmp(a->unit, b->unit) == 0 && strcmp(a->module, b->module) == 0 &&
           strcmp(a->arch, b->arch) == 0 && strcmp(a->compiler, b->compiler) == 0 &&
           strcmp(a->options, b->options) == 0 && strcmp(a->names, b->names) == 0 &&
           strcmp(a->kernels, b->kernels) == 0 && strcmp(a->log, b->log) == 0 &&
           memcmp(a->key, b->key, sizeof a->key) == 0 &&
           memcmp(a->source_digest, b->source_digest, sizeof a->source_digest) == 0 &&
           memcmp(a->headers_digest, b->headers_digest, sizeof a->headers_digest) == 0 &&
           a->compile_us == b->compile_us;
}

int cache_check(struct qj_store *store, int i, size_t n)
{
    struct qj_row row = cache_row(i);
    struct qj_entry entry;
    if (qj_store_get(store, &entry, row.key) != QJIT_OK) {
        return 0;
    }
    unsigned char *object = cache_object(i, n);
    bool same = object && entry.row.object_bytes == n && memcmp(entry.object, object, n) == 0 &&
                is_same_row(&entry.row, &row);
    free(object);
    qj_entry_finish(&entry);
    return same ? 1 : -1;
}

unsigned char *cache_slurp(const char *path, size_t *n)
{
    struct qj_buf bytes = {0};
    if (qj_fs_read(&bytes, path, (size_t)1 << 30) != 0) {
        qj_buf_finish(&bytes);
        return NULL;
    }
    *n = bytes.size;
    return (unsigned char *)bytes.bytes;
}

int cache_spit(const char *path, const void *bytes, size_t n)
{
    FILE *file = fopen(path, "we");
    if (!file) {
        return -1;
    }
    size_t written = n ? fwrite(bytes, 1, n, file) : 0;
    return fclose(file) == 0 && written == n ? 0 : -1;
}

int cache_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    }
    (void)sqlite3_close(db);
    return code;
}
