/* qjit verify: read and check every row of the store. */
#include "cli.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

struct verify_args {
    int rebuild;
};

static const struct cli_option verify_options[] = {
    {0, CLI_FLAG, "rebuild", NULL, offsetof(struct verify_args, rebuild),
     "compile again what was removed, where it is known what it was and qjit has its source"},
    {0, CLI_FLAG, NULL, NULL, 0, NULL},
};

/* Whether the unit of a fault could be compiled. */
static int rebuild_one(struct cli *cli, const cJSON *fault)
{
    const char *arch = cJSON_GetObjectItem(fault, "arch")->valuestring;
    const cJSON *kernel = cJSON_GetObjectItem(fault, "kernels")->child;
    qjit_kernel id;
    if (!kernel || qjit_find_kernel(cli->context, &id, kernel->valuestring) != QJIT_OK)
        return 0;
    const char *const name = kernel->valuestring;
    qjit_warm_options options = {
        .struct_size = sizeof(options), .archs = &arch, .n_archs = 1, .kernels = &name, .n_kernels = 1};
    return qjit_warm(cli->context, NULL, &options) == QJIT_OK;
}

static void print_result(const struct cli *cli, uint64_t n_rows, cJSON *faults, int n_rebuilt)
{
    int n_removed = cJSON_GetArraySize(faults);
    if (cli->json) {
        cJSON *object = cli_object();
        cli_put_number(object, "rows", (double)n_rows);
        cli_put_number(object, "removed", n_removed);
        cli_put_number(object, "rebuilt", n_rebuilt);
        cli_put_item(object, "faults", faults);
        cli_print_json(object);
        cJSON_Delete(object);
        return;
    }
    printf("%" PRIu64 " %s verified: %d removed, %d rebuilt\n", n_rows, n_rows == 1 ? "entry" : "entries",
           n_removed, n_rebuilt);
    cJSON_Delete(faults);
}

static int run_verify(struct cli *cli, const void *args)
{
    uint64_t n_rows = 0;
    int n_rebuilt = 0, result = cli_open(cli);
    if (result != CLI_OK)
        return result;
    cJSON *faults = cli_array();
    qjit_status status = qjit_verify_cache(cli->context, &n_rows, cli_add_fault, faults);
    if (status != QJIT_OK) {
        cJSON_Delete(faults);
        return cli_fail(cli, status, 0);
    }
    for (const cJSON *it = faults->child; it && ((const struct verify_args *)args)->rebuild; it = it->next)
        n_rebuilt += rebuild_one(cli, it);
    result = n_rebuilt == cJSON_GetArraySize(faults) ? CLI_OK : CLI_FAILED;
    print_result(cli, n_rows, faults, n_rebuilt);
    return result;
}

const struct cli_command cmd_verify = {
    .name = "verify",
    .summary = "read and check every code object in the store",
    .operands = "",
    .text =
        "Reads every row as loading a kernel would, checks its checksum and its code object, and removes\n"
        "what is wrong; a line on stderr says what and why. Nothing wrong is ever handed out without it:\n"
        "a damaged row is found when it is asked for, too. Exit status 1 if something was removed and\n"
        "not rebuilt.\n"
        "\n"
        "Example:\n"
        "  qjit verify --rebuild\n",
    .options = verify_options,
    .args_size = sizeof(struct verify_args),
    .run = run_verify,
};
