/* Whether an application's source can be compiled at all. Names become file names in hipRTC's temporary
 * directory, which checks none of them. */
#include <string.h>

#include "base/status.h"
#include "registry/names.h"
#include "registry/unit.h"

enum { NAME_MAX_BYTES = 200, LIST_MAX = 1 << 16 };

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A part of a path that stays where it is put: letters, digits, '.', '_', '-', and neither "." nor "..". */
static bool is_part(const char *name, size_t n)
{
    if (n == 0 || (n <= 2 && strspn(name, ".") >= n))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!is_letter(name[i]) && !is_digit(name[i]) && name[i] != '.' && name[i] != '-')
            return false;
    return true;
}

static bool is_header_name(const char *name)
{
    if (strlen(name) > NAME_MAX_BYTES)
        return false;
    for (;;) {
        const size_t n = strcspn(name, "/");
        if (!is_part(name, n))
            return false;
        if (!name[n])
            return true;
        name += n + 1;
    }
}

static bool is_define(const char *define)
{
    size_t n = 0;
    while (is_letter(define[n]) || (n > 0 && is_digit(define[n])))
        n++;
    return n > 0 && (!define[n] || define[n] == '=') && !strpbrk(define, "\r\n");
}

static bool is_kernel_name(const char *name)
{
    if (!*name || *name == ' ' || name[strlen(name) - 1] == ' ')
        return false;
    for (; *name; name++)
        if ((unsigned char)*name < ' ')
            return false;
    return true;
}

static bool is_option(const char *option)
{
    return *option == '-' && !strpbrk(option, "\r\n");
}

static qjit_status check_list(const qjit_source *source, const char *what, const char *const *texts, size_t n,
                              bool (*good)(const char *))
{
    if (n > LIST_MAX || (n > 0 && !texts))
        return qj_fail(QJIT_INVALID_ARGUMENT, "source '%s' says it has %zu %ss, and gives none or too many",
                       source->name, n, what);
    for (size_t i = 0; i < n; i++)
        if (!texts[i] || !good(texts[i]))
            return qj_fail(QJIT_INVALID_ARGUMENT, "%s '%s' of source '%s' cannot be one", what,
                           texts[i] ? texts[i] : "(null)", source->name);
    return QJIT_OK;
}

static qjit_status check_headers(const qjit_source *source)
{
    if (source->n_headers > LIST_MAX || (source->n_headers > 0 && !source->headers))
        return qj_fail(QJIT_INVALID_ARGUMENT,
                       "source '%s' says it has %zu headers, and gives none or too many", source->name,
                       source->n_headers);
    for (size_t i = 0; i < source->n_headers; i++) {
        const char *name = source->headers[i].name;
        if (!name || !is_header_name(name))
            return qj_fail(QJIT_INVALID_ARGUMENT,
                           "header name '%s' of source '%s' must be letters, digits, '.', '_', '-', with '/' "
                           "between parts and no '..'",
                           name ? name : "(null)", source->name);
        if (!source->headers[i].text)
            return qj_fail(QJIT_INVALID_ARGUMENT, "header '%s' of source '%s' has no text", name,
                           source->name);
        if ((source->flags & QJIT_SOURCE_SMALL_RUNTIME) && strcmp(name, "hiprtc_runtime.h") == 0)
            return qj_fail(
                QJIT_INVALID_ARGUMENT,
                "source '%s' has a header 'hiprtc_runtime.h' and asks for the small run-time header, "
                "which has that name: drop one",
                source->name);
    }
    return QJIT_OK;
}

/* text_of(source, i): the i-th of n names that must differ. */
static qjit_status check_differ(const qjit_source *source, const char *what, size_t n,
                                const char *(*text_of)(const qjit_source *, size_t))
{
    struct qj_names names = {.n = 0};
    qjit_status status = QJIT_OK;
    if (n > 0 && !qj_names_reserve(&names, n))
        status = qj_fail(QJIT_NO_MEMORY, "no memory to check source '%s'", source->name);
    for (size_t i = 0; status == QJIT_OK && i < n; i++) {
        const char *text = text_of(source, i);
        uint32_t found;
        if (qj_names_find(&names, &found, text, strlen(text)))
            status =
                qj_fail(QJIT_INVALID_ARGUMENT, "source '%s' lists %s '%s' twice", source->name, what, text);
        else
            qj_names_put(&names, text, strlen(text), (uint32_t)i);
    }
    qj_names_finish(&names);
    return status;
}

static const char *kernel_name(const qjit_source *source, size_t i)
{
    return source->kernels[i];
}

static const char *header_name(const qjit_source *source, size_t i)
{
    return source->headers[i].name;
}

static qjit_status check_itself(const qjit_source *source)
{
    if (!source || source->struct_size < sizeof *source)
        return qj_fail(QJIT_INVALID_ARGUMENT, "a source is missing, or its struct_size is not set");
    if (!source->name || strlen(source->name) > NAME_MAX_BYTES ||
        !is_part(source->name, strlen(source->name)))
        return qj_fail(QJIT_INVALID_ARGUMENT, "source name '%.250s' must be letters, digits, '.', '_', '-'",
                       source->name ? source->name : "(null)");
    if (source->flags & ~(uint32_t)QJIT_SOURCE_SMALL_RUNTIME)
        return qj_fail(QJIT_INVALID_ARGUMENT, "source '%s' has unknown flags %#x", source->name,
                       source->flags);
    return QJIT_OK;
}

qjit_status qj_source_check_bare(const qjit_source *source)
{
    qjit_status status = check_itself(source);
    if (status == QJIT_OK)
        status = check_headers(source);
    if (status == QJIT_OK)
        status = check_list(source, "define", source->defines, source->n_defines, is_define);
    if (status == QJIT_OK)
        status = check_list(source, "option", source->options, source->n_options, is_option);
    if (status == QJIT_OK)
        status = check_list(source, "kernel", source->kernels, source->n_kernels, is_kernel_name);
    if (status == QJIT_OK)
        status = check_differ(source, "kernel", source->n_kernels, kernel_name);
    if (status == QJIT_OK)
        status = check_differ(source, "header", source->n_headers, header_name);
    return status;
}

qjit_status qj_source_check(const qjit_source *source)
{
    const qjit_status status = qj_source_check_bare(source);
    if (status == QJIT_OK && (!source->text || !*source->text))
        return qj_fail(QJIT_INVALID_ARGUMENT, "source '%s' has no text", source->name);
    return status;
}
