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

static int remove_oldest(struct qj_connection *connection, uint64_t *out, struct qj_list *list,
                         uint64_t max_bytes, const int64_t *keep)
{
    int code = qj_list_gather(list, connection, NULL);
    if (code == SQLITE_OK && list->n_rows) {
        qsort(list->rows, list->n_rows, sizeof *list->rows, by_use);
    }
    for (size_t i = 0; i < list->n_rows && code == SQLITE_OK; i++) {
        if (qj_store_used_bytes(connection) <= max_bytes) {
            break;
        }
        if (!keep || list->rows[i].id != *keep) {
            ++*out;
            code = qj_connection_remove(connection, QJ_SQL_ENTRY_REMOVE, list->rows[i].id);
            code = code ? code : qj_connection_remove(connection, QJ_SQL_STAMP_REMOVE, list->rows[i].id);
        }
    }
    return code;
}

int qj_evict(struct qj_connection *connection, uint64_t *out, uint64_t max_bytes, const int64_t *keep)
{
    struct qj_list list = {0};
    uint64_t n = 0;
    int code = qj_connection_run(connection, QJ_SQL_BEGIN);
    if (code != SQLITE_OK) {
        return code;
    }
    code = remove_oldest(connection, &n, &list, max_bytes, keep);
    code = code == SQLITE_OK ? qj_connection_run(connection, QJ_SQL_COMMIT) : code;
    if (code != SQLITE_OK) {
        (void)qj_connection_run(connection, QJ_SQL_ROLLBACK);
    } else if (out) {
        *out = n;
    }
    qj_list_finish(&list);
    return code;
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
