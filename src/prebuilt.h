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

/* The one that names most features of those that serve the unit on a device of `arch` and are not refused;
 * NULL: none. */
struct qj_prebuilt *qj_prebuilts_find(struct qj_prebuilts *prebuilts, const char *unit, const char *arch);

/* It is found no more. */
void qj_prebuilts_refuse(struct qj_prebuilts *prebuilts, struct qj_prebuilt *prebuilt);

/* Its bytes in heap memory; NULL: out of memory. */
void *qj_prebuilt_copy(const struct qj_prebuilt *prebuilt);

/* QJIT_NOT_FOUND: says for which archs a unit without a source has objects. */
qjit_status qj_prebuilts_fail(struct qj_prebuilts *prebuilts, const char *unit, const char *arch);

#endif
