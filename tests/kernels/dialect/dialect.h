/* Runs the kernels of this folder through any HIP library and holds what they give against references in C.
 */
#ifndef QJIT_DIALECT_H
#define QJIT_DIALECT_H

#include "conformance/conformance.h"

/* The texts of this folder's sources. */
extern const char dialect_lanes[], dialect_reduce[], dialect_lds[], dialect_convert[], dialect_dot[],
    dialect_atomics[];

/* The cases of each source. */
extern const struct conf_case dialect_lanes_cases[], dialect_reduce_cases[], dialect_lds_cases[],
    dialect_convert_cases[], dialect_dot_cases[], dialect_atomics_cases[];

/* The wave size of device 0. */
int dialect_wave(struct conf *c);

/* A kernel of a source, compiled with kernel_src/include once per source. NULL after a failed check. */
hipFunction_t dialect_function(struct conf *c, const char *source, const char *name);

/* Device memory that holds a copy of n bytes; NULL after a failed check. */
void *dialect_upload(struct conf *c, const void *bytes, size_t n);

/* Copies n bytes back after all work is done and frees the memory. False after a failed check. */
bool dialect_download(struct conf *c, void *out, void *memory, size_t n);

/* One check that all of n results are right; bad: the first that is not, if any is not. */
void dialect_count(struct conf *c, const char *what, size_t n_right, size_t n, size_t bad);

/* Reproducible numbers. */
uint32_t dialect_random(uint32_t *state);

#endif
