/* The `qjit` command: finds the verb, hands over to its cmd_<verb>.c. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cli_command *const cli_commands[] = {
    &cmd_warm,   &cmd_list,   &cmd_stat,  &cmd_info,   &cmd_explain, &cmd_clear,   &cmd_verify, &cmd_gc,
    &cmd_export, &cmd_import, &cmd_merge, &cmd_keygen, &cmd_doctor,  &cmd_compile, &cmd_gguf,   NULL,
};

static const struct cli_command *find_command(const char *name)
{
    for (size_t i = 0; cli_commands[i]; i++)
        if (strcmp(cli_commands[i]->name, name) == 0)
            return cli_commands[i];
    return NULL;
}

static int unknown_command(const struct cli *cli, const char *name)
{
    char names[256] = "";
    for (size_t i = 0, at = 0; cli_commands[i] && at < sizeof(names); i++)
        at += (size_t)snprintf(names + at, sizeof(names) - at, " %s", cli_commands[i]->name);
    return cli_usage(cli, "'%s' is no command; the commands are:%s", name, names);
}

static int print_version(void)
{
    unsigned version = qjit_version();
    printf("qjit %s\n", QJIT_VERSION_STRING);
    if (version != QJIT_VERSION_MAJOR * 10000 + QJIT_VERSION_MINOR * 100 + QJIT_VERSION_PATCH)
        printf("libqjit %u.%u.%u\n", version / 10000, version / 100 % 100, version % 100);
    return CLI_OK;
}

static int run_help(struct cli *cli, int argc, char **argv)
{
    if (argc > 1)
        return cli_usage(cli, "help takes one command");
    if (argc == 0) {
        cli_help_all(stdout, cli_commands);
        return CLI_OK;
    }
    const struct cli_command *command = find_command(argv[0]);
    if (!command)
        return unknown_command(cli, argv[0]);
    cli_help_command(stdout, command);
    return CLI_OK;
}

static int run_command(struct cli *cli, int argc, char **argv)
{
    void *args = cli_need(calloc(1, cli->command->args_size + 1));
    int result = cli_parse(cli, args, argc, argv, NULL);
    if (result == CLI_OK && cli->help)
        cli_help_command(stdout, cli->command);
    else if (result == CLI_OK && cli->version)
        print_version();
    else if (result == CLI_OK)
        result = cli->command->run(cli, args);
    qjit_destroy(cli->context);
    cli_free_args(cli->command, args);
    free(args);
    return result;
}

static int run(struct cli *cli, int argc, char **argv)
{
    int next = 1;
    int result = cli_parse(cli, cli, argc, argv, &next);
    if (result != CLI_OK)
        return result;
    if (cli->version)
        return print_version();
    if (cli->help)
        return run_help(cli, argc - next, argv + next);
    if (next == argc) {
        if (cli->json)
            return cli_usage(cli, "no command given");
        cli_help_all(stderr, cli_commands);
        return CLI_USAGE;
    }
    if (strcmp(argv[next], "help") == 0)
        return run_help(cli, argc - next - 1, argv + next + 1);
    cli->command = find_command(argv[next]);
    if (!cli->command)
        return unknown_command(cli, argv[next]);
    return run_command(cli, argc - next, argv + next);
}

/* A wrong command line is reported as JSON too, so this cannot wait for the parser. */
static int asks_for_json(char **argv)
{
    for (; *argv && strcmp(*argv, "--") != 0; argv++)
        if (strcmp(*argv, "--json") == 0)
            return 1;
    return 0;
}

/* A descriptor that the parent closed would be the next one opened, the store for instance: our output would
 * then go there. Standard input and output are filled so that using them still fails. */
static void fill_descriptors(void)
{
    static const int modes[] = {O_WRONLY, O_RDONLY, O_WRONLY};
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", modes[fd]) != fd)
            _exit(CLI_FAILED);
}

static void on_signal(int number)
{
    (void)number;
}

int main(int argc, char **argv)
{
    fill_descriptors();
    /* A reader that goes away is a failed write, not a death. A handler, unlike SIG_IGN, does not pass on to
     * the workers. */
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGPIPE, &action, NULL);

    struct cli cli = {.json = asks_for_json(argv)};
    return cli_finish_output(&cli, run(&cli, argc, argv));
}
