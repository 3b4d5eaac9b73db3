/* The real compiler behind a pool, for tests. */
#ifndef TESTS_RTC_RTC_H
#define TESTS_RTC_RTC_H

#include <stdint.h>

#include "compile/plan.h"
#include "compile/pool.h"
#include "hip/identity.h"

/* An arch that every version knows. */
#define RTC_ARCH "gfx1030"

struct rtc {
    struct qj_hip_where where;
    char identity[QJ_IDENTITY_MAX];
    struct qj_pool *pool;
    char temp[64];
    int n_fds;
};

/* A program with rtc.c in it ends with 77 and a reason before its first test where there is no compiler. */

/* A pool of n workers with the limits given. */
void rtc_init(struct rtc *out, uint32_t n_workers, uint32_t timeout_ms, uint64_t max_bytes);

/* NULL if no process, descriptor or directory is left; else which. */
const char *rtc_finish(struct rtc *rtc);

/* What to compile; zero means the usual. */
struct rtc_job {
    const char *arch, *source;
    const char *options[8];
    const char *kernels[8];
    const qjit_header *headers;
    size_t n_headers;
    int full_runtime; /* hipRTC's own header instead of three lines */
};

/* Plans and compiles. */
qjit_status rtc_compile(struct rtc *rtc, struct qj_compiled *out, const struct rtc_job *job);

/* The digest of the bytes; to compare objects. */
void rtc_digest(uint8_t out[static QJ_DIGEST_BYTES], const struct qj_compiled *compiled);

#endif
