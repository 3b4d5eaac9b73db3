/* The private directory of a worker: <temp>/qjit-worker-XXXXXX with an empty cwd/, a tmp/ and a file "lock".
 *
 * Library and worker both hold a shared lock on that file as long as they live. So whoever finds a directory
 * whose lock can be had alone knows that both are gone and removes it. */
#ifndef QJ_COMPILE_SCRATCH_H
#define QJ_COMPILE_SCRATCH_H

#include <qjit/qjit.h>

struct qj_scratch {
    char *path; /* absolute, no links in it; NULL: none */
    char *cwd, *tmp;
    int lock; /* -1: none */
};

/* Fails with QJIT_WORKER_NOT_STARTED (no directory can be made there), QJIT_NO_MEMORY. */
qjit_status qj_scratch_init(struct qj_scratch *out, const char *temp);

/* Removes it with all that is in it. A zeroed one with lock -1 is fine. */
void qj_scratch_finish(struct qj_scratch *scratch);

/* For the worker: keeps the directory from being swept until the process ends. */
void qj_scratch_hold(const char *directory);

/* Removes the directories under `temp` that this user's dead processes left. */
void qj_scratch_sweep(const char *temp);

#endif
