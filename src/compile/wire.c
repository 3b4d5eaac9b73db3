#include "compile/wire.h"

#include <string.h>

static const char magic[4] = {'q', 'j', 'w', '1'};

size_t qj_wire_limit(uint32_t type)
{
    enum { SMALL = 1 << 20 }; /* paths, options, names */
    switch (type) {
    case QJ_WIRE_HELLO:
    case QJ_WIRE_ARCHS:
    case QJ_WIRE_READY:
    case QJ_WIRE_ARCH_LIST:
        return SMALL;
    case QJ_WIRE_JOB:
        return QJ_WIRE_SOURCE_MAX + 16 * SMALL;
    case QJ_WIRE_ANSWER:
        return QJ_WIRE_OBJECT_MAX + QJ_WIRE_LOG_MAX + 16 * SMALL;
    default:
        return 0;
    }
}

static uint64_t little_endian(const uint8_t *bytes, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    return value;
}

static void store(uint8_t *bytes, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

const char *qj_wire_header(const uint8_t header[static QJ_WIRE_HEADER_BYTES], uint32_t *out_type,
                           size_t *out_length)
{
    if (memcmp(header, magic, sizeof magic) != 0) {
        return "what is no frame";
    }
    uint32_t type = (uint32_t)little_endian(header + 4, 4);
    uint64_t length = little_endian(header + 8, 8);
    size_t limit = qj_wire_limit(type);
    if (!limit) {
        return "a frame of an unknown type";
    }
    if (length > limit) {
        return "a frame that is too long";
    }
    *out_type = type;
    *out_length = (size_t)length;
    return NULL;
}

size_t qj_wire_begin(struct qj_buf *out, enum qj_wire_type type)
{
    size_t begin = out->size;
    uint8_t header[QJ_WIRE_HEADER_BYTES] = {0};
    memcpy(header, magic, sizeof magic);
    store(header + 4, (uint64_t)type, 4);
    qj_buf_append(out, header, sizeof header);
    return begin;
}

void qj_wire_end(struct qj_buf *out, size_t begin)
{
    if (!out->failed) {
        store((uint8_t *)out->bytes + begin + 8, out->size - begin - QJ_WIRE_HEADER_BYTES, 8);
    }
}

void qj_wire_put_u32(struct qj_buf *out, uint32_t value)
{
    uint8_t bytes[4];
    store(bytes, value, sizeof bytes);
    qj_buf_append(out, bytes, sizeof bytes);
}

void qj_wire_put_u64(struct qj_buf *out, uint64_t value)
{
    uint8_t bytes[8];
    store(bytes, value, sizeof bytes);
    qj_buf_append(out, bytes, sizeof bytes);
}

void qj_wire_put_bytes(struct qj_buf *out, const void *bytes, size_t n)
{
    qj_wire_put_u64(out, n);
    qj_buf_append(out, bytes, n);
    qj_buf_append(out, "", 1);
}

void qj_wire_put_text(struct qj_buf *out, const char *text)
{
    qj_wire_put_bytes(out, text ? text : "", text ? strlen(text) : 0);
}

/* The next n bytes, or NULL. */
static const uint8_t *take(struct qj_wire_reader *reader, size_t n)
{
    if (reader->failed || n > reader->left) {
        reader->failed = true;
        return NULL;
    }
    const uint8_t *bytes = reader->at;
    reader->at += n;
    reader->left -= n;
    return bytes;
}

uint32_t qj_wire_u32(struct qj_wire_reader *reader)
{
    const uint8_t *bytes = take(reader, 4);
    return bytes ? (uint32_t)little_endian(bytes, 4) : 0;
}

uint64_t qj_wire_u64(struct qj_wire_reader *reader)
{
    const uint8_t *bytes = take(reader, 8);
    return bytes ? little_endian(bytes, 8) : 0;
}

const void *qj_wire_bytes(struct qj_wire_reader *reader, size_t *out_n, size_t max)
{
    *out_n = 0;
    uint64_t n = qj_wire_u64(reader);
    if (n > max || n >= reader->left) {
        reader->failed = true;
    }
    const uint8_t *bytes = take(reader, (size_t)n + 1);
    if (!bytes || bytes[n] != 0) {
        reader->failed = true;
        return "";
    }
    *out_n = (size_t)n;
    return bytes;
}

const char *qj_wire_text(struct qj_wire_reader *reader, size_t max)
{
    size_t n;
    const char *text = qj_wire_bytes(reader, &n, max);
    if (memchr(text, 0, n)) {
        reader->failed = true;
        return "";
    }
    return text;
}

size_t qj_wire_count(struct qj_wire_reader *reader, size_t max)
{
    size_t n = qj_wire_u32(reader);
    if (n > max || n > reader->left / QJ_WIRE_FIELD_MIN) {
        reader->failed = true;
        return 0;
    }
    return n;
}

bool qj_wire_done(const struct qj_wire_reader *reader)
{
    return !reader->failed && reader->left == 0;
}
