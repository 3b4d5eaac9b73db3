/* qjit stat: how much is in the store, and how it has been used. */
#include "cli.h"

#include <math.h>

static const struct cli_option stat_options[] = {{0, CLI_FLAG, NULL, NULL, 0, NULL}};

static const struct cli_column stat_columns[] = {
    {"path", "store", CLI_AS_TEXT},
    {"memory_reason", "in memory because", CLI_AS_TEXT},
    {"entries", "entries", CLI_AS_COUNT},
    {"object_bytes", "code objects", CLI_AS_BYTES},
    {"stored_bytes", "as stored", CLI_AS_BYTES},
    {"file_bytes", "file", CLI_AS_BYTES},
    {"hits", "hits", CLI_AS_COUNT},
    {"misses", "misses", CLI_AS_COUNT},
    {"refused", "refused", CLI_AS_COUNT},
    {"compiles", "compiles", CLI_AS_COUNT},
    {"failed", "failed", CLI_AS_COUNT},
    {"compile_seconds", "compile time", CLI_AS_SECONDS},
    {NULL, NULL, CLI_AS_TEXT},
};

static int run_stat(struct cli *cli, const void *args)
{
    (void)args;
    int result = cli_open(cli);
    if (result != CLI_OK)
        return result;
    qjit_cache_stat stat = {.struct_size = sizeof(stat)};
    qjit_status status = qjit_get_cache_stat(cli->context, &stat);
    if (status != QJIT_OK)
        return cli_fail(cli, status, 0);
    cJSON *object = cli_object();
    cli_put_text(object, "path", stat.path);
    cli_put_text(object, "memory_reason", stat.memory_reason);
    cli_put_number(object, "entries", (double)stat.n_entries);
    cli_put_number(object, "object_bytes", (double)stat.object_bytes);
    cli_put_number(object, "stored_bytes", (double)stat.stored_bytes);
    cli_put_number(object, "file_bytes", (double)stat.file_bytes);
    cli_put_number(object, "hits", (double)stat.n_hits);
    cli_put_number(object, "misses", (double)stat.n_misses);
    cli_put_number(object, "refused", (double)stat.n_refused);
    cli_put_number(object, "compiles", (double)stat.n_compiles);
    cli_put_number(object, "failed", (double)stat.n_failed);
    cli_put_number(object, "compile_seconds", round((double)stat.compile_us / 1e3) / 1e3);
    if (cli->json)
        cli_print_json(object);
    else
        cli_print_facts(object, stat_columns);
    cJSON_Delete(object);
    return CLI_OK;
}

const struct cli_command cmd_stat = {
    .name = "stat",
    .summary = "how much is in the store, and how it has been used",
    .operands = "",
    .text = "Counts since the store was made: hits and misses; refused, rows that were damaged or did not\n"
            "fit and were dropped; compiles, those that failed, and the time they took.\n",
    .options = stat_options,
    .run = run_stat,
};
