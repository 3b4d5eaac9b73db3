/* qjit warm: compile ahead into the store. */
#include "model.h"

#include <math.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

struct warm_args {
    struct cli_list archs, modules, kernels, batches;
    const char *model;
    int quiet;
};

static const struct cli_option warm_options[] = {
    {'a', CLI_WORDS, "arch", "ARCH", offsetof(struct warm_args, archs),
     "compile for this arch; repeatable, or with commas; \"all\": every arch that the compiler knows; "
     "\"native\" (the default): those of the GPUs here"},
    {'m', CLI_WORDS, "module", "MODULE", offsetof(struct warm_args, modules),
     "only this module; repeatable, or with commas"},
    {'k', CLI_WORDS, "kernel", "KERNEL", offsetof(struct warm_args, kernels),
     "only the units of this kernel; repeatable, or with commas"},
    {'M', CLI_TEXT, "model", "FILE", offsetof(struct warm_args, model),
     "only the units that the tensors of this GGUF file need"},
    {'b', CLI_WORDS, "batch", "N", offsetof(struct warm_args, batches),
     "with --model: for so many columns at a time; repeatable, or with commas (else 1,8,512)"},
    {'q', CLI_FLAG, "quiet", NULL, offsetof(struct warm_args, quiet), "no progress; errors only"},
    {0, CLI_FLAG, NULL, NULL, 0, NULL},
};

/* What the events of one run add up to. */
struct warm_run {
    const struct cli *cli;
    cJSON *failures;
    cJSON *without_kernels;        /* NULL: no model was named */
    struct cli_list unknown_archs; /* already said, once each */
    uint64_t said;                 /* bit n: a failure with status -n has been said */
    uint32_t n_done;
};

static volatile sig_atomic_t interrupted; /* by this signal */

static void on_interrupt(int number)
{
    interrupted = number;
}

/* The first signal lets the units under way end, the second one kills. One that is ignored stays so. */
static void catch_interrupts(void)
{
    static const int signals[] = {SIGINT, SIGTERM};
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)(SA_RESTART | SA_RESETHAND)};
    struct sigaction old;
    for (size_t i = 0; i < 2; i++)
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
}

static void say_failure(struct warm_run *run, const qjit_warm_event *event)
{
    if (event->status == QJIT_ARCH_UNKNOWN) {
        if (cli_list_has(&run->unknown_archs, event->arch))
            return;
        cli_list_add(&run->unknown_archs, event->arch, strlen(event->arch));
    }
    run->said |= 1ull << -(int)event->status;
    if (run->cli->json)
        return;
    /* Not every detail is about the unit: a worker that cannot be started knows of none. */
    if (event->status == QJIT_ARCH_UNKNOWN || strstr(event->detail, event->unit))
        cli_note("qjit: warm: %s", event->detail);
    else
        cli_note("qjit: warm: unit '%s' for '%s': %s", event->unit, event->arch, event->detail);
    if (run->cli->verbose)
        cli_note_log(event->log);
}

static void put_failure(struct warm_run *run, const qjit_warm_event *event)
{
    cJSON *failure = cli_object();
    cli_put_text(failure, "unit", event->unit);
    cli_put_text(failure, "arch", event->arch);
    cli_put_text(failure, "status", qjit_status_name(event->status));
    cli_put_text(failure, "detail", event->detail);
    if (run->cli->verbose)
        cli_put_text(failure, "log", event->log);
    cli_add(run->failures, failure);
}

static int on_event(void *payload, const qjit_warm_event *event)
{
    struct warm_run *run = payload;
    run->n_done = event->n_done;
    cli_progress_show(event);
    if (event->outcome == QJIT_WARM_FAILED) {
        say_failure(run, event);
        put_failure(run, event);
    }
    return interrupted;
}

static void print_summary(const struct warm_args *args, const qjit_warm_result *result)
{
    if (interrupted)
        printf("interrupted: %u of %u units done\n", result->n_compiled + result->n_cached + result->n_failed,
               result->n_units);
    else if (args->quiet)
        return;
    else if (result->n_units == 0)
        puts("no units to compile");
    else if (result->n_cached == result->n_units)
        printf("all %u unit%s in the store; nothing was compiled\n", result->n_units,
               result->n_units == 1 ? " was" : "s were");
    else
        printf("%u unit%s in %.1f s: %u compiled, %u in the store before, %u failed\n", result->n_units,
               result->n_units == 1 ? "" : "s", result->seconds, result->n_compiled, result->n_cached,
               result->n_failed);
}

/* Types of the model that are left out, a line each; they are no error. */
static void note_without_kernels(const cJSON *types)
{
    const cJSON *type;
    cJSON_ArrayForEach(type, types)
    {
        const int n = cJSON_GetObjectItem(type, "tensors")->valueint;
        cli_note("qjit: warm: there are no kernels for type '%s': %d tensor%s left out",
                 cJSON_GetObjectItem(type, "type")->valuestring, n, n == 1 ? " is" : "s are");
    }
}

static void print_object(struct warm_run *run, const struct cli_list *archs, const qjit_warm_result *result,
                         qjit_status status, const char *detail)
{
    cJSON *object = cli_object();
    cli_put_list(object, "archs", archs);
    cli_put_number(object, "units", result->n_units);
    cli_put_number(object, "compiled", result->n_compiled);
    cli_put_number(object, "cached", result->n_cached);
    cli_put_number(object, "failed", result->n_failed);
    cli_put_number(object, "seconds", round(result->seconds * 1e3) / 1e3);
    cli_put_bool(object, "interrupted", interrupted);
    cli_put_item(object, "failures", run->failures);
    run->failures = NULL;
    if (run->without_kernels) {
        cli_put_item(object, "types_without_kernels", run->without_kernels);
        run->without_kernels = NULL;
    }
    if (status != QJIT_OK)
        cli_put_error(object, status, detail, "");
    cli_print_json(object);
    cJSON_Delete(object);
}

static int warm(struct cli *cli, const struct warm_args *args, const struct cli_list *archs,
                const struct cli_model *model)
{
    struct warm_run run = {.cli = cli, .failures = cli_array()};
    run.without_kernels = model->gguf ? cli_model_without_kernels(model) : NULL;
    qjit_warm_result result = {.struct_size = sizeof(result)};
    qjit_warm_options options = {
        .struct_size = sizeof(options),
        .archs = (const char *const *)archs->items,
        .n_archs = archs->n,
        .modules = (const char *const *)args->modules.items,
        .n_modules = args->modules.n,
        .kernels = (const char *const *)args->kernels.items,
        .n_kernels = args->kernels.n,
        .progress = on_event,
        .payload = &run,
    };
    catch_interrupts();
    if (!cli->json && !args->quiet)
        note_without_kernels(run.without_kernels);
    cli_progress_start(cli_progress_choose(cli, args->quiet), cli->verbose);
    qjit_status status = model->gguf ? qjit_warm_model(cli->context, &result, model->gguf, model->batches,
                                                       model->n_batches, &options)
                                     : qjit_warm(cli->context, &result, &options);
    cli_progress_stop();

    const char *detail = status == QJIT_OK ? "" : qjit_error_detail();
    if (cli->json)
        print_object(&run, archs, &result, status, detail);
    else if (status != QJIT_OK && !(run.said & 1ull << -(int)status))
        cli_fail(cli, status, 0);
    if (!cli->json && (status == QJIT_OK || run.n_done || interrupted))
        print_summary(args, &result);
    cJSON_Delete(run.failures);
    cJSON_Delete(run.without_kernels);
    cli_list_free(&run.unknown_archs);
    return interrupted                                 ? CLI_SIGNAL + interrupted
           : status == QJIT_OK && result.n_failed == 0 ? CLI_OK
                                                       : CLI_FAILED;
}

static int run_warm(struct cli *cli, const void *args)
{
    const struct warm_args *warm_args = args;
    struct cli_list archs = {0};
    struct cli_model model = {0};
    if (warm_args->model && (warm_args->modules.n || warm_args->kernels.n))
        return cli_usage(cli, "--model chooses the kernels: leave out --module and --kernel");
    int result = cli_model_open(cli, &model, warm_args->model, &warm_args->batches);
    if (result == CLI_OK)
        result = cli_open(cli);
    if (result == CLI_OK)
        result = cli_expand_archs(cli, &archs, &warm_args->archs);
    if (result == CLI_OK)
        result = warm(cli, warm_args, &archs, &model);
    cli_model_close(&model);
    cli_list_free(&archs);
    return result;
}

const struct cli_command cmd_warm = {
    .name = "warm",
    .summary = "compile kernels ahead into the store",
    .operands = "",
    .text =
        "Sees to it that the store holds the code objects of the chosen kernels for the chosen archs,\n"
        "so that an application finds them without waiting. What is there already is left alone. Needs\n"
        "no GPU when --arch is given. A unit that fails does not stop the others.\n"
        "\n"
        "With --model those kernels are chosen that qjit's operators launch for the tensors of the file; of\n"
        "a model in several files name the first. Types without kernels are named and left out.\n"
        "\n"
        "On a terminal a progress bar is drawn on stderr, elsewhere one line for each unit compiled. With\n"
        "--json stdout gets one object: archs, units, compiled, cached, failed, seconds and more.\n"
        "\n"
        "Interrupted (^C), it lets the units under way end; what is compiled stays in the store.\n"
        "\n"
        "Examples:\n"
        "  qjit warm\n"
        "  qjit warm --arch gfx1030,gfx90a --module quantized\n"
        "  qjit warm --arch all --jobs 8 --quiet\n"
        "  qjit warm --arch gfx90a --model model-00001-of-00003.gguf --batch 1,512\n",
    .options = warm_options,
    .args_size = sizeof(struct warm_args),
    .run = run_warm,
};
