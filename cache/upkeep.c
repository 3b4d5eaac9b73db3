/* What is done to a whole store: its oldest rows removed, every row verified. */
#include <stdlib.h>

#include "base/status.h"
#include "cache/internal.h"

static int by_use(const void *a, const void *b)
{
    const struct qj_listed *x = a, *y = b;
    return x->row.used != y->row.used ? (x->row.used > y->row.used) - (x->row.used < y->row.used)
                                      : (x->id > y->id) - (x->id < y->id);
}

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void qj_store_keep(struct qj_store *store, const uint8_t key[static QJ_DIGEST_BYTES])
{
    int64_t id = qj_row_id(key);
    (void)pthread_mutex_lock(&store->lock);
    bool known = store->n_kept && bsearch(&id, store->kept, store->n_kept, sizeof id, by_id);
    int64_t *kept = known ? NULL : realloc(store->kept, (store->n_kept + 1) * sizeof *kept);
    if (kept) {
        size_t at = store->n_kept++;
        for (; at > 0 && kept[at - 1] > id; at--) {
            kept[at] = kept[at - 1];
        }
        kept[at] = id;
        store->kept = kept;
    }
    (void)pthread_mutex_unlock(&store->lock);
}

static bool is_kept(struct qj_store *store, int64_t id)
{
    (void)pthread_mutex_lock(&store->lock);
    bool kept = store->n_kept && bsearch(&id, store->kept, store->n_kept, sizeof id, by_id);
    (void)pthread_mutex_unlock(&store->lock);
    return kept;
}

int qj_evict(struct qj_store *store, struct qj_connection *connection, uint64_t *out, uint64_t max_bytes)
{
    struct qj_list list = {0};
    uint64_t n_removed = 0;
    int code = qj_list_gather(&list, connection, NULL);
    if (code == SQLITE_OK && list.n_rows) {
        qsort(list.rows, list.n_rows, sizeof *list.rows, by_use);
    }
    for (size_t i = 0; i < list.n_rows && code == SQLITE_OK; i++) {
        if (qj_store_used_bytes(connection) <= max_bytes) {
            break;
        }
        if (!is_kept(store, list.rows[i].id)) {
            n_removed++;
            code = qj_connection_remove(connection, QJ_SQL_ENTRY_REMOVE, list.rows[i].id);
            code = code ? code : qj_connection_remove(connection, QJ_SQL_STAMP_REMOVE, list.rows[i].id);
        }
    }
    qj_list_finish(&list);
    *out = n_removed;
    return code;
}

void qj_note_evicted(struct qj_store *store, uint64_t n_rows)
{
    if (n_rows) {
        (void)atomic_fetch_add(&store->epoch, 1); /* else a snapshot kept for hits would still have them */
        qj_store_count(store, QJ_EVICTED, n_rows);
        qj_log(store->log, QJIT_LOG_INFO, "removed %llu rows, the longest unused, to make room in the store",
               (unsigned long long)n_rows);
    }
}

/* A row that has gone in the meantime is nobody's fault. */
static qjit_status verify_row(struct qj_store *store, const struct qj_listed *listed,
                              const struct qj_store_verifier *verifier)
{
    struct qj_connection *connection;
    struct qj_entry entry = {0};
    enum qj_row_result result = QJ_ROW_DAMAGED;
    qjit_status status = qj_store_borrow(store, &connection);
    if (status != QJIT_OK) {
        return status;
    }
    int code = listed->is_sound ? qj_entry_read(connection, &entry, &result, listed->row.key) : SQLITE_ROW;
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        qj_entry_finish(&entry);
        return qj_store_fail(store, connection, code, "read");
    }
    const char *reason = code == SQLITE_ROW && result == QJ_ROW_DAMAGED ? QJ_DAMAGED_ROW : NULL;
    if (code == SQLITE_ROW && result == QJ_ROW_OK && verifier->refuses) {
        reason = verifier->refuses(verifier->payload, &entry);
    }
    if (reason) {
        qj_entry_refuse(store, connection, listed->id, reason);
        verifier->removed(verifier->payload, listed->is_sound ? &listed->row : NULL, reason);
    } else {
        qj_store_return(store, connection);
    }
    qj_entry_finish(&entry);
    return result == QJ_ROW_NO_MEMORY
               ? qj_fail(QJIT_NO_MEMORY, "out of memory for a code object from the store")
               : QJIT_OK;
}

qjit_status qj_store_verify(struct qj_store *store, uint64_t *out, const struct qj_store_verifier *verifier)
{
    struct qj_connection *connection;
    struct qj_list list = {0};
    qjit_status status = qj_store_borrow(store, &connection);
    if (status != QJIT_OK) {
        return status;
    }
    int code = qj_list_gather(&list, connection, NULL);
    if (code == SQLITE_OK) {
        qj_store_return(store, connection);
    } else {
        status = qj_store_fail(store, connection, code, "read");
    }
    for (size_t i = 0; i < list.n_rows && status == QJIT_OK; i++) {
        status = verify_row(store, &list.rows[i], verifier);
    }
    *out = list.n_rows;
    qj_list_finish(&list);
    return status;
}
