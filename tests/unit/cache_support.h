/* What the tests of the store share: rows and objects made from a number, a store in the scratch directory.
 */
#ifndef QJIT_TEST_CACHE_SUPPORT_H
#define QJIT_TEST_CACHE_SUPPORT_H

#include <stddef.h>

#include "cache/cache.h"

/* Goes into a new, empty directory below the current one; for each test of a suite. */
void cache_fresh(void);

/* "<name>" in the current directory, which the test runner makes and removes. */
struct qj_store *cache_open(const char *name);
struct qj_store *cache_open_limited(const char *name, uint64_t max_bytes);

struct qj_store *cache_open_with(const struct qj_store_options *options);

/* What qj_log got last, and how many lines it got since a store was last opened; "" if nothing. */
const char *cache_last_line(void);
int cache_n_lines(void);

/* Runs `part` as a user who is not root, since root may write anything, in a directory of that user's. Its
 * exit status must be 0; the test is skipped if there is no such user. */
void cache_as_nobody(int (*part)(void));

/* In such a part: ends it, naming the first check that fails. */
#define CACHE_CHECK(condition)                                                                               \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            (void)fprintf(stderr, "line %d: %s (log: %s)\n", __LINE__, #condition, cache_last_line());       \
            return 1;                                                                                        \
        }                                                                                                    \
    } while (0)

/* Row `i`; the texts live until the thread's next call. */
struct qj_row cache_row(int i);

/* n bytes that only (i, n) gives and that do not compress. malloc'ed. */
unsigned char *cache_object(int i, size_t n);

/* Puts row i with cache_object(i, n). */
qjit_status cache_put(struct qj_store *store, int i, size_t n);

/* 1: found and whole; 0: a miss; -1: something that was never put. */
int cache_check(struct qj_store *store, int i, size_t n);

/* The contents of a file; *n its size. malloc'ed; NULL if it cannot be read. */
unsigned char *cache_slurp(const char *path, size_t *n);
/* 0 or -1. */
int cache_spit(const char *path, const void *bytes, size_t n);

/* Runs SQL on the file through another connection; 0 or an SQLite code. */
int cache_sql(const char *path, const char *sql);

#endif
