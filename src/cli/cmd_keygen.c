/* qjit keygen: a pair of keys to sign bundles with. */
#include "cli.h"

#include <qjit/bundle.h>
#include <stdlib.h>
#include <string.h>

static const struct cli_option keygen_options[] = {{0, CLI_FLAG, NULL, NULL, 0, NULL}};

static const struct cli_column keygen_columns[] = {
    {"secret", "secret key in", CLI_AS_TEXT},
    {"public", "public key in", CLI_AS_TEXT},
    {"key", "public key", CLI_AS_TEXT},
    {NULL, NULL, CLI_AS_TEXT},
};

static int run_keygen(struct cli *cli, const void *args)
{
    (void)args;
    char *path = NULL;
    int result = CLI_OK;
    qjit_status status = qjit_create_keys(cli->operands[0]);
    if (status != QJIT_OK)
        return cli_fail(cli, status, 0);
    if (asprintf(&path, "%s.pub", cli->operands[0]) < 0)
        cli_need(NULL);
    char *key = cli_read_text(cli, path, &result);
    if (key) {
        key[strcspn(key, "\n")] = '\0';
        cJSON *object = cli_object();
        cli_put_text(object, "secret", cli->operands[0]);
        cli_put_text(object, "public", path);
        cli_put_text(object, "key", key);
        if (cli->json)
            cli_print_json(object);
        else
            cli_print_facts(object, keygen_columns);
        cJSON_Delete(object);
    }
    free(key);
    free(path);
    return result;
}

const struct cli_command cmd_keygen = {
    .name = "keygen",
    .summary = "make a pair of keys to sign bundles with",
    .operands = "FILE",
    .text =
        "Puts a secret Ed25519 key into FILE, which nobody else may read, and its public key into FILE.pub.\n"
        "Neither may be there yet. Sign with qjit export --sign FILE; whoever takes a bundle trusts "
        "FILE.pub.\n"
        "\n"
        "Example:\n"
        "  qjit keygen release.key\n",
    .options = keygen_options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run_keygen,
};
