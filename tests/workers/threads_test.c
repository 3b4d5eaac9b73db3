/* Many threads on few places, some of their workers dying: every job gets its own answer. Runs under TSan. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "workers/stage.h"

enum { N_THREADS = 8, N_JOBS = 6 };

static struct stage stage;
static atomic_int n_ok, n_crashed, n_other;

static void *work(void *unused)
{
    (void)unused;
    for (int i = 0; i < N_JOBS; i++) {
        struct qj_compiled compiled;
        qjit_status status = qj_pool_compile(stage.pool, &compiled, &stage.plan);
        atomic_fetch_add(status == QJIT_OK                ? &n_ok
                         : status == QJIT_COMPILE_CRASHED ? &n_crashed
                                                          : &n_other,
                         1);
        qj_compiled_finish(&compiled);
    }
    return NULL;
}

static int run(const char *behaviour, atomic_int *counted)
{
    pthread_t threads[N_THREADS];
    stage_init(&stage, behaviour, 3, 60000);
    for (int i = 0; i < N_THREADS; i++) {
        if (pthread_create(&threads[i], NULL, work, NULL) != 0) {
            return 1;
        }
    }
    for (int i = 0; i < N_THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    const char *left = stage_finish(&stage);
    (void)printf("%s: %d of %d as expected, %d otherwise; left: %s\n", behaviour, atomic_load(counted),
                 N_THREADS * N_JOBS, atomic_load(&n_other), left ? left : "nothing");
    return left || atomic_load(counted) != N_THREADS * N_JOBS;
}

int main(void)
{
    return run("well", &n_ok) | run("crashes", &n_crashed);
}
