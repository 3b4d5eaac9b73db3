/* Threads on one store, on file, in memory and with a shipped one behind it: gets, puts, refusals, lists and
 * stat at once. A plain program because Criterion does not start under ThreadSanitizer. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "cache_support.h"

enum { N_THREADS = 8, N_STEPS = 150, N_KEYS = 24 };

struct worker {
    pthread_t thread;
    struct qj_store *store;
    int seed, n_wrong, n_failed, n_hits;
};

static size_t size_of(int i)
{
    return (size_t)(500 + i * 3500);
}

static int see(void *payload, const struct qj_row *row)
{
    *(size_t *)payload += row->object_bytes;
    return 0;
}

static void *work(void *payload)
{
    struct worker *worker = payload;
    unsigned state = (unsigned)worker->seed;
    for (int step = 0; step < N_STEPS; step++) {
        state = state * 1103515245u + 12345u;
        int i = (int)(state >> 16) % N_KEYS;
        qjit_cache_stat stat = {.struct_size = sizeof stat};
        size_t total = 0;
        struct qj_row row = cache_row(i);
        int found = cache_check(worker->store, i, size_of(i));
        worker->n_wrong += found < 0;
        worker->n_hits += found > 0;
        if (found == 0) {
            worker->n_failed += cache_put(worker->store, i, size_of(i)) != QJIT_OK;
        }
        if (step % 37 == 0) {
            qj_store_refuse(worker->store, row.key, "to be put again");
        }
        if (step % 29 == 0) {
            worker->n_failed += qj_store_stat(worker->store, &stat) != QJIT_OK;
            worker->n_failed += qj_store_each(worker->store, NULL, see, &total) != QJIT_OK;
        }
        if (step == N_STEPS / 2) {
            worker->n_failed +=
                qj_store_clear(worker->store, NULL, &(struct qj_store_filter){.module = "unary"}) != QJIT_OK;
        }
        qj_store_count_compile(worker->store, 1, false);
    }
    return NULL;
}

static int run(const char *directory, const char *shipped)
{
    struct worker workers[N_THREADS];
    struct qj_store *store =
        cache_open_with(&(struct qj_store_options){.directory = directory, .shipped = shipped});
    int n_wrong = 0, n_failed = 0, n_hits = 0;
    for (int i = 0; i < N_THREADS; i++) {
        workers[i] = (struct worker){.store = store, .seed = i + 1};
        if (!store || pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
            return 1;
        }
    }
    for (int i = 0; i < N_THREADS; i++) {
        (void)pthread_join(workers[i].thread, NULL);
        n_wrong += workers[i].n_wrong;
        n_failed += workers[i].n_failed;
        n_hits += workers[i].n_hits;
    }
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    int result = qj_store_stat(store, &stat) != QJIT_OK || n_wrong || n_failed || n_hits < 100 ||
                 stat.n_hits != (uint64_t)n_hits || stat.n_compiles != N_THREADS * N_STEPS;
    qj_store_close(store);
    if (result) {
        (void)fprintf(stderr, "%s: %d wrong, %d failed, %d hits (%d counted)\n",
                      directory ? directory : "memory", n_wrong, n_failed, n_hits, (int)stat.n_hits);
    }
    return result;
}

/* Half of the rows, two of them damaged. */
static int make_shipped(void)
{
    struct qj_store *store = cache_open("shipped");
    int failed = !store;
    for (int i = 0; i < N_KEYS && !failed; i += 2) {
        failed = cache_put(store, i, size_of(i)) != QJIT_OK;
    }
    qj_store_close(store);
    return failed ||
           cache_sql("shipped/store.sqlite", "UPDATE entry SET payload = zeroblob(length(payload)) WHERE id "
                                             "IN (SELECT id FROM entry ORDER BY id LIMIT 2)") != 0;
}

int main(void)
{
    cache_fresh();
    return run("store", NULL) || run(NULL, NULL) || make_shipped() || run("beside", "shipped");
}
