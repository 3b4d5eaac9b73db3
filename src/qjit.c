/* The way of a kernel: from its name to a function that can be launched. Numbers are the steps of
 * docs/design.md.
 *
 *   1  slot[device][unit]: acquire loads                              module/
 *      (an object that the application added comes before the rest)    prebuilt.c
 *   2  plan: everything that shapes the code, and its digest, the key  compile/plan.c
 *   3  store                                                          cache/
 *   4  turn: one process compiles a key, a few begin to compile       cache/turn.c
 *   5  worker process: hipRTC                                         compile/
 *   6  store it                                                       cache/
 *   7  hipModuleLoadData                                              module/
 *   8  publish the functions                                          module/
 */
#include <stdlib.h>

#include "base/status.h"
#include "context.h"

unsigned qjit_version(void)
{
    return QJIT_VERSION_MAJOR * 10000 + QJIT_VERSION_MINOR * 100 + QJIT_VERSION_PATCH;
}

qjit_status qjit_create(qjit_context **out, const qjit_options *options)
{
    qjit_context *context = calloc(1, sizeof *context);
    if (!context) {
        return qj_fail(QJIT_NO_MEMORY, "out of memory");
    }
    (void)pthread_mutex_init(&context->opening, NULL);
    qj_prebuilts_init(&context->prebuilts);
    qjit_status status = qj_options_init(&context->options, options);
    if (status == QJIT_OK) {
        status = qj_registry_create(&context->registry);
    }
    if (status == QJIT_OK) {
        status = qj_modules_init(&context->modules);
    }
    if (status == QJIT_OK) {
        status = qj_background_create(&context->background, context);
    }
    if (status == QJIT_OK) {
        struct qj_store_options store = {.directory = context->options.cache_dir,
                                         .max_bytes = context->options.cache_max_bytes,
                                         .log = &context->options.log,
                                         .shipped = context->options.shipped,
                                         .trust = &context->options.trust};
        status = qj_store_open(&context->store, &store);
    }
    qj_seat_init(&context->seat, status == QJIT_OK ? qj_store_directory(context->store) : NULL);
    if (status != QJIT_OK) {
        qjit_destroy(context);
        return status;
    }
    *out = context;
    return QJIT_OK;
}

void qjit_destroy(qjit_context *context)
{
    if (!context) {
        return;
    }
    qj_background_destroy(context->background);
    qj_pool_destroy(context->pool);
    qj_ops_destroy(context->ops);
    qj_modules_finish(&context->modules, context->hip);
    qj_seat_finish(&context->seat);
    qj_store_close(context->store);
    qj_registry_destroy(context->registry);
    qj_prebuilts_finish(&context->prebuilts);
    if (context->where) {
        qj_hip_where_finish(context->where);
    }
    free(context->where);
    free(context->hip);
    free(context->compiler);
    free(context->archs);
    qj_options_finish(&context->options);
    (void)pthread_mutex_destroy(&context->opening);
    free(context);
}

/* Steps 7 and 8 after 3 to 6. A stored object that will not load is dropped, and the stores are asked once
 * more (a shipped one may have another); then it is compiled. */
static qjit_status load(qjit_context *context, uint32_t device, uint32_t unit, const struct qj_plan *plan)
{
    const struct qj_unit *row = qj_registry_unit(context->registry, unit);
    struct qj_image image;
    qjit_status status = qj_image_get(&image, context, plan);
    for (int n_tries = 1; status == QJIT_OK; n_tries++) {
        const struct qj_module_image loaded = {image.bytes, image.n_bytes, image.kernels};
        status = qj_modules_load(&context->modules, context->hip, device, unit, row, &loaded);
        if (status == QJIT_OK) {
            image.bytes = NULL; /* the module's now */
            qj_store_keep(context->store, plan->key);
        }
        bool retry = status == QJIT_LOAD_FAILED && image.from_store;
        qj_image_finish(&image);
        if (!retry) {
            break;
        }
        qj_store_refuse(context->store, plan->key, qjit_error_detail());
        status = n_tries == 1 ? qj_image_get(&image, context, plan) : qj_image_compile(&image, context, plan);
    }
    return status;
}

/* Steps 2 to 8. */
static qjit_status load_planned(qjit_context *context, uint32_t device, uint32_t unit, const char *arch)
{
    const char *const *names;
    struct qj_plan plan;
    const struct qj_unit *row = qj_registry_unit(context->registry, unit);
    qjit_status status = qj_context_kernel_names(context, &names, row);
    if (status == QJIT_OK) {
        status = qj_context_plan(&plan, context, row, names, arch); /* 2 */
        if (status == QJIT_OK) {
            status = load(context, device, unit, &plan); /* 3 to 8 */
            qj_plan_finish(&plan);
        }
        free((void *)(uintptr_t)names);
    }
    return status;
}

/* Fills the slot of (device, unit), which this thread has entered. */
static qjit_status fill(qjit_context *context, uint32_t device, uint32_t unit)
{
    const qjit_device *info;
    qjit_status status = qj_context_device(context, &info, device);
    if (status == QJIT_OK) {
        status = qj_prebuilt_load(context, device, unit, info->arch);
        if (status == QJIT_NOT_FOUND) {
            status = load_planned(context, device, unit, info->arch);
        }
    }
    return status;
}

static qjit_status get_missing(qjit_context *context, qjit_function *out, uint32_t device, qjit_kernel kernel)
{
    const struct qj_kernel *row;
    const qjit_device *info;
    qjit_status status = qj_context_kernel(context, &row, kernel);
    if (status == QJIT_OK) {
        status = qj_context_device(context, &info, device);
    }
    if (status != QJIT_OK) {
        return status;
    }
    if (qj_modules_enter(&context->modules, &status, device, row->unit) == QJ_SLOT_BUSY) {
        status = fill(context, device, row->unit);
        qj_modules_leave(&context->modules, device, row->unit, status);
    }
    if (status == QJIT_OK) {
        *out = qj_modules_find(&context->modules, device, kernel);
    }
    return status;
}

qjit_status qjit_get_function_by_id(qjit_context *context, qjit_function *out, uint32_t device,
                                    qjit_kernel kernel)
{
    qjit_function function = qj_modules_find(&context->modules, device, kernel); /* 1 */
    if (!function) {
        return get_missing(context, out, device, kernel);
    }
    *out = function;
    return QJIT_OK;
}

qjit_status qjit_get_function(qjit_context *context, qjit_function *out, uint32_t device, const char *name)
{
    qjit_kernel kernel;
    qjit_status status = qjit_find_kernel(context, &kernel, name);
    return status == QJIT_OK ? qjit_get_function_by_id(context, out, device, kernel) : status;
}

qjit_status qjit_get_function_if_ready(qjit_context *context, qjit_function *out, uint32_t device,
                                       qjit_kernel kernel)
{
    qjit_function function = qj_modules_find(&context->modules, device, kernel);
    if (function) {
        *out = function;
        return QJIT_OK;
    }
    const struct qj_kernel *row;
    const qjit_device *info;
    qjit_status status = qj_context_kernel(context, &row, kernel);
    if (status == QJIT_OK) {
        status = qj_context_device(context, &info, device);
    }
    if (status != QJIT_OK) {
        return status;
    }
    switch (qj_modules_peek(&context->modules, &status, device, row->unit)) {
    case QJ_SLOT_FAILED:
        return status;
    case QJ_SLOT_READY:
        *out = qj_modules_find(&context->modules, device, kernel);
        return QJIT_OK;
    case QJ_SLOT_EMPTY:
        status = qj_background_push(context->background, device, kernel);
        if (status != QJIT_OK) {
            qj_modules_leave(&context->modules, device, row->unit, status);
        }
        break;
    case QJ_SLOT_QUEUED:
    case QJ_SLOT_BUSY:
        break;
    }
    return status == QJIT_OK ? qj_fail(QJIT_NOT_READY, "unit of kernel '%s' is being prepared", row->name)
                             : status;
}
