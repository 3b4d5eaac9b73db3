/* lookup LIBRARY: what a hot qjit_get_function costs, by id and by name, on 1 to 16 threads.
 *
 * LIBRARY is any HIP library with a device; the recording one of tests/fake_hip will do, since a hit calls
 * nothing of it. The ratio is against an indirect call through a volatile pointer to a function that returns
 * its argument, in the same loop: the least a call across a library boundary can cost. */
#include <pthread.h>
#include <qjit/qjit.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"

enum { N_CALLS = 2000000, N_ROUNDS = 9, N_THREADS_MAX = 16 };

static const char name[] = "dequantize_block_q4_0_f32";

struct looker {
    pthread_t thread;
    qjit_context *context;
    qjit_kernel kernel;
    int by_name;
    pthread_barrier_t *start;
    double ns_per_call; /* of this thread's own processor time */
    uintptr_t sum;      /* so that nothing is optimised away */
};

static uintptr_t identity(uintptr_t value)
{
    return value;
}

static uintptr_t (*volatile indirect)(uintptr_t) = identity;

static uint64_t thread_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void *look(void *payload)
{
    struct looker *looker = payload;
    (void)pthread_barrier_wait(looker->start);
    uintptr_t sum = 0; /* of its own: the lookers of two threads lie in one cache line */
    uint64_t start = thread_ns();
    for (int i = 0; i < N_CALLS; i++) {
        qjit_function function = NULL;
        if (looker->by_name) {
            (void)qjit_get_function(looker->context, &function, 0, name);
        } else {
            (void)qjit_get_function_by_id(looker->context, &function, 0, looker->kernel);
        }
        sum += (uintptr_t)function;
    }
    looker->ns_per_call = (double)(thread_ns() - start) / N_CALLS;
    looker->sum = sum;
    return NULL;
}

/* Median over the threads of one round. */
static double run_round(qjit_context *context, qjit_kernel kernel, int by_name, unsigned n_threads)
{
    struct looker lookers[N_THREADS_MAX];
    double ns[N_THREADS_MAX];
    pthread_barrier_t start;
    (void)pthread_barrier_init(&start, NULL, n_threads);
    for (unsigned i = 0; i < n_threads; i++) {
        lookers[i] =
            (struct looker){.context = context, .kernel = kernel, .by_name = by_name, .start = &start};
        if (pthread_create(&lookers[i].thread, NULL, look, &lookers[i]) != 0) {
            (void)fprintf(stderr, "lookup: cannot start a thread\n");
            exit(1);
        }
    }
    for (unsigned i = 0; i < n_threads; i++) {
        (void)pthread_join(lookers[i].thread, NULL);
        ns[i] = lookers[i].ns_per_call;
    }
    (void)pthread_barrier_destroy(&start);
    return bench_median(ns, n_threads);
}

static double indirect_call_ns(void)
{
    uintptr_t sum = 0;
    uint64_t start = thread_ns();
    for (int i = 0; i < N_CALLS; i++) {
        sum += indirect((uintptr_t)i);
    }
    double ns = (double)(thread_ns() - start) / N_CALLS;
    return sum ? ns : 0;
}

static void measure(qjit_context *context, qjit_kernel kernel, int by_name, unsigned n_threads)
{
    double ns[N_ROUNDS], base[N_ROUNDS], ratio[N_ROUNDS];
    for (int i = 0; i < N_ROUNDS; i++) {
        base[i] = indirect_call_ns();
        ns[i] = run_round(context, kernel, by_name, n_threads);
        ratio[i] = ns[i] / base[i];
    }
    struct bench_line line;
    bench_begin(&line, "lookup");
    bench_text(&line, "by", by_name ? "name" : "id");
    bench_number(&line, "threads", n_threads);
    bench_number(&line, "ns_per_call", bench_median(ns, N_ROUNDS));
    bench_number(&line, "indirect_call_ns", bench_median(base, N_ROUNDS));
    bench_number(&line, "ratio", bench_median(ratio, N_ROUNDS));
    bench_end(&line);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: lookup HIP-LIBRARY\n");
        return 2;
    }
    qjit_options options = QJIT_OPTIONS_INIT;
    options.hip = argv[1];
    qjit_context *context;
    qjit_function function;
    qjit_kernel kernel;
    if (qjit_create(&context, &options) != QJIT_OK || qjit_find_kernel(context, &kernel, name) != QJIT_OK ||
        qjit_get_function_by_id(context, &function, 0, kernel) != QJIT_OK) {
        (void)fprintf(stderr, "lookup: %s\n", qjit_error_detail());
        return 1;
    }
    for (int by_name = 0; by_name < 2; by_name++) {
        for (unsigned n_threads = 1; n_threads <= N_THREADS_MAX; n_threads *= 2) {
            measure(context, kernel, by_name, n_threads);
        }
    }
    qjit_destroy(context);
    return 0;
}
