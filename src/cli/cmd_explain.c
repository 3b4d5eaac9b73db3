/* qjit explain: what a kernel's key is made of, and why the store has it or not. */
#include "cli.h"

#include <stddef.h>
#include <string.h>

struct explain_args {
    const char *arch;
};

static const struct cli_option explain_options[] = {
    {'a', CLI_TEXT, "arch", "ARCH", offsetof(struct explain_args, arch),
     "for this arch (else that of the first GPU here)"},
    {0, CLI_FLAG, NULL, NULL, 0, NULL},
};

/* What the ingredients add up to. */
struct explanation {
    cJSON *ingredients, *differing; /* arrays */
    char key[65];
    int has_row, is_hit;
};

static int add_ingredient(void *payload, const qjit_ingredient *ingredient)
{
    struct explanation *explanation = payload;
    if (ingredient->stored)
        explanation->has_row = 1;
    if (strcmp(ingredient->name, "key") == 0) {
        snprintf(explanation->key, sizeof(explanation->key), "%s", ingredient->value);
        explanation->is_hit = ingredient->stored && strcmp(ingredient->stored, ingredient->value) == 0;
        return 0;
    }
    cJSON *object = cli_object();
    cli_put_text(object, "name", ingredient->name);
    cli_put_text(object, "value", ingredient->value);
    cli_put_text(object, "stored", ingredient->stored);
    cli_put_bool(object, "differs", ingredient->differs);
    cli_add(explanation->ingredients, object);
    if (ingredient->differs && ingredient->stored)
        cli_add(explanation->differing, cJSON_CreateString(ingredient->name));
    return 0;
}

static void print_json(const qjit_kernel_info *info, const char *arch, struct explanation *explanation)
{
    cJSON *object = cli_object();
    cli_put_text(object, "name", info->name);
    cli_put_text(object, "module", info->module);
    cli_put_text(object, "unit", info->unit);
    cli_put_text(object, "arch", arch);
    cli_put_text(object, "key", explanation->key);
    cli_put_bool(object, "hit", explanation->is_hit);
    cli_put_item(object, "differing", explanation->differing);
    cli_put_item(object, "ingredients", explanation->ingredients);
    explanation->differing = explanation->ingredients = NULL;
    cli_print_json(object);
    cJSON_Delete(object);
}

static void print_verdict(const qjit_kernel_info *info, const char *arch,
                          const struct explanation *explanation)
{
    if (explanation->is_hit) {
        printf("in the store: nothing has to be compiled\n");
    } else if (!explanation->has_row) {
        printf("not in the store: it holds nothing of unit '%s'\n", info->unit);
    } else {
        printf("not in the store for %s: the nearest row differs in", arch);
        const char *before = " ";
        for (const cJSON *name = explanation->differing->child; name; name = name->next, before = ", ")
            printf("%s%s", before, name->valuestring);
        putchar('\n');
    }
}

static void print_text(const qjit_kernel_info *info, const char *arch, const struct explanation *explanation)
{
    for (const cJSON *item = explanation->ingredients->child; item; item = item->next) {
        const cJSON *stored = cJSON_GetObjectItem(item, "stored");
        int differs = cJSON_IsString(stored) && cJSON_IsTrue(cJSON_GetObjectItem(item, "differs"));
        printf("%s %-10s%s\n", differs ? "*" : " ", cJSON_GetObjectItem(item, "name")->valuestring,
               cJSON_GetObjectItem(item, "value")->valuestring);
        if (differs)
            printf("  %-10s%s\n", "  stored", stored->valuestring);
    }
    printf("  %-10s%s\n", "key", explanation->key);
    print_verdict(info, arch, explanation);
}

static int explain(struct cli *cli, qjit_kernel kernel, const qjit_kernel_info *info, const char *arch)
{
    struct explanation explanation = {.ingredients = cli_array(), .differing = cli_array()};
    int result = CLI_OK;
    qjit_status status = qjit_explain(cli->context, kernel, arch, add_ingredient, &explanation);
    if (status != QJIT_OK)
        result = cli_fail(cli, status, 0);
    else if (cli->json)
        print_json(info, arch, &explanation);
    else
        print_text(info, arch, &explanation);
    cJSON_Delete(explanation.ingredients);
    cJSON_Delete(explanation.differing);
    return result;
}

static int run_explain(struct cli *cli, const void *args)
{
    struct cli_list arch = {0};
    qjit_kernel kernel = 0;
    qjit_kernel_info info = {0};
    int result = cli_open(cli);
    if (result == CLI_OK)
        result = cli_find_kernel(cli, &kernel, &info);
    if (result == CLI_OK)
        result = cli_pick_arch(cli, &arch, ((const struct explain_args *)args)->arch);
    if (result == CLI_OK)
        result = explain(cli, kernel, &info, arch.items[0]);
    cli_list_free(&arch);
    return result;
}

const struct cli_command cmd_explain = {
    .name = "explain",
    .summary = "why a kernel is, or is not, found in the store",
    .operands = "KERNEL",
    .text =
        "Shows what goes into the key of the kernel for an arch, one ingredient a line, and compares with\n"
        "the nearest row in the store. A line that differs is marked with '*' and followed by what is\n"
        "stored: that is why the kernel would be compiled again. Compiles nothing.\n"
        "\n"
        "Example:\n"
        "  qjit explain quantize_q8_1 --arch gfx1030\n",
    .options = explain_options,
    .args_size = sizeof(struct explain_args),
    .min_operands = 1,
    .max_operands = 1,
    .run = run_explain,
};
