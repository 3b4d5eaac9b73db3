/* qjit explain: what a kernel's key is made of, and why the store has it or not. */
#include "cli.h"

#include <string.h>

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

static void print_json(const struct cli_subject *subject, struct explanation *explanation)
{
    cJSON *object = cli_object();
    cli_put_text(object, "name", subject->info.name);
    cli_put_text(object, "module", subject->info.module);
    cli_put_text(object, "unit", subject->info.unit);
    cli_put_text(object, "arch", subject->arch);
    cli_put_text(object, "key", explanation->key);
    cli_put_bool(object, "hit", explanation->is_hit);
    cli_put_item(object, "differing", explanation->differing);
    cli_put_item(object, "ingredients", explanation->ingredients);
    explanation->differing = explanation->ingredients = NULL;
    cli_print_json(object);
    cJSON_Delete(object);
}

static void print_verdict(const struct cli_subject *subject, const struct explanation *explanation)
{
    if (explanation->is_hit) {
        printf("in the store: nothing has to be compiled\n");
    } else if (!explanation->has_row) {
        printf("not in the store: it holds nothing of unit '%s'\n", subject->info.unit);
    } else {
        printf("not in the store for %s: the nearest row differs in", subject->arch);
        const char *before = " ";
        for (const cJSON *name = explanation->differing->child; name; name = name->next, before = ", ")
            printf("%s%s", before, name->valuestring);
        putchar('\n');
    }
}

static void print_text(const struct cli_subject *subject, const struct explanation *explanation)
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
    print_verdict(subject, explanation);
}

static int explain(struct cli *cli, const struct cli_subject *subject)
{
    struct explanation explanation = {.ingredients = cli_array(), .differing = cli_array()};
    int result = CLI_OK;
    qjit_status status =
        qjit_explain(cli->context, subject->kernel, subject->arch, add_ingredient, &explanation);
    if (status != QJIT_OK)
        result = cli_fail(cli, status, 0);
    else if (cli->json)
        print_json(subject, &explanation);
    else
        print_text(subject, &explanation);
    cJSON_Delete(explanation.ingredients);
    cJSON_Delete(explanation.differing);
    return result;
}

static int run_explain(struct cli *cli, const void *args)
{
    struct cli_subject subject = {0};
    int result = cli_open_subject(cli, &subject, args);
    if (result == CLI_OK)
        result = explain(cli, &subject);
    cli_list_free(&subject.archs);
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
    .options = cli_subject_options,
    .args_size = sizeof(struct cli_subject_args),
    .min_operands = 1,
    .max_operands = 1,
    .run = run_explain,
};
