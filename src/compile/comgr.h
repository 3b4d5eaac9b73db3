/* AMD's code object manager, which generates the code behind hipRTC. Asked for one thing: which archs it
 * knows. hipRTC 5.2 to 6.4 abort on one that it does not; comgr's own check foretells that exactly. For the
 * worker. */
#ifndef QJ_COMPILE_COMGR_H
#define QJ_COMPILE_COMGR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qjit/qjit.h>

#include "base/buf.h"

struct qj_comgr_handle {
    uint64_t value; /* comgr passes its handles as a struct of one number */
};

struct qj_comgr {
    void *library;
    int (*create_action_info)(struct qj_comgr_handle *out);
    int (*destroy_action_info)(struct qj_comgr_handle info);
    int (*action_info_set_isa_name)(struct qj_comgr_handle info, const char *name);
    int (*get_isa_count)(size_t *out);
    int (*get_isa_name)(size_t i, const char **out);
};

/* Loads the library by its path. Fails with QJIT_COMPILER_NOT_FOUND, QJIT_HIP_UNUSABLE (lacks a symbol). */
qjit_status qj_comgr_open(struct qj_comgr *out, const char *path);

bool qj_comgr_knows(const struct qj_comgr *comgr, const char *arch);

/* Appends the archs it knows, separated by `separator`. */
void qj_comgr_archs(const struct qj_comgr *comgr, struct qj_buf *out, const char *separator);

#endif
