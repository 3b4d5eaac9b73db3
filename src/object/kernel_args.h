/* The list of a kernel's arguments in a code object's metadata. */
#ifndef QJ_OBJECT_KERNEL_ARGS_H
#define QJ_OBJECT_KERNEL_ARGS_H

#include "base/buf.h"
#include "object/msgpack.h"

/* Reads the list: how many arguments there are that the compiler did not add goes to *n_args, the size of
 * each is appended to `sizes` as a uint32_t. False where the bytes are damaged. */
bool qj_kernel_args_read(struct qj_msgpack *reader, struct qj_buf *sizes, uint32_t *n_args);

#endif
