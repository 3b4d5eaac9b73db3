#include "ops/scratch.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/status.h"
#include "ops/memory.h"

enum { GRANULE = 1 << 20, BLOCKS_MAX = 64 };

struct qj_scratch {
    uint32_t device;
    qjit_stream stream;
    struct qj_scratch *next; /* set before it is published */
    pthread_mutex_t lock;    /* guards what follows, and the memory while steps are queued */
    uint64_t n_bytes;        /* of the last block */
    uint32_t n_blocks;       /* each at least twice as large as the one before */
    struct qj_memory *blocks[BLOCKS_MAX];
};

static struct qj_scratch *find(struct qj_scratch *first, const struct qj_scratch *end, uint32_t device,
                               qjit_stream stream)
{
    for (struct qj_scratch *scratch = first; scratch != end; scratch = scratch->next) {
        if (scratch->device == device && scratch->stream == stream) {
            return scratch;
        }
    }
    return NULL;
}

/* The stream's, made if there is none; several threads may race for it. */
static struct qj_scratch *get(struct qj_ops *ops, uint32_t device, qjit_stream stream)
{
    struct qj_scratch *first = atomic_load_explicit(&ops->scratch, memory_order_acquire);
    struct qj_scratch *found = find(first, NULL, device, stream);
    if (found) {
        return found;
    }
    struct qj_scratch *fresh = calloc(1, sizeof *fresh);
    if (!fresh) {
        return NULL;
    }
    (void)pthread_mutex_init(&fresh->lock, NULL);
    fresh->device = device;
    fresh->stream = stream;
    fresh->next = first;
    while (!found && !atomic_compare_exchange_weak_explicit(&ops->scratch, &first, fresh,
                                                            memory_order_acq_rel, memory_order_acquire)) {
        found = find(first, fresh->next, device, stream); /* what others put in front */
        fresh->next = first;
    }
    if (found) {
        (void)pthread_mutex_destroy(&fresh->lock);
        free(fresh);
    }
    return found ? found : fresh;
}

/* The lock is held. */
static qjit_status grow(struct qj_scratch *scratch, struct qj_ops *ops, uint64_t n_bytes)
{
    uint64_t wanted = n_bytes > 2 * scratch->n_bytes ? n_bytes : 2 * scratch->n_bytes;
    wanted = (wanted + GRANULE - 1) / GRANULE * GRANULE;
    if (scratch->n_blocks == BLOCKS_MAX) {
        return qj_fail(QJIT_NO_MEMORY, "scratch memory of %llu bytes is too large",
                       (unsigned long long)n_bytes);
    }
    qjit_status status =
        qj_ops_check_not_captured(ops, scratch->stream, "no scratch memory can be allocated");
    if (status != QJIT_OK) {
        return status;
    }
    status = qj_memory_create(&scratch->blocks[scratch->n_blocks], ops, scratch->device, wanted, false);
    if (status == QJIT_OK) {
        scratch->n_blocks++;
        scratch->n_bytes = wanted;
    } else {
        qj_fail_add("scratch memory of an operator");
    }
    return status;
}

qjit_status qj_scratch_lock(struct qj_scratch **out, char **memory, struct qj_ops *ops, uint32_t device,
                            qjit_stream stream, uint64_t n_bytes)
{
    *out = NULL;
    *memory = NULL;
    if (n_bytes == 0) {
        return QJIT_OK;
    }
    struct qj_scratch *scratch = get(ops, device, stream);
    if (!scratch) {
        return qj_fail(QJIT_NO_MEMORY, "out of memory");
    }
    (void)pthread_mutex_lock(&scratch->lock);
    qjit_status status = scratch->n_bytes < n_bytes ? grow(scratch, ops, n_bytes) : QJIT_OK;
    if (status != QJIT_OK) {
        (void)pthread_mutex_unlock(&scratch->lock);
        return status;
    }
    *out = scratch;
    *memory = scratch->blocks[scratch->n_blocks - 1]->start;
    return QJIT_OK;
}

void qj_scratch_unlock(struct qj_scratch *scratch)
{
    if (scratch) {
        (void)pthread_mutex_unlock(&scratch->lock);
    }
}

void qj_scratch_destroy(struct qj_scratch *first)
{
    for (struct qj_scratch *next; first; first = next) {
        next = first->next;
        for (uint32_t i = 0; i < first->n_blocks; i++) {
            qj_memory_release(first->blocks[i]);
        }
        (void)pthread_mutex_destroy(&first->lock);
        free(first);
    }
}
