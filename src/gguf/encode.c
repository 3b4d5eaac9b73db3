#include "gguf/encode.h"

#include <string.h>

#include "gguf/cursor.h"

void qj_gguf_encode_u32(struct qj_buf *out, uint32_t number)
{
    qj_buf_append(out, &number, sizeof number);
}

void qj_gguf_encode_u64(struct qj_buf *out, uint64_t number)
{
    qj_buf_append(out, &number, sizeof number);
}

void qj_gguf_encode_text(struct qj_buf *out, const void *bytes, uint64_t n)
{
    qj_gguf_encode_u64(out, n);
    qj_buf_append(out, bytes, n);
}

/* Whether the number fits its kind; BOOL is an integer of one bit. */
static bool fits(const qjit_gguf_value *value)
{
    unsigned bits = value->kind == QJIT_GGUF_BOOL ? 1 : 8 * qj_gguf_kind_bytes(value->kind);
    switch (value->kind) {
    case QJIT_GGUF_UINT8:
    case QJIT_GGUF_UINT16:
    case QJIT_GGUF_UINT32:
    case QJIT_GGUF_BOOL:
        return value->number.u >> bits == 0;
    case QJIT_GGUF_INT8:
    case QJIT_GGUF_INT16:
    case QJIT_GGUF_INT32:
        return value->number.i >= -((int64_t)1 << (bits - 1)) && value->number.i < (int64_t)1 << (bits - 1);
    default:
        return true;
    }
}

static const char *encode_number(struct qj_buf *out, const qjit_gguf_value *value)
{
    if (!fits(value)) {
        return "is a number too large for its kind";
    }
    if (value->kind == QJIT_GGUF_FLOAT32) {
        float single = (float)value->number.f;
        qj_buf_append(out, &single, sizeof single);
    } else {
        qj_buf_append(out, &value->number, qj_gguf_kind_bytes(value->kind));
    }
    return NULL;
}

static const char *encode(struct qj_buf *out, const qjit_gguf_value *value, unsigned depth);

static const char *encode_array(struct qj_buf *out, const qjit_gguf_value *array, unsigned depth)
{
    qjit_gguf_elements elements;
    qjit_gguf_value element;
    if (depth >= QJIT_GGUF_MAX_DEPTH) {
        return "has arrays in arrays, more than 8 deep";
    }
    if ((uint32_t)array->element_kind >= QJIT_GGUF_KIND_END) {
        return "is an array of a kind that there is not";
    }
    qj_gguf_encode_u32(out, array->element_kind);
    qj_gguf_encode_u64(out, array->n);
    qjit_gguf_elements_init(&elements, array);
    while (qjit_gguf_next_element(&elements, &element)) {
        if (element.kind != array->element_kind) {
            return "is an array with an element of another kind";
        }
        const char *fault = encode(out, &element, depth + 1);
        if (fault || out->failed) {
            return fault;
        }
    }
    return elements.rest.n ? "is an array with fewer elements than it says" : NULL;
}

static const char *encode(struct qj_buf *out, const qjit_gguf_value *value, unsigned depth)
{
    if ((uint32_t)value->kind >= QJIT_GGUF_KIND_END) {
        return "is of a kind that there is not";
    }
    if (value->kind == QJIT_GGUF_ARRAY) {
        return encode_array(out, value, depth);
    }
    if (value->kind != QJIT_GGUF_STRING) {
        return encode_number(out, value);
    }
    if (value->n && !value->bytes) {
        return "is a string without bytes";
    }
    qj_gguf_encode_text(out, value->bytes, value->n);
    return NULL;
}

const char *qj_gguf_encode_value(struct qj_buf *out, const qjit_gguf_value *value)
{
    qj_gguf_encode_u32(out, value->kind);
    return encode(out, value, 0);
}
