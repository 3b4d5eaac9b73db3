/* Command lines, by getopt_long and the option tables. */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OPTIONS   48
#define FIRST_ID      256 /* above every letter */
#define MAX_NUMBER    1024
#define SECONDS_A_DAY 86400

const struct cli_option cli_globals[] = {
    {0, CLI_TEXT, "hip", "LIBRARY", offsetof(struct cli, hip),
     "rocm, cpu, cuda or the path of a HIP library (else $QJIT_HIP, else rocm)"},
    {0, CLI_TEXT, "cache-dir", "DIR", offsetof(struct cli, cache_dir),
     "where the store is (else $QJIT_CACHE_DIR, else ~/.cache/qjit)"},
    {0, CLI_TEXT, "worker", "PATH", offsetof(struct cli, worker),
     "the qjit-worker program (else $QJIT_WORKER, else the installed one)"},
    {'j', CLI_NUMBER, "jobs", "N", offsetof(struct cli, n_jobs),
     "worker processes at most (else $QJIT_JOBS, else one a processor)"},
    {0, CLI_FLAG, "json", NULL, offsetof(struct cli, json), "print JSON; errors are JSON too"},
    {'v', CLI_FLAG, "verbose", NULL, offsetof(struct cli, verbose),
     "say more on stderr and show compile logs; twice: still more"},
    {'h', CLI_FLAG, "help", NULL, offsetof(struct cli, help), "print this"},
    {0, CLI_FLAG, "version", NULL, offsetof(struct cli, version), "print the version"},
    {0, CLI_FLAG, NULL, NULL, 0, NULL},
};

/* The options of a command and of every command, in getopt's form. */
struct table {
    const struct cli_option *options[MAX_OPTIONS];
    char *targets[MAX_OPTIONS]; /* the struct that the option's offset counts from */
    struct option longs[MAX_OPTIONS + 1];
    char shorts[2 * MAX_OPTIONS + 3];
    size_t n;
};

void cli_list_add(struct cli_list *list, const char *text, size_t n_bytes)
{
    list->items = cli_need(realloc(list->items, (list->n + 1) * sizeof(*list->items)));
    list->items[list->n++] = cli_need(strndup(text, n_bytes));
}

int cli_list_has(const struct cli_list *list, const char *text)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->items[i], text) == 0)
            return 1;
    return 0;
}

void cli_list_free(struct cli_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct cli_list){0};
}

void cli_free_args(const struct cli_command *command, void *args)
{
    for (const struct cli_option *option = command->options; option->name; option++)
        if (option->kind == CLI_LIST || option->kind == CLI_WORDS)
            cli_list_free((struct cli_list *)(void *)((char *)args + option->offset));
}

static void add_options(struct table *table, const struct cli_option *options, void *target)
{
    for (; options->name && table->n < MAX_OPTIONS; options++) {
        size_t i = table->n++;
        table->options[i] = options;
        table->targets[i] = target;
        table->longs[i] = (struct option){options->name, options->value ? required_argument : no_argument,
                                          NULL, (int)(FIRST_ID + i)};
        if (options->letter) {
            char *end = strchr(table->shorts, 0);
            end[0] = (char)options->letter;
            end[1] = options->value ? ':' : 0;
        }
    }
}

/* A number and one of the units, each of which is worth as many; 0 for what is none. */
static int64_t parse_quantity(const char *text, const char *units, const int64_t *worth)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    const char *unit = *end ? strchr(units, *end) : NULL;
    if (!isdigit((unsigned char)*text) || errno || !unit || end[1])
        return 0;
    int64_t quantity = 0;
    return __builtin_mul_overflow((int64_t)value, worth[unit - units], &quantity) ? 0 : quantity;
}

static int64_t parse_age(const char *text)
{
    static const int64_t seconds[] = {1, 60, 3600, SECONDS_A_DAY};
    return parse_quantity(text, "smhd", seconds);
}

static int64_t parse_size(const char *text)
{
    static const int64_t bytes[] = {1 << 10, 1 << 20, 1 << 30};
    return parse_quantity(text, "KMG", bytes);
}

static uint32_t parse_number(const char *text)
{
    char *end = NULL;
    errno = 0;
    long value = strtol(text, &end, 10);
    return isdigit((unsigned char)*text) && !errno && !*end && value <= MAX_NUMBER ? (uint32_t)value : 0;
}

static int add_words(const struct cli *cli, struct cli_list *list, const char *name, const char *value)
{
    for (const char *word = value;;) {
        size_t n = strcspn(word, ",");
        if (n == 0)
            return cli_usage(cli, "--%s: '%s' has an empty item", name, value);
        cli_list_add(list, word, n);
        if (!word[n])
            return CLI_OK;
        word += n + 1;
    }
}

static int set_option(const struct cli *cli, const struct cli_option *option, void *target, const char *value)
{
    if (option->value && !*value)
        return cli_usage(cli, "--%s: the value is empty", option->name);
    switch (option->kind) {
    case CLI_FLAG:
        ++*(int *)target;
        break;
    case CLI_TEXT:
        if (*(const char **)target)
            return cli_usage(cli, "--%s is given twice", option->name);
        *(const char **)target = value;
        break;
    case CLI_LIST:
        cli_list_add(target, value, strlen(value));
        break;
    case CLI_WORDS:
        return add_words(cli, target, option->name, value);
    case CLI_NUMBER:
        if (!(*(uint32_t *)target = parse_number(value)))
            return cli_usage(cli, "--%s: '%s' is no number from 1 to %d", option->name, value, MAX_NUMBER);
        break;
    case CLI_AGE:
        if (!(*(int64_t *)target = parse_age(value)))
            return cli_usage(cli, "--%s: '%s' is no age such as 30d, 12h, 45m or 90s", option->name, value);
        break;
    case CLI_SIZE:
        if (!(*(int64_t *)target = parse_size(value)))
            return cli_usage(cli, "--%s: '%s' is no size such as 500M or 2G", option->name, value);
        break;
    }
    return CLI_OK;
}

static const struct cli_option *option_of(const struct table *table, int id, size_t *out_index)
{
    for (size_t i = 0; i < table->n; i++)
        if (id == (int)(FIRST_ID + i) || (id && id == table->options[i]->letter)) {
            *out_index = i;
            return table->options[i];
        }
    return NULL;
}

static int refuse(const struct cli *cli, const struct table *table, int found, const char *argument)
{
    size_t i;
    const struct cli_option *option = option_of(table, optopt, &i);
    if (found == ':' && option)
        return cli_usage(cli, "--%s needs a value: %s", option->name, option->value);
    if (option)
        return cli_usage(cli, "--%s takes no value", option->name);
    if (optopt)
        return cli_usage(cli, "unknown option '-%c'", optopt);
    return cli_usage(cli, "unknown option '%s'", argument);
}

static int take_operands(struct cli *cli, int argc, char **argv)
{
    cli->operands = argv + optind;
    cli->n_operands = (size_t)(argc - optind);
    if (cli->help || cli->version)
        return CLI_OK;
    if (cli->n_operands < cli->command->min_operands)
        return cli_usage(cli, "%s is missing", cli->command->operands);
    if (cli->n_operands > cli->command->max_operands)
        return cli_usage(cli, "'%s' is one argument too many", cli->operands[cli->command->max_operands]);
    return CLI_OK;
}

int cli_parse(struct cli *cli, void *args, int argc, char **argv, int *next)
{
    /* "+": stop at the first operand, the command; ":": tell a missing value from an unknown option. */
    struct table table = {.shorts = {cli->command ? ':' : '+', cli->command ? 0 : ':'}};
    if (cli->command)
        add_options(&table, cli->command->options, args);
    add_options(&table, cli_globals, cli);

    int id, result = CLI_OK;
    opterr = 0;
    optind = 0; /* glibc: start afresh */
    while (result == CLI_OK && (id = getopt_long(argc, argv, table.shorts, table.longs, NULL)) != -1) {
        size_t i = 0;
        const struct cli_option *option = id == '?' || id == ':' ? NULL : option_of(&table, id, &i);
        result = option ? set_option(cli, option, table.targets[i] + option->offset, optarg)
                        : refuse(cli, &table, id, argv[optind - 1]);
    }
    if (result != CLI_OK)
        return result;
    if (cli->command)
        return take_operands(cli, argc, argv);
    *next = optind;
    return CLI_OK;
}
