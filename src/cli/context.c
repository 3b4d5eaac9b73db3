/* The context of a command, its log, and the archs and kernels that a command line means. */
#include "cli.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char *const level_names[] = {"", "error", "warning", "info", "debug"};

static void print_log(void *payload, enum qjit_log_level level, const char *line)
{
    (void)payload;
    int known = level >= QJIT_LOG_ERROR && level <= QJIT_LOG_DEBUG;
    cli_note("qjit: %s: %s", known ? level_names[level] : "log", line);
}

/* The library has no business with standard error, so this variable is the command's to read. */
static int choose_level(const struct cli *cli, enum qjit_log_level *out)
{
    const char *name = getenv("QJIT_LOG");
    *out = QJIT_LOG_WARNING;
    if (cli->verbose) {
        *out = cli->verbose > 1 ? QJIT_LOG_DEBUG : QJIT_LOG_INFO;
        return CLI_OK;
    }
    if (!name || !*name)
        return CLI_OK;
    for (int level = QJIT_LOG_ERROR; level <= QJIT_LOG_DEBUG; level++)
        if (strcmp(name, level_names[level]) == 0) {
            *out = (enum qjit_log_level)level;
            return CLI_OK;
        }
    return cli_usage(cli, "QJIT_LOG is '%s'; it can be error, warning, info or debug", name);
}

int cli_open(struct cli *cli)
{
    qjit_options options = QJIT_OPTIONS_INIT;
    options.hip = cli->hip;
    options.cache_dir = cli->cache_dir;
    options.worker = cli->worker;
    options.n_jobs = cli->n_jobs;
    options.flags = cli->flags;
    options.log = print_log;
    int result = choose_level(cli, &options.log_level);
    if (result != CLI_OK)
        return result;
    qjit_status status = qjit_create(&cli->context, &options);
    if (status == QJIT_OK)
        return CLI_OK;
    cli_fail(cli, status, 0);
    return status == QJIT_INVALID_ARGUMENT ? CLI_USAGE : CLI_FAILED;
}

static void add_once(struct cli_list *list, const char *arch)
{
    if (!cli_list_has(list, arch))
        cli_list_add(list, arch, strlen(arch));
}

static int add_known_arch(void *payload, const char *arch)
{
    add_once(payload, arch);
    return 0;
}

static int add_native(struct cli *cli, struct cli_list *out)
{
    uint32_t n = 0;
    qjit_status status = qjit_device_count(cli->context, &n);
    if (status != QJIT_OK)
        return cli_fail(cli, status, 0);
    if (n == 0)
        return cli_fail_text(cli, QJIT_NO_DEVICE,
                             "there is no GPU here to take the arch from; name it with --arch, such as "
                             "--arch gfx1030");
    for (uint32_t i = 0; i < n; i++) {
        qjit_device device = {.struct_size = sizeof(device)};
        status = qjit_device_info(cli->context, &device, i);
        if (status != QJIT_OK)
            return cli_fail(cli, status, 0);
        add_once(out, device.arch);
    }
    return CLI_OK;
}

int cli_expand_archs(struct cli *cli, struct cli_list *out, const struct cli_list *words)
{
    int result = words->n == 0 ? add_native(cli, out) : CLI_OK;
    for (size_t i = 0; i < words->n && result == CLI_OK; i++) {
        if (strcmp(words->items[i], "native") == 0) {
            result = add_native(cli, out);
        } else if (strcmp(words->items[i], "all") == 0) {
            qjit_status status = qjit_each_arch(cli->context, add_known_arch, out);
            result = status == QJIT_OK ? CLI_OK : cli_fail(cli, status, 0);
        } else {
            add_once(out, words->items[i]);
        }
    }
    return result;
}

int cli_pick_arch(struct cli *cli, struct cli_list *out, const char *given)
{
    if (!given || strcmp(given, "native") == 0)
        return add_native(cli, out);
    if (strcmp(given, "all") == 0 || strchr(given, ','))
        return cli_usage(cli, "--arch takes one arch here, not '%s'", given);
    add_once(out, given);
    return CLI_OK;
}

const struct cli_option cli_subject_options[] = {
    {'a', CLI_TEXT, "arch", "ARCH", offsetof(struct cli_subject_args, arch),
     "for this arch (else that of the first GPU here)"},
    {0, CLI_FLAG, NULL, NULL, 0, NULL},
};

static int find_kernel(struct cli *cli, struct cli_subject *out)
{
    qjit_status status = qjit_find_kernel(cli->context, &out->kernel, cli->operands[0]);
    if (status == QJIT_OK)
        status = qjit_get_kernel_info(cli->context, &out->info, out->kernel);
    return status == QJIT_OK ? CLI_OK : cli_fail(cli, status, 0);
}

int cli_open_subject(struct cli *cli, struct cli_subject *out, const struct cli_subject_args *args)
{
    int result = cli_open(cli);
    if (result == CLI_OK)
        result = find_kernel(cli, out);
    if (result == CLI_OK)
        result = cli_pick_arch(cli, &out->archs, args->arch);
    if (result == CLI_OK)
        out->arch = out->archs.items[0];
    return result;
}
