/* Files and paths. */
#ifndef QJ_BASE_FS_H
#define QJ_BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

/* Joins with one '/'; malloc'ed, NULL only when out of memory. */
char *qj_fs_join(const char *directory, const char *name);

/* Makes the directory and its parents, those it makes with `mode`. 0, or -1 with errno. */
int qj_fs_make_dirs(const char *path, mode_t mode);

/* Reads a whole file of at most max_bytes. 0, or -1 with errno (EFBIG past the limit). */
int qj_fs_read(struct qj_buf *out, const char *path, size_t max_bytes);

/* Removes the tree under path, following no links and crossing into no other file system. 0, or -1. */
int qj_fs_remove_tree(const char *path);

/* The file that holds the code at `address` (a function of the caller's), absolute; NULL if unknown. */
char *qj_fs_path_of_code(const void *address);

bool qj_fs_exists(const char *path);

#endif
