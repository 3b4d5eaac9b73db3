#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "cache/internal.h"
#include "cache_xxhash.h"

enum {
    ZSTD_LEVEL = 1,
    CHECK_BYTES = 1 << 14, /* checked while still in the nearest cache */
    /* Copied at once. From 2112 bytes on glibc copies by `rep movsb`, which on AMD's Zen 3 takes ten times as
       long where the target lies 1 to 63 bytes behind the source, modulo 4096; pages and heap lie so often.
     */
    READ_BYTES = 2048,
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

static int read_pieces(char *out, sqlite3_blob *blob, size_t at, size_t n_bytes)
{
    int code = SQLITE_OK;
    for (size_t done = 0; done < n_bytes && code == SQLITE_OK;) {
        size_t n = n_bytes - done < READ_BYTES ? n_bytes - done : READ_BYTES;
        code = sqlite3_blob_read(blob, out + done, (int)n, (int)(at + done));
        done += n;
    }
    return code;
}

/* Copies a payload, checking what has been copied, so that what is handed out is what was checked. */
static enum qj_row_result copy_checked(void *out, int *code, size_t n_bytes, const struct qj_sum *sum,
                                       const void *bytes, sqlite3_blob *blob)
{
    if (bytes) {
        memcpy(out, bytes, n_bytes);
        struct qj_sum whole = qj_payload_sum(out, n_bytes);
        return memcmp(&whole, sum, sizeof whole) == 0 ? QJ_ROW_OK : QJ_ROW_DAMAGED;
    }
    XXH3_state_t *state = XXH3_createState();
    if (!state) {
        return QJ_ROW_NO_MEMORY;
    }
    (void)XXH3_128bits_reset(state);
    for (size_t at = 0; at < n_bytes && *code == SQLITE_OK;) {
        size_t n = n_bytes - at < CHECK_BYTES ? n_bytes - at : CHECK_BYTES;
        *code = read_pieces((char *)out + at, blob, at, n);
        if (*code == SQLITE_OK) {
            (void)XXH3_128bits_update(state, (char *)out + at, n);
        }
        at += n;
    }
    struct qj_sum found = canonical(XXH3_128bits_digest(state));
    (void)XXH3_freeState(state);
    return *code == SQLITE_OK && memcmp(&found, sum, sizeof found) == 0 ? QJ_ROW_OK : QJ_ROW_DAMAGED;
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
    enum qj_row_result result = copy_checked(object, code, n_stored, &payload->sum, bytes, blob);
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
