/* Loaded modules: for each device and unit one hipModule_t, published to readers that take no lock.
 *
 * A hit is three dependent loads: the device's table, the chunk of kernels, the function. A miss goes
 * through the unit's slot: the first comer of a (device, unit) pair does the work, others wait for that
 * slot alone. The image of a code object stays in heap memory as long as its module is loaded. */
#ifndef QJ_MODULE_MODULE_H
#define QJ_MODULE_MODULE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qjit/qjit.h>

#include "hip/hip.h"
#include "registry/registry.h"

enum { QJ_DEVICES_MAX = 64, QJ_CHUNK = 1024, QJ_CHUNKS_MAX = QJ_KERNELS_MAX / QJ_CHUNK };

struct qj_functions {
    _Atomic(qjit_function) function[QJ_CHUNK];
};

struct qj_device_functions {
    _Atomic(struct qj_functions *) chunk[QJ_CHUNKS_MAX];
};

struct qj_modules {
    _Atomic(struct qj_device_functions *) device[QJ_DEVICES_MAX];
    struct qj_slots *slots; /* states of (device, unit) pairs, behind their own lock */
};

qjit_status qj_modules_init(struct qj_modules *out);

/* Unloads every module. `hip` NULL if none was ever opened. */
void qj_modules_finish(struct qj_modules *modules, const struct qj_hip *hip);

/* The function, or NULL if it is not loaded (or there is no such device or kernel). */
static inline qjit_function qj_modules_find(const struct qj_modules *modules, uint32_t device,
                                            qjit_kernel kernel)
{
    if (device >= QJ_DEVICES_MAX || kernel >= QJ_KERNELS_MAX) {
        return NULL;
    }
    const struct qj_device_functions *functions =
        atomic_load_explicit(&modules->device[device], memory_order_acquire);
    const struct qj_functions *chunk =
        functions ? atomic_load_explicit(&functions->chunk[kernel / QJ_CHUNK], memory_order_acquire) : NULL;
    return chunk ? atomic_load_explicit(&chunk->function[kernel % QJ_CHUNK], memory_order_acquire) : NULL;
}

enum qj_slot_state { QJ_SLOT_EMPTY, QJ_SLOT_QUEUED, QJ_SLOT_BUSY, QJ_SLOT_READY, QJ_SLOT_FAILED };

/* Enters the slot of (device, unit). QJ_SLOT_BUSY: it is this thread's to fill; qj_modules_leave is owed.
 * QJ_SLOT_READY: somebody did. QJ_SLOT_FAILED: it failed for good; *status has the status, and this
 * thread's detail and log are set as they were then. Waits for a thread that is filling it. */
enum qj_slot_state qj_modules_enter(struct qj_modules *modules, qjit_status *status, uint32_t device,
                                    uint32_t unit);

/* Ends what qj_modules_enter began. On failure the thread's detail and log are kept with the slot: for good
 * if asking again would give the same answer, else until the next try. */
void qj_modules_leave(struct qj_modules *modules, uint32_t device, uint32_t unit, qjit_status status);

/* Without waiting: marks an empty slot as queued and returns QJ_SLOT_EMPTY, so that the caller queues it
 * once; otherwise its state. A failure that is not for good is told once, then the slot is empty again. */
enum qj_slot_state qj_modules_peek(struct qj_modules *modules, qjit_status *status, uint32_t device,
                                   uint32_t unit);

/* A code object in heap memory, with the symbols of its unit's kernels, separated by one space. */
struct qj_module_image {
    void *bytes;
    size_t n_bytes;
    const char *symbols;
};

/* Loads `image` on the device and publishes the functions of the unit's kernels. Takes image->bytes over on
 * success; copies the symbols. The calling thread's current device is put back. Fails with QJIT_LOAD_FAILED
 * (the image), QJIT_HIP_FAILED (anything else), QJIT_NO_MEMORY. */
qjit_status qj_modules_load(struct qj_modules *modules, const struct qj_hip *hip, uint32_t device,
                            uint32_t unit_id, const struct qj_unit *unit,
                            const struct qj_module_image *image);

/* The image of a unit that is loaded; it stays until qj_modules_finish. False: it is not loaded. */
bool qj_modules_image(struct qj_modules *modules, struct qj_module_image *out, uint32_t device,
                      uint32_t unit_id);

#endif
