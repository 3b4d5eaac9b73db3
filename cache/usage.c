/* What the store notes about its own use: in memory while it runs, written when it closes. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cache/internal.h"

void qj_store_count(struct qj_store *store, enum qj_counter counter, uint64_t n)
{
    (void)atomic_fetch_add_explicit(&store->counters[counter], n, memory_order_relaxed);
}

void qj_store_count_compile(struct qj_store *store, uint32_t compile_us, bool failed)
{
    qj_store_count(store, failed ? QJ_FAILED : QJ_COMPILES, 1);
    qj_store_count(store, QJ_COMPILE_US, compile_us);
}

void qj_store_note_use(struct qj_store *store, const uint8_t key[static QJ_DIGEST_BYTES], int64_t now)
{
    (void)pthread_mutex_lock(&store->lock);
    if (!store->stamps) {
        store->stamps = calloc(QJ_STAMP_SLOTS, sizeof *store->stamps);
    }
    if (store->stamps) {
        struct qj_stamp *stamp = &store->stamps[(uint64_t)qj_row_id(key) % QJ_STAMP_SLOTS];
        memcpy(stamp->key, key, sizeof stamp->key);
        stamp->used = now;
    }
    (void)pthread_mutex_unlock(&store->lock);
}

static int write_stamps(struct qj_connection *connection, const struct qj_stamp *stamps)
{
    int code = SQLITE_OK;
    for (size_t i = 0; stamps && i < QJ_STAMP_SLOTS && code == SQLITE_OK; i++) {
        if (!stamps[i].used) {
            continue;
        }
        sqlite3_stmt *put = qj_connection_statement(connection, QJ_SQL_STAMP_PUT);
        if (!put) {
            return sqlite3_extended_errcode(connection->db);
        }
        (void)sqlite3_bind_int64(put, 1, qj_row_id(stamps[i].key));
        (void)sqlite3_bind_int64(put, 2, stamps[i].used);
        (void)sqlite3_bind_int64(put, 3, qj_stamp_sum(qj_row_id(stamps[i].key), stamps[i].used));
        (void)sqlite3_bind_int(put, 4, QJ_STAMP_S);
        code = sqlite3_step(put);
        code = code == SQLITE_DONE ? SQLITE_OK : code;
        (void)sqlite3_reset(put);
    }
    return code;
}

static int write_counters(struct qj_connection *connection, const uint64_t counts[QJ_COUNTERS])
{
    int code = SQLITE_OK;
    for (int i = 0; i < QJ_COUNTERS && code == SQLITE_OK; i++) {
        if (!counts[i]) {
            continue;
        }
        sqlite3_stmt *add = qj_connection_statement(connection, QJ_SQL_COUNTER_ADD);
        if (!add) {
            return sqlite3_extended_errcode(connection->db);
        }
        (void)sqlite3_bind_text(add, 1, qj_counter_names[i], -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(add, 2, (int64_t)counts[i]);
        code = sqlite3_step(add);
        code = code == SQLITE_DONE ? SQLITE_OK : code;
        (void)sqlite3_reset(add);
    }
    return code;
}

static int write_all(struct qj_connection *connection, const struct qj_stamp *stamps,
                     const uint64_t counts[QJ_COUNTERS])
{
    int code = qj_connection_run(connection, QJ_SQL_BEGIN);
    if (code == SQLITE_OK) {
        code = write_stamps(connection, stamps);
        code = code == SQLITE_OK ? write_counters(connection, counts) : code;
        code = qj_connection_end(connection, code);
    }
    return code;
}

void qj_store_flush(struct qj_store *store)
{
    uint64_t counts[QJ_COUNTERS], total = 0;
    (void)pthread_mutex_lock(&store->lock);
    struct qj_stamp *stamps = store->stamps;
    store->stamps = NULL;
    bool is_file = store->place.mode == QJ_STORE_FILE;
    (void)pthread_mutex_unlock(&store->lock);
    for (int i = 0; i < QJ_COUNTERS; i++) {
        counts[i] = is_file ? atomic_exchange_explicit(&store->counters[i], 0, memory_order_relaxed) : 0;
        total += counts[i];
    }
    struct qj_connection *connection;
    if (is_file && (total || stamps)) {
        int code = SQLITE_CANTOPEN;
        if (qj_store_borrow(store, &connection) == QJIT_OK) {
            code = write_all(connection, stamps, counts);
            if (code == SQLITE_OK) {
                qj_store_return(store, connection);
            } else {
                (void)qj_store_fail(store, connection, code, "note use in");
            }
        }
        for (int i = 0; i < QJ_COUNTERS && code != SQLITE_OK; i++) {
            qj_store_count(store, (enum qj_counter)i, counts[i]);
        }
    }
    free(stamps);
}
