/* qjit gc: make the store smaller. */
#include "cli.h"

#include <stddef.h>

struct gc_args {
    int64_t max_bytes;
};

static const struct cli_option gc_options[] = {
    {0, CLI_SIZE, "max-size", "SIZE", offsetof(struct gc_args, max_bytes),
     "what the store may take: 500M, 2G (else $QJIT_CACHE_MAX_SIZE, else 1G)"},
    {0, CLI_FLAG, NULL, NULL, 0, NULL},
};

static const struct cli_column gc_columns[] = {
    {"removed", "entries removed", CLI_AS_COUNT},
    {"file_bytes", "file", CLI_AS_BYTES},
    {NULL, NULL, CLI_AS_TEXT},
};

static int run_gc(struct cli *cli, const void *args)
{
    qjit_cache_stat stat = {.struct_size = sizeof(stat)};
    uint64_t n = 0;
    int result = cli_open(cli);
    if (result != CLI_OK)
        return result;
    qjit_status status =
        qjit_shrink_cache(cli->context, &n, (uint64_t)((const struct gc_args *)args)->max_bytes);
    if (status == QJIT_OK)
        status = qjit_get_cache_stat(cli->context, &stat);
    if (status != QJIT_OK)
        return cli_fail(cli, status, 0);
    cJSON *object = cli_object();
    cli_put_number(object, "removed", (double)n);
    cli_put_number(object, "file_bytes", (double)stat.file_bytes);
    if (cli->json)
        cli_print_json(object);
    else
        cli_print_facts(object, gc_columns);
    cJSON_Delete(object);
    return CLI_OK;
}

const struct cli_command cmd_gc = {
    .name = "gc",
    .summary = "make the store smaller",
    .operands = "",
    .text =
        "Removes code objects, least recently used first, until the store takes no more than it may, and\n"
        "gives the space back. The limit holds without it too, from one put to the next; this is for a\n"
        "smaller one.\n"
        "\n"
        "Example:\n"
        "  qjit gc --max-size 200M\n",
    .options = gc_options,
    .args_size = sizeof(struct gc_args),
    .run = run_gc,
};
