/* Where the store may live: whose, how writable, what is there already. Each refusal names what to do. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "cache/internal.h"
#include "cache_support.h"

TestSuite(cache_place, .init = cache_fresh);

static const char path[] = "store/store.sqlite";

/* The store works, in memory, and says why: the reason holds `word`, the log has a warning. */
static void expect_memory(const char *directory, const char *word)
{
    struct qj_store *store = cache_open(directory);
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    cr_assert_not_null(store);
    cr_assert(strstr(cache_last_line(), word) != NULL, "log: '%s'", cache_last_line());
    cr_assert_eq(qj_store_stat(store, &stat), QJIT_OK);
    cr_assert_str_eq(stat.path, "");
    cr_assert(strstr(stat.memory_reason, word) != NULL, "reason: '%s'", stat.memory_reason);
    cr_assert_eq(cache_put(store, 1, 5000), QJIT_OK);
    cr_assert_eq(cache_check(store, 1, 5000), 1);
    qj_store_close(store);
}

static mode_t mode_of(const char *name)
{
    struct stat info;
    return stat(name, &info) == 0 ? info.st_mode & 07777 : 0;
}

Test(cache_place, makes_private_directories_and_files)
{
    (void)umask(0);
    struct qj_store *store = cache_open("a/b/store");
    cr_assert_eq(cache_put(store, 1, 1000), QJIT_OK);
    cr_assert_eq(mode_of("a"), 0700);
    cr_assert_eq(mode_of("a/b/store"), 0700);
    cr_assert_eq(mode_of("a/b/store/store.sqlite"), 0600);
    cr_assert_eq(mode_of("a/b/store/store.sqlite-wal"), 0600);
    qj_store_close(store);
}

Test(cache_place, refuses_what_others_may_write)
{
    qj_store_close(cache_open("store"));
    cr_assert_eq(chmod("store", 0770), 0);
    expect_memory("store", "chmod go-w '");
    cr_assert_eq(chmod("store", 0702), 0);
    expect_memory("store", "chmod go-w '");
    cr_assert_eq(chmod("store", 0700), 0);
    cr_assert_eq(chmod(path, 0620), 0);
    expect_memory("store", "store.sqlite'");
    cr_assert_eq(chmod(path, 0600), 0);
    struct qj_store *store = cache_open("store");
    cr_assert_eq(cache_last_line()[0], '\0');
    qj_store_close(store);
}

Test(cache_place, refuses_links_and_other_things)
{
    qj_store_close(cache_open("store"));
    cr_assert_eq(rename(path, "elsewhere"), 0);
    cr_assert_eq(symlink("../elsewhere", path), 0);
    expect_memory("store", "a link");
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(mkdir(path, 0700), 0);
    expect_memory("store", "not a plain file");
}

Test(cache_place, a_linked_directory_will_do)
{
    cr_assert_eq(mkdir("real", 0700), 0);
    cr_assert_eq(symlink("real", "store"), 0);
    struct qj_store *store = cache_open("store");
    cr_assert_eq(cache_put(store, 1, 1000), QJIT_OK);
    qj_store_close(store);
    cr_assert_eq(access("real/store.sqlite", R_OK), 0, "%s", cache_last_line());
}

Test(cache_place, a_file_in_the_way_of_the_directory)
{
    cr_assert_eq(cache_spit("file", "x", 1), 0);
    expect_memory("file", "cannot make directory");
    expect_memory("file/below", "cannot make directory");
}

Test(cache_place, tells_shared_file_systems)
{
    cr_assert(qj_place_is_shared_type(0x6969));
    cr_assert(qj_place_is_shared_type(0x65735546));
    cr_assert(qj_place_is_shared_type(0x0bd00bd0));
    cr_assert(qj_place_is_shared_type(0xff534d42));
    cr_assert(qj_place_is_shared_type(0xffffffffff534d42u), "a sign-extended one");
    cr_assert(!qj_place_is_shared_type(0xef53), "ext4");
    cr_assert(!qj_place_is_shared_type(0x9123683e), "btrfs");
    cr_assert(!qj_place_is_shared_type(0x58465342), "XFS");
    cr_assert(!qj_place_is_shared_type(0x01021994), "tmpfs");
}

/* As on NFS: rollback journal, nothing mapped, payloads packed. */
Test(cache_place, works_on_a_shared_file_system)
{
    struct qj_store *store = cache_open("store");
    qj_store_close(store);
    cr_assert_eq(unlink(path), 0);
    struct qj_place place;
    cr_assert_eq(qj_place_init(&place, "store"), 0);
    place.is_shared = true;
    cr_assert_eq(qj_place_create(&place), 0, "%s", place.reason);
    struct qj_connection *connection;
    char why[256];
    cr_assert_eq(qj_connection_open(&connection, &place, NULL, why, sizeof why), QJ_OPEN_OK, "%s", why);
    cr_assert_eq(sqlite3_exec(connection->db, "INSERT INTO counter VALUES ('x', 1)", NULL, NULL, NULL),
                 SQLITE_OK);
    cr_assert_neq(access("store/store.sqlite-wal", F_OK), 0);
    cr_assert_neq(access("store/store.sqlite-shm", F_OK), 0);
    qj_connection_close(connection);
    qj_place_finish(&place);
}

static int read_only_part(void)
{
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    struct qj_store *store = cache_open("store");
    CACHE_CHECK(cache_put(store, 1, 5000) == QJIT_OK);
    CACHE_CHECK(cache_put(store, 2, 66256) == QJIT_OK);
    qj_store_close(store);
    CACHE_CHECK(chmod(path, 0400) == 0);
    for (int i = 0; i < 2; i++) {
        CACHE_CHECK(chmod("store", i ? 0500 : 0700) == 0);
        store = cache_open("store");
        CACHE_CHECK(strstr(cache_last_line(), "read-only") != NULL);
        CACHE_CHECK(cache_check(store, 1, 5000) == 1);
        CACHE_CHECK(cache_check(store, 2, 66256) == 1);
        CACHE_CHECK(cache_put(store, 3, 1000) == QJIT_OK);
        CACHE_CHECK(cache_check(store, 3, 1000) == 0);
        CACHE_CHECK(qj_store_clear(store, NULL, NULL) == QJIT_CACHE_UNUSABLE);
        CACHE_CHECK(qj_store_stat(store, &stat) == QJIT_OK);
        CACHE_CHECK(strstr(stat.path, "store.sqlite") != NULL);
        CACHE_CHECK(strstr(stat.memory_reason, "read-only: ") == stat.memory_reason);
        CACHE_CHECK(stat.n_entries == 2 && stat.n_hits == 2);
        qj_store_close(store);
    }
    return chmod("store", 0700);
}

static int unwritable_part(void)
{
    CACHE_CHECK(mkdir("locked", 0500) == 0);
    struct qj_store *store = cache_open("locked/store");
    CACHE_CHECK(strstr(cache_last_line(), "QJIT_CACHE_DIR") != NULL);
    CACHE_CHECK(cache_put(store, 1, 5000) == QJIT_OK);
    CACHE_CHECK(cache_check(store, 1, 5000) == 1);
    qj_store_close(store);
    store = cache_open("locked");
    CACHE_CHECK(strstr(cache_last_line(), "cannot be written") != NULL);
    qj_store_close(store);
    return 0;
}

Test(cache_place, a_read_only_store_serves_hits)
{
    cache_as_nobody(read_only_part);
}

Test(cache_place, an_unwritable_place_gives_memory)
{
    cache_as_nobody(unwritable_part);
}

Test(cache_place, refuses_what_belongs_to_another_user)
{
    if (geteuid() != 0) {
        cr_skip_test("only root can give a directory away");
    }
    qj_store_close(cache_open("store"));
    cr_assert_eq(chown(path, 1000, 1000), 0);
    expect_memory("store", "belongs to user 1000");
    cr_assert_eq(chown(path, 0, 0), 0);
    cr_assert_eq(chown("store", 1000, 1000), 0);
    expect_memory("store", "belongs to user 1000");
}
