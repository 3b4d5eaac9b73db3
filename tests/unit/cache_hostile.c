/* A store made by somebody who means harm, checksums and all: what is handed out is what the row's own
 * checksums cover, or nothing; nothing of the file's own making is run; and the store works again at the
 * second call at the latest. */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/fs.h"
#include "cache/internal.h"
#include "cache_support.h"

TestSuite(cache_hostile, .init = cache_fresh, .timeout = 120);

enum { N_ROWS = 6, BYTES = 5000 };
static const char path[] = "store/store.sqlite";

static void fill(const char *name)
{
    struct qj_store *store = cache_open(name);
    cr_assert_not_null(store);
    for (int i = 0; i < N_ROWS; i++) {
        cr_assert_eq(cache_put(store, i, BYTES), QJIT_OK, "%s", qjit_error_detail());
    }
    qj_store_close(store);
}

static void begin_again(void)
{
    (void)qj_fs_remove_tree("store");
    cr_assert_eq(mkdir("store", 0700), 0);
    fill("store");
}

/* No row is wrong; a put works at the second try at the latest, and what it put is there. */
static void expect_works(const char *what)
{
    struct qj_store *store = cache_open("store");
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    cr_assert_not_null(store, "%s", what);
    for (int i = 0; i < N_ROWS; i++) {
        cr_assert_geq(cache_check(store, i, BYTES), 0, "row %d after %s", i, what);
    }
    cr_assert(cache_put(store, 2, BYTES) == QJIT_OK || cache_put(store, 2, BYTES) == QJIT_OK, "%s: %s", what,
              qjit_error_detail());
    cr_assert_eq(cache_check(store, 2, BYTES), 1, "%s", what);
    cr_assert(qj_store_stat(store, &stat) == QJIT_OK || qj_store_stat(store, &stat) == QJIT_OK, "%s", what);
    cr_assert_str_eq(stat.memory_reason, "", "%s", what);
    qj_store_close(store);
}

Test(cache_hostile, a_schema_of_its_own)
{
    static const char *const changes[] = {
        "CREATE TRIGGER t AFTER INSERT ON entry BEGIN DELETE FROM entry; END",
        "CREATE TRIGGER t BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE TRIGGER t AFTER INSERT ON entry BEGIN"
        "  INSERT INTO counter WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n) SELECT i, i "
        "FROM n;"
        "END",
        "ALTER TABLE entry RENAME TO other; CREATE VIEW entry AS SELECT * FROM other",
        "DROP TABLE entry; CREATE VIEW entry AS WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 "
        "FROM n)"
        "  SELECT i AS id, zeroblob(100) AS record, zeroblob(100) AS payload FROM n",
        "DROP TABLE entry; CREATE TABLE entry (id, record, payload)",
        "DROP TABLE entry; CREATE TABLE entry (id TEXT PRIMARY KEY, record TEXT, payload TEXT) WITHOUT ROWID",
        "ALTER TABLE entry ADD COLUMN more DEFAULT 1",
        "DROP TABLE stamp",
        "DROP TABLE counter; CREATE TABLE counter (name, value CHECK (0))",
        "CREATE UNIQUE INDEX t ON entry (length(payload))",
        "CREATE INDEX t ON entry (CAST(hex(record) AS INTEGER) % 7)",
        "PRAGMA max_page_count = 3",
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        begin_again();
        (void)cache_sql(path, changes[i]);
        expect_works(changes[i]);
    }
}

/* Puts a row whose record says this of its payload, every checksum made right. */
static void forge(int i, enum qj_codec codec, uint64_t object_bytes, uint64_t stored_bytes, const void *bytes,
                  size_t n)
{
    sqlite3 *db;
    sqlite3_stmt *put;
    struct qj_row row = cache_row(i);
    struct qj_payload payload = {.codec = codec, .sum = qj_payload_sum(bytes, n)};
    struct qj_buf record = {0};
    row.object_bytes = object_bytes;
    row.stored_bytes = stored_bytes;
    qj_record_write(&record, &row, &payload);
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(db, qj_sql_texts[QJ_SQL_ENTRY_PUT], -1, &put, NULL), SQLITE_OK);
    (void)sqlite3_bind_int64(put, 1, qj_row_id(row.key));
    (void)sqlite3_bind_blob64(put, 2, record.bytes, record.size, SQLITE_STATIC);
    (void)sqlite3_bind_blob64(put, 3, bytes, n, SQLITE_STATIC);
    cr_assert_eq(sqlite3_step(put), SQLITE_DONE);
    (void)sqlite3_finalize(put);
    (void)sqlite3_close(db);
    qj_buf_finish(&record);
}

Test(cache_hostile, absurd_lengths)
{
    static const uint64_t absurd[] = {
        0,          1,          BYTES - 1,         BYTES + 1, 1u << 30,
        UINT32_MAX, UINT64_MAX, (uint64_t)1 << 62, 1u << 29,  ((uint64_t)1 << 29) + 1};
    unsigned char *object = cache_object(1, BYTES);
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++) {
        for (int which = 0; which < 4; which++) {
            begin_again();
            forge(1, which & 1 ? QJ_CODEC_ZSTD : QJ_CODEC_RAW, absurd[i], which & 2 ? BYTES : absurd[i],
                  object, BYTES);
            expect_works("an absurd length");
        }
    }
    free(object);
}

/* n zeros, packed by a factor of thousands. */
static void *bomb(size_t n, size_t *n_packed)
{
    void *zeros = calloc(1, n), *packed = malloc(ZSTD_compressBound(n));
    *n_packed = ZSTD_compress(packed, ZSTD_compressBound(n), zeros, n, 19);
    free(zeros);
    return packed;
}

Test(cache_hostile, bombs)
{
    enum { REAL = 64 << 20 };
    static const uint64_t said[] = {BYTES, REAL - 1, REAL + 1, (uint64_t)1 << 40, UINT64_MAX, 511u << 20};
    size_t n;
    unsigned char *packed = bomb(REAL, &n);
    cr_assert_lt(n, REAL / 4000);
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        begin_again();
        forge(1, QJ_CODEC_ZSTD, said[i], n, packed, n);
        struct qj_store *store = cache_open("store");
        struct qj_row row = cache_row(1);
        struct qj_entry entry;
        cr_assert_eq(qj_store_get(store, &entry, row.key), QJIT_NOT_FOUND, "%llu bytes",
                     (unsigned long long)said[i]);
        qj_store_close(store);
        expect_works("a bomb");
    }
    /* A frame that does not say how much it holds, and two frames in a row. */
    begin_again();
    unsigned char *two = malloc(2 * n);
    memcpy(two, packed, n);
    memcpy(two + n, packed, n);
    forge(1, QJ_CODEC_ZSTD, REAL, 2 * n, two, 2 * n);
    forge(3, QJ_CODEC_ZSTD, REAL, n - 7, packed, n - 7);
    expect_works("two bombs in a row");
    free(two);
    free(packed);
}

static int count(void *payload, const struct qj_row *row)
{
    (void)row;
    ++*(int *)payload;
    return 0;
}

Test(cache_hostile, sql_in_names)
{
    static const char *const names[] = {
        "'; DROP TABLE entry; --", "\"; DELETE FROM entry; --", "%s%n%x", "x' OR '1'='1", "?1",
        "\x01\x02\xff\xfe",        "../../etc/passwd"};
    struct qj_store *store = cache_open("store");
    for (int i = 0; i < 7; i++) {
        struct qj_row row = cache_row(i);
        row.unit = row.module = row.arch = row.compiler = row.options = row.kernels = row.log = names[i];
        cr_assert_eq(qj_store_put(store, &row, names[i], strlen(names[i])), QJIT_OK, "%s",
                     qjit_error_detail());
    }
    for (int i = 0; i < 7; i++) {
        int n = 0;
        struct qj_store_filter filter = {.unit = names[i], .module = names[i]};
        cr_assert_eq(qj_store_each(store, &filter, count, &n), QJIT_OK);
        cr_assert_eq(n, 1, "%s", names[i]);
    }
    uint64_t n_removed = 0;
    cr_assert_eq(qj_store_clear(store, &n_removed, &(struct qj_store_filter){.unit = names[3]}), QJIT_OK);
    cr_assert_eq(n_removed, 1);
    int n = 0;
    cr_assert_eq(qj_store_each(store, NULL, count, &n), QJIT_OK);
    cr_assert_eq(n, 6);
    qj_store_close(store);
}

/* Sizes in the header that no file has: pages, free pages, the page size itself. */
Test(cache_hostile, huge_counts_in_the_header)
{
    static const struct {
        size_t at;
        unsigned char bytes[4];
        size_t n;
    } lies[] = {
        {28, {0xff, 0xff, 0xff, 0xff}, 4},
        {28, {0x7f, 0xff, 0xff, 0xfe}, 4},
        {36, {0xff, 0xff, 0xff, 0xff}, 4},
        {32, {0xff, 0xff, 0xff, 0xfe}, 4},
        {32, {0, 0, 0, 1}, 4},
        {52, {0xff, 0xff, 0xff, 0xff}, 4},
        {16, {0, 1}, 2},
        {16, {2, 0}, 2},
        {20, {0xff}, 1},
        {18, {9, 9}, 2},
        {44, {0, 0, 0, 9}, 4},
        {56, {0, 0, 0, 3}, 4},
    };
    size_t n;
    fill("store");
    unsigned char *whole = cache_slurp(path, &n);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        unsigned char kept[100];
        memcpy(kept, whole, sizeof kept);
        memcpy(whole + lies[i].at, lies[i].bytes, lies[i].n);
        memcpy(whole + 92, whole + 24, 4); /* the count of pages is then believed */
        begin_again();
        cr_assert_eq(cache_spit(path, whole, n), 0);
        expect_works("a lie in the header");
        memcpy(whole, kept, sizeof kept);
    }
    free(whole);
}

/* Another store moved into the place of the one that is open, the file removed, the whole directory away. */
Test(cache_hostile, swapped_while_open)
{
    for (int how = 0; how < 4; how++) {
        begin_again();
        (void)qj_fs_remove_tree("other");
        (void)qj_fs_remove_tree("away");
        struct qj_store *other = cache_open("other"), *store = cache_open("store");
        cr_assert_eq(cache_put(other, 0, 777), QJIT_OK); /* another object under the key of row 0 */
        qj_store_close(other);
        cr_assert_eq(cache_check(store, 0, BYTES), 1);
        int result = how == 0   ? rename("other/store.sqlite", path)
                     : how == 1 ? unlink(path)
                     : how == 2 ? rename("store", "away")
                                : (rename("store", "away") || rename("other", "store"));
        cr_assert_eq(result, 0);
        for (int i = 0; i < N_ROWS; i++) {
            struct qj_row row = cache_row(i);
            struct qj_entry entry;
            if (qj_store_get(store, &entry, row.key) == QJIT_OK) { /* whole, of the one store or the other */
                unsigned char *object = cache_object(i, entry.row.object_bytes);
                cr_assert_eq(memcmp(entry.object, object, entry.row.object_bytes), 0, "way %d, row %d", how,
                             i);
                free(object);
                qj_entry_finish(&entry);
            }
        }
        (void)cache_put(store, 9, BYTES);
        cr_assert_geq(cache_check(store, 9, BYTES), 0);
        qj_store_close(store);
        store = cache_open("store");
        cr_assert_not_null(store);
        cr_assert_eq(cache_put(store, 9, BYTES), QJIT_OK, "way %d: %s", how, qjit_error_detail());
        cr_assert_eq(cache_check(store, 9, BYTES), 1, "way %d", how);
        qj_store_close(store);
    }
}
