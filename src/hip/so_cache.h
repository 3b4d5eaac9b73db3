/* glibc's /etc/ld.so.cache: library names and where they lie. */
#ifndef QJ_HIP_SO_CACHE_H
#define QJ_HIP_SO_CACHE_H

#include <stddef.h>

/* The path of the 64 bit library `name` in the cache file's n bytes, pointing into them; NULL if there is
 * none, or if the file has no form known here. The bytes are not believed: nothing outside them is read.
 * Entries for special processors (glibc-hwcaps) are passed over. */
const char *qj_so_cache_find(const void *bytes, size_t n, const char *name);

#endif
