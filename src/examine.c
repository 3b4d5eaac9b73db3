/* qjit_examine: everything qjit depends on, looked at one by one. What is wrong is a finding, not a failure.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/status.h"
#include "context.h"

struct examination {
    qjit_context *context;
    int (*each)(void *payload, const qjit_finding *finding);
    void *payload;
    bool stopped;
};

static void find(struct examination *examination, const char *subject, enum qjit_health health,
                 const char *found, const char *advice)
{
    qjit_finding finding = {subject, health, found, advice};
    if (!examination->stopped) {
        examination->stopped = examination->each(examination->payload, &finding) != 0;
    }
}

static void examine_libraries(struct examination *examination)
{
    const struct qj_hip_where *where;
    if (qj_context_where(examination->context, &where) != QJIT_OK) {
        find(examination, "hip", QJIT_HEALTH_BAD, qjit_error_detail(),
             "install ROCm's HIP runtime (Debian: libamdhip64-5), or name a library with QJIT_HIP");
        return;
    }
    find(examination, "hip", where->runtime ? QJIT_HEALTH_OK : QJIT_HEALTH_NOTE,
         where->runtime ? where->runtime : "no HIP runtime: this machine can compile, not run", "");
    if (where->rtc) {
        find(examination, "hiprtc", QJIT_HEALTH_OK, where->rtc, "");
    }
    if (where->comgr) {
        find(examination, "comgr", QJIT_HEALTH_OK, where->comgr, "");
    }
}

static void examine_compiler(struct examination *examination)
{
    const char *compiler;
    const struct qj_hip_where *where = atomic_load(&examination->context->where);
    if (qj_context_compiler(examination->context, &compiler) == QJIT_OK) {
        find(examination, "compiler", QJIT_HEALTH_OK, compiler, "");
    } else {
        bool is_rocm = !where || where->kind == QJ_HIP_ROCM;
        find(examination, "compiler", QJIT_HEALTH_BAD, qjit_error_detail(),
             is_rocm ? "install hipRTC and comgr of the same ROCm as the HIP runtime" : "");
    }
}

static int count_arch(void *payload, const char *arch)
{
    struct qj_buf *text = payload;
    qj_buf_printf(text, "%s%s", text->size ? " " : "", arch);
    return 0;
}

/* Starts one for real: asking it for the archs it knows takes the whole way but for a compile. */
static void examine_worker(struct examination *examination)
{
    const struct qj_options *options = &examination->context->options;
    if (!options->worker || access(options->worker, X_OK) != 0) {
        find(examination, "worker", QJIT_HEALTH_BAD,
             options->worker ? options->worker : "qjit-worker is not beside the library",
             "install qjit-worker beside libqjit, or name it with QJIT_WORKER");
        return;
    }
    find(examination, "worker", QJIT_HEALTH_OK, options->worker, "");
    struct qj_buf archs = {0};
    if (qjit_each_arch(examination->context, count_arch, &archs) == QJIT_OK) {
        find(examination, "archs", QJIT_HEALTH_OK, qj_buf_text(&archs), "");
    } else {
        find(examination, "archs", QJIT_HEALTH_BAD, qjit_error_detail(), "");
    }
    qj_buf_finish(&archs);
}

static void examine_devices(struct examination *examination)
{
    qjit_context *context = examination->context;
    const struct qj_hip *hip;
    if (qj_context_hip(context, &hip) != QJIT_OK) {
        find(examination, "devices", QJIT_HEALTH_NOTE, qjit_error_detail(), "");
        return;
    }
    if (!context->n_devices) {
        find(examination, "devices", QJIT_HEALTH_NOTE,
             "no GPU in this machine: kernels can be compiled, not run",
             qj_fs_exists("/dev/kfd") ? "there is a /dev/kfd: is this user in the groups render and video?"
                                      : "");
    }
    for (uint32_t i = 0; i < context->n_devices; i++) {
        char text[512];
        const qjit_device *device = &context->devices[i];
        (void)snprintf(text, sizeof text, "%u: %s, %s, wavefront %u, %u compute units, %llu MiB", i,
                       device->arch, device->name, device->wavefront, device->n_cus,
                       (unsigned long long)(device->memory_bytes >> 20));
        find(examination, "devices", QJIT_HEALTH_OK, text, "");
    }
}

static void examine_store(struct examination *examination)
{
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    if (qjit_get_cache_stat(examination->context, &stat) != QJIT_OK) {
        find(examination, "store", QJIT_HEALTH_BAD, qjit_error_detail(), "");
        return;
    }
    char text[1024];
    (void)snprintf(text, sizeof text, "%s, %llu objects", *stat.path ? stat.path : "in memory only",
                   (unsigned long long)stat.n_entries);
    bool good = !*stat.memory_reason;
    find(examination, "store", good ? QJIT_HEALTH_OK : QJIT_HEALTH_BAD, text, stat.memory_reason);
}

static void examine_shipped(struct examination *examination)
{
    const char *path, *reason;
    struct qj_store *layer;
    for (size_t i = 0; (layer = qj_store_shipped(examination->context->store, i, &path, &reason)) != NULL;
         i++) {
        qjit_cache_stat stat = {.struct_size = sizeof stat};
        char text[1024];
        bool good = !*reason && qj_store_stat(layer, &stat) == QJIT_OK;
        (void)snprintf(text, sizeof text, "%s, %llu objects", path, (unsigned long long)stat.n_entries);
        find(examination, "shipped", good ? QJIT_HEALTH_OK : QJIT_HEALTH_BAD, good ? text : path, reason);
    }
}

static void examine_temp(struct examination *examination)
{
    const char *directory = examination->context->options.temp_dir;
    if (access(directory, W_OK | X_OK) == 0) {
        find(examination, "temp", QJIT_HEALTH_OK, directory, "");
    } else {
        find(examination, "temp", QJIT_HEALTH_BAD, directory,
             "workers need a writable directory: set TMPDIR");
    }
}

qjit_status qjit_examine(qjit_context *context, int (*each)(void *payload, const qjit_finding *finding),
                         void *payload)
{
    struct examination examination = {context, each, payload, false};
    examine_libraries(&examination);
    examine_compiler(&examination);
    examine_worker(&examination);
    examine_devices(&examination);
    examine_store(&examination);
    examine_shipped(&examination);
    examine_temp(&examination);
    return QJIT_OK;
}
