/* Values of metadata: kinds, and how each lies in a file. */
#include <string.h>

#include "gguf/cursor.h"

static const struct {
    const char *name;
    uint32_t bytes;
} kinds[QJIT_GGUF_KIND_END] = {
    [QJIT_GGUF_UINT8] = {"uint8", 1},   [QJIT_GGUF_INT8] = {"int8", 1},
    [QJIT_GGUF_UINT16] = {"uint16", 2}, [QJIT_GGUF_INT16] = {"int16", 2},
    [QJIT_GGUF_UINT32] = {"uint32", 4}, [QJIT_GGUF_INT32] = {"int32", 4},
    [QJIT_GGUF_UINT64] = {"uint64", 8}, [QJIT_GGUF_INT64] = {"int64", 8},
    [QJIT_GGUF_BOOL] = {"bool", 1},     [QJIT_GGUF_FLOAT32] = {"float32", 4},
    [QJIT_GGUF_STRING] = {"string", 0}, [QJIT_GGUF_FLOAT64] = {"float64", 8},
    [QJIT_GGUF_ARRAY] = {"array", 0},
};

const char *qjit_gguf_kind_name(uint32_t kind)
{
    return kind < QJIT_GGUF_KIND_END ? kinds[kind].name : NULL;
}

uint32_t qj_gguf_kind_bytes(uint32_t kind)
{
    return kind < QJIT_GGUF_KIND_END ? kinds[kind].bytes : 0;
}

/* A number of n bits in two's complement. */
static int64_t widen(uint64_t bits, unsigned n)
{
    uint64_t sign = (uint64_t)1 << (n - 1);
    return (int64_t)((bits ^ sign) - sign);
}

/* Sets the number whose bits, as many as the kind has, these are. */
static void set_number(qjit_gguf_value *out, uint64_t bits)
{
    float single;
    switch (out->kind) {
    case QJIT_GGUF_INT8:
    case QJIT_GGUF_INT16:
    case QJIT_GGUF_INT32:
    case QJIT_GGUF_INT64:
        out->number.i = widen(bits, 8 * kinds[out->kind].bytes);
        break;
    case QJIT_GGUF_FLOAT32:
        memcpy(&single, &bits, sizeof single);
        out->number.f = (double)single;
        break;
    case QJIT_GGUF_FLOAT64:
        memcpy(&out->number.f, &bits, sizeof out->number.f);
        break;
    default:
        out->number.u = bits;
    }
}

static enum qj_gguf_fault take_number(struct qj_gguf_cursor *cursor, qjit_gguf_value *out)
{
    const uint8_t *bytes;
    uint64_t bits = 0;
    if (!qj_gguf_take(cursor, &bytes, kinds[out->kind].bytes)) {
        return QJ_GGUF_CUT;
    }
    memcpy(&bits, bytes, kinds[out->kind].bytes);
    set_number(out, bits);
    return out->kind == QJIT_GGUF_BOOL && bits > 1 ? QJ_GGUF_NO_BOOL : QJ_GGUF_SOUND;
}

static enum qj_gguf_fault take_string(struct qj_gguf_cursor *cursor, qjit_gguf_value *out)
{
    const uint8_t *bytes;
    uint64_t n;
    struct qj_gguf_cursor at = *cursor;
    if (!qj_gguf_take_length(&at, &n) || !qj_gguf_take(&at, &bytes, n)) {
        return QJ_GGUF_CUT;
    }
    *cursor = at;
    out->bytes = bytes;
    out->n = n;
    out->n_bytes = n;
    return QJ_GGUF_SOUND;
}

/* Goes over the n elements of an array. A count that the file cannot hold ends at the end of the file. */
static enum qj_gguf_fault pass_elements(struct qj_gguf_cursor *cursor, uint32_t kind, uint64_t n,
                                        unsigned depth)
{
    uint32_t bytes = kinds[kind].bytes;
    if (bytes && n > (uint64_t)(cursor->end - cursor->at) / bytes) {
        return QJ_GGUF_CUT;
    }
    if (bytes && kind != QJIT_GGUF_BOOL) {
        cursor->at += n * bytes;
        return QJ_GGUF_SOUND;
    }
    for (uint64_t i = 0; i < n; i++) {
        qjit_gguf_value element;
        enum qj_gguf_fault fault = qj_gguf_take_value(cursor, &element, kind, depth);
        if (fault != QJ_GGUF_SOUND) {
            return fault;
        }
    }
    return QJ_GGUF_SOUND;
}

static enum qj_gguf_fault take_array(struct qj_gguf_cursor *cursor, qjit_gguf_value *out, unsigned depth)
{
    uint32_t kind;
    if (depth >= QJIT_GGUF_MAX_DEPTH) {
        return QJ_GGUF_TOO_DEEP;
    }
    if (!qj_gguf_take_u32(cursor, &kind)) {
        return QJ_GGUF_CUT;
    }
    if (kind >= QJIT_GGUF_KIND_END) {
        return QJ_GGUF_NO_KIND;
    }
    if (!qj_gguf_take_length(cursor, &out->n)) {
        return QJ_GGUF_CUT;
    }
    const uint8_t *start = cursor->at;
    enum qj_gguf_fault fault = pass_elements(cursor, kind, out->n, depth + 1);
    out->element_kind = (qjit_gguf_kind)kind;
    out->bytes = start;
    out->n_bytes = (uint64_t)(cursor->at - start);
    return fault;
}

enum qj_gguf_fault qj_gguf_take_value(struct qj_gguf_cursor *cursor, qjit_gguf_value *out, uint32_t kind,
                                      unsigned depth)
{
    if (kind >= QJIT_GGUF_KIND_END) {
        return QJ_GGUF_NO_KIND;
    }
    *out = (qjit_gguf_value){.kind = (qjit_gguf_kind)kind, .length_bytes = cursor->length_bytes};
    if (kind == QJIT_GGUF_STRING) {
        return take_string(cursor, out);
    }
    if (kind == QJIT_GGUF_ARRAY) {
        return take_array(cursor, out, depth);
    }
    return take_number(cursor, out);
}

void qjit_gguf_elements_init(qjit_gguf_elements *out, const qjit_gguf_value *array)
{
    out->rest = *array;
    if (array->kind != QJIT_GGUF_ARRAY) {
        out->rest.n = 0;
    }
}

int qjit_gguf_next_element(qjit_gguf_elements *elements, qjit_gguf_value *out)
{
    qjit_gguf_value *rest = &elements->rest;
    if (!rest->n) {
        return 0;
    }
    if (rest->items) {
        *out = *rest->items++;
        rest->n--;
        return 1;
    }
    if (!rest->bytes) {
        return 0;
    }
    const uint8_t *start = rest->bytes;
    struct qj_gguf_cursor cursor = {start, start + rest->n_bytes, rest->length_bytes};
    qjit_gguf_value element;
    /* An element that is an array is one level down, whatever that of this array was: it has been checked. */
    if (qj_gguf_take_value(&cursor, &element, rest->element_kind, 1) != QJ_GGUF_SOUND) {
        return 0;
    }
    rest->bytes = cursor.at;
    rest->n_bytes -= (uint64_t)(cursor.at - start);
    rest->n--;
    *out = element;
    return 1;
}
