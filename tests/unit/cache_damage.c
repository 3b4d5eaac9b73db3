/* One bit flipped anywhere: in each column through SQL, and in the file's own bytes. Whatever else happens,
 * no object other than the one that was put is ever handed out. */
#include <criterion/criterion.h>
#include <glob.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "cache/internal.h"
#include "cache_support.h"

TestSuite(cache_damage, .init = cache_fresh, .timeout = 240);

enum { N_ROWS = 6 };
static const size_t sizes[N_ROWS] = {700, 4344, 20000, 40000, 66256, 120000};
static const char path[] = "store/store.sqlite";

static void fill(const char *name)
{
    struct qj_store *store = cache_open(name);
    for (int i = 0; i < N_ROWS; i++) {
        cr_assert_eq(cache_put(store, i, sizes[i]), QJIT_OK, "%s", qjit_error_detail());
    }
    qj_store_close(store);
}

/* An empty directory for the store. */
static void begin_again(void)
{
    cr_assert_eq(qj_fs_remove_tree("store"), 0);
    cr_assert_eq(mkdir("store", 0700), 0);
}

static uint64_t refused(struct qj_store *store)
{
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    cr_assert_eq(qj_store_stat(store, &stat), QJIT_OK);
    return stat.n_refused;
}

/* Flips bit `bit` of a blob column of row `i`, past any checks of ours. */
static void flip_blob(int i, const char *column, size_t byte, int bit)
{
    sqlite3 *db;
    sqlite3_blob *blob;
    unsigned char value;
    struct qj_row row = cache_row(i);
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_blob_open(db, "main", "entry", column, qj_row_id(row.key), 1, &blob), SQLITE_OK,
                 "%s", sqlite3_errmsg(db));
    byte %= (size_t)sqlite3_blob_bytes(blob);
    cr_assert_eq(sqlite3_blob_read(blob, &value, 1, (int)byte), SQLITE_OK);
    value = (unsigned char)(value ^ (1 << bit));
    cr_assert_eq(sqlite3_blob_write(blob, &value, 1, (int)byte), SQLITE_OK);
    (void)sqlite3_blob_close(blob);
    (void)sqlite3_close(db);
}

/* The row is refused, gone, and can be put again. */
static void expect_refused(struct qj_store *store, int i, const char *what, size_t at)
{
    struct qj_row row = cache_row(i);
    uint64_t before = refused(store);
    cr_assert_eq(cache_check(store, i, sizes[i]), 0, "row %d, %s %zu: handed out", i, what, at);
    cr_assert_eq(refused(store), before + 1, "row %d, %s %zu: not counted", i, what, at);
    cr_assert(!qj_store_has(store, row.key), "row %d, %s %zu: still there", i, what, at);
    cr_assert_eq(cache_put(store, i, sizes[i]), QJIT_OK);
    cr_assert_eq(cache_check(store, i, sizes[i]), 1);
}

Test(cache_damage, every_bit_of_a_record)
{
    fill("store");
    struct qj_store *store = cache_open("store");
    struct qj_buf record = {0};
    struct qj_row row = cache_row(1);
    struct qj_payload payload = {0};
    qj_record_write(&record, &row, &payload);
    for (size_t byte = 0; byte < record.size; byte++) {
        flip_blob(1, "record", byte, (int)(byte % 8));
        expect_refused(store, 1, "record byte", byte);
    }
    qj_buf_finish(&record);
    qj_store_close(store);
}

/* The reader alone, every bit and every length, so that its bounds are tried and not the checksum's. */
Test(cache_damage, a_record_with_a_right_checksum_and_wrong_insides)
{
    struct qj_buf record = {0};
    struct qj_row row = cache_row(0);
    struct qj_payload payload = {0};
    qj_record_write(&record, &row, &payload);
    for (size_t byte = QJ_SUM_BYTES; byte < record.size; byte++) {
        for (int bit = 0; bit < 8; bit++) {
            unsigned char *copy = malloc(record.size);
            memcpy(copy, record.bytes, record.size);
            copy[byte] = (unsigned char)(copy[byte] ^ (1 << bit));
            struct qj_sum sum = qj_payload_sum(copy + QJ_SUM_BYTES, record.size - QJ_SUM_BYTES);
            memcpy(copy, sum.bytes, sizeof sum);
            void *memory = NULL;
            if (qj_record_read(&row, &payload, &memory, copy, record.size) == QJ_ROW_OK) {
                cr_assert_leq(strlen(row.log) + strlen(row.unit) + strlen(row.kernels), record.size);
            }
            free(memory);
            free(copy);
        }
    }
    for (size_t n = 0; n < record.size; n++) {
        unsigned char *copy = malloc(n ? n : 1);
        memcpy(copy, record.bytes, n);
        if (n >= QJ_SUM_BYTES) {
            struct qj_sum sum = qj_payload_sum(copy + QJ_SUM_BYTES, n - QJ_SUM_BYTES);
            memcpy(copy, sum.bytes, sizeof sum);
        }
        void *memory = NULL;
        cr_assert_eq(qj_record_read(&row, &payload, &memory, copy, n), QJ_ROW_DAMAGED, "%zu bytes", n);
        free(copy);
    }
    qj_buf_finish(&record);
}

Test(cache_damage, payload_bits)
{
    fill("store");
    struct qj_store *store = cache_open("store");
    for (int i = 0; i < N_ROWS; i++) {
        for (size_t k = 0; k < 40; k++) {
            size_t byte = k < 2 ? k : k < 4 ? sizes[i] - (k - 1) : (k * 2654435761u) % sizes[i];
            flip_blob(i, "payload", byte, (int)(k % 8));
            expect_refused(store, i, "payload byte", byte);
        }
    }
    qj_store_close(store);
}

/* The columns that are not handed out, and a payload of another length or type: never a wrong object. */
Test(cache_damage, other_columns)
{
    static const char *const changes[] = {
        "id = id + 1",
        "payload = CAST(payload || x'00' AS BLOB)",
        "payload = substr(payload, 2)",
        "payload = x''",
        "payload = zeroblob(5000)",
        "record = x''",
        "record = substr(record, 2)",
        "record = CAST(record || x'00' AS BLOB)",
        "record = (SELECT record FROM entry ORDER BY id LIMIT 1)",
        "payload = (SELECT payload FROM entry ORDER BY id LIMIT 1)",
    };
    for (size_t k = 0; k < sizeof changes / sizeof *changes; k++) {
        char sql[256];
        begin_again();
        fill("store");
        (void)snprintf(sql, sizeof sql, "UPDATE entry SET %s", changes[k]);
        cr_assert_eq(cache_sql(path, sql), SQLITE_OK, "%s", sql);
        struct qj_store *store = cache_open("store");
        for (int i = 0; i < N_ROWS; i++) {
            cr_assert_geq(cache_check(store, i, sizes[i]), 0, "row %d after %s", i, sql);
            cr_assert_eq(cache_put(store, i, sizes[i]), QJIT_OK, "%s", qjit_error_detail());
            cr_assert_eq(cache_check(store, i, sizes[i]), 1, "row %d put again after %s", i, sql);
        }
        qj_store_close(store);
    }
}

Test(cache_damage, a_flipped_stamp_hides_the_row_from_lists)
{
    fill("store");
    struct qj_store *store = cache_open("store");
    struct qj_row row = cache_row(1);
    qj_store_note_use(store, row.key, 4000000000);
    qj_store_close(store);
    cr_assert_eq(cache_sql(path, "UPDATE stamp SET used = used + 1"), SQLITE_OK);
    store = cache_open("store");
    cr_assert_eq(cache_check(store, 1, sizes[1]), 1, "a hit does not hand the stamp out");
    qj_store_close(store);
}

/* Several hundred single bits of the file itself, header and tree pages more densely. */
Test(cache_damage, bits_of_the_file)
{
    size_t n;
    fill("store");
    unsigned char *whole = cache_slurp(path, &n);
    cr_assert_not_null(whole);
    int n_wrong = 0, n_missed = 0, n_found = 0;
    for (size_t k = 0; k < 700; k++) {
        size_t at = k < 120   ? k
                    : k < 400 ? (k - 120) / 2 % (n / 16384) * 16384 + (k * 37) % 200
                              : (k * 2654435761u) % n;
        begin_again();
        whole[at] = (unsigned char)(whole[at] ^ (1 << (k % 8)));
        cr_assert_eq(cache_spit(path, whole, n), 0);
        (void)chmod(path, 0600);
        whole[at] = (unsigned char)(whole[at] ^ (1 << (k % 8)));
        struct qj_store *store = cache_open("store");
        cr_assert_not_null(store, "byte %zu: %s", at, qjit_error_detail());
        for (int i = 0; i < N_ROWS; i++) {
            int found = cache_check(store, i, sizes[i]);
            n_wrong += found < 0;
            n_missed += found == 0;
            n_found += found > 0;
            cr_assert_geq(found, 0, "byte %zu: a wrong object was handed out", at);
        }
        qjit_cache_stat stat = {.struct_size = sizeof stat};
        (void)qj_store_stat(store, &stat);
        (void)cache_put(store, 1, sizes[1]);
        cr_assert_geq(cache_check(store, 1, sizes[1]), 0);
        qj_store_close(store);
    }
    free(whole);
    cr_assert_eq(n_wrong, 0);
    cr_assert_gt(n_missed, 100, "the flips hit nothing");
    cr_assert_gt(n_found, 100);
}

static size_t n_set_aside(void)
{
    glob_t found;
    size_t n = glob("store/store.sqlite.corrupt-*", 0, NULL, &found) == 0 ? found.gl_pathc : 0;
    globfree(&found);
    return n;
}

/* Each of these files is set aside whole and a new store begun that works. */
static void expect_set_aside(const void *bytes, size_t n, const char *what)
{
    begin_again();
    cr_assert_eq(cache_spit(path, bytes, n), 0);
    (void)chmod(path, 0600);
    struct qj_store *store = cache_open("store");
    cr_assert_not_null(store);
    cr_assert_eq(cache_check(store, 1, sizes[1]), 0, "%s", what);
    cr_assert_eq(cache_put(store, 1, sizes[1]), QJIT_OK, "%s: %s", what, qjit_error_detail());
    cr_assert_eq(cache_check(store, 1, sizes[1]), 1, "%s", what);
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    cr_assert_eq(qj_store_stat(store, &stat), QJIT_OK);
    cr_assert_str_eq(stat.memory_reason, "", "%s", what);
    cr_assert_eq(n_set_aside(), 1, "%s: %zu set aside", what, n_set_aside());
    qj_store_close(store);
}

Test(cache_damage, foreign_and_broken_files_are_set_aside)
{
    size_t n;
    char garbage[20000];
    memset(garbage, 'x', sizeof garbage);
    expect_set_aside("", 0, "an empty file");
    expect_set_aside("hello", 5, "a short text");
    expect_set_aside(garbage, sizeof garbage, "garbage");
    begin_again();
    fill("store");
    unsigned char *whole = cache_slurp(path, &n);
    expect_set_aside(whole, 100, "a header alone");
    whole[0] ^= 1;
    expect_set_aside(whole, n, "another magic");
    free(whole);
    begin_again();
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, "CREATE TABLE entry (a, b)", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
    whole = cache_slurp(path, &n);
    expect_set_aside(whole, n, "someone else's database");
    free(whole);
}

Test(cache_damage, a_truncated_file)
{
    size_t n;
    fill("store");
    unsigned char *whole = cache_slurp(path, &n);
    for (size_t cut = 1; cut < 12; cut++) {
        begin_again();
        cr_assert_eq(cache_spit(path, whole, n * cut / 12 + cut * 111), 0);
        (void)chmod(path, 0600);
        struct qj_store *store = cache_open("store");
        cr_assert_not_null(store);
        for (int i = 0; i < N_ROWS; i++) {
            cr_assert_geq(cache_check(store, i, sizes[i]), 0);
        }
        (void)cache_put(store, 1, sizes[1]);
        cr_assert_eq(cache_check(store, 1, sizes[1]), 1, "cut %zu: %s", cut, cache_last_line());
        qj_store_close(store);
    }
    free(whole);
}

Test(cache_damage, damage_found_while_running_is_a_miss_and_a_new_store)
{
    fill("store");
    struct qj_store *store = cache_open("store");
    FILE *file = fopen(path, "r+e");
    for (long at = 16384; at < 400000; at += 16384) {
        (void)fseek(file, at, SEEK_SET);
        (void)fwrite("garbage garbage garbage", 1, 23, file);
    }
    (void)fclose(file);
    for (int i = 0; i < N_ROWS; i++) {
        cr_assert_eq(cache_check(store, i, sizes[i]), 0, "row %d", i);
    }
    cr_assert_eq(n_set_aside(), 1);
    cr_assert_eq(cache_put(store, 1, sizes[1]), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(cache_check(store, 1, sizes[1]), 1);
    qj_store_close(store);
}

Test(cache_damage, a_newer_version_is_left_alone)
{
    fill("store");
    cr_assert_eq(cache_sql(path, "PRAGMA user_version = 99"), SQLITE_OK);
    struct qj_store *store = cache_open("store");
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    cr_assert_eq(qj_store_stat(store, &stat), QJIT_OK);
    cr_assert(strstr(stat.memory_reason, "newer") != NULL, "%s", stat.memory_reason);
    cr_assert_str_eq(stat.path, "");
    cr_assert_eq(cache_put(store, 1, 1000), QJIT_OK);
    cr_assert_eq(cache_check(store, 1, 1000), 1);
    qj_store_close(store);
    cr_assert_eq(n_set_aside(), 0);
    cr_assert_eq(cache_sql(path, "PRAGMA user_version = 3"), SQLITE_OK);
    store = cache_open("store");
    cr_assert_eq(cache_check(store, 1, sizes[1]), 1);
    qj_store_close(store);
}

/* One bit of a cell's header tells text from bytes: the contents are the same, but no row to be kept. */
Test(cache_damage, a_row_turned_to_text_does_not_cost_the_others)
{
    struct qj_place place = {0};
    fill("store");
    qj_store_close(cache_open("store"));
    cr_assert_eq(cache_sql(path, "PRAGMA writable_schema = ON;"
                                 "UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', '');"
                                 "PRAGMA user_version = 3"),
                 0);
    cr_assert_eq(cache_sql(path, "UPDATE entry SET payload = CAST(payload AS TEXT) WHERE id = "
                                 "(SELECT min(id) FROM entry)"),
                 0);
    cr_assert_eq(qj_place_init(&place, "store"), 0);
    cr_assert_eq(rename(path, "store/aside"), 0);
    cr_assert_eq(qj_place_create(&place), 0);
    cr_assert_eq(qj_salvage(&place, "store/aside"), N_ROWS - 1);
    qj_place_finish(&place);
}
