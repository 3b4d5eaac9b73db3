#include "module/slot.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"

qjit_status qj_slots_create(struct qj_slots **out)
{
    struct qj_slots *slots = calloc(1, sizeof *slots);
    if (!slots) {
        return qj_fail(QJIT_NO_MEMORY, "out of memory");
    }
    (void)pthread_mutex_init(&slots->lock, NULL);
    (void)pthread_cond_init(&slots->changed, NULL);
    *out = slots;
    return QJIT_OK;
}

static void destroy_slot(struct qj_slot *slot, const struct qj_hip *hip)
{
    if (!slot) {
        return;
    }
    if (slot->module && hip) {
        (void)hip->hipModuleUnload(slot->module);
    }
    free(slot->image);
    free(slot->symbols);
    free(slot->detail);
    free(slot->log);
    free(slot);
}

void qj_slots_destroy(struct qj_slots *slots, const struct qj_hip *hip)
{
    if (!slots) {
        return;
    }
    int current = 0;
    if (hip) {
        (void)hip->hipGetDevice(&current);
    }
    for (uint32_t device = 0; device < QJ_DEVICES_MAX; device++) {
        if (hip && slots->n_units[device]) {
            (void)hip->hipSetDevice((int)device);
        }
        for (uint32_t unit = 0; unit < slots->n_units[device]; unit++) {
            destroy_slot(slots->of[device][unit], hip);
        }
        free(slots->of[device]);
    }
    if (hip) {
        (void)hip->hipSetDevice(current);
    }
    (void)pthread_cond_destroy(&slots->changed);
    (void)pthread_mutex_destroy(&slots->lock);
    free(slots);
}

static bool grow(struct qj_slots *slots, uint32_t device, uint32_t unit)
{
    uint32_t n = slots->n_units[device];
    if (unit < n) {
        return true;
    }
    uint32_t n_new = unit + 1 > 2 * n ? unit + 1 : 2 * n;
    struct qj_slot **of = realloc(slots->of[device], n_new * sizeof(*of));
    if (!of) {
        return false;
    }
    memset(of + n, 0, (n_new - n) * sizeof(*of));
    slots->of[device] = of;
    slots->n_units[device] = n_new;
    return true;
}

struct qj_slot *qj_slots_at(struct qj_slots *slots, uint32_t device, uint32_t unit)
{
    if (!grow(slots, device, unit)) {
        return NULL;
    }
    struct qj_slot **slot = &slots->of[device][unit];
    if (!*slot) {
        *slot = calloc(1, sizeof **slot);
    }
    return *slot;
}

/* Asking again would give the same answer. What has to do with the machine's state rather than with the
 * source may come right. */
static bool is_for_good(qjit_status status)
{
    switch (status) {
    case QJIT_ARCH_UNKNOWN:
    case QJIT_COMPILE_FAILED:
    case QJIT_COMPILE_CRASHED:
    case QJIT_COMPILE_EXITED:
    case QJIT_COMPILE_TIMEOUT:
    case QJIT_COMPILE_NO_MEMORY:
    case QJIT_OBJECT_REFUSED:
    case QJIT_LOAD_FAILED:
        return true;
    default:
        return false;
    }
}

static qjit_status recall(const struct qj_slot *slot)
{
    return qj_fail_with_log(slot->status, slot->detail ? slot->detail : qjit_status_text(slot->status),
                            slot->log);
}

enum qj_slot_state qj_modules_enter(struct qj_modules *modules, qjit_status *status, uint32_t device,
                                    uint32_t unit)
{
    struct qj_slots *slots = modules->slots;
    enum qj_slot_state state = QJ_SLOT_FAILED;
    (void)pthread_mutex_lock(&slots->lock);
    struct qj_slot *slot = qj_slots_at(slots, device, unit);
    while (slot && slot->state == QJ_SLOT_BUSY) {
        (void)pthread_cond_wait(&slots->changed, &slots->lock);
    }
    if (!slot) {
        *status = qj_fail(QJIT_NO_MEMORY, "out of memory");
    } else if (slot->state == QJ_SLOT_READY) {
        state = QJ_SLOT_READY;
    } else if (slot->state == QJ_SLOT_FAILED && slot->for_good) {
        *status = recall(slot);
    } else {
        state = slot->state = QJ_SLOT_BUSY;
    }
    (void)pthread_mutex_unlock(&slots->lock);
    return state;
}

void qj_modules_leave(struct qj_modules *modules, uint32_t device, uint32_t unit, qjit_status status)
{
    struct qj_slots *slots = modules->slots;
    (void)pthread_mutex_lock(&slots->lock);
    struct qj_slot *slot = slots->of[device][unit];
    slot->state = status == QJIT_OK ? QJ_SLOT_READY : QJ_SLOT_FAILED;
    free(slot->detail);
    free(slot->log);
    slot->detail = slot->log = NULL;
    if (status != QJIT_OK) {
        slot->status = status;
        slot->for_good = is_for_good(status);
        slot->detail = strdup(qjit_error_detail());
        slot->log = strdup(qjit_error_log());
    }
    (void)pthread_cond_broadcast(&slots->changed);
    (void)pthread_mutex_unlock(&slots->lock);
}

enum qj_slot_state qj_modules_peek(struct qj_modules *modules, qjit_status *status, uint32_t device,
                                   uint32_t unit)
{
    struct qj_slots *slots = modules->slots;
    (void)pthread_mutex_lock(&slots->lock);
    struct qj_slot *slot = qj_slots_at(slots, device, unit);
    enum qj_slot_state state = slot ? slot->state : QJ_SLOT_FAILED;
    if (!slot) {
        *status = qj_fail(QJIT_NO_MEMORY, "out of memory");
    } else if (state == QJ_SLOT_EMPTY) {
        slot->state = QJ_SLOT_QUEUED;
    } else if (state == QJ_SLOT_FAILED) {
        *status = recall(slot);
        slot->state = slot->for_good ? QJ_SLOT_FAILED : QJ_SLOT_EMPTY;
    }
    (void)pthread_mutex_unlock(&slots->lock);
    return state;
}
