/* qjit_conformance LIBRARY [options]: which cases to run, in which process, and the closing line. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance.h"

static const struct conf_case *const all_cases[] = {
    conf_library_cases, conf_devices_cases, conf_memory_cases, conf_stream_cases,   conf_event_cases,
    conf_module_cases,  conf_image_cases,   conf_launch_cases, conf_compiler_cases,
};

struct settings {
    const char *library, *rtc, *only, *arch, *other_arch;
    bool json, alone, list;
    char **argv;
};

static void usage(FILE *to)
{
    fputs("usage: qjit_conformance LIBRARY [--rtc LIBRARY] [--only TEXT] [--arch ARCH] [--other-arch ARCH]\n"
          "                        [--json] [--list]\n"
          "Holds a HIP library against HIP's contract. --rtc: the library of hiprtc*, where it is another "
          "one.\n"
          "--only: cases whose group/name contains TEXT. --arch: what to compile for where there is no "
          "device.\n"
          "--other-arch: an arch the compiler knows and the device is not. Exit status: 0 no check failed,\n"
          "1 a check failed, 2 the library cannot be used.\n",
          to);
}

/* Runs one case again in a process of its own, passes its lines on and adds its counts. */
static void run_alone(struct conf *c, const struct settings *settings, const struct conf_case *one)
{
    char only[128], line[1024];
    snprintf(only, sizeof only, "=%s/%s", one->group, one->name);
    int ends[2];
    if (pipe(ends) != 0) {
        conf_check(c, false, "a pipe can be made");
        return;
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        const char *argv[20] = {
            settings->argv[0], settings->library, "--alone", "--only", only, "--arch", c->arch};
        int n = 7;
        if (settings->rtc != NULL) {
            argv[n++] = "--rtc";
            argv[n++] = settings->rtc;
        }
        if (c->other_arch[0] != '\0') {
            argv[n++] = "--other-arch";
            argv[n++] = c->other_arch;
        }
        if (c->json) {
            argv[n++] = "--json";
        }
        execv("/proc/self/exe", (char *const *)argv);
        _exit(126);
    }
    close(ends[1]);
    FILE *from = fdopen(ends[0], "r");
    bool counted = false;
    while (from != NULL && fgets(line, sizeof line, from) != NULL) {
        unsigned passed, failed, skipped;
        if (sscanf(line, "counts %u %u %u", &passed, &failed, &skipped) == 3) {
            c->n_passed += passed;
            c->n_failed += failed;
            c->n_skipped += skipped;
            counted = true;
        } else {
            fputs(line, stdout);
        }
    }
    if (from != NULL) {
        fclose(from);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
        conf_check(c, false, "the process survives (it died of signal %d)", WTERMSIG(status));
    } else {
        conf_check(c, counted, "the process comes to its end (exit status %d)", WEXITSTATUS(status));
    }
}

static bool is_wanted(const struct settings *settings, const struct conf_case *one)
{
    char full[128];
    snprintf(full, sizeof full, "%s/%s", one->group, one->name);
    if (settings->only == NULL) {
        return true;
    }
    return settings->only[0] == '=' ? strcmp(full, settings->only + 1) == 0
                                    : strstr(full, settings->only) != NULL;
}

static void run_case(struct conf *c, const struct settings *settings, const struct conf_case *one)
{
    c->group = one->group;
    c->name = one->name;
    if ((one->need & CONF_TWO_DEVICES) != 0 && c->n_devices < 2) {
        conf_skip(c, "needs two devices, there are %d", c->n_devices);
    } else if ((one->need & CONF_DEVICE) != 0 && c->n_devices < 1) {
        conf_skip(c, "needs a device");
    } else if ((one->need & CONF_NO_DEVICE) != 0 && c->n_devices > 0) {
        conf_skip(c, "needs a machine without a device");
    } else if ((one->need & CONF_ALONE) != 0 && !settings->alone) {
        run_alone(c, settings, one);
    } else {
        one->run(c);
        /* Whatever the case provoked is not the next one's. */
        if (c->hip.hipGetLastError != NULL) {
            c->hip.hipGetLastError();
        }
    }
}

static unsigned run_cases(struct conf *c, const struct settings *settings)
{
    unsigned n_run = 0;
    for (size_t i = 0; i < sizeof all_cases / sizeof *all_cases; i++) {
        for (const struct conf_case *one = all_cases[i]; one->run != NULL; one++) {
            if (!is_wanted(settings, one)) {
                continue;
            }
            n_run++;
            if (settings->list) {
                printf("%s/%s\n", one->group, one->name);
            } else {
                run_case(c, settings, one);
            }
        }
    }
    return n_run;
}

static int parse(struct settings *out, int argc, char **argv)
{
    static const struct option options[] = {
        {"rtc", required_argument, NULL, 'r'},
        {"only", required_argument, NULL, 'o'},
        {"arch", required_argument, NULL, 'a'},
        {"other-arch", required_argument, NULL, 'b'},
        {"json", no_argument, NULL, 'j'},
        {"list", no_argument, NULL, 'l'},
        {"alone", no_argument, NULL, 'p'},
        /* run_alone() */ {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    *out = (struct settings){.argv = argv};
    for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (option) {
        case 'r':
            out->rtc = optarg;
            break;
        case 'o':
            out->only = optarg;
            break;
        case 'a':
            out->arch = optarg;
            break;
        case 'b':
            out->other_arch = optarg;
            break;
        case 'j':
            out->json = true;
            break;
        case 'l':
            out->list = true;
            break;
        case 'p':
            out->alone = true;
            break;
        case 'h':
            usage(stdout);
            exit(0);
        default:
            return -1;
        }
    }
    out->library = optind < argc ? argv[optind] : NULL;
    return out->library != NULL && optind + 1 == argc ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct settings settings;
    if (parse(&settings, argc, argv) != 0) {
        usage(stderr);
        return 2;
    }
    static struct conf c;
    c.json = settings.json;
    if (settings.list) {
        return run_cases(&c, &settings) > 0 ? 0 : 2;
    }
    if (!conf_open(&c, settings.library, settings.rtc, settings.arch, settings.other_arch)) {
        return 2;
    }
    unsigned n_run = run_cases(&c, &settings);
    if (settings.alone) {
        printf("counts %u %u %u\n", c.n_passed, c.n_failed, c.n_skipped);
    } else if (c.json) {
        printf("{\"library\":\"%s\",\"arch\":\"%s\",\"devices\":%d,\"passed\":%u,\"failed\":%u,\"skipped\":%"
               "u}\n",
               settings.library, c.arch, c.n_devices, c.n_passed, c.n_failed, c.n_skipped);
    } else {
        printf("%u passed, %u failed, %u skipped\n", c.n_passed, c.n_failed, c.n_skipped);
    }
    if (n_run == 0) {
        fprintf(stderr, "qjit_conformance: no case is called like '%s'\n", settings.only);
        return 2;
    }
    fflush(stdout);
    /* No destructor of a library under test decides the exit status. */
    _exit(c.n_failed == 0 ? 0 : 1);
}
