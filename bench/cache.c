/* The store against plain files: a verified hit against open+fstat+read+close, a put against a temporary file
 * renamed (no side syncs), opening a store of 10,000 rows and the first get. Both sides take turns within one run,
 * over N_ROWS objects of each size, so that neither reads what it has just read. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "bench.h"
#include "cache/cache.h"
#include "objects.h"

enum { N_ROWS = 16, HIT_ROUNDS = 2001, PUT_ROUNDS = 401, OPEN_ROWS = 10000, OPEN_ROUNDS = 51 };

static char root[256], path[512], other[512];

static void fail(const char *what)
{
    (void)fprintf(stderr, "%s: %s\n", what, qjit_error_detail());
    exit(1);
}

static void make_key(uint8_t out[QJ_DIGEST_BYTES], const char *name, int i)
{
    struct qj_digest digest;
    qj_digest_init(&digest);
    qj_digest_text(&digest, name);
    qj_digest_field(&digest, &i, sizeof i);
    qj_digest_finish(&digest, out);
}

static struct qj_store *open_store(const char *name)
{
    struct qj_store *store;
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    struct qj_store_options options = {.directory = path};
    if (qj_store_open(&store, &options) != QJIT_OK) {
        fail("open");
    }
    return store;
}

static void put_row(struct qj_store *store, const struct bench_object *object, int i)
{
    struct qj_row row = {.unit = "dequantize_block_q4_0",
                         .module = "quantized",
                         .arch = "gfx90a:sramecc+:xnack-",
                         .compiler = "hiprtc=0123456789abcdef0123456789abcdef01234567 "
                                     "comgr=0123456789abcdef0123456789abcdef01234567",
                         .options = "-O3 -std=c++17 -mcode-object-version=4",
                         .kernels = "dequantize_block_q4_0_f32 dequantize_block_q4_0_f16",
                         .log = "",
                         .compile_us = 100000};
    make_key(row.key, object->name, i);
    if (qj_store_put(store, &row, object->bytes, object->n_bytes) != QJIT_OK) {
        fail("put");
    }
}

static void write_file(const char *name, const struct bench_object *object, int i)
{
    (void)snprintf(path, sizeof path, "%s/%s-%d.tmp", root, name, i);
    (void)snprintf(other, sizeof other, "%s/%s-%d", root, name, i);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, object->bytes, object->n_bytes) != (ssize_t)object->n_bytes || close(fd) != 0 ||
        rename(path, other) != 0) {
        perror(other);
        exit(1);
    }
}

static void read_file(const char *name, int i)
{
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/%s-%d", root, name, i);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *bytes = fd >= 0 && fstat(fd, &info) == 0 ? malloc((size_t)info.st_size) : NULL;
    if (!bytes || read(fd, bytes, (size_t)info.st_size) != info.st_size) {
        perror(path);
        exit(1);
    }
    (void)close(fd);
    free(bytes);
}

static void report(const char *name, const struct bench_object *object, double *store_us, double *file_us, size_t n)
{
    double sums[2] = {0};
    for (size_t i = 0; i < n; i++) {
        sums[0] += store_us[i];
        sums[1] += file_us[i];
    }
    double store = bench_median(store_us, n), file = bench_median(file_us, n);
    struct bench_line line;
    bench_begin(&line, name);
    bench_text(&line, "object", object->name);
    bench_number(&line, "object_bytes", (double)object->n_bytes);
    bench_number(&line, "store_us", store);
    bench_number(&line, "file_us", file);
    bench_number(&line, "ratio", store / file);
    bench_number(&line, "store_p90_us", store_us[n * 9 / 10]);
    bench_number(&line, "file_p90_us", file_us[n * 9 / 10]);
    bench_number(&line, "mean_ratio", sums[0] / sums[1]);
    bench_end(&line);
}

static void bench_hit(const struct bench_object *object)
{
    static double store_us[HIT_ROUNDS], file_us[HIT_ROUNDS];
    uint8_t keys[N_ROWS][QJ_DIGEST_BYTES];
    struct qj_store *store = open_store("hit");
    for (int i = 0; i < N_ROWS; i++) {
        put_row(store, object, i);
        write_file(object->name, object, i);
        make_key(keys[i], object->name, i);
    }
    qj_store_close(store); /* rows are then in the file itself, as a later process finds them */
    store = open_store("hit");
    for (int i = 0; i < HIT_ROUNDS; i++) {
        struct qj_entry entry;
        uint64_t begin = bench_ns();
        if (qj_store_get(store, &entry, keys[i % N_ROWS]) != QJIT_OK) {
            fail("get");
        }
        qj_entry_finish(&entry);
        store_us[i] = (double)(bench_ns() - begin) / 1e3;
        begin = bench_ns();
        read_file(object->name, i % N_ROWS);
        file_us[i] = (double)(bench_ns() - begin) / 1e3;
    }
    qj_store_close(store);
    report("cache_hit", object, store_us, file_us, HIT_ROUNDS);
}

static void bench_put(const struct bench_object *object)
{
    static double store_us[PUT_ROUNDS], file_us[PUT_ROUNDS];
    struct qj_store *store = open_store("put");
    char name[64];
    (void)snprintf(name, sizeof name, "put-%s", object->name);
    for (int i = 0; i < PUT_ROUNDS; i++) {
        uint64_t begin = bench_ns();
        put_row(store, object, i);
        store_us[i] = (double)(bench_ns() - begin) / 1e3;
        begin = bench_ns();
        write_file(name, object, i);
        file_us[i] = (double)(bench_ns() - begin) / 1e3;
    }
    qj_store_close(store);
    report("cache_put", object, store_us, file_us, PUT_ROUNDS);
}

/* Both the whole open of an existing store and the first get in it; what this process knows is thrown away by
 * closing. */
static void bench_open(const struct bench_object *object)
{
    static double us[OPEN_ROUNDS];
    struct qj_store *store = open_store("open");
    for (int i = 0; i < OPEN_ROWS; i++) {
        put_row(store, object, i);
    }
    qj_store_close(store);
    for (int i = 0; i < OPEN_ROUNDS; i++) {
        uint8_t key[QJ_DIGEST_BYTES];
        struct qj_entry entry;
        make_key(key, object->name, i * 191 % OPEN_ROWS);
        uint64_t begin = bench_ns();
        store = open_store("open");
        if (qj_store_get(store, &entry, key) != QJIT_OK) {
            fail("get");
        }
        us[i] = (double)(bench_ns() - begin) / 1e3;
        qj_entry_finish(&entry);
        qj_store_close(store);
    }
    struct bench_line line;
    bench_begin(&line, "cache_open");
    bench_number(&line, "rows", OPEN_ROWS);
    bench_number(&line, "open_and_get_us", bench_median(us, OPEN_ROUNDS));
    bench_number(&line, "p90_us", us[OPEN_ROUNDS * 9 / 10]);
    bench_end(&line);
}

int main(int argc, char **argv)
{
    struct bench_object objects[BENCH_OBJECTS + 1];
    const char *directory = argc > 1 ? argv[1] : getenv("TMPDIR");
    (void)snprintf(root, sizeof root, "%s/qjit-bench-XXXXXX", directory ? directory : "/tmp");
    if (bench_objects(objects) != 0) {
        return 77;
    }
    if (!mkdtemp(root)) {
        perror(root);
        return 1;
    }
    objects[BENCH_OBJECTS] = (struct bench_object){"350K-noise", malloc(350 << 10), 350 << 10};
    if (!objects[BENCH_OBJECTS].bytes) {
        return 1;
    }
    sqlite3_randomness((int)objects[BENCH_OBJECTS].n_bytes, objects[BENCH_OBJECTS].bytes);
    for (int i = 0; i <= BENCH_OBJECTS; i++) {
        bench_hit(&objects[i]);
    }
    for (int i = 0; i <= BENCH_OBJECTS; i++) {
        bench_put(&objects[i]);
    }
    bench_open(&objects[0]);
    return qj_fs_remove_tree(root) == 0 ? 0 : 1;
}
