/* Where warnings go: the application's callback, if it gave one. Never the library's own stderr. */
#ifndef QJ_BASE_LOG_H
#define QJ_BASE_LOG_H

#include <qjit/qjit.h>

struct qj_log {
    qjit_log_fn fn; /* NULL: quiet */
    void *payload;
    enum qjit_log_level level;
};

/* One line. `log` may be NULL. */
__attribute__((format(printf, 3, 4))) void qj_log(const struct qj_log *log, enum qjit_log_level level,
                                                  const char *format, ...);

#endif
