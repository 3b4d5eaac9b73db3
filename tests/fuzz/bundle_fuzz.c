/* A libFuzzer target: any bytes are a bundle to import, or a shipped store to ask, or are refused. What comes
 * out of either says what its checksums say.
 *
 * An input is laid over a sound bundle: pieces of two bytes of length, four of position, and that many bytes.
 * No fuzzer would find a whole SQLite file by itself, and its checksums neither. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { N_ROWS = 6, ROW_BYTES = 9000, FILE_MAX = 1 << 20 };

static char directory[64], path[128];
static uint8_t *sound, *altered;
static size_t n_sound;

static void need(int holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

static struct qj_row row_of(int i)
{
    struct qj_row row = {.unit = "unit", .module = "app", .arch = "gfx1030", .kernels = "kernel"};
    memset(row.key, 16 * i + 1, sizeof row.key);
    return row;
}

static void clean_up(void)
{
    (void)unlink(path);
    (void)rmdir(directory);
}

/* A bundle of a few rows, some in pages of their own. */
static void make_sound(void)
{
    static uint8_t object[N_ROWS * ROW_BYTES];
    struct qj_store *store;
    struct qj_transferred done;
    const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm/" : "";
    (void)snprintf(directory, sizeof directory, "%sbundle-fuzz-%d", memory, (int)getpid());
    need(mkdir(directory, 0700) == 0);
    (void)atexit(clean_up);
    (void)snprintf(path, sizeof path, "%s/bundle.qjit", directory);
    need(qj_store_open(&store, &(struct qj_store_options){.directory = NULL}) == QJIT_OK);
    for (int i = 0; i < N_ROWS; i++) {
        struct qj_row row = row_of(i);
        memset(object, i, sizeof object);
        need(qj_store_put(store, &row, object, (size_t)(i * ROW_BYTES)) == QJIT_OK);
    }
    need(qj_store_export(store, &done, path, &(struct qj_bundle){.key = NULL}) == QJIT_OK);
    qj_store_close(store);
    sound = malloc(FILE_MAX);
    altered = malloc(FILE_MAX);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = read(fd, sound, FILE_MAX);
    need(sound && altered && fd >= 0 && got > 0 && close(fd) == 0);
    n_sound = (size_t)got;
}

/* The length of the altered file. */
static size_t lay_over(const uint8_t *bytes, size_t n)
{
    size_t n_file = n_sound;
    memcpy(altered, sound, n_sound);
    while (n >= 6) {
        size_t n_piece = bytes[0] | (size_t)bytes[1] << 8;
        size_t at = (bytes[2] | (size_t)bytes[3] << 8 | (size_t)bytes[4] << 16) % (n_sound + 1);
        if (bytes[5] & 1) {
            n_file = at; /* cut */
        }
        bytes += 6;
        n -= 6;
        n_piece = n_piece < n ? n_piece : n;
        n_piece = n_piece < n_sound - at ? n_piece : n_sound - at;
        memcpy(altered + at, bytes, n_piece);
        bytes += n_piece;
        n -= n_piece;
    }
    return n_file;
}

/* Nothing but what was put may come out of it. */
static void check(struct qj_store *store)
{
    for (int i = 0; i < N_ROWS; i++) {
        struct qj_row row = row_of(i);
        struct qj_entry entry;
        if (qj_store_get(store, &entry, row.key) == QJIT_OK) {
            const uint8_t *object = entry.object;
            need(memcmp(entry.row.key, row.key, sizeof row.key) == 0);
            for (uint64_t k = 0; k < entry.row.object_bytes; k++) {
                need(object[k] == i);
            }
            qj_entry_finish(&entry);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct qj_store *store;
    struct qj_transferred done;
    if (!sound) {
        make_sound();
    }
    size_t n_file = lay_over(bytes, n);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    need(fd >= 0 && write(fd, altered, n_file) == (ssize_t)n_file && close(fd) == 0);
    need(qj_store_open(&store, &(struct qj_store_options){.directory = NULL}) == QJIT_OK);
    qjit_status status = qj_store_import(store, &done, path, &(struct qj_transfer){.refuses = NULL});
    need(status == QJIT_OK || status == QJIT_BAD_FILE);
    need(done.n_added + done.n_present + done.n_refused == done.n_rows);
    check(store);
    qj_store_close(store);
    need(qj_store_open(&store, &(struct qj_store_options){.directory = NULL, .shipped = path}) == QJIT_OK);
    check(store);
    qj_store_close(store);
    return 0;
}
