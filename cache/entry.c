#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/status.h"
#include "cache/internal.h"

/* Reads the object of the row that `get` stands on; larger payloads in place, within the same snapshot. */
static enum qj_row_result read_object(struct qj_connection *connection, sqlite3_stmt *get,
                                      struct qj_entry *out, const struct qj_payload *payload, int *code)
{
    enum { PAYLOAD = 1 };
    const struct qj_row *row = &out->row;
    if (row->stored_bytes <= QJ_STORE_INLINE_BYTES) {
        const void *bytes = sqlite3_column_blob(get, PAYLOAD);
        if ((uint64_t)sqlite3_column_bytes(get, PAYLOAD) != row->stored_bytes ||
            sqlite3_column_type(get, PAYLOAD) != SQLITE_BLOB) {
            return QJ_ROW_DAMAGED;
        }
        return qj_payload_read(&out->object, code, row, payload, bytes ? bytes : "", NULL);
    }
    sqlite3_blob *blob = NULL;
    enum qj_row_result result = QJ_ROW_DAMAGED;
    *code = sqlite3_blob_open(connection->db, "main", "entry", "payload", qj_row_id(row->key), 0, &blob);
    if (*code == SQLITE_ERROR) {
        *code = SQLITE_OK; /* the payload is of another type: damage to this row only */
    } else if (*code == SQLITE_OK && (uint64_t)sqlite3_blob_bytes(blob) == row->stored_bytes) {
        result = qj_payload_read(&out->object, code, row, payload, NULL, blob);
    }
    (void)sqlite3_blob_close(blob);
    return result;
}

int qj_entry_read(struct qj_connection *connection, struct qj_entry *out, enum qj_row_result *result,
                  const uint8_t key[static QJ_DIGEST_BYTES])
{
    struct qj_payload payload;
    sqlite3_stmt *get = qj_connection_statement(connection, QJ_SQL_ENTRY_GET);
    if (!get) {
        return sqlite3_extended_errcode(connection->db);
    }
    (void)sqlite3_bind_int64(get, 1, qj_row_id(key));
    (void)sqlite3_bind_int(get, 2, QJ_STORE_INLINE_BYTES);
    int code = sqlite3_step(get);
    if (code == SQLITE_ROW) {
        int read_code = SQLITE_OK;
        *result = qj_row_read(&out->row, &payload, &out->memory, get);
        if (*result == QJ_ROW_OK && memcmp(out->row.key, key, QJ_DIGEST_BYTES) != 0) {
            code = SQLITE_DONE; /* a sound row of another key */
        } else if (*result == QJ_ROW_OK) {
            *result = read_object(connection, get, out, &payload, &read_code);
            code = read_code == SQLITE_OK ? SQLITE_ROW : read_code;
        }
    }
    (void)sqlite3_reset(get);
    return code;
}

void qj_entry_refuse(struct qj_store *store, struct qj_connection *connection, int64_t id, const char *reason)
{
    qj_store_count(store, QJ_REFUSED, 1);
    qj_log(store->log, QJIT_LOG_WARNING, "removed '%016" PRIx64 "...' from the store: %s", (uint64_t)id,
           reason);
    int code = qj_connection_remove(connection, QJ_SQL_ENTRY_REMOVE, id);
    if (code == SQLITE_OK) {
        code = qj_connection_remove(connection, QJ_SQL_STAMP_REMOVE, id);
    }
    (void)atomic_fetch_add(&store->epoch, 1);
    if (code == SQLITE_OK || (code & 0xff) == SQLITE_READONLY) {
        qj_store_return(store, connection);
    } else {
        (void)qj_store_fail(store, connection, code, "remove a row from");
    }
}

qjit_status qj_entry_get_own(struct qj_store *store, struct qj_entry *out,
                             const uint8_t key[static QJ_DIGEST_BYTES])
{
    struct qj_connection *connection;
    struct qj_entry entry = {0};
    enum qj_row_result result = QJ_ROW_DAMAGED;
    qjit_status status = qj_store_borrow_to_hit(store, &connection);
    if (status != QJIT_OK) {
        return status == QJIT_NO_MEMORY ? status : QJIT_NOT_FOUND;
    }
    bool is_held = qj_hold_get(store, connection, &entry, key);
    int code = is_held ? SQLITE_ROW : qj_entry_read(connection, &entry, &result, key);
    if (is_held || (code == SQLITE_ROW && result == QJ_ROW_OK)) {
        entry.layer = connection->is_memory ? QJ_LAYER_MEMORY : QJ_LAYER_USER;
        if (!is_held) {
            qj_hold_begin(store, connection, qj_row_id(key));
        }
        qj_store_return(store, connection);
        int64_t now = qj_clock_epoch_s();
        if (now - entry.row.used >= QJ_STAMP_S) {
            qj_store_note_use(store, key, now);
        }
        *out = entry;
        return QJIT_OK;
    }
    qj_entry_finish(&entry);
    if (code == SQLITE_ROW && result == QJ_ROW_NO_MEMORY) {
        qj_store_return(store, connection);
        return qj_fail(QJIT_NO_MEMORY, "out of memory for a code object from the store");
    }
    if (code == SQLITE_ROW) {
        out->was_damaged = true;
        qj_entry_refuse(store, connection, qj_row_id(key), QJ_DAMAGED_ROW);
    } else if (code == SQLITE_DONE) {
        qj_store_return(store, connection);
    } else {
        (void)qj_store_fail(store, connection, code, "read");
        qj_log(store->log, QJIT_LOG_WARNING, "%s", qjit_error_detail());
    }
    return qj_fail(QJIT_NOT_FOUND, "not in the store");
}

qjit_status qj_store_get(struct qj_store *store, struct qj_entry *out,
                         const uint8_t key[static QJ_DIGEST_BYTES])
{
    out->was_damaged = false;
    qjit_status status = qj_entry_get_own(store, out, key);
    if (status == QJIT_NOT_FOUND) {
        status = qj_shipped_get(store, out, key);
    }
    if (status == QJIT_OK) {
        qj_store_count_hit(store, out);
    } else {
        qj_store_count(store, QJ_MISSES, 1);
    }
    return status;
}

void qj_entry_finish(struct qj_entry *entry)
{
    free(entry->object);
    free(entry->memory);
    *entry = (struct qj_entry){0};
}

bool qj_store_has(struct qj_store *store, const uint8_t key[static QJ_DIGEST_BYTES])
{
    struct qj_connection *connection;
    if (qj_store_borrow(store, &connection) != QJIT_OK) {
        return false;
    }
    struct qj_row row;
    struct qj_payload payload;
    void *memory = NULL;
    bool found = false;
    int code = SQLITE_ERROR;
    sqlite3_stmt *has = qj_connection_statement(connection, QJ_SQL_ENTRY_HAS);
    if (has) {
        (void)sqlite3_bind_int64(has, 1, qj_row_id(key));
        code = sqlite3_step(has);
        found = code == SQLITE_ROW && qj_row_read(&row, &payload, &memory, has) == QJ_ROW_OK &&
                memcmp(row.key, key, QJ_DIGEST_BYTES) == 0;
        free(memory);
        (void)sqlite3_reset(has);
    }
    if (code == SQLITE_ROW || code == SQLITE_DONE) {
        qj_store_return(store, connection);
    } else {
        (void)qj_store_fail(store, connection, code, "read");
    }
    return found;
}

void qj_store_refuse(struct qj_store *store, const uint8_t key[static QJ_DIGEST_BYTES], const char *reason)
{
    struct qj_connection *connection;
    if (store->n_shipped && !qj_store_has(store, key)) {
        qj_shipped_refuse(store, qj_row_id(key), reason);
    } else if (qj_store_borrow(store, &connection) == QJIT_OK) {
        qj_entry_refuse(store, connection, qj_row_id(key), reason);
    } else {
        qj_store_count(store, QJ_REFUSED, 1);
    }
}
