#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#ifndef QJIT_BENCH_COMMIT
#define QJIT_BENCH_COMMIT "unknown"
#endif
#ifndef QJIT_BENCH_VERSIONS
#define QJIT_BENCH_VERSIONS "unknown"
#endif

uint64_t bench_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t n)
{
    if (n == 0) {
        return (double)NAN;
    }
    qsort(values, n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void print_string(const char *text)
{
    (void)putchar('"');
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\') {
            (void)putchar('\\');
        }
        if ((unsigned char)*c >= ' ') {
            (void)putchar(*c);
        }
    }
    (void)putchar('"');
}

void bench_text(struct bench_line *line, const char *member, const char *value)
{
    (void)putchar(line->n_members++ ? ',' : '{');
    print_string(member);
    (void)putchar(':');
    print_string(value);
}

void bench_number(struct bench_line *line, const char *member, double value)
{
    (void)putchar(line->n_members++ ? ',' : '{');
    print_string(member);
    if (isfinite(value)) {
        (void)printf(":%.6g", value);
    } else {
        (void)printf(":null");
    }
}

/* The processor's name as Linux gives it. */
static void processor(char *out, size_t n)
{
    (void)snprintf(out, n, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "re");
    char text[256];
    while (file && fgets(text, sizeof text, file)) {
        char *colon = strchr(text, ':');
        if (colon && strncmp(text, "model name", 10) == 0) {
            colon[strcspn(colon, "\n")] = '\0';
            (void)snprintf(out, n, "%s", colon + 2);
            break;
        }
    }
    if (file) {
        (void)fclose(file);
    }
}

void bench_begin(struct bench_line *line, const char *name)
{
    *line = (struct bench_line){0};
    char cpu[256];
    processor(cpu, sizeof cpu);
    struct utsname system = {0};
    (void)uname(&system);
    bench_text(line, "bench", name);
    bench_text(line, "cpu", cpu);
    bench_number(line, "n_cpus", (double)sysconf(_SC_NPROCESSORS_ONLN));
    bench_text(line, "kernel", system.release);
    bench_text(line, "versions", QJIT_BENCH_VERSIONS);
    bench_text(line, "commit", QJIT_BENCH_COMMIT);
}

void bench_end(struct bench_line *line)
{
    (void)printf("%s}\n", line->n_members ? "" : "{");
    (void)fflush(stdout);
    line->n_members = 0;
}
