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

int qj_entry_insert(struct qj_connection *connection, const struct qj_row *row, enum qj_codec codec,
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

/* At most, with its record and the unused ends of pages. */
static uint64_t room_of(const struct qj_row *row)
{
    enum { PAGES = 3, TEXT_BYTES = 8192 };
    return row->stored_bytes + strlen(row->log ? row->log : "") + TEXT_BYTES + PAGES * QJ_STORE_PAGE_BYTES;
}

/* Rows make way before this one comes, so that the file never grows past the limit; a little more than
 * needed, so that not every put has to look through all rows. */
static int make_room(struct qj_store *store, struct qj_connection *connection, uint64_t *out,
                     uint64_t n_bytes)
{
    uint64_t most = store->max_bytes - store->max_bytes / 128;
    int code = qj_evict(store, connection, out, most > n_bytes ? most - n_bytes : 0);
    bool fits = qj_store_used_bytes(connection) + n_bytes <= store->max_bytes;
    return code == SQLITE_OK && !fits ? SQLITE_FULL : code;
}

static int insert_in_limit(struct qj_store *store, struct qj_connection *connection, const struct qj_row *row,
                           enum qj_codec codec, const void *bytes, bool may_evict)
{
    size_t n_bytes = (size_t)row->stored_bytes;
    uint64_t n_room = room_of(row), n_evicted = 0;
    if (!store->max_bytes || qj_store_used_bytes(connection) + n_room <= store->max_bytes) {
        return qj_entry_insert(connection, row, codec, bytes, n_bytes);
    }
    if (!may_evict) {
        return SQLITE_FULL;
    }
    qj_store_flush(store); /* what has been used in this process is not old */
    int code = qj_connection_run(connection, QJ_SQL_BEGIN);
    if (code == SQLITE_OK) {
        code = make_room(store, connection, &n_evicted, n_room);
        code = code == SQLITE_OK ? qj_entry_insert(connection, row, codec, bytes, n_bytes) : code;
        code = qj_connection_end(connection, code);
        qj_note_evicted(store, code == SQLITE_OK ? n_evicted : 0);
    }
    return code;
}

static int put_with(struct qj_store *store, struct qj_connection *connection, struct qj_row *row,
                    const void *object, bool may_evict)
{
    void *packed = NULL;
    size_t n_stored = (size_t)row->object_bytes;
    enum qj_codec codec = QJ_CODEC_RAW;
    if (wants_packing(store, connection)) {
        codec = qj_payload_pack(&packed, &n_stored, object, (size_t)row->object_bytes);
        n_stored = packed ? n_stored : (size_t)row->object_bytes;
    }
    row->stored_bytes = n_stored;
    row->created = qj_clock_epoch_s();
    int code = insert_in_limit(store, connection, row, codec, packed ? packed : object, may_evict);
    free(packed);
    return code;
}

/* SQLite says the same of a full disk, which is not ours to name. */
static qjit_status fail_full(const struct qj_store *store, bool may_evict)
{
    return qj_fail(
        QJIT_CACHE_UNUSABLE, "the store has reached its limit of %llu MiB%s; raise QJIT_CACHE_MAX_SIZE",
        (unsigned long long)(store->max_bytes >> 20), may_evict ? ", all of it in use by this process" : "");
}

qjit_status qj_entry_put(struct qj_store *store, const struct qj_row *row, const void *object, size_t n_bytes,
                         bool may_evict)
{
    struct qj_connection *connection;
    struct qj_row written = *row;
    written.object_bytes = n_bytes;
    if (n_bytes > QJ_OBJECT_MAX_BYTES || (store->max_bytes && n_bytes > store->max_bytes)) {
        return qj_fail(QJIT_CACHE_UNUSABLE, "a code object of %zu bytes is too large for the store", n_bytes);
    }
    qjit_status status = qj_store_borrow(store, &connection);
    if (status != QJIT_OK) {
        return status;
    }
    if (connection->is_read_only) {
        qj_store_return(store, connection);
        return may_evict ? QJIT_OK : qj_fail(QJIT_CACHE_UNUSABLE, "%s", store->place.reason);
    }
    int code = put_with(store, connection, &written, object, may_evict);
    if (code == SQLITE_FULL && store->max_bytes &&
        qj_store_used_bytes(connection) + room_of(&written) > store->max_bytes) {
        qj_store_return(store, connection);
        return fail_full(store, may_evict);
    }
    if (code != SQLITE_OK) {
        return qj_store_fail(store, connection, code, "write");
    }
    qj_keeper_see_log(store, connection);
    qj_store_return(store, connection);
    return QJIT_OK;
}

/* Another one means that the file turned out damaged, and that there is a new store now. */
static unsigned generation_of(struct qj_store *store)
{
    (void)pthread_mutex_lock(&store->lock);
    unsigned generation = store->generation;
    (void)pthread_mutex_unlock(&store->lock);
    return generation;
}

qjit_status qj_store_put(struct qj_store *store, const struct qj_row *row, const void *object, size_t n_bytes)
{
    unsigned before = generation_of(store);
    qjit_status status = qj_entry_put(store, row, object, n_bytes, true);
    return status == QJIT_OK || before == generation_of(store)
               ? status
               : qj_entry_put(store, row, object, n_bytes, true);
}
