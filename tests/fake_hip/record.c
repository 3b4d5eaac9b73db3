#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake.h"

static const char *const names[] = {
#define QJ_HIP_FUNCTION(need, ret, name, params) #name,
#include "hip/functions.def"
#undef QJ_HIP_FUNCTION
};
enum { N_NAMES = sizeof names / sizeof *names, LINE_BYTES = 512 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int calls[N_NAMES];

static size_t index_of(const char *name)
{
    size_t i = 0;
    while (i < N_NAMES - 1 && strcmp(names[i], name) != 0) {
        i++;
    }
    return i;
}

/* The error that the list wants for this call, 0 for none. */
static int wanted_error(const char *name, int call)
{
    const char *list = getenv("FAKE_HIP_FAIL");
    for (; list && *list; list += strcspn(list, ","), list += *list == ',') {
        char failing[64];
        int at = 0, error = QJ_HIP_ERROR_UNKNOWN;
        int n = sscanf(list, "%63[^:]:%d:%d", failing, &at, &error);
        if (n >= 2 && strcmp(failing, name) == 0 && (at == 0 || at == call)) {
            return error;
        }
    }
    return 0;
}

/* One write, so that lines of several processes do not mix. */
static void log_line(const char *line, size_t n)
{
    const char *path = getenv("FAKE_HIP_LOG");
    int file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (file >= 0) {
        (void)!write(file, line, n);
        (void)close(file);
    }
}

int fake_call(const char *name, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list arguments;
    int used = snprintf(line, sizeof line, "%s ", name);
    va_start(arguments, format);
    (void)vsnprintf(line + used, sizeof line - (size_t)used - 1, format, arguments);
    va_end(arguments);
    size_t n = strlen(line);
    n -= line[n - 1] == ' ';
    line[n++] = '\n';
    (void)pthread_mutex_lock(&lock);
    int call = ++calls[index_of(name)];
    log_line(line, n);
    (void)pthread_mutex_unlock(&lock);
    return wanted_error(name, call);
}

int fakeHipCalls(const char *name)
{
    (void)pthread_mutex_lock(&lock);
    int n = calls[index_of(name)];
    (void)pthread_mutex_unlock(&lock);
    return n;
}
