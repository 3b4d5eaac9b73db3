/* What a store's work costs with 1,000 rows and with 100,000: opening it, a verified hit, a put, a put that
 * has to make room, removing a tenth of it. Objects are of 4 KB. One line for each, with the ratio. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "bench.h"
#include "cache/cache.h"

enum {
    N_SIZES = 2,
    OBJECT_BYTES = 4344,
    OPEN_ROUNDS = 101,
    HIT_ROUNDS = 5001,
    PUT_ROUNDS = 2001,
    TIGHT_ROUNDS = 8000
};

static const int n_rows[N_SIZES] = {1000, 100000};
static char root[256], path[512];
static unsigned char object[OBJECT_BYTES];
static double us[N_SIZES][TIGHT_ROUNDS];

static void fail(const char *what)
{
    (void)fprintf(stderr, "%s: %s\n", what, qjit_error_detail());
    exit(1);
}

static void make_key(uint8_t out[QJ_DIGEST_BYTES], int i)
{
    struct qj_digest digest;
    qj_digest_init(&digest);
    qj_digest_field(&digest, &i, sizeof i);
    qj_digest_finish(&digest, out);
}

static struct qj_store *open_store(int size, uint64_t max_bytes)
{
    struct qj_store *store;
    (void)snprintf(path, sizeof path, "%s/%d", root, n_rows[size]);
    struct qj_store_options options = {.directory = path, .max_bytes = max_bytes};
    if (qj_store_open(&store, &options) != QJIT_OK) {
        fail("open");
    }
    return store;
}

static void put_row(struct qj_store *store, int i)
{
    struct qj_row row = {.unit = "dequantize_block_q4_0",
                         .module = "quantized",
                         .arch = "gfx90a:sramecc+:xnack-",
                         .compiler = "hiprtc=0123456789abcdef0123456789abcdef01234567",
                         .options = "-O3 -std=c++17 -mcode-object-version=4",
                         .kernels = "dequantize_block_q4_0_f32 dequantize_block_q4_0_f16",
                         .log = "",
                         .compile_us = 100000};
    make_key(row.key, i);
    memcpy(object, row.key, sizeof row.key);
    if (qj_store_put(store, &row, object, sizeof object) != QJIT_OK) {
        fail("put");
    }
}

static qjit_cache_stat stat_of(struct qj_store *store)
{
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    if (qj_store_stat(store, &stat) != QJIT_OK) {
        fail("stat");
    }
    return stat;
}

static double now_us(void)
{
    return (double)bench_ns() / 1e3;
}

static double get_row(struct qj_store *store, int i)
{
    uint8_t key[QJ_DIGEST_BYTES];
    struct qj_entry entry;
    make_key(key, i);
    double begin = now_us();
    if (qj_store_get(store, &entry, key) != QJIT_OK) {
        fail("get");
    }
    double took = now_us() - begin;
    qj_entry_finish(&entry);
    return took;
}

/* Both stores take turns. `few` and `many` are what one thing took. */
static void report(const char *name, double few, double many)
{
    struct bench_line line;
    bench_begin(&line, name);
    bench_number(&line, "us_1000", few);
    bench_number(&line, "us_100000", many);
    bench_number(&line, "ratio", many / few);
    bench_end(&line);
}

static void bench_open(void)
{
    for (int i = 0; i < OPEN_ROUNDS; i++) {
        for (int size = 0; size < N_SIZES; size++) {
            double begin = now_us();
            struct qj_store *store = open_store(size, 0);
            (void)get_row(store, i * 191 % n_rows[size]);
            us[size][i] = now_us() - begin;
            qj_store_close(store);
        }
    }
    report("scale_open_and_hit", bench_median(us[0], OPEN_ROUNDS), bench_median(us[1], OPEN_ROUNDS));
}

/* Any row, one after the other, each for the third time: the file is then in memory, as that of a cache in
 * use is. */
static void bench_hit(void)
{
    struct qj_store *stores[N_SIZES] = {open_store(0, 0), open_store(1, 0)};
    for (int size = 0; size < N_SIZES; size++) {
        for (int i = 0; i < 3 * HIT_ROUNDS; i++) {
            us[size][i % HIT_ROUNDS] =
                get_row(stores[size], (int)((long)(i % HIT_ROUNDS) * 7919 % n_rows[size]));
        }
        qj_store_close(stores[size]);
    }
    report("scale_hit", bench_median(us[0], HIT_ROUNDS), bench_median(us[1], HIT_ROUNDS));
}

static void bench_put(void)
{
    struct qj_store *stores[N_SIZES] = {open_store(0, 0), open_store(1, 0)};
    for (int i = 0; i < PUT_ROUNDS; i++) {
        for (int size = 0; size < N_SIZES; size++) {
            double begin = now_us();
            put_row(stores[size], 1000000 + i);
            us[size][i] = now_us() - begin;
        }
    }
    qj_store_close(stores[0]);
    qj_store_close(stores[1]);
    report("scale_put", bench_median(us[0], PUT_ROUNDS), bench_median(us[1], PUT_ROUNDS));
}

/* Means, since one put in many makes the room for those that follow; and how far past the limit the file was.
 */
static void bench_full(void)
{
    double means[N_SIZES], most[N_SIZES] = {0}, longest[N_SIZES] = {0};
    for (int size = 0; size < N_SIZES; size++) {
        struct qj_store *store = open_store(size, 0);
        uint64_t limit = stat_of(store).file_bytes;
        qj_store_close(store);
        store = open_store(size, limit);
        double whole = now_us();
        for (int i = 0; i < TIGHT_ROUNDS; i++) {
            double begin = now_us(), took;
            put_row(store, 2000000 + i);
            took = now_us() - begin;
            longest[size] = took > longest[size] ? took : longest[size];
        }
        means[size] = (now_us() - whole) / TIGHT_ROUNDS;
        most[size] = (double)stat_of(store).file_bytes / (double)limit;
        qj_store_close(store);
    }
    struct bench_line line;
    bench_begin(&line, "scale_put_when_full");
    bench_number(&line, "us_1000", means[0]);
    bench_number(&line, "us_100000", means[1]);
    bench_number(&line, "ratio", means[1] / means[0]);
    bench_number(&line, "longest_us_1000", longest[0]);
    bench_number(&line, "longest_us_100000", longest[1]);
    bench_number(&line, "file_of_limit_1000", most[0]);
    bench_number(&line, "file_of_limit_100000", most[1]);
    bench_end(&line);
}

/* A tenth of the rows; the time of one that goes. */
static void bench_gc(void)
{
    double each[N_SIZES];
    for (int size = 0; size < N_SIZES; size++) {
        struct qj_store *store = open_store(size, 0);
        uint64_t n = 0;
        uint64_t limit = stat_of(store).file_bytes / 10 * 9;
        double begin = now_us();
        if (qj_store_shrink(store, &n, limit) != QJIT_OK || n == 0) {
            fail("shrink");
        }
        each[size] = (now_us() - begin) / (double)n;
        qj_store_close(store);
    }
    report("scale_gc_a_row", each[0], each[1]);
}

int main(int argc, char **argv)
{
    const char *directory = argc > 1 ? argv[1] : getenv("TMPDIR");
    (void)snprintf(root, sizeof root, "%s/qjit-bench-XXXXXX", directory ? directory : "/tmp");
    if (!mkdtemp(root)) {
        perror(root);
        return 1;
    }
    for (int size = 0; size < N_SIZES; size++) {
        struct qj_store *store = open_store(size, 0);
        for (int i = 0; i < n_rows[size]; i++) {
            put_row(store, i);
        }
        qj_store_close(store);
    }
    bench_open();
    bench_hit();
    bench_put();
    bench_full();
    bench_gc();
    return qj_fs_remove_tree(root) == 0 ? 0 : 1;
}
