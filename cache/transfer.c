/* Rows carried from one file to another: into the store, or out of it into a file for others (bundle.c). What
 * comes from elsewhere may have been made to do harm: the file is opened as a shipped one, looked through
 * whole before any row is asked for, and each row is verified by itself. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "cache/internal.h"

/* One page met twice would let a few pages pass for any number of rows, so that is ruled out first. */
static qjit_status check_whole(struct qj_connection *connection, const char *path)
{
    sqlite3_stmt *statement = qj_connection_statement(connection, QJ_SQL_CHECK);
    const char *found = NULL;
    if (statement && sqlite3_step(statement) == SQLITE_ROW) {
        found = (const char *)sqlite3_column_text(statement, 0);
    }
    qjit_status status = QJIT_OK;
    if (!found || strcmp(found, "ok") != 0) {
        status = qj_fail(QJIT_BAD_FILE, "'%s' is damaged: %s", path,
                         found ? found : sqlite3_errmsg(connection->db));
    }
    (void)sqlite3_reset(statement);
    return status;
}

/* A file from elsewhere, to be read to its end. Not mapped: it may be cut short while it is read. */
static qjit_status open_source(struct qj_connection **out, const char *path)
{
    struct qj_place place;
    char why[1024] = "";
    if (qj_shipped_place_init(&place, path, false) != 0) {
        qj_place_finish(&place);
        return qj_fail(QJIT_NO_MEMORY, "out of memory opening '%s'", path);
    }
    qjit_status status = QJIT_OK;
    if (place.mode == QJ_STORE_MEMORY) {
        status = qj_fail(QJIT_BAD_FILE, "%s", place.reason);
    }
    place.is_shared = true;
    enum qj_open_result result =
        status == QJIT_OK ? qj_connection_open(out, &place, NULL, why, sizeof why) : QJ_OPEN_FAILED;
    if (status == QJIT_OK && result != QJ_OPEN_OK) {
        status = result == QJ_OPEN_NO_MEMORY ? qj_fail(QJIT_NO_MEMORY, "out of memory opening '%s'", path)
                                             : qj_fail(QJIT_BAD_FILE, "%s", why);
    }
    if (status == QJIT_OK && (status = check_whole(*out, path)) != QJIT_OK) {
        qj_connection_close(*out);
    }
    qj_place_finish(&place);
    return status;
}

/* Why the row that was read is not taken; NULL if it is. */
static const char *refusal(const struct qj_transfer *transfer, const struct qj_listed *listed,
                           const struct qj_entry *entry, int code, enum qj_row_result result)
{
    if (!listed->is_sound || code != SQLITE_ROW || result != QJ_ROW_OK) {
        return QJ_DAMAGED_ROW;
    }
    const char *reason = transfer->refuses ? transfer->refuses(transfer->payload, entry) : NULL;
    return reason ? reason : qj_entry_distrust(entry, transfer->trust);
}

int qj_transfer_read(struct qj_connection *connection, struct qj_entry *out, const struct qj_listed *listed,
                     const struct qj_transfer *transfer, struct qj_transferred *counts)
{
    enum qj_row_result result = QJ_ROW_DAMAGED;
    int code = listed->is_sound ? qj_entry_read(connection, out, &result, listed->row.key) : SQLITE_DONE;
    if ((code & 0xff) == SQLITE_NOMEM || result == QJ_ROW_NO_MEMORY) {
        qj_entry_finish(out);
        return SQLITE_NOMEM;
    }
    if (listed->is_sound && code == SQLITE_DONE) {
        qj_entry_finish(out);
        return SQLITE_DONE; /* removed in the meantime */
    }
    counts->n_rows++;
    const char *reason = refusal(transfer, listed, out, code, result);
    if (reason) {
        counts->n_refused++;
        if (transfer->refused) {
            transfer->refused(transfer->payload, listed->is_sound ? &listed->row : NULL, reason);
        }
        qj_entry_finish(out);
        return SQLITE_DONE;
    }
    return SQLITE_ROW;
}

/* Into the store, unless a sound row of this key is there. */
static qjit_status take(struct qj_store *store, struct qj_transferred *out, const struct qj_entry *entry)
{
    struct qj_entry own;
    if (qj_entry_get_own(store, &own, entry->row.key) == QJIT_OK) {
        qj_entry_finish(&own);
        out->n_present++;
        return QJIT_OK;
    }
    qjit_status status =
        qj_entry_put(store, &entry->row, entry->object, (size_t)entry->row.object_bytes, false);
    out->n_added += status == QJIT_OK;
    return status;
}

qjit_status qj_store_import(struct qj_store *store, struct qj_transferred *out, const char *path,
                            const struct qj_transfer *transfer)
{
    struct qj_connection *source;
    struct qj_list list = {0};
    *out = (struct qj_transferred){0};
    qjit_status status = open_source(&source, path);
    if (status != QJIT_OK) {
        return status;
    }
    int code = qj_list_gather(&list, source, NULL);
    if (code != SQLITE_OK) {
        status = qj_fail(code == SQLITE_NOMEM ? QJIT_NO_MEMORY : QJIT_BAD_FILE, "cannot read '%s': %s", path,
                         sqlite3_errstr(code));
    }
    for (size_t i = 0; i < list.n_rows && status == QJIT_OK; i++) {
        struct qj_entry entry = {0};
        code = qj_transfer_read(source, &entry, &list.rows[i], transfer, out);
        if (code == SQLITE_ROW) {
            status = take(store, out, &entry);
            qj_entry_finish(&entry);
        } else if (code == SQLITE_NOMEM) {
            status = qj_fail(QJIT_NO_MEMORY, "out of memory for a code object from '%s'", path);
        }
    }
    qj_list_finish(&list);
    qj_connection_close(source);
    return status;
}
