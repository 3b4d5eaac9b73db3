/* Shipped stores: their order, that nothing is written there, what leaves one out, what passes a row over. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/internal.h"
#include "cache_support.h"

TestSuite(cache_shipped, .init = cache_fresh);

enum { BYTES = 40000 };

static const struct qj_trust *trust;

static struct qj_store *open_with(const char *shipped)
{
    return cache_open_with(
        &(struct qj_store_options){.directory = "user", .shipped = shipped, .trust = trust});
}

/* A directory with a store of rows first ... first + n - 1, as a shipped one. */
static void make(const char *name, int first, int n)
{
    struct qj_store *store = cache_open(name);
    for (int i = first; i < first + n; i++) {
        (void)cache_put(store, i, BYTES);
    }
    qj_store_close(store);
}

static qjit_cache_stat stat_of(struct qj_store *store)
{
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    cr_assert_eq(qj_store_stat(store, &stat), QJIT_OK);
    return stat;
}

/* -1: a miss. */
static int layer_of(struct qj_store *store, int i)
{
    struct qj_row row = cache_row(i);
    struct qj_entry entry;
    if (qj_store_get(store, &entry, row.key) != QJIT_OK) {
        return -1;
    }
    int layer = (int)entry.layer;
    qj_entry_finish(&entry);
    return layer;
}

Test(cache_shipped, looked_in_after_the_store_and_in_order)
{
    make("a", 0, 3);
    make("b", 2, 3);
    struct qj_store *store = open_with("a:b/store.sqlite");
    cr_assert_eq(cache_n_lines(), 0, "%s", cache_last_line());
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(cache_check(store, i, BYTES), 1, "row %d", i);
        cr_assert_eq(layer_of(store, i), QJ_LAYER_SHIPPED);
    }
    cr_assert_eq(layer_of(store, 9), -1);
    cr_assert_eq(cache_put(store, 0, BYTES), QJIT_OK);
    cr_assert_eq(layer_of(store, 0), QJ_LAYER_USER);
    qjit_cache_stat stat = stat_of(store);
    cr_assert_eq(stat.n_entries, 1, "only what was put is in the store itself");
    cr_assert_eq(stat.n_hits, 11);
    cr_assert_eq(stat.n_misses, 1);
    qj_store_close(store);
}

/* What a file looks like from outside. */
static struct stat look(const char *path)
{
    struct stat info = {0};
    cr_assert_eq(stat(path, &info), 0, "%s", path);
    return info;
}

Test(cache_shipped, nothing_is_written_there)
{
    size_t n_before, n_after;
    make("a", 0, 3);
    unsigned char *before = cache_slurp("a/store.sqlite", &n_before);
    struct stat file = look("a/store.sqlite"), directory = look("a");
    struct qj_store *store = open_with("a");
    cr_assert_eq(cache_check(store, 0, BYTES), 1);
    cr_assert_eq(cache_put(store, 7, BYTES), QJIT_OK);
    qj_store_refuse(store, cache_row(1).key, "it will not load");
    cr_assert_eq(qj_store_clear(store, NULL, NULL), QJIT_OK);
    cr_assert_eq(cache_check(store, 2, BYTES), 1);
    qj_store_close(store);
    unsigned char *after = cache_slurp("a/store.sqlite", &n_after);
    cr_assert_eq(n_before, n_after);
    cr_assert_eq(memcmp(before, after, n_before), 0);
    struct stat file_now = look("a/store.sqlite"), directory_now = look("a");
    cr_assert_eq(memcmp(&file.st_mtim, &file_now.st_mtim, sizeof file.st_mtim), 0);
    cr_assert_eq(memcmp(&directory.st_mtim, &directory_now.st_mtim, sizeof directory.st_mtim), 0);
    free(before);
    free(after);
}

Test(cache_shipped, a_refused_row_is_passed_over)
{
    make("a", 0, 2);
    struct qj_store *store = open_with("a");
    cr_assert_eq(layer_of(store, 0), QJ_LAYER_SHIPPED);
    qj_store_refuse(store, cache_row(0).key, "it will not load");
    cr_assert_not_null(strstr(cache_last_line(), "it will not load"));
    cr_assert_eq(layer_of(store, 0), -1);
    cr_assert_eq(layer_of(store, 1), QJ_LAYER_SHIPPED);
    cr_assert_eq(cache_put(store, 0, BYTES), QJIT_OK);
    cr_assert_eq(layer_of(store, 0), QJ_LAYER_USER);
    cr_assert_eq(stat_of(store).n_refused, 1);
    qj_store_close(store);
}

Test(cache_shipped, a_damaged_row_is_a_miss_counted_and_named_once)
{
    make("a", 0, 2);
    make("b", 0, 1);
    char sql[512];
    (void)snprintf(
        sql, sizeof sql,
        "UPDATE entry SET payload = CAST(substr(payload, 1, 500) || x'0123' || substr(payload, 503) AS "
        "BLOB)");
    cr_assert_eq(cache_sql("a/store.sqlite", sql), 0);
    struct qj_store *store = open_with("a:b");
    for (int again = 0; again < 3; again++) {
        cr_assert_eq(cache_check(store, 0, BYTES), 1, "the next store has it");
        cr_assert_eq(cache_check(store, 1, BYTES), 0);
    }
    cr_assert_eq(cache_n_lines(), 2, "%s", cache_last_line());
    cr_assert_not_null(strstr(cache_last_line(), "'a/store.sqlite'"));
    cr_assert_eq(stat_of(store).n_refused, 2);
    cr_assert_eq(stat_of(store).n_hits, 3);
    qj_store_close(store);
}

/* One warning that holds `word`, and a store that works without. */
static void expect_left_out(const char *shipped, const char *word)
{
    const char *path, *reason;
    struct qj_store *store = open_with(shipped);
    cr_assert_not_null(store);
    cr_assert_eq(cache_n_lines(), 1, "%s: %d lines, the last '%s'", shipped, cache_n_lines(),
                 cache_last_line());
    cr_assert_not_null(strstr(cache_last_line(), word), "%s: '%s'", shipped, cache_last_line());
    cr_assert_not_null(strstr(cache_last_line(), shipped), "%s: '%s'", shipped, cache_last_line());
    cr_assert_eq(cache_check(store, 0, BYTES), 0);
    if (qj_store_shipped(store, 0, &path, &reason)) {
        cr_assert_str_eq(path, shipped);
        cr_assert_not_null(strstr(reason, word), "%s", reason);
    }
    cr_assert_eq(cache_n_lines(), 1);
    qj_store_close(store);
}

Test(cache_shipped, one_that_cannot_be_used_is_left_out_with_a_warning)
{
    make("a", 0, 2);
    expect_left_out("nowhere", "No such file");
    cr_assert_eq(mkdir("empty", 0700), 0);
    expect_left_out("empty", "no shipped store in");
    cr_assert_eq(cache_spit("empty/text.qjit", "just a text", 11), 0);
    expect_left_out("empty/text.qjit", "not a database");
    cr_assert_eq(chmod("a/store.sqlite", 0622), 0);
    expect_left_out("a/store.sqlite", "chmod go-w");
    cr_assert_eq(chmod("a/store.sqlite", 0600), 0);
    cr_assert_eq(chmod("a", 0777), 0);
    expect_left_out("a/store.sqlite", "chmod go-w");
    cr_assert_eq(chmod("a", 0700), 0);
    cr_assert_eq(cache_spit("a/store.sqlite-wal", "frames", 6), 0);
    expect_left_out("a/store.sqlite", "in use");
    cr_assert_eq(unlink("a/store.sqlite-wal"), 0);
    cr_assert_eq(cache_spit("a/store.sqlite-journal", "pages", 5), 0);
    expect_left_out("a/store.sqlite", "in use");
    cr_assert_eq(unlink("a/store.sqlite-journal"), 0);
    cr_assert_eq(cache_sql("a/store.sqlite", "PRAGMA user_version = 99"), 0);
    expect_left_out("a/store.sqlite", "newer qjit");
    cr_assert_eq(cache_sql("a/store.sqlite", "PRAGMA user_version = 3; PRAGMA application_id = 1"), 0);
    expect_left_out("a/store.sqlite", "no store of qjit's");
}

Test(cache_shipped, tables_of_another_make_are_left_out)
{
    static const char *const changes[] = {
        "CREATE VIEW more AS SELECT * FROM entry",
        "CREATE TRIGGER more AFTER INSERT ON entry BEGIN DELETE FROM entry; END",
        "CREATE INDEX more ON entry (record)",
        "CREATE TABLE more (x)",
        "ALTER TABLE entry RENAME TO other; CREATE VIEW entry AS SELECT id, record, payload FROM other",
        "DROP TABLE entry; CREATE TABLE entry (id INTEGER PRIMARY KEY, record, payload)",
        "DROP TABLE stamp",
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char name[32], path[64];
        (void)snprintf(name, sizeof name, "made-%zu", i);
        (void)snprintf(path, sizeof path, "%s/store.sqlite", name);
        make(name, 0, 1);
        cr_assert_eq(cache_sql(path, changes[i]), 0, "%s", changes[i]);
        expect_left_out(path, "other tables");
    }
}

/* Cut at any page, a store gives misses or what was put, never an error. */
Test(cache_shipped, a_truncated_one_gives_misses)
{
    enum { ROWS = 12 };
    size_t n;
    make("a", 0, ROWS);
    unsigned char *whole = cache_slurp("a/store.sqlite", &n);
    int n_found = 0;
    for (size_t keep = 0; keep < n; keep += QJ_STORE_PAGE_BYTES / 2) {
        cr_assert_eq(cache_spit("a/cut.qjit", whole, keep), 0);
        struct qj_store *store = open_with("a/cut.qjit");
        cr_assert_not_null(store);
        for (int i = 0; i < ROWS; i++) {
            int found = cache_check(store, i, BYTES);
            cr_assert_geq(found, 0);
            n_found += found;
        }
        qj_store_close(store);
    }
    cr_assert_gt(n_found, 0, "what is whole is still found");
    free(whole);
}

Test(cache_shipped, directories_and_links_will_do)
{
    make("a", 0, 1);
    make("b", 1, 1);
    cr_assert_eq(mkdir("all", 0755), 0);
    cr_assert_eq(rename("a/store.sqlite", "all/first.qjit"), 0);
    cr_assert_eq(symlink("../b/store.sqlite", "all/second.qjit"), 0);
    cr_assert_eq(cache_spit("all/README", "no store", 8), 0);
    cr_assert_eq(symlink("all", "link"), 0);
    struct qj_store *store = open_with("link");
    cr_assert_eq(cache_n_lines(), 0, "%s", cache_last_line());
    cr_assert_eq(cache_check(store, 0, BYTES), 1);
    cr_assert_eq(cache_check(store, 1, BYTES), 1);
    qj_store_close(store);
    cr_assert_eq(chmod("b/store.sqlite", 0666), 0);
    store = open_with("link");
    cr_assert_not_null(strstr(cache_last_line(), "b/store.sqlite"), "what a link leads to counts: %s",
                       cache_last_line());
    qj_store_close(store);
}

static int packaged_part(void)
{
    struct qj_store *store =
        cache_open_with(&(struct qj_store_options){.directory = "user", .shipped = "../qjit-shipped-part"});
    CACHE_CHECK(store && cache_n_lines() == 0);
    CACHE_CHECK(cache_check(store, 0, BYTES) == 1);
    CACHE_CHECK(cache_put(store, 5, BYTES) == QJIT_OK);
    qj_store_close(store);
    CACHE_CHECK(access("../qjit-shipped-part/store.sqlite-wal", F_OK) != 0);
    CACHE_CHECK(access("../qjit-shipped-part/store.sqlite-shm", F_OK) != 0);
    return 0;
}

/* As a package leaves it: root's, in a directory that nobody may write, read by another user. */
Test(cache_shipped, one_of_root_s_in_a_read_only_directory_serves)
{
    if (geteuid() != 0) {
        cr_skip_test("only root can make what is root's");
    }
    char command[8192], here[4096];
    make("a", 0, 1);
    cr_assert_not_null(getcwd(here, sizeof here));
    (void)snprintf(command, sizeof command,
                   "rm -rf /tmp/qjit-shipped-part && cp -r '%s/a' /tmp/qjit-shipped-part", here);
    cr_assert_eq(system(command), 0);
    cr_assert_eq(chmod("/tmp/qjit-shipped-part/store.sqlite", 0444), 0);
    cr_assert_eq(chmod("/tmp/qjit-shipped-part", 0555), 0);
    cache_as_nobody(packaged_part);
    cr_assert_eq(system("rm -rf /tmp/qjit-shipped-part"), 0);
}

/* Puts row i signed, after `change` to the row. */
static void put_signed(struct qj_store *store, int i, const struct qj_secret_key *key, bool alter)
{
    struct qj_row row = cache_row(i);
    struct qj_signature signature;
    uint8_t digest[QJ_DIGEST_BYTES];
    unsigned char *object = cache_object(i, BYTES);
    qj_row_digest(digest, &row, object, BYTES);
    qj_signature_make(&signature, key, digest, sizeof digest);
    row.signature = &signature;
    object[BYTES / 2] ^= alter;
    cr_assert_eq(qj_store_put(store, &row, object, BYTES), QJIT_OK);
    free(object);
}

Test(cache_shipped, with_keys_to_trust_only_rows_that_one_has_signed_serve)
{
    struct qj_secret_key mine, other;
    struct qj_public_key keys[2];
    qj_secret_key_init(&mine);
    qj_secret_key_init(&other);
    qj_public_key_of(&keys[0], &other);
    qj_public_key_of(&keys[1], &mine);
    struct qj_store *store = cache_open("a");
    put_signed(store, 0, &mine, false);
    put_signed(store, 1, &other, false);
    put_signed(store, 2, &mine, true);
    (void)cache_put(store, 3, BYTES);
    qj_store_close(store);

    const struct qj_trust just_mine = {&keys[1], 1}, both = {keys, 2};
    trust = &just_mine;
    static const char *const reasons[] = {"", "not trusted", "does not hold", "not signed"};
    store = open_with("a");
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(cache_check(store, i, BYTES), i == 0, "row %d", i);
        cr_assert_not_null(strstr(cache_last_line(), reasons[i]), "row %d: '%s'", i, cache_last_line());
    }
    cr_assert_eq(stat_of(store).n_refused, 3);
    cr_assert_eq(cache_n_lines(), 3);
    qj_store_close(store);
    trust = &both;
    store = open_with("a");
    cr_assert_eq(cache_check(store, 1, BYTES), 1);
    cr_assert_eq(cache_check(store, 3, BYTES), 0);
    cr_assert_eq(cache_put(store, 3, BYTES), QJIT_OK);
    cr_assert_eq(cache_check(store, 3, BYTES), 1, "one's own store needs no signature");
    qj_store_close(store);
    trust = NULL;
    store = open_with("a");
    cr_assert_eq(cache_check(store, 3, BYTES), 1);
    qj_store_close(store);
}
