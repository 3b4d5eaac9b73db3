/* qjit doctor: is everything there that qjit needs? */
#include "cli.h"

static const struct cli_option doctor_options[] = {{0, CLI_FLAG, NULL, NULL, 0, NULL}};

static const char *const health_names[] = {"ok", "note", "bad"};

struct examination {
    cJSON *findings;
    int is_bad;
};

static int add_finding(void *payload, const qjit_finding *finding)
{
    struct examination *examination = payload;
    int known = finding->health <= QJIT_HEALTH_BAD;
    cJSON *object = cli_object();
    cli_put_text(object, "subject", finding->subject);
    cli_put_text(object, "health", health_names[known ? finding->health : QJIT_HEALTH_BAD]);
    cli_put_text(object, "found", finding->found);
    cli_put_text(object, "advice", finding->advice);
    cli_add(examination->findings, object);
    examination->is_bad |= !known || finding->health == QJIT_HEALTH_BAD;
    return 0;
}

static void print_findings(const cJSON *findings)
{
    for (const cJSON *finding = findings->child; finding; finding = finding->next) {
        const char *advice = cJSON_GetObjectItem(finding, "advice")->valuestring;
        printf("%-4s  %-10s  %s\n", cJSON_GetObjectItem(finding, "health")->valuestring,
               cJSON_GetObjectItem(finding, "subject")->valuestring,
               cJSON_GetObjectItem(finding, "found")->valuestring);
        if (*advice)
            printf("%18s%s\n", "", advice);
    }
}

static int run_doctor(struct cli *cli, const void *args)
{
    (void)args;
    int result = cli_open(cli);
    if (result != CLI_OK)
        return result;
    struct examination examination = {.findings = cli_array()};
    qjit_status status = qjit_examine(cli->context, add_finding, &examination);
    if (status != QJIT_OK) {
        result = cli_fail(cli, status, 0);
    } else if (cli->json) {
        cJSON *object = cli_object();
        cli_put_bool(object, "healthy", !examination.is_bad);
        cli_put_item(object, "findings", examination.findings);
        examination.findings = NULL;
        cli_print_json(object);
        cJSON_Delete(object);
    } else {
        print_findings(examination.findings);
    }
    cJSON_Delete(examination.findings);
    return examination.is_bad ? CLI_FAILED : result;
}

const struct cli_command cmd_doctor = {
    .name = "doctor",
    .summary = "look at everything qjit depends on",
    .operands = "",
    .text = "Looks for the HIP library, the run-time compiler, GPUs, the worker program and the store, and\n"
            "says of each what was found and, where something is amiss, what to do. A note is no obstacle.\n"
            "The exit status is 1 if anything is bad.\n",
    .options = doctor_options,
    .run = run_doctor,
};
