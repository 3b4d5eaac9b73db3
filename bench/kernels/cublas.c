#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

/* Of cublas_api.h and library_types.h. */
enum { OP_N = 0, OP_T = 1, R_32F = 0, R_16F = 2, COMPUTE_32F = 68, GEMM_DEFAULT = -1 };

struct cublas {
    void *library, *handle;
    int (*destroy)(void *handle);
    int (*gemm)(void *handle, int op_a, int op_b, int m, int n, int k, const void *alpha, const void *a,
                int type_a, int lda, const void *b, int type_b, int ldb, const void *beta, void *c,
                int type_c, int ldc, int compute, int algorithm);
};

static void *open_library(const char *path)
{
    static const char *const names[] = {
        "libcublas.so.13",
        "libcublas.so.12",
        "/usr/local/cuda/lib64/libcublas.so.13",
        "/usr/local/cuda/lib64/libcublas.so.12",
    };
    void *library = path ? dlopen(path, RTLD_NOW) : NULL;
    for (size_t i = 0; !path && !library && i < sizeof names / sizeof *names; i++) {
        library = dlopen(names[i], RTLD_NOW);
    }
    return library;
}

struct cublas *cublas_open(const struct device *device, const char *path, const char **why)
{
    struct cublas *cublas = calloc(1, sizeof *cublas);
    int (*create)(void **out) = NULL;
    *why = "not an NVIDIA device";
    if (!cublas || strncmp(device->facts.arch, "sm_", 3) != 0) {
        free(cublas);
        return NULL;
    }
    *why = "there is no libcublas.so.12 or .13 here: name it with --cublas";
    cublas->library = open_library(path);
    if (cublas->library) {
        void *symbols[] = {dlsym(cublas->library, "cublasCreate_v2"),
                           dlsym(cublas->library, "cublasDestroy_v2"),
                           dlsym(cublas->library, "cublasGemmEx")};
        memcpy(&create, &symbols[0], sizeof create);
        memcpy(&cublas->destroy, &symbols[1], sizeof cublas->destroy);
        memcpy(&cublas->gemm, &symbols[2], sizeof cublas->gemm);
        *why = "cublasCreate fails";
    }
    if (!create || !cublas->destroy || !cublas->gemm || create(&cublas->handle) != 0) {
        free(cublas);
        return NULL;
    }
    return cublas;
}

void cublas_close(struct cublas *cublas)
{
    if (cublas) {
        (void)cublas->destroy(cublas->handle);
        free(cublas);
    }
}

struct turns {
    struct cublas *cublas;
    const struct device *device;
    struct work weights; /* the dequantize kernel's case */
    unsigned batch;
    size_t n_copies;
    int error;
};

/* out[batch][n] = activations[batch][k] * weights[n][k], all f16, sums in f32. */
static void act(void *payload, size_t i)
{
    struct turns *turns = payload;
    struct work *work = &turns->weights;
    const struct device *device = turns->device;
    const float one = 1, zero = 0;
    const int n = (int)work->n, k = (int)work->k;
    work->in = device->in.start + i % turns->n_copies * ((work->in_bytes + 255) / 256 * 256);
    device_launch(device, &work->launch);
    turns->error |= turns->cublas->gemm(turns->cublas->handle, OP_T, OP_N, n, (int)turns->batch, k, &one,
                                        work->out, R_16F, k, device->side.start, R_16F, k, &zero,
                                        device->side.start + device->side.n_bytes / 2 / 256 * 256, R_16F, n,
                                        COMPUTE_32F, GEMM_DEFAULT);
}

struct wanted {
    struct turns *turns;
    bool found;
};

static void take_f16(void *payload, struct work *work)
{
    struct wanted *wanted = payload;
    if (strstr(work->kernel, "_f16")) {
        wanted->turns->weights = *work;
        wanted->found = true;
    }
}

double cublas_time_us(struct cublas *cublas, struct device *device, const struct work *work,
                      const char *family, double seconds, const char **why)
{
    char shape[64];
    struct turns turns = {.cublas = cublas, .device = device, .batch = work->batch};
    struct wanted wanted = {&turns, false};
    (void)snprintf(shape, sizeof shape, "%ux%u", work->n, work->k);
    const struct options options = {.family = family, .type = work->type.name, .shape = shape};
    families_each(device, &options, take_f16, &wanted);
    if (!wanted.found) {
        *why = "there is no kernel that dequantises this type to f16";
        return 0;
    }
    struct work *own = &turns.weights;
    own->launch.function = device_function(device, own->kernel);
    own->launch.params[0] = &own->in; /* where the case lies now */
    own->launch.params[1] = &own->out;
    own->launch.params[2] = own->columns ? (void *)&own->columns : (void *)&own->ints[0];
    own->out = device->out.start;
    turns.n_copies = device->in.n_bytes / ((own->in_bytes + 255) / 256 * 256);
    const double us = device_time_us(device, seconds, act, &turns);
    *why = "cublasGemmEx fails";
    return turns.error == 0 ? us : 0;
}
