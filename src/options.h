/* What a context was asked to be: the caller's options, then the environment, then defaults. The only reader
 * of the environment in the library. */
#ifndef QJ_OPTIONS_H
#define QJ_OPTIONS_H

#include <qjit/qjit.h>

#include "base/log.h"
#include "base/sign.h"

struct qj_options {
    uint32_t flags, n_jobs, compile_timeout_ms;
    uint64_t cache_max_bytes, worker_max_bytes;
    char *hip;                /* never NULL */
    char *cache_dir;          /* NULL: memory only */
    const char *no_cache_dir; /* why; "" if there is one */
    char *worker;             /* NULL: none found, see worker_advice */
    char *rocm_path;          /* $ROCM_PATH or NULL */
    char *library_path;       /* $LD_LIBRARY_PATH or NULL */
    char *temp_dir;           /* $TMPDIR, else /tmp */
    char *shipped;            /* NULL: none */
    struct qj_trust trust;
    struct qj_log log;
};

/* Fails with QJIT_INVALID_ARGUMENT (says which option or variable, what it is and what it may be). */
qjit_status qj_options_init(struct qj_options *out, const qjit_options *options);
void qj_options_finish(struct qj_options *options);

#endif
