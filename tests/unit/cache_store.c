/* Rows in, rows out: get, put, has, refuse, each, clear, stat, the limit, and what a hit may not do. */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/internal.h"
#include "cache_support.h"

TestSuite(cache_store, .init = cache_fresh);

static qjit_cache_stat stat_of(struct qj_store *store)
{
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    cr_assert_eq(qj_store_stat(store, &stat), QJIT_OK);
    return stat;
}

Test(cache_store, every_statement_prepares)
{
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, qj_sql_schema, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    for (int i = 0; i < QJ_SQL_COUNT; i++) {
        sqlite3_stmt *statement = NULL;
        const char *rest = NULL;
        cr_assert_eq(sqlite3_prepare_v2(db, qj_sql_texts[i], -1, &statement, &rest), SQLITE_OK, "%s: %s",
                     qj_sql_texts[i], sqlite3_errmsg(db));
        cr_assert_not_null(statement);
        cr_assert_eq(*rest, '\0', "more than one statement: %s", rest);
        (void)sqlite3_finalize(statement);
    }
    (void)sqlite3_close(db);
}

static void round_trip(const char *name)
{
    static const size_t sizes[] = {0, 1, 4344, 32767, 32768, 32769, 66256, 354328, 3000000};
    struct qj_store *store = cache_open(name);
    cr_assert_not_null(store);
    for (int i = 0; i < (int)(sizeof sizes / sizeof *sizes); i++) {
        cr_assert_eq(cache_check(store, i, sizes[i]), 0);
        cr_assert_eq(cache_put(store, i, sizes[i]), QJIT_OK, "%s", qjit_error_detail());
        cr_assert_eq(cache_check(store, i, sizes[i]), 1, "object of %zu bytes", sizes[i]);
    }
    if (name) {
        qj_store_close(store);
        store = cache_open(name);
    }
    for (int i = 0; i < (int)(sizeof sizes / sizeof *sizes); i++) {
        cr_assert_eq(cache_check(store, i, sizes[i]), 1);
    }
    cr_assert_eq(stat_of(store).n_entries, sizeof sizes / sizeof *sizes);
    qj_store_close(store);
}

Test(cache_store, gives_back_what_was_put)
{
    round_trip("store");
}

Test(cache_store, gives_back_what_was_put_in_memory)
{
    round_trip(NULL);
}

Test(cache_store, replaces_refuses_and_tells_has)
{
    struct qj_store *store = cache_open("store");
    struct qj_row row = cache_row(1);
    cr_assert(!qj_store_has(store, row.key));
    cr_assert_eq(cache_put(store, 1, 100), QJIT_OK);
    cr_assert_eq(cache_put(store, 1, 200), QJIT_OK);
    cr_assert(qj_store_has(store, row.key));
    cr_assert_eq(cache_check(store, 1, 200), 1);
    qj_store_refuse(store, row.key, "it will not load");
    cr_assert(!qj_store_has(store, row.key));
    cr_assert_eq(cache_check(store, 1, 200), 0);
    cr_assert_eq(stat_of(store).n_refused, 1);
    cr_assert(strstr(cache_last_line(), "it will not load") != NULL);
    qj_store_close(store);
}

Test(cache_store, keys_alike_in_their_first_bytes_do_not_mix)
{
    struct qj_store *store = cache_open("store");
    struct qj_row a = cache_row(1), b = cache_row(1);
    struct qj_entry entry;
    b.key[31] ^= 1;
    cr_assert_eq(qj_store_put(store, &a, "a", 1), QJIT_OK);
    cr_assert_eq(qj_store_get(store, &entry, b.key), QJIT_NOT_FOUND);
    cr_assert(!qj_store_has(store, b.key));
    cr_assert_eq(qj_store_get(store, &entry, a.key), QJIT_OK, "a miss of another key must not remove it");
    qj_entry_finish(&entry);
    qj_store_close(store);
}

Test(cache_store, counts_and_keeps_counts)
{
    struct qj_store *store = cache_open("store");
    (void)cache_put(store, 1, 5000);
    (void)cache_check(store, 1, 5000);
    (void)cache_check(store, 2, 5000);
    qj_store_count_compile(store, 700, false);
    qj_store_count_compile(store, 300, true);
    qj_store_close(store);
    store = cache_open("store");
    (void)cache_check(store, 1, 5000);
    qjit_cache_stat stat = stat_of(store);
    cr_assert_eq(stat.n_hits, 2);
    cr_assert_eq(stat.n_misses, 1);
    cr_assert_eq(stat.n_compiles, 1);
    cr_assert_eq(stat.n_failed, 1);
    cr_assert_eq(stat.compile_us, 1000);
    cr_assert_eq(stat.object_bytes, 5000);
    cr_assert_eq(stat.stored_bytes, 5000);
    cr_assert_gt(stat.file_bytes, 5000);
    cr_assert(strstr(stat.path, "store/store.sqlite") != NULL);
    cr_assert_str_eq(stat.memory_reason, "");
    qj_store_close(store);
}

static off_t size_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? info.st_size : -1;
}

Test(cache_store, a_hit_writes_nothing)
{
    struct stat before, after;
    struct qj_store *store = cache_open("store");
    (void)cache_put(store, 1, 60000);
    qj_store_close(store);
    store = cache_open("store");
    cr_assert_eq(cache_check(store, 1, 60000), 1);
    cr_assert_eq(stat("store/store.sqlite", &before), 0);
    off_t wal = size_of("store/store.sqlite-wal");
    for (int i = 0; i < 50; i++) {
        cr_assert_eq(cache_check(store, 1, 60000), 1);
    }
    cr_assert_eq(stat("store/store.sqlite", &after), 0);
    cr_assert_eq(memcmp(&before.st_mtim, &after.st_mtim, sizeof before.st_mtim), 0);
    cr_assert_eq(before.st_size, after.st_size);
    cr_assert_eq(size_of("store/store.sqlite-wal"), wal);
    qj_store_close(store);
}

struct seen {
    int n_rows, stop_at;
    char units[4096];
    int64_t used;
};

static int see(void *payload, const struct qj_row *row)
{
    struct seen *seen = payload;
    size_t n = strlen(seen->units);
    (void)snprintf(seen->units + n, sizeof seen->units - n, "%s/%s ", row->arch, row->unit);
    seen->used = row->used;
    return ++seen->n_rows == seen->stop_at;
}

static int count_rows(struct qj_store *store, const struct qj_store_filter *filter)
{
    struct seen seen = {0};
    cr_assert_eq(qj_store_each(store, filter, see, &seen), QJIT_OK);
    return seen.n_rows;
}

Test(cache_store, lists_in_order_and_by_filter)
{
    struct qj_store *store = cache_open("store");
    struct seen seen = {0};
    for (int i = 0; i < 30; i++) {
        (void)cache_put(store, i, 300);
    }
    cr_assert_eq(qj_store_each(store, NULL, see, &seen), QJIT_OK);
    cr_assert_eq(seen.n_rows, 30);
    cr_assert_eq(strncmp(seen.units, "gfx1030/unit_1 gfx1030/unit_10 gfx1030/unit_11 ", 46), 0, "%s",
                 seen.units);
    seen = (struct seen){.stop_at = 4};
    cr_assert_eq(qj_store_each(store, NULL, see, &seen), QJIT_OK);
    cr_assert_eq(seen.n_rows, 4);
    cr_assert_eq(count_rows(store, &(struct qj_store_filter){.arch = "gfx1030"}), 20);
    cr_assert_eq(count_rows(store, &(struct qj_store_filter){.arch = "gfx90a"}), 10);
    cr_assert_eq(count_rows(store, &(struct qj_store_filter){.arch = "gfx90"}), 0);
    cr_assert_eq(count_rows(store, &(struct qj_store_filter){.arch = "gfx90a:sramecc+:xnack-"}), 10);
    cr_assert_eq(count_rows(store, &(struct qj_store_filter){.arch = "gfx90a:sramecc+"}), 0);
    cr_assert_eq(count_rows(store, &(struct qj_store_filter){.unit = "unit_3"}), 1);
    cr_assert_eq(count_rows(store, &(struct qj_store_filter){.module = "unary"}), 15);
    cr_assert_eq(count_rows(store, &(struct qj_store_filter){.module = "unary", .arch = "gfx90a"}), 5);
    cr_assert_eq(count_rows(store, &(struct qj_store_filter){.compiler = "hiprtc=01 comgr=02"}), 6);
    cr_assert_eq(count_rows(store, &(struct qj_store_filter){.used_before = 1000}), 0);
    cr_assert_eq(count_rows(store, &(struct qj_store_filter){.used_before = INT64_MAX}), 30);
    qj_store_close(store);
}

Test(cache_store, clear_removes_what_matches_and_shrinks_the_file)
{
    struct qj_store *store = cache_open("store");
    uint64_t n = 0;
    for (int i = 0; i < 30; i++) {
        (void)cache_put(store, i, 100000);
    }
    uint64_t before = stat_of(store).file_bytes;
    cr_assert_eq(qj_store_clear(store, &n, &(struct qj_store_filter){.arch = "gfx90a"}), QJIT_OK);
    cr_assert_eq(n, 10);
    cr_assert_eq(cache_check(store, 3, 100000), 0);
    cr_assert_eq(cache_check(store, 1, 100000), 1);
    cr_assert_eq(qj_store_clear(store, &n, NULL), QJIT_OK);
    cr_assert_eq(n, 20);
    qjit_cache_stat stat = stat_of(store);
    cr_assert_eq(stat.n_entries, 0);
    cr_assert_lt(stat.file_bytes, 200000, "%llu after %llu", (unsigned long long)stat.file_bytes,
                 (unsigned long long)before);
    cr_assert_eq(qj_store_clear(store, NULL, NULL), QJIT_OK);
    qj_store_close(store);
}

/* `used` moves at most daily: rows made long ago get a stamp, rows of today none. */
Test(cache_store, stamps_old_rows_when_it_closes)
{
    struct qj_store *store = cache_open("store");
    struct seen seen = {0};
    (void)cache_put(store, 1, 300);
    (void)cache_check(store, 1, 300);
    qj_store_close(store);
    store = cache_open("store");
    cr_assert_null(store->stamps, "a row of today is not stamped");
    struct qj_row row = cache_row(1);
    int64_t later = 4000000000;
    qj_store_note_use(store, row.key, later);
    qj_store_close(store);
    store = cache_open("store");
    cr_assert_eq(qj_store_each(store, NULL, see, &seen), QJIT_OK);
    cr_assert_eq(seen.used, later);
    qj_store_note_use(store, row.key, later + 3600);
    qj_store_flush(store);
    cr_assert_eq(qj_store_each(store, NULL, see, &seen), QJIT_OK);
    cr_assert_eq(seen.used, later, "not more than daily");
    qj_store_close(store);
}

Test(cache_store, holds_the_limit_and_drops_the_least_recently_used)
{
    const uint64_t limit = 4000000;
    struct qj_store *store = cache_open_limited("store", limit);
    struct qj_row first = cache_row(0);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(cache_put(store, i, 100000), QJIT_OK, "%s", qjit_error_detail());
        if (i == 0) {
            qj_store_note_use(store, first.key, 4000000000);
            qj_store_flush(store);
        }
    }
    qjit_cache_stat stat = stat_of(store);
    cr_assert_leq(stat.stored_bytes, limit);
    cr_assert_gt(stat.n_entries, 25, "%d", (int)stat.n_entries);
    cr_assert_eq(cache_check(store, 99, 100000), 1);
    cr_assert_eq(cache_check(store, 0, 100000), 1, "used last, so it stays");
    cr_assert_eq(cache_put(store, 200, limit + 1), QJIT_CACHE_UNUSABLE);
    qj_store_close(store);
    store = cache_open("store");
    cr_assert_lt(stat_of(store).file_bytes, limit + 1000000);
    qj_store_close(store);
}

/* Of row i, in no order. */
static size_t size_of_row(int i)
{
    return 2000 + (size_t)i * 7919 % 250000;
}

/* More than ten times the limit goes through: file and log stay within it, and what is in use stays there. */
Test(cache_store, holds_the_limit_without_removing_what_is_in_use)
{
    enum { LIMIT = 32 << 20, N = 800, N_USED = 40 };
    struct qj_store *store = cache_open_limited("store", LIMIT);
    off_t most = 0, most_log = 0;
    for (int i = 0; i < N; i++) {
        struct qj_row row = cache_row(i);
        cr_assert_eq(cache_put(store, i, size_of_row(i)), QJIT_OK, "%s", qjit_error_detail());
        if (i < N_USED) {
            qj_store_keep(store, row.key);
        }
        off_t log = size_of("store/store.sqlite-wal"), all = size_of("store/store.sqlite") + log;
        most = all > most ? all : most;
        most_log = log > most_log ? log : most_log;
    }
    for (int i = 0; i < N_USED; i++) {
        cr_assert_eq(cache_check(store, i, size_of_row(i)), 1, "row %d is in use", i);
    }
    cr_assert_eq(cache_check(store, N - 1, size_of_row(N - 1)), 1);
    cr_assert_eq(cache_check(store, N_USED, size_of_row(N_USED)), 0);
    uint64_t object_bytes = stat_of(store).object_bytes;
    (void)fprintf(stderr, "limit %d: %lld bytes at most, %lld of them the log; %llu of objects in the end\n",
                  LIMIT, (long long)most, (long long)most_log, (unsigned long long)object_bytes);
    cr_assert_leq(most, LIMIT + LIMIT / 20);
    cr_assert_geq(object_bytes, LIMIT / 100 * 85);
    qj_store_close(store);
}

Test(cache_store, what_does_not_fit_beside_rows_in_use_is_not_kept)
{
    enum { LIMIT = 4 << 20, BYTES = 200000 };
    struct qj_store *store = cache_open_limited("store", LIMIT);
    int n = 0;
    while (cache_put(store, n, BYTES) == QJIT_OK) {
        struct qj_row row = cache_row(n++);
        qj_store_keep(store, row.key);
        cr_assert_lt(n, 100);
    }
    cr_assert_not_null(strstr(qjit_error_detail(), "QJIT_CACHE_MAX_SIZE"), "%s", qjit_error_detail());
    cr_assert_gt(n, LIMIT / BYTES * 8 / 10);
    for (int i = 0; i < n; i++) {
        cr_assert_eq(cache_check(store, i, BYTES), 1);
    }
    cr_assert_eq(cache_check(store, n, BYTES), 0);
    qj_store_close(store);
    store = cache_open_limited("store", LIMIT);
    cr_assert_eq(cache_put(store, n, BYTES), QJIT_OK, "another process uses none of them");
    qj_store_close(store);
}

Test(cache_store, what_is_taken_back_was_not_evicted)
{
    enum { LIMIT = 4 << 20, BYTES = 200000, LARGE = LIMIT - 100000 };
    struct qj_store *store = cache_open_limited("store", LIMIT);
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(cache_put(store, i, BYTES), QJIT_OK);
    }
    struct qj_row row = cache_row(0);
    qj_store_keep(store, row.key);
    cr_assert_eq(cache_put(store, 9, LARGE), QJIT_CACHE_UNUSABLE);
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(cache_check(store, i, BYTES), 1);
    }
    cr_assert_eq(stat_of(store).n_evicted, 0);
    qj_store_close(store);
}

Test(cache_store, packs_when_room_gets_narrow)
{
    enum { BYTES = 300000 };
    struct qj_store *store = cache_open_limited("store", 2000000);
    char *zeros = calloc(1, BYTES);
    for (int i = 0; i < 12; i++) {
        struct qj_row row = cache_row(i);
        cr_assert_eq(qj_store_put(store, &row, zeros, BYTES), QJIT_OK);
    }
    qjit_cache_stat stat = stat_of(store);
    cr_assert_eq(stat.n_entries, 12);
    cr_assert_lt(stat.stored_bytes, stat.object_bytes / 2);
    for (int i = 0; i < 12; i++) {
        struct qj_row row = cache_row(i);
        struct qj_entry entry;
        cr_assert_eq(qj_store_get(store, &entry, row.key), QJIT_OK);
        cr_assert_eq(entry.row.object_bytes, BYTES);
        cr_assert_eq(memcmp(entry.object, zeros, BYTES), 0);
        qj_entry_finish(&entry);
    }
    free(zeros);
    qj_store_close(store);
}

Test(cache_store, a_full_disk_is_a_status)
{
    struct qj_store *store = cache_open("store");
    (void)cache_put(store, 1, 5000);
    struct qj_connection *connection;
    cr_assert_eq(qj_store_borrow(store, &connection), QJIT_OK);
    cr_assert_eq(sqlite3_exec(connection->db, "PRAGMA max_page_count=12", NULL, NULL, NULL), SQLITE_OK);
    qj_store_return(store, connection);
    cr_assert_eq(cache_put(store, 2, 1000000), QJIT_CACHE_UNUSABLE);
    cr_assert(strstr(qjit_error_detail(), "full") != NULL, "%s", qjit_error_detail());
    cr_assert_eq(cache_check(store, 1, 5000), 1);
    qj_store_close(store);
}

static const char *refuses_odd(void *payload, const struct qj_entry *entry)
{
    (void)payload;
    cr_assert_not_null(entry->object);
    return entry->row.object_bytes % 2 ? "its size is odd" : NULL;
}

static void count_removed(void *payload, const struct qj_row *row, const char *reason)
{
    cr_assert_not_null(row);
    cr_assert_str_eq(reason, "its size is odd");
    ++*(unsigned *)payload;
}

Test(cache_store, verifying_reads_all_and_removes_what_is_refused)
{
    struct qj_store *store = cache_open("store");
    unsigned n_removed = 0;
    uint64_t n_rows = 0;
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    const struct qj_store_verifier verifier = {refuses_odd, count_removed, &n_removed};
    for (int i = 0; i < 9; i++) {
        cr_assert_eq(cache_put(store, i, (size_t)(100 + 7001 * i)), QJIT_OK, "%s", qjit_error_detail());
    }
    cr_assert_eq(qj_store_verify(store, &n_rows, &verifier), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(n_rows, 9);
    cr_assert_eq(n_removed, 4);
    for (int i = 0; i < 9; i++) {
        cr_assert_eq(cache_check(store, i, (size_t)(100 + 7001 * i)), i % 2 == 0, "row %d", i);
    }
    cr_assert_eq(qj_store_stat(store, &stat), QJIT_OK);
    cr_assert_eq(stat.n_entries, 5);
    cr_assert_eq(stat.n_refused, 4);
    cr_assert_eq(stat.n_hits, 5, "verifying is no hit");
    qj_store_close(store);
}

Test(cache_store, shrinking_removes_until_the_rest_fits)
{
    enum { N = 40, BYTES = 20000, MOST = 400000 };
    struct qj_store *store = cache_open("store");
    uint64_t n_removed = 0;
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    for (int i = 0; i < N; i++) {
        cr_assert_eq(cache_put(store, i, BYTES), QJIT_OK, "%s", qjit_error_detail());
    }
    cr_assert_eq(qj_store_shrink(store, &n_removed, MOST), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qj_store_stat(store, &stat), QJIT_OK);
    cr_assert_eq(stat.n_entries, N - n_removed);
    cr_assert_leq(stat.file_bytes, MOST);
    cr_assert_geq(stat.object_bytes, MOST / 2, "more was removed than had to be");
    cr_assert_eq(qj_store_shrink(store, &n_removed, MOST), QJIT_OK);
    cr_assert_eq(n_removed, 0);
    qj_store_close(store);
}
