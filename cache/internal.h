/* Inside the store. Files: place.c (directory, file, file system, making and setting aside), connection.c
 * (SQLite connections and their statements), row.c (struct qj_row to and from a checked record),
 * codec.c (payloads), store.c (open, close, pool), hold.c (snapshots kept from one hit to the next), keeper.c
 * (the thread), shipped.c (shipped stores behind it), usage.c (counters, stamps), entry.c (get, has, refuse),
 * why.c (why there was a miss), signature.c (of rows), put.c (put), transfer.c (import), bundle.c (export),
 * salvage.c (what is sound in a file set aside), upkeep.c (size limit, verify), admin.c (each, clear, shrink,
 * stat). */
#ifndef QJ_CACHE_INTERNAL_H
#define QJ_CACHE_INTERNAL_H

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "base/buf.h"
#include "cache/cache.h"
#include "cache_sql.h"

enum {
    QJ_STORE_APPLICATION = 0x716a6974, /* "qjit" in the header of the file */
    QJ_STORE_VERSION = 3,
    QJ_STORE_PAGE_BYTES = 16384,
    QJ_STORE_CHECKPOINT_PAGES = 2048, /* 32 MiB of log before the keeper carries it over */
    QJ_STORE_LOG_PAGES = 16384,       /* 256 MiB, before a writer does, which waits for the disk; both are
                                         less where a limit is */
    QJ_STORE_BUSY_MS = 30000,
    QJ_STORE_INLINE_BYTES = 32768,     /* payloads up to this come with their row */
    QJ_STORE_LENGTH_BYTES = 528 << 20, /* of a record, a payload, or anything else: an object and a margin */
    QJ_SUM_BYTES = 16,
    QJ_HOLD_IDLE_MS = 50,  /* a snapshot unused for so long is given up */
    QJ_HOLD_AGE_MS = 1000, /* and so is one this old */
    QJ_STAMP_S = 86400,
    QJ_STAMP_SLOTS = 4096,
    QJ_WHY_ROWS = 4096 /* some 10 ms, where the compile that follows takes hundreds */
};

static const uint64_t QJ_OBJECT_MAX_BYTES = UINT64_C(512) << 20;

/* ---- place.c: where the store lives ---------------------------------------------------------- */

enum qj_store_mode { QJ_STORE_FILE, QJ_STORE_READ_ONLY, QJ_STORE_MEMORY };

struct qj_place {
    enum qj_store_mode mode;
    char *directory;   /* resolved: no link in it; NULL in memory */
    char *path;        /* of the store; NULL in memory */
    bool is_shared;    /* a network or user-space file system: no log file, no mapping */
    bool is_immutable; /* read-only, and no one can be writing */
    bool is_shipped;   /* by someone else: its tables are looked at too */
    char reason[1024]; /* "" in QJ_STORE_FILE */
};

/* Finds or makes the directory and decides what can be done there. -1 only when out of memory. */
int qj_place_init(struct qj_place *out, const char *directory);
void qj_place_finish(struct qj_place *place);

/* Makes the store's file if there is none: built under another name, then linked, so that no other process
 * ever sees half of it. 0, or -1 with place->reason. */
int qj_place_create(struct qj_place *place);

/* Renames the store's file to NAME.corrupt-TIME if it is still the one of `inode` (0: whichever it is). 0
 * also if another process was first, when *out is NULL, as it is after -1 with place->reason; else *out is
 * the new name, malloc'ed. */
int qj_place_set_aside(struct qj_place *place, char **out, ino_t inode);

/* Whether files of this type (statfs) may be seen by several machines or served by a program. */
bool qj_place_is_shared_type(uint64_t type);

/* ---- connection.c ---------------------------------------------------------------------------- */

/* A snapshot that a connection keeps between hits; see hold.c. Times in milliseconds of a clock that only
 * goes forward. */
struct qj_hold {
    sqlite3_blob *record, *payload; /* NULL: nothing is held */
    int64_t begun, used;
    unsigned epoch;   /* the store's when it was begun */
    int64_t last_hit; /* by way of a statement; 0: none yet */
};

/* One SQLite connection, used by one thread at a time. */
struct qj_connection {
    sqlite3 *db;
    sqlite3_stmt *statements[QJ_SQL_COUNT]; /* prepared when first wanted */
    unsigned generation;
    ino_t inode; /* of the file that it was opened on */
    bool is_memory, is_read_only;
    bool may_hold; /* in a log file of its own: a reader that stays is in no writer's way */
    struct qj_hold hold;
    int n_log_pages; /* as of the last commit here that has not been reported */
    struct qj_connection *next;
};

enum qj_open_result {
    QJ_OPEN_OK,
    QJ_OPEN_DAMAGED, /* not a store, or no longer */
    QJ_OPEN_NEWER,   /* a later version's */
    QJ_OPEN_FAILED,  /* the text says why */
    QJ_OPEN_NO_MEMORY
};

/* Opens the store at `place` and looks at its header. `why` is filled unless QJ_OPEN_OK, and *inode (may be
 * NULL) tells which file was looked at. */
enum qj_open_result qj_connection_open(struct qj_connection **out, const struct qj_place *place, ino_t *inode,
                                       char *why, size_t n_why);
void qj_connection_close(struct qj_connection *connection);

/* The statement, reset and without bindings; NULL if it cannot be prepared (sqlite3_errcode of db). */
sqlite3_stmt *qj_connection_statement(struct qj_connection *connection, enum qj_sql which);

/* Runs a statement to its end, dropping rows. An SQLite code, SQLITE_OK for success. */
int qj_connection_run(struct qj_connection *connection, enum qj_sql which);

/* Ends a transaction: commits if `code` is SQLITE_OK, else takes everything back. What came of it. */
int qj_connection_end(struct qj_connection *connection, int code);

/* Runs a statement whose only parameter is an id. An SQLite code, SQLITE_OK for success. */
int qj_connection_remove(struct qj_connection *connection, enum qj_sql which, int64_t id);

/* First column of a statement's first row; `fallback` if there is none. */
int64_t qj_connection_number(struct qj_connection *connection, enum qj_sql which, int64_t fallback);

/* Whether this SQLite code says that the file is not (any more) a sound store of ours. A statement of ours
 * that does not prepare (SQLITE_ERROR) says so too. */
bool qj_sqlite_is_damage(int code);

/* ---- store.c --------------------------------------------------------------------------------- */

enum qj_counter {
    QJ_HITS,
    QJ_MISSES,
    QJ_REFUSED,
    QJ_COMPILES,
    QJ_FAILED,
    QJ_COMPILE_US,
    QJ_LAYER_HITS, /* and one for each other enum qj_layer */
    QJ_ADDED_HITS = QJ_LAYER_HITS + QJ_LAYERS,
    QJ_WHY, /* and one for each other enum qj_miss */
    QJ_EVICTED = QJ_WHY + QJ_MISSES_N,
    QJ_WAITS,
    QJ_WAIT_US,
    QJ_SAVED_US,
    QJ_COUNTERS
};

/* A counter's row in the store, and its member of qjit_cache_stat. */
struct qj_counter_place {
    const char *name;
    size_t offset;
};
extern const struct qj_counter_place qj_counter_places[QJ_COUNTERS];

/* A row that was used and whose stamp is a day old. */
struct qj_stamp {
    uint8_t key[QJ_DIGEST_BYTES];
    int64_t used;
};

struct qj_store {
    pthread_mutex_t lock;    /* of everything below but the counters; held for list operations only */
    pthread_cond_t returned; /* the connection of a store in memory, or the keeper from the log: whoever
                                waits for the one may be woken for the other, so all are woken */
    struct qj_place place;
    char *later_reason; /* why it went to memory after it had been opened */
    uint64_t max_bytes;
    const struct qj_log *log;
    bool is_open; /* qj_store_open is over; not written afterwards */
    struct qj_connection *idle;
    pthread_t keeper; /* see keeper.c */
    pthread_cond_t wake;
    bool has_keeper, keeper_sleeps, wants_checkpoint, is_closing;
    bool memory_is_lent;     /* the one connection of a store in memory */
    unsigned generation;     /* connections of an older one are closed when they come back */
    struct qj_stamp *stamps; /* QJ_STAMP_SLOTS of them, once there is one; two keys that want the same slot
                                displace each other, which costs the order of removal a little truth */
    atomic_uint epoch;       /* changes when rows are removed here: snapshots of before end */
    atomic_uint_fast64_t counters[QJ_COUNTERS]; /* since it was opened; so much of it is in the file: */
    atomic_uint_fast64_t written[QJ_COUNTERS];
    struct qj_store **shipped; /* behind this one, in order; not changed once it is open */
    size_t n_shipped;
    const struct qj_trust *trust; /* of shipped rows */
    char *shipped_as;             /* of a shipped store: the path that was given */
    int64_t *kept;                /* rows that this process uses, ascending */
    size_t n_kept;
    int64_t *refused; /* of a shipped store: rows that are passed over */
    size_t n_refused;
    atomic_bool is_distrusted; /* of a shipped store: a signature was found wrong, and said so */
};

/* Without a place; close it like any other. NULL: out of memory. */
struct qj_store *qj_store_create(const struct qj_log *log);

/* A connection for this thread. QJIT_CACHE_UNUSABLE when there is none to be had, QJIT_NO_MEMORY. It holds no
 * snapshot, but for qj_store_borrow_to_hit. */
qjit_status qj_store_borrow(struct qj_store *store, struct qj_connection **out);
qjit_status qj_store_borrow_to_hit(struct qj_store *store, struct qj_connection **out);
void qj_store_return(struct qj_store *store, struct qj_connection *connection);

/* After an SQLite failure: sets the store aside and begins a new one if the file is damaged. Returns the
 * connection. QJIT_CACHE_UNUSABLE with the text. */
qjit_status qj_store_fail(struct qj_store *store, struct qj_connection *connection, int code,
                          const char *what);

/* The store's file size in use, free pages not counted. */
uint64_t qj_store_used_bytes(struct qj_connection *connection);

void qj_store_count(struct qj_store *store, enum qj_counter counter, uint64_t n);
void qj_store_count_hit(struct qj_store *store, const struct qj_entry *entry);

/* The counters of the file, and what has not been written there yet. */
void qj_store_read_counters(struct qj_store *store, struct qj_connection *connection, qjit_cache_stat *out);
void qj_store_note_use(struct qj_store *store, const uint8_t key[static QJ_DIGEST_BYTES], int64_t now);
/* Writes gathered stamps and counters in one transaction. Failing costs figures only. */
void qj_store_flush(struct qj_store *store);

/* ---- shipped.c ------------------------------------------------------------------------------- */

/* Opens what options->shipped names. */
qjit_status qj_shipped_open(struct qj_store *store, const char *paths);
void qj_shipped_close(struct qj_store *store);

/* The one warning. */
void qj_shipped_leave_out(struct qj_store *layer, const char *reason);

/* Where a store of someone else's lies; with a reason and QJ_STORE_MEMORY where it cannot be used. One that
 * stays open must not be writable by others, nor its directory; one that is read through once may be. -1: out
 * of memory. */
int qj_shipped_place_init(struct qj_place *out, const char *path, bool stays_open);

/* The row of `key` from the first shipped store that has it sound: QJIT_OK, QJIT_NOT_FOUND, QJIT_NO_MEMORY.
 */
qjit_status qj_shipped_get(struct qj_store *store, struct qj_entry *out,
                           const uint8_t key[static QJ_DIGEST_BYTES]);

/* Passes the row over from now on, in the store that it would be served from; counts it as refused. */
void qj_shipped_refuse(struct qj_store *store, int64_t id, const char *reason);

/* ---- hold.c ---------------------------------------------------------------------------------- */

int64_t qj_hold_now(void); /* milliseconds */

/* The row of `key` from the snapshot that the connection holds. False if there is none, or not this row in
 * it, or anything at all is wrong with it: nothing is held then, and a statement is to find out. */
bool qj_hold_get(struct qj_store *store, struct qj_connection *connection, struct qj_entry *out,
                 const uint8_t key[static QJ_DIGEST_BYTES]);

/* After a hit by way of a statement: holds a snapshot if hits follow each other quickly. */
void qj_hold_begin(struct qj_store *store, struct qj_connection *connection, int64_t id);
void qj_hold_end(struct qj_connection *connection);

/* The keeper, a thread: gives up snapshots that are not used and carries the log over. Started by whoever
 * first needs it, woken by whoever returns a connection (with the lock), ended by the close. */
bool qj_keeper_start(struct qj_store *store);
void qj_keeper_wake(struct qj_store *store);
void qj_keeper_stop(struct qj_store *store);

/* Called with a connection that is about to be returned: sees to a log that has become long. */
void qj_keeper_see_log(struct qj_store *store, struct qj_connection *connection);

/* ---- row.c ----------------------------------------------------------------------------------- */

struct qj_sum {
    uint8_t bytes[QJ_SUM_BYTES];
};

enum qj_codec { QJ_CODEC_RAW = 0, QJ_CODEC_ZSTD = 1 };

/* What a row holds besides what it says. */
struct qj_payload {
    enum qj_codec codec;
    struct qj_sum sum;
    size_t n_record; /* size of the record it came from; 0: not known */
};

int64_t qj_row_id(const uint8_t key[static 8]);

/* A row as one blob: a checksum of all that follows, then every field, texts after their length. */
void qj_record_write(struct qj_buf *out, const struct qj_row *row, const struct qj_payload *payload);

enum qj_row_result { QJ_ROW_OK, QJ_ROW_DAMAGED, QJ_ROW_NO_MEMORY };

/* The row of a record whose checksum holds; it points into the record. Not QJ_ROW_NO_MEMORY. */
enum qj_row_result qj_record_parse(struct qj_row *out, struct qj_payload *payload, const void *record,
                                   size_t n_bytes);

/* The row of a record whose checksum holds. *memory, to be freed by the caller, is what the row points into.
 * row->used is row->created. */
enum qj_row_result qj_record_read(struct qj_row *out, struct qj_payload *payload, void **memory,
                                  const void *record, size_t n_bytes);

/* Same for column 0 of the statement. */
enum qj_row_result qj_row_read(struct qj_row *out, struct qj_payload *payload, void **memory,
                               sqlite3_stmt *from);

/* The stamp in columns 1 and 2, where there is one, has a checksum of its own because it changes after the
 * row is written. False if it does not hold. */
bool qj_stamp_read(struct qj_row *row, sqlite3_stmt *from);
int64_t qj_stamp_sum(int64_t id, int64_t used);

/* ---- entry.c --------------------------------------------------------------------------------- */

#define QJ_DAMAGED_ROW "its checksum does not match"

/* The row of `key` with its object, verified: SQLITE_ROW and a result, SQLITE_DONE for no such row, or what
 * went wrong. The entry is to be finished in any case. */
int qj_entry_read(struct qj_connection *connection, struct qj_entry *out, enum qj_row_result *result,
                  const uint8_t key[static QJ_DIGEST_BYTES]);

/* Removes the row and counts it as refused; returns the connection. */
void qj_entry_refuse(struct qj_store *store, struct qj_connection *connection, int64_t id,
                     const char *reason);

/* From the store itself, without counting. As qj_store_get. */
qjit_status qj_entry_get_own(struct qj_store *store, struct qj_entry *out,
                             const uint8_t key[static QJ_DIGEST_BYTES]);

/* ---- put.c ----------------------------------------------------------------------------------- */

/* As qj_store_put. may_evict false: QJIT_CACHE_UNUSABLE where it would take the place of other rows or cannot
 * be written. */
qjit_status qj_entry_put(struct qj_store *store, const struct qj_row *row, const void *object, size_t n_bytes,
                         bool may_evict);

/* Writes the row as it is, sizes and time too; `bytes` is the payload. An SQLite code. */
int qj_entry_insert(struct qj_connection *connection, const struct qj_row *row, enum qj_codec codec,
                    const void *bytes, size_t n_bytes);

struct qj_listed;

/* ---- transfer.c ------------------------------------------------------------------------------ */

/* The listed row with its object, verified and judged: SQLITE_ROW, SQLITE_DONE (refused, and told so, or
 * gone) or SQLITE_NOMEM. Counts it. */
int qj_transfer_read(struct qj_connection *connection, struct qj_entry *out, const struct qj_listed *listed,
                     const struct qj_transfer *transfer, struct qj_transferred *counts);

/* ---- signature.c ----------------------------------------------------------------------------- */

/* NULL, or why the row is not believed: it has to be signed where there are keys to trust, and a signature
 * has to hold in any case. */
const char *qj_entry_distrust(const struct qj_entry *entry, const struct qj_trust *trust);

/* ---- upkeep.c -------------------------------------------------------------------------------- */

/* Within a transaction: removes rows, least recently used first and damaged ones before them, until the
 * file's used pages take at most max_bytes or only kept ones are left. Their number to *out. An SQLite code.
 */
int qj_evict(struct qj_store *store, struct qj_connection *connection, uint64_t *out, uint64_t max_bytes);

/* Counts and tells what qj_evict removed, once that is committed. */
void qj_note_evicted(struct qj_store *store, uint64_t n_rows);

/* ---- salvage.c ------------------------------------------------------------------------------- */

/* Copies what is sound in the store's file `aside` into the store at `place`, in one transaction. How many
 * rows; 0 also where anything at all goes wrong. */
uint64_t qj_salvage(const struct qj_place *place, const char *aside);

/* ---- admin.c --------------------------------------------------------------------------------- */

struct qj_listed {
    struct qj_row row; /* points into memory */
    void *memory;
    int64_t id;
    bool is_sound; /* else only the id is known */
};

struct qj_list {
    struct qj_listed *rows;
    size_t n_rows, n_room;
};

/* The sound rows that the filter lets through; with none, all rows, damaged ones too. In no order. An SQLite
 * code; the list is to be finished in any case. */
int qj_list_gather(struct qj_list *out, struct qj_connection *connection,
                   const struct qj_store_filter *filter);
void qj_list_finish(struct qj_list *list);

/* ---- codec.c --------------------------------------------------------------------------------- */

struct qj_sum qj_payload_sum(const void *bytes, size_t n_bytes);

/* Packs if that saves an eighth; *packed is then malloc'ed and *n_packed its size. Else QJ_CODEC_RAW and
 * *packed is NULL. */
enum qj_codec qj_payload_pack(void **packed, size_t *n_packed, const void *bytes, size_t n_bytes);

/* The object of a payload of `row->stored_bytes` bytes: `bytes`, or read through `blob` where bytes is NULL.
 * *out is malloc'ed. *code is SQLite's when reading fails. */
enum qj_row_result qj_payload_read(void **out, int *code, const struct qj_row *row,
                                   const struct qj_payload *payload, const void *bytes, sqlite3_blob *blob);

#endif
