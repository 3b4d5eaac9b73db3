#include "object/msgpack.h"

/* The head of one value. */
enum kind { KIND_UINT, KIND_NEGATIVE, KIND_BYTES, KIND_TEXT, KIND_ARRAY, KIND_MAP, KIND_OTHER };
struct head {
    enum kind kind;
    uint64_t
        value; /* the number; the length of bytes or text, after which they follow; the count of values */
};

static bool take_be(struct qj_msgpack *reader, size_t n, uint64_t *out)
{
    if ((size_t)(reader->end - reader->at) < n) {
        return false;
    }
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        *out = *out << 8 | *reader->at++;
    }
    return true;
}

/* Bytes 0xc0 to 0xdf: the kind, the width of the number behind the byte, and what to add to it. */
static const struct {
    uint8_t kind, width, fixed;
} wide[32] = {
    [0x00] = {KIND_OTHER, 0, 0},    /* nil */
    [0x02] = {KIND_OTHER, 0, 0},    /* false */
    [0x03] = {KIND_OTHER, 0, 0},    /* true */
    [0x04] = {KIND_BYTES, 1, 0},    /* bin 8, 16, 32 */
    [0x05] = {KIND_BYTES, 2, 0},    /* */
    [0x06] = {KIND_BYTES, 4, 0},    /* */
    [0x07] = {KIND_BYTES, 1, 1},    /* ext 8, 16, 32: one byte of type before the data */
    [0x08] = {KIND_BYTES, 2, 1},    /* */
    [0x09] = {KIND_BYTES, 4, 1},    /* */
    [0x0a] = {KIND_BYTES, 0, 4},    /* float 32 */
    [0x0b] = {KIND_BYTES, 0, 8},    /* float 64 */
    [0x0c] = {KIND_UINT, 1, 0},     /* uint 8 to 64 */
    [0x0d] = {KIND_UINT, 2, 0},     /* */
    [0x0e] = {KIND_UINT, 4, 0},     /* */
    [0x0f] = {KIND_UINT, 8, 0},     /* */
    [0x10] = {KIND_NEGATIVE, 1, 0}, /* int 8 to 64, if negative */
    [0x11] = {KIND_NEGATIVE, 2, 0}, /* */
    [0x12] = {KIND_NEGATIVE, 4, 0}, /* */
    [0x13] = {KIND_NEGATIVE, 8, 0}, /* */
    [0x14] = {KIND_BYTES, 0, 2},    /* fixext 1 to 16, with the byte of type */
    [0x15] = {KIND_BYTES, 0, 3},    /* */
    [0x16] = {KIND_BYTES, 0, 5},    /* */
    [0x17] = {KIND_BYTES, 0, 9},    /* */
    [0x18] = {KIND_BYTES, 0, 17},   /* */
    [0x19] = {KIND_TEXT, 1, 0},     /* str 8, 16, 32 */
    [0x1a] = {KIND_TEXT, 2, 0},     /* */
    [0x1b] = {KIND_TEXT, 4, 0},     /* */
    [0x1c] = {KIND_ARRAY, 2, 0},    /* array 16, 32 */
    [0x1d] = {KIND_ARRAY, 4, 0},    /* */
    [0x1e] = {KIND_MAP, 2, 0},      /* map 16, 32 */
    [0x1f] = {KIND_MAP, 4, 0},      /* */
};

static bool take_wide(struct qj_msgpack *reader, uint8_t byte, struct head *out)
{
    size_t i = byte - 0xc0u;
    if (byte == 0xc1) { /* never used, says the specification */
        return false;
    }
    out->kind = (enum kind)wide[i].kind;
    if (!take_be(reader, wide[i].width, &out->value)) {
        return false;
    }
    if (out->kind == KIND_NEGATIVE && wide[i].width > 0 && !(out->value >> (8 * wide[i].width - 1))) {
        out->kind = KIND_UINT;
    }
    out->value += wide[i].fixed;
    return true;
}

static bool take_head(struct qj_msgpack *reader, struct head *out)
{
    uint64_t byte;
    *out = (struct head){KIND_OTHER, 0};
    if (!take_be(reader, 1, &byte)) {
        return false;
    }
    if (byte < 0x80) {
        *out = (struct head){KIND_UINT, byte};
    } else if (byte < 0x90) {
        *out = (struct head){KIND_MAP, byte & 0x0f};
    } else if (byte < 0xa0) {
        *out = (struct head){KIND_ARRAY, byte & 0x0f};
    } else if (byte < 0xc0) {
        *out = (struct head){KIND_TEXT, byte & 0x1f};
    } else if (byte < 0xe0) {
        if (!take_wide(reader, (uint8_t)byte, out)) {
            return false;
        }
    } else {
        *out = (struct head){KIND_NEGATIVE, byte};
    }
    /* What follows takes at least a byte a value, two a pair. */
    uint64_t left = (uint64_t)(reader->end - reader->at);
    bool holds = out->kind == KIND_BYTES || out->kind == KIND_TEXT || out->kind == KIND_ARRAY;
    return holds ? out->value <= left : out->kind != KIND_MAP || out->value <= left / 2;
}

static bool take_kind(struct qj_msgpack *reader, enum kind kind, uint64_t *value)
{
    struct head head;
    bool ok = take_head(reader, &head) && head.kind == kind;
    *value = head.value;
    return ok;
}

bool qj_msgpack_map(struct qj_msgpack *reader, size_t *n)
{
    uint64_t value;
    bool ok = take_kind(reader, KIND_MAP, &value);
    *n = (size_t)value;
    return ok;
}

bool qj_msgpack_array(struct qj_msgpack *reader, size_t *n)
{
    uint64_t value;
    bool ok = take_kind(reader, KIND_ARRAY, &value);
    *n = (size_t)value;
    return ok;
}

bool qj_msgpack_text(struct qj_msgpack *reader, const char **out, size_t *n)
{
    uint64_t value;
    if (!take_kind(reader, KIND_TEXT, &value)) {
        return false;
    }
    *out = (const char *)reader->at;
    *n = (size_t)value;
    reader->at += value;
    return true;
}

bool qj_msgpack_uint(struct qj_msgpack *reader, uint64_t *out)
{
    return take_kind(reader, KIND_UINT, out);
}

bool qj_msgpack_skip(struct qj_msgpack *reader)
{
    /* Each value waited for takes at least a byte, so this sum of checked counts stays far from overflowing.
     */
    for (uint64_t waiting = 1; waiting > 0; waiting--) {
        struct head head;
        if (!take_head(reader, &head)) {
            return false;
        }
        if (head.kind == KIND_BYTES || head.kind == KIND_TEXT) {
            reader->at += head.value;
        } else if (head.kind == KIND_ARRAY) {
            waiting += head.value;
        } else if (head.kind == KIND_MAP) {
            waiting += 2 * head.value;
        }
    }
    return true;
}
