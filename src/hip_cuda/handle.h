/* Handles that may be wrong. CUDA crashes on a handle that is none; HIP answers with an error. So the handles
 * this library hands out are places in one reserved range of addresses, and whether a pointer is a live
 * handle of a kind is told by its address and one load, without a lock. */
#ifndef QJ_HIP_CUDA_HANDLE_H
#define QJ_HIP_CUDA_HANDLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "hip_cuda/driver.h"

enum qj_handle_kind { QJ_FREE = 0, QJ_STREAM, QJ_EVENT, QJ_MODULE, QJ_FUNCTION };

struct qj_handle {
    _Atomic uint32_t kind;
    int device;
    union {
        struct qj_handle *next_free;
        CUstream stream;
        CUevent event;
        struct {
            CUmodule module;
            struct qj_handle *first; /* of its functions */
        };
        struct {
            CUfunction function;
            struct qj_handle *next; /* of the same module */
            uint32_t max_threads, max_lds_bytes;
            bool has_params;
        };
    };
};

/* Reserves the range; part of qj_cuda_open. */
bool qj_handle_reserve(void);

/* A zeroed handle of no kind yet; NULL if there is no memory. Publish it with qj_handle_publish. */
struct qj_handle *qj_handle_create(int device);
void qj_handle_publish(struct qj_handle *handle, enum qj_handle_kind kind);

/* The handle from here on is none; the place is used again, as late as can be. */
void qj_handle_destroy(struct qj_handle *handle);

/* True for exactly one caller: the one that may now destroy it. */
bool qj_handle_retire(struct qj_handle *handle, enum qj_handle_kind kind);

extern struct qj_handle *qj_handles; /* the range; NULL before qj_cuda_open */
enum { QJ_HANDLES_MAX = 1 << 20 };

/* The handle behind a pointer from outside; NULL if it is none of this kind. */
static inline struct qj_handle *qj_handle_get(const void *pointer, enum qj_handle_kind kind)
{
    uintptr_t offset = (uintptr_t)pointer - (uintptr_t)qj_handles;
    if (qj_handles == NULL || offset >= sizeof(struct qj_handle) * QJ_HANDLES_MAX ||
        offset % sizeof(struct qj_handle) != 0) {
        return NULL;
    }
    struct qj_handle *handle = qj_handles + offset / sizeof(struct qj_handle);
    return atomic_load_explicit(&handle->kind, memory_order_acquire) == kind ? handle : NULL;
}

#endif
