#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "cache/internal.h"

bool qj_sqlite_is_damage(int code)
{
    int kind = code & 0xff;
    return kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB || kind == SQLITE_ERROR || kind == SQLITE_SCHEMA ||
           kind == SQLITE_MISMATCH || code == SQLITE_IOERR_SHORT_READ;
}

static int pragma_number(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        *out = sqlite3_column_int64(statement, 0);
        code = SQLITE_OK;
    }
    (void)sqlite3_finalize(statement);
    return code;
}

/* What holds for every connection. Mapping spares a hit one copy of its payload; a file that others may cut
 * short under us is not mapped, since touching what is gone would kill the process. Debian's SQLite writes
 * zeros over what is removed unless it is told not to. */
static int set_up(sqlite3 *db, const struct qj_place *place)
{
    char sql[512];
    bool map = place->mode != QJ_STORE_MEMORY && !place->is_shared;
    (void)snprintf(sql, sizeof sql,
                   "PRAGMA trusted_schema=OFF; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=OFF;"
                   "PRAGMA mmap_size=%d;%s",
                   map ? 1 << 30 : 0,
                   place->is_shared && place->mode == QJ_STORE_FILE ? "PRAGMA journal_mode=TRUNCATE;" : "");
    (void)sqlite3_extended_result_codes(db, 1);
    (void)sqlite3_busy_timeout(db, QJ_STORE_BUSY_MS);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL); /* we have none of either */
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, QJ_STORE_LENGTH_BYTES);
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/* Takes the place of SQLite's own, which carries the log over within the commit and waits for the disk. */
static int note_log(void *payload, sqlite3 *db, const char *name, int n_pages)
{
    struct qj_connection *connection = payload;
    (void)db;
    (void)name;
    connection->n_log_pages = n_pages;
    return SQLITE_OK;
}

/* Whether the tables of the file are those of schema.sql, word for word, and there is nothing else: a view or
 * a trigger by the name of a table would run what its maker wrote. */
static bool has_our_tables(sqlite3 *db)
{
    enum { N_TABLES = 3 };
    sqlite3_stmt *statement = NULL;
    int n = 0;
    bool ours = sqlite3_prepare_v2(db, "SELECT sql FROM sqlite_schema WHERE type = 'table'", -1, &statement,
                                   NULL) == SQLITE_OK;
    while (ours && sqlite3_step(statement) == SQLITE_ROW) {
        const char *sql = (const char *)sqlite3_column_text(statement, 0);
        const char *found = sql && *sql ? strstr(qj_sql_schema, sql) : NULL;
        ours = found && strncmp(sql, "CREATE TABLE ", 13) == 0 && found[strlen(sql)] == ';';
        n++;
    }
    (void)sqlite3_finalize(statement);
    int64_t n_all = 0;
    return ours && pragma_number(db, "SELECT count(*) FROM sqlite_schema", &n_all) == SQLITE_OK &&
           n == N_TABLES && n_all == N_TABLES;
}

static enum qj_open_result look_at_header(sqlite3 *db, const struct qj_place *place, char *why, size_t n_why)
{
    int64_t application = 0, version = 0;
    int code = pragma_number(db, "PRAGMA application_id", &application);
    if (code == SQLITE_OK) {
        code = pragma_number(db, "PRAGMA user_version", &version);
    }
    if (code != SQLITE_OK) {
        (void)snprintf(why, n_why, "cannot read '%s': %s", place->path, sqlite3_errmsg(db));
        return qj_sqlite_is_damage(code) ? QJ_OPEN_DAMAGED : QJ_OPEN_FAILED;
    }
    if (application != QJ_STORE_APPLICATION) {
        (void)snprintf(why, n_why, "'%s' is no store of qjit's", place->path);
        return QJ_OPEN_DAMAGED;
    }
    if (version < QJ_STORE_VERSION) {
        (void)snprintf(why, n_why, "'%s' was made by an earlier qjit", place->path);
        return QJ_OPEN_DAMAGED;
    }
    if (version > QJ_STORE_VERSION) {
        (void)snprintf(why, n_why, "'%s' was made by a newer qjit (store version %lld, this one reads %d)%s",
                       place->path, (long long)version, QJ_STORE_VERSION,
                       place->is_shipped ? "" : "; use that one or another QJIT_CACHE_DIR");
        return QJ_OPEN_NEWER;
    }
    if (place->mode == QJ_STORE_FILE && place->path && sqlite3_db_readonly(db, "main") == 1 &&
        access(place->path, W_OK) == 0) { /* a flipped bit would keep every put out for ever */
        (void)snprintf(why, n_why, "the header of '%s' says that it cannot be written", place->path);
        return QJ_OPEN_DAMAGED;
    }
    if (place->is_shipped && !has_our_tables(db)) {
        (void)snprintf(why, n_why, "'%s' has other tables than a store of qjit's", place->path);
        return QJ_OPEN_DAMAGED;
    }
    return QJ_OPEN_OK;
}

/* A store in memory gets its tables at once. */
static int open_memory(sqlite3 **out)
{
    int code = sqlite3_open_v2(":memory:", out, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    return code == SQLITE_OK ? sqlite3_exec(*out, qj_sql_schema, NULL, NULL, NULL) : code;
}

static int open_file(sqlite3 **out, const struct qj_place *place)
{
    int flags = place->mode == QJ_STORE_READ_ONLY ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    flags |= SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    if (!place->path || !place->is_immutable) {
        return sqlite3_open_v2(place->path, out, flags, NULL);
    }
    struct qj_buf uri = {0};
    qj_buf_puts(&uri, "file:");
    for (const char *c = place->path; *c; c++) {
        qj_buf_printf(&uri, *c == '%' || *c == '?' || *c == '#' ? "%%%02x" : "%c", (unsigned char)*c);
    }
    qj_buf_puts(&uri, "?immutable=1");
    int code = uri.failed ? SQLITE_NOMEM : sqlite3_open_v2(uri.bytes, out, flags | SQLITE_OPEN_URI, NULL);
    qj_buf_finish(&uri);
    return code;
}

enum qj_open_result qj_connection_open(struct qj_connection **out, const struct qj_place *place, ino_t *inode,
                                       char *why, size_t n_why)
{
    enum qj_open_result result = QJ_OPEN_OK;
    struct qj_connection *connection = calloc(1, sizeof *connection);
    if (!connection) {
        return QJ_OPEN_NO_MEMORY;
    }
    /* Never opened here: closing any descriptor of the file would drop the locks SQLite has on it. */
    struct stat info = {0};
    if (place->path) {
        (void)lstat(place->path, &info);
    }
    connection->inode = info.st_ino;
    if (inode) {
        *inode = info.st_ino;
    }
    connection->is_memory = place->mode == QJ_STORE_MEMORY;
    connection->is_read_only = place->mode == QJ_STORE_READ_ONLY;
    connection->may_hold = place->mode == QJ_STORE_FILE && !place->is_shared;
    int code =
        place->mode == QJ_STORE_MEMORY ? open_memory(&connection->db) : open_file(&connection->db, place);
    if (code == SQLITE_OK) {
        code = set_up(connection->db, place);
        (void)sqlite3_wal_hook(connection->db, note_log, connection);
    }
    if (code != SQLITE_OK) {
        (void)snprintf(why, n_why, "cannot open '%s': %s", place->path ? place->path : ":memory:",
                       connection->db ? sqlite3_errmsg(connection->db) : sqlite3_errstr(code));
        result = code == SQLITE_NOMEM        ? QJ_OPEN_NO_MEMORY
                 : qj_sqlite_is_damage(code) ? QJ_OPEN_DAMAGED
                                             : QJ_OPEN_FAILED;
    } else if (place->mode != QJ_STORE_MEMORY) {
        result = look_at_header(connection->db, place, why, n_why);
    }
    if (result != QJ_OPEN_OK) {
        qj_connection_close(connection);
        return result;
    }
    *out = connection;
    return QJ_OPEN_OK;
}

void qj_connection_close(struct qj_connection *connection)
{
    if (!connection) {
        return;
    }
    qj_hold_end(connection);
    for (int i = 0; i < QJ_SQL_COUNT; i++) {
        (void)sqlite3_finalize(connection->statements[i]);
    }
    (void)sqlite3_close(connection->db);
    free(connection);
}

sqlite3_stmt *qj_connection_statement(struct qj_connection *connection, enum qj_sql which)
{
    sqlite3_stmt **statement = &connection->statements[which];
    if (!*statement) {
        (void)sqlite3_prepare_v3(connection->db, qj_sql_texts[which], -1, SQLITE_PREPARE_PERSISTENT,
                                 statement, NULL);
        return *statement;
    }
    (void)sqlite3_reset(*statement);
    (void)sqlite3_clear_bindings(*statement);
    return *statement;
}

/* Resets the statement; the code of what it ran into. */
static int run_prepared(sqlite3 *db, sqlite3_stmt *statement)
{
    if (!statement) {
        return sqlite3_extended_errcode(db);
    }
    int code;
    do {
        code = sqlite3_step(statement);
    } while (code == SQLITE_ROW);
    (void)sqlite3_reset(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int qj_connection_run(struct qj_connection *connection, enum qj_sql which)
{
    return run_prepared(connection->db, qj_connection_statement(connection, which));
}

int qj_connection_end(struct qj_connection *connection, int code)
{
    code = code == SQLITE_OK ? qj_connection_run(connection, QJ_SQL_COMMIT) : code;
    if (code != SQLITE_OK) {
        (void)qj_connection_run(connection, QJ_SQL_ROLLBACK);
    }
    return code;
}

int64_t qj_connection_number(struct qj_connection *connection, enum qj_sql which, int64_t fallback)
{
    sqlite3_stmt *statement = qj_connection_statement(connection, which);
    if (statement && sqlite3_step(statement) == SQLITE_ROW) {
        fallback = sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_reset(statement);
    return fallback;
}

int qj_connection_remove(struct qj_connection *connection, enum qj_sql which, int64_t id)
{
    sqlite3_stmt *remove = qj_connection_statement(connection, which);
    if (!remove) {
        return sqlite3_extended_errcode(connection->db);
    }
    (void)sqlite3_bind_int64(remove, 1, id);
    int code = sqlite3_step(remove);
    (void)sqlite3_reset(remove);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}
