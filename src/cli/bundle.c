#include "bundle.h"

#include <inttypes.h>
#include <qjit/bundle.h>
#include <string.h>

static const char *text_of(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItem(object, name)->valuestring;
}

/* The first of a reason says how many there are of it. */
static void print_reason(const struct cli *cli, const char *path, const cJSON *first)
{
    const char *reason = text_of(first, "reason"), *unit = text_of(first, "unit");
    int n = 0;
    for (const cJSON *it = first; it; it = it->next)
        n += strcmp(text_of(it, "reason"), reason) == 0;
    cli_note("qjit: %s: '%s': %d refused%s%s%s%s%s: %s", cli->command->name, path, n,
             *unit ? n > 1 ? ", the first '" : ", '" : "", unit, *unit ? "' for '" : "",
             *unit ? text_of(first, "arch") : "", *unit ? "'" : "", reason);
}

static void print_faults(const struct cli *cli, const char *path, const cJSON *faults)
{
    for (const cJSON *it = faults->child; it; it = it->next) {
        const cJSON *same = faults->child;
        while (strcmp(text_of(same, "reason"), text_of(it, "reason")) != 0)
            same = same->next;
        if (same == it)
            print_reason(cli, path, it);
    }
}

/* Takes the faults over. */
static void print_written(const struct cli *cli, const char *path, const qjit_export_result *done,
                          cJSON *faults, int is_signed)
{
    cJSON *object = cli_object();
    cli_put_text(object, "file", path);
    cli_put_number(object, "rows", (double)done->n_rows);
    cli_put_number(object, "refused", (double)done->n_refused);
    cli_put_number(object, "file_bytes", (double)done->file_bytes);
    cli_put_bool(object, "signed", is_signed);
    cli_put_item(object, "faults", faults);
    if (cli->json)
        cli_print_json(object);
    else
        printf("%s: %" PRIu64 " code object%s in %" PRIu64 " bytes%s\n", path, done->n_rows,
               done->n_rows == 1 ? "" : "s", done->file_bytes, is_signed ? ", signed" : "");
    cJSON_Delete(object);
}

int bundle_write(struct cli *cli, const char *path, const struct bundle_choice *choice)
{
    struct cli_list archs = {0};
    int result = choice->archs.n ? cli_expand_archs(cli, &archs, &choice->archs) : CLI_OK;
    if (result != CLI_OK) {
        cli_list_free(&archs);
        return result;
    }
    cJSON *faults = cli_array();
    qjit_export_result done = {.struct_size = sizeof(done)};
    qjit_export_options options = {.struct_size = sizeof(options),
                                   .archs = (const char *const *)archs.items,
                                   .n_archs = archs.n,
                                   .modules = (const char *const *)choice->modules.items,
                                   .n_modules = choice->modules.n,
                                   .units = (const char *const *)choice->units.items,
                                   .n_units = choice->units.n,
                                   .sign = choice->sign,
                                   .refused = cli_add_fault,
                                   .payload = faults};
    qjit_status status = qjit_export_cache(cli->context, &done, path, &options);
    cli_list_free(&archs);
    print_faults(cli, path, faults);
    if (status != QJIT_OK) {
        cJSON_Delete(faults);
        return cli_fail(cli, status, 0);
    }
    print_written(cli, path, &done, faults, choice->sign != NULL);
    return done.n_refused ? CLI_FAILED : CLI_OK;
}

int bundle_read(struct cli *cli, cJSON **out, const char *path, const char *trust)
{
    cJSON *faults = cli_array();
    qjit_import_result done = {.struct_size = sizeof(done)};
    qjit_import_options options = {
        .struct_size = sizeof(options), .trust = trust, .refused = cli_add_fault, .payload = faults};
    qjit_status status = qjit_import_cache(cli->context, &done, path, &options);
    *out = NULL;
    if (status != QJIT_OK) {
        cJSON_Delete(faults);
        return cli_fail(cli, status, 0);
    }
    print_faults(cli, path, faults);
    *out = cli_object();
    cli_put_text(*out, "file", path);
    cli_put_number(*out, "rows", (double)done.n_rows);
    cli_put_number(*out, "added", (double)done.n_added);
    cli_put_number(*out, "present", (double)done.n_present);
    cli_put_number(*out, "refused", (double)done.n_refused);
    cli_put_item(*out, "faults", faults);
    return done.n_refused ? CLI_FAILED : CLI_OK;
}
