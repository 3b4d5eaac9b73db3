/* Real code objects to measure with, compiled when the benchmark starts by the hipRTC of this machine. */
#ifndef QJIT_BENCH_OBJECTS_H
#define QJIT_BENCH_OBJECTS_H

#include <stddef.h>

struct bench_object {
    const char *name; /* "4K" "64K" "350K" */
    void *bytes;
    size_t n_bytes;
};

enum { BENCH_OBJECTS = 3 };

/* Compiles one object of about 4 KB, 64 KB and 350 KB for gfx1030. 0, or -1 with a line on stderr that says
 * why. Free each `bytes`. */
int bench_objects(struct bench_object out[BENCH_OBJECTS]);

#endif
