/* Where shared libraries lie: what the loader would find for a name, without loading it. */
#ifndef QJ_HIP_PLACES_H
#define QJ_HIP_PLACES_H

#include <limits.h>
#include <stdbool.h>

#include "base/buf.h"

/* One search's view; zero-initialised plus the texts, which it does not own. */
struct qj_places {
    const char *rocm_path, *library_path, *root; /* as in struct qj_hip_search */
    struct qj_buf cache;                         /* ld.so.cache, once read */
    bool cache_read;
};

enum qj_place { QJ_PLACE_ROCM, QJ_PLACE_LIBRARY_PATH, QJ_PLACE_SYSTEM, QJ_N_PLACES };

/* The absolute path of a shared library for this machine with that file name. */
bool qj_places_find(char out[static PATH_MAX], struct qj_places *places, enum qj_place place,
                    const char *name);

/* The same in one directory. */
bool qj_places_in(char out[static PATH_MAX], const char *directory, const char *name);

/* The same in the first of the directories of a colon-separated list. Each $ORIGIN in it is `origin`. Empty
 * and relative entries are passed over. */
bool qj_places_in_list(char out[static PATH_MAX], const char *list, const char *origin, const char *name);

/* In any place, in their order; out is "" if it is in none. */
bool qj_places_find_any(char out[static PATH_MAX], struct qj_places *places, const char *name);

/* The directory part of a path. */
void qj_directory_of(char out[static PATH_MAX], const char *path);

void qj_places_finish(struct qj_places *places);

#endif
