#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/status.h"
#include "cache/internal.h"

struct listed {
    struct qj_row row;
    void *memory;
};

struct list {
    struct listed *rows;
    size_t n_rows, n_room;
};

static void list_finish(struct list *list)
{
    for (size_t i = 0; i < list->n_rows; i++) {
        free(list->rows[i].memory);
    }
    free(list->rows);
}

static bool list_reserve(struct list *list)
{
    if (list->n_rows < list->n_room) {
        return true;
    }
    size_t n_room = list->n_room ? 2 * list->n_room : 64;
    struct listed *rows = realloc(list->rows, n_room * sizeof *rows);
    if (!rows) {
        return false;
    }
    list->rows = rows;
    list->n_room = n_room;
    return true;
}

static sqlite3_stmt *filtered(struct qj_connection *connection, enum qj_sql which,
                              const struct qj_store_filter *filter)
{
    static const struct qj_store_filter everything;
    const struct qj_store_filter *f = filter ? filter : &everything;
    sqlite3_stmt *statement = qj_connection_statement(connection, which);
    if (statement) {
        (void)sqlite3_bind_text(statement, 1, f->arch, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(statement, 2, f->unit, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(statement, 3, f->module, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(statement, 4, f->used_before);
        (void)sqlite3_bind_text(statement, 5, f->compiler, -1, SQLITE_STATIC);
    }
    return statement;
}

/* Gathers sound rows; damaged ones are left for the next get to refuse. */
static int gather(struct qj_connection *connection, struct list *out, const struct qj_store_filter *filter)
{
    sqlite3_stmt *each = filtered(connection, QJ_SQL_ENTRY_EACH, filter);
    if (!each) {
        return sqlite3_extended_errcode(connection->db);
    }
    int code;
    while ((code = sqlite3_step(each)) == SQLITE_ROW) {
        struct qj_payload payload;
        struct listed *next = list_reserve(out) ? &out->rows[out->n_rows] : NULL;
        enum qj_row_result result =
            next ? qj_row_read(&next->row, &payload, &next->memory, each) : QJ_ROW_NO_MEMORY;
        if (result == QJ_ROW_NO_MEMORY) {
            code = SQLITE_NOMEM;
            break;
        }
        if (result == QJ_ROW_OK && qj_stamp_read(&next->row, each)) {
            out->n_rows++;
        } else {
            free(next->memory);
        }
    }
    (void)sqlite3_reset(each);
    (void)sqlite3_clear_bindings(each);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

qjit_status qj_store_each(struct qj_store *store, const struct qj_store_filter *filter,
                          int (*each)(void *payload, const struct qj_row *row), void *payload)
{
    struct qj_connection *connection;
    struct list list = {0};
    qjit_status status = qj_store_borrow(store, &connection);
    if (status != QJIT_OK) {
        return status;
    }
    int code = gather(connection, &list, filter);
    if (code != SQLITE_OK) {
        status = qj_store_fail(store, connection, code, "list");
        goto done;
    }
    /* Given back first: the callback may use the store. */
    qj_store_return(store, connection);
    for (size_t i = 0; i < list.n_rows; i++) {
        if (each(payload, &list.rows[i].row) != 0) {
            break;
        }
    }
done:
    list_finish(&list);
    return status;
}

static int clear_rows(struct qj_connection *connection, uint64_t *out, const struct qj_store_filter *filter)
{
    int code = qj_connection_run(connection, QJ_SQL_BEGIN);
    if (code != SQLITE_OK) {
        return code;
    }
    sqlite3_stmt *clear = filtered(connection, QJ_SQL_ENTRY_CLEAR, filter);
    code = clear ? sqlite3_step(clear) : SQLITE_ERROR;
    *out = (uint64_t)sqlite3_changes64(connection->db);
    (void)sqlite3_reset(clear);
    if (clear) {
        (void)sqlite3_clear_bindings(clear);
    }
    code = code == SQLITE_DONE ? qj_connection_run(connection, QJ_SQL_STAMP_PRUNE) : code;
    code = code == SQLITE_OK ? qj_connection_run(connection, QJ_SQL_COMMIT) : code;
    if (code != SQLITE_OK) {
        (void)qj_connection_run(connection, QJ_SQL_ROLLBACK);
    }
    return code;
}

qjit_status qj_store_clear(struct qj_store *store, uint64_t *out, const struct qj_store_filter *filter)
{
    struct qj_connection *connection;
    uint64_t n_rows = 0;
    qj_store_flush(store); /* what has been used in this process is not old */
    qjit_status status = qj_store_borrow(store, &connection);
    if (status != QJIT_OK) {
        return status;
    }
    if (connection->is_read_only) {
        qj_store_return(store, connection);
        return qj_fail(QJIT_CACHE_UNUSABLE, "%s", store->place.reason);
    }
    int code = clear_rows(connection, &n_rows, filter);
    if (code != SQLITE_OK) {
        return qj_store_fail(store, connection, code, "clear");
    }
    /* Others reading or writing at this moment keep the file as long as it is; the next clear shortens it. */
    (void)qj_connection_run(connection, QJ_SQL_VACUUM);
    (void)qj_connection_run(connection, QJ_SQL_CHECKPOINT);
    qj_store_return(store, connection);
    if (out) {
        *out = n_rows;
    }
    return QJIT_OK;
}

static int read_totals(struct qj_connection *connection, qjit_cache_stat *out)
{
    sqlite3_stmt *totals = qj_connection_statement(connection, QJ_SQL_ENTRY_TOTALS);
    int code = totals ? sqlite3_step(totals) : sqlite3_extended_errcode(connection->db);
    if (code == SQLITE_ROW) {
        out->n_entries = (uint64_t)sqlite3_column_int64(totals, 0);
        out->object_bytes = (uint64_t)sqlite3_column_double(totals, 1);
        out->stored_bytes = (uint64_t)sqlite3_column_double(totals, 2);
        code = SQLITE_OK;
    }
    (void)sqlite3_reset(totals);
    return code;
}

static uint64_t read_counter(struct qj_connection *connection, const struct qj_store *store,
                             enum qj_counter counter)
{
    uint64_t count = atomic_load_explicit(&store->counters[counter], memory_order_relaxed);
    sqlite3_stmt *get = qj_connection_statement(connection, QJ_SQL_COUNTER_GET);
    if (get) {
        (void)sqlite3_bind_text(get, 1, qj_counter_names[counter], -1, SQLITE_STATIC);
        if (sqlite3_step(get) == SQLITE_ROW) {
            count += (uint64_t)sqlite3_column_int64(get, 0);
        }
        (void)sqlite3_reset(get);
    }
    return count;
}

static uint64_t file_bytes(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
}

qjit_status qj_store_stat(struct qj_store *store, qjit_cache_stat *out)
{
    struct qj_connection *connection;
    qjit_status status = qj_store_borrow(store, &connection);
    if (status != QJIT_OK) {
        return status;
    }
    qjit_cache_stat stat = {.struct_size = out->struct_size};
    int code = read_totals(connection, &stat);
    if (code != SQLITE_OK) {
        return qj_store_fail(store, connection, code, "read");
    }
    stat.n_hits = read_counter(connection, store, QJ_HITS);
    stat.n_misses = read_counter(connection, store, QJ_MISSES);
    stat.n_refused = read_counter(connection, store, QJ_REFUSED);
    stat.n_compiles = read_counter(connection, store, QJ_COMPILES);
    stat.n_failed = read_counter(connection, store, QJ_FAILED);
    stat.compile_us = read_counter(connection, store, QJ_COMPILE_US);
    stat.path = connection->is_memory ? "" : store->place.path;
    stat.file_bytes = connection->is_memory ? 0 : file_bytes(store->place.path);
    qj_store_return(store, connection);
    (void)pthread_mutex_lock(&store->lock);
    stat.memory_reason = store->later_reason ? store->later_reason : store->place.reason;
    (void)pthread_mutex_unlock(&store->lock);
    *out = stat;
    return QJIT_OK;
}
