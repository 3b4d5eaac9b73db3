/* What it costs to take an object from a shipped store: plain, and with its signature verified, against the
 * user's own store; and what verifying a whole file of 50 MB when it is opened would cost instead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "bench.h"
#include "cache/cache.h"

enum { N_ROWS = 16, ROUNDS = 1001, PART_BYTES = 1 << 20, N_PARTS = 50 };

static char root[256];
static struct qj_secret_key secret;
static struct qj_public_key public;

static void fail(const char *what)
{
    (void)fprintf(stderr, "%s: %s\n", what, qjit_error_detail());
    exit(1);
}

static void make_key(uint8_t out[QJ_DIGEST_BYTES], size_t n_bytes, int i)
{
    struct qj_digest digest;
    qj_digest_init(&digest);
    qj_digest_field(&digest, &n_bytes, sizeof n_bytes);
    qj_digest_field(&digest, &i, sizeof i);
    qj_digest_finish(&digest, out);
}

static struct qj_store *open_store(const char *name, const char *shipped, const struct qj_trust *trust)
{
    struct qj_store *store;
    char directory[512];
    (void)snprintf(directory, sizeof directory, "%s/%s", root, name);
    struct qj_store_options options = {.directory = directory, .shipped = shipped, .trust = trust};
    if (qj_store_open(&store, &options) != QJIT_OK) {
        fail("open");
    }
    return store;
}

static void fill(struct qj_store *store, const void *object, size_t n_bytes)
{
    for (int i = 0; i < N_ROWS; i++) {
        struct qj_row row = {.unit = "dequantize_q4_0",
                             .module = "quantized",
                             .arch = "gfx90a:sramecc+:xnack-",
                             .kernels = "dequantize_block_q4_0_f32"};
        make_key(row.key, n_bytes, i);
        if (qj_store_put(store, &row, object, n_bytes) != QJIT_OK) {
            fail("put");
        }
    }
}

static double get_us(struct qj_store *store, size_t n_bytes, int i)
{
    uint8_t key[QJ_DIGEST_BYTES];
    struct qj_entry entry;
    make_key(key, n_bytes, i % N_ROWS);
    uint64_t begin = bench_ns();
    if (qj_store_get(store, &entry, key) != QJIT_OK) {
        fail("get");
    }
    qj_entry_finish(&entry);
    return (double)(bench_ns() - begin) / 1e3;
}

static void bench_hit(size_t n_bytes, const void *object)
{
    static double own_us[ROUNDS], plain_us[ROUNDS], signed_us[ROUNDS];
    char name[64], bundle[512];
    struct qj_transferred done;
    const struct qj_bundle all = {.key = &secret};
    struct qj_trust trust = {0};
    char key[QJ_SIGN_TEXT_MAX];
    qj_public_key_print(key, &public);
    if (qj_trust_add(&trust, key) != QJIT_OK) {
        fail("trust");
    }
    (void)snprintf(name, sizeof name, "own-%zu", n_bytes);
    (void)snprintf(bundle, sizeof bundle, "%s/%zu.qjit", root, n_bytes);
    struct qj_store *own = open_store(name, NULL, NULL);
    fill(own, object, n_bytes);
    if (qj_store_export(own, &done, bundle, &all) != QJIT_OK) {
        fail("export");
    }
    qj_store_close(own); /* rows are then in the file itself, as a later process finds them */
    own = open_store(name, NULL, NULL);
    struct qj_store *plain = open_store("empty", bundle, NULL),
                    *verified = open_store("empty", bundle, &trust);
    for (int i = 0; i < ROUNDS; i++) {
        own_us[i] = get_us(own, n_bytes, i);
        plain_us[i] = get_us(plain, n_bytes, i);
        signed_us[i] = get_us(verified, n_bytes, i);
    }
    qj_store_close(own);
    qj_store_close(plain);
    qj_store_close(verified);
    qj_trust_finish(&trust);
    double base = bench_median(own_us, ROUNDS), shipped = bench_median(plain_us, ROUNDS);
    struct bench_line line;
    bench_begin(&line, "shipped_hit");
    bench_number(&line, "object_bytes", (double)n_bytes);
    bench_number(&line, "own_us", base);
    bench_number(&line, "shipped_us", shipped);
    bench_number(&line, "signed_us", bench_median(signed_us, ROUNDS));
    bench_number(&line, "shipped_ratio", shipped / base);
    bench_number(&line, "signature_us", bench_median(signed_us, ROUNDS) - shipped);
    bench_end(&line);
}

/* By the median of its parts, so that a busy machine does not count as slow. */
static void bench_whole(void)
{
    static double us[N_PARTS];
    static char part[PART_BYTES];
    uint8_t digest[QJ_DIGEST_BYTES];
    struct qj_digest state;
    memset(part, 7, sizeof part);
    qj_digest_init(&state);
    for (int i = 0; i < N_PARTS; i++) {
        uint64_t begin = bench_ns();
        qj_digest_field(&state, part, sizeof part);
        us[i] = (double)(bench_ns() - begin) / 1e3;
    }
    qj_digest_finish(&state, digest);
    struct bench_line line;
    bench_begin(&line, "whole_file_digest");
    bench_number(&line, "bytes", (double)PART_BYTES * N_PARTS);
    bench_number(&line, "us", bench_median(us, N_PARTS) * N_PARTS);
    bench_end(&line);
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {4 << 10, 64 << 10, 350 << 10};
    static unsigned char object[350 << 10];
    const char *directory = argc > 1 ? argv[1] : getenv("TMPDIR");
    (void)snprintf(root, sizeof root, "%s/qjit-bench-XXXXXX", directory ? directory : "/tmp");
    if (!mkdtemp(root)) {
        perror(root);
        return 1;
    }
    uint32_t state = 1;
    for (size_t i = 0; i < sizeof object; i++) {
        state = state * 1664525u + 1013904223u;
        object[i] = (unsigned char)(state >> 24);
    }
    qj_secret_key_init(&secret);
    qj_public_key_of(&public, &secret);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        bench_hit(sizes[i], object);
    }
    bench_whole();
    return qj_fs_remove_tree(root) == 0 ? 0 : 1;
}
