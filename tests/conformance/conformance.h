/* A program that holds a HIP library, named by its path, against HIP's contract. One case is one function; a
 * case makes any number of checks, each of which prints a line. Nothing here knows which library it is. */
#ifndef QJIT_CONFORMANCE_H
#define QJIT_CONFORMANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hip/types.h"

/* Every function of functions.def, NULL where the library has none. */
struct conf_hip {
#define QJ_HIP_FUNCTION(need, ret, name, params) ret(*name) params;
#include "hip/functions.def"
#undef QJ_HIP_FUNCTION
};

struct conf {
    struct conf_hip hip;
    int n_devices;
    char arch[128];       /* of device 0; without one: what --arch names */
    char other_arch[128]; /* one that the compiler knows and the device is not; "" if none is known */
    bool json;
    const char *group, *name; /* of the case under way */
    unsigned n_passed, n_failed, n_skipped;
    hipModule_t module; /* of kernels.hip on device 0, loaded by the first case that asks */
};

enum conf_need {
    CONF_ANY = 0,
    CONF_DEVICE = 1,      /* at least one device */
    CONF_TWO_DEVICES = 2, /* at least two */
    CONF_ALONE = 4,       /* in a process of its own: the library may crash, or be unusable afterwards */
    CONF_NO_DEVICE = 8    /* only where there is none */
};

struct conf_case {
    const char *group, *name;
    unsigned need;
    void (*run)(struct conf *c);
};

/* The cases of one file, closed by a row of NULLs. */
extern const struct conf_case conf_library_cases[], conf_memory_cases[], conf_stream_cases[],
    conf_event_cases[], conf_module_cases[], conf_image_cases[], conf_launch_cases[], conf_compiler_cases[],
    conf_devices_cases[];

/* Loads the library, fills the table, finds devices and archs. rtc, arch, other_arch: NULL where nothing is
 * said. False with a line on stderr where the library cannot be used. */
bool conf_open(struct conf *c, const char *library, const char *rtc, const char *arch,
               const char *other_arch);

/* Counts and prints one check; what: printf format. Returns ok. */
__attribute__((format(printf, 3, 4))) bool conf_check(struct conf *c, bool ok, const char *what, ...);
/* The rest of the case cannot be checked here. */
__attribute__((format(printf, 2, 3))) void conf_skip(struct conf *c, const char *reason, ...);
/* Passes if `got` is one of the codes that follow; their number is n. */
bool conf_code(struct conf *c, const char *call, int got, const int *wanted, size_t n);
/* Passes if `got` is any failure. */
bool conf_fails(struct conf *c, const char *call, int got);

#define CONF_COUNT(...) (sizeof((int[]){__VA_ARGS__}) / sizeof(int))
/* EXPECT(c, call, code...): the call's result is one of the codes. */
#define EXPECT(c, call, ...) conf_code((c), #call, (int)(call), (int[]){__VA_ARGS__}, CONF_COUNT(__VA_ARGS__))
#define OK(c, call)          EXPECT(c, call, 0)
#define FAILS(c, call)       conf_fails((c), #call, (int)(call))

/* Codes that HIP's versions and platforms use for the same thing. */
#define VALUE                QJ_HIP_ERROR_INVALID_VALUE
#define CONTEXT_IS_DESTROYED 709 /* hipErrorContextIsDestroyed */
#define BAD_STREAM           QJ_HIP_ERROR_INVALID_HANDLE, CONTEXT_IS_DESTROYED, VALUE
#define BAD_EVENT            QJ_HIP_ERROR_INVALID_HANDLE, CONTEXT_IS_DESTROYED
#define BAD_MODULE           QJ_HIP_ERROR_INVALID_HANDLE, QJ_HIP_ERROR_NOT_FOUND
#define BAD_FUNCTION         QJ_HIP_ERROR_INVALID_HANDLE, QJ_HIP_ERROR_INVALID_IMAGE, 98, VALUE
#define BAD_IMAGE            QJ_HIP_ERROR_INVALID_IMAGE, QJ_HIP_ERROR_NO_BINARY_FOR_GPU, QJ_HIP_ERROR_INVALID_KERNEL_FILE
#define BAD_CONFIGURATION    VALUE, QJ_HIP_ERROR_INVALID_CONFIGURATION

/* ---- what the cases share ------------------------------------------------------------------- */

/* Compiles with "--offload-arch=<arch>" and the options; code is malloc'ed. On failure *log (malloc'ed, never
 * NULL) says why. Free both. */
hiprtcResult conf_compile(struct conf *c, const char *source, const char *arch, const char *const *options,
                          int n_options, void **code, size_t *n_code, char **log);

/* kernels.hip as text, its code object for the arch at hand, its module on device 0. NULL after a failed
 * check. */
extern const char conf_kernels[];
const void *conf_kernels_code(struct conf *c, size_t *n);
hipModule_t conf_kernels_module(struct conf *c);
/* NULL after a failed check. */
hipFunction_t conf_function(struct conf *c, const char *name);

/* Device memory of n bytes, filled with 0; NULL after a failed check. */
void *conf_device_memory(struct conf *c, size_t n);
/* One-dimensional launch on a stream, unchecked. */
hipError_t conf_launch(struct conf *c, hipFunction_t function, unsigned grid, unsigned block,
                       unsigned lds_bytes, hipStream_t stream, void **params);

#endif
