#include "base/status.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DETAIL_BYTES = 2048 };

static _Thread_local char detail[DETAIL_BYTES];
static _Thread_local char *log_text;

/* Frees the log of a thread that ends; the key's value is only there to make the destructor run. */

static pthread_key_t log_key;
static pthread_once_t log_once = PTHREAD_ONCE_INIT;

static void make_log_key(void)
{
    (void)pthread_key_create(&log_key, free);
}

static void set_log(const char *log)
{
    (void)pthread_once(&log_once, make_log_key);
    char *copy = log && *log ? strdup(log) : NULL;
    (void)pthread_setspecific(log_key, copy);
    free(log_text);
    log_text = copy;
}

static void one_line(char *text)
{
    size_t n = strlen(text);
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r' || text[n - 1] == ' ')) {
        text[--n] = '\0';
    }
    for (char *c = text; *c; c++) {
        if (*c == '\n' || *c == '\r' || *c == '\t') {
            *c = ' ';
        }
    }
}

void qj_fail_text(const char *format, ...)
{
    char text[DETAIL_BYTES]; /* an argument may be this thread's detail */
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    one_line(text);
    memcpy(detail, text, sizeof detail);
    set_log(NULL);
}

qjit_status qj_fail_with_log(qjit_status status, const char *text, const char *log)
{
    qj_fail_text("%s", text);
    set_log(log);
    return status;
}

void qj_fail_add(const char *format, ...)
{
    size_t used = strlen(detail);
    if (used + 4 >= sizeof detail) {
        return;
    }
    char text[DETAIL_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    one_line(text);
    size_t room = sizeof detail - used - sizeof " ()";
    (void)snprintf(detail + used, sizeof detail - used, " (%.*s)", (int)room, text);
}

const char *qjit_error_detail(void)
{
    return detail;
}

const char *qjit_error_log(void)
{
    return log_text ? log_text : "";
}

static const struct {
    qjit_status status;
    const char *name, *text;
} statuses[] = {
#define ROW(name, value, text) {QJIT_##name, "QJIT_" #name, text},
    QJIT_STATUS_MAP(ROW)
#undef ROW
};

const char *qjit_status_name(qjit_status status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (statuses[i].status == status) {
            return statuses[i].name;
        }
    }
    return "unknown status";
}

const char *qjit_status_text(qjit_status status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (statuses[i].status == status) {
            return statuses[i].text;
        }
    }
    return "unknown status";
}
