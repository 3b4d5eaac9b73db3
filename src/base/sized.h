/* Structs of the public interface begin with `size_t struct_size` and only grow at the end, so that a program
 * built against one version runs with another. These two copy between the caller's size and ours. */
#ifndef QJ_BASE_SIZED_H
#define QJ_BASE_SIZED_H

#include <stddef.h>

#include <qjit/qjit.h>

/* Copies what the caller's struct has and zeroes the rest. Fails with QJIT_INVALID_ARGUMENT if struct_size
 * was not set, or if a newer caller asks with a member that this library does not know. `name` is for the
 * message. */
qjit_status qj_sized_read(void *out, size_t known, const void *in, const char *name);

/* Copies as much of `in` as the caller's struct has room for, leaving out->struct_size. */
qjit_status qj_sized_write(void *out, const void *in, size_t known, const char *name);

#endif
