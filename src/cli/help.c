/* Help texts, from the tables that the parser uses. */
#include "cli.h"

#include <string.h>

#define HELP_COLUMN 26
#define HELP_WIDTH  96

/* One option, its text wrapped in a column of its own. */
static void print_option(FILE *out, const struct cli_option *option)
{
    int at = 0;
    if (option->letter)
        at = fprintf(out, "  -%c, --%s", option->letter, option->name);
    else
        at = fprintf(out, "      --%s", option->name);
    if (option->value)
        at += fprintf(out, " %s", option->value);
    if (at > HELP_COLUMN - 2) {
        fputc('\n', out);
        at = 0;
    }
    fprintf(out, "%*s", HELP_COLUMN - at, "");
    at = HELP_COLUMN;
    for (const char *word = option->help; *word;) {
        int n = (int)strcspn(word, " ");
        int wraps = at > HELP_COLUMN && at + 1 + n > HELP_WIDTH;
        if (wraps)
            fprintf(out, "\n%*s", HELP_COLUMN, "");
        at = wraps ? HELP_COLUMN : at;
        at += fprintf(out, "%s%.*s", at > HELP_COLUMN ? " " : "", n, word);
        word += n + (word[n] == ' ');
    }
    fputc('\n', out);
}

static void print_options(FILE *out, const char *title, const struct cli_option *options)
{
    if (options->name)
        fprintf(out, "\n%s\n", title);
    for (; options->name; options++)
        print_option(out, options);
}

void cli_help_command(FILE *out, const struct cli_command *command)
{
    fprintf(out, "qjit %s: %s\n\nUsage: qjit %s%s%s [OPTION]...\n\n%s", command->name, command->summary,
            command->name, *command->operands ? " " : "", command->operands, command->text);
    print_options(out, "Options:", command->options);
    print_options(out, "Options of every command:", cli_globals);
}

void cli_help_all(FILE *out, const struct cli_command *const *commands)
{
    fputs("qjit: compiles HIP kernels for the GPU at hand, ahead of time or on first use, and keeps them\n\n"
          "Usage: qjit COMMAND [OPTION]... [ARGUMENT]...\n"
          "       qjit help COMMAND\n"
          "\n"
          "Commands:\n",
          out);
    for (; *commands; commands++)
        fprintf(out, "  %-10s%s\n", (*commands)->name, (*commands)->summary);
    print_options(out, "Options of every command:", cli_globals);
    fputs("\nEnvironment (an option given wins):\n"
          "  QJIT_HIP              as --hip\n"
          "  QJIT_CACHE_DIR        as --cache-dir\n"
          "  QJIT_CACHE_MAX_SIZE   size limit of the store, such as 512M or 2G\n"
          "  QJIT_WORKER           as --worker\n"
          "  QJIT_JOBS             as --jobs\n"
          "  QJIT_LOG              error, warning, info or debug: what is said on stderr\n"
          "  QJIT_FORBID_COMPILE   1: a kernel that is not in the store is an error\n"
          "  QJIT_GENERIC_ARCH     1: for an arch that the compiler does not know take gfx11-generic and the "
          "like\n"
          "\n"
          "Exit status: 0 all good, 1 something failed, 2 wrong command line, 130 interrupted,\n"
          "143 terminated.\n",
          out);
}
