/* What the store notes about its own use: in memory while it runs, written when it closes. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cache/internal.h"

#define PLACE(name, member)                                                                                  \
    {                                                                                                        \
        name, offsetof(qjit_cache_stat, member)                                                              \
    }

const struct qj_counter_place qj_counter_places[QJ_COUNTERS] = {
    [QJ_HITS] = PLACE("hits", n_hits),
    [QJ_MISSES] = PLACE("misses", n_misses),
    [QJ_REFUSED] = PLACE("refused", n_refused),
    [QJ_COMPILES] = PLACE("compiles", n_compiles),
    [QJ_FAILED] = PLACE("failed", n_failed),
    [QJ_COMPILE_US] = PLACE("compile_us", compile_us),
    [QJ_LAYER_HITS + QJ_LAYER_USER] = PLACE("store_hits", n_store_hits),
    [QJ_LAYER_HITS + QJ_LAYER_MEMORY] = PLACE("memory_hits", n_memory_hits),
    [QJ_LAYER_HITS + QJ_LAYER_SHIPPED] = PLACE("shipped_hits", n_shipped_hits),
    [QJ_ADDED_HITS] = PLACE("added_hits", n_added_hits),
    [QJ_WHY + QJ_MISS_ABSENT] = PLACE("absent", n_absent),
    [QJ_WHY + QJ_MISS_COMPILER] = PLACE("other_compiler", n_other_compiler),
    [QJ_WHY + QJ_MISS_SOURCE] = PLACE("other_source", n_other_source),
    [QJ_WHY + QJ_MISS_DAMAGED] = PLACE("damaged", n_damaged),
    [QJ_EVICTED] = PLACE("evicted", n_evicted),
    [QJ_WAITS] = PLACE("waits", n_waits),
    [QJ_WAIT_US] = PLACE("wait_us", wait_us),
    [QJ_SAVED_US] = PLACE("saved_us", saved_us),
};

void qj_store_count(struct qj_store *store, enum qj_counter counter, uint64_t n)
{
    (void)atomic_fetch_add_explicit(&store->counters[counter], n, memory_order_relaxed);
}

void qj_store_count_compile(struct qj_store *store, uint32_t compile_us, bool failed)
{
    qj_store_count(store, failed ? QJ_FAILED : QJ_COMPILES, 1);
    qj_store_count(store, QJ_COMPILE_US, compile_us);
}

void qj_store_count_miss(struct qj_store *store, enum qj_miss why)
{
    qj_store_count(store, (enum qj_counter)(QJ_WHY + (int)why), 1);
}

void qj_store_count_wait(struct qj_store *store, uint64_t wait_us)
{
    qj_store_count(store, QJ_WAITS, wait_us > 0);
    qj_store_count(store, QJ_WAIT_US, wait_us);
}

void qj_store_count_added(struct qj_store *store)
{
    qj_store_count(store, QJ_ADDED_HITS, 1);
}

void qj_store_count_hit(struct qj_store *store, const struct qj_entry *entry)
{
    qj_store_count(store, QJ_HITS, 1);
    qj_store_count(store, (enum qj_counter)(QJ_LAYER_HITS + (int)entry->layer), 1);
    qj_store_count(store, QJ_SAVED_US, entry->row.compile_us);
}

static void set_counter(qjit_cache_stat *out, int counter, uint64_t count)
{
    memcpy((char *)out + qj_counter_places[counter].offset, &count, sizeof count);
}

void qj_store_stat_here(const struct qj_store *store, qjit_cache_stat *out)
{
    for (int i = 0; i < QJ_COUNTERS; i++) {
        set_counter(out, i, atomic_load_explicit(&store->counters[i], memory_order_relaxed));
    }
}

void qj_store_read_counters(struct qj_store *store, struct qj_connection *connection, qjit_cache_stat *out)
{
    for (int i = 0; i < QJ_COUNTERS; i++) {
        /* In this order: what has been written was counted before, so this never falls below 0. */
        uint64_t written = atomic_load_explicit(&store->written[i], memory_order_acquire);
        uint64_t count = atomic_load_explicit(&store->counters[i], memory_order_relaxed) - written;
        sqlite3_stmt *get = qj_connection_statement(connection, QJ_SQL_COUNTER_GET);
        if (get) {
            (void)sqlite3_bind_text(get, 1, qj_counter_places[i].name, -1, SQLITE_STATIC);
            if (sqlite3_step(get) == SQLITE_ROW) {
                count += (uint64_t)sqlite3_column_int64(get, 0);
            }
            (void)sqlite3_reset(get);
        }
        set_counter(out, i, count);
    }
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
        (void)sqlite3_bind_text(add, 1, qj_counter_places[i].name, -1, SQLITE_STATIC);
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

/* Marks what has been counted as written, and gives what was not before: of two who ask at once, each has its
 * share. */
static uint64_t take_unwritten(struct qj_store *store, int counter)
{
    uint64_t written = atomic_load_explicit(&store->written[counter], memory_order_acquire), count;
    do {
        count = atomic_load_explicit(&store->counters[counter], memory_order_relaxed);
    } while (!atomic_compare_exchange_weak_explicit(&store->written[counter], &written, count,
                                                    memory_order_acq_rel, memory_order_acquire));
    return count - written;
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
        counts[i] = is_file ? take_unwritten(store, i) : 0;
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
            (void)atomic_fetch_sub_explicit(&store->written[i], counts[i], memory_order_relaxed);
        }
    }
    free(stamps);
}
