#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/status.h"
#include "cache/internal.h"

/* Packing costs a hit more than reading does, so it is done where room or the file system is the narrow
 * place. */
static bool wants_packing(const struct qj_store *store, struct qj_connection *connection)
{
    return store->place.is_shared ||
           (store->max_bytes && qj_store_used_bytes(connection) > store->max_bytes / 2);
}

static int insert(struct qj_connection *connection, const struct qj_row *row, enum qj_codec codec,
                  const void *bytes, size_t n_bytes)
{
    struct qj_payload payload = {.codec = codec, .sum = qj_payload_sum(bytes, n_bytes)};
    struct qj_buf record = {0};
    sqlite3_stmt *put = qj_connection_statement(connection, QJ_SQL_ENTRY_PUT);
    if (!put) {
        return sqlite3_extended_errcode(connection->db);
    }
    qj_record_write(&record, row, &payload);
    int code = record.failed ? SQLITE_NOMEM : sqlite3_bind_int64(put, 1, qj_row_id(row->key));
    if (code == SQLITE_OK) {
        code = sqlite3_bind_blob64(put, 2, record.bytes, record.size, SQLITE_STATIC);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_bind_blob64(put, 3, n_bytes ? bytes : "", n_bytes, SQLITE_STATIC);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_step(put);
    }
    (void)sqlite3_reset(put);
    (void)sqlite3_clear_bindings(put); /* what was bound is not kept */
    qj_buf_finish(&record);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int put_with(struct qj_store *store, struct qj_connection *connection, struct qj_row *row,
                    const void *object, size_t n_bytes)
{
    void *packed = NULL;
    size_t n_stored = n_bytes;
    enum qj_codec codec = QJ_CODEC_RAW;
    if (wants_packing(store, connection)) {
        codec = qj_payload_pack(&packed, &n_stored, object, n_bytes);
        n_stored = packed ? n_stored : n_bytes;
    }
    row->object_bytes = n_bytes;
    row->stored_bytes = n_stored;
    row->created = qj_clock_epoch_s();
    int code = insert(connection, row, codec, packed ? packed : object, n_stored);
    if (code == SQLITE_OK && store->max_bytes && qj_store_used_bytes(connection) > store->max_bytes) {
        int64_t id = qj_row_id(row->key);
        code = qj_evict(connection, NULL, store->max_bytes, &id);
    }
    free(packed);
    return code;
}

qjit_status qj_store_put(struct qj_store *store, const struct qj_row *row, const void *object, size_t n_bytes)
{
    struct qj_connection *connection;
    struct qj_row written = *row;
    if (n_bytes > QJ_OBJECT_MAX_BYTES || (store->max_bytes && n_bytes > store->max_bytes)) {
        return qj_fail(QJIT_CACHE_UNUSABLE, "a code object of %zu bytes is too large for the store", n_bytes);
    }
    qjit_status status = qj_store_borrow(store, &connection);
    if (status != QJIT_OK) {
        return status;
    }
    if (connection->is_read_only) {
        qj_store_return(store, connection);
        return QJIT_OK;
    }
    int code = put_with(store, connection, &written, object, n_bytes);
    if (code != SQLITE_OK) {
        return qj_store_fail(store, connection, code, "write");
    }
    qj_keeper_see_log(store, connection);
    qj_store_return(store, connection);
    return QJIT_OK;
}
