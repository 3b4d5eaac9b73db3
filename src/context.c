/* Opens what a context needs when it needs it: a hit for a given arch loads no HIP library, a hit on a device
 * starts no worker. */
#include "context.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "object/arch.h"

static qjit_status out_of_memory(void)
{
    return qj_fail(QJIT_NO_MEMORY, "out of memory");
}

/* The `opening` lock is held in the functions called open_*. */

static qjit_status open_where(qjit_context *context)
{
    if (atomic_load(&context->where)) {
        return QJIT_OK;
    }
    struct qj_hip_where *where = calloc(1, sizeof *where);
    if (!where) {
        return out_of_memory();
    }
    const struct qj_options *options = &context->options;
    const struct qj_hip_search search = {
        .which = options->hip, .rocm_path = options->rocm_path, .library_path = options->library_path};
    qjit_status status = qj_hip_find(where, &search);
    if (status == QJIT_OK) {
        atomic_store(&context->where, where);
    } else {
        free(where);
    }
    return status;
}

static qjit_status open_compiler(qjit_context *context)
{
    qjit_status status = open_where(context);
    if (status != QJIT_OK || atomic_load(&context->compiler)) {
        return status;
    }
    char identity[QJ_IDENTITY_MAX];
    status = qj_identity_get(identity, atomic_load(&context->where));
    char *copy = status == QJIT_OK ? strdup(identity) : NULL;
    if (status == QJIT_OK && !copy) {
        status = out_of_memory();
    }
    atomic_store(&context->compiler, copy);
    return status;
}

static qjit_status open_pool(qjit_context *context)
{
    qjit_status status = open_compiler(context);
    if (status != QJIT_OK || atomic_load(&context->pool)) {
        return status;
    }
    const struct qj_options *options = &context->options;
    if (!options->worker) {
        return qj_fail(
            QJIT_WORKER_NOT_STARTED,
            "qjit-worker is not beside the library: install it there, or name it with QJIT_WORKER");
    }
    struct qj_pool_options pool_options = {
        .worker = options->worker,
        .where = atomic_load(&context->where),
        .compiler = atomic_load(&context->compiler),
        .temp_dir = options->temp_dir,
        .library_path = options->library_path,
        .n_workers = options->n_jobs,
        .timeout_ms = options->compile_timeout_ms,
        .max_bytes = options->worker_max_bytes,
        .log = &options->log,
    };
    struct qj_pool *pool = NULL;
    status = qj_pool_create(&pool, &pool_options);
    if (status == QJIT_OK) {
        atomic_store(&context->pool, pool);
    }
    return status;
}

static qjit_status read_devices(qjit_context *context, const struct qj_hip *hip)
{
    uint32_t n = 0;
    qjit_status status = qj_device_count(&n, hip);
    n = n < QJ_DEVICES_MAX ? n : QJ_DEVICES_MAX;
    for (uint32_t i = 0; i < n && status == QJIT_OK; i++) {
        context->devices[i].struct_size = sizeof context->devices[i];
        status = qj_device_get(&context->devices[i], hip, i);
    }
    context->n_devices = n;
    return status;
}

static qjit_status open_hip(qjit_context *context)
{
    qjit_status status = open_where(context);
    if (status != QJIT_OK || atomic_load(&context->hip)) {
        return status;
    }
    struct qj_hip *hip = calloc(1, sizeof *hip);
    if (!hip) {
        return out_of_memory();
    }
    status = qj_hip_open_runtime(hip, atomic_load(&context->where));
    if (status == QJIT_OK) {
        status = read_devices(context, hip);
    }
    if (status == QJIT_OK) {
        atomic_store(&context->hip, hip);
    } else {
        free(hip);
    }
    return status;
}

static qjit_status open_once(qjit_context *context, qjit_status (*open)(qjit_context *))
{
    (void)pthread_mutex_lock(&context->opening);
    qjit_status status = open(context);
    (void)pthread_mutex_unlock(&context->opening);
    return status;
}

qjit_status qj_context_where(qjit_context *context, const struct qj_hip_where **out)
{
    qjit_status status = atomic_load(&context->where) ? QJIT_OK : open_once(context, open_where);
    *out = atomic_load(&context->where);
    return status;
}

qjit_status qj_context_compiler(qjit_context *context, const char **out)
{
    qjit_status status = atomic_load(&context->compiler) ? QJIT_OK : open_once(context, open_compiler);
    *out = atomic_load(&context->compiler);
    return status;
}

qjit_status qj_context_pool(qjit_context *context, struct qj_pool **out)
{
    qjit_status status = atomic_load(&context->pool) ? QJIT_OK : open_once(context, open_pool);
    *out = atomic_load(&context->pool);
    return status;
}

qjit_status qj_context_hip(qjit_context *context, const struct qj_hip **out)
{
    qjit_status status = atomic_load(&context->hip) ? QJIT_OK : open_once(context, open_hip);
    *out = atomic_load(&context->hip);
    return status;
}

qjit_status qj_context_device(qjit_context *context, const qjit_device **out, uint32_t device)
{
    const struct qj_hip *hip;
    qjit_status status = qj_context_hip(context, &hip);
    if (status == QJIT_OK && device >= context->n_devices) {
        status =
            qj_fail(QJIT_NO_DEVICE, "there is no device %u: this machine has %u", device, context->n_devices);
    }
    *out = status == QJIT_OK ? &context->devices[device] : NULL;
    return status;
}

static qjit_status open_ops(qjit_context *context)
{
    if (atomic_load(&context->ops)) {
        return QJIT_OK;
    }
    struct qj_ops *ops;
    const struct qj_ops from = {.context = context,
                                .hip = atomic_load(&context->hip),
                                .modules = &context->modules,
                                .devices = context->devices,
                                .n_devices = context->n_devices};
    qjit_status status = qj_ops_create(&ops, &from);
    if (status == QJIT_OK) {
        atomic_store(&context->ops, ops);
    }
    return status;
}

qjit_status qj_context_ops(qjit_context *context, struct qj_ops **out, uint32_t device)
{
    const qjit_device *info;
    qjit_status status = qj_context_device(context, &info, device);
    if (status == QJIT_OK && !atomic_load(&context->ops)) {
        status = open_once(context, open_ops);
    }
    *out = atomic_load(&context->ops);
    return status;
}

qjit_status qj_context_kernel(const qjit_context *context, const struct qj_kernel **out, qjit_kernel kernel)
{
    *out = qj_registry_kernel(context->registry, kernel);
    return *out ? QJIT_OK : qj_fail(QJIT_NOT_FOUND, "there is no kernel %u", kernel);
}

qjit_status qj_context_kernel_names(const qjit_context *context, const char *const **out,
                                    const struct qj_unit *unit)
{
    const char **names = calloc(unit->n_kernels + 1, sizeof(*names));
    if (!names) {
        return out_of_memory();
    }
    for (uint32_t i = 0; i < unit->n_kernels; i++) {
        names[i] = qj_registry_kernel(context->registry, unit->first_kernel + i)->name;
    }
    *out = names;
    return QJIT_OK;
}

/* The archs that the compiler knows, asked of a worker. No lock is held meanwhile: of those who ask at the
 * same time the first one's answer stays. */
static qjit_status get_archs(qjit_context *context, const char **out)
{
    char *archs = NULL, *before = NULL;
    struct qj_pool *pool;
    qjit_status status = QJIT_OK;
    if (!atomic_load(&context->archs)) {
        status = qj_context_pool(context, &pool);
        status = status == QJIT_OK ? qj_pool_archs(pool, &archs) : status;
        if (status == QJIT_OK && !atomic_compare_exchange_strong(&context->archs, &before, archs)) {
            free(archs);
        }
    }
    *out = atomic_load(&context->archs);
    return status;
}

/* True if the compiler knows the processor of `arch`. */
static bool is_known(const char *archs, const char *arch)
{
    size_t n = strcspn(arch, ":");
    for (const char *line = archs; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        if (strncmp(line, arch, n) == 0 && (line[n] == '\n' || line[n] == '\0')) {
            return true;
        }
    }
    return false;
}

/* What to compile for where `arch` is wanted: itself, unless the context may fall back, must and can. */
static qjit_status choose_arch(char out[static QJ_ARCH_MAX], qjit_context *context, const char *arch)
{
    char generic[QJ_ARCH_MAX];
    qjit_status status = qj_arch_canonical(out, arch);
    if (status != QJIT_OK || !qj_arch_generic(generic, out)) {
        return status;
    }
    const char *archs;
    status = get_archs(context, &archs);
    if (status == QJIT_OK && !is_known(archs, out) && is_known(archs, generic)) {
        qj_log(&context->options.log, QJIT_LOG_INFO, "the compiler does not know '%s': compiling for '%s'",
               out, generic);
        memcpy(out, generic, sizeof generic);
    }
    return status;
}

/* A row in the store proves that the compiler knows the arch, so that no worker need be asked. */
qjit_status qj_context_plan(struct qj_plan *out, qjit_context *context, const struct qj_unit *unit,
                            const char *const *names, const char *arch)
{
    const char *compiler;
    char chosen[QJ_ARCH_MAX];
    if (!unit->source) {
        return qj_prebuilts_fail(&context->prebuilts, unit->name, arch);
    }
    qjit_status status = qj_context_compiler(context, &compiler);
    if (status == QJIT_OK) {
        status = qj_plan_init(out, unit, names, arch, compiler);
    }
    if (status != QJIT_OK || !(context->options.flags & QJIT_GENERIC_ARCH) ||
        qj_store_has(context->store, out->key)) {
        return status;
    }
    qj_plan_finish(out);
    status = choose_arch(chosen, context, arch);
    return status == QJIT_OK ? qj_plan_init(out, unit, names, chosen, compiler) : status;
}

bool qj_context_lists(const char *const *list, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i], word) == 0) {
            return true;
        }
    }
    return n == 0;
}
