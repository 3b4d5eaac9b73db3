/* Code objects that the application has added, by unit and arch. */
#ifndef QJ_PREBUILT_H
#define QJ_PREBUILT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <qjit/qjit.h>

#include "object/arch.h"

struct qj_prebuilt {
    struct qj_prebuilt *next;
    char unit[256];
    char arch[QJ_ARCH_MAX]; /* canonical */
    const void *bytes;      /* the application's */
    size_t n_bytes;
    char *symbols; /* of the unit's kernels, in order, separated by one space */
    bool refused;  /* by the driver; behind the lock */
};

struct qj_prebuilts {
    pthread_mutex_t lock; /* of adding and finding; rows never move or change but for `refused` */
    struct qj_prebuilt *first;
};

void qj_prebuilts_init(struct qj_prebuilts *out);
void qj_prebuilts_finish(struct qj_prebuilts *prebuilts);

/* Loads the unit from what was added, and publishes its functions. QJIT_NOT_FOUND: nothing that fits, or
 * nothing that loads where there is a source to go on with. */
qjit_status qj_prebuilt_load(qjit_context *context, uint32_t device, uint32_t unit, const char *arch);

/* QJIT_NOT_FOUND: says for which archs a unit without a source has objects. */
qjit_status qj_prebuilts_fail(struct qj_prebuilts *prebuilts, const char *unit, const char *arch);

#endif
