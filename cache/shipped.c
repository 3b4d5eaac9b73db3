/* Shipped stores: files that came with an application or an image, behind the store, read and never written.
 * Each is a store of its own whose place is immutable. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "base/fs.h"
#include "base/status.h"
#include "cache/internal.h"

/* Whose it is does not matter: packages are root's. Who else could change it does. */
static bool others_write(struct qj_place *place, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        (void)snprintf(place->reason, sizeof place->reason, "cannot look at '%s': %s", path, strerror(errno));
        return true;
    }
    bool is_sticky = S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX);
    if (info.st_mode & (S_IWGRP | S_IWOTH) && !is_sticky) {
        (void)snprintf(place->reason, sizeof place->reason,
                       "'%s' is writable by others than its owner; run: chmod go-w '%s'", path, path);
        return true;
    }
    return false;
}

static bool is_file(struct qj_place *place)
{
    struct stat info;
    bool is = stat(place->path, &info) == 0 && S_ISREG(info.st_mode);
    if (!is) {
        (void)snprintf(place->reason, sizeof place->reason, "'%s' is no file", place->path);
    }
    return is;
}

/* A log beside it means that rows are in there, a journal that pages of before are, and either that whoever
 * wrote it has not finished. */
static bool is_in_use(struct qj_place *place)
{
    static const char *const suffixes[] = {"-wal", "-journal"};
    bool in_use = false;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        struct qj_buf log = {0};
        struct stat info;
        qj_buf_printf(&log, "%s%s", place->path, suffixes[i]);
        in_use = in_use || (!log.failed && stat(log.bytes, &info) == 0 && info.st_size > 0);
        qj_buf_finish(&log);
    }
    if (in_use) {
        (void)snprintf(place->reason, sizeof place->reason,
                       "'%s' is in use, or was not closed; ship what qjit export makes of it", place->path);
    }
    return in_use;
}

int qj_shipped_place_init(struct qj_place *out, const char *path, bool stays_open)
{
    struct statfs system;
    *out = (struct qj_place){.mode = QJ_STORE_MEMORY, .is_immutable = true, .is_shipped = true};
    out->path = realpath(path, NULL);
    if (!out->path) {
        (void)snprintf(out->reason, sizeof out->reason, "cannot look at '%s': %s", path, strerror(errno));
        return errno == ENOMEM ? -1 : 0;
    }
    out->directory = strdup(out->path);
    if (!out->directory) {
        return -1;
    }
    *(strrchr(out->directory, '/') + (strrchr(out->directory, '/') == out->directory)) = '\0';
    bool is_open_to_others =
        stays_open && (others_write(out, out->path) || others_write(out, out->directory));
    if (is_open_to_others || !is_file(out) || is_in_use(out)) {
        return 0;
    }
    out->is_shared = statfs(out->path, &system) == 0 && qj_place_is_shared_type((uint64_t)system.f_type);
    out->mode = QJ_STORE_READ_ONLY;
    return 0;
}

void qj_shipped_leave_out(struct qj_store *layer, const char *reason)
{
    qj_log(layer->log, QJIT_LOG_WARNING, "shipped store '%s' is left out: %s", layer->shipped_as, reason);
}

/* Adds the file at `path`, also one that cannot be used: it is to be seen that it was asked for. */
static qjit_status add_file(struct qj_store *store, const char *path)
{
    struct qj_store **shipped = realloc(store->shipped, (store->n_shipped + 1) * sizeof *shipped);
    store->shipped = shipped ? shipped : store->shipped;
    struct qj_store *layer = shipped ? qj_store_create(store->log) : NULL;
    if (!layer) {
        return qj_fail(QJIT_NO_MEMORY, "out of memory opening '%s'", path);
    }
    shipped[store->n_shipped++] = layer;
    layer->shipped_as = strdup(path);
    if (!layer->shipped_as || qj_shipped_place_init(&layer->place, path, true) != 0) {
        return qj_fail(QJIT_NO_MEMORY, "out of memory opening '%s'", path);
    }
    if (layer->place.mode == QJ_STORE_MEMORY) {
        qj_shipped_leave_out(layer, layer->place.reason);
        return QJIT_OK;
    }
    struct qj_connection *connection; /* the first look at it; what is wrong is said there */
    qjit_status status = qj_store_borrow(layer, &connection);
    if (status == QJIT_OK) {
        qj_store_return(layer, connection);
        layer->is_open = true;
    }
    return status;
}

static int is_store(const struct dirent *file)
{
    size_t n = strlen(file->d_name);
    return strcmp(file->d_name, "store.sqlite") == 0 || (n > 5 && strcmp(file->d_name + n - 5, ".qjit") == 0);
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* A file, or the stores in a directory by name. */
static qjit_status add(struct qj_store *store, const char *path)
{
    struct stat info;
    struct dirent **files;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
        return add_file(store, path);
    }
    int n = scandir(path, &files, is_store, by_bytes);
    if (n <= 0) {
        qj_log(store->log, QJIT_LOG_WARNING, "there is no shipped store in '%s'%s%s", path, n < 0 ? ": " : "",
               n < 0 ? strerror(errno) : "");
    }
    qjit_status status = QJIT_OK;
    for (int i = 0; i < n; i++) {
        char *file = status == QJIT_OK ? qj_fs_join(path, files[i]->d_name) : NULL;
        if (status == QJIT_OK) {
            status =
                file ? add_file(store, file) : qj_fail(QJIT_NO_MEMORY, "out of memory opening '%s'", path);
        }
        free(file);
        free(files[i]);
    }
    if (n >= 0) {
        free(files);
    }
    return status;
}

qjit_status qj_shipped_open(struct qj_store *store, const char *paths)
{
    qjit_status status = QJIT_OK;
    while (status == QJIT_OK && *paths) {
        size_t n = strcspn(paths, ":");
        char *path = n ? strndup(paths, n) : NULL;
        if (n) {
            status =
                path ? add(store, path) : qj_fail(QJIT_NO_MEMORY, "out of memory opening shipped stores");
        }
        free(path);
        paths += n + (paths[n] == ':');
    }
    return status;
}

void qj_shipped_close(struct qj_store *store)
{
    for (size_t i = 0; i < store->n_shipped; i++) {
        qj_store_close(store->shipped[i]);
    }
    free(store->shipped);
    store->shipped = NULL;
    store->n_shipped = 0;
}

struct qj_store *qj_store_shipped(struct qj_store *store, size_t i, const char **path, const char **reason)
{
    if (i >= store->n_shipped) {
        return NULL;
    }
    struct qj_store *layer = store->shipped[i];
    *path = layer->shipped_as;
    (void)pthread_mutex_lock(&layer->lock);
    *reason = layer->later_reason ? layer->later_reason : layer->place.reason;
    (void)pthread_mutex_unlock(&layer->lock);
    return layer;
}

/* Whether this row of this layer may be looked for. */
static bool serves(struct qj_store *layer, int64_t id)
{
    (void)pthread_mutex_lock(&layer->lock);
    bool may = layer->place.mode == QJ_STORE_READ_ONLY;
    for (size_t i = 0; i < layer->n_refused && may; i++) {
        may = layer->refused[i] != id;
    }
    (void)pthread_mutex_unlock(&layer->lock);
    return may;
}

/* Said once: afterwards the row is not looked for. Without memory for that it is refused each time. */
static void refuse(struct qj_store *store, struct qj_store *layer, int64_t id, enum qjit_log_level level,
                   const char *reason)
{
    qj_store_count(store, QJ_REFUSED, 1);
    qj_log(store->log, level, "'%016llx...' of shipped store '%s' is passed over: %s", (unsigned long long)id,
           layer->shipped_as, reason);
    (void)pthread_mutex_lock(&layer->lock);
    int64_t *refused = realloc(layer->refused, (layer->n_refused + 1) * sizeof *refused);
    if (refused) {
        layer->refused = refused;
        refused[layer->n_refused++] = id;
    }
    (void)pthread_mutex_unlock(&layer->lock);
}

static qjit_status get_from(struct qj_store *store, struct qj_store *layer, struct qj_entry *out,
                            const uint8_t key[static QJ_DIGEST_BYTES])
{
    struct qj_connection *connection;
    struct qj_entry entry = {.layer = QJ_LAYER_SHIPPED};
    enum qj_row_result result = QJ_ROW_DAMAGED;
    qjit_status status = qj_store_borrow_to_hit(layer, &connection);
    if (status != QJIT_OK) {
        return status == QJIT_NO_MEMORY ? status : QJIT_NOT_FOUND;
    }
    int code = qj_entry_read(connection, &entry, &result, key);
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        (void)qj_store_fail(layer, connection, code,
                            "read"); /* damage leaves the whole store out from now on */
        qj_entry_finish(&entry);
        return QJIT_NOT_FOUND;
    }
    qj_store_return(layer, connection);
    enum qjit_log_level level = QJIT_LOG_WARNING;
    const char *reason = code == SQLITE_ROW && result == QJ_ROW_DAMAGED ? QJ_DAMAGED_ROW : NULL;
    if (code == SQLITE_ROW && result == QJ_ROW_OK) {
        reason = store->trust && store->trust->n_keys ? qj_entry_distrust(&entry, store->trust) : NULL;
        if (!reason) {
            *out = entry;
            return QJIT_OK;
        }
        /* A signature that is missing tends to be missing throughout: one line will do. */
        level = atomic_exchange(&layer->is_distrusted, true) ? QJIT_LOG_INFO : QJIT_LOG_WARNING;
    }
    if (reason) {
        out->was_damaged = true;
        refuse(store, layer, qj_row_id(key), level, reason);
    }
    qj_entry_finish(&entry);
    return code == SQLITE_ROW && result == QJ_ROW_NO_MEMORY
               ? qj_fail(QJIT_NO_MEMORY, "out of memory for a code object from '%s'", layer->shipped_as)
               : QJIT_NOT_FOUND;
}

qjit_status qj_shipped_get(struct qj_store *store, struct qj_entry *out,
                           const uint8_t key[static QJ_DIGEST_BYTES])
{
    for (size_t i = 0; i < store->n_shipped; i++) {
        if (serves(store->shipped[i], qj_row_id(key))) {
            qjit_status status = get_from(store, store->shipped[i], out, key);
            if (status != QJIT_NOT_FOUND) {
                return status;
            }
        }
    }
    return qj_fail(QJIT_NOT_FOUND, "not in the store");
}

/* Whether the layer has a row at this place, sound or not. */
static bool has(struct qj_store *layer, int64_t id)
{
    struct qj_connection *connection;
    if (!serves(layer, id) || qj_store_borrow(layer, &connection) != QJIT_OK) {
        return false;
    }
    sqlite3_stmt *statement = qj_connection_statement(connection, QJ_SQL_ENTRY_HAS);
    bool found = statement && sqlite3_bind_int64(statement, 1, id) == SQLITE_OK &&
                 sqlite3_step(statement) == SQLITE_ROW;
    (void)sqlite3_reset(statement);
    qj_store_return(layer, connection);
    return found;
}

void qj_shipped_refuse(struct qj_store *store, int64_t id, const char *reason)
{
    for (size_t i = 0; i < store->n_shipped; i++) {
        if (has(store->shipped[i], id)) {
            refuse(store, store->shipped[i], id, QJIT_LOG_WARNING, reason);
            return;
        }
    }
    qj_store_count(store, QJ_REFUSED, 1);
}
