/* qjit import: take the code objects of bundles into the store. */
#include "bundle.h"

#include <stddef.h>

struct import_args {
    const char *trust;
};

static const struct cli_option import_options[] = {
    {0, CLI_TEXT, "trust", "KEYS", offsetof(struct import_args, trust),
     "take only what one of these public keys has signed: keys, or files of them, with : between"},
    {0, CLI_FLAG, NULL, NULL, 0, NULL},
};

static const struct cli_column import_columns[] = {
    {"file", "file", CLI_AS_TEXT},        {"rows", "entries", CLI_AS_COUNT},
    {"added", "added", CLI_AS_COUNT},     {"present", "there already", CLI_AS_COUNT},
    {"refused", "refused", CLI_AS_COUNT}, {NULL, NULL, CLI_AS_TEXT},
};

/* A store that ends with this process is no place to import into. */
static int check_store(const struct cli *cli)
{
    qjit_cache_stat stat = {.struct_size = sizeof(stat)};
    qjit_status status = qjit_get_cache_stat(cli->context, &stat);
    if (status != QJIT_OK)
        return cli_fail(cli, status, 0);
    if (*stat.path)
        return CLI_OK;
    return cli_fail_text(cli, QJIT_CACHE_UNUSABLE, "nothing would be kept: %s", stat.memory_reason);
}

static int run_import(struct cli *cli, const void *args)
{
    const struct import_args *import_args = args;
    int result = cli_open(cli);
    if (result == CLI_OK)
        result = check_store(cli);
    if (result != CLI_OK)
        return result;
    cJSON *rows = cli_array(), *row = NULL;
    for (size_t i = 0; i < cli->n_operands; i++) {
        int one = bundle_read(cli, &row, cli->operands[i], import_args->trust);
        result = one == CLI_OK ? result : one;
        if (!row)
            break; /* the error has been said */
        cli_add(rows, row);
    }
    if (row && cli->json)
        cli_print_json_rows(rows);
    else if (rows->child && !cli->json)
        cli_print_table(rows, import_columns);
    cJSON_Delete(rows);
    return result;
}

const struct cli_command cmd_import = {
    .name = "import",
    .summary = "take the code objects of bundles into the store",
    .operands = "FILE...",
    .text =
        "Takes code objects from bundles (qjit export FILE) or from other stores that are not in use. Each "
        "one\n"
        "is verified: its checksums; its key, made again from the arch, options, kernels, compiler and "
        "digests\n"
        "of the source that it names; its code object, against that arch and those kernels; its signature,\n"
        "if it has one. What is refused is said, with its reason; what the store has stays as it is. That a\n"
        "code object was made of the source that it names cannot be seen: --trust asks for the signature of\n"
        "someone who says so. Exit status 1 if something was refused.\n"
        "\n"
        "Examples:\n"
        "  qjit import kernels.qjit\n"
        "  qjit import --trust release.pub gfx1030.qjit gfx90a.qjit\n",
    .options = import_options,
    .args_size = sizeof(struct import_args),
    .min_operands = 1,
    .max_operands = 1024,
    .run = run_import,
};
