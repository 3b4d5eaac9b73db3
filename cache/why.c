#include <stdlib.h>
#include <string.h>

#include "cache/internal.h"

/* The row that the statement stands on. Damaged rows say nothing. */
static enum qj_miss look_at(sqlite3_stmt *each, const char *unit, const char *arch, const char *compiler)
{
    struct qj_row row;
    struct qj_payload payload;
    void *memory = NULL;
    enum qj_miss why = QJ_MISS_ABSENT;
    if (qj_row_read(&row, &payload, &memory, each) == QJ_ROW_OK) {
        if (strcmp(row.unit, unit) == 0 && strcmp(row.arch, arch) == 0) {
            why = strcmp(row.compiler, compiler) == 0 ? QJ_MISS_SOURCE : QJ_MISS_COMPILER;
        }
        free(memory);
    }
    return why;
}

enum qj_miss qj_store_why(struct qj_store *store, const char *unit, const char *arch, const char *compiler)
{
    struct qj_connection *connection;
    enum qj_miss why = QJ_MISS_ABSENT;
    if (qj_store_borrow(store, &connection) != QJIT_OK) {
        return why;
    }
    sqlite3_stmt *each = qj_connection_statement(connection, QJ_SQL_ENTRY_EACH);
    for (int i = 0; each && i < QJ_WHY_ROWS && why != QJ_MISS_SOURCE && sqlite3_step(each) == SQLITE_ROW;
         i++) {
        enum qj_miss seen = look_at(each, unit, arch, compiler);
        why = seen > why ? seen : why;
    }
    (void)sqlite3_reset(each);
    qj_store_return(store, connection);
    return why;
}
