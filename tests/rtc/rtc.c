#include "rtc/rtc.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

static const qjit_header small_runtime = {
    "hiprtc_runtime.h", "#pragma once\n#define __global__ __attribute__((global))\n#define __device__ "
                        "__attribute__((device))\n#define __shared__ __attribute__((shared))\n"};

static const struct qj_hip_search search = {.which = "rocm"};

/* Before main(): Criterion starts the program anew for each test and wants main() to itself. */
__attribute__((constructor)) static void need_compiler(void)
{
    struct qj_hip_where where;
    char identity[QJ_IDENTITY_MAX];
    if (qj_hip_find(&where, &search) || qj_identity_get(identity, &where)) {
        (void)printf("skipped: no hipRTC here: %s\n", qjit_error_detail());
        (void)fflush(stdout);
        _exit(77);
    }
    qj_hip_where_finish(&where);
}

static int count_entries(const char *path)
{
    DIR *directory = opendir(path);
    int n = 0;
    while (directory && readdir(directory)) {
        n++;
    }
    if (directory) {
        (void)closedir(directory);
    }
    return n;
}

void rtc_init(struct rtc *out, uint32_t n_workers, uint32_t timeout_ms, uint64_t max_bytes)
{
    *out = (struct rtc){.temp = "/tmp/qjit-rtc-XXXXXX", .n_fds = count_entries("/proc/self/fd")};
    struct qj_buf worker = {0};
    qj_buf_printf(&worker, "%s/bin/qjit-worker", getenv("QJIT_BUILD"));
    if (!mkdtemp(out->temp) || qj_hip_find(&out->where, &search) ||
        qj_identity_get(out->identity, &out->where)) {
        abort();
    }
    const struct qj_pool_options options = {.worker = worker.bytes,
                                            .where = &out->where,
                                            .compiler = out->identity,
                                            .temp_dir = out->temp,
                                            .n_workers = n_workers,
                                            .timeout_ms = timeout_ms,
                                            .max_bytes = max_bytes};
    if (qj_pool_create(&out->pool, &options)) {
        abort();
    }
    qj_buf_finish(&worker);
}

const char *rtc_finish(struct rtc *rtc)
{
    qj_pool_destroy(rtc->pool);
    qj_hip_where_finish(&rtc->where);
    bool child_left = waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD;
    bool directory_left = rmdir(rtc->temp) != 0;
    int n_fds = count_entries("/proc/self/fd");
    return child_left            ? "a process"
           : directory_left      ? "a directory"
           : n_fds != rtc->n_fds ? "a descriptor"
                                 : NULL;
}

static size_t count(const char *const *texts)
{
    size_t n = 0;
    while (n < 8 && texts[n]) {
        n++;
    }
    return n;
}

qjit_status rtc_compile(struct rtc *rtc, struct qj_compiled *out, const struct rtc_job *job)
{
    const char *source = job->source ? job->source : "extern \"C\" __global__ void k(float *x) { *x = 1; }\n";
    const struct qj_unit unit = {.name = "unit",
                                 .module = "app",
                                 .source_name = "unit.hip",
                                 .source = source,
                                 .source_bytes = strlen(source),
                                 .headers = job->headers        ? job->headers
                                            : job->full_runtime ? NULL
                                                                : &small_runtime,
                                 .n_headers = job->headers        ? job->n_headers
                                              : job->full_runtime ? 0
                                                                  : 1,
                                 .options = job->options,
                                 .n_options = count(job->options),
                                 .n_kernels = (uint32_t)count(job->kernels)};
    struct qj_plan plan;
    *out = (struct qj_compiled){0};
    qjit_status status =
        qj_plan_init(&plan, &unit, job->kernels, job->arch ? job->arch : RTC_ARCH, rtc->identity);
    if (!status) {
        status = qj_pool_compile(rtc->pool, out, &plan);
        qj_plan_finish(&plan);
    }
    return status;
}

void rtc_digest(uint8_t out[static QJ_DIGEST_BYTES], const struct qj_compiled *compiled)
{
    struct qj_digest digest;
    qj_digest_init(&digest);
    qj_digest_field(&digest, compiled->object, compiled->n_bytes);
    qj_digest_finish(&digest, out);
}
