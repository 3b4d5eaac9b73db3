/* Sixteen threads want the same kernels of a cold context at once: each unit is compiled once, all get the
 * same functions. A plain program, so that ThreadSanitizer can run it. */
#include <pthread.h>
#include <qjit/qjit.h>
#include <stdio.h>
#include <stdlib.h>

enum { N_THREADS = 16, N_KERNELS = 4 };

static const char *const kernels[N_KERNELS] = {"quantize_q8_1", "dequantize_block_q4_0_f32",
                                               "mul_mat_vec_q4_0_q8_1_cuda5", "mul_mat_vec_q4_0_q8_1_cuda6"};

struct asker {
    qjit_context *context;
    qjit_function functions[N_KERNELS];
    int failed;
};

static void *ask(void *payload)
{
    struct asker *asker = payload;
    for (int i = 0; i < N_KERNELS; i++) {
        if (qjit_get_function(asker->context, &asker->functions[i], 0, kernels[i]) != QJIT_OK) {
            (void)fprintf(stderr, "%s: %s\n", kernels[i], qjit_error_detail());
            asker->failed = 1;
        }
    }
    return NULL;
}

int main(void)
{
    char library[4096], worker[4096];
    (void)snprintf(library, sizeof library, "%s/tests/libfake_hip.so", getenv("QJIT_BUILD"));
    (void)snprintf(worker, sizeof worker, "%s/bin/qjit-worker", getenv("QJIT_BUILD"));
    qjit_options options = QJIT_OPTIONS_INIT;
    options.hip = library;
    options.worker = worker;
    struct asker askers[N_THREADS] = {0};
    pthread_t threads[N_THREADS];
    int failed = qjit_create(&askers[0].context, &options) != QJIT_OK;
    for (int i = 0; i < N_THREADS && !failed; i++) {
        askers[i].context = askers[0].context;
        failed = pthread_create(&threads[i], NULL, ask, &askers[i]) != 0;
    }
    for (int i = 0; i < N_THREADS && !failed; i++) {
        (void)pthread_join(threads[i], NULL);
        failed |= askers[i].failed;
        for (int k = 0; k < N_KERNELS; k++) {
            failed |= askers[i].functions[k] != askers[0].functions[k];
        }
    }
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    failed |= qjit_get_cache_stat(askers[0].context, &stat) != QJIT_OK;
    (void)printf("%d threads, %d kernels in 3 units: %llu compiles\n", N_THREADS, N_KERNELS,
                 (unsigned long long)stat.n_compiles);
    qjit_destroy(askers[0].context);
    return failed || stat.n_compiles != 3;
}
