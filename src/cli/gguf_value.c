/* Values of metadata as JSON, and cut for a table. */
#include "gguf_value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A copy with a zero at its end; zeros within become U+FFFD when it is shown, as no text has them. */
static cJSON *text_json(const qjit_gguf_value *value)
{
    char *text = cli_need(malloc((size_t)value->n + 1));
    if (value->n)
        memcpy(text, value->bytes, (size_t)value->n);
    text[value->n] = 0;
    for (char *zero = text; (zero = memchr(zero, 0, (size_t)(text + value->n - zero)));)
        memset(zero, 0xff, 1);
    cJSON *holder = cli_object();
    cli_put_text(holder, "text", text);
    cJSON *json = cJSON_DetachItemFromObject(holder, "text");
    cJSON_Delete(holder);
    free(text);
    return json;
}

/* As few digits as give the same number again. */
static void print_real(char *out, size_t n, const qjit_gguf_value *value)
{
    int is_single = value->kind == QJIT_GGUF_FLOAT32;
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(out, n, "%.*g", digits, value->number.f);
        double again = is_single ? (double)strtof(out, NULL) : strtod(out, NULL);
        if (again == value->number.f)
            return;
    }
}

/* Numbers are written as they are: a double does not hold every 64 bit integer. JSON has no infinity and no
 * NaN: these are texts. */
static cJSON *number_json(const qjit_gguf_value *value)
{
    char text[64];
    switch (value->kind) {
    case QJIT_GGUF_INT8:
    case QJIT_GGUF_INT16:
    case QJIT_GGUF_INT32:
    case QJIT_GGUF_INT64:
        snprintf(text, sizeof text, "%lld", (long long)value->number.i);
        break;
    case QJIT_GGUF_FLOAT32:
    case QJIT_GGUF_FLOAT64:
        print_real(text, sizeof text, value);
        if (!isfinite(value->number.f))
            return cJSON_CreateString(isnan(value->number.f) ? "nan" : text);
        break;
    default:
        snprintf(text, sizeof text, "%llu", (unsigned long long)value->number.u);
    }
    return cJSON_CreateRaw(text);
}

cJSON *cli_gguf_json(const qjit_gguf_value *value, uint64_t max)
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
        cli_add(array, cli_gguf_json(&element, max));
    return array;
}

void cli_gguf_put_kind(const struct cli *cli, cJSON *object, const qjit_gguf_value *value)
{
    const char *kind = qjit_gguf_kind_name(value->kind);
    char text[64];
    if (value->kind != QJIT_GGUF_ARRAY) {
        cli_put_text(object, "kind", kind);
        return;
    }
    const char *element_kind = qjit_gguf_kind_name(value->element_kind);
    snprintf(text, sizeof text, "%s[%llu]", element_kind, (unsigned long long)value->n);
    cli_put_text(object, "kind", cli->json ? kind : text);
    if (cli->json) {
        cli_put_text(object, "element_kind", element_kind);
        cli_put_number(object, "n", (double)value->n);
    }
}

void cli_gguf_cut(cJSON *object, const char *name, int is_cut, size_t max_chars)
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
