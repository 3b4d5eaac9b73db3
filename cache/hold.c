/* Snapshots kept from one hit to the next. To find a row SQLite takes a lock, asks for the file's size, runs
 * a statement, and gives the lock back; a blob handle that stays open needs none of it to move to another
 * row.
 *
 * A snapshot that stays keeps every process from carrying the log over into the file, so none may outlive its
 * use: it is begun only when hits follow each other quickly, renewed at QJ_HOLD_AGE_MS, given up before this
 * connection does anything but a hit, and given up by the keeper, a thread that a store starts with its first
 * snapshot, after QJ_HOLD_IDLE_MS without use. The keeper sleeps as long as nothing is held. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "cache/internal.h"

enum { RECORD_MAX_BYTES = 1 << 20 };

static int64_t now_ms(void)
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

bool qj_hold_get(struct qj_connection *connection, struct qj_entry *out,
                 const uint8_t key[static QJ_DIGEST_BYTES])
{
    struct qj_hold *hold = &connection->hold;
    if (!hold->record) {
        return false;
    }
    int64_t now = now_ms();
    struct qj_entry entry = {0};
    if (now - hold->begun < QJ_HOLD_AGE_MS && read_row(hold, &entry, qj_row_id(key)) &&
        memcmp(entry.row.key, key, QJ_DIGEST_BYTES) == 0) {
        hold->used = now;
        *out = entry;
        return true;
    }
    qj_entry_finish(&entry);
    qj_hold_end(connection);
    return false;
}

/* The idle connections whose snapshot is to be given up, taken off the list. *is_held tells whether others
 * keep theirs. */
static struct qj_connection *take_unused(struct qj_store *store, bool *is_held)
{
    int64_t now = now_ms();
    struct qj_connection *unused = NULL, **at = &store->idle;
    *is_held = false;
    while (*at) {
        struct qj_connection *connection = *at;
        if (connection->hold.record && now - connection->hold.used >= QJ_HOLD_IDLE_MS) {
            *at = connection->next;
            connection->next = unused;
            unused = connection;
        } else {
            *is_held = *is_held || connection->hold.record;
            at = &connection->next;
        }
    }
    return unused;
}

static void give_up(struct qj_store *store, struct qj_connection *unused)
{
    while (unused) {
        struct qj_connection *next = unused->next;
        qj_hold_end(unused);
        qj_store_return(store, unused);
        unused = next;
    }
}

static void *keep(void *payload)
{
    struct qj_store *store = payload;
    (void)pthread_mutex_lock(&store->lock);
    while (!store->is_closing) {
        bool is_held;
        struct qj_connection *unused = take_unused(store, &is_held);
        if (unused) {
            (void)pthread_mutex_unlock(&store->lock);
            give_up(store, unused);
            (void)pthread_mutex_lock(&store->lock);
        } else if (is_held) {
            struct timespec until;
            (void)clock_gettime(CLOCK_MONOTONIC, &until);
            until.tv_nsec += QJ_HOLD_IDLE_MS * 1000000L;
            until.tv_sec += until.tv_nsec / 1000000000;
            until.tv_nsec %= 1000000000;
            (void)pthread_cond_timedwait(&store->wake, &store->lock, &until);
        } else {
            store->keeper_sleeps = true;
            (void)pthread_cond_wait(&store->wake, &store->lock);
            store->keeper_sleeps = false;
        }
    }
    (void)pthread_mutex_unlock(&store->lock);
    return NULL;
}

/* Signals are the program's: the keeper takes none. */
static bool start_keeper(struct qj_store *store)
{
    sigset_t all, before;
    (void)pthread_mutex_lock(&store->lock);
    if (!store->has_keeper && !store->is_closing) {
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        store->has_keeper = pthread_create(&store->keeper, NULL, keep, store) == 0;
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    bool has_keeper = store->has_keeper;
    (void)pthread_mutex_unlock(&store->lock);
    return has_keeper;
}

void qj_hold_wake(struct qj_store *store)
{
    if (store->keeper_sleeps && store->idle->hold.record) {
        store->keeper_sleeps = false;
        (void)pthread_cond_signal(&store->wake);
    }
}

void qj_hold_stop(struct qj_store *store)
{
    (void)pthread_mutex_lock(&store->lock);
    store->is_closing = true;
    (void)pthread_cond_signal(&store->wake);
    (void)pthread_mutex_unlock(&store->lock);
    if (store->has_keeper) {
        (void)pthread_join(store->keeper, NULL);
        store->has_keeper = false;
    }
}

void qj_hold_begin(struct qj_store *store, struct qj_connection *connection, int64_t id)
{
    struct qj_hold *hold = &connection->hold;
    int64_t now = now_ms(), before = hold->last_hit;
    hold->last_hit = now;
    if (!connection->may_hold || !before || now - before >= QJ_HOLD_IDLE_MS || !start_keeper(store)) {
        return;
    }
    hold->begun = now;
    hold->used = now;
    if (sqlite3_blob_open(connection->db, "main", "entry", "record", id, 0, &hold->record) != SQLITE_OK ||
        sqlite3_blob_open(connection->db, "main", "entry", "payload", id, 0, &hold->payload) != SQLITE_OK) {
        qj_hold_end(connection);
    }
}
