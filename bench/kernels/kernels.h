/* What the files of bench_kernels share: the device with its arenas, the list of what can be measured, and
 * the measuring of one case. One thread; a call that cannot go on prints why and ends the program. */
#ifndef QJIT_BENCH_KERNELS_H
#define QJIT_BENCH_KERNELS_H

#include <qjit/qjit.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench.h"

enum { NO_DEVICE = 77 };

struct options {
    const char *hip;                           /* as qjit_options.hip */
    const char *family, *type, *shape, *batch; /* comma-separated; NULL: all of the defaults */
    const char *cublas;                        /* the library's path; NULL: the usual names */
    double seconds;                            /* of measured launches a case */
    size_t rotate_bytes;                       /* that the launches of a case go through */
};

/* The HIP functions that are called, from whichever library the context uses. */
struct hip {
    int (*hipSetDevice)(int device);
    int (*hipMalloc)(void **out, size_t n);
    int (*hipFree)(void *memory);
    int (*hipMemcpyAsync)(void *to, const void *from, size_t n, int kind, void *stream);
    int (*hipMemcpy)(void *to, const void *from, size_t n, int kind);
    int (*hipMemGetInfo)(size_t *free_bytes, size_t *total_bytes);
    int (*hipDeviceSynchronize)(void);
    int (*hipDriverGetVersion)(int *version);
    int (*hipEventCreate)(void **out);
    int (*hipEventRecord)(void *event, void *stream);
    int (*hipEventSynchronize)(void *event);
    int (*hipEventElapsedTime)(float *ms, void *start, void *stop);
    int (*hipModuleLaunchKernel)(void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                                 unsigned block_x, unsigned block_y, unsigned block_z, unsigned lds_bytes,
                                 void *stream, void **params, void **extra);
    const char *(*hipGetErrorName)(int error);
};

/* Device memory, taken once. */
struct arena {
    char *start;
    size_t n_bytes;
};

/* What the device itself does, as of the last measuring. */
struct peaks {
    double copy_gbps; /* bytes read and written, the better one of the next two */
    double copy_kernel_gbps, memcpy_gbps;
    double dp4a_gops; /* a dot product of four counts as eight operations */
    double empty_us;  /* an empty kernel after another */
};

struct device {
    qjit_context *context;
    struct hip hip;
    qjit_device facts;
    char found[256], compiler[256]; /* what qjit says of the HIP library and of the compiler */
    int driver;
    void *start, *stop;         /* events */
    struct arena in, out, side; /* weights; results; activations, ids and what is small */
    struct peaks peaks;
};

/* A kernel launch as a case repeats it. */
struct launch {
    qjit_function function;
    unsigned grid[3], block[3];
    void *params[10];
};

/* ---- device.c ---- */

/* 0, or NO_DEVICE with the reason printed. */
int device_open(struct device *out, const struct options *options);
void device_close(struct device *device);
qjit_function device_function(struct device *device, const char *kernel);
void device_check(const struct device *device, int error, const char *what);
void device_launch(const struct device *device, struct launch *launch);
/* Microseconds of one call of `act`, which queues work for turn i: the median of several batches of calls
 * back to back between two events, of `seconds` together. */
double device_time_us(const struct device *device, double seconds, void (*act)(void *payload, size_t i),
                      void *payload);

/* ---- own.c: kernels of our own ---- */

void own_add(struct device *device);
/* Fills with random bytes. */
void own_fill(struct device *device, struct arena arena);
/* Makes the two bytes at each offset of n_blocks blocks f16 numbers of a model's size; of n_copies rows of
 * blocks that are `stride` bytes apart. */
void own_set_scales(struct device *device, void *blocks, size_t block_bytes, const unsigned offsets[2],
                    size_t n_blocks, size_t n_copies, size_t stride);
/* Into device->peaks. */
void own_measure(struct device *device, double seconds);

/* ---- types.c ---- */

/* A block type. Where there is no f16 scale to set both offsets are NO_SCALE. */
struct type {
    const char *name;
    unsigned n_elements, n_bytes, scales[2];
};
#define NO_SCALE (~0u)

/* NULL: none of that name. */
const struct type *type_find(const char *name);

/* ---- families.c ---- */

/* One measurement. in, out, side and ids are what the kernel's parameters point to; before each launch in and
 * out move on through their arenas, and ids through as many sets of random numbers. */
struct work {
    const char *family, *kernel;
    struct type type;
    unsigned n, k, batch;
    struct launch launch; /* without the function */
    void *in, *out, *side, *ids;
    size_t in_bytes; /* weights or inputs of a launch; 0: all of the arena */
    size_t out_bytes, side_bytes;
    unsigned n_ids, ids_below; /* of a launch; they are below ids_below */
    int ints[8];
    int64_t columns;
    size_t row_bytes;
    double bytes; /* that a launch must move; of "moe" for each expert */
    double ops;
    bool is_for_dp4a; /* compared with the dot products' peak, not with the copy */
};
enum { ID_SETS = 16 };

/* Calls `each` for every case that the options ask for. */
void families_each(struct device *device, const struct options *options,
                   void (*each)(void *payload, struct work *work), void *payload);
bool is_listed(const char *list, const char *word);

/* ---- cublas.c: dequantising to f16 and a product of matrices by cuBLAS ---- */

struct cublas;
/* NULL with the reason in *why: there is no comparison. */
struct cublas *cublas_open(const struct device *device, const char *path, const char **why);
void cublas_close(struct cublas *cublas);
/* Microseconds for the weights and the batch of `work`, dequantised by the kernels of `family`; 0 with the
 * reason in *why. */
double cublas_time_us(struct cublas *cublas, struct device *device, const struct work *work,
                      const char *family, double seconds, const char **why);

#endif
