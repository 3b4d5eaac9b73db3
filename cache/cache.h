/* The store: code objects on disk in SQLite, each verified when read. Knows no HIP.
 *
 * A store may only ever miss. A damaged row is removed and counted, a damaged or foreign file is set aside
 * (renamed to NAME.corrupt-TIME) and a new one begun, with the rows of the other that are still sound; an
 * unwritable place gives a store in memory.
 *
 * A place that can only be read still serves hits: qjit_cache_stat then has both the path and a memory_reason
 * that begins with "read-only: ", puts store nothing and return QJIT_OK, and the one warning comes when it is
 * opened.
 *
 * Threads: every call may be made from any thread; connections are pooled inside and no lock is held while a
 * query runs (a store in memory has one connection, which threads wait for). A store may have one thread of
 * its own, which takes no signals; qj_store_close ends it. Durability: a commit survives the death of the
 * process at once; after a power cut the newest rows may be missing, never wrong. A hit writes nothing:
 * stamps and counters are gathered and written at close. */
#ifndef QJ_CACHE_CACHE_H
#define QJ_CACHE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qjit/qjit.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/sign.h"

struct qj_store;

struct qj_store_options {
    const char *directory; /* NULL: memory only */
    uint64_t max_bytes;    /* of the file's used pages; least recently used rows make room. 0: no limit */
    const struct qj_log *log;
    const char
        *shipped; /* paths with ':' between: files, or directories of *.qjit and store.sqlite. NULL: none */
    const struct qj_trust
        *trust; /* with keys: shipped rows must be signed by one. Outlives the store. NULL: none */
};

/* Opens <directory>/store.sqlite, making directory (0700) and file (0600) if they are not there. Falls back
 * to memory, with a warning in the log and a reason for qj_store_stat, where the place is unwritable, not
 * owned by this user, or writable by others. A shipped store is opened for reading only, and nothing is ever
 * written beside it; one that is missing, damaged, of another version or writable by others is left out, with
 * one warning. Fails only with QJIT_NO_MEMORY. */
qjit_status qj_store_open(struct qj_store **out, const struct qj_store_options *options);

/* Writes stamps and counters, closes. NULL is fine. */
void qj_store_close(struct qj_store *store);

/* The directory in which processes find each other's rows; NULL if this one's are seen by nobody: in memory,
 * or where it may only read. As it was when the store was opened. */
const char *qj_store_directory(const struct qj_store *store);

/* What a row says of its object. Text is NUL-terminated UTF-8 without line ends, but for the log and for
 * lists. arch, options, names, compiler and the two digests are all that the key is made of. */
struct qj_row {
    uint8_t key[QJ_DIGEST_BYTES];
    const char *unit, *module, *arch, *compiler;
    const char *options; /* as the compiler got them, without the arch, one a line */
    const char *names;   /* of the kernels that were asked for, one a line; "": whichever the source has */
    const char *kernels; /* the symbols that came of them, separated by one space */
    const char *log;
    uint8_t source_digest[QJ_DIGEST_BYTES], headers_digest[QJ_DIGEST_BYTES];
    const struct qj_signature *signature; /* of qj_row_digest; NULL: none */
    uint32_t compile_us;
    uint64_t object_bytes, stored_bytes; /* set by the store */
    int64_t created, used;               /* set by the store; seconds since 1970. `used` is known to the day,
                                            and by qj_store_each only: qj_store_get gives `created` */
};

/* What a signature is over: the object and everything that a row says of it but times and sizes, so that a
 * row stays signed wherever it is carried. A signer vouches that this object is the right one for this key.
 */
void qj_row_digest(uint8_t out[static QJ_DIGEST_BYTES], const struct qj_row *row, const void *object,
                   size_t n_bytes);

enum qj_layer {
    QJ_LAYER_USER,    /* the store itself, in its file */
    QJ_LAYER_MEMORY,  /* the same, where it is in memory */
    QJ_LAYER_SHIPPED, /* a shipped store behind it */
    QJ_LAYERS
};

/* A row fetched: fields point into `memory`. */
struct qj_entry {
    struct qj_row row;
    enum qj_layer layer; /* that it came from */
    bool was_damaged;    /* set by qj_store_get on a miss, too: a row was there, and has been refused */
    void *object;        /* row.object_bytes long, malloc'ed on its own so that a module can keep it */
    void *memory;
};

/* The verified object of `key`, from the store or else from the first shipped store that has it.
 * QJIT_NOT_FOUND is a miss; so is a row that was damaged, which has then been removed, or in a shipped store
 * is passed over from now on, and counted as refused. */
qjit_status qj_store_get(struct qj_store *store, struct qj_entry *out,
                         const uint8_t key[static QJ_DIGEST_BYTES]);
void qj_entry_finish(struct qj_entry *entry);

/* True if a row with this key is in the store itself (not verified, not counted as a hit). */
bool qj_store_has(struct qj_store *store, const uint8_t key[static QJ_DIGEST_BYTES]);

/* Stores an object, replacing a row of the same key; rows make way for it where the limit asks for that,
 * least recently used first. Fails with QJIT_CACHE_UNUSABLE (disk full, not writable, larger than 512 MiB or
 * than the limit leaves room for) and QJIT_NO_MEMORY, and then has changed nothing. A failure is the caller's
 * to log, never its error to return. */
qjit_status qj_store_put(struct qj_store *store, const struct qj_row *row, const void *object,
                         size_t n_bytes);

/* This process uses the row: it makes way for no other until the store is closed. */
void qj_store_keep(struct qj_store *store, const uint8_t key[static QJ_DIGEST_BYTES]);

/* Removes a row that a later check refused (wrong ELF, will not load) and counts it as refused; one of a
 * shipped store is passed over from now on. */
void qj_store_refuse(struct qj_store *store, const uint8_t key[static QJ_DIGEST_BYTES], const char *reason);

/* Why there was no hit. */
enum qj_miss { QJ_MISS_ABSENT, QJ_MISS_COMPILER, QJ_MISS_SOURCE, QJ_MISS_DAMAGED, QJ_MISSES_N };

/* What the store's first rows (QJ_WHY_ROWS) say of a miss: QJ_MISS_SOURCE if this compiler has made a row of
 * that unit and arch, QJ_MISS_COMPILER if only others have, QJ_MISS_ABSENT if there is none. */
enum qj_miss qj_store_why(struct qj_store *store, const char *unit, const char *arch, const char *compiler);

/* Counts what the store cannot see by itself: a compile, why there was a miss, the wait for a lease (none:
 * 0), an object that came from the application. */
void qj_store_count_compile(struct qj_store *store, uint32_t compile_us, bool failed);
void qj_store_count_miss(struct qj_store *store, enum qj_miss why);
void qj_store_count_wait(struct qj_store *store, uint64_t wait_us);
void qj_store_count_added(struct qj_store *store);

/* Shipped store `i`, for whoever lists, verifies or exports its rows; NULL past the last. *path is what was
 * given, *reason why it is left out, or "". */
struct qj_store *qj_store_shipped(struct qj_store *store, size_t i, const char **path, const char **reason);

struct qj_store_filter {
    const char *arch;          /* canonical; without features: every combination; NULL: all */
    const char *unit, *module; /* NULL: all */
    int64_t used_before;       /* seconds since 1970; 0: all */
    const char *compiler;      /* only rows made by another compiler than this; NULL: all */
};

/* Rows in the order of arch, then unit, newest first; no object is read. `each` stops by returning non-zero.
 */
qjit_status qj_store_each(struct qj_store *store, const struct qj_store_filter *filter,
                          int (*each)(void *payload, const struct qj_row *row), void *payload);

/* Removes matching rows (filter NULL: all) and gives the space back to the file system. */
qjit_status qj_store_clear(struct qj_store *store, uint64_t *out, const struct qj_store_filter *filter);

/* Removes rows, least recently used first, until the used pages of the file take at most max_bytes or only
 * kept ones are left, and gives the space back. */
qjit_status qj_store_shrink(struct qj_store *store, uint64_t *out, uint64_t max_bytes);

struct qj_store_verifier {
    const char *(*refuses)(void *payload, const struct qj_entry *entry); /* NULL, or why it is refused */
    void (*removed)(void *payload, const struct qj_row *row, const char *reason); /* row NULL: not known */
    void *payload;
};

/* Reads every row, as a hit would but without counting as one, and removes those that are damaged or refused.
 * How many rows were read goes to *out. */
qjit_status qj_store_verify(struct qj_store *store, uint64_t *out, const struct qj_store_verifier *verifier);

/* What carrying rows from file to file is told. */
struct qj_transfer {
    const char *(*refuses)(void *payload, const struct qj_entry *entry); /* NULL, or why it is refused */
    void (*refused)(void *payload, const struct qj_row *row, const char *reason); /* row NULL: not known */
    void *payload;
    const struct qj_trust *trust; /* with keys: a row must be signed by one of them; may be NULL */
};

struct qj_transferred {
    uint64_t n_rows; /* read */
    uint64_t n_added, n_present, n_refused;
    uint64_t file_bytes; /* of a bundle that was written */
};

/* Takes the rows of the store file at `path` that are verified and not refused, each whole or not at all. A
 * sound row of the store's own stays as it is, and none is removed to make room. The file may have been made
 * to do harm; it is only read. Callbacks may not use the store. *out is filled in any case. Fails with
 * QJIT_BAD_FILE (damaged, not a store), QJIT_CACHE_UNUSABLE (full, or cannot be written)
 * and QJIT_NO_MEMORY. */
qjit_status qj_store_import(struct qj_store *store, struct qj_transferred *out, const char *path,
                            const struct qj_transfer *transfer);

struct qj_bundle {
    struct qj_transfer transfer;
    bool (*wants)(void *payload, const struct qj_row *row); /* transfer.payload; NULL: all */
    const struct qj_secret_key *key; /* signs every row; NULL: those that are signed stay so */
};

/* Writes the rows of the store and of the shipped stores behind it, each key once and verified, to a file
 * that can be a shipped store: whole, by a rename, or not at all. The same rows give the same bytes.
 * Callbacks may not use the store. Fails with QJIT_NOT_FOUND (there is nothing to write), QJIT_IO,
 * QJIT_INVALID_ARGUMENT (it is the store's own file),
 * QJIT_CACHE_UNUSABLE and QJIT_NO_MEMORY. */
qjit_status qj_store_export(struct qj_store *store, struct qj_transferred *out, const char *path,
                            const struct qj_bundle *what);

/* Fills everything but struct_size. */
qjit_status qj_store_stat(struct qj_store *store, qjit_cache_stat *out);

/* Sets the counters to what was counted since the store was opened here. */
void qj_store_stat_here(const struct qj_store *store, qjit_cache_stat *out);

#endif
