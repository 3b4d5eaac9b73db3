/* How the library and its worker talk: frames over a socket pair, which the worker finds as descriptor 3. Its
 * stdout and stderr are not part of it, so that nothing the compiler prints can be taken for an answer.
 *
 * A frame is a header of 16 bytes and a body. Header: the magic "qjw1", the type (u32), the length of the
 * body (u64). All numbers are little endian. A body is a row of fields: u32, u64, or bytes (a u64 length,
 * that many bytes, and a NUL that the length does not count, so that a text can be used where it lies).
 *
 * Nothing received is trusted: a length past its limit, a field past its frame or a text with a NUL inside
 * makes the reader fail, and it stays failed. Read all fields, then ask once. */
#ifndef QJ_COMPILE_WIRE_H
#define QJ_COMPILE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { QJ_WIRE_FD = 3, QJ_WIRE_HEADER_BYTES = 16, QJ_WIRE_FIELD_MIN = 9 /* an empty bytes field */ };

#define QJ_WIRE_SOURCE_MAX ((size_t)64 << 20) /* source and headers together */
#define QJ_WIRE_OBJECT_MAX ((size_t)256 << 20)
#define QJ_WIRE_LOG_MAX    ((size_t)16 << 20)

enum qj_wire_type {
    QJ_WIRE_HELLO = 1, /* to the worker, first of all: which libraries, which limits */
    QJ_WIRE_JOB,       /* to the worker: compile this */
    QJ_WIRE_ARCHS,     /* to the worker: which archs do you know */
    QJ_WIRE_READY,     /* answers HELLO */
    QJ_WIRE_ANSWER,    /* answers JOB */
    QJ_WIRE_ARCH_LIST  /* answers ARCHS */
};

/* The longest body a frame of this type may have; 0 for a type that is none. */
size_t qj_wire_limit(uint32_t type);

/* Takes a header apart. NULL if it is one, else what is wrong with it, in words. */
const char *qj_wire_header(const uint8_t header[static QJ_WIRE_HEADER_BYTES], uint32_t *out_type,
                           size_t *out_length);

/* Writing: begin a frame, put its fields, end it. Appends to `out`; check out->failed at the end. */
size_t qj_wire_begin(struct qj_buf *out, enum qj_wire_type type);
void qj_wire_put_u32(struct qj_buf *out, uint32_t value);
void qj_wire_put_u64(struct qj_buf *out, uint64_t value);
void qj_wire_put_bytes(struct qj_buf *out, const void *bytes, size_t n);
void qj_wire_put_text(struct qj_buf *out, const char *text); /* NULL is written as "" */
void qj_wire_end(struct qj_buf *out, size_t begin);

/* Reading a body. What is returned points into it. After a failure: 0, "" and no bytes. */
struct qj_wire_reader {
    const uint8_t *at;
    size_t left;
    bool failed;
};

uint32_t qj_wire_u32(struct qj_wire_reader *reader);
uint64_t qj_wire_u64(struct qj_wire_reader *reader);
const void *qj_wire_bytes(struct qj_wire_reader *reader, size_t *out_n, size_t max);
const char *qj_wire_text(struct qj_wire_reader *reader, size_t max);
/* A number of fields that are still to come: fails if they cannot all be there, or are more than max. */
size_t qj_wire_count(struct qj_wire_reader *reader, size_t max);
/* True if nothing failed and nothing is left over. */
bool qj_wire_done(const struct qj_wire_reader *reader);

#endif
