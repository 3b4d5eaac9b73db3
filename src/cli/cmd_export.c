/* qjit export: code objects out of the store, as a bundle or for programs that carry them along. */
#include "bundle.h"
#include "cli.h"
#include "export.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct export_args {
    struct export_choice choice;
    const char *hsaco, *c_array, *rust_bytes, *sign;
};

static const struct cli_option export_options[] = {
    {0, CLI_TEXT, "hsaco", "DIR", offsetof(struct export_args, hsaco),
     "one file for each code object, UNIT.ARCH.hsaco, and manifest.json beside them"},
    {0, CLI_TEXT, "c-array", "FILE", offsetof(struct export_args, c_array),
     "one C file with all bytes and a table of kernels and archs; - is standard output"},
    {0, CLI_TEXT, "rust-bytes", "FILE", offsetof(struct export_args, rust_bytes),
     "the same for Rust; - is standard output"},
    {'a', CLI_WORDS, "arch", "ARCH", offsetof(struct export_args, choice.archs),
     "for this arch; repeatable, or with commas; \"all\": every arch that the compiler knows; \"native\" "
     "(the "
     "default): those of the GPUs here"},
    {'m', CLI_WORDS, "module", "MODULE", offsetof(struct export_args, choice.modules),
     "only this module; repeatable, or with commas"},
    {'u', CLI_WORDS, "unit", "UNIT", offsetof(struct export_args, choice.units),
     "only this unit; repeatable, or with commas"},
    {'k', CLI_WORDS, "kernel", "KERNEL", offsetof(struct export_args, choice.kernels),
     "only the units of this kernel; repeatable, or with commas"},
    {0, CLI_FLAG, "cached-only", NULL, offsetof(struct export_args, choice.cached_only),
     "compile nothing: leave out what the store does not have (without --arch: every arch it has)"},
    {0, CLI_TEXT, "sign", "KEYFILE", offsetof(struct export_args, sign),
     "sign every code object of the bundle with this secret key (qjit keygen makes one)"},
    {0, CLI_FLAG, NULL, NULL, 0, NULL},
};

static cJSON *make_manifest(const struct export_set *set, int with_files)
{
    cJSON *rows = cli_array();
    for (size_t i = 0; i < set->n; i++) {
        const struct export_object *object = &set->objects[i];
        cJSON *row = cli_object();
        if (with_files)
            cli_put_text(row, "file", object->file);
        cli_put_text(row, "arch", object->arch);
        cli_put_text(row, "unit", object->unit);
        cli_put_text(row, "module", object->module);
        cli_put_list(row, "kernels", &object->kernels);
        cli_put_text(row, "key", object->object->key);
        cli_put_text(row, "compiler", set->compiler);
        cli_put_number(row, "object_bytes", (double)object->object->n_bytes);
        cli_add(rows, row);
    }
    return rows;
}

static int write_in(const struct cli *cli, const char *folder, const char *name, const void *bytes, size_t n)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        cli_need(NULL);
    int result = cli_write_file(cli, path, bytes, n);
    free(path);
    return result;
}

static int write_manifest(const struct cli *cli, const char *folder, const cJSON *rows)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = cli_need(open_memstream(&text, &n));
    cli_write_json_rows(out, rows);
    if (fclose(out) != 0)
        cli_need(NULL);
    int result = write_in(cli, folder, "manifest.json", text, n);
    free(text);
    return result;
}

/* The manifest last: what it names is there. */
static int write_objects(const struct cli *cli, const struct export_set *set, const char *folder)
{
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return cli_fail_text(cli, QJIT_IO, "cannot make the folder '%s': %s", folder, strerror(errno));
    int result = CLI_OK;
    for (size_t i = 0; i < set->n && result == CLI_OK; i++)
        result = write_in(cli, folder, set->objects[i].file, set->objects[i].object->bytes,
                          set->objects[i].object->n_bytes);
    if (result == CLI_OK) {
        cJSON *rows = make_manifest(set, 1);
        result = write_manifest(cli, folder, rows);
        cJSON_Delete(rows);
    }
    return result;
}

static int write_source(const struct cli *cli, const struct export_set *set, const char *path,
                        char *(*source)(const struct export_set *set, size_t *out_bytes))
{
    size_t n = 0;
    char *text = source(set, &n);
    int result = cli_write_file(cli, path, text, n);
    free(text);
    return result;
}

static int is_stdout(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

static void print_summary(const struct cli *cli, const struct export_set *set, const struct export_args *args)
{
    const char *const written[] = {args->hsaco, args->c_array, args->rust_bytes};
    size_t n_bytes = 0;
    for (size_t i = 0; i < set->n; i++)
        n_bytes += set->objects[i].object->n_bytes;
    if (cli->json) {
        cJSON *rows = make_manifest(set, args->hsaco != NULL);
        cli_print_json_rows(rows);
        cJSON_Delete(rows);
        return;
    }
    for (size_t i = 0; i < sizeof(written) / sizeof(*written); i++)
        if (written[i])
            printf("%s: %zu code object%s of %zu bytes\n", written[i], set->n, set->n == 1 ? "" : "s",
                   n_bytes);
}

static int deliver(const struct cli *cli, const struct export_set *set, const struct export_args *args)
{
    int result = CLI_OK;
    if (args->hsaco)
        result = write_objects(cli, set, args->hsaco);
    if (result == CLI_OK && args->c_array)
        result = write_source(cli, set, args->c_array, export_c_source);
    if (result == CLI_OK && args->rust_bytes)
        result = write_source(cli, set, args->rust_bytes, export_rust_source);
    if (result == CLI_OK && !is_stdout(args->c_array) && !is_stdout(args->rust_bytes))
        print_summary(cli, set, args);
    return result;
}

static int check_args(const struct cli *cli, const struct export_args *args)
{
    int to_stdout = is_stdout(args->c_array) + is_stdout(args->rust_bytes);
    int embeds = args->hsaco || args->c_array || args->rust_bytes;
    if (cli->n_operands && (embeds || args->choice.kernels.n))
        return cli_usage(cli,
                         "a bundle is written by itself, and takes no --kernel: --arch, --module and --unit");
    if (cli->n_operands)
        return CLI_OK;
    if (!embeds)
        return cli_usage(cli, "say what to write: FILE, --hsaco DIR, --c-array FILE or --rust-bytes FILE");
    if (args->sign)
        return cli_usage(cli, "--sign goes with a bundle");
    if (to_stdout + (to_stdout && cli->json) > 1)
        return cli_usage(cli, "only one thing can go to standard output");
    return CLI_OK;
}

static int run_export(struct cli *cli, const void *args)
{
    const struct export_args *export_args = args;
    struct export_set set = {0};
    int result = check_args(cli, export_args);
    cli->flags = export_args->choice.cached_only ? QJIT_FORBID_COMPILE : 0;
    if (result == CLI_OK)
        result = cli_open(cli);
    if (result == CLI_OK && cli->n_operands) {
        const struct export_choice *choice = &export_args->choice;
        struct bundle_choice bundle = {choice->archs, choice->modules, choice->units, export_args->sign};
        return bundle_write(cli, cli->operands[0], &bundle);
    }
    if (result == CLI_OK)
        result = export_gather(cli, &set, &export_args->choice);
    if (result == CLI_OK)
        result = deliver(cli, &set, export_args);
    export_finish(&set);
    return result;
}

const struct cli_command cmd_export = {
    .name = "export",
    .summary = "write code objects to a bundle, or to files for programs that embed them",
    .operands = "[FILE]",
    .text =
        "With FILE: writes a bundle of what the store has for --arch, --module and --unit (without them: "
        "all),\n"
        "compiling nothing. A bundle goes into other stores by qjit import, and serves as it is as a "
        "shipped\n"
        "store: QJIT_SHIPPED=FILE. The same code objects give the same bytes, on every machine. Exit status\n"
        "1 if something was not sound and is left out.\n"
        "\n"
        "Without: writes the code objects of the chosen kernels for the chosen archs: as files, as C or as\n"
        "Rust source, or several of these. What is not in the store is compiled first; a unit that does not\n"
        "compile ends it, and nothing is written. Needs no GPU when --arch is given. The same bytes every\n"
        "time. A program loads them by itself with hipModuleLoadData, or gives them to qjit_add_object and\n"
        "has what is missing compiled.\n"
        "\n"
        "Examples:\n"
        "  qjit export kernels.qjit --arch gfx1030,gfx90a --sign release.key\n"
        "  qjit export --hsaco objects --arch gfx1030,gfx90a --module quantized\n"
        "  qjit export --c-array kernels.c --arch gfx1030 --kernel dequantize_block_q4_0_f32\n"
        "  qjit export --rust-bytes src/kernels.rs --arch all --unit dequantize_q4_0\n",
    .options = export_options,
    .args_size = sizeof(struct export_args),
    .max_operands = 1,
    .run = run_export,
};
