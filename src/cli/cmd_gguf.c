/* qjit gguf: what is in a model file. */
#include "gguf_check.h"
#include "gguf_value.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Elements of an array that are shown unless all are asked for, and characters of a value in a table. */
#define FEW_ELEMENTS 8
#define VALUE_CHARS  72

struct gguf_args {
    int arrays, check, part, metadata, tensors;
};

static const struct cli_option gguf_options[] = {
    {'m', CLI_FLAG, "metadata", NULL, offsetof(struct gguf_args, metadata), "only the metadata"},
    {'t', CLI_FLAG, "tensors", NULL, offsetof(struct gguf_args, tensors), "only the tensors"},
    {'a', CLI_FLAG, "arrays", NULL, offsetof(struct gguf_args, arrays),
     "arrays and texts whole, not just how they begin"},
    {'c', CLI_FLAG, "check", NULL, offsetof(struct gguf_args, check),
     "instead of listing: dequantise every tensor on the device and on the host, and compare"},
    {'p', CLI_FLAG, "part", NULL, offsetof(struct gguf_args, part),
     "of a model in several files: just this file, whichever it is"},
    {0, CLI_FLAG, NULL, NULL, 0, NULL},
};

static const struct cli_column fact_columns[] = {
    {"file", "file", CLI_AS_TEXT},
    {"version", "version", CLI_AS_COUNT},
    {"n_parts", "files", CLI_AS_COUNT},
    {"alignment", "alignment", CLI_AS_COUNT},
    {"n_metadata", "metadata", CLI_AS_COUNT},
    {"n_tensors", "tensors", CLI_AS_COUNT},
    {"elements", "elements", CLI_AS_COUNT},
    {"tensor_bytes", "size", CLI_AS_BYTES},
    {NULL, NULL, CLI_AS_TEXT},
};

static const struct cli_column entry_columns[] = {
    {"key", "KEY", CLI_AS_TEXT},
    {"kind", "KIND", CLI_AS_TEXT},
    {"value", "VALUE", CLI_AS_TEXT},
    {NULL, NULL, CLI_AS_TEXT},
};

static const struct cli_column tensor_columns[] = {
    {"name", "TENSOR", CLI_AS_TEXT},  {"type", "TYPE", CLI_AS_TEXT},      {"shape", "SHAPE", CLI_AS_TEXT},
    {"bytes", "BYTES", CLI_AS_BYTES}, {"offset", "OFFSET", CLI_AS_COUNT}, {"part", "PART", CLI_AS_COUNT},
    {NULL, NULL, CLI_AS_TEXT},
};

static cJSON *entry_json(const struct cli *cli, const struct gguf_args *args, const qjit_gguf_entry *entry)
{
    const qjit_gguf_value *value = &entry->value;
    uint64_t max = args->arrays ? UINT64_MAX : FEW_ELEMENTS;
    cJSON *object = cli_object();
    cli_put_text(object, "key", entry->key);
    cli_gguf_put_kind(cli, object, value);
    cli_put_item(object, "value", cli_gguf_json(value, max));
    if (!cli->json) {
        cli_gguf_cut(object, "key", 0, SIZE_MAX);
        cli_gguf_cut(object, "value", value->kind == QJIT_GGUF_ARRAY && value->n > max,
                     args->arrays ? SIZE_MAX : VALUE_CHARS);
    }
    return object;
}

static cJSON *entries_json(const struct cli *cli, const struct gguf_args *args, const qjit_gguf *gguf)
{
    cJSON *rows = cli_array();
    const qjit_gguf_entry *entry;
    for (uint64_t i = 0; qjit_gguf_get_entry(gguf, &entry, i) == QJIT_OK; i++)
        cli_add(rows, entry_json(cli, args, entry));
    return rows;
}

static void put_shape(const struct cli *cli, cJSON *object, const qjit_gguf_tensor *tensor)
{
    char text[128] = "scalar";
    cJSON *shape = cli_array();
    for (size_t i = 0, at = 0; i < tensor->n_dims; i++) {
        char number[32];
        snprintf(number, sizeof number, "%llu", (unsigned long long)tensor->dims[i]);
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i ? " x " : "", number);
        cli_add(shape, cJSON_CreateRaw(number));
    }
    if (cli->json) {
        cli_put_item(object, "shape", shape);
        return;
    }
    cJSON_Delete(shape);
    cli_put_text(object, "shape", text);
}

static cJSON *tensors_json(const struct cli *cli, const qjit_gguf *gguf)
{
    cJSON *rows = cli_array();
    const qjit_gguf_tensor *tensor;
    for (uint64_t i = 0; qjit_gguf_get_tensor(gguf, &tensor, i) == QJIT_OK; i++) {
        cJSON *object = cli_object();
        cli_put_text(object, "name", tensor->name);
        cli_put_text(object, "type", tensor->type->name);
        put_shape(cli, object, tensor);
        cli_put_number(object, "bytes", (double)tensor->n_bytes);
        cli_put_number(object, "offset", (double)tensor->offset);
        cli_put_number(object, "part", tensor->part + 1);
        if (!cli->json)
            cli_gguf_cut(object, "name", 0, SIZE_MAX);
        cli_add(rows, object);
    }
    return rows;
}

static cJSON *parts_json(const qjit_gguf *gguf)
{
    cJSON *rows = cli_array();
    const qjit_gguf_part *part;
    for (uint32_t i = 0; qjit_gguf_get_part(gguf, &part, i) == QJIT_OK; i++) {
        cJSON *object = cli_object();
        cli_put_text(object, "file", part->path);
        cli_put_number(object, "version", part->version);
        cli_put_number(object, "alignment", part->alignment);
        cli_put_number(object, "file_bytes", (double)part->n_bytes);
        cli_put_number(object, "data_offset", (double)part->data_offset);
        cli_put_number(object, "n_tensors", (double)part->n_tensors);
        cli_add(rows, object);
    }
    return rows;
}

/* The model as one object, without its metadata and tensors. */
static cJSON *facts_json(const qjit_gguf *gguf)
{
    const qjit_gguf_part *first;
    const qjit_gguf_tensor *tensor;
    double elements = 0, bytes = 0;
    cJSON *object = cli_object();
    if (qjit_gguf_get_part(gguf, &first, 0) == QJIT_OK) {
        cli_put_text(object, "file", first->path);
        cli_put_number(object, "version", first->version);
        cli_put_number(object, "alignment", first->alignment);
    }
    for (uint64_t i = 0; qjit_gguf_get_tensor(gguf, &tensor, i) == QJIT_OK; i++) {
        elements += (double)tensor->n_elements;
        bytes += (double)tensor->n_bytes;
    }
    cli_put_number(object, "n_parts", qjit_gguf_part_count(gguf));
    cli_put_number(object, "n_metadata", (double)qjit_gguf_entry_count(gguf));
    cli_put_number(object, "n_tensors", (double)qjit_gguf_tensor_count(gguf));
    cli_put_number(object, "elements", elements);
    cli_put_number(object, "tensor_bytes", bytes);
    return object;
}

static void print_rows(cJSON *rows, const struct cli_column *columns, int after_blank)
{
    if (after_blank && rows->child)
        putchar('\n');
    if (rows->child)
        cli_print_table(rows, columns);
    cJSON_Delete(rows);
}

static void show(const struct cli *cli, const struct gguf_args *args, const qjit_gguf *gguf)
{
    int all = args->metadata == args->tensors;
    if (cli->json) {
        cJSON *object = facts_json(gguf);
        cli_put_item(object, "parts", parts_json(gguf));
        if (all || args->metadata)
            cli_put_item(object, "metadata", entries_json(cli, args, gguf));
        if (all || args->tensors)
            cli_put_item(object, "tensors", tensors_json(cli, gguf));
        cli_print_json(object);
        cJSON_Delete(object);
        return;
    }
    if (all) {
        cJSON *object = facts_json(gguf);
        cli_print_facts(object, fact_columns);
        cJSON_Delete(object);
    }
    if (all || args->metadata)
        print_rows(entries_json(cli, args, gguf), entry_columns, all);
    if (all || args->tensors)
        print_rows(tensors_json(cli, gguf), tensor_columns, all);
}

static int run_gguf(struct cli *cli, const void *args)
{
    const struct gguf_args *given = args;
    if (given->check && (given->metadata || given->tensors || given->arrays))
        return cli_usage(cli, "--check lists nothing: leave out --metadata, --tensors and --arrays");
    qjit_gguf *gguf;
    qjit_status status = qjit_gguf_open(&gguf, cli->operands[0], given->part ? QJIT_GGUF_ONE_PART : 0);
    if (status != QJIT_OK)
        return cli_fail(cli, status, 0);
    int result = CLI_OK;
    if (given->check)
        result = cli_gguf_check(cli, gguf);
    else
        show(cli, given, gguf);
    qjit_gguf_close(gguf);
    return result;
}

const struct cli_command cmd_gguf = {
    .name = "gguf",
    .summary = "list the metadata and tensors of a model file",
    .operands = "FILE",
    .text = "Reads a GGUF file, and checks all that it says about itself: a file that is listed is whole.\n"
            "Needs no GPU and no HIP library, but for --check. Of a model in several files name the first,\n"
            "MODEL-00001-of-00003.gguf; the others are found beside it. The first number of a shape is the\n"
            "width of a row.\n"
            "\n"
            "--check also looks at the data: the first device and the host dequantise every tensor, and must "
            "agree\n"
            "on every element. Each tensor that differs has one line, and so has one with elements that are\n"
            "infinite or no numbers, which is no failure. Types without kernels are not checked.\n"
            "\n"
            "Examples:\n"
            "  qjit gguf model.gguf\n"
            "  qjit gguf model.gguf --check\n"
            "  qjit gguf model.gguf --json --tensors | jq -r '.tensors[] | [.name, .type] | @tsv'\n",
    .options = gguf_options,
    .args_size = sizeof(struct gguf_args),
    .min_operands = 1,
    .max_operands = 1,
    .run = run_gguf,
};
