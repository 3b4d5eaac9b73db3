#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for n more bytes and the NUL. */
static bool reserve(struct qj_buf *buf, size_t n)
{
    if (buf->failed || n > SIZE_MAX - buf->size - 1 || (buf->max && buf->size + n > buf->max)) {
        buf->failed = true;
        return false;
    }
    size_t need = buf->size + n + 1;
    if (need <= buf->capacity) {
        return true;
    }
    size_t capacity = buf->capacity ? buf->capacity : 64;
    while (capacity < need) {
        capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
    }
    char *bytes = realloc(buf->bytes, capacity);
    if (!bytes) {
        buf->failed = true;
        return false;
    }
    buf->bytes = bytes;
    buf->capacity = capacity;
    return true;
}

void qj_buf_append(struct qj_buf *buf, const void *bytes, size_t n)
{
    if (!reserve(buf, n)) {
        return;
    }
    if (n) {
        memcpy(buf->bytes + buf->size, bytes, n);
    }
    buf->size += n;
    buf->bytes[buf->size] = '\0';
}

void qj_buf_puts(struct qj_buf *buf, const char *text)
{
    qj_buf_append(buf, text, strlen(text));
}

void qj_buf_printf(struct qj_buf *buf, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int n = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (n < 0) {
        buf->failed = true;
    } else if (reserve(buf, (size_t)n)) {
        (void)vsnprintf(buf->bytes + buf->size, (size_t)n + 1, format, again);
        buf->size += (size_t)n;
    }
    va_end(again);
}

void qj_buf_put_words(struct qj_buf *buf, const char *lines)
{
    size_t at = buf->size;
    qj_buf_puts(buf, lines);
    for (; at < buf->size; at++) {
        if (buf->bytes[at] == '\n') {
            buf->bytes[at] = ' ';
        }
    }
}

const char *qj_buf_text(const struct qj_buf *buf)
{
    return buf->bytes ? buf->bytes : "";
}

void qj_buf_finish(struct qj_buf *buf)
{
    free(buf->bytes);
    *buf = (struct qj_buf){.max = buf->max};
}
