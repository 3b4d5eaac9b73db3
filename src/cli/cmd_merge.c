/* qjit merge: several bundles into one. */
#include "bundle.h"

#include <stddef.h>

struct merge_args {
    struct bundle_choice choice;
    const char *trust;
};

static const struct cli_option merge_options[] = {
    {'a', CLI_WORDS, "arch", "ARCH", offsetof(struct merge_args, choice.archs),
     "only for this arch; repeatable, or with commas"},
    {'m', CLI_WORDS, "module", "MODULE", offsetof(struct merge_args, choice.modules),
     "only this module; repeatable, or with commas"},
    {'u', CLI_WORDS, "unit", "UNIT", offsetof(struct merge_args, choice.units),
     "only this unit; repeatable, or with commas"},
    {0, CLI_TEXT, "sign", "FILE", offsetof(struct merge_args, choice.sign), "sign all with this secret key"},
    {0, CLI_TEXT, "trust", "KEYS", offsetof(struct merge_args, trust),
     "take only what one of these public keys has signed: keys, or files of them, with : between"},
    {0, CLI_FLAG, NULL, NULL, 0, NULL},
};

/* Through a store in memory, so that the user's own has no part in it. */
static int run_merge(struct cli *cli, const void *args)
{
    const struct merge_args *merge_args = args;
    cli->flags = QJIT_NO_STORE | QJIT_IGNORE_ENV;
    int result = cli_open(cli), written = CLI_OK;
    cJSON *row = NULL;
    for (size_t i = 1; i < cli->n_operands && (i == 1 ? result == CLI_OK : row != NULL); i++) {
        cJSON_Delete(row);
        int one = bundle_read(cli, &row, cli->operands[i], merge_args->trust);
        result = one == CLI_OK ? result : one;
    }
    if (row)
        written = bundle_write(cli, cli->operands[0], &merge_args->choice);
    cJSON_Delete(row);
    return result == CLI_OK ? written : result;
}

const struct cli_command cmd_merge = {
    .name = "merge",
    .summary = "make one bundle of several",
    .operands = "FILE BUNDLE...",
    .text =
        "Verifies the code objects of the bundles as qjit import does, and writes those that are chosen and\n"
        "not refused to FILE. The store has no part in it. Of two with one key the first is taken. Exit\n"
        "status 1 if something was refused.\n"
        "\n"
        "Example:\n"
        "  qjit merge all.qjit gfx1030.qjit gfx90a.qjit --sign release.key\n",
    .options = merge_options,
    .args_size = sizeof(struct merge_args),
    .min_operands = 2,
    .max_operands = 1024,
    .run = run_merge,
};
