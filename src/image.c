/* Steps 2 to 6 of the spine: a plan becomes a verified code object, from the store or from the compiler. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/status.h"
#include "cache/turn.h"
#include "context.h"
#include "object/code_object.h"

void qj_image_finish(struct qj_image *image)
{
    free(image->bytes);
    free(image->log);
    free(image->kernels);
    *image = (struct qj_image){0};
}

/* Counts a miss, and says why there was one. */
static void tell_miss(qjit_context *context, const struct qj_plan *plan, bool was_damaged)
{
    static const char *const reasons[QJ_MISSES_N] = {
        [QJ_MISS_ABSENT] = "there is none",
        [QJ_MISS_COMPILER] = "what there is was made by another compiler",
        [QJ_MISS_SOURCE] = "what there is was made of another source, or with other options",
        [QJ_MISS_DAMAGED] = "it was damaged",
    };
    enum qj_miss why =
        was_damaged ? QJ_MISS_DAMAGED : qj_store_why(context->store, plan->unit, plan->arch, plan->compiler);
    qj_store_count_miss(context->store, why);
    qj_log(&context->options.log, QJIT_LOG_INFO, "unit '%s' for %s is not in the store: %s", plan->unit,
           plan->arch, reasons[why]);
}

/* 3: a verified row, or QJIT_NOT_FOUND. */
static qjit_status fetch(struct qj_image *out, qjit_context *context, const struct qj_plan *plan,
                         bool *was_damaged)
{
    struct qj_entry entry;
    qjit_status status = qj_store_get(context->store, &entry, plan->key);
    *was_damaged = status != QJIT_OK && entry.was_damaged;
    if (status != QJIT_OK) {
        return status;
    }
    if (qj_code_object_check(entry.object, entry.row.object_bytes, plan->arch) != QJIT_OK) {
        *was_damaged = true;
        qj_store_refuse(context->store, plan->key, qjit_error_detail());
        qj_entry_finish(&entry);
        return QJIT_NOT_FOUND;
    }
    *out = (struct qj_image){
        .bytes = entry.object,
        .n_bytes = entry.row.object_bytes,
        .log = strdup(entry.row.log),
        .kernels = strdup(entry.row.kernels),
        .compile_us = entry.row.compile_us,
        .from_store = true,
    };
    entry.object = NULL;
    qj_entry_finish(&entry);
    qj_log(&context->options.log, QJIT_LOG_DEBUG, "unit '%s' for %s comes from the store", plan->unit,
           plan->arch);
    if (!out->log || !out->kernels) {
        qj_image_finish(out);
        return qj_fail(QJIT_NO_MEMORY, "out of memory");
    }
    return QJIT_OK;
}

/* One a line; neither options nor names have line ends. NULL if out of memory. */
static char *lines_of(const char *const *texts, size_t n)
{
    struct qj_buf lines = {0};
    qj_buf_puts(&lines, "");
    for (size_t i = 0; i < n; i++) {
        qj_buf_printf(&lines, "%s%s", i ? "\n" : "", texts[i]);
    }
    if (lines.failed) {
        qj_buf_finish(&lines);
    }
    return lines.bytes;
}

/* 6: a failure costs the next process a compile, and this one nothing. */
static void keep(qjit_context *context, const struct qj_plan *plan, const struct qj_compiled *compiled)
{
    char *options = lines_of(plan->options + 1, plan->n_options - 1); /* the first is the arch */
    char *names = lines_of(plan->kernels, plan->n_kernels);
    struct qj_row row = {
        .unit = plan->unit,
        .module = plan->module,
        .arch = plan->arch,
        .compiler = plan->compiler,
        .options = options,
        .names = names,
        .kernels = compiled->kernels,
        .log = compiled->log,
        .compile_us = compiled->compile_us,
    };
    memcpy(row.key, plan->key, sizeof row.key);
    memcpy(row.source_digest, plan->source_digest, sizeof row.source_digest);
    memcpy(row.headers_digest, plan->headers_digest, sizeof row.headers_digest);
    qjit_status status = options && names
                             ? qj_store_put(context->store, &row, compiled->object, compiled->n_bytes)
                             : qj_fail(QJIT_NO_MEMORY, "out of memory");
    if (status != QJIT_OK) {
        qj_log(&context->options.log, QJIT_LOG_WARNING, "unit '%s' was compiled but not stored: %s",
               plan->unit, qjit_error_detail());
    }
    free(options);
    free(names);
}

/* 5 and 6. */
static qjit_status compile(struct qj_image *out, qjit_context *context, const struct qj_plan *plan)
{
    struct qj_pool *pool;
    struct qj_compiled compiled;
    qjit_status status = qj_context_pool(context, &pool);
    if (status != QJIT_OK) {
        return status;
    }
    status = qj_pool_compile(pool, &compiled, plan);
    qj_store_count_compile(context->store, status == QJIT_OK ? compiled.compile_us : 0, status != QJIT_OK);
    if (status != QJIT_OK) {
        qj_log(&context->options.log, QJIT_LOG_INFO, "unit '%s' for %s was not compiled: %s", plan->unit,
               plan->arch, qjit_error_detail());
        return status;
    }
    qj_log(&context->options.log, QJIT_LOG_INFO, "unit '%s' for %s was compiled in %.2f s", plan->unit,
           plan->arch, (double)compiled.compile_us / 1e6);
    keep(context, plan, &compiled);
    *out = (struct qj_image){
        .bytes = compiled.object,
        .n_bytes = compiled.n_bytes,
        .log = compiled.log,
        .kernels = compiled.kernels,
        .compile_us = compiled.compile_us,
    };
    return QJIT_OK;
}

/* 4 to 6. May another process's compile be taken, if one was waited for? */
static qjit_status make(struct qj_image *out, qjit_context *context, const struct qj_plan *plan,
                        bool may_fetch)
{
    bool was_damaged;
    const struct qj_options *options = &context->options;
    if (options->flags & QJIT_FORBID_COMPILE) {
        return qj_fail(
            QJIT_COMPILE_FORBIDDEN,
            "unit '%s' for %s is not in the store, and compiling is forbidden: run qjit warm --arch %s",
            plan->unit, plan->arch, plan->arch);
    }
    struct qj_turn turn; /* 4 */
    struct qj_store *store = context->store;
    qj_turn_take(&turn, &context->seat, may_fetch ? store : NULL, plan->key, options->compile_timeout_ms);
    qj_store_count_wait(store, turn.waited_us);
    if (turn.waited_us) {
        qj_log(&options->log, QJIT_LOG_INFO, "unit '%s' for %s: waited %.2f s for who was compiling",
               plan->unit, plan->arch, (double)turn.waited_us / 1e6);
    }
    qjit_status status = may_fetch && qj_store_has(store, plan->key) ? fetch(out, context, plan, &was_damaged)
                                                                     : QJIT_NOT_FOUND;
    bool compiles = status == QJIT_NOT_FOUND;
    if (compiles) {
        status = compile(out, context, plan);
    }
    qj_turn_end(&turn, compiles);
    return status;
}

qjit_status qj_image_get(struct qj_image *out, qjit_context *context, const struct qj_plan *plan)
{
    bool was_damaged;
    qjit_status status = fetch(out, context, plan, &was_damaged);
    if (status != QJIT_NOT_FOUND) {
        return status;
    }
    tell_miss(context, plan, was_damaged);
    return make(out, context, plan, true);
}

qjit_status qj_image_compile(struct qj_image *out, qjit_context *context, const struct qj_plan *plan)
{
    return make(out, context, plan, false);
}
