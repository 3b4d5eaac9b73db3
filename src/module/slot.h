/* The state of each (device, unit) pair. */
#ifndef QJ_MODULE_SLOT_H
#define QJ_MODULE_SLOT_H

#include <pthread.h>

#include "module/module.h"

struct qj_slot {
    enum qj_slot_state state;
    bool for_good;      /* the failure */
    qjit_status status; /* of the failure */
    char *detail, *log;
    hipModule_t module;
    void *image;
    size_t image_bytes;
    char *symbols; /* of the unit's kernels */
};

struct qj_slots {
    pthread_mutex_t lock; /* guards states; never held while anything runs */
    pthread_cond_t changed;
    struct qj_slot **of[QJ_DEVICES_MAX]; /* by unit; slots do not move */
    uint32_t n_units[QJ_DEVICES_MAX];
};

qjit_status qj_slots_create(struct qj_slots **out);
void qj_slots_destroy(struct qj_slots *slots, const struct qj_hip *hip);

/* The slot, made if there is none; NULL when out of memory. The lock must be held, but for a slot that is
 * busy in this thread's hands. */
struct qj_slot *qj_slots_at(struct qj_slots *slots, uint32_t device, uint32_t unit);

#endif
