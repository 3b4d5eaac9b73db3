/* qjit info: what one kernel needs on one arch. */
#include "cli.h"
#include "usage.h"

#include <stddef.h>
#include <string.h>

struct info_args {
    const char *arch;
};

static const struct cli_option info_options[] = {
    {'a', CLI_TEXT, "arch", "ARCH", offsetof(struct info_args, arch),
     "for this arch (else that of the first GPU here)"},
    {0, CLI_FLAG, NULL, NULL, 0, NULL},
};

static const struct cli_column info_columns[] = {
    {"name", "kernel", CLI_AS_TEXT},
    {"module", "module", CLI_AS_TEXT},
    {"unit", "unit", CLI_AS_TEXT},
    {"aliases", "aliases", CLI_AS_WORDS},
    {"arch", "arch", CLI_AS_TEXT},
    {"vgprs", "vgprs", CLI_AS_COUNT},
    {"sgprs", "sgprs", CLI_AS_COUNT},
    {"agprs", "agprs", CLI_AS_COUNT},
    {"lds_bytes", "lds", CLI_AS_BYTES},
    {"scratch_bytes", "scratch", CLI_AS_BYTES},
    {"wavefront_size", "wavefront size", CLI_AS_COUNT},
    {"max_workgroup", "max workgroup", CLI_AS_COUNT},
    {"kernarg_bytes", "kernel arguments", CLI_AS_BYTES},
    {"n_args", "arguments", CLI_AS_COUNT},
    {"object_bytes", "code object", CLI_AS_BYTES},
    {"key", "key", CLI_AS_TEXT},
    {"from_store", "from the store", CLI_AS_YES},
    {NULL, NULL, CLI_AS_TEXT},
};

static const qjit_kernel_usage *find_usage(const qjit_object *object, const char *name)
{
    for (size_t i = 0; i < object->n_kernels; i++)
        if (strcmp(object->kernels[i].name, name) == 0)
            return &object->kernels[i];
    return NULL;
}

static void print_info(const struct cli *cli, const qjit_kernel_info *info, const qjit_object *object,
                       const qjit_kernel_usage *usage, const char *arch)
{
    cJSON *json = cli_object();
    cli_put_text(json, "name", info->name);
    cli_put_text(json, "module", info->module);
    cli_put_text(json, "unit", info->unit);
    cli_put_words(json, "aliases", info->aliases);
    cli_put_text(json, "arch", arch);
    cli_put_usage(json, usage);
    cli_put_number(json, "object_bytes", (double)object->n_bytes);
    cli_put_text(json, "key", object->key);
    cli_put_bool(json, "from_store", object->from_store != 0);
    if (cli->json)
        cli_print_json(json);
    else
        cli_print_facts(json, info_columns);
    cJSON_Delete(json);
}

static int show(struct cli *cli, qjit_kernel kernel, const qjit_kernel_info *info, const char *arch)
{
    qjit_object *object = NULL;
    int result = CLI_OK;
    qjit_status status = qjit_get_object(cli->context, &object, kernel, arch);
    if (status != QJIT_OK)
        return cli_fail(cli, status, 0);
    const qjit_kernel_usage *usage = find_usage(object, info->name);
    if (usage)
        print_info(cli, info, object, usage, arch);
    else
        result =
            cli_fail_text(cli, QJIT_OBJECT_REFUSED, "the code object of unit '%s' for %s has no kernel '%s'",
                          info->unit, arch, info->name);
    qjit_object_destroy(object);
    return result;
}

static int run_info(struct cli *cli, const void *args)
{
    struct cli_list arch = {0};
    qjit_kernel kernel = 0;
    qjit_kernel_info info = {0};
    int result = cli_open(cli);
    if (result == CLI_OK)
        result = cli_find_kernel(cli, &kernel, &info);
    if (result == CLI_OK)
        result = cli_pick_arch(cli, &arch, ((const struct info_args *)args)->arch);
    if (result == CLI_OK)
        result = show(cli, kernel, &info, arch.items[0]);
    cli_list_free(&arch);
    return result;
}

const struct cli_command cmd_info = {
    .name = "info",
    .summary = "registers, LDS and scratch of one kernel on one arch",
    .operands = "KERNEL",
    .text =
        "Reads from the code object itself what the kernel needs. A kernel that is not in the store is\n"
        "compiled first, and stored; that needs no GPU. Scratch other than 0 means that registers spill.\n"
        "\n"
        "Example:\n"
        "  qjit info quantize_q8_1 --arch gfx1030\n",
    .options = info_options,
    .args_size = sizeof(struct info_args),
    .min_operands = 1,
    .max_operands = 1,
    .run = run_info,
};
