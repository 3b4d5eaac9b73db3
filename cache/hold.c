/* Snapshots kept from one hit to the next. To find a row SQLite takes a lock, asks for the file's size, runs
 * a statement, and gives the lock back; a blob handle that stays open needs none of it to move to another
 * row.
 *
 * A snapshot that stays keeps every process from carrying the log over into the file, so none may outlive its
 * use: it is begun only when hits follow each other quickly, renewed at QJ_HOLD_AGE_MS, given up before this
 * connection does anything but a hit, and given up by the keeper (keeper.c) after QJ_HOLD_IDLE_MS without
 * use. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "cache/internal.h"

enum { RECORD_MAX_BYTES = 1 << 20 };

int64_t qj_hold_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void qj_hold_end(struct qj_connection *connection)
{
    (void)sqlite3_blob_close(connection->hold.record);
    (void)sqlite3_blob_close(connection->hold.payload);
    connection->hold.record = NULL;
    connection->hold.payload = NULL;
}

static bool read_row(struct qj_hold *hold, struct qj_entry *out, int64_t id)
{
    struct qj_payload payload;
    if (sqlite3_blob_reopen(hold->record, id) != SQLITE_OK ||
        sqlite3_blob_reopen(hold->payload, id) != SQLITE_OK) {
        return false;
    }
    int n = sqlite3_blob_bytes(hold->record), code = SQLITE_OK;
    void *record = n <= RECORD_MAX_BYTES ? malloc((size_t)n + 1) : NULL;
    if (!record || sqlite3_blob_read(hold->record, record, n, 0) != SQLITE_OK) {
        free(record);
        return false;
    }
    out->memory = record;
    return qj_record_parse(&out->row, &payload, record, (size_t)n) == QJ_ROW_OK &&
           (uint64_t)sqlite3_blob_bytes(hold->payload) == out->row.stored_bytes &&
           qj_payload_read(&out->object, &code, &out->row, &payload, NULL, hold->payload) == QJ_ROW_OK;
}

bool qj_hold_get(struct qj_store *store, struct qj_connection *connection, struct qj_entry *out,
                 const uint8_t key[static QJ_DIGEST_BYTES])
{
    struct qj_hold *hold = &connection->hold;
    if (!hold->record) {
        return false;
    }
    int64_t now = qj_hold_now();
    struct qj_entry entry = {0};
    if (now - hold->begun < QJ_HOLD_AGE_MS && hold->epoch == atomic_load(&store->epoch) &&
        read_row(hold, &entry, qj_row_id(key)) && memcmp(entry.row.key, key, QJ_DIGEST_BYTES) == 0) {
        hold->used = now;
        *out = entry;
        return true;
    }
    qj_entry_finish(&entry);
    qj_hold_end(connection);
    return false;
}

void qj_hold_begin(struct qj_store *store, struct qj_connection *connection, int64_t id)
{
    struct qj_hold *hold = &connection->hold;
    int64_t now = qj_hold_now(), before = hold->last_hit;
    hold->last_hit = now;
    if (!connection->may_hold || !before || now - before >= QJ_HOLD_IDLE_MS || !qj_keeper_start(store)) {
        return;
    }
    hold->begun = now;
    hold->used = now;
    hold->epoch = atomic_load(&store->epoch); /* before the snapshot begins */
    if (sqlite3_blob_open(connection->db, "main", "entry", "record", id, 0, &hold->record) != SQLITE_OK ||
        sqlite3_blob_open(connection->db, "main", "entry", "payload", id, 0, &hold->payload) != SQLITE_OK) {
        qj_hold_end(connection);
    }
}
