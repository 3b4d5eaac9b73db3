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
    {"store_hits", "hits in the store", CLI_AS_COUNT},
    {"memory_hits", "hits in memory", CLI_AS_COUNT},
    {"shipped_hits", "hits in shipped stores", CLI_AS_COUNT},
    {"added_hits", "own objects loaded", CLI_AS_COUNT},
    {"saved_seconds", "compile time saved", CLI_AS_SECONDS},
    {"misses", "misses", CLI_AS_COUNT},
    {"absent", "misses: not there", CLI_AS_COUNT},
    {"other_compiler", "misses: other compiler", CLI_AS_COUNT},
    {"other_source", "misses: other source", CLI_AS_COUNT},
    {"damaged", "misses: damaged", CLI_AS_COUNT},
    {"refused", "refused", CLI_AS_COUNT},
    {"compiles", "compiles", CLI_AS_COUNT},
    {"failed", "failed", CLI_AS_COUNT},
    {"compile_seconds", "compile time", CLI_AS_SECONDS},
    {"evicted", "evicted", CLI_AS_COUNT},
    {"waits", "waits", CLI_AS_COUNT},
    {"wait_seconds", "time waited", CLI_AS_SECONDS},
    {NULL, NULL, CLI_AS_TEXT},
};

static double seconds(uint64_t us)
{
    return round((double)us / 1e3) / 1e3;
}

static void put_counters(cJSON *object, const qjit_cache_stat *stat)
{
    cli_put_number(object, "hits", (double)stat->n_hits);
    cli_put_number(object, "misses", (double)stat->n_misses);
    cli_put_number(object, "refused", (double)stat->n_refused);
    cli_put_number(object, "compiles", (double)stat->n_compiles);
    cli_put_number(object, "failed", (double)stat->n_failed);
    cli_put_number(object, "compile_seconds", seconds(stat->compile_us));
    cli_put_number(object, "store_hits", (double)stat->n_store_hits);
    cli_put_number(object, "memory_hits", (double)stat->n_memory_hits);
    cli_put_number(object, "shipped_hits", (double)stat->n_shipped_hits);
    cli_put_number(object, "added_hits", (double)stat->n_added_hits);
    cli_put_number(object, "absent", (double)stat->n_absent);
    cli_put_number(object, "other_compiler", (double)stat->n_other_compiler);
    cli_put_number(object, "other_source", (double)stat->n_other_source);
    cli_put_number(object, "damaged", (double)stat->n_damaged);
    cli_put_number(object, "evicted", (double)stat->n_evicted);
    cli_put_number(object, "waits", (double)stat->n_waits);
    cli_put_number(object, "wait_seconds", seconds(stat->wait_us));
    cli_put_number(object, "saved_seconds", seconds(stat->saved_us));
}

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
    put_counters(object, &stat);
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
    .text =
        "Counts since the store was made: hits by where the code object was, and the time that compiling\n"
        "them would have taken; misses by why; refused, rows that were damaged or did not fit and were\n"
        "dropped; compiles, those that failed, and their time; rows evicted to make room; waits for\n"
        "another process that was compiling the same.\n",
    .options = stat_options,
    .run = run_stat,
};
