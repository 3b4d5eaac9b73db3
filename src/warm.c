/* qjit_warm, and what qjit_warm_model shares with it: many units for many archs, by as many threads as there
 * are workers. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/sized.h"
#include "base/status.h"
#include "context.h"
#include "object/arch.h"
#include "warm.h"

struct arch {
    char name[QJ_ARCH_MAX];
    bool unknown; /* the compiler said so: its other units need not ask again */
    char *detail;
};

struct pair {
    uint32_t unit, arch;
};

/* One warm-up under way: what is chosen, and behind `lock` how far it is. */
struct warm {
    qjit_context *context;
    const qjit_warm_options *options;
    struct arch *archs;
    uint32_t n_archs;
    struct pair *pairs; /* arch by arch, so that the first is whole first; units in the registry's order */
    uint32_t n_pairs;
    pthread_mutex_t lock;
    uint32_t n_started, n_done, n_compiled, n_cached, n_failed;
    bool stopped;
    qjit_status status; /* the first failure */
    char *detail, *log;
};

static void keep_first_failure(struct warm *warm, qjit_status status)
{
    if (status != QJIT_OK && warm->status == QJIT_OK) {
        warm->status = status;
        warm->detail = strdup(qjit_error_detail());
        warm->log = strdup(qjit_error_log());
    }
}

/* Makes sure of one unit for one arch; *out is filled on success. */
static qjit_status warm_unit(struct qj_image *out, struct warm *warm, const struct qj_unit *unit,
                             const char *arch)
{
    const char *const *names;
    struct qj_plan plan;
    qjit_status status = qj_context_kernel_names(warm->context, &names, unit);
    if (status != QJIT_OK) {
        return status;
    }
    status = qj_context_plan(&plan, warm->context, unit, names, arch);
    if (status == QJIT_OK) {
        status = qj_image_get(out, warm->context, &plan);
        qj_plan_finish(&plan);
    }
    free((void *)(uintptr_t)names);
    return status;
}

/* Counts the unit and tells the application. Called with the lock held: one call at a time is what it was
 * promised. */
static void report(struct warm *warm, const struct qj_unit *unit, struct arch *arch, qjit_status status,
                   const struct qj_image *image)
{
    keep_first_failure(warm, status);
    if (status == QJIT_ARCH_UNKNOWN && !arch->unknown) {
        arch->unknown = true;
        arch->detail = strdup(qjit_error_detail());
    }
    bool cached = status == QJIT_OK && image->from_store;
    warm->n_done++;
    warm->n_failed += status != QJIT_OK;
    warm->n_cached += cached;
    warm->n_compiled += status == QJIT_OK && !cached;
    qjit_warm_event event = {
        .unit = unit->name,
        .arch = arch->name,
        .outcome = status != QJIT_OK ? QJIT_WARM_FAILED
                   : cached          ? QJIT_WARM_CACHED
                                     : QJIT_WARM_COMPILED,
        .status = status,
        .detail = status != QJIT_OK ? qjit_error_detail() : "",
        .log = status != QJIT_OK ? qjit_error_log() : image->log,
        .compile_us = status != QJIT_OK ? 0 : image->compile_us,
        .n_done = warm->n_done,
        .n_total = warm->n_pairs,
    };
    if (warm->options->progress && warm->options->progress(warm->options->payload, &event)) {
        warm->stopped = true;
    }
}

/* Takes the next pair until there is none. */
static void *work(void *payload)
{
    struct warm *warm = payload;
    (void)pthread_mutex_lock(&warm->lock);
    while (!warm->stopped && warm->n_started < warm->n_pairs) {
        const struct pair *pair = &warm->pairs[warm->n_started++];
        struct arch *arch = &warm->archs[pair->arch];
        const struct qj_unit *unit = qj_registry_unit(warm->context->registry, pair->unit);
        struct qj_image image = {0};
        qjit_status status;
        if (arch->unknown) {
            status = qj_fail(QJIT_ARCH_UNKNOWN, "%s", arch->detail ? arch->detail : arch->name);
        } else {
            (void)pthread_mutex_unlock(&warm->lock);
            status = warm_unit(&image, warm, unit, arch->name);
            (void)pthread_mutex_lock(&warm->lock);
        }
        report(warm, unit, arch, status, &image);
        qj_image_finish(&image);
    }
    (void)pthread_mutex_unlock(&warm->lock);
    return NULL;
}

/* The caller's thread is one of them, so that something happens even where no thread can be started. */
static void run(struct warm *warm)
{
    pthread_t threads[1024];
    uint32_t n = 0;
    while (n + 1 < warm->context->options.n_jobs && n + 1 < warm->n_pairs &&
           pthread_create(&threads[n], NULL, work, warm) == 0) {
        n++;
    }
    (void)work(warm);
    while (n > 0) {
        (void)pthread_join(threads[--n], NULL);
    }
}

/* ---- choosing ---- */

static qjit_status check_modules(const qjit_context *context, const qjit_warm_options *options)
{
    uint32_t n = qj_registry_n_units(context->registry);
    for (size_t i = 0; i < options->n_modules; i++) {
        bool found = false;
        for (uint32_t unit = 0; unit < n && !found; unit++) {
            found = strcmp(qj_registry_unit(context->registry, unit)->module, options->modules[i]) == 0;
        }
        if (!found) {
            return qj_fail(QJIT_NOT_FOUND, "there is no module '%s': qjit list --kernels shows what there is",
                           options->modules[i]);
        }
    }
    return QJIT_OK;
}

qjit_status qj_warm_want_kernel(struct qj_wanted *wanted, const qjit_context *context, const char *name)
{
    qjit_kernel kernel;
    qjit_status status = qjit_find_kernel(context, &kernel, name);
    if (status != QJIT_OK) {
        return status;
    }
    uint32_t unit = qj_registry_kernel(context->registry, kernel)->unit;
    if (unit >= wanted->n_units) {
        return qj_fail(QJIT_NOT_FOUND, "kernel '%s' was added while the warm-up began: warm once more", name);
    }
    wanted->units[unit] = true;
    return QJIT_OK;
}

/* The units of qjit_warm, the same for every arch: those of `kernels` that are in one of `modules`. */
static qjit_status choose_by_name(struct qj_wanted *wanted, void *payload, const qjit_context *context,
                                  const char *arch)
{
    const qjit_warm_options *options = payload;
    qjit_status status = check_modules(context, options);
    (void)arch;
    for (size_t i = 0; i < options->n_kernels && status == QJIT_OK; i++) {
        status = qj_warm_want_kernel(wanted, context, options->kernels[i]);
    }
    for (uint32_t unit = 0; unit < wanted->n_units && status == QJIT_OK; unit++) {
        const char *module = qj_registry_unit(context->registry, unit)->module;
        wanted->units[unit] = (wanted->units[unit] || !options->n_kernels) &&
                              qj_context_lists(options->modules, options->n_modules, module);
    }
    return status;
}

static qjit_status choose_pairs(struct warm *warm, qj_warm_choose_fn choose, void *payload)
{
    uint32_t n = qj_registry_n_units(warm->context->registry);
    struct qj_wanted wanted = {calloc(n + 1, sizeof *wanted.units), n};
    warm->pairs = calloc((size_t)n * warm->n_archs + 1, sizeof *warm->pairs);
    qjit_status status = wanted.units && warm->pairs ? QJIT_OK : qj_fail(QJIT_NO_MEMORY, "out of memory");
    for (uint32_t arch = 0; arch < warm->n_archs && status == QJIT_OK; arch++) {
        memset(wanted.units, 0, n * sizeof *wanted.units);
        status = choose(&wanted, payload, warm->context, warm->archs[arch].name);
        for (uint32_t unit = 0; unit < n && status == QJIT_OK; unit++) {
            if (wanted.units[unit] && qj_registry_unit(warm->context->registry, unit)->source) {
                warm->pairs[warm->n_pairs++] = (struct pair){unit, arch};
            }
        }
    }
    free(wanted.units);
    return status;
}

static void add_arch(struct warm *warm, const char *canonical)
{
    for (uint32_t i = 0; i < warm->n_archs; i++) {
        if (strcmp(warm->archs[i].name, canonical) == 0) {
            return;
        }
    }
    memcpy(warm->archs[warm->n_archs++].name, canonical, QJ_ARCH_MAX);
}

static qjit_status choose_archs(struct warm *warm)
{
    const qjit_warm_options *options = warm->options;
    const struct qj_hip *hip;
    qjit_status status = QJIT_OK;
    size_t n_max = options->n_archs ? options->n_archs : QJ_DEVICES_MAX;
    warm->archs = calloc(n_max, sizeof(*warm->archs));
    if (!warm->archs) {
        return qj_fail(QJIT_NO_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < options->n_archs && status == QJIT_OK; i++) {
        char canonical[QJ_ARCH_MAX] = {0};
        status = qj_arch_canonical(canonical, options->archs[i]);
        if (status == QJIT_OK) {
            add_arch(warm, canonical);
        }
    }
    if (!options->n_archs) {
        status = qj_context_hip(warm->context, &hip);
        for (uint32_t i = 0; status == QJIT_OK && i < warm->context->n_devices; i++) {
            add_arch(warm, warm->context->devices[i].arch);
        }
        if (status == QJIT_OK && !warm->n_archs) {
            status =
                qj_fail(QJIT_NO_DEVICE, "there is no GPU in this machine: say which archs to compile for");
        }
    }
    return status;
}

static void warm_finish(struct warm *warm)
{
    for (uint32_t i = 0; warm->archs && i < warm->n_archs; i++) {
        free(warm->archs[i].detail);
    }
    free(warm->archs);
    free(warm->pairs);
    free(warm->detail);
    free(warm->log);
    (void)pthread_mutex_destroy(&warm->lock);
}

static qjit_status finish_result(qjit_warm_result *out, const struct warm *warm, uint64_t start_us)
{
    qjit_warm_result result = {
        .n_archs = warm->n_archs,
        .n_units = warm->n_pairs,
        .n_compiled = warm->n_compiled,
        .n_cached = warm->n_cached,
        .n_failed = warm->n_failed,
        .seconds = (double)(qj_clock_us() - start_us) / 1e6,
    };
    return out ? qj_sized_write(out, &result, sizeof result, "qjit_warm_result") : QJIT_OK;
}

qjit_status qj_warm(qjit_context *context, qjit_warm_result *out, const qjit_warm_options *options,
                    qj_warm_choose_fn choose, void *payload)
{
    uint64_t start_us = qj_clock_us();
    struct warm warm = {.context = context, .options = options};
    (void)pthread_mutex_init(&warm.lock, NULL);
    qjit_status status = choose_archs(&warm);
    if (status == QJIT_OK) {
        status = choose_pairs(&warm, choose, payload);
    }
    if (status == QJIT_OK) {
        run(&warm);
        status = finish_result(out, &warm, start_us);
    }
    if (status == QJIT_OK && warm.status != QJIT_OK) {
        status = qj_fail_with_log(warm.status, warm.detail ? warm.detail : "", warm.log);
    }
    warm_finish(&warm);
    return status;
}

qjit_status qj_warm_read_options(qjit_warm_options *out, const qjit_warm_options *options)
{
    *out = (qjit_warm_options){.struct_size = sizeof *out};
    return options ? qj_sized_read(out, sizeof *out, options, "qjit_warm_options") : QJIT_OK;
}

qjit_status qjit_warm(qjit_context *context, qjit_warm_result *out, const qjit_warm_options *options)
{
    qjit_warm_options given;
    qjit_status status = qj_warm_read_options(&given, options);
    return status == QJIT_OK ? qj_warm(context, out, &given, choose_by_name, &given) : status;
}
