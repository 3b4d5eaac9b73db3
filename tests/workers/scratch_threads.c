/* Threads that make private directories while others sweep the abandoned ones away: a directory that was
 * given out stays. A plain program, so that ThreadSanitizer can run it. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "compile/scratch.h"

enum { N_MAKERS = 2, N_SWEEPERS = 2, N_DIRECTORIES = 1500 };

static atomic_int n_making = N_MAKERS, n_lost, n_failed;

static void *make(void *unused)
{
    for (int i = 0; i < N_DIRECTORIES; i++) {
        struct qj_scratch scratch;
        if (qj_scratch_init(&scratch, ".") != QJIT_OK) {
            atomic_fetch_add(&n_failed, 1);
            continue;
        }
        atomic_fetch_add(&n_lost, access(scratch.cwd, F_OK) != 0 || access(scratch.tmp, F_OK) != 0);
        qj_scratch_finish(&scratch);
    }
    atomic_fetch_sub(&n_making, 1);
    return unused;
}

static void *sweep(void *unused)
{
    while (atomic_load(&n_making) > 0) {
        qj_scratch_sweep(".");
    }
    return unused;
}

int main(void)
{
    pthread_t threads[N_MAKERS + N_SWEEPERS];
    for (int i = 0; i < N_MAKERS + N_SWEEPERS; i++) {
        if (pthread_create(&threads[i], NULL, i < N_MAKERS ? make : sweep, NULL) != 0) {
            return 1;
        }
    }
    for (int i = 0; i < N_MAKERS + N_SWEEPERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    (void)printf("%d directories: %d lost, %d could not be made\n", N_MAKERS * N_DIRECTORIES,
                 atomic_load(&n_lost), atomic_load(&n_failed));
    return atomic_load(&n_lost) != 0 || atomic_load(&n_failed) != 0;
}
