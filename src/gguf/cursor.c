#include "gguf/cursor.h"

#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "numbers are taken as they lie: this needs a little endian machine"
#endif

bool qj_gguf_take(struct qj_gguf_cursor *cursor, const uint8_t **out, uint64_t n)
{
    if (n > (uint64_t)(cursor->end - cursor->at)) {
        return false;
    }
    *out = cursor->at;
    cursor->at += n;
    return true;
}

static bool take_number(struct qj_gguf_cursor *cursor, void *out, size_t n)
{
    const uint8_t *bytes;
    if (!qj_gguf_take(cursor, &bytes, n)) {
        return false;
    }
    memcpy(out, bytes, n);
    return true;
}

bool qj_gguf_take_u32(struct qj_gguf_cursor *cursor, uint32_t *out)
{
    return take_number(cursor, out, sizeof *out);
}

bool qj_gguf_take_u64(struct qj_gguf_cursor *cursor, uint64_t *out)
{
    return take_number(cursor, out, sizeof *out);
}

bool qj_gguf_take_length(struct qj_gguf_cursor *cursor, uint64_t *out)
{
    uint32_t narrow;
    if (cursor->length_bytes == 8) {
        return qj_gguf_take_u64(cursor, out);
    }
    if (!qj_gguf_take_u32(cursor, &narrow)) {
        return false;
    }
    *out = narrow;
    return true;
}
