/* The keeper: a thread of the store that gives up snapshots which hits have left behind, and carries the log
 * over into the file, which waits for the disk and is nothing that a put should wait for. It is started when
 * there is first something to do and sleeps as long as there is nothing. */
#include <stdlib.h>
#include <time.h>

#include "cache/internal.h"

/* The idle connections whose snapshot is to be given up, taken off the list. *is_held tells whether others
 * keep theirs. */
static struct qj_connection *take_unused(struct qj_store *store, bool *is_held)
{
    int64_t now = qj_hold_now();
    struct qj_connection *unused = NULL, **at = &store->idle;
    *is_held = false;
    while (*at) {
        struct qj_connection *connection = *at;
        if (connection->hold.record && now - connection->hold.used >= QJ_HOLD_IDLE_MS) {
            *at = connection->next;
            connection->next = unused;
            unused = connection;
        } else {
            *is_held = *is_held || connection->hold.record;
            at = &connection->next;
        }
    }
    return unused;
}

static void give_up(struct qj_store *store, struct qj_connection *unused)
{
    while (unused) {
        struct qj_connection *next = unused->next;
        qj_hold_end(unused);
        qj_store_return(store, unused);
        unused = next;
    }
}

/* Passive: neither readers nor writers wait for it, and what readers still need of the log is left. */
static void carry_over(struct qj_store *store)
{
    struct qj_connection *connection;
    if (qj_store_borrow(store, &connection) == QJIT_OK) {
        (void)qj_connection_run(connection, QJ_SQL_CHECKPOINT_PASSIVE);
        qj_store_return(store, connection);
    }
}

static void *keep(void *payload)
{
    struct qj_store *store = payload;
    (void)pthread_mutex_lock(&store->lock);
    while (!store->is_closing) {
        bool is_held;
        if (store->wants_checkpoint) {
            (void)pthread_mutex_unlock(&store->lock);
            carry_over(store);
            (void)pthread_mutex_lock(&store->lock);
            store->wants_checkpoint = false;
            (void)pthread_cond_broadcast(&store->returned);
            continue;
        }
        struct qj_connection *unused = take_unused(store, &is_held);
        if (unused) {
            (void)pthread_mutex_unlock(&store->lock);
            give_up(store, unused);
            (void)pthread_mutex_lock(&store->lock);
        } else if (is_held) {
            struct timespec until;
            (void)clock_gettime(CLOCK_MONOTONIC, &until);
            until.tv_nsec += QJ_HOLD_IDLE_MS * 1000000L;
            until.tv_sec += until.tv_nsec / 1000000000;
            until.tv_nsec %= 1000000000;
            (void)pthread_cond_timedwait(&store->wake, &store->lock, &until);
        } else {
            store->keeper_sleeps = true;
            (void)pthread_cond_wait(&store->wake, &store->lock);
            store->keeper_sleeps = false;
        }
    }
    (void)pthread_mutex_unlock(&store->lock);
    return NULL;
}

/* Signals are the program's: the keeper takes none. */
bool qj_keeper_start(struct qj_store *store)
{
    sigset_t all, before;
    (void)pthread_mutex_lock(&store->lock);
    if (!store->has_keeper && !store->is_closing) {
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        store->has_keeper = pthread_create(&store->keeper, NULL, keep, store) == 0;
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    bool has_keeper = store->has_keeper;
    (void)pthread_mutex_unlock(&store->lock);
    return has_keeper;
}

void qj_keeper_wake(struct qj_store *store)
{
    if (store->keeper_sleeps && (store->wants_checkpoint || store->idle->hold.record)) {
        store->keeper_sleeps = false;
        (void)pthread_cond_signal(&store->wake);
    }
}

void qj_keeper_stop(struct qj_store *store)
{
    (void)pthread_mutex_lock(&store->lock);
    store->is_closing = true;
    (void)pthread_cond_signal(&store->wake);
    (void)pthread_mutex_unlock(&store->lock);
    if (store->has_keeper) {
        (void)pthread_join(store->keeper, NULL);
        store->has_keeper = false;
    }
}

/* How long the log may get before the keeper carries it over, and before the writer does, which waits for the
 * disk. Where the store has a limit the log is part of what it takes: at most a thirty-second part. */
static void log_pages(const struct qj_store *store, int *out_keeper, int *out_writer)
{
    enum { LEAST = 64 };
    uint64_t n = store->max_bytes ? store->max_bytes / 32 / QJ_STORE_PAGE_BYTES : QJ_STORE_LOG_PAGES;
    n = n > QJ_STORE_LOG_PAGES ? QJ_STORE_LOG_PAGES : n < LEAST ? LEAST : n;
    *out_writer = (int)n;
    *out_keeper = *out_writer / 2 < QJ_STORE_CHECKPOINT_PAGES ? *out_writer / 2 : QJ_STORE_CHECKPOINT_PAGES;
}

/* While one carries the log over, SQLite lets no other. */
static void wait_for_keeper(struct qj_store *store)
{
    (void)pthread_mutex_lock(&store->lock);
    while (store->has_keeper && store->wants_checkpoint) {
        (void)pthread_cond_wait(&store->returned, &store->lock);
    }
    (void)pthread_mutex_unlock(&store->lock);
}

void qj_keeper_see_log(struct qj_store *store, struct qj_connection *connection)
{
    int n_pages = connection->n_log_pages;
    connection->n_log_pages = 0;
    int n_keeper, n_writer;
    log_pages(store, &n_keeper, &n_writer);
    if (n_pages < n_keeper) {
        return;
    }
    bool is_late = n_pages >= n_writer;
    if (is_late) {
        wait_for_keeper(store);
    }
    if (is_late || !qj_keeper_start(store)) {
        (void)qj_connection_run(connection, QJ_SQL_CHECKPOINT_PASSIVE);
        return;
    }
    (void)pthread_mutex_lock(&store->lock);
    store->wants_checkpoint = true;
    (void)pthread_cond_signal(&store->wake);
    (void)pthread_mutex_unlock(&store->lock);
}
