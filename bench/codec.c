/* What compressing and checksumming an object costs and saves: none, lz4 and zstd levels x xxh3, crc32 and
 * BLAKE2b, on real code objects and on bytes that do not compress. The store's codec is chosen by this. */
#include <lz4.h>
#include <sodium/crypto_generichash.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

#include "bench.h"
#include "objects.h"

enum { ROUNDS = 301 };

struct codec {
    const char *name;
    int level; /* of zstd; 0: lz4; -1: none */
};

static size_t pack(const struct codec *codec, void *out, size_t n_out, const void *in, size_t n_in)
{
    if (codec->level < 0) {
        memcpy(out, in, n_in);
        return n_in;
    }
    if (codec->level == 0) {
        return (size_t)LZ4_compress_default(in, out, (int)n_in, (int)n_out);
    }
    return ZSTD_compress(out, n_out, in, n_in, codec->level);
}

static ZSTD_DCtx *context;

static size_t unpack(const struct codec *codec, void *out, size_t n_out, const void *in, size_t n_in)
{
    if (codec->level < 0) {
        memcpy(out, in, n_in);
        return n_in;
    }
    if (codec->level == 0) {
        return (size_t)LZ4_decompress_safe(in, out, (int)n_in, (int)n_out);
    }
    return ZSTD_decompressDCtx(context, out, n_out, in, n_in);
}

/* Median microseconds of packing, then of unpacking. */
static size_t time_codec(const struct codec *codec, const struct bench_object *object, double out_us[2])
{
    size_t n_room = ZSTD_compressBound(object->n_bytes) + (size_t)LZ4_compressBound((int)object->n_bytes);
    char *packed = malloc(n_room);
    double us[2][ROUNDS];
    size_t n_packed = 0;
    for (int i = 0; packed && i < ROUNDS; i++) {
        uint64_t begin = bench_ns();
        n_packed = pack(codec, packed, n_room, object->bytes, object->n_bytes);
        us[0][i] = (double)(bench_ns() - begin) / 1e3;
        /* A fresh buffer each time, as a hit needs one. */
        begin = bench_ns();
        char *object_bytes = malloc(object->n_bytes);
        size_t n = unpack(codec, object_bytes, object->n_bytes, packed, n_packed);
        us[1][i] = (double)(bench_ns() - begin) / 1e3;
        if (n != object->n_bytes || memcmp(object_bytes, object->bytes, n) != 0) {
            (void)fprintf(stderr, "'%s' does not give back what it was given\n", codec->name);
            exit(1);
        }
        free(object_bytes);
    }
    free(packed);
    out_us[0] = bench_median(us[0], ROUNDS);
    out_us[1] = bench_median(us[1], ROUNDS);
    return n_packed;
}

/* CRC-32 a byte at a time by table, as most small programs have it. */
static uint32_t crc32_of(const unsigned char *bytes, size_t n)
{
    static uint32_t table[256];
    for (uint32_t i = 0; !table[1] && i < 256; i++) {
        uint32_t value = i;
        for (int k = 0; k < 8; k++) {
            value = (value >> 1) ^ (value & 1 ? 0xedb88320u : 0);
        }
        table[i] = value;
    }
    uint32_t sum = ~0u;
    for (size_t i = 0; i < n; i++) {
        sum = (sum >> 8) ^ table[(sum ^ bytes[i]) & 255];
    }
    return ~sum;
}

static volatile uint64_t sink;

static double time_checksum(const char *name, const void *bytes, size_t n)
{
    double us[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t begin = bench_ns();
        if (strcmp(name, "xxh3-128") == 0) {
            sink = XXH3_128bits(bytes, n).low64;
        } else if (strcmp(name, "crc32") == 0) {
            sink = crc32_of(bytes, n);
        } else {
            unsigned char digest[32];
            (void)crypto_generichash(digest, sizeof digest, bytes, n, NULL, 0);
            sink = digest[0];
        }
        us[i] = (double)(bench_ns() - begin) / 1e3;
    }
    return bench_median(us, ROUNDS);
}

static void report(const struct bench_object *object)
{
    static const struct codec codecs[] = {{"none", -1},  {"lz4", 0},    {"zstd-1", 1},
                                          {"zstd-3", 3}, {"zstd-9", 9}, {"zstd-19", 19}};
    static const char *const sums[] = {"xxh3-128", "crc32", "blake2b-256"};
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++) {
        double us[2];
        size_t n_packed = time_codec(&codecs[i], object, us);
        struct bench_line line;
        bench_begin(&line, "codec");
        bench_text(&line, "object", object->name);
        bench_text(&line, "codec", codecs[i].name);
        bench_number(&line, "object_bytes", (double)object->n_bytes);
        bench_number(&line, "stored_bytes", (double)n_packed);
        bench_number(&line, "pack_us", us[0]);
        bench_number(&line, "unpack_us", us[1]);
        bench_end(&line);
    }
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        struct bench_line line;
        bench_begin(&line, "checksum");
        bench_text(&line, "object", object->name);
        bench_text(&line, "checksum", sums[i]);
        bench_number(&line, "bytes", (double)object->n_bytes);
        bench_number(&line, "us", time_checksum(sums[i], object->bytes, object->n_bytes));
        bench_end(&line);
    }
}

int main(void)
{
    struct bench_object objects[BENCH_OBJECTS];
    context = ZSTD_createDCtx();
    if (!context || bench_objects(objects) != 0) {
        return 77;
    }
    for (int i = 0; i < BENCH_OBJECTS; i++) {
        report(&objects[i]);
    }
    struct bench_object noise = {"350K-noise", malloc(350 << 10), 350 << 10};
    if (!noise.bytes) {
        return 1;
    }
    sqlite3_randomness((int)noise.n_bytes, noise.bytes);
    report(&noise);
    return 0;
}
