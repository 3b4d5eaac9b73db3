#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/status.h"
#include "cache/internal.h"

/* Takes every idle connection off the list; those lent out are closed when they come back. */
static struct qj_connection *retire_connections(struct qj_store *store)
{
    struct qj_connection *idle = store->idle;
    store->idle = NULL;
    store->generation++;
    return idle;
}

static void close_all(struct qj_connection *connection)
{
    while (connection) {
        struct qj_connection *next = connection->next;
        qj_connection_close(connection);
        connection = next;
    }
}

static void go_to_memory(struct qj_store *store, const char *reason)
{
    struct qj_connection *idle = NULL;
    (void)pthread_mutex_lock(&store->lock);
    bool first = store->place.mode != QJ_STORE_MEMORY;
    if (first) {
        store->place.mode = QJ_STORE_MEMORY;
        store->later_reason = strdup(reason);
        idle = retire_connections(store);
    }
    (void)pthread_mutex_unlock(&store->lock);
    close_all(idle);
    if (first && store->place.is_shipped) {
        qj_shipped_leave_out(store, reason);
    } else if (first) {
        qj_log(store->log, QJIT_LOG_WARNING, "the store is in memory only: %s", reason);
    }
}

/* A copy to work with while no lock is held; its strings are never changed. */
static struct qj_place place_now(struct qj_store *store)
{
    (void)pthread_mutex_lock(&store->lock);
    struct qj_place place = store->place;
    (void)pthread_mutex_unlock(&store->lock);
    return place;
}

/* Sets a damaged file aside and begins a new one with what is sound in it. */
static void begin_anew(struct qj_store *store, ino_t inode, const char *why)
{
    struct qj_place place = place_now(store);
    if (place.mode != QJ_STORE_FILE) {
        go_to_memory(store, why);
        return;
    }
    qj_log(store->log, QJIT_LOG_WARNING, "the store is set aside and a new one begun: %s", why);
    (void)pthread_mutex_lock(&store->lock);
    struct qj_connection *idle = retire_connections(store);
    (void)pthread_mutex_unlock(&store->lock);
    close_all(idle);
    char *aside = NULL;
    if (qj_place_set_aside(&place, &aside, inode) != 0 || qj_place_create(&place) != 0) {
        go_to_memory(store, place.reason);
    } else if (aside) {
        uint64_t n_rows = qj_salvage(&place, aside);
        qj_log(store->log, QJIT_LOG_INFO, "%" PRIu64 " sound rows of '%s' are kept", n_rows, aside);
    }
    free(aside);
}

/* An idle connection, or NULL: then *place and *generation are what to open one with. */
static struct qj_connection *take_idle(struct qj_store *store, struct qj_place *place, unsigned *generation)
{
    (void)pthread_mutex_lock(&store->lock);
    while (store->place.mode == QJ_STORE_MEMORY && store->memory_is_lent) {
        (void)pthread_cond_wait(&store->returned, &store->lock);
    }
    struct qj_connection *connection = store->idle;
    if (connection) {
        store->idle = connection->next;
    } else {
        *place = store->place;
        *generation = store->generation;
    }
    if (store->place.mode == QJ_STORE_MEMORY) {
        store->memory_is_lent = true;
    }
    (void)pthread_mutex_unlock(&store->lock);
    return connection;
}

/* Opens a connection of a memory store failed: let the next thread try. */
static void give_up_memory(struct qj_store *store)
{
    (void)pthread_mutex_lock(&store->lock);
    store->memory_is_lent = false;
    (void)pthread_cond_broadcast(&store->returned);
    (void)pthread_mutex_unlock(&store->lock);
}

/* Whether another process has set the file aside meanwhile. Whoever is first then begins the new one. */
static bool is_replaced(struct qj_place *place, ino_t inode)
{
    struct stat info;
    return place->mode == QJ_STORE_FILE && (lstat(place->path, &info) != 0 || info.st_ino != inode) &&
           qj_place_create(place) == 0;
}

qjit_status qj_store_borrow_to_hit(struct qj_store *store, struct qj_connection **out)
{
    char why[1024] = "";
    /* At most: damaged, damaged again, in memory. */
    for (int attempt = 0; attempt < 4; attempt++) {
        struct qj_place place = {0};
        unsigned generation = 0;
        struct qj_connection *connection = take_idle(store, &place, &generation);
        if (connection) {
            *out = connection;
            return QJIT_OK;
        }
        ino_t inode = 0;
        enum qj_open_result result = qj_connection_open(&connection, &place, &inode, why, sizeof why);
        if (result == QJ_OPEN_OK) {
            connection->generation = generation;
            *out = connection;
            return QJIT_OK;
        }
        if (place.mode == QJ_STORE_MEMORY) {
            give_up_memory(store);
            return qj_fail(QJIT_NO_MEMORY, "out of memory for a store in memory");
        }
        if (result == QJ_OPEN_NO_MEMORY) {
            return qj_fail(QJIT_NO_MEMORY, "out of memory opening '%s'", place.path);
        }
        if (result == QJ_OPEN_FAILED && store->is_open) {
            break; /* it has been open, so this may pass: descriptors run out, and come back */
        }
        if (result == QJ_OPEN_FAILED && attempt < 2 && is_replaced(&place, inode)) {
            continue;
        }
        if (result == QJ_OPEN_DAMAGED && attempt < 2) {
            begin_anew(store, inode, why);
        } else {
            go_to_memory(store, why);
        }
    }
    return qj_fail(QJIT_CACHE_UNUSABLE, "%s", why);
}

qjit_status qj_store_borrow(struct qj_store *store, struct qj_connection **out)
{
    qjit_status status = qj_store_borrow_to_hit(store, out);
    if (status == QJIT_OK) {
        qj_hold_end(*out);
    }
    return status;
}

void qj_store_return(struct qj_store *store, struct qj_connection *connection)
{
    (void)pthread_mutex_lock(&store->lock);
    bool keep = connection->generation == store->generation;
    if (keep) {
        connection->next = store->idle;
        store->idle = connection;
        qj_keeper_wake(store);
    }
    if (connection->is_memory) {
        store->memory_is_lent = false;
        (void)pthread_cond_broadcast(&store->returned);
    }
    (void)pthread_mutex_unlock(&store->lock);
    if (!keep) {
        qj_connection_close(connection);
    }
}

qjit_status qj_store_fail(struct qj_store *store, struct qj_connection *connection, int code,
                          const char *what)
{
    char why[1024];
    const char *path = connection->is_memory ? ":memory:" : store->place.path;
    (void)sqlite3_snprintf(sizeof why, why, "cannot %s '%s': %s", what, path, sqlite3_errstr(code));
    ino_t inode = connection->inode;
    bool damaged = !connection->is_memory && qj_sqlite_is_damage(code);
    qj_store_return(store, connection);
    if (damaged) {
        begin_anew(store, inode, why);
    }
    return qj_fail((code & 0xff) == SQLITE_NOMEM ? QJIT_NO_MEMORY : QJIT_CACHE_UNUSABLE, "%s", why);
}

uint64_t qj_store_used_bytes(struct qj_connection *connection)
{
    int64_t n_pages = qj_connection_number(connection, QJ_SQL_PAGE_COUNT, 0) -
                      qj_connection_number(connection, QJ_SQL_PAGE_FREE_COUNT, 0);
    return n_pages > 0 ? (uint64_t)n_pages * QJ_STORE_PAGE_BYTES : 0;
}

struct qj_store *qj_store_create(const struct qj_log *log)
{
    struct qj_store *store = calloc(1, sizeof *store);
    if (!store) {
        return NULL;
    }
    store->log = log;
    (void)pthread_mutex_init(&store->lock, NULL);
    (void)pthread_cond_init(&store->returned, NULL);
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&store->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    return store;
}

qjit_status qj_store_open(struct qj_store **out, const struct qj_store_options *options)
{
    struct qj_store *store = qj_store_create(options->log);
    if (!store) {
        return qj_fail(QJIT_NO_MEMORY, "out of memory opening the store");
    }
    store->max_bytes = options->max_bytes;
    store->trust = options->trust;
    struct qj_connection *connection;
    qjit_status status = QJIT_NO_MEMORY;
    if (qj_place_init(&store->place, options->directory) != 0) {
        (void)qj_fail(QJIT_NO_MEMORY, "out of memory opening the store");
        goto failed;
    }
    if (store->place.mode == QJ_STORE_FILE && qj_place_create(&store->place) != 0) {
        store->place.mode = QJ_STORE_MEMORY;
    }
    if (store->place.mode != QJ_STORE_FILE && options->directory) {
        qj_log(store->log, QJIT_LOG_WARNING, "%s%s",
               store->place.mode == QJ_STORE_MEMORY ? "the store is in memory only: " : "the store is ",
               store->place.reason);
    }
    status = qj_store_borrow(store, &connection);
    if (status != QJIT_OK) {
        goto failed;
    }
    qj_store_return(store, connection);
    status = options->shipped ? qj_shipped_open(store, options->shipped) : QJIT_OK;
    if (status != QJIT_OK) {
        goto failed;
    }
    store->is_open = true;
    *out = store;
    return QJIT_OK;
failed:
    qj_store_close(store);
    return status;
}

const char *qj_store_directory(const struct qj_store *store)
{
    return store->place.mode == QJ_STORE_FILE ? store->place.directory : NULL;
}

void qj_store_close(struct qj_store *store)
{
    if (!store) {
        return;
    }
    qj_keeper_stop(store);
    qj_store_flush(store);
    close_all(store->idle);
    qj_shipped_close(store);
    qj_place_finish(&store->place);
    (void)pthread_cond_destroy(&store->returned);
    (void)pthread_cond_destroy(&store->wake);
    (void)pthread_mutex_destroy(&store->lock);
    free(store->later_reason);
    free(store->stamps);
    free(store->shipped_as);
    free(store->refused);
    free(store->kept);
    free(store);
}
