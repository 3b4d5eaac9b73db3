/* kernels_run [options]: runs qjit's kernels on device 0 of a HIP library and compares with tests/cpu_ref. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "run.h"

static void usage(FILE *to)
{
    fputs("usage: kernels_run [--hip rocm|cpu|cuda|PATH] [--only GLOB] [--quick] [--large] [--list]\n"
          "                   [--guard BYTES] [--seed NUMBER] [--fuzz SECONDS]\n"
          "--hip: the HIP library; without it $QJIT_HIP chooses, else rocm. --only: groups whose\n"
          "family/name matches. --quick: without the long cases. --large: also outputs of more than 2^31\n"
          "bytes. --guard: bytes on both sides of each buffer that must stay as they are (4096; a multiple\n"
          "of 256). --seed: of the random numbers. --fuzz: cases of random shapes for that long in all,\n"
          "instead of those that are written down.\n"
          "Exit status: 0 no case failed, 1 a case failed, 2 wrong options, 77 there is no device.\n",
          to);
}

static bool parse_number(unsigned long long *out, const char *text)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 0);
    return errno == 0 && *text != '\0' && *end == '\0';
}

/* False: `option` makes no sense. */
static bool apply(struct run_settings *out, int option, const char *argument)
{
    unsigned long long number = 0;
    switch (option) {
    case 'h':
        out->hip = argument;
        return true;
    case 'o':
        out->only = argument;
        return true;
    case 'q':
        out->quick = true;
        return true;
    case 'L':
        out->large = true;
        return true;
    case 'l':
        out->list = true;
        return true;
    case 'g':
        if (!parse_number(&number, argument) || number % 256 != 0 || number > 1 << 24) {
            return false;
        }
        out->guard_bytes = number;
        return true;
    case 's':
        if (!parse_number(&number, argument)) {
            return false;
        }
        out->seed = number;
        return true;
    case 'f':
        if (!parse_number(&number, argument) || number == 0 || number > 1000000) {
            return false;
        }
        out->fuzz_seconds = (double)number;
        return true;
    default:
        return false;
    }
}

static bool parse(struct run_settings *out, int argc, char **argv)
{
    static const struct option options[] = {
        {"hip", required_argument, NULL, 'h'},
        {"only", required_argument, NULL, 'o'},
        {"quick", no_argument, NULL, 'q'},
        {"large", no_argument, NULL, 'L'},
        {"list", no_argument, NULL, 'l'},
        {"guard", required_argument, NULL, 'g'},
        {"seed", required_argument, NULL, 's'},
        {"fuzz", required_argument, NULL, 'f'},
        {NULL, 0, NULL, 0},
    };
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (!apply(out, option, optarg)) {
            return false;
        }
    }
    return optind == argc;
}

static void run_families(struct run *run)
{
#define RUN_FAMILY(name)                                                                                     \
    run->family = #name;                                                                                     \
    run_##name(run);
    RUN_FAMILIES(RUN_FAMILY)
#undef RUN_FAMILY
}

static int conclude(const struct run *run)
{
    if (run->lost) {
        printf("the device failed for good: the rest was not run\n");
    }
    if (run->n_passed + run->n_failed + run->n_skipped == 0) {
        fprintf(stderr, "kernels_run: no group is called like '%s'\n", run->settings.only);
        return 2;
    }
    if (!run->settings.list) {
        printf("%u passed, %u failed, %u skipped\n", run->n_passed, run->n_failed, run->n_skipped);
    }
    return run->n_failed > 0 || run->lost;
}

int main(int argc, char **argv)
{
    struct run_settings settings = {.guard_bytes = 4096, .seed = 1};
    if (!parse(&settings, argc, argv)) {
        usage(stderr);
        return 2;
    }
    static struct run run;
    int result = run_open(&run, &settings);
    if (result == 0) {
        if (!settings.list) {
            run.is_collecting = true;
            run_families(&run);
            run.is_collecting = false;
            run_warm(&run);
        }
        run_families(&run);
        result = conclude(&run);
    }
    run_close(&run);
    return result;
}
