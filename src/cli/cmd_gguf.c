/* qjit gguf: what is in a model file. */
#include "cli.h"

#include <math.h>
#include <qjit/gguf.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Elements of an array that are shown unless all are asked for, and characters of a value in a table. */
#define FEW_ELEMENTS 8
#define VALUE_CHARS  72

struct gguf_args {
    int arrays, part, metadata, tensors;
};

static const struct cli_option gguf_options[] = {
    {'m', CLI_FLAG, "metadata", NULL, offsetof(struct gguf_args, metadata), "only the metadata"},
    {'t', CLI_FLAG, "tensors", NULL, offsetof(struct gguf_args, tensors), "only the tensors"},
    {'a', CLI_FLAG, "arrays", NULL, offsetof(struct gguf_args, arrays),
     "arrays and texts whole, not just how they begin"},
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
    {"tensor_bytes", "of bytes", CLI_AS_BYTES},
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

/* A copy with a zero at its end; zeros within become U+FFFD when it is shown, as no text has them. */
static cJSON *text_json(const qjit_gguf_value *value)
{
    char *text = cli_need(malloc((size_t)value->n + 1));
    if (value->n)
        memcpy(text, value->bytes, (size_t)value->n);
    text[value->n] = 0;
    for (size_t i = 0; i < value->n; i++)
        text[i] = text[i] ? text[i] : '\xff';
    cJSON *holder = cli_object();
    cli_put_text(holder, "text", text);
    cJSON *json = cJSON_DetachItemFromObject(holder, "text");
    cJSON_Delete(holder);
    free(text);
    return json;
}

/* Numbers are written as they are: a double does not hold every 64 bit integer. JSON has no infinity and no
 * NaN: these are texts. */
static cJSON *number_json(const qjit_gguf_value *value)
{
    char text[64];
    double real = value->number.f;
    switch (value->kind) {
    case QJIT_GGUF_INT8:
    case QJIT_GGUF_INT16:
    case QJIT_GGUF_INT32:
    case QJIT_GGUF_INT64:
        snprintf(text, sizeof text, "%lld", (long long)value->number.i);
        break;
    case QJIT_GGUF_FLOAT32:
    case QJIT_GGUF_FLOAT64:
        snprintf(text, sizeof text, "%.*g", value->kind == QJIT_GGUF_FLOAT32 ? 9 : 17, real);
        if (!isfinite(real))
            return cJSON_CreateString(text);
        break;
    default:
        snprintf(text, sizeof text, "%llu", (unsigned long long)value->number.u);
    }
    return cJSON_CreateRaw(text);
}

/* `max` elements of an array at most, in each array. */
static cJSON *value_json(const qjit_gguf_value *value, uint64_t max)
{
    if (value->kind == QJIT_GGUF_STRING)
        return text_json(value);
    if (value->kind == QJIT_GGUF_BOOL)
        return cJSON_CreateBool(value->number.u != 0);
    if (value->kind != QJIT_GGUF_ARRAY)
        return number_json(value);
    cJSON *array = cli_array();
    qjit_gguf_elements elements;
    qjit_gguf_value element;
    qjit_gguf_elements_init(&elements, value);
    for (uint64_t i = 0; i < max && qjit_gguf_next_element(&elements, &element); i++)
        cli_add(array, value_json(&element, max));
    return array;
}

/* "uint32", or of an array "string[32000]", "array[3]". */
static void put_kind(cJSON *object, const qjit_gguf_value *value)
{
    char text[64];
    if (value->kind == QJIT_GGUF_ARRAY)
        snprintf(text, sizeof text, "%s[%llu]", qjit_gguf_kind_name(value->element_kind),
                 (unsigned long long)value->n);
    else
        snprintf(text, sizeof text, "%s", qjit_gguf_kind_name(value->kind));
    cli_put_text(object, "kind", text);
}

/* Replaces a member by what a table shows of it: as JSON writes it, so that no line end or control character
 * is in it, and cut between characters. A text loses its quotes. */
static void make_shown(cJSON *object, const char *name, int is_cut, size_t max_chars)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);
    char *text = cli_need(cJSON_PrintUnformatted(value));
    size_t n = strlen(text);
    char *start = text;
    if (cJSON_IsString(value)) {
        start++;
        n -= 2;
        start[n] = 0;
    } else if (is_cut) {
        text[--n] = 0; /* the bracket; "..." takes its place */
    }
    size_t kept = n;
    if (n > max_chars)
        for (kept = max_chars; kept && ((unsigned char)start[kept] & 0xc0) == 0x80;)
            kept--;
    char *shown = cli_need(malloc(kept + sizeof "..."));
    memcpy(shown, start, kept);
    memcpy(shown + kept, kept < n || is_cut ? "..." : "", kept < n || is_cut ? sizeof "..." : 1);
    cJSON *json = cli_need(cJSON_CreateString(shown));
    if (!cJSON_ReplaceItemInObjectCaseSensitive(object, name, json))
        cli_need(NULL);
    free(shown);
    free(text);
}

static cJSON *entry_json(const struct cli *cli, const struct gguf_args *args, const qjit_gguf_entry *entry)
{
    const qjit_gguf_value *value = &entry->value;
    uint64_t max = args->arrays ? UINT64_MAX : FEW_ELEMENTS;
    cJSON *object = cli_object();
    cli_put_text(object, "key", entry->key);
    put_kind(object, value);
    if (cli->json && value->kind == QJIT_GGUF_ARRAY)
        cli_put_item(object, "n", cJSON_CreateNumber((double)value->n));
    cli_put_item(object, "value", value_json(value, max));
    if (!cli->json) {
        make_shown(object, "key", 0, SIZE_MAX);
        make_shown(object, "value", value->kind == QJIT_GGUF_ARRAY && value->n > max,
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
            make_shown(object, "name", 0, SIZE_MAX);
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
    qjit_gguf *gguf;
    qjit_status status = qjit_gguf_open(&gguf, cli->operands[0], given->part ? QJIT_GGUF_ONE_PART : 0);
    if (status != QJIT_OK)
        return cli_fail(cli, status, 0);
    show(cli, given, gguf);
    qjit_gguf_close(gguf);
    return CLI_OK;
}

const struct cli_command cmd_gguf = {
    .name = "gguf",
    .summary = "list the metadata and tensors of a model file",
    .operands = "FILE",
    .text = "Reads a GGUF file, and checks all that it says about itself: a file that is listed is whole.\n"
            "Needs no GPU and no HIP library. Of a model in several files name the first,\n"
            "MODEL-00001-of-00003.gguf; the others are found beside it. The first number of a shape is the\n"
            "width of a row.\n"
            "\n"
            "Examples:\n"
            "  qjit gguf model.gguf\n"
            "  qjit gguf model.gguf --json --tensors | jq -r '.tensors[] | [.name, .type] | @tsv'\n",
    .options = gguf_options,
    .args_size = sizeof(struct gguf_args),
    .min_operands = 1,
    .max_operands = 1,
    .run = run_gguf,
};
