#include <stdlib.h>
#include <string.h>

#include "cache/internal.h"

enum { N_NUMBERS = 5, N_TEXTS = 8 };

/* A row's members in the order in which they are recorded. */
static void texts_of(const char *out[N_TEXTS], const struct qj_row *row)
{
    const char *const texts[N_TEXTS] = {row->unit,    row->module, row->arch,    row->compiler,
                                        row->options, row->names,  row->kernels, row->log};
    for (int i = 0; i < N_TEXTS; i++) {
        out[i] = texts[i] ? texts[i] : "";
    }
}

static void set_texts(struct qj_row *out, const char *const texts[N_TEXTS])
{
    out->unit = texts[0];
    out->module = texts[1];
    out->arch = texts[2];
    out->compiler = texts[3];
    out->options = texts[4];
    out->names = texts[5];
    out->kernels = texts[6];
    out->log = texts[7];
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
static void put_u64(uint8_t out[8], uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        out[i] = (uint8_t)(value >> (8 * i));
    }
}

static void append_u64(struct qj_buf *out, uint64_t value)
{
    uint8_t bytes[8];
    put_u64(bytes, value);
    qj_buf_append(out, bytes, sizeof bytes);
}

void qj_record_write(struct qj_buf *out, const struct qj_row *row, const struct qj_payload *payload)
{
    const char *texts[N_TEXTS];
    const uint64_t numbers[N_NUMBERS] = {(uint64_t)payload->codec, row->object_bytes, row->stored_bytes,
                                         row->compile_us, (uint64_t)row->created};
    struct qj_sum sum = {{0}};
    texts_of(texts, row);
    qj_buf_append(out, sum.bytes, sizeof sum.bytes);
    for (int i = 0; i < N_NUMBERS; i++) {
        append_u64(out, numbers[i]);
    }
    qj_buf_append(out, row->key, sizeof row->key);
    qj_buf_append(out, row->source_digest, sizeof row->source_digest);
    qj_buf_append(out, row->headers_digest, sizeof row->headers_digest);
    qj_buf_append(out, payload->sum.bytes, sizeof payload->sum.bytes);
    for (int i = 0; i < N_TEXTS; i++) {
        append_u64(out, strlen(texts[i]));
        qj_buf_append(out, texts[i], strlen(texts[i]) + 1);
    }
    append_u64(out, row->signature ? sizeof *row->signature : 0);
    qj_buf_append(out, row->signature, row->signature ? sizeof *row->signature : 0);
    if (!out->failed) {
        sum = qj_payload_sum(out->bytes + sizeof sum, out->size - sizeof sum);
        memcpy(out->bytes, sum.bytes, sizeof sum);
    }
}

/* What is left of a record. Taking more than there is gives zeros and sets `failed`. */
struct reader {
    const uint8_t *at;
    size_t n_left;
    bool failed;
};

static const void *take(struct reader *reader, size_t n)
{
    static const uint8_t zeros[QJ_DIGEST_BYTES];
    if (n > reader->n_left || reader->failed) {
        reader->failed = true;
        return zeros;
    }
    const uint8_t *bytes = reader->at;
    reader->at += n;
    reader->n_left -= n;
    return bytes;
}

static uint64_t take_u64(struct reader *reader)
{
    const uint8_t *bytes = take(reader, 8);
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    return value;
}

/* Texts stay where they are: each has its NUL in the record. */
static const char *take_text(struct reader *reader)
{
    uint64_t n = take_u64(reader);
    if (n >= reader->n_left) {
        reader->failed = true;
        return "";
    }
    const char *text = take(reader, (size_t)n + 1);
    if (text[n] != '\0') {
        reader->failed = true;
    }
    return text;
}

/* NULL if there is none, or one of another length, which is damage. */
static const struct qj_signature *take_signature(struct reader *reader)
{
    uint64_t n = take_u64(reader);
    if (n == 0) {
        return NULL;
    }
    if (n != sizeof(struct qj_signature) || n > reader->n_left) {
        reader->failed = true;
        return NULL;
    }
    return take(reader, (size_t)n);
}

static bool read_fields(struct qj_row *out, struct qj_payload *payload, const uint8_t *record, size_t n_bytes)
{
    struct reader reader = {record, n_bytes, false};
    const char *texts[N_TEXTS];
    uint64_t codec = take_u64(&reader);
    out->object_bytes = take_u64(&reader);
    out->stored_bytes = take_u64(&reader);
    out->compile_us = (uint32_t)take_u64(&reader);
    out->created = (int64_t)take_u64(&reader);
    out->used = out->created;
    memcpy(out->key, take(&reader, sizeof out->key), sizeof out->key);
    memcpy(out->source_digest, take(&reader, sizeof out->source_digest), sizeof out->source_digest);
    memcpy(out->headers_digest, take(&reader, sizeof out->headers_digest), sizeof out->headers_digest);
    memcpy(payload->sum.bytes, take(&reader, sizeof payload->sum.bytes), sizeof payload->sum.bytes);
    for (int i = 0; i < N_TEXTS; i++) {
        texts[i] = take_text(&reader);
    }
    set_texts(out, texts);
    out->signature = take_signature(&reader);
    payload->codec = (enum qj_codec)codec;
    return !reader.failed && codec <= QJ_CODEC_ZSTD;
}

enum qj_row_result qj_record_parse(struct qj_row *out, struct qj_payload *payload, const void *record,
                                   size_t n_bytes)
{
    struct qj_sum found;
    if (n_bytes < sizeof found) {
        return QJ_ROW_DAMAGED;
    }
    const uint8_t *fields = (const uint8_t *)record + sizeof found;
    payload->n_record = n_bytes;
    found = qj_payload_sum(fields, n_bytes - sizeof found);
    return memcmp(&found, record, sizeof found) == 0 &&
                   read_fields(out, payload, fields, n_bytes - sizeof found)
               ? QJ_ROW_OK
               : QJ_ROW_DAMAGED;
}

enum qj_row_result qj_record_read(struct qj_row *out, struct qj_payload *payload, void **memory,
                                  const void *record, size_t n_bytes)
{
    *memory = NULL;
    void *copy = malloc(n_bytes ? n_bytes : 1);
    if (!copy) {
        return QJ_ROW_NO_MEMORY;
    }
    if (n_bytes) {
        memcpy(copy, record, n_bytes);
    }
    if (qj_record_parse(out, payload, copy, n_bytes) != QJ_ROW_OK) {
        free(copy);
        return QJ_ROW_DAMAGED;
    }
    *memory = copy;
    return QJ_ROW_OK;
}

enum qj_row_result qj_row_read(struct qj_row *out, struct qj_payload *payload, void **memory,
                               sqlite3_stmt *from)
{
    *memory = NULL;
    if (sqlite3_column_type(from, 0) != SQLITE_BLOB) {
        return QJ_ROW_DAMAGED;
    }
    const void *record = sqlite3_column_blob(from, 0);
    return qj_record_read(out, payload, memory, record, record ? (size_t)sqlite3_column_bytes(from, 0) : 0);
}

int64_t qj_stamp_sum(int64_t id, int64_t used)
{
    uint8_t input[16];
    put_u64(input, (uint64_t)id);
    put_u64(input + 8, (uint64_t)used);
    return qj_row_id(qj_payload_sum(input, sizeof input).bytes);
}

bool qj_stamp_read(struct qj_row *row, sqlite3_stmt *from)
{
    if (sqlite3_column_type(from, 1) == SQLITE_NULL) {
        return true;
    }
    int64_t used = sqlite3_column_int64(from, 1);
    if (sqlite3_column_int64(from, 2) != qj_stamp_sum(qj_row_id(row->key), used)) {
        return false;
    }
    row->used = used > row->used ? used : row->used;
    return true;
}
