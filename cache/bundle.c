/* A bundle: a store for others to read, as a file of its own. The same rows give the same bytes, whenever and
 * wherever they are written: in the order of their keys, unpacked, without times and counters. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "cache/internal.h"

/* SQLite counts changes in the header and leaves its own version there; both tell of the writer only. File
 * format, sections 1.3.7, 1.3.15 and 1.3.16. */
static int settle_header(int fd)
{
    static const struct {
        off_t at;
        uint32_t value;
    } fields[] = {{24, 1}, {92, 1}, {96, 3040000}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        uint8_t bytes[4];
        for (int k = 0; k < 4; k++) {
            bytes[k] = (uint8_t)(fields[i].value >> (24 - 8 * k));
        }
        if (pwrite(fd, bytes, sizeof bytes, fields[i].at) != (ssize_t)sizeof bytes) {
            return -1;
        }
    }
    return fsync(fd);
}

static int begin(sqlite3 *db)
{
    char sql[512];
    (void)snprintf(
        sql, sizeof sql,
        "PRAGMA page_size=%d; PRAGMA auto_vacuum=NONE; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
        "PRAGMA secure_delete=ON; PRAGMA locking_mode=EXCLUSIVE; BEGIN IMMEDIATE;"
        "PRAGMA application_id=%d; PRAGMA user_version=%d;",
        QJ_STORE_PAGE_BYTES, QJ_STORE_APPLICATION, QJ_STORE_VERSION);
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? sqlite3_exec(db, qj_sql_schema, NULL, NULL, NULL) : code;
}

/* What of the row is not the writer's. */
static int add(struct qj_connection *bundle, struct qj_entry *entry, const struct qj_secret_key *key)
{
    struct qj_row row = entry->row;
    struct qj_signature signature;
    uint8_t digest[QJ_DIGEST_BYTES];
    row.created = 0;
    row.compile_us = 0;
    row.stored_bytes = row.object_bytes;
    if (key) {
        qj_row_digest(digest, &row, entry->object, (size_t)row.object_bytes);
        qj_signature_make(&signature, key, digest, sizeof digest);
        row.signature = &signature;
    }
    return qj_entry_insert(bundle, &row, QJ_CODEC_RAW, entry->object, (size_t)row.object_bytes);
}

/* A row to be written, and where it is read from. */
struct item {
    struct qj_listed listed;
    size_t layer; /* 0: the store itself */
};

struct writing {
    const struct qj_bundle *what;
    struct qj_transferred *out;
    struct qj_store **layers;
    struct qj_connection **from; /* one for each layer */
    size_t n_layers;
    struct item *items;
    size_t n_items;
};

/* Keys in the order of SQLite's tree; of two of one key, the one that a look-up would find. */
static int by_id(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    return x->listed.id != y->listed.id ? (x->listed.id > y->listed.id) - (x->listed.id < y->listed.id)
                                        : (x->layer > y->layer) - (x->layer < y->layer);
}

/* Adds the rows of a layer that are wanted, and the damaged ones, so that they are counted. */
static qjit_status gather(struct writing *writing, size_t layer)
{
    struct qj_list list = {0};
    const struct qj_bundle *what = writing->what;
    int code = qj_list_gather(&list, writing->from[layer], NULL);
    struct item *items = realloc(writing->items, (writing->n_items + list.n_rows + 1) * sizeof *items);
    writing->items = items ? items : writing->items;
    for (size_t i = 0; i < list.n_rows && items && code == SQLITE_OK; i++) {
        struct qj_listed *listed = &list.rows[i];
        if (!listed->is_sound || !what->wants || what->wants(what->transfer.payload, &listed->row)) {
            items[writing->n_items++] = (struct item){*listed, layer};
            listed->memory = NULL; /* the item's now */
        }
    }
    qj_list_finish(&list);
    if (!items || code == SQLITE_NOMEM) {
        return qj_fail(QJIT_NO_MEMORY, "out of memory listing the store");
    }
    return code == SQLITE_OK ? QJIT_OK
                             : qj_fail(QJIT_CACHE_UNUSABLE, "cannot list '%s': %s",
                                       writing->layers[layer]->place.path, sqlite3_errstr(code));
}

static int copy_rows(struct writing *writing, struct qj_connection *bundle)
{
    const struct item *last = NULL;
    int code = SQLITE_OK;
    for (size_t i = 0; i < writing->n_items && code == SQLITE_OK; i++) {
        const struct item *item = &writing->items[i];
        struct qj_entry entry = {0};
        if (last && last->listed.id == item->listed.id) {
            continue;
        }
        code = qj_transfer_read(writing->from[item->layer], &entry, &item->listed, &writing->what->transfer,
                                writing->out);
        if (code == SQLITE_ROW) {
            last = item;
            code = add(bundle, &entry, writing->what->key);
            writing->out->n_added += code == SQLITE_OK;
            qj_entry_finish(&entry);
        }
        code = code == SQLITE_DONE ? SQLITE_OK : code;
    }
    return code;
}

/* A file that nobody else has: what is at `path` stays until the new one is whole. */
static int create(char **out, const char *path)
{
    int fd = -1;
    *out = NULL;
    for (int i = 0; i < 100 && fd < 0 && (i == 0 || errno == EEXIST); i++) {
        struct qj_buf name = {0};
        free(*out);
        qj_buf_printf(&name, "%s.new-%d-%d", path, (int)getpid(), i);
        *out = name.bytes;
        fd = name.failed ? -1 : open(*out, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    }
    return fd;
}

/* Fills the empty file at `path`. */
static int fill(struct writing *writing, const char *path)
{
    struct qj_connection bundle = {0};
    int code = sqlite3_open_v2(path, &bundle.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    code = code == SQLITE_OK ? begin(bundle.db) : code;
    code = code == SQLITE_OK ? copy_rows(writing, &bundle) : code;
    code = code == SQLITE_OK ? qj_connection_run(&bundle, QJ_SQL_COMMIT) : code;
    for (int i = 0; i < QJ_SQL_COUNT; i++) {
        (void)sqlite3_finalize(bundle.statements[i]);
    }
    int closed = sqlite3_close(bundle.db);
    return code == SQLITE_OK ? closed : code;
}

static qjit_status write_file(struct writing *writing, const char *path)
{
    char *name;
    struct stat info;
    int fd = create(&name, path);
    if (fd < 0) {
        qjit_status failed = name ? qj_fail(QJIT_IO, "cannot write '%s': %s", path, strerror(errno))
                                  : qj_fail(QJIT_NO_MEMORY, "out of memory writing '%s'", path);
        free(name);
        return failed;
    }
    int code = fill(writing, name);
    qjit_status status = QJIT_OK;
    if (code == SQLITE_OK && !writing->out->n_added) {
        status = qj_fail(QJIT_NOT_FOUND, "the store has nothing to put into '%s'", path);
    } else if (code != SQLITE_OK) {
        status = qj_fail((code & 0xff) == SQLITE_NOMEM ? QJIT_NO_MEMORY : QJIT_IO, "cannot write '%s': %s",
                         path, sqlite3_errstr(code));
    } else if (settle_header(fd) != 0 || fstat(fd, &info) != 0 || rename(name, path) != 0) {
        status = qj_fail(QJIT_IO, "cannot write '%s': %s", path, strerror(errno));
    } else {
        writing->out->file_bytes = (uint64_t)info.st_size;
    }
    if (status != QJIT_OK) {
        (void)unlink(name);
    }
    (void)close(fd);
    free(name);
    return status;
}

/* A bundle over a store that is in use would take its rows from under it. */
static qjit_status check_target(const struct writing *writing, const char *path)
{
    char *real = realpath(path, NULL);
    qjit_status status = QJIT_OK;
    for (size_t i = 0; i < writing->n_layers && real; i++) {
        const char *used = writing->layers[i]->place.path;
        if (used && strcmp(used, real) == 0) {
            status =
                qj_fail(QJIT_INVALID_ARGUMENT, "'%s' is where the rows come from; give another file", path);
        }
    }
    free(real);
    return status;
}

static void finish(struct writing *writing)
{
    for (size_t i = 0; i < writing->n_items; i++) {
        free(writing->items[i].listed.memory);
    }
    for (size_t i = 0; writing->from && i < writing->n_layers; i++) {
        if (writing->from[i]) {
            qj_store_return(writing->layers[i], writing->from[i]);
        }
    }
    free(writing->items);
    free(writing->from);
    free(writing->layers);
}

qjit_status qj_store_export(struct qj_store *store, struct qj_transferred *out, const char *path,
                            const struct qj_bundle *what)
{
    size_t n = 1 + store->n_shipped;
    struct writing writing = {.what = what,
                              .out = out,
                              .layers = calloc(n, sizeof *writing.layers),
                              .from = calloc(n, sizeof *writing.from)};
    qjit_status status = writing.layers && writing.from ? QJIT_OK : qj_fail(QJIT_NO_MEMORY, "out of memory");
    *out = (struct qj_transferred){0};
    while (status == QJIT_OK && writing.n_layers < n) {
        size_t i = writing.n_layers++;
        writing.layers[i] = i ? store->shipped[i - 1] : store;
        status = qj_store_borrow(writing.layers[i], &writing.from[i]);
        status = status == QJIT_OK ? gather(&writing, i) : status;
    }
    status = status == QJIT_OK ? check_target(&writing, path) : status;
    if (status == QJIT_OK && writing.n_items) {
        qsort(writing.items, writing.n_items, sizeof *writing.items, by_id);
    }
    status = status == QJIT_OK ? write_file(&writing, path) : status;
    finish(&writing);
    return status;
}
