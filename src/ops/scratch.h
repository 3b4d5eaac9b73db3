/* Scratch memory, for each stream of a device its own, as operators that share some must not overlap. It
 * only grows, and what a stream once had stays allocated until the end: work that is queued, and graphs
 * that were captured, go on using it. */
#ifndef QJ_OPS_SCRATCH_H
#define QJ_OPS_SCRATCH_H

#include "ops/ops.h"

struct qj_scratch;

/* At least n_bytes, which are the caller's until qj_scratch_unlock: what uses them is to be queued before
 * that. 0 bytes take no lock: *out and *memory are NULL then.
 * Fails with QJIT_NO_MEMORY, QJIT_HIP_FAILED, QJIT_NOT_READY (more is needed while the stream is captured).
 */
qjit_status qj_scratch_lock(struct qj_scratch **out, char **memory, struct qj_ops *ops, uint32_t device,
                            qjit_stream stream, uint64_t n_bytes);
void qj_scratch_unlock(struct qj_scratch *scratch);

/* Frees all of it. */
void qj_scratch_destroy(struct qj_scratch *first);

#endif
