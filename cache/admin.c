#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/status.h"
#include "cache/internal.h"

static bool is_arch(const char *arch, const char *wanted)
{
    size_t n = strlen(wanted);
    return strncmp(arch, wanted, n) == 0 && (arch[n] == '\0' || (arch[n] == ':' && !strchr(wanted, ':')));
}

static bool is_wanted(const struct qj_row *row, const struct qj_store_filter *filter)
{
    return (!filter->arch || is_arch(row->arch, filter->arch)) &&
           (!filter->unit || strcmp(row->unit, filter->unit) == 0) &&
           (!filter->module || strcmp(row->module, filter->module) == 0) &&
           (!filter->used_before || row->used < filter->used_before) &&
           (!filter->compiler || strcmp(row->compiler, filter->compiler) != 0);
}

/* The row that the statement stands on. Damaged ones have nothing but their id, and `used` of 0. */
static enum qj_row_result read_listed(struct qj_listed *out, sqlite3_stmt *each)
{
    enum { ID = 3 };
    struct qj_payload payload;
    *out = (struct qj_listed){0};
    enum qj_row_result result = qj_row_read(&out->row, &payload, &out->memory, each);
    out->id = sqlite3_column_int64(each, ID);
    out->is_sound =
        result == QJ_ROW_OK && qj_row_id(out->row.key) == out->id && qj_stamp_read(&out->row, each);
    if (!out->is_sound) {
        free(out->memory);
        *out = (struct qj_listed){.id = out->id};
    }
    return result;
}

static bool reserve(struct qj_list *list)
{
    if (list->n_rows < list->n_room) {
        return true;
    }
    size_t n_room = list->n_room ? 2 * list->n_room : 64;
    struct qj_listed *rows = realloc(list->rows, n_room * sizeof *rows);
    if (!rows) {
        return false;
    }
    list->rows = rows;
    list->n_room = n_room;
    return true;
}

int qj_list_gather(struct qj_list *out, struct qj_connection *connection,
                   const struct qj_store_filter *filter)
{
    sqlite3_stmt *each = qj_connection_statement(connection, QJ_SQL_ENTRY_EACH);
    int code = each ? SQLITE_OK : sqlite3_extended_errcode(connection->db);
    while (each && (code = sqlite3_step(each)) == SQLITE_ROW) {
        struct qj_listed listed;
        if (!reserve(out) || read_listed(&listed, each) == QJ_ROW_NO_MEMORY) {
            code = SQLITE_NOMEM;
            break;
        }
        if (!filter || (listed.is_sound && is_wanted(&listed.row, filter))) {
            out->rows[out->n_rows++] = listed;
        } else {
            free(listed.memory);
        }
    }
    (void)sqlite3_reset(each);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

void qj_list_finish(struct qj_list *list)
{
    for (size_t i = 0; i < list->n_rows; i++) {
        free(list->rows[i].memory);
    }
    free(list->rows);
    *list = (struct qj_list){0};
}

static int by_name(const void *a, const void *b)
{
    const struct qj_listed *x = a, *y = b;
    int order = strcmp(x->row.arch, y->row.arch);
    order = order ? order : strcmp(x->row.unit, y->row.unit);
    order = order ? order : (x->row.created < y->row.created) - (x->row.created > y->row.created);
    return order ? order : (x->id > y->id) - (x->id < y->id);
}

qjit_status qj_store_each(struct qj_store *store, const struct qj_store_filter *filter,
                          int (*each)(void *payload, const struct qj_row *row), void *payload)
{
    static const struct qj_store_filter sound;
    struct qj_connection *connection;
    struct qj_list list = {0};
    qjit_status status = qj_store_borrow(store, &connection);
    if (status != QJIT_OK) {
        return status;
    }
    /* Damaged rows are left for the next get to refuse. */
    int code = qj_list_gather(&list, connection, filter ? filter : &sound);
    if (code != SQLITE_OK) {
        status = qj_store_fail(store, connection, code, "list");
        goto done;
    }
    /* Given back first: the callback may use the store. */
    qj_store_return(store, connection);
    if (list.n_rows) {
        qsort(list.rows, list.n_rows, sizeof *list.rows, by_name);
    }
    for (size_t i = 0; i < list.n_rows; i++) {
        if (each(payload, &list.rows[i].row) != 0) {
            break;
        }
    }
done:
    qj_list_finish(&list);
    return status;
}

static int remove_matching(struct qj_connection *connection, uint64_t *out,
                           const struct qj_store_filter *filter)
{
    struct qj_list list = {0};
    int code = qj_list_gather(&list, connection, filter);
    for (size_t i = 0; i < list.n_rows && code == SQLITE_OK; i++) {
        code = qj_connection_remove(connection, QJ_SQL_ENTRY_REMOVE, list.rows[i].id);
    }
    *out = list.n_rows;
    qj_list_finish(&list);
    return code;
}

static int remove_all(struct qj_connection *connection, uint64_t *out)
{
    int code = qj_connection_run(connection, QJ_SQL_ENTRY_CLEAR);
    *out = (uint64_t)sqlite3_changes64(connection->db);
    return code;
}

static int clear_rows(struct qj_store *store, struct qj_connection *connection, uint64_t *out,
                      const void *filter)
{
    (void)store;
    int code = qj_connection_run(connection, QJ_SQL_BEGIN);
    if (code != SQLITE_OK) {
        return code;
    }
    code = filter ? remove_matching(connection, out, filter) : remove_all(connection, out);
    code = code == SQLITE_OK ? qj_connection_run(connection, QJ_SQL_STAMP_PRUNE) : code;
    return qj_connection_end(connection, code);
}

/* remove() of everything that is to go, in a store that can be written, and the space given back. */
static qjit_status remove_rows(struct qj_store *store, uint64_t *out, const char *what,
                               int (*remove)(struct qj_store *store, struct qj_connection *connection,
                                             uint64_t *out, const void *which),
                               const void *which)
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
    int code = remove(store, connection, &n_rows, which);
    (void)atomic_fetch_add(&store->epoch, 1);
    if (code != SQLITE_OK) {
        return qj_store_fail(store, connection, code, what);
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

qjit_status qj_store_clear(struct qj_store *store, uint64_t *out, const struct qj_store_filter *filter)
{
    return remove_rows(store, out, "clear", clear_rows, filter);
}

static int shrink_rows(struct qj_store *store, struct qj_connection *connection, uint64_t *out,
                       const void *max_bytes)
{
    int code = qj_connection_run(connection, QJ_SQL_BEGIN);
    if (code != SQLITE_OK) {
        return code;
    }
    code = qj_evict(store, connection, out, *(const uint64_t *)max_bytes);
    code = qj_connection_end(connection, code);
    qj_note_evicted(store, code == SQLITE_OK ? *out : 0);
    return code;
}

qjit_status qj_store_shrink(struct qj_store *store, uint64_t *out, uint64_t max_bytes)
{
    return remove_rows(store, out, "shrink", shrink_rows, &max_bytes);
}

/* Damaged rows are counted too; what they take is not known. */
static int read_totals(struct qj_connection *connection, qjit_cache_stat *out)
{
    sqlite3_stmt *each = qj_connection_statement(connection, QJ_SQL_ENTRY_EACH);
    int code = each ? SQLITE_OK : sqlite3_extended_errcode(connection->db);
    while (each && (code = sqlite3_step(each)) == SQLITE_ROW) {
        struct qj_listed listed;
        if (read_listed(&listed, each) == QJ_ROW_NO_MEMORY) {
            code = SQLITE_NOMEM;
            break;
        }
        out->n_entries++;
        out->object_bytes += listed.row.object_bytes;
        out->stored_bytes += listed.row.stored_bytes;
        free(listed.memory);
    }
    (void)sqlite3_reset(each);
    return code == SQLITE_DONE ? SQLITE_OK : code;
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
    qj_store_read_counters(store, connection, &stat);
    stat.path = connection->is_memory ? "" : store->place.path;
    stat.file_bytes = connection->is_memory ? 0 : file_bytes(store->place.path);
    qj_store_return(store, connection);
    (void)pthread_mutex_lock(&store->lock);
    stat.memory_reason = store->later_reason ? store->later_reason : store->place.reason;
    (void)pthread_mutex_unlock(&store->lock);
    *out = stat;
    return QJIT_OK;
}
