/* What the families of kernels_run stand on: one device behind the public API, and for each case buffers
 * between guards, a launch by kernel name, random numbers and comparisons.
 *
 * A case is: run_case, its buffers, run_launch, run_result, run_expect_*, run_case_end. A call that fails
 * says so, marks the case as failed and returns false or NULL; the case then just goes to run_case_end, which
 * checks the guards and frees everything the case took. One thread. */
#ifndef QJ_TESTS_KERNELS_RUN_H
#define QJ_TESTS_KERNELS_RUN_H

#include <qjit/qjit.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One line a family: its file is <name>.c, its cases are in run_<name>(). */
#define RUN_FAMILIES(X)                                                                                      \
    X(selftest)                                                                                              \
    X(quantize_q8_1)                                                                                         \
    X(dequantize)                                                                                            \
    X(mat_vec)                                                                                               \
    X(mat_vec_float)                                                                                         \
    X(dequantize_mul_mat_vec)                                                                                \
    X(get_rows)                                                                                              \
    X(indexed_moe)                                                                                           \
    X(mul_mat)

struct run_settings {
    const char *hip;   /* as qjit_options.hip; NULL: $QJIT_HIP, else rocm */
    const char *only;  /* groups whose family/group matches this glob; NULL: all */
    bool quick, large; /* leave out the long cases; add those of more than 2^31 bytes */
    bool list;         /* print the groups, run nothing */
    size_t
        guard_bytes; /* on both sides of every buffer; a multiple of 256 keeps the alignment of hipMalloc */
    uint64_t seed;
    double fuzz_seconds; /* more than 0: cases of random shapes instead of the tables', for so long in all */
};

/* The HIP functions that are called, found in whichever library the context uses. */
struct run_hip {
    int (*hipMalloc)(void **out, size_t n);
    int (*hipFree)(void *memory);
    int (*hipMemset)(void *to, int byte, size_t n);
    int (*hipMemcpy)(void *to, const void *from, size_t n, int kind);
    int (*hipMemGetInfo)(size_t *free_bytes, size_t *total_bytes);
    int (*hipDeviceSynchronize)(void);
    int (*hipModuleLaunchKernel)(void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                                 unsigned block_x, unsigned block_y, unsigned block_z, unsigned lds_bytes,
                                 void *stream, void **params, void **extra);
    const char *(*hipGetErrorName)(int error);
};

/* n bytes on the device between two guards. */
struct run_buffer {
    void *device; /* what a kernel gets; its address is a kernel parameter */
    size_t n;
    const char *name;
    char *allocation;
    size_t before, after; /* bytes of the guards */
    const void *host;     /* an input as uploaded, owned by the case; NULL: an output */
};

enum { RUN_BUFFERS_MAX = 8, RUN_MEMORY_MAX = 64, RUN_KERNELS_MAX = 1024 };

struct run {
    struct run_settings settings;
    qjit_context *context;
    struct run_hip hip;
    bool lost;          /* the device fails every call: nothing more can be run */
    bool is_collecting; /* only gather the kernels of the wanted groups */
    const char *kernels[RUN_KERNELS_MAX];
    size_t n_kernels, n_groups; /* gathered */

    const char *family;
    char group[96], label[192];            /* of the case; label may be empty */
    unsigned n_cases, n_failures, n_shown; /* of the group */
    double group_start;
    uint64_t fuzz_seed;             /* of the group's next case */
    bool case_failed, case_is_void; /* void: begun after the device was lost, so it says nothing */
    const char *awaited;            /* the failure that the case must meet; NULL: none */
    bool awaited_came;
    uint64_t random; /* the generator's state */
    struct run_buffer buffers[RUN_BUFFERS_MAX];
    size_t n_buffers;
    void *memory[RUN_MEMORY_MAX];
    size_t n_memory;

    unsigned n_passed, n_failed, n_skipped; /* cases */
};

struct run_dim {
    unsigned x, y, z; /* y and z: 0 counts as 1 */
};

/* ---- device.c ---- */

/* Compiles the kernels gathered by run_group. What fails is told by the case that needs it. */
void run_warm(struct run *run);
/* 0, 77 (no device: the reason is printed) or 1 (failed: printed). run_close in any case. */
int run_open(struct run *out, const struct run_settings *settings);
void run_close(struct run *run);

/* A buffer holding host[0..n), which must live until the case ends and must be the same on the device then.
 * `shift` bytes are put before it, for a view into a larger buffer. Never NULL: of a buffer that could not be
 * had the device pointer is NULL, and the launch is refused. */
struct run_buffer *run_input(struct run *run, const char *name, const void *host, size_t n, size_t shift);
/* A buffer filled with a byte that no kernel writes throughout (see RUN_FILL). */
struct run_buffer *run_output(struct run *run, const char *name, size_t n, size_t shift);
/* Launches `kernel` and waits for it. */
bool run_launch(struct run *run, const char *kernel, struct run_dim grid, struct run_dim block,
                void **params);
/* The bytes [first, first + n) of a buffer, freed with the case; NULL if the case has failed already. */
void *run_result(struct run *run, const struct run_buffer *buffer, size_t first, size_t n);
/* The same into memory of the caller's. */
bool run_download(struct run *run, const struct run_buffer *buffer, size_t first, size_t n, void *out);
/* Checks the guards and the inputs of the case and frees its buffers: run_case_end calls it. */
void run_buffers_finish(struct run *run);

/* ---- report.c ---- */

/* Begins a group, which launches `kernel` (NULL: none of qjit's); false if it is not wanted, or not yet. Then
 * nothing of it may be called. The families are called twice: first the kernels of the wanted groups are
 * gathered and compiled together, as many at once as there are processors. */
bool run_group(struct run *run, const char *group, const char *kernel);
void run_group_end(struct run *run);
/* For `while`: true as long as the group is to run one more case of a random shape, which the caller draws
 * before run_case. A failure says by which --seed it is the first. */
bool run_fuzz(struct run *run);
/* Begins a case. Its random numbers depend on the seed and on its names only, not on which others are run. */
void run_case(struct run *run, const char *label, ...) __attribute__((format(printf, 2, 3)));
void run_case_end(struct run *run);
/* Marks the case as failed. The first few of a group are printed. */
void run_fail(struct run *run, const char *what, ...) __attribute__((format(printf, 2, 3)));
/* The case must fail with a text that holds `what`, else it has failed. */
void run_await_failure(struct run *run, const char *what);
/* Counts the case as skipped, with a printed reason; instead of run_case. */
void run_skip(struct run *run, const char *reason, ...) __attribute__((format(printf, 2, 3)));
/* Host memory, zeroed, freed with the case. Never NULL: without memory the program ends. */
void *run_memory(struct run *run, size_t n);
double run_seconds(void);

/* ---- random.c ---- */

uint64_t run_random(struct run *run);
/* Below n, n > 0. */
uint32_t run_random_below(struct run *run, uint32_t n);
/* From 1 to most, each order of magnitude as likely as another; one in four is next to a multiple of 32. */
size_t run_random_size(struct run *run, size_t most);
/* In [-1, 1), 24 bits. */
float run_random_float(struct run *run);
void run_random_bytes(struct run *run, void *out, size_t n);

/* ---- compare.c ---- */

/* got is right if |got - wanted| <= absolute + relative * |wanted|. An infinity must be that infinity and a
 * NaN wants a NaN, of any sign and payload. */
struct run_tolerance {
    double absolute, relative;
};

/* The bits must be the same; a NaN only wants a NaN. `first` is added to the index in messages. */
bool run_expect_exact_f32(struct run *run, const char *what, const float *got, const float *wanted, size_t n,
                          size_t first);
bool run_expect_exact_f16(struct run *run, const char *what, const uint16_t *got, const uint16_t *wanted,
                          size_t n, size_t first);
bool run_expect_bytes(struct run *run, const char *what, const void *got, const void *wanted, size_t n);
bool run_expect_near(struct run *run, const char *what, const float *got, const double *wanted, size_t n,
                     struct run_tolerance tolerance);

/* ---- the families ---- */

#define RUN_DECLARE_FAMILY(name) void run_##name(struct run *run);
RUN_FAMILIES(RUN_DECLARE_FAMILY)
#undef RUN_DECLARE_FAMILY

#endif
