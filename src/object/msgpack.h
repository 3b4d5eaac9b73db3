/* Reads MessagePack, value by value, from untrusted bytes. Nothing recurses; a count is believed only as far
 * as the bytes left could hold that many values. Each function takes one value and is false, the reader then
 * being anywhere inside, if the bytes end early or hold a value of another kind. */
#ifndef QJ_OBJECT_MSGPACK_H
#define QJ_OBJECT_MSGPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qj_msgpack {
    const uint8_t *at, *end;
};

/* The head of a map: n keys and values follow, in turn. */
bool qj_msgpack_map(struct qj_msgpack *reader, size_t *n);
bool qj_msgpack_array(struct qj_msgpack *reader, size_t *n);
/* Text in place, without a NUL at its end. */
bool qj_msgpack_text(struct qj_msgpack *reader, const char **out, size_t *n);
/* A number of any width that is not negative. */
bool qj_msgpack_uint(struct qj_msgpack *reader, uint64_t *out);
/* One value with all that is in it. */
bool qj_msgpack_skip(struct qj_msgpack *reader);

#endif
