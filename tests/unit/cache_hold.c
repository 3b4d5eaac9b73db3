/* Snapshots kept between hits: that they are begun, never hide what is new, and are given up; and that the
 * log is carried over beside the puts. A plain program because Criterion does not start under
 * ThreadSanitizer. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/internal.h"
#include "cache_support.h"

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                            \
            return 1;                                                                                        \
        }                                                                                                    \
    } while (0)

enum { BYTES = 70000, PATIENCE = 400 };
static const char path[] = "store/store.sqlite";

static bool is_held(struct qj_store *store)
{
    struct qj_connection *connection;
    if (qj_store_borrow_to_hit(store, &connection) != QJIT_OK) {
        return false;
    }
    bool held = connection->hold.record != NULL;
    qj_store_return(store, connection);
    return held;
}

/* Hits until a snapshot is held; a slow machine may take several tries. */
static int hold(struct qj_store *store)
{
    for (int i = 0; i < 1000 && !is_held(store); i++) {
        CHECK(cache_check(store, 1, BYTES) == 1);
    }
    CHECK(is_held(store));
    return 0;
}

static int64_t refused(struct qj_store *store)
{
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    return qj_store_stat(store, &stat) == QJIT_OK ? (int64_t)stat.n_refused : -1;
}

/* By this process, through another connection: not seen again, whatever snapshots there are. */
static int removed_rows_are_gone(struct qj_store *store)
{
    struct qj_connection *connection;
    struct qj_row row = cache_row(1);
    CHECK(hold(store) == 0);
    CHECK(qj_store_borrow_to_hit(store, &connection) == QJIT_OK);
    qj_store_refuse(store, row.key, "it will not load");
    qj_store_return(store, connection);
    CHECK(connection->hold.record);
    CHECK(cache_check(store, 1, BYTES) == 0);
    CHECK(cache_put(store, 1, BYTES) == QJIT_OK);
    return 0;
}

static int new_rows_are_seen(struct qj_store *store, struct qj_store *other)
{
    CHECK(hold(store) == 0);
    CHECK(cache_check(store, 7, BYTES) == 0);
    CHECK(hold(store) == 0);
    CHECK(cache_put(other, 7, BYTES) == QJIT_OK);
    CHECK(cache_check(store, 7, BYTES) == 1);
    CHECK(hold(store) == 0);
    CHECK(cache_put(store, 8, BYTES) == QJIT_OK);
    CHECK(!is_held(store));
    CHECK(cache_check(other, 8, BYTES) == 1);
    CHECK(hold(store) == 0);
    CHECK(qj_store_clear(other, NULL, &(struct qj_store_filter){.unit = "unit_7"}) == QJIT_OK);
    CHECK(cache_check(store, 7, BYTES) >= 0);
    return 0;
}

/* A snapshot shows damage that was there when it began, and is looked at afresh before the row is removed. */
static int damage_is_noticed(struct qj_store *store)
{
    struct qj_row row = cache_row(2);
    char sql[256];
    (void)snprintf(
        sql, sizeof sql,
        "UPDATE entry SET payload = CAST(substr(payload, 1, %d) || x'0102' AS BLOB) WHERE id = %lld",
        BYTES - 2, (long long)qj_row_id(row.key));
    CHECK(cache_sql(path, sql) == SQLITE_OK);
    int64_t before = refused(store);
    CHECK(hold(store) == 0);
    CHECK(cache_check(store, 2, BYTES) == 0);
    CHECK(refused(store) == before + 1);
    CHECK(!qj_store_has(store, row.key));
    CHECK(cache_put(store, 2, BYTES) == QJIT_OK);
    (void)snprintf(sql, sizeof sql,
                   "UPDATE entry SET record = CAST(substr(record, 1, 40) || x'01' || substr(record, 42) AS "
                   "BLOB) WHERE id = %lld",
                   (long long)qj_row_id(row.key));
    CHECK(cache_sql(path, sql) == SQLITE_OK);
    CHECK(hold(store) == 0);
    CHECK(cache_check(store, 2, BYTES) == 0);
    CHECK(refused(store) == before + 2);
    return 0;
}

/* Without another call: the keeper does it, and then the log can be emptied by anyone. */
static int unused_ones_are_given_up(struct qj_store *store, struct qj_store *other)
{
    sqlite3 *db;
    int code = SQLITE_BUSY, n_log = 0, n_done = 0;
    CHECK(cache_put(other, 9, BYTES) == QJIT_OK); /* so that the snapshot is in the log */
    CHECK(hold(store) == 0);
    CHECK(sqlite3_open(path, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "SELECT count(*) FROM counter", NULL, NULL, NULL) == SQLITE_OK);
    for (int i = 0; i < PATIENCE && code != SQLITE_OK; i++) {
        code = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, &n_log, &n_done);
        (void)usleep(10000);
    }
    (void)sqlite3_close(db);
    CHECK(code == SQLITE_OK);
    CHECK(!is_held(store));
    CHECK(hold(store) == 0); /* and again, the keeper being asleep by now */
    for (int i = 0; i < PATIENCE && is_held(store); i++) {
        (void)usleep(10000);
    }
    CHECK(!is_held(store));
    return 0;
}

/* Hits alone, without a pause, do not keep a snapshot for ever. */
static int old_ones_are_renewed(struct qj_store *store)
{
    CHECK(hold(store) == 0);
    int64_t begin = qj_hold_now();
    while (qj_hold_now() - begin < QJ_HOLD_AGE_MS + 500) {
        struct qj_connection *connection;
        CHECK(cache_check(store, 1, BYTES) == 1);
        CHECK(qj_store_borrow_to_hit(store, &connection) == QJIT_OK);
        bool too_old =
            connection->hold.record && connection->hold.used - connection->hold.begun >= QJ_HOLD_AGE_MS;
        qj_store_return(store, connection);
        CHECK(!too_old);
    }
    return 0;
}

static int the_log_is_carried_over(void)
{
    enum { N = 44, LARGE = 1 << 20 };
    struct stat info = {0};
    struct qj_store *store = cache_open("log");
    CHECK(store);
    for (int i = 0; i < N; i++) {
        CHECK(cache_put(store, i, LARGE) == QJIT_OK);
    }
    for (int i = 0; i < PATIENCE && info.st_size < 24 * LARGE; i++) {
        CHECK(stat("log/store.sqlite", &info) == 0);
        (void)usleep(10000);
    }
    CHECK(info.st_size >= 24 * LARGE);
    CHECK(cache_check(store, 0, LARGE) == 1 && cache_check(store, N - 1, LARGE) == 1);
    qj_store_close(store);
    return 0;
}

int main(void)
{
    cache_fresh();
    struct qj_store *store = cache_open("store"), *other = cache_open("store");
    int result = !store || !other;
    for (int i = 1; i < 4 && result == 0; i++) {
        result = cache_put(store, i, BYTES) != QJIT_OK;
    }
    result = result || removed_rows_are_gone(store) || new_rows_are_seen(store, other) ||
             damage_is_noticed(store) || unused_ones_are_given_up(store, other) ||
             old_ones_are_renewed(store);
    qj_store_close(store);
    qj_store_close(other);
    return result || the_log_is_carried_over();
}
