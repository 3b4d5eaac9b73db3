#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "cache/internal.h"
#include "cache_xxhash.h"

enum {
    ZSTD_LEVEL = 1,
    NEXT_BYTES = 4, /* number of the next page, before what an overflow page holds */
    OVERFLOW_BYTES = QJ_STORE_PAGE_BYTES - NEXT_BYTES,
    ZSTD_MAX_RATIO = 1 << 16, /* no frame of zstd holds more a byte */
};

static struct qj_sum canonical(XXH128_hash_t hash)
{
    XXH128_canonical_t bytes;
    XXH128_canonicalFromHash(&bytes, hash);
    struct qj_sum sum;
    memcpy(sum.bytes, bytes.digest, sizeof sum.bytes);
    return sum;
}

struct qj_sum qj_payload_sum(const void *bytes, size_t n_bytes)
{
    return canonical(XXH3_128bits(bytes, n_bytes));
}

enum qj_codec qj_payload_pack(void **packed, size_t *n_packed, const void *bytes, size_t n_bytes)
{
    *packed = NULL;
    size_t n_room = n_bytes - n_bytes / 8;
    void *room = malloc(n_room ? n_room : 1);
    if (!room) {
        return QJ_CODEC_RAW;
    }
    size_t n = ZSTD_compress(room, n_room, bytes, n_bytes, ZSTD_LEVEL);
    if (ZSTD_isError(n)) {
        free(room);
        return QJ_CODEC_RAW;
    }
    *packed = room;
    *n_packed = n;
    return QJ_CODEC_ZSTD;
}

/* How many bytes of a payload come before the first page that holds nothing else: SQLite's file format,
 * sections 1.6 and 2.1, for a row of `entry`. Only speed depends on it. */
static size_t bytes_before_overflow(size_t n_record, size_t n_payload)
{
    size_t n_header = 2;
    const size_t types[] = {2 * n_record + 12, 2 * n_payload + 12};
    for (int i = 0; i < 2; i++) {
        for (size_t rest = types[i]; rest; rest >>= 7) {
            n_header++;
        }
    }
    size_t n_before = n_header + n_record, n_all = n_before + n_payload;
    const size_t n_most = QJ_STORE_PAGE_BYTES - 35, n_least = (QJ_STORE_PAGE_BYTES - 12) * 32 / 255 - 23;
    if (n_all <= n_most) {
        return n_payload;
    }
    size_t n_local = n_least + (n_all - n_least) % OVERFLOW_BYTES;
    n_local = n_local <= n_most ? n_local : n_least;
    while (n_local < n_before) {
        n_local += OVERFLOW_BYTES;
    }
    return n_local - n_before < n_payload ? n_local - n_before : n_payload;
}

/* glibc copies by `rep movsb`, which on AMD's Zen 3 takes ten times as long where the target lies 1 to 63
 * bytes behind the source, modulo 4096; heap and pages lie so often. */
static bool copies_slowly(const char *to)
{
    return ((uintptr_t)to - NEXT_BYTES - 1) % 4096 < 63;
}

/* Page by page, those that would be copied slowly by way of a place that lies well to both sides. */
static int read_pages(char *out, sqlite3_blob *blob, size_t n_before, size_t n_bytes)
{
    _Alignas(4096) char room[2048 + OVERFLOW_BYTES];
    int code = sqlite3_blob_read(blob, out, (int)n_before, 0);
    for (size_t at = n_before; at < n_bytes && code == SQLITE_OK; at += OVERFLOW_BYTES) {
        size_t n = n_bytes - at < OVERFLOW_BYTES ? n_bytes - at : OVERFLOW_BYTES;
        char *to = copies_slowly(out + at) ? room + 2048 : out + at;
        code = sqlite3_blob_read(blob, to, (int)n, (int)at);
        if (to != out + at) {
            memcpy(out + at, to, n);
        }
    }
    return code;
}

/* Copies a payload, checking what has been copied, so that what is handed out is what was checked. */
static enum qj_row_result copy_checked(void *out, int *code, size_t n_bytes, const struct qj_payload *payload,
                                       const void *bytes, sqlite3_blob *blob)
{
    if (bytes) {
        memcpy(out, bytes, n_bytes);
        struct qj_sum whole = qj_payload_sum(out, n_bytes);
        return memcmp(&whole, &payload->sum, sizeof whole) == 0 ? QJ_ROW_OK : QJ_ROW_DAMAGED;
    }
    size_t n_before = bytes_before_overflow(payload->n_record, n_bytes);
    bool is_slow = false;
    for (size_t at = n_before; at < n_bytes && !is_slow; at += OVERFLOW_BYTES) {
        is_slow = copies_slowly((const char *)out + at);
    }
    *code =
        is_slow ? read_pages(out, blob, n_before, n_bytes) : sqlite3_blob_read(blob, out, (int)n_bytes, 0);
    struct qj_sum found = qj_payload_sum(out, n_bytes);
    return *code == SQLITE_OK && memcmp(&found, &payload->sum, sizeof found) == 0 ? QJ_ROW_OK
                                                                                  : QJ_ROW_DAMAGED;
}

/* Replaces the packed *bytes by what they hold. No length in them is believed without the row's agreeing. */
static enum qj_row_result unpack(void **bytes, size_t n_packed, size_t n_bytes)
{
    if (n_bytes / ZSTD_MAX_RATIO > n_packed || ZSTD_getFrameContentSize(*bytes, n_packed) != n_bytes) {
        return QJ_ROW_DAMAGED;
    }
    void *object = malloc(n_bytes ? n_bytes : 1);
    if (!object) {
        return QJ_ROW_NO_MEMORY;
    }
    if (ZSTD_decompress(object, n_bytes, *bytes, n_packed) != n_bytes) {
        free(object);
        return QJ_ROW_DAMAGED;
    }
    free(*bytes);
    *bytes = object;
    return QJ_ROW_OK;
}

enum qj_row_result qj_payload_read(void **out, int *code, const struct qj_row *row,
                                   const struct qj_payload *payload, const void *bytes, sqlite3_blob *blob)
{
    size_t n_stored = (size_t)row->stored_bytes;
    *code = SQLITE_OK;
    if (row->object_bytes > QJ_OBJECT_MAX_BYTES || row->stored_bytes > QJ_OBJECT_MAX_BYTES ||
        (payload->codec == QJ_CODEC_RAW && row->stored_bytes != row->object_bytes)) {
        return QJ_ROW_DAMAGED;
    }
    void *object = malloc(n_stored ? n_stored : 1);
    if (!object) {
        return QJ_ROW_NO_MEMORY;
    }
    enum qj_row_result result = copy_checked(object, code, n_stored, payload, bytes, blob);
    if (result == QJ_ROW_OK && payload->codec == QJ_CODEC_ZSTD) {
        result = unpack(&object, n_stored, (size_t)row->object_bytes);
    }
    if (result != QJ_ROW_OK) {
        free(object);
        return result;
    }
    *out = object;
    return QJ_ROW_OK;
}
