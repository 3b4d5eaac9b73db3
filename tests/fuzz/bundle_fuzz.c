/* A libFuzzer target: a store's file changed anywhere is taken for what is still sound in it, as a bundle
 * that is imported and as the user's own store. No object is handed out that was not put.
 *
 * An input is one byte (bit 0: as a bundle; else as the store), three bytes of how much of the file is there
 * (0: all), and edits: three bytes of where, one of what. The file they change is made when the fuzzer
 * starts; numbers are little endian, modulo the file's size. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "cache/cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { N_ROWS = 8, HEAD = 4, EDIT = 4, OBJECT_MAX = 60000 };

static uint8_t *whole, *changed;
static size_t n_whole;

static void need(int holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

static size_t size_of(int i)
{
    return i == 5 ? 50000 : (size_t)(200 + 900 * i);
}

static struct qj_row make_row(int i, uint8_t *object)
{
    struct qj_row row = {.unit = "unit",
                         .module = "module",
                         .arch = "gfx1030",
                         .compiler = "hiprtc=01",
                         .options = "-O3",
                         .names = "k",
                         .kernels = "k k",
                         .log = ""};
    memset(row.key, 37 * i + 1, sizeof row.key);
    memset(object, i + 1, size_of(i));
    return row;
}

static struct qj_store *open_store(const char *directory)
{
    struct qj_store *store = NULL;
    struct qj_store_options options = {.directory = directory};
    need(qj_store_open(&store, &options) == QJIT_OK);
    return store;
}

static void make_whole(void)
{
    uint8_t object[OBJECT_MAX];
    struct qj_buf file = {0};
    need(qj_fs_remove_tree("fuzz-store") == 0 || access("fuzz-store", F_OK) != 0);
    struct qj_store *store = open_store("fuzz-store");
    for (int i = 0; i < N_ROWS; i++) {
        struct qj_row row = make_row(i, object);
        need(qj_store_put(store, &row, object, size_of(i)) == QJIT_OK);
    }
    qj_store_close(store);
    need(qj_fs_read(&file, "fuzz-store/store.sqlite", 1 << 24) == 0);
    whole = (uint8_t *)file.bytes;
    n_whole = file.size;
    changed = malloc(n_whole);
    need(changed != NULL);
}

static void write_changed(const char *path, const uint8_t *bytes, size_t n)
{
    size_t keep = bytes[1] | (size_t)bytes[2] << 8 | (size_t)bytes[3] << 16;
    memcpy(changed, whole, n_whole);
    for (size_t at = HEAD; at + EDIT <= n; at += EDIT) {
        size_t where = bytes[at] | (size_t)bytes[at + 1] << 8 | (size_t)bytes[at + 2] << 16;
        changed[where % n_whole] = bytes[at + 3];
    }
    keep = keep ? keep % n_whole : n_whole;
    FILE *file = fopen(path, "we");
    need(file != NULL && fwrite(changed, 1, keep, file) == keep && fclose(file) == 0);
    need(chmod(path, 0600) == 0);
}

/* How many are there, each as it was put. */
static uint64_t check_rows(struct qj_store *store)
{
    uint8_t object[OBJECT_MAX];
    uint64_t n_found = 0;
    for (int i = 0; i < N_ROWS; i++) {
        struct qj_row row = make_row(i, object);
        struct qj_entry entry;
        if (qj_store_get(store, &entry, row.key) == QJIT_OK) {
            need(entry.row.object_bytes == size_of(i) && memcmp(entry.object, object, size_of(i)) == 0);
            qj_entry_finish(&entry);
            n_found++;
        }
    }
    return n_found;
}

static void count_refused(void *payload, const struct qj_row *row, const char *reason)
{
    need(*reason && (!row || row->arch));
    ++*(uint64_t *)payload;
}

static void import(const uint8_t *bytes, size_t n)
{
    struct qj_transferred moved = {0};
    uint64_t n_refused = 0;
    struct qj_transfer transfer = {.refused = count_refused, .payload = &n_refused};
    write_changed("fuzz-bundle", bytes, n);
    struct qj_store *store = open_store(NULL);
    (void)qj_store_import(store, &moved, "fuzz-bundle", &transfer);
    need(check_rows(store) == moved.n_added && n_refused == moved.n_refused);
    qj_store_close(store);
}

static void use(const uint8_t *bytes, size_t n)
{
    uint8_t object[OBJECT_MAX];
    (void)qj_fs_remove_tree("fuzz-store");
    need(mkdir("fuzz-store", 0700) == 0);
    write_changed("fuzz-store/store.sqlite", bytes, n);
    struct qj_store *store = open_store("fuzz-store");
    (void)check_rows(store);
    struct qj_row row = make_row(3, object);
    (void)qj_store_put(store, &row, object, size_of(3));
    (void)check_rows(store);
    qj_store_close(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (!whole) {
        make_whole();
    }
    if (n >= HEAD) {
        if (bytes[0] & 1) {
            import(bytes, n);
        } else {
            use(bytes, n);
        }
    }
    return 0;
}
