/* Results: gathered as JSON, printed as JSON, as a table or as a list of facts. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_COLUMNS 16
#define SHORT_CHARS 12
#define CELL_CHARS  512

cJSON *cli_object(void)
{
    return cli_need(cJSON_CreateObject());
}

cJSON *cli_array(void)
{
    return cli_need(cJSON_CreateArray());
}

void cli_put_item(cJSON *object, const char *name, cJSON *item)
{
    if (!cJSON_AddItemToObject(object, name, cli_need(item)))
        cli_need(NULL);
}

void cli_add(cJSON *array, cJSON *item)
{
    if (!cJSON_AddItemToArray(array, cli_need(item)))
        cli_need(NULL);
}

void cli_add_fault(void *array, const qjit_cache_fault *fault)
{
    cJSON *object = cli_object();
    cli_put_text(object, "unit", fault->unit);
    cli_put_text(object, "arch", fault->arch);
    cli_put_words(object, "kernels", fault->kernels);
    cli_put_text(object, "reason", fault->reason);
    cli_add(array, object);
}

/* Bytes of the UTF-8 character at text; 0 if there is none. */
static size_t utf8_length(const unsigned char *text)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = text[0] < 0x80       ? 1
               : text[0] >> 5 == 6  ? 2
               : text[0] >> 4 == 14 ? 3
               : text[0] >> 3 == 30 ? 4
                                    : 0;
    if (n < 2)
        return n;
    unsigned code = text[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3fu);
    }
    return code >= least[n] && code <= 0x10ffff && (code & ~0x7ffu) != 0xd800 ? n : 0;
}

/* Paths and compile logs may hold any bytes, JSON may not. */
static cJSON *clean_text(const char *text)
{
    char *clean = cli_need(malloc(3 * strlen(text) + 1));
    char *end = clean;
    while (*text) {
        size_t n = utf8_length((const unsigned char *)text);
        memcpy(end, n ? text : "\xef\xbf\xbd", n ? n : 3);
        end += n ? n : 3;
        text += n ? n : 1;
    }
    *end = 0;
    cJSON *json = cli_need(cJSON_CreateString(clean));
    free(clean);
    return json;
}

void cli_put_text(cJSON *object, const char *name, const char *text)
{
    cli_put_item(object, name, text ? clean_text(text) : cJSON_CreateNull());
}

void cli_put_number(cJSON *object, const char *name, double value)
{
    cli_put_item(object, name, cJSON_CreateNumber(value));
}

void cli_put_bool(cJSON *object, const char *name, int value)
{
    cli_put_item(object, name, cJSON_CreateBool(value != 0));
}

void cli_put_list(cJSON *object, const char *name, const struct cli_list *list)
{
    cJSON *array = cli_array();
    for (size_t i = 0; i < list->n; i++)
        cli_add(array, clean_text(list->items[i]));
    cli_put_item(object, name, array);
}

void cli_put_words(cJSON *object, const char *name, const char *text)
{
    struct cli_list list = {0};
    for (const char *word = text; *word;) {
        size_t n = strcspn(word, " ");
        if (n)
            cli_list_add(&list, word, n);
        word += n + (word[n] == ' ');
    }
    cli_put_list(object, name, &list);
    cli_list_free(&list);
}

void cli_print_json(const cJSON *json)
{
    char *text = cli_need(cJSON_PrintUnformatted(json));
    puts(text);
    free(text);
}

void cli_write_json_rows(FILE *out, const cJSON *rows)
{
    const char *before = "[";
    for (const cJSON *row = rows->child; row; row = row->next, before = ",\n ") {
        char *text = cli_need(cJSON_PrintUnformatted(row));
        fprintf(out, "%s%s", before, text);
        free(text);
    }
    fputs(rows->child ? "]\n" : "[]\n", out);
}

void cli_print_json_rows(const cJSON *rows)
{
    cli_write_json_rows(stdout, rows);
}

static void format_bytes(char *out, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    for (; bytes >= 1024 && unit < 4; unit++)
        bytes /= 1024;
    snprintf(out, CELL_CHARS, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static void format_date(char *out, double seconds)
{
    time_t when = (time_t)seconds;
    struct tm parts;
    if (seconds <= 0 || !localtime_r(&when, &parts))
        snprintf(out, CELL_CHARS, "never");
    else
        strftime(out, CELL_CHARS, "%Y-%m-%d %H:%M", &parts);
}

static void format_words(char *out, const cJSON *words)
{
    size_t at = 0;
    for (const cJSON *word = words->child; word && at < CELL_CHARS; word = word->next)
        at += (size_t)snprintf(out + at, CELL_CHARS - at, "%s%s", at ? " " : "", word->valuestring);
}

/* The cell's text: the value's own where it is a text shown whole, else written to the buffer. */
static const char *format_cell(char out[CELL_CHARS], const cJSON *value, enum cli_format format)
{
    double number = cJSON_IsNumber(value) ? value->valuedouble : 0;
    *out = 0;
    switch (format) {
    case CLI_AS_TEXT:
        return cJSON_IsString(value) ? value->valuestring : "";
    case CLI_AS_SHORT:
        snprintf(out, CELL_CHARS, "%.*s", SHORT_CHARS, cJSON_IsString(value) ? value->valuestring : "");
        break;
    case CLI_AS_COUNT:
        snprintf(out, CELL_CHARS, "%.0f", number);
        break;
    case CLI_AS_BYTES:
        format_bytes(out, number);
        break;
    case CLI_AS_MICROSECONDS:
        snprintf(out, CELL_CHARS, "%.0f ms", number / 1e3);
        break;
    case CLI_AS_SECONDS:
        snprintf(out, CELL_CHARS, "%.1f s", number);
        break;
    case CLI_AS_DATE:
        format_date(out, number);
        break;
    case CLI_AS_YES:
        return cJSON_IsTrue(value) ? "yes" : "";
    case CLI_AS_FEW:
        if (cJSON_GetArraySize(value) > 1) {
            snprintf(out, CELL_CHARS, "%d", cJSON_GetArraySize(value));
            break;
        }
        /* fall through */
    case CLI_AS_WORDS:
        if (value)
            format_words(out, value);
        break;
    }
    return out;
}

static int aligns_right(enum cli_format format)
{
    return format == CLI_AS_COUNT || format == CLI_AS_BYTES || format == CLI_AS_MICROSECONDS ||
           format == CLI_AS_SECONDS;
}

static const char *cell_of(char out[CELL_CHARS], const cJSON *row, const struct cli_column *column)
{
    return format_cell(out, cJSON_GetObjectItemCaseSensitive(row, column->field), column->format);
}

/* `row` NULL: the titles. Nothing trails the last cell. */
static void print_row(const cJSON *row, const struct cli_column *columns, const int *widths)
{
    char cell[CELL_CHARS];
    int gap = 0;
    for (size_t i = 0; columns[i].field; i++) {
        const char *text = row ? cell_of(cell, row, &columns[i]) : columns[i].title;
        int pad = widths[i] - (int)strlen(text);
        int right = aligns_right(columns[i].format);
        if (*text)
            printf("%*s%s", gap + (right ? pad : 0), "", text);
        gap = *text ? 2 + (right ? 0 : pad) : gap + widths[i] + 2;
    }
    putchar('\n');
}

void cli_print_table(const cJSON *rows, const struct cli_column *columns)
{
    char cell[CELL_CHARS];
    int widths[MAX_COLUMNS] = {0};
    for (size_t i = 0; columns[i].field; i++) {
        widths[i] = (int)strlen(columns[i].title);
        for (const cJSON *row = rows->child; row; row = row->next) {
            int width = (int)strlen(cell_of(cell, row, &columns[i]));
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    print_row(NULL, columns, widths);
    for (const cJSON *row = rows->child; row; row = row->next)
        print_row(row, columns, widths);
}

void cli_print_facts(const cJSON *object, const struct cli_column *columns)
{
    char cell[CELL_CHARS];
    int width = 0;
    for (size_t i = 0; columns[i].field; i++)
        width = (int)strlen(columns[i].title) > width ? (int)strlen(columns[i].title) : width;
    for (size_t i = 0; columns[i].field; i++) {
        const char *text = cell_of(cell, object, &columns[i]);
        if (*text)
            printf("%-*s  %s\n", width, columns[i].title, text);
    }
}
