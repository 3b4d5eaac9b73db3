/* Memory of a device, counted by those who share it, and ranges of it. */
#ifndef QJ_OPS_MEMORY_H
#define QJ_OPS_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "ops/ops.h"

struct qj_memory {
    struct qj_ops *ops;
    uint32_t device;
    bool is_ours; /* to be freed */
    void *start;
    atomic_size_t n_users;
    _Atomic(uint64_t) readers; /* other devices that copied from it, a bit each */
    struct qj_memory *next;    /* of those in ops->refused */
};

/* The public buffer is a range of one memory. */
struct qjit_buffer {
    struct qj_memory *memory;
    char *start; /* on the device; NULL where n_bytes is 0 */
    size_t n_bytes;
};

/* New memory with one user, which is the caller; `is_zeroed`: zero throughout before this returns. */
qjit_status qj_memory_create(struct qj_memory **out, struct qj_ops *ops, uint32_t device, size_t n_bytes,
                             bool is_zeroed);

/* The same for memory that is the application's. */
qjit_status qj_memory_wrap(struct qj_memory **out, struct qj_ops *ops, uint32_t device, void *start);

/* One user more; one less, which frees what is ours with the last one. NULL is fine. */
void qj_memory_use(struct qj_memory *memory);
void qj_memory_release(struct qj_memory *memory);

/* Tries once more to free what HIP refused to, because a stream was captured. */
void qj_memory_free_refused(struct qj_ops *ops);

/* Work of another device is going to read the memory: freeing it waits for that device too. */
void qj_memory_add_reader(struct qj_memory *memory, uint32_t device);

/* A buffer of the n_bytes at `start` in the memory, as one of its users. */
qjit_status qj_buffer_create_in(qjit_buffer **out, struct qj_memory *memory, char *start, size_t n_bytes);

#endif
