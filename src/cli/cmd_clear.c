/* qjit clear: remove code objects from the store. */
#include "cli.h"

#include <inttypes.h>
#include <stddef.h>
#include <unistd.h>

struct clear_args {
    const char *arch, *unit, *module;
    int64_t older_than_s;
    int stale, all;
};

static const struct cli_option clear_options[] = {
    {'a', CLI_TEXT, "arch", "ARCH", offsetof(struct clear_args, arch),
     "those for this arch; without features (gfx90a): with any"},
    {'u', CLI_TEXT, "unit", "UNIT", offsetof(struct clear_args, unit), "those of this unit"},
    {'m', CLI_TEXT, "module", "MODULE", offsetof(struct clear_args, module), "those of this module"},
    {0, CLI_FLAG, "stale", NULL, offsetof(struct clear_args, stale),
     "those that another compiler than this machine's made"},
    {0, CLI_AGE, "older-than", "AGE", offsetof(struct clear_args, older_than_s),
     "those not used for so long: 30d, 12h, 45m or 90s (use is noted by the day)"},
    {0, CLI_FLAG, "all", NULL, offsetof(struct clear_args, all), "everything, without asking"},
    {0, CLI_FLAG, NULL, NULL, 0, NULL},
};

static int has_filter(const struct clear_args *args)
{
    return args->arch || args->unit || args->module || args->stale || args->older_than_s;
}

/* Whether everything may go: asked where someone can answer. */
static int confirm(struct cli *cli)
{
    qjit_cache_stat stat = {.struct_size = sizeof(stat)};
    qjit_status status = qjit_get_cache_stat(cli->context, &stat);
    if (status != QJIT_OK)
        return cli_fail(cli, status, 0);
    fprintf(stderr, "remove all %" PRIu64 " entries of %s? [y/N] ", stat.n_entries, stat.path);
    int answer = getchar();
    if (answer == 'y' || answer == 'Y')
        return CLI_OK;
    cli_note("nothing was removed");
    return CLI_FAILED;
}

static int can_ask(const struct cli *cli)
{
    return !cli->json && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

static void print_removed(const struct cli *cli, uint64_t n)
{
    if (!cli->json) {
        printf("%" PRIu64 " %s removed\n", n, n == 1 ? "entry" : "entries");
        return;
    }
    cJSON *object = cli_object();
    cli_put_number(object, "removed", (double)n);
    cli_print_json(object);
    cJSON_Delete(object);
}

static int run_clear(struct cli *cli, const void *args)
{
    const struct clear_args *clear = args;
    if (clear->all && has_filter(clear))
        return cli_usage(cli, "--all does not go with an option that chooses");
    if (!clear->all && !has_filter(clear) && !can_ask(cli))
        return cli_usage(cli,
                         "this would remove everything: say so with --all, or choose with --arch, --unit, "
                         "--module, --stale or --older-than");
    int result = cli_open(cli);
    if (result == CLI_OK && !clear->all && !has_filter(clear))
        result = confirm(cli);
    if (result != CLI_OK)
        return result;
    qjit_cache_filter filter = {
        .struct_size = sizeof(filter),
        .arch = clear->arch,
        .unit = clear->unit,
        .module = clear->module,
        .older_than_s = clear->older_than_s,
        .stale = clear->stale != 0,
    };
    uint64_t n = 0;
    qjit_status status = qjit_clear_cache(cli->context, &n, &filter);
    if (status != QJIT_OK)
        return cli_fail(cli, status, 0);
    print_removed(cli, n);
    return CLI_OK;
}

const struct cli_command cmd_clear = {
    .name = "clear",
    .summary = "remove code objects from the store",
    .operands = "",
    .text =
        "Removes what all the given options choose together and gives the space back. What an application\n"
        "has loaded already stays with it; what is asked for again is compiled again.\n"
        "\n"
        "Examples:\n"
        "  qjit clear --stale\n"
        "  qjit clear --arch gfx906 --older-than 30d\n"
        "  qjit clear --all\n",
    .options = clear_options,
    .args_size = sizeof(struct clear_args),
    .run = run_clear,
};
