#include "hip_cuda/handle.h"

#include <pthread.h>
#include <sys/mman.h>

struct qj_handle *qj_handles;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t n_used;
static struct qj_handle *oldest_free, *newest_free;

bool qj_handle_reserve(void)
{
    void *range = mmap(NULL, sizeof(struct qj_handle) * QJ_HANDLES_MAX, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    qj_handles = range == MAP_FAILED ? NULL : range;
    return qj_handles != NULL;
}

/* First in, first out, and not before some thousands were made: a stale handle stays one for long. */
static struct qj_handle *take(void)
{
    enum { N_FRESH = 4096 };
    struct qj_handle *handle = NULL;
    if (oldest_free != NULL && n_used > N_FRESH) {
        handle = oldest_free;
        oldest_free = handle->next_free;
        newest_free = oldest_free == NULL ? NULL : newest_free;
    } else if (n_used < QJ_HANDLES_MAX) {
        handle = &qj_handles[n_used++];
    }
    return handle;
}

struct qj_handle *qj_handle_create(int device)
{
    pthread_mutex_lock(&lock);
    struct qj_handle *handle = take();
    pthread_mutex_unlock(&lock);
    if (handle != NULL) {
        *handle = (struct qj_handle){.device = device};
    }
    return handle;
}

void qj_handle_publish(struct qj_handle *handle, enum qj_handle_kind kind)
{
    atomic_store_explicit(&handle->kind, (uint32_t)kind, memory_order_release);
}

bool qj_handle_retire(struct qj_handle *handle, enum qj_handle_kind kind)
{
    uint32_t expected = (uint32_t)kind;
    return atomic_compare_exchange_strong(&handle->kind, &expected, QJ_FREE);
}

void qj_handle_destroy(struct qj_handle *handle)
{
    atomic_store_explicit(&handle->kind, QJ_FREE, memory_order_release);
    pthread_mutex_lock(&lock);
    handle->next_free = NULL;
    if (newest_free != NULL) {
        newest_free->next_free = handle;
    } else {
        oldest_free = handle;
    }
    newest_free = handle;
    pthread_mutex_unlock(&lock);
}
