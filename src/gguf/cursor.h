/* Untrusted bytes, taken from front to back and never past the end. Little endian, as the machine is. */
#ifndef QJ_GGUF_CURSOR_H
#define QJ_GGUF_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qjit/gguf.h>

struct qj_gguf_cursor {
    const uint8_t *at, *end;
    uint32_t length_bytes; /* of lengths and counts: 4 in version 1, 8 since */
};

/* What can be wrong with a value. */
enum qj_gguf_fault {
    QJ_GGUF_SOUND = 0,
    QJ_GGUF_CUT,      /* goes on past the end */
    QJ_GGUF_NO_KIND,  /* of a kind that there is not */
    QJ_GGUF_NO_BOOL,  /* a BOOL that is neither 0 nor 1 */
    QJ_GGUF_TOO_DEEP, /* arrays in arrays, more than QJIT_GGUF_MAX_DEPTH */
};

/* Each is false, and takes nothing, where the end comes first. */
bool qj_gguf_take(struct qj_gguf_cursor *cursor, const uint8_t **out, uint64_t n);
bool qj_gguf_take_u32(struct qj_gguf_cursor *cursor, uint32_t *out);
bool qj_gguf_take_u64(struct qj_gguf_cursor *cursor, uint64_t *out);
bool qj_gguf_take_length(struct qj_gguf_cursor *cursor, uint64_t *out);

/* Takes a value of `kind`, which is at `depth` arrays (0: none). *out is whole only if it is sound. */
enum qj_gguf_fault qj_gguf_take_value(struct qj_gguf_cursor *cursor, qjit_gguf_value *out, uint32_t kind,
                                      unsigned depth);

/* Bytes of a number of `kind`; 0 for a string, an array and what is no kind. */
uint32_t qj_gguf_kind_bytes(uint32_t kind);

#endif
