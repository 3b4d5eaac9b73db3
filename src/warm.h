/* A warm-up, whoever chooses its units. Included by the files of src/ itself only. */
#ifndef QJ_WARM_H
#define QJ_WARM_H

#include <stdbool.h>

#include <qjit/qjit.h>

/* A choice among the units that the registry had when the warm-up began; others may add some meanwhile. */
struct qj_wanted {
    bool *units;
    uint32_t n_units;
};

/* Sets wanted->units[unit] for each unit that `arch` is to have; all are false before. */
typedef qjit_status (*qj_warm_choose_fn)(struct qj_wanted *wanted, void *payload, const qjit_context *context,
                                         const char *arch);

/* Wants the unit of a kernel. Fails with QJIT_NOT_FOUND. */
qjit_status qj_warm_want_kernel(struct qj_wanted *wanted, const qjit_context *context, const char *name);

/* The caller's options, or the defaults for NULL. Fails as qj_sized_read. */
qjit_status qj_warm_read_options(qjit_warm_options *out, const qjit_warm_options *options);

/* qjit_warm with units that `choose` chooses; of the options archs and progress are looked at here. */
qjit_status qj_warm(qjit_context *context, qjit_warm_result *out, const qjit_warm_options *options,
                    qj_warm_choose_fn choose, void *payload);

#endif
