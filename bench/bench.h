/* What every benchmark shares: time, medians, and one JSON line per result with the machine, the versions and
 * the commit, so that a line says by itself where it comes from. */
#ifndef QJIT_BENCH_H
#define QJIT_BENCH_H

#include <stddef.h>
#include <stdint.h>

uint64_t bench_ns(void);

/* Sorts `values`. NaN for none. */
double bench_median(double *values, size_t n);

struct bench_line {
    int n_members;
};

/* Prints the start of a line: {"bench":"NAME" and what is known of machine, versions and commit. */
void bench_begin(struct bench_line *line, const char *name);
void bench_text(struct bench_line *line, const char *member, const char *value);
void bench_number(struct bench_line *line, const char *member, double value);
/* Ends the line and flushes it. */
void bench_end(struct bench_line *line);

#endif
