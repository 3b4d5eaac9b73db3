/* What the frames of wire.h say. The library puts HELLO, JOB and ARCHS and gets the rest; the worker the
 * other way round. Everything got points into the body it was read from, which must live as long. */
#ifndef QJ_COMPILE_MESSAGE_H
#define QJ_COMPILE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qjit/qjit.h>

#include "base/buf.h"
#include "compile/plan.h"
#include "hip/hip.h"

/* What hipRTC is told the source is called. A constant, because the name could enter the object and is in no
 * key; 5.2 calls every source so, whatever it is told. Logs get the real name afterwards. */
#define QJ_MESSAGE_SOURCE_NAME "CompileSource"

/* First of all: who compiles, where, and within what bounds. */
struct qj_hello {
    uint32_t kind;                     /* enum qj_hip_kind */
    const char *runtime, *rtc, *comgr; /* "" where there is none */
    const char *directory;             /* the worker's private one */
    uint64_t parent;                   /* process id of the library */
    uint64_t max_bytes;                /* of address space; 0: no limit */
    bool confirm;                      /* say whose libraries were really loaded */
};

/* Compile this. Arrays are the job's own. */
struct qj_job {
    const char *arch, *source;
    uint32_t timeout_ms;
    size_t n_options, n_headers, n_kernels;
    const char **options, **header_names, **header_texts, **kernels;
};

struct qj_ready {
    qjit_status status; /* OK, HIP_UNUSABLE, COMPILER_NOT_FOUND, HIP_NOT_FOUND, NO_MEMORY */
    const char *detail;
    const char *identity; /* "" unless asked for */
};

struct qj_answer {
    qjit_status status; /* OK, COMPILE_FAILED, ARCH_UNKNOWN, COMPILE_NO_MEMORY */
    const char *detail, *log;
    const char *kernels; /* as in struct qj_compiled; of ARCH_UNKNOWN: the archs it knows */
    const void *object;
    size_t n_bytes;
    uint32_t compile_us;
};

/* Each puts one whole frame. */
void qj_message_put_hello(struct qj_buf *out, const struct qj_hello *hello);
void qj_message_put_job(struct qj_buf *out, const struct qj_plan *plan, uint32_t timeout_ms);
void qj_message_put_archs(struct qj_buf *out);
void qj_message_put_ready(struct qj_buf *out, const struct qj_ready *ready);
void qj_message_put_answer(struct qj_buf *out, const struct qj_answer *answer);
void qj_message_put_arch_list(struct qj_buf *out, const char *archs);

/* Each reads one body of n bytes; false if it is not a whole and sane one. */
bool qj_message_hello(struct qj_hello *out, const void *body, size_t n);
bool qj_message_job(struct qj_job *out, const void *body,
                    size_t n); /* finish with qj_job_finish, also if false */
bool qj_message_ready(struct qj_ready *out, const void *body, size_t n);
bool qj_message_answer(struct qj_answer *out, const void *body, size_t n);
bool qj_message_arch_list(const char **out, const void *body, size_t n);

void qj_job_finish(struct qj_job *job);

#endif
