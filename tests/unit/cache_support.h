/* What the tests of the store share: rows and objects made from a number, a store in the scratch directory. */
#ifndef QJIT_TEST_CACHE_SUPPORT_H
#define QJIT_TEST_CACHE_SUPPORT_H

#include <stddef.h>

#include "cache/cache.h"

/* Goes into a new, empty directory below the current one; for each test of a suite. */
void cache_fresh(void);

/* "<name>" in the current directory, which the test runner makes and removes. */
struct qj_store *cache_open(const char *name);
struct qj_store *cache_open_limited(const char *name, uint64_t max_bytes);

/* What qj_log got last; "" if nothing. */
const char *cache_last_line(void);

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
