/* Errors: one line on stderr, or one object on stdout where JSON was asked for. */
#include "cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void *cli_need(void *pointer)
{
    if (!pointer) {
        fputs("qjit: out of memory\n", stderr);
        exit(CLI_FAILED);
    }
    return pointer;
}

void cli_put_error(cJSON *object, qjit_status status, const char *detail, const char *log)
{
    cJSON *error = cli_object();
    cli_put_text(error, "status", qjit_status_name(status));
    cli_put_text(error, "detail", detail);
    if (*log)
        cli_put_text(error, "log", log);
    cli_put_item(object, "error", error);
}

static void print_error(const struct cli *cli, qjit_status status, const char *detail, const char *log)
{
    if (cli->json) {
        cJSON *object = cli_object();
        cli_put_error(object, status, detail, log);
        cli_print_json(object);
        cJSON_Delete(object);
    } else {
        cli_note("qjit: %s%s%s", cli->command ? cli->command->name : "", cli->command ? ": " : "", detail);
        cli_note_log(log);
    }
}

int cli_fail(const struct cli *cli, qjit_status status, int with_log)
{
    const char *detail = qjit_error_detail();
    const char *log = qjit_error_log();
    int hidden = *log && !with_log && !cli->verbose;
    print_error(cli, status, *detail ? detail : qjit_status_text(status), hidden ? "" : log);
    if (hidden && !cli->json)
        cli_note("the compile log is shown with --verbose");
    return CLI_FAILED;
}

__attribute__((format(printf, 3, 0))) static void print_words(const struct cli *cli, qjit_status status,
                                                              const char *format, va_list arguments)
{
    char *detail = NULL;
    if (vasprintf(&detail, format, arguments) < 0)
        cli_need(NULL);
    print_error(cli, status, detail, "");
    free(detail);
}

int cli_fail_text(const struct cli *cli, qjit_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_words(cli, status, format, arguments);
    va_end(arguments);
    return CLI_FAILED;
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_words(cli, QJIT_INVALID_ARGUMENT, format, arguments);
    va_end(arguments);
    if (!cli->json)
        cli_note("'qjit%s%s --help' says more", cli->command ? " " : "",
                 cli->command ? cli->command->name : "");
    return CLI_USAGE;
}
