#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void qj_log(const struct qj_log *log, enum qjit_log_level level, const char *format, ...)
{
    if (!log || !log->fn || level > log->level) {
        return;
    }
    char line[2048];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log->fn(log->payload, level, line);
}
