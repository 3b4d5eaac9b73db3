/* hipRTC in this process; for the worker, which may die of it. */
#ifndef QJ_COMPILE_RTC_H
#define QJ_COMPILE_RTC_H

#include <stdbool.h>

#include <qjit/qjit.h>

#include "base/buf.h"
#include "compile/comgr.h"
#include "compile/message.h"
#include "hip/hip.h"

struct qj_rtc {
    struct qj_hip hip;
    struct qj_comgr comgr; /* library NULL: none, and archs are not checked */
};

/* Loads hipRTC, with comgr if there is one. Fails with QJIT_COMPILER_NOT_FOUND, QJIT_HIP_UNUSABLE. */
qjit_status qj_rtc_open(struct qj_rtc *out, const struct qj_hip_where *where);

/* Compiles the job and puts an ANSWER frame. */
void qj_rtc_compile(const struct qj_rtc *rtc, struct qj_buf *out, const struct qj_job *job);

/* Appends the archs the compiler knows, one per line; nothing if it does not say. */
void qj_rtc_archs(const struct qj_rtc *rtc, struct qj_buf *out);

#endif
