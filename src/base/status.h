/* Statuses inside the library: the layer that detects a failure words it, once; layers above pass it up. */
#ifndef QJ_BASE_STATUS_H
#define QJ_BASE_STATUS_H

#include <qjit/qjit.h>

/* Sets this thread's detail text (lower case, one line, subject in quotes, native name last) and drops its
 * log. Line ends in the text become spaces. */
__attribute__((format(printf, 1, 2))) void qj_fail_text(const char *format, ...);

/* qj_fail(status, format, ...): qj_fail_text, and the status as its value. A macro, so that compilers and
 * checkers see which status that is. */
#define qj_fail(status, ...) (qj_fail_text(__VA_ARGS__), (status))

/* As qj_fail, with the compile log that belongs to it; NULL for none. The log is copied. */
qjit_status qj_fail_with_log(qjit_status status, const char *detail, const char *log);

/* Appends " (text)" to the detail this thread already has; for a layer that knows the way out. */
__attribute__((format(printf, 1, 2))) void qj_fail_add(const char *format, ...);

#endif
