/* What is still sound in a store's file that has been set aside goes into the new one. SQLite gives up at the
 * first page that is damaged; so rows are read from both ends of a range of ids, and what lies between the
 * two places where that ended is halved, down to what one page holds. Every row is checked as a hit would
 * check it. */
#include <string.h>
#include <sys/stat.h>

#include "cache/internal.h"

struct salvage {
    sqlite3 *from;
    sqlite3_stmt *up, *down;
    struct qj_connection *to;
    uint64_t least_width; /* of a range that is worth halving */
    uint64_t n_rows;
    int code; /* of writing */
};

/* Reading the damaged file may not use its schema's checks, nor believe how many pages it says it has. */
static bool open_aside(struct salvage *salvage, const char *path)
{
    static const char set_up[] = "PRAGMA writable_schema=ON; PRAGMA trusted_schema=OFF; PRAGMA query_only=ON;"
                                 "PRAGMA cell_size_check=ON";
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    sqlite3 **from = &salvage->from;
    if (sqlite3_open_v2(path, from, flags, NULL) != SQLITE_OK) {
        return false;
    }
    (void)sqlite3_db_config(*from, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL); /* one may have no end */
    return sqlite3_exec(*from, set_up, NULL, NULL, NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(*from, qj_sql_texts[QJ_SQL_SALVAGE_UP], -1, &salvage->up, NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(*from, qj_sql_texts[QJ_SQL_SALVAGE_DOWN], -1, &salvage->down, NULL) ==
               SQLITE_OK;
}

static bool is_sound(sqlite3_stmt *row)
{
    struct qj_row said;
    struct qj_payload payload;
    const void *record = sqlite3_column_blob(row, 1), *bytes = sqlite3_column_blob(row, 2);
    size_t n_record = (size_t)sqlite3_column_bytes(row, 1), n = (size_t)sqlite3_column_bytes(row, 2);
    bool are_blobs = sqlite3_column_type(row, 1) == SQLITE_BLOB && sqlite3_column_type(row, 2) == SQLITE_BLOB;
    if (!record || !are_blobs || qj_record_parse(&said, &payload, record, n_record) != QJ_ROW_OK ||
        qj_row_id(said.key) != sqlite3_column_int64(row, 0) || said.stored_bytes != n) {
        return false;
    }
    struct qj_sum sum = qj_payload_sum(bytes ? bytes : "", n);
    return memcmp(&sum, &payload.sum, sizeof sum) == 0;
}

static int put(struct salvage *salvage, sqlite3_stmt *row)
{
    sqlite3_stmt *put = qj_connection_statement(salvage->to, QJ_SQL_SALVAGE_PUT);
    if (!put) {
        return sqlite3_extended_errcode(salvage->to->db);
    }
    int code = SQLITE_OK;
    for (int i = 0; i < 3 && code == SQLITE_OK; i++) {
        code = sqlite3_bind_value(put, i + 1, sqlite3_column_value(row, i));
    }
    code = code == SQLITE_OK ? sqlite3_step(put) : code;
    (void)sqlite3_reset(put);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Reads rows of [least, most] until there are no more or one cannot be read. *at is then the last id met, and
 * the result whether all were. Ids that do not go on in order are damage; with them this would never end. */
static bool read_rows(struct salvage *salvage, sqlite3_stmt *rows, int64_t least, int64_t most, int64_t *at)
{
    int64_t before = 0;
    int code = SQLITE_ROW;
    (void)sqlite3_bind_int64(rows, 1, least);
    (void)sqlite3_bind_int64(rows, 2, most);
    for (bool first = true; salvage->code == SQLITE_OK && (code = sqlite3_step(rows)) == SQLITE_ROW;
         first = false) {
        int64_t id = sqlite3_column_int64(rows, 0);
        if (id < least || id > most || (!first && (rows == salvage->up ? id <= before : id >= before))) {
            code = SQLITE_CORRUPT;
            break;
        }
        before = *at = id;
        if (is_sound(rows)) {
            salvage->code = put(salvage, rows);
            salvage->n_rows += salvage->code == SQLITE_OK;
        }
    }
    (void)sqlite3_reset(rows);
    return code == SQLITE_DONE;
}

static void salvage_range(struct salvage *salvage, int64_t least, int64_t most)
{
    int64_t low = least, high = most;
    if (read_rows(salvage, salvage->up, least, most, &low) || low >= most ||
        read_rows(salvage, salvage->down, low, most, &high) || salvage->code != SQLITE_OK) {
        return;
    }
    uint64_t width = high > low ? (uint64_t)high - (uint64_t)low : 0;
    if (width < salvage->least_width) {
        return;
    }
    int64_t middle = (int64_t)((uint64_t)low + width / 2);
    salvage_range(salvage, low, middle);
    salvage_range(salvage, middle + 1, high);
}

/* A later version's file is not set aside, an earlier one's rows are not for us. */
static bool is_of_ours(sqlite3 *db)
{
    sqlite3_stmt *version = NULL;
    bool result = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &version, NULL) == SQLITE_OK &&
                  sqlite3_step(version) == SQLITE_ROW && sqlite3_column_int64(version, 0) == QJ_STORE_VERSION;
    (void)sqlite3_finalize(version);
    return result;
}

static uint64_t salvage_all(struct salvage *salvage, const char *aside)
{
    enum { RANGES_A_PAGE = 4 };
    struct stat info;
    if (!open_aside(salvage, aside) || !is_of_ours(salvage->from) || stat(aside, &info) != 0) {
        return 0;
    }
    salvage->least_width = UINT64_MAX / (1 + (uint64_t)info.st_size / QJ_STORE_PAGE_BYTES * RANGES_A_PAGE);
    salvage->code = qj_connection_run(salvage->to, QJ_SQL_BEGIN);
    if (salvage->code != SQLITE_OK) {
        return 0;
    }
    salvage_range(salvage, INT64_MIN, INT64_MAX);
    if (salvage->code != SQLITE_OK || qj_connection_run(salvage->to, QJ_SQL_COMMIT) != SQLITE_OK) {
        (void)qj_connection_run(salvage->to, QJ_SQL_ROLLBACK);
        return 0;
    }
    return salvage->n_rows;
}

uint64_t qj_salvage(const struct qj_place *place, const char *aside)
{
    char why[1024];
    struct salvage salvage = {0};
    uint64_t n_rows = 0;
    if (qj_connection_open(&salvage.to, place, NULL, why, sizeof why) == QJ_OPEN_OK) {
        n_rows = salvage_all(&salvage, aside);
        (void)sqlite3_finalize(salvage.up);
        (void)sqlite3_finalize(salvage.down);
        (void)sqlite3_close(salvage.from);
        qj_connection_close(salvage.to);
    }
    return n_rows;
}
