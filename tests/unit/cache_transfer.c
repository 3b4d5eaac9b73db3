/* Rows carried from store to store: the same bytes, what is refused, what stays, what a signature keeps. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/internal.h"
#include "cache_support.h"

TestSuite(cache_transfer, .init = cache_fresh);

enum { N = 30 };

static size_t size_of(int i)
{
    return (size_t)i * 7001;
}

static struct qj_store *filled(const char *name, const int *order, int n)
{
    struct qj_store *store = cache_open(name);
    for (int i = 0; i < n; i++) {
        int which = order ? order[i] : i;
        cr_assert_eq(cache_put(store, which, size_of(which)), QJIT_OK, "%s", qjit_error_detail());
    }
    return store;
}

static struct qj_transferred export_to(struct qj_store *store, const char *path,
                                       const struct qj_secret_key *key)
{
    struct qj_transferred done;
    const struct qj_bundle all = {.transfer = {.refuses = NULL}, .key = key};
    cr_assert_eq(qj_store_export(store, &done, path, &all), QJIT_OK, "%s", qjit_error_detail());
    return done;
}

struct told {
    int n;
    char reasons[4096];
};

static void tell(void *payload, const struct qj_row *row, const char *reason)
{
    struct told *told = payload;
    size_t n = strlen(told->reasons);
    told->n++;
    (void)snprintf(told->reasons + n, sizeof told->reasons - n, "%s: %s\n", row ? row->unit : "?", reason);
}

static qjit_status import_from(struct qj_store *store, struct qj_transferred *out, struct told *told,
                               const char *path, const struct qj_trust *trust)
{
    const struct qj_transfer transfer = {.refused = tell, .payload = told, .trust = trust};
    *told = (struct told){0};
    return qj_store_import(store, out, path, &transfer);
}

static void expect_same_file(const char *a, const char *b)
{
    size_t n_a, n_b;
    unsigned char *bytes_a = cache_slurp(a, &n_a), *bytes_b = cache_slurp(b, &n_b);
    cr_assert(bytes_a && bytes_b);
    cr_assert_eq(n_a, n_b);
    cr_assert_eq(memcmp(bytes_a, bytes_b, n_a), 0, "%s and %s differ", a, b);
    free(bytes_a);
    free(bytes_b);
}

static void shuffle(int order[N])
{
    unsigned seed = 7;
    for (int i = 0; i < N; i++) {
        int at = (int)(rand_r(&seed) % (unsigned)(i + 1));
        order[i] = order[at];
        order[at] = i;
    }
}

/* Whatever the store has been through: another order, rows removed, packed payloads, other times, SQLite's
 * page cache in another state. */
Test(cache_transfer, the_same_rows_give_the_same_bytes)
{
    int order[N];
    struct qj_store *store = filled("a", NULL, N);
    struct qj_transferred done = export_to(store, "one.qjit", NULL);
    cr_assert_eq(done.n_added, N);
    cr_assert_eq(done.n_refused, 0);
    struct stat info;
    cr_assert_eq(stat("one.qjit", &info), 0);
    cr_assert_eq((uint64_t)info.st_size, done.file_bytes);
    (void)export_to(store, "two.qjit", NULL);
    qj_store_close(store);
    expect_same_file("one.qjit", "two.qjit");

    shuffle(order);
    (void)sleep(1); /* rows are made in another second */
    store = cache_open_limited("b", 6 << 20);
    for (int i = N; i < 2 * N; i++) {
        (void)cache_put(store, i, 3000);
    }
    for (int i = 0; i < N; i++) {
        (void)cache_put(store, order[i], size_of(order[i]));
    }
    for (int i = N; i < 2 * N; i++) {
        qj_store_refuse(store, cache_row(i).key, "not wanted");
    }
    (void)cache_check(store, 3, size_of(3));
    (void)export_to(store, "three.qjit", NULL);
    qj_store_close(store);
    expect_same_file("one.qjit", "three.qjit");
}

Test(cache_transfer, a_bundle_is_a_shipped_store_and_goes_into_another)
{
    struct told told;
    struct qj_transferred done;
    struct qj_store *store = filled("a", NULL, N);
    (void)export_to(store, "all.qjit", NULL);
    qj_store_close(store);

    store = cache_open_with(&(struct qj_store_options){.directory = "b", .shipped = "all.qjit"});
    cr_assert_eq(cache_n_lines(), 0, "%s", cache_last_line());
    for (int i = 0; i < N; i++) {
        struct qj_row row = cache_row(i);
        struct qj_entry entry;
        cr_assert_eq(qj_store_get(store, &entry, row.key), QJIT_OK, "row %d", i);
        cr_assert_eq(entry.row.compile_us, 0, "no times");
        qj_entry_finish(&entry);
    }
    (void)export_to(store, "again.qjit", NULL); /* the shipped one's rows, too */
    qj_store_close(store);
    expect_same_file("all.qjit", "again.qjit");

    store = filled("c", (const int[]){4, 5, 100}, 3);
    cr_assert_eq(symlink("all.qjit", "link"), 0);
    cr_assert_eq(chmod("all.qjit", 0666), 0); /* it is read through once, and not believed anyway */
    cr_assert_eq(import_from(store, &done, &told, "link", NULL), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(done.n_rows, N);
    cr_assert_eq(done.n_added, N - 2);
    cr_assert_eq(done.n_present, 2);
    cr_assert_eq(done.n_refused, 0);
    cr_assert_eq(cache_check(store, 4, size_of(4)), 1, "what was there stays, with its time of compiling");
    cr_assert_eq(import_from(store, &done, &told, "all.qjit", NULL), QJIT_OK);
    cr_assert_eq(done.n_present, N);
    qj_store_close(store);
}

static const char *refuses_every_third(void *payload, const struct qj_entry *entry)
{
    (void)payload;
    return entry->row.object_bytes % 3 ? NULL : "its size is a multiple of three";
}

Test(cache_transfer, what_is_refused_is_told_and_left_out)
{
    struct told told = {0};
    struct qj_transferred done;
    struct qj_store *store = filled("a", NULL, N);
    (void)export_to(store, "all.qjit", NULL);
    qj_store_close(store);
    store = cache_open("b");
    const struct qj_transfer transfer = {refuses_every_third, tell, &told, NULL};
    cr_assert_eq(qj_store_import(store, &done, "all.qjit", &transfer), QJIT_OK);
    cr_assert_eq(done.n_refused, N / 3);
    cr_assert_eq(told.n, N / 3);
    cr_assert_eq(done.n_added, N - N / 3);
    cr_assert_not_null(strstr(told.reasons, "unit_3: its size is"), "%s", told.reasons);
    cr_assert_eq(cache_check(store, 3, size_of(3)), 0);
    qj_store_close(store);
}

static void expect_bad(struct qj_store *store, const char *path, const char *word)
{
    struct told told;
    struct qj_transferred done;
    qjit_status status = import_from(store, &done, &told, path, NULL);
    cr_assert_eq(status, QJIT_BAD_FILE, "%s: %s", path, qjit_status_name(status));
    cr_assert_not_null(strstr(qjit_error_detail(), word), "%s", qjit_error_detail());
    cr_assert_eq(done.n_added, 0);
}

Test(cache_transfer, what_is_no_bundle_is_refused_whole)
{
    struct qj_store *store = filled("a", NULL, N);
    (void)export_to(store, "all.qjit", NULL);
    qj_store_close(store);
    store = cache_open("b");
    expect_bad(store, "nowhere.qjit", "No such file");
    expect_bad(store, ".", "no file");
    cr_assert_eq(cache_spit("text", "just a text that is longer than nothing", 30), 0);
    expect_bad(store, "text", "not a database");
    cr_assert_eq(cache_spit("empty", "", 0), 0);
    expect_bad(store, "empty", "no store of qjit's");
    cr_assert_eq(cache_sql("all.qjit", "PRAGMA user_version = 4"), 0);
    expect_bad(store, "all.qjit", "newer qjit");
    cr_assert_eq(cache_sql("all.qjit", "PRAGMA user_version = 3; CREATE VIEW more AS SELECT 1"), 0);
    expect_bad(store, "all.qjit", "other tables");
    qj_store_close(store);
}

/* Cut anywhere it is refused whole; with a byte changed anywhere, it is refused, or a row is, or the byte is
 * one that nothing depends on. Never is there a wrong object. */
Test(cache_transfer, a_damaged_bundle_gives_nothing_wrong)
{
    enum { ROWS = 8 };
    const char *given = getenv("QJIT_TEST_STEP"); /* bytes from one change to the next */
    size_t step = given ? strtoul(given, NULL, 10) : 3001;
    size_t n;
    struct told told;
    struct qj_transferred done;
    int n_whole = 0, n_rows = 0, n_unseen = 0;
    struct qj_store *store = filled("a", NULL, ROWS);
    (void)export_to(store, "all.qjit", NULL);
    qj_store_close(store);
    unsigned char *bytes = cache_slurp("all.qjit", &n);
    for (size_t keep = 0; keep < n; keep += n / 20) {
        store = cache_open(NULL);
        cr_assert_eq(cache_spit("cut", bytes, keep), 0);
        expect_bad(store, "cut", "cut");
        qj_store_close(store);
    }
    for (size_t at = 0; at < n; at += at < 100 ? 1 : step) {
        bytes[at] ^= 0x41;
        cr_assert_eq(cache_spit("flipped", bytes, n), 0);
        bytes[at] ^= 0x41;
        store = cache_open(NULL);
        qjit_status status = import_from(store, &done, &told, "flipped", NULL);
        cr_assert(status == QJIT_OK || status == QJIT_BAD_FILE, "byte %zu: %s", at, qjit_error_detail());
        n_whole += status != QJIT_OK;
        n_rows += status == QJIT_OK && done.n_refused;
        n_unseen += status == QJIT_OK && !done.n_refused;
        for (int i = 0; i < ROWS; i++) {
            struct qj_entry entry;
            struct qj_row row = cache_row(i);
            if (qj_store_get(store, &entry, row.key) == QJIT_OK) {
                unsigned char *object = cache_object(i, size_of(i));
                cr_assert_eq(entry.row.object_bytes, size_of(i));
                cr_assert_eq(memcmp(entry.object, object, size_of(i)), 0, "byte %zu, row %d", at, i);
                free(object);
                qj_entry_finish(&entry);
            }
        }
        qj_store_close(store);
    }
    free(bytes);
    (void)fprintf(stderr, "a byte changed: %d refused whole, %d a row, %d without effect\n", n_whole, n_rows,
                  n_unseen);
    cr_assert_gt(n_rows, 0);
    cr_assert_gt(n_whole, 0);
}

Test(cache_transfer, a_bundle_never_takes_the_place_of_its_store)
{
    struct qj_transferred done;
    const struct qj_bundle all = {.transfer = {NULL}};
    struct qj_store *store = filled("a", NULL, 3);
    cr_assert_eq(qj_store_export(store, &done, "a/../a/store.sqlite", &all), QJIT_INVALID_ARGUMENT);
    cr_assert_eq(qj_store_export(store, &done, "nowhere/all.qjit", &all), QJIT_IO);
    cr_assert_not_null(strstr(qjit_error_detail(), "nowhere/all.qjit"));
    cr_assert_eq(mkdir("directory", 0700), 0);
    cr_assert_eq(qj_store_export(store, &done, "directory", &all), QJIT_IO);
    cr_assert_eq(cache_check(store, 2, size_of(2)), 1);
    cr_assert_eq(system("ls | grep -q 'new-' && exit 1 || exit 0"), 0, "something was left behind");
    qj_store_close(store);
}

Test(cache_transfer, a_damaged_row_is_not_exported)
{
    struct told told = {0};
    struct qj_transferred done;
    const struct qj_bundle all = {.transfer = {NULL, tell, &told, NULL}};
    qj_store_close(filled("a", NULL, 4));
    cr_assert_eq(cache_sql("a/store.sqlite", "UPDATE entry SET payload = zeroblob(length(payload)) WHERE "
                                             "length(payload) = 14002"),
                 0);
    struct qj_store *store = cache_open("a");
    cr_assert_eq(qj_store_export(store, &done, "all.qjit", &all), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(done.n_added, 3);
    cr_assert_eq(done.n_refused, 1);
    cr_assert_str_eq(told.reasons, "unit_2: its checksum does not match\n");
    qj_store_close(store);
}

/* Killed at any moment, an import leaves rows that are whole. */
Test(cache_transfer, an_interrupted_import_leaves_whole_rows)
{
    enum { ROUNDS = 12 };
    struct told told;
    struct qj_transferred done;
    struct qj_store *store = filled("a", NULL, N);
    (void)export_to(store, "all.qjit", NULL);
    qj_store_close(store);
    int n_before = 0;
    for (int round = 0; round < ROUNDS; round++) {
        pid_t child = fork();
        if (child == 0) {
            store = cache_open("b");
            (void)import_from(store, &done, &told, "all.qjit", NULL);
            _exit(0);
        }
        (void)usleep((useconds_t)(round * 6000));
        (void)kill(child, SIGKILL);
        (void)waitpid(child, NULL, 0);
        store = cache_open("b");
        int n_now = 0;
        for (int i = 0; i < N; i++) {
            struct qj_row row = cache_row(i);
            struct qj_entry entry;
            if (qj_store_get(store, &entry, row.key) == QJIT_OK) {
                cr_assert_eq(entry.row.object_bytes, size_of(i));
                qj_entry_finish(&entry);
                n_now++;
            }
        }
        cr_assert_geq(n_now, n_before, "what was taken stays");
        qjit_cache_stat stat = {.struct_size = sizeof stat};
        cr_assert_eq(qj_store_stat(store, &stat), QJIT_OK);
        cr_assert_eq(stat.n_refused, 0);
        n_before = n_now;
        qj_store_close(store);
    }
    (void)fprintf(stderr, "%d of %d rows after the last kill\n", n_before, N);
    cr_assert_gt(n_before, 0, "killed too early each time");
}

Test(cache_transfer, a_full_store_takes_what_fits_and_removes_nothing)
{
    struct told told;
    struct qj_transferred done;
    struct qj_store *store = filled("a", NULL, N);
    (void)export_to(store, "all.qjit", NULL);
    qj_store_close(store);
    store = cache_open_limited("b", 2 << 20);
    cr_assert_eq(cache_put(store, 200, 300000), QJIT_OK);
    cr_assert_eq(import_from(store, &done, &told, "all.qjit", NULL), QJIT_CACHE_UNUSABLE);
    cr_assert_not_null(strstr(qjit_error_detail(), "QJIT_CACHE_MAX_SIZE"), "%s", qjit_error_detail());
    cr_assert_gt(done.n_added, 5);
    cr_assert_lt(done.n_added, N);
    cr_assert_eq(cache_check(store, 200, 300000), 1);
    qj_store_close(store);
}

/* Signed once, a row stays so in a bundle, in a store, and in a bundle of that store. */
Test(cache_transfer, signatures_are_demanded_checked_and_kept)
{
    struct told told;
    struct qj_transferred done;
    struct qj_secret_key secret, other;
    struct qj_public_key key, other_key;
    qj_secret_key_init(&secret);
    qj_secret_key_init(&other);
    qj_public_key_of(&key, &secret);
    qj_public_key_of(&other_key, &other);
    const struct qj_trust trust = {&key, 1}, wrong = {&other_key, 1};
    struct qj_store *store = filled("a", NULL, N);
    (void)export_to(store, "plain.qjit", NULL);
    (void)export_to(store, "signed.qjit", &secret);
    (void)export_to(store, "signed-again.qjit", &secret);
    qj_store_close(store);
    expect_same_file("signed.qjit", "signed-again.qjit");

    store = cache_open("b");
    cr_assert_eq(import_from(store, &done, &told, "plain.qjit", &trust), QJIT_OK);
    cr_assert_eq(done.n_refused, N);
    cr_assert_not_null(strstr(told.reasons, "it is not signed"), "%s", told.reasons);
    cr_assert_eq(import_from(store, &done, &told, "signed.qjit", &wrong), QJIT_OK);
    cr_assert_eq(done.n_refused, N);
    cr_assert_not_null(strstr(told.reasons, "not trusted"), "%s", told.reasons);
    cr_assert_eq(import_from(store, &done, &told, "signed.qjit", &trust), QJIT_OK);
    cr_assert_eq(done.n_added, N);
    (void)export_to(store, "from-b.qjit", NULL);
    qj_store_close(store);
    expect_same_file("signed.qjit", "from-b.qjit");

    store = cache_open_with(
        &(struct qj_store_options){.directory = "c", .shipped = "from-b.qjit", .trust = &trust});
    struct qj_entry entry;
    cr_assert_eq(qj_store_get(store, &entry, cache_row(5).key), QJIT_OK, "%s", cache_last_line());
    qj_entry_finish(&entry);
    qj_store_close(store);
}

/* An attacker can make all checksums right again, and the payload is not in the record's: the signature is
 * what does not hold. Without any key to trust, too. */
Test(cache_transfer, an_altered_row_is_refused_though_its_checksums_hold)
{
    struct told told;
    struct qj_transferred done;
    struct qj_secret_key secret;
    struct qj_signature signature;
    uint8_t digest[QJ_DIGEST_BYTES];
    qj_secret_key_init(&secret);
    struct qj_row row = cache_row(1);
    unsigned char *object = cache_object(1, 5000);
    qj_row_digest(digest, &row, object, 5000);
    qj_signature_make(&signature, &secret, digest, sizeof digest);
    row.signature = &signature;
    for (int what = 0; what < 5; what++) {
        struct qj_row altered = row;
        object[2500] ^= what == 1;
        altered.kernels = what == 2 ? "another_kernel" : row.kernels;
        altered.arch = what == 3 ? "gfx1100" : row.arch;
        altered.source_digest[3] ^= what == 4;
        char name[16], path[64];
        (void)snprintf(name, sizeof name, "a%d", what);
        (void)snprintf(path, sizeof path, "a%d/store.sqlite", what);
        struct qj_store *store = cache_open(name);
        cr_assert_eq(qj_store_put(store, &altered, object, 5000), QJIT_OK);
        qj_store_close(store);
        object[2500] ^= what == 1;
        store = cache_open(NULL);
        cr_assert_eq(import_from(store, &done, &told, path, NULL), QJIT_OK, "%s", qjit_error_detail());
        cr_assert_eq(done.n_added, what == 0, "%d: %s", what, told.reasons);
        cr_assert_eq(done.n_refused, what != 0);
        cr_assert(what == 0 || strstr(told.reasons, "its signature does not hold"), "%s", told.reasons);
        qj_store_close(store);
    }
    free(object);
}
