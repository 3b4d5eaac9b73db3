/* A growable byte buffer. Bytes are always followed by a NUL that `size` does not count, once allocated.
 * Zero-initialised is empty and valid. A failed growth sets `failed`, drops later appends and leaves what is
 * there: check once, at the end. */
#ifndef QJ_BASE_BUF_H
#define QJ_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qj_buf {
    char *bytes;
    size_t size, capacity;
    size_t max; /* 0: no limit; growing past it sets failed */
    bool failed;
};

void qj_buf_append(struct qj_buf *buf, const void *bytes, size_t n);
void qj_buf_puts(struct qj_buf *buf, const char *text);
__attribute__((format(printf, 2, 3))) void qj_buf_printf(struct qj_buf *buf, const char *format, ...);
/* Appends a text of lines as words, one space between them. */
void qj_buf_put_words(struct qj_buf *buf, const char *lines);
/* The text so far, "" if none. */
const char *qj_buf_text(const struct qj_buf *buf);
void qj_buf_finish(struct qj_buf *buf);

#endif
