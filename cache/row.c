#include <stdlib.h>
#include <string.h>

#include "cache/internal.h"

/* Columns of entry_get and entry_each, in their order. */
enum column {
    ROW_SUM,
    PAYLOAD_SUM,
    KEY,
    SOURCE_DIGEST,
    HEADERS_DIGEST,
    CODEC,
    OBJECT_BYTES,
    STORED_BYTES,
    COMPILE_US,
    CREATED,
    UNIT, /* the first text */
    LOG = UNIT + 6,
    STAMP_USED,
    STAMP_SUM,
};

enum { N_NUMBERS = 5, N_TEXTS = LOG - UNIT + 1 };

/* The texts of a row in the order of their columns. */
static void texts_of(const char *out[N_TEXTS], const struct qj_row *row)
{
    const char *const texts[N_TEXTS] = {row->unit,    row->module,  row->arch, row->compiler,
                                        row->options, row->kernels, row->log};
    for (int i = 0; i < N_TEXTS; i++) {
        out[i] = texts[i] ? texts[i] : "";
    }
}

static void numbers_of(uint64_t out[N_NUMBERS], const struct qj_row *row, const struct qj_payload *payload)
{
    out[0] = (uint64_t)payload->codec;
    out[1] = row->object_bytes;
    out[2] = row->stored_bytes;
    out[3] = row->compile_us;
    out[4] = (uint64_t)row->created;
}

int64_t qj_row_id(const uint8_t key[static 8])
{
    uint64_t id = 0;
    for (int i = 0; i < 8; i++) {
        id = id << 8 | key[i];
    }
    return (int64_t)id;
}

/* Little endian on every machine, so that a store can be carried from one to another. */
static uint8_t *put_u64(uint8_t *to, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        *to++ = (uint8_t)(value >> (8 * i));
    }
    return to;
}

static uint8_t *put_bytes(uint8_t *to, const void *bytes, size_t n)
{
    memcpy(to, bytes, n);
    return to + n;
}

/* Every number, every text as its length and checksum, and every digest: all of one size, so that no two rows
 * give the same input. */
struct qj_sum qj_row_sum(const struct qj_row *row, const struct qj_payload *payload)
{
    const char *texts[N_TEXTS];
    uint64_t numbers[N_NUMBERS];
    uint8_t input[8 * N_NUMBERS + (8 + QJ_SUM_BYTES) * N_TEXTS + 3 * QJ_DIGEST_BYTES + QJ_SUM_BYTES];
    uint8_t *to = input;
    texts_of(texts, row);
    numbers_of(numbers, row, payload);
    for (int i = 0; i < N_NUMBERS; i++) {
        to = put_u64(to, numbers[i]);
    }
    for (int i = 0; i < N_TEXTS; i++) {
        struct qj_sum sum = qj_payload_sum(texts[i], strlen(texts[i]));
        to = put_u64(to, strlen(texts[i]));
        to = put_bytes(to, sum.bytes, sizeof sum.bytes);
    }
    to = put_bytes(to, row->key, sizeof row->key);
    to = put_bytes(to, row->source_digest, sizeof row->source_digest);
    to = put_bytes(to, row->headers_digest, sizeof row->headers_digest);
    to = put_bytes(to, payload->sum.bytes, sizeof payload->sum.bytes);
    return qj_payload_sum(input, (size_t)(to - input));
}

int64_t qj_stamp_sum(const uint8_t key[static QJ_DIGEST_BYTES], int64_t used)
{
    uint8_t input[QJ_DIGEST_BYTES + 8];
    (void)put_u64(put_bytes(input, key, QJ_DIGEST_BYTES), (uint64_t)used);
    return qj_row_id(qj_payload_sum(input, sizeof input).bytes);
}

static bool read_bytes(void *out, size_t n, sqlite3_stmt *from, int column)
{
    const void *bytes = sqlite3_column_blob(from, column);
    if (sqlite3_column_type(from, column) != SQLITE_BLOB || sqlite3_column_bytes(from, column) != (int)n) {
        return false;
    }
    memcpy(out, bytes, n);
    return true;
}

static bool read_fixed(struct qj_row *out, struct qj_payload *payload, struct qj_sum *sum, sqlite3_stmt *from)
{
    bool sound = true;
    for (int i = CODEC; i <= CREATED; i++) {
        sound = sound && sqlite3_column_type(from, i) == SQLITE_INTEGER && sqlite3_column_int64(from, i) >= 0;
    }
    int64_t codec = sqlite3_column_int64(from, CODEC), compile_us = sqlite3_column_int64(from, COMPILE_US);
    out->object_bytes = (uint64_t)sqlite3_column_int64(from, OBJECT_BYTES);
    out->stored_bytes = (uint64_t)sqlite3_column_int64(from, STORED_BYTES);
    out->created = sqlite3_column_int64(from, CREATED);
    out->compile_us = (uint32_t)compile_us;
    payload->codec = (enum qj_codec)codec;
    return sound && codec <= QJ_CODEC_ZSTD && compile_us <= UINT32_MAX &&
           read_bytes(sum->bytes, sizeof sum->bytes, from, ROW_SUM) &&
           read_bytes(payload->sum.bytes, sizeof payload->sum.bytes, from, PAYLOAD_SUM) &&
           read_bytes(out->key, sizeof out->key, from, KEY) &&
           read_bytes(out->source_digest, sizeof out->source_digest, from, SOURCE_DIGEST) &&
           read_bytes(out->headers_digest, sizeof out->headers_digest, from, HEADERS_DIGEST);
}

/* A text that is not one, or is cut short by a NUL, comes out other than it was summed. */
static bool read_texts(struct qj_row *out, void **memory, sqlite3_stmt *from)
{
    const char *texts[N_TEXTS];
    size_t lengths[N_TEXTS], total = 0;
    for (int i = 0; i < N_TEXTS; i++) {
        texts[i] = (const char *)sqlite3_column_text(from, UNIT + i);
        lengths[i] = texts[i] ? (size_t)sqlite3_column_bytes(from, UNIT + i) : 0;
        total += lengths[i] + 1;
    }
    char *to = malloc(total);
    if (!to) {
        return false;
    }
    *memory = to;
    for (int i = 0; i < N_TEXTS; i++) {
        if (lengths[i]) {
            memcpy(to, texts[i], lengths[i]);
        }
        to[lengths[i]] = '\0';
        texts[i] = to;
        to += lengths[i] + 1;
    }
    out->unit = texts[0];
    out->module = texts[1];
    out->arch = texts[2];
    out->compiler = texts[3];
    out->options = texts[4];
    out->kernels = texts[5];
    out->log = texts[6];
    return true;
}

/* The stamp, where there is one, has a checksum of its own because it changes after the row is written. */
static bool read_used(struct qj_row *out, sqlite3_stmt *from)
{
    out->used = out->created;
    if (sqlite3_column_type(from, STAMP_USED) == SQLITE_NULL) {
        return sqlite3_column_type(from, STAMP_SUM) == SQLITE_NULL;
    }
    int64_t used = sqlite3_column_int64(from, STAMP_USED);
    if (used > out->used) {
        out->used = used;
    }
    return sqlite3_column_int64(from, STAMP_SUM) == qj_stamp_sum(out->key, used);
}

enum qj_row_result qj_row_read(struct qj_row *out, struct qj_payload *payload, void **memory,
                               sqlite3_stmt *from)
{
    struct qj_sum sum;
    *memory = NULL;
    if (!read_fixed(out, payload, &sum, from)) {
        return QJ_ROW_DAMAGED;
    }
    if (!read_texts(out, memory, from)) {
        return QJ_ROW_NO_MEMORY;
    }
    struct qj_sum found = qj_row_sum(out, payload);
    if (memcmp(&found, &sum, sizeof sum) != 0 || !read_used(out, from)) {
        free(*memory);
        *memory = NULL;
        return QJ_ROW_DAMAGED;
    }
    return QJ_ROW_OK;
}

int qj_row_bind(sqlite3_stmt *to, const struct qj_row *row, const struct qj_payload *payload,
                const struct qj_sum *sum)
{
    const char *texts[N_TEXTS];
    uint64_t numbers[N_NUMBERS];
    texts_of(texts, row);
    numbers_of(numbers, row, payload);
    int failed = sqlite3_bind_int64(to, 1, qj_row_id(row->key));
    failed |= sqlite3_bind_blob(to, 2, sum->bytes, QJ_SUM_BYTES, SQLITE_STATIC);
    failed |= sqlite3_bind_blob(to, 3, payload->sum.bytes, QJ_SUM_BYTES, SQLITE_STATIC);
    failed |= sqlite3_bind_blob(to, 4, row->key, QJ_DIGEST_BYTES, SQLITE_STATIC);
    failed |= sqlite3_bind_blob(to, 5, row->source_digest, QJ_DIGEST_BYTES, SQLITE_STATIC);
    failed |= sqlite3_bind_blob(to, 6, row->headers_digest, QJ_DIGEST_BYTES, SQLITE_STATIC);
    for (int i = 0; i < N_NUMBERS; i++) {
        failed |= sqlite3_bind_int64(to, 7 + i, (int64_t)numbers[i]);
    }
    for (int i = 0; i < N_TEXTS; i++) {
        failed |= sqlite3_bind_text(to, 12 + i, texts[i], -1, SQLITE_STATIC);
    }
    return failed;
}
