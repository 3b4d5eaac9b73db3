/* The library under test, opened by path with an environment of the test's own. Criterion runs each test in
 * its own process, so the environment, the sticky errors and the threads of one are no other's. */
#ifndef HIP_CPU_TEST_H
#define HIP_CPU_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hip/types.h"

struct library {
#define QJ_HIP_FUNCTION(need, ret, name, params) ret(*name) params;
#include "hip/functions.def"
#undef QJ_HIP_FUNCTION
    int (*qjitCompilerFiles)(const char **out, int max);
    int (*qjitArchs)(const char **out, int max);
};
extern struct library hip;

/* Sets each "NAME=value" of the list, which NULL ends, then opens the library, whose reports go to a
 * file of this process. Once in a test. */
void hip_open(const char *first, ...) __attribute__((sentinel));

/* Compiles for the devices' own arch and returns the object; fails the test with the log if that fails. */
void *hip_compile(const char *source, size_t *n);
/* The same for any arch and name expressions (NULL ends each list); 0 or hiprtcResult; *log is the caller's.
 */
int hip_try_compile(void **out, size_t *n, char **log, const char *source, const char *const *options);
hipModule_t hip_load(const char *source);
hipFunction_t hip_function(hipModule_t module, const char *name);

/* Device memory holding a copy of n bytes, or fresh if from is NULL. */
void *hip_upload(const void *from, size_t n);
void hip_download(void *to, const void *from, size_t n);

/* Launches one-dimensionally with an argument array in the null stream and waits: the error of either. */
int hip_run(hipFunction_t function, unsigned grid, unsigned block, unsigned lds_bytes, void **params);

/* What the library has reported so far. */
const char *hip_report(void);

#define OK(call)    cr_assert_eq(call, 0, "%s", #call)
#define PARAMS(...) ((void *[]){__VA_ARGS__})

#endif
