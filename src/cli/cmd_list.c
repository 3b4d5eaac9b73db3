/* qjit list: what is in the store, or which kernels there are. */
#include "cli.h"

#include <stddef.h>
#include <string.h>

struct list_args {
    const char *module, *arch, *unit;
    int kernels;
};

static const struct cli_option list_options[] = {
    {'k', CLI_FLAG, "kernels", NULL, offsetof(struct list_args, kernels),
     "list the kernels that there are instead of the store"},
    {'m', CLI_TEXT, "module", "MODULE", offsetof(struct list_args, module), "only those of this module"},
    {'a', CLI_TEXT, "arch", "ARCH", offsetof(struct list_args, arch),
     "only those for this arch; without features (gfx90a): with any"},
    {'u', CLI_TEXT, "unit", "UNIT", offsetof(struct list_args, unit), "only those of this unit"},
    {0, CLI_FLAG, NULL, NULL, 0, NULL},
};

static const struct cli_column row_columns[] = {
    {"unit", "UNIT", CLI_AS_TEXT},
    {"module", "MODULE", CLI_AS_TEXT},
    {"arch", "ARCH", CLI_AS_TEXT},
    {"key", "KEY", CLI_AS_SHORT},
    {"kernels", "KERNELS", CLI_AS_FEW},
    {"object_bytes", "OBJECT", CLI_AS_BYTES},
    {"stored_bytes", "STORED", CLI_AS_BYTES},
    {"compile_us", "COMPILE", CLI_AS_MICROSECONDS},
    {"created", "CREATED", CLI_AS_DATE},
    {"stale", "STALE", CLI_AS_YES},
    {NULL, NULL, CLI_AS_TEXT},
};

static const struct cli_column kernel_columns[] = {
    {"name", "KERNEL", CLI_AS_TEXT},      {"module", "MODULE", CLI_AS_TEXT}, {"unit", "UNIT", CLI_AS_TEXT},
    {"aliases", "ALIASES", CLI_AS_WORDS}, {NULL, NULL, CLI_AS_TEXT},
};

/* One listing: which rows, and those found so far. */
struct listing {
    const struct list_args *args;
    cJSON *rows;
};

static int is_wanted(const char *wanted, const char *text)
{
    return !wanted || strcmp(wanted, text) == 0;
}

static int is_wanted_arch(const char *wanted, const char *arch)
{
    if (!wanted || strchr(wanted, ':'))
        return is_wanted(wanted, arch);
    size_t n = strlen(wanted);
    return strncmp(arch, wanted, n) == 0 && (arch[n] == 0 || arch[n] == ':');
}

static int add_row(void *payload, const qjit_cache_row *row)
{
    struct listing *listing = payload;
    const struct list_args *args = listing->args;
    if (!is_wanted(args->module, row->module) || !is_wanted(args->unit, row->unit) ||
        !is_wanted_arch(args->arch, row->arch))
        return 0;
    cJSON *object = cli_object();
    cli_put_text(object, "key", row->key);
    cli_put_text(object, "unit", row->unit);
    cli_put_text(object, "module", row->module);
    cli_put_text(object, "arch", row->arch);
    cli_put_text(object, "compiler", row->compiler);
    cli_put_text(object, "options", row->options);
    cli_put_words(object, "kernels", row->kernels);
    cli_put_number(object, "object_bytes", (double)row->object_bytes);
    cli_put_number(object, "stored_bytes", (double)row->stored_bytes);
    cli_put_number(object, "compile_us", row->compile_us);
    cli_put_bool(object, "stale", row->stale);
    cli_put_number(object, "created", (double)row->created);
    cli_put_number(object, "used", (double)row->used);
    cli_add(listing->rows, object);
    return 0;
}

static qjit_status add_kernels(const struct cli *cli, struct listing *listing)
{
    uint32_t n = qjit_kernel_count(cli->context);
    for (qjit_kernel kernel = 0; kernel < n; kernel++) {
        qjit_kernel_info info;
        qjit_status status = qjit_get_kernel_info(cli->context, &info, kernel);
        if (status != QJIT_OK)
            return status;
        if (!is_wanted(listing->args->module, info.module) || !is_wanted(listing->args->unit, info.unit))
            continue;
        cJSON *object = cli_object();
        cli_put_text(object, "name", info.name);
        cli_put_text(object, "module", info.module);
        cli_put_text(object, "unit", info.unit);
        cli_put_words(object, "aliases", info.aliases);
        cli_add(listing->rows, object);
    }
    return QJIT_OK;
}

static void print_listing(const struct cli *cli, const struct listing *listing)
{
    const struct list_args *args = listing->args;
    if (cli->json)
        cli_print_json_rows(listing->rows);
    else if (listing->rows->child)
        cli_print_table(listing->rows, args->kernels ? kernel_columns : row_columns);
    else if (args->module || args->arch || args->unit)
        puts(args->kernels ? "no such kernels" : "nothing like that is in the store");
    else
        puts(args->kernels ? "there are no kernels" : "the store is empty");
}

static int run_list(struct cli *cli, const void *args)
{
    struct listing listing = {.args = args};
    if (listing.args->kernels && listing.args->arch)
        return cli_usage(cli, "--arch does not go with --kernels: kernels are for every arch");
    int result = cli_open(cli);
    if (result != CLI_OK)
        return result;
    listing.rows = cli_array();
    qjit_status status = listing.args->kernels ? add_kernels(cli, &listing)
                                               : qjit_each_cache_row(cli->context, add_row, &listing);
    if (status == QJIT_OK)
        print_listing(cli, &listing);
    else
        result = cli_fail(cli, status, 0);
    cJSON_Delete(listing.rows);
    return result;
}

const struct cli_command cmd_list = {
    .name = "list",
    .summary = "list the store, or the kernels that there are",
    .operands = "",
    .text = "Lists the code objects in the store, one line each; with --kernels the kernels that this qjit\n"
            "carries, by name, module, unit (what is compiled together) and other accepted names.\n"
            "\n"
            "A row is stale if another compiler than this machine's made it: 'qjit clear --stale' removes\n"
            "those.\n"
            "\n"
            "Examples:\n"
            "  qjit list --arch gfx90a\n"
            "  qjit list --kernels --module quantized\n"
            "  qjit list --json | jq -r '.[] | select(.stale) | .unit'\n",
    .options = list_options,
    .args_size = sizeof(struct list_args),
    .run = run_list,
};
