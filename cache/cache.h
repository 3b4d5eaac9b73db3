/* The store: code objects on disk in SQLite, each verified when read. Knows no HIP.
 *
 * A store may only ever miss. A damaged row is removed and counted, a damaged or foreign file is set aside
 * (renamed to NAME.corrupt-TIME) and a new one begun; an unwritable place gives a store in memory.
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

struct qj_store;

struct qj_store_options {
    const char *directory; /* NULL: memory only */
    uint64_t max_bytes;    /* of the file's used pages; least recently used rows make room. 0: no limit */
    const struct qj_log *log;
};

/* Opens <directory>/store.sqlite, making directory (0700) and file (0600) if they are not there. Falls back
 * to memory, with a warning in the log and a reason for qj_store_stat, where the place is unwritable, not
 * owned by this user, or writable by others. Fails only with QJIT_NO_MEMORY. */
qjit_status qj_store_open(struct qj_store **out, const struct qj_store_options *options);

/* Writes stamps and counters, closes. NULL is fine. */
void qj_store_close(struct qj_store *store);

/* What a row says of its object. Text is NUL-terminated UTF-8 without line ends, but for the log and for lists.
 * arch, options, names, compiler and the two digests are all that the key is made of. */
struct qj_row {
    uint8_t key[QJ_DIGEST_BYTES];
    const char *unit, *module, *arch, *compiler;
    const char *options; /* as the compiler got them, without the arch, one a line */
    const char *names;   /* of the kernels that were asked for, one a line; "": whichever the source has */
    const char *kernels; /* the symbols that came of them, separated by one space */
    const char *log;
    uint8_t source_digest[QJ_DIGEST_BYTES], headers_digest[QJ_DIGEST_BYTES];
    uint32_t compile_us;
    uint64_t object_bytes, stored_bytes; /* set by the store */
    int64_t created, used;               /* set by the store; seconds since 1970. `used` is known to the day,
                                            and by qj_store_each only: qj_store_get gives `created` */
};

/* A row fetched: fields point into `memory`. */
struct qj_entry {
    struct qj_row row;
    void *object; /* row.object_bytes long, malloc'ed on its own so that a module can keep it */
    void *memory;
};

/* The verified object of `key`. QJIT_NOT_FOUND is a miss; so is a row that was damaged, which has then been
 * removed and counted as refused. */
qjit_status qj_store_get(struct qj_store *store, struct qj_entry *out,
                         const uint8_t key[static QJ_DIGEST_BYTES]);
void qj_entry_finish(struct qj_entry *entry);

/* True if a row with this key is there (not verified, not counted as a hit). */
bool qj_store_has(struct qj_store *store, const uint8_t key[static QJ_DIGEST_BYTES]);

/* Stores an object, replacing a row of the same key. Fails with QJIT_CACHE_UNUSABLE (disk full, not writable,
 * larger than the limit or 512 MiB) and QJIT_NO_MEMORY, and then has changed nothing. A failure is the
 * caller's to log, never its error to return. */
qjit_status qj_store_put(struct qj_store *store, const struct qj_row *row, const void *object,
                         size_t n_bytes);

/* Removes a row that a later check refused (wrong ELF, will not load) and counts it as refused. */
void qj_store_refuse(struct qj_store *store, const uint8_t key[static QJ_DIGEST_BYTES], const char *reason);

/* Counts what the store cannot see by itself. */
void qj_store_count_compile(struct qj_store *store, uint32_t compile_us, bool failed);

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

/* Removes rows, least recently used first, until the used pages of the file take at most max_bytes, and gives
 * the space back. */
qjit_status qj_store_shrink(struct qj_store *store, uint64_t *out, uint64_t max_bytes);

struct qj_store_verifier {
    const char *(*refuses)(void *payload, const struct qj_entry *entry); /* NULL, or why it is refused */
    void (*removed)(void *payload, const struct qj_row *row, const char *reason); /* row NULL: not known */
    void *payload;
};

/* Reads every row, as a hit would but without counting as one, and removes those that are damaged or refused.
 * How many rows were read goes to *out. */
qjit_status qj_store_verify(struct qj_store *store, uint64_t *out, const struct qj_store_verifier *verifier);

/* Fills everything but struct_size. */
qjit_status qj_store_stat(struct qj_store *store, qjit_cache_stat *out);

#endif
