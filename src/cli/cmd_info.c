/* qjit info: what one kernel needs on one arch. */
#include "cli.h"
#include "usage.h"

#include <string.h>

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

static void print_info(const struct cli *cli, const struct cli_subject *subject, const qjit_object *object,
                       const qjit_kernel_usage *usage)
{
    cJSON *json = cli_object();
    cli_put_text(json, "name", subject->info.name);
    cli_put_text(json, "module", subject->info.module);
    cli_put_text(json, "unit", subject->info.unit);
    cli_put_words(json, "aliases", subject->info.aliases);
    cli_put_text(json, "arch", subject->arch);
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

static int show(struct cli *cli, const struct cli_subject *subject)
{
    qjit_object *object = NULL;
    int result = CLI_OK;
    qjit_status status = qjit_get_object(cli->context, &object, subject->kernel, subject->arch);
    if (status != QJIT_OK)
        return cli_fail(cli, status, 0);
    const qjit_kernel_usage *usage = find_usage(object, subject->info.name);
    if (usage)
        print_info(cli, subject, object, usage);
    else
        result =
            cli_fail_text(cli, QJIT_OBJECT_REFUSED, "the code object of unit '%s' for %s has no kernel '%s'",
                          subject->info.unit, subject->arch, subject->info.name);
    qjit_object_destroy(object);
    return result;
}

static int run_info(struct cli *cli, const void *args)
{
    struct cli_subject subject = {0};
    int result = cli_open_subject(cli, &subject, args);
    if (result == CLI_OK)
        result = show(cli, &subject);
    cli_list_free(&subject.archs);
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
    .options = cli_subject_options,
    .args_size = sizeof(struct cli_subject_args),
    .min_operands = 1,
    .max_operands = 1,
    .run = run_info,
};
