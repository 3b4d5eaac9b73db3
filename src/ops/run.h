/* Where operators run: their buffers checked, their kernels found, their steps queued. */
#ifndef QJ_OPS_RUN_H
#define QJ_OPS_RUN_H

#include "ops/memory.h"
#include "ops/op.h"

struct qjit_weights {
    qjit_weights_info info;
    struct qj_memory *memory;
};

struct qj_place {
    struct qj_ops *ops;
    uint32_t device;
    qjit_stream stream;
};

static inline struct qj_place qj_place_of(const struct qj_memory *memory, qjit_stream stream)
{
    return (struct qj_place){memory->ops, memory->device, stream};
}

/* A buffer that an operator uses from its start on. */
struct qj_use {
    const char *name; /* for messages: "out" */
    const qjit_buffer *buffer;
    uint64_t n_bytes;   /* that it must have at least */
    uint64_t alignment; /* of its address */
};

/* Fails with QJIT_INVALID_ARGUMENT. */
qjit_status qj_use_check(const struct qj_place *place, const struct qj_use *uses, uint32_t n_uses);

/* Compiles and loads what the steps launch. Holds no lock. */
qjit_status qj_op_prepare(const struct qj_op *op, const struct qj_place *place);

/* Prepares, and queues the steps with the stream's scratch memory locked. */
qjit_status qj_op_run(struct qj_op *op, const struct qj_place *place);

#endif
