/* Groups and cases: which are wanted, what is printed, what is counted. */
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "run.h"

enum { SHOWN_FAILURES = 4 }; /* of a group */

double run_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Registry names are borrowed: those of a group that is built on the stack would not last. */
static void collect(struct run *run, const char *kernel)
{
    qjit_kernel id;
    qjit_kernel_info info;
    if (kernel && run->n_kernels < RUN_KERNELS_MAX &&
        qjit_find_kernel(run->context, &id, kernel) == QJIT_OK &&
        qjit_get_kernel_info(run->context, &info, id) == QJIT_OK) {
        run->kernels[run->n_kernels++] = info.name;
    }
}

bool run_group(struct run *run, const char *group, const char *kernel)
{
    snprintf(run->group, sizeof run->group, "%s/%s", run->family, group);
    if (run->lost || (run->settings.only && fnmatch(run->settings.only, run->group, 0) != 0)) {
        return false;
    }
    if (run->settings.fuzz_seconds > 0 && !kernel) {
        return false;
    }
    if (run->is_collecting) {
        collect(run, kernel);
        run->n_groups++;
        return false;
    }
    if (run->settings.list) {
        puts(run->group);
        run->n_passed++; /* so that a glob that matches nothing is seen */
        return false;
    }
    run->n_cases = run->n_failures = run->n_shown = 0;
    run->group_start = run_seconds();
    run->fuzz_seed = run->settings.seed;
    return true;
}

/* FNV-1a, to give each case numbers of its own. */
static uint64_t mix(uint64_t seed, const char *text)
{
    for (; *text != '\0'; text++) {
        seed = (seed ^ (unsigned char)*text) * 0x100000001b3u;
    }
    return seed;
}

bool run_fuzz(struct run *run)
{
    const double share = run->settings.fuzz_seconds / (double)run->n_groups;
    if (run->lost || run->settings.fuzz_seconds <= 0 || run_seconds() - run->group_start > share) {
        return false;
    }
    run->random = mix(run->fuzz_seed++ ^ 0xcbf29ce484222325u, run->group);
    return true;
}

void run_group_end(struct run *run)
{
    double seconds = run_seconds() - run->group_start;
    if (run->n_failures > 0) {
        printf("FAIL %s: %u of %u cases\n", run->group, run->n_failures, run->n_cases);
    } else if (run->n_cases > 0) { /* else each was skipped, and has said so */
        printf("pass %s: %u cases, %.2f s\n", run->group, run->n_cases, seconds);
    }
    fflush(stdout);
}

void run_case(struct run *run, const char *label, ...)
{
    va_list args;
    va_start(args, label);
    vsnprintf(run->label, sizeof run->label, label, args);
    va_end(args);
    run->case_is_void = run->case_failed = run->lost;
    run->n_cases += !run->case_is_void;
    const uint64_t seed = run->settings.fuzz_seconds > 0 ? run->fuzz_seed : run->settings.seed;
    run->random = mix(mix(seed ^ 0xcbf29ce484222325u, run->group), run->label);
}

void run_fail(struct run *run, const char *what, ...)
{
    char text[512];
    va_list args;
    va_start(args, what);
    vsnprintf(text, sizeof text, what, args);
    va_end(args);
    if (run->case_is_void) {
        return;
    }
    if (run->awaited && strstr(text, run->awaited)) {
        run->awaited_came = true;
        return;
    }
    if (!run->case_failed) {
        run->n_failures++;
    }
    run->case_failed = true;
    if (run->n_shown++ < SHOWN_FAILURES) {
        printf("     %s, %s: %s\n", run->group, run->label, text);
        if (run->settings.fuzz_seconds > 0) {
            printf("     (--fuzz 1 --seed %llu --only '%s')\n", (unsigned long long)run->fuzz_seed - 1,
                   run->group);
        }
    } else if (run->n_shown == SHOWN_FAILURES + 1) {
        printf("     %s: what else fails is only counted\n", run->group);
    }
}

void run_await_failure(struct run *run, const char *what)
{
    run->awaited = what;
    run->awaited_came = false;
}

void run_case_end(struct run *run)
{
    run_buffers_finish(run);
    if (run->awaited && !run->awaited_came) {
        const char *awaited = run->awaited;
        run->awaited = NULL;
        run_fail(run, "nothing was found to be wrong, not '%s'", awaited);
    }
    run->awaited = NULL;
    for (size_t i = 0; i < run->n_memory; i++) {
        free(run->memory[i]);
    }
    run->n_memory = 0;
    run->n_passed += !run->case_failed;
    run->n_failed += run->case_failed && !run->case_is_void;
}

void run_skip(struct run *run, const char *reason, ...)
{
    char text[512];
    va_list args;
    va_start(args, reason);
    vsnprintf(text, sizeof text, reason, args);
    va_end(args);
    run->n_skipped++;
    printf("skip %s: %s\n", run->group, text);
}

void *run_memory(struct run *run, size_t n)
{
    void *memory = calloc(n ? n : 1, 1);
    if (!memory || run->n_memory == RUN_MEMORY_MAX) {
        fprintf(stderr, "kernels_run: no memory for %zu bytes in %s, %s\n", n, run->group, run->label);
        exit(1);
    }
    return run->memory[run->n_memory++] = memory;
}
