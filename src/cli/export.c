/* The code objects that `qjit export` is asked for: chosen, compiled, gathered. */
#include "export.h"

#include <stdlib.h>
#include <string.h>

/* The units that were chosen, each by its first kernel. */
struct units {
    struct cli_list names, modules, first_kernels;
};

static int in_list(const struct cli_list *list, const char *word)
{
    return list->n == 0 || cli_list_has(list, word);
}

static void add(struct cli_list *list, const char *text)
{
    cli_list_add(list, text, strlen(text));
}

/* The units that hold one of the kernels. */
static int find_units(const struct cli *cli, struct cli_list *out, const struct cli_list *kernels)
{
    for (size_t i = 0; i < kernels->n; i++) {
        qjit_kernel kernel;
        qjit_kernel_info info = {0};
        qjit_status status = qjit_find_kernel(cli->context, &kernel, kernels->items[i]);
        if (status == QJIT_OK)
            status = qjit_get_kernel_info(cli->context, &info, kernel);
        if (status != QJIT_OK)
            return cli_fail(cli, status, 0);
        add(out, info.unit);
    }
    return CLI_OK;
}

/* Each word must be one that some kernel has. */
static int check_words(const struct cli *cli, const struct cli_list *words, const struct cli_list *known,
                       const char *what)
{
    for (size_t i = 0; i < words->n; i++)
        if (!cli_list_has(known, words->items[i]))
            return cli_fail_text(cli, QJIT_NOT_FOUND,
                                 "there is no %s '%s': qjit list --kernels shows what there is", what,
                                 words->items[i]);
    return CLI_OK;
}

static int choose_units(const struct cli *cli, struct units *out, const struct export_choice *choice)
{
    struct cli_list of_kernels = {0}, units = {0}, modules = {0};
    int result = find_units(cli, &of_kernels, &choice->kernels);
    uint32_t n = qjit_kernel_count(cli->context);
    for (qjit_kernel kernel = 0; kernel < n && result == CLI_OK; kernel++) {
        qjit_kernel_info info;
        if (qjit_get_kernel_info(cli->context, &info, kernel) != QJIT_OK || cli_list_has(&units, info.unit))
            continue;
        add(&units, info.unit);
        add(&modules, info.module);
        if (in_list(&choice->modules, info.module) && in_list(&choice->units, info.unit) &&
            in_list(&of_kernels, info.unit)) {
            add(&out->names, info.unit);
            add(&out->modules, info.module);
            add(&out->first_kernels, info.name);
        }
    }
    if (result == CLI_OK)
        result = check_words(cli, &choice->modules, &modules, "module");
    if (result == CLI_OK)
        result = check_words(cli, &choice->units, &units, "unit");
    if (result == CLI_OK && out->names.n == 0)
        result = cli_fail_text(cli, QJIT_NOT_FOUND, "no unit is of all that was asked for");
    cli_list_free(&of_kernels);
    cli_list_free(&units);
    cli_list_free(&modules);
    return result;
}

static int add_stored_arch(void *payload, const qjit_cache_row *row)
{
    struct cli_list *archs = payload;
    if (!row->stale && !cli_list_has(archs, row->arch))
        add(archs, row->arch);
    return 0;
}

/* As for warm; where nothing is compiled, those that the store has are the natural choice. */
static int choose_archs(struct cli *cli, struct cli_list *out, const struct export_choice *choice)
{
    if (!choice->cached_only || choice->archs.n)
        return cli_expand_archs(cli, out, &choice->archs);
    qjit_status status = qjit_each_cache_row(cli->context, add_stored_arch, out);
    if (status != QJIT_OK)
        return cli_fail(cli, status, 0);
    return out->n ? CLI_OK : cli_fail_text(cli, QJIT_NOT_FOUND, "the store has nothing of this compiler's");
}

/* The first failure ends it: what is written is whole. */
static int on_event(void *payload, const qjit_warm_event *event)
{
    (void)payload;
    cli_progress_show(event);
    return event->outcome == QJIT_WARM_FAILED;
}

static int compile_missing(struct cli *cli, const struct cli_list *archs, const struct units *units)
{
    qjit_warm_options options = {
        .struct_size = sizeof(options),
        .archs = (const char *const *)archs->items,
        .n_archs = archs->n,
        .kernels = (const char *const *)units->first_kernels.items,
        .n_kernels = units->first_kernels.n,
        .progress = on_event,
    };
    cli_progress_start(cli_progress_choose(cli, 0), cli->verbose);
    qjit_status status = qjit_warm(cli->context, NULL, &options);
    cli_progress_stop();
    return status == QJIT_OK ? CLI_OK : cli_fail(cli, status, cli->verbose);
}

static int keep_compiler(void *payload, const qjit_ingredient *ingredient)
{
    char **compiler = payload;
    if (strcmp(ingredient->name, "compiler") == 0)
        *compiler = cli_need(strdup(ingredient->value));
    return 0;
}

/* UNIT.ARCH.hsaco; a colon is trouble in makefiles and in paths of other systems. */
static char *file_name(const char *unit, const char *arch)
{
    char *name = NULL;
    if (asprintf(&name, "%s.%s.hsaco", unit, arch) < 0)
        cli_need(NULL);
    for (char *colon = name; (colon = strchr(colon, ':'));)
        *colon = '_';
    return name;
}

static void add_object(const struct cli *cli, struct export_set *set, qjit_object *object,
                       const struct export_object *where)
{
    qjit_kernel_info info;
    set->objects = cli_need(realloc(set->objects, (set->n + 1) * sizeof(*set->objects)));
    struct export_object *added = &set->objects[set->n++];
    *added = *where;
    added->object = object;
    added->file = file_name(where->unit, where->arch);
    for (qjit_kernel kernel = 0; qjit_get_kernel_info(cli->context, &info, kernel) == QJIT_OK; kernel++)
        if (strcmp(info.unit, where->unit) == 0)
            add(&added->kernels, info.name);
}

/* Everything is in the store now, or was just compiled with a store that does not keep it. */
static qjit_status get_object(const struct cli *cli, struct export_set *set,
                              const struct export_object *where, const char *first_kernel)
{
    qjit_object *object;
    qjit_kernel kernel;
    qjit_status status = qjit_find_kernel(cli->context, &kernel, first_kernel);
    if (status == QJIT_OK)
        status = qjit_get_object(cli->context, &object, kernel, where->arch);
    if (status == QJIT_OK)
        add_object(cli, set, object, where);
    if (status == QJIT_OK && !set->compiler)
        status = qjit_explain(cli->context, kernel, where->arch, keep_compiler, &set->compiler);
    return status;
}

static int get_objects(const struct cli *cli, struct export_set *out, const struct units *units,
                       int cached_only)
{
    size_t n_left_out = 0;
    for (size_t i = 0; i < out->archs.n * units->names.n; i++) {
        size_t unit = i % units->names.n;
        struct export_object where = {.unit = units->names.items[unit],
                                      .module = units->modules.items[unit],
                                      .arch = out->archs.items[i / units->names.n]};
        qjit_status status = get_object(cli, out, &where, units->first_kernels.items[unit]);
        if (cached_only && status == QJIT_COMPILE_FORBIDDEN)
            n_left_out++;
        else if (status != QJIT_OK)
            return cli_fail(cli, status, 0);
    }
    if (out->n == 0)
        return cli_fail_text(cli, QJIT_NOT_FOUND, "the store has none of what was asked for");
    if (n_left_out)
        cli_note("qjit: export: %zu code object%s not in the store, left out", n_left_out,
                 n_left_out == 1 ? " is" : "s are");
    return CLI_OK;
}

int export_gather(struct cli *cli, struct export_set *out, const struct export_choice *choice)
{
    struct units units = {0};
    int result = choose_units(cli, &units, choice);
    if (result == CLI_OK)
        result = choose_archs(cli, &out->archs, choice);
    if (result == CLI_OK && !choice->cached_only)
        result = compile_missing(cli, &out->archs, &units);
    if (result == CLI_OK)
        result = get_objects(cli, out, &units, choice->cached_only);
    cli_list_free(&units.first_kernels);
    out->units = units.names;
    out->modules = units.modules;
    return result;
}

void export_finish(struct export_set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        qjit_object_destroy(set->objects[i].object);
        cli_list_free(&set->objects[i].kernels);
        free(set->objects[i].file);
    }
    free(set->objects);
    free(set->compiler);
    cli_list_free(&set->archs);
    cli_list_free(&set->units);
    cli_list_free(&set->modules);
}
