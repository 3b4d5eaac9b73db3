/* Look-ups while other threads add sources: what was there stays found, what was added is whole. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/registry.h"

enum { N_ADDERS = 2, N_READERS = 2, N_SOURCES = 400, N_UNKNOWN = 256 };

static struct qj_registry *registry;
static char unknown[N_UNKNOWN][32];
static uint32_t n_builtin;

static void check(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "registry_threads: %s\n", what);
        abort();
    }
}

static void *add_sources(void *number)
{
    for (int i = 0; i < N_SOURCES; i++) {
        char unit[64], kernel[64];
        snprintf(unit, sizeof unit, "unit_%ld_%d", (long)(intptr_t)number, i);
        snprintf(kernel, sizeof kernel, "kernel_%ld_%d", (long)(intptr_t)number, i);
        const char *kernels[] = {kernel, "contended"};
        qjit_source source = {.struct_size = sizeof source, .name = unit, .text = "x", .kernels = kernels};
        source.n_kernels = 2; /* "contended" goes to one thread only */
        if (qj_registry_add(registry, NULL, &source) == QJIT_EXISTS)
            source.n_kernels = 1, check(qj_registry_add(registry, NULL, &source) == QJIT_OK, "add");
    }
    return NULL;
}

static void check_one(uint32_t id)
{
    const struct qj_kernel *kernel = qj_registry_kernel(registry, id);
    check(kernel && kernel->name[0], "a counted kernel is there");
    const struct qj_unit *unit = qj_registry_unit(registry, kernel->unit);
    check(unit && unit->first_kernel <= id && id < unit->first_kernel + unit->n_kernels, "and in its unit");
}

static void *look_up(void *unused)
{
    (void)unused;
    uint32_t n = 0;
    while (n < n_builtin + N_ADDERS * N_SOURCES + 1) {
        qjit_kernel id;
        check(qj_registry_find(registry, &id, "quantize_q8_1"), "a built-in kernel is always found");
        for (int i = 0; i < N_UNKNOWN; i++) /* each ends at a free slot, which another name may take */
            check(!qj_registry_find(registry, &id, unknown[i]), "an unknown one never");
        if (qj_registry_find(registry, &id, "kernel_1_399"))
            check(strcmp(qj_registry_kernel(registry, id)->name, "kernel_1_399") == 0,
                  "found is what was asked");
        n = qj_registry_n_kernels(registry);
        check(n >= n_builtin, "counts only grow");
        check_one(n - 1);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[N_ADDERS + N_READERS];
    check(qj_registry_create(&registry) == QJIT_OK, "create");
    for (int i = 0; i < N_UNKNOWN; i++)
        snprintf(unknown[i], sizeof unknown[i], "no_such_kernel_%d", i);
    n_builtin = qj_registry_n_kernels(registry);
    check(n_builtin >= 23, "the built-in kernels are there");
    for (long i = 0; i < N_ADDERS + N_READERS; i++)
        check(pthread_create(&threads[i], NULL, i < N_ADDERS ? add_sources : look_up, (void *)(intptr_t)i) ==
                  0,
              "thread");
    for (int i = 0; i < N_ADDERS + N_READERS; i++)
        pthread_join(threads[i], NULL);
    check(qj_registry_n_kernels(registry) == n_builtin + N_ADDERS * N_SOURCES + 1,
          "each kernel is there once");
    for (uint32_t i = 0; i < qj_registry_n_kernels(registry); i++) {
        check_one(i);
        qjit_kernel id;
        check(qj_registry_find(registry, &id, qj_registry_kernel(registry, i)->name) && id == i,
              "each is found");
    }
    qj_registry_destroy(registry);
    return 0;
}
