/* The store as the application sees it. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/sized.h"
#include "base/status.h"
#include "context.h"
#include "object/arch.h"
#include "object/code_object.h"

qjit_status qjit_get_cache_stat(qjit_context *context, qjit_cache_stat *out)
{
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    qjit_status status = qj_store_stat(context->store, &stat);
    if (!context->options.cache_dir) {
        stat.memory_reason = context->options.no_cache_dir;
    }
    return status == QJIT_OK ? qj_sized_write(out, &stat, sizeof stat, "qjit_cache_stat") : status;
}

qjit_status qjit_get_context_stat(qjit_context *context, qjit_cache_stat *out)
{
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    qjit_status status = qjit_get_cache_stat(context, &stat);
    qj_store_stat_here(context->store, &stat);
    return status == QJIT_OK ? qj_sized_write(out, &stat, sizeof stat, "qjit_cache_stat") : status;
}

struct row_visit {
    int (*each)(void *payload, const qjit_cache_row *row);
    void *payload;
    const char *compiler; /* NULL: none to compare with */
};

static int visit_row(void *payload, const struct qj_row *row)
{
    const struct row_visit *visit = payload;
    char key[QJ_DIGEST_HEX];
    struct qj_buf options = {0};
    qj_digest_hex(key, row->key);
    qj_buf_put_words(&options, row->options);
    qjit_cache_row seen = {
        .key = key,
        .unit = row->unit,
        .module = row->module,
        .arch = row->arch,
        .compiler = row->compiler,
        .options = qj_buf_text(&options),
        .kernels = row->kernels,
        .object_bytes = row->object_bytes,
        .stored_bytes = row->stored_bytes,
        .compile_us = row->compile_us,
        .stale = visit->compiler && strcmp(visit->compiler, row->compiler) != 0,
        .created = row->created,
        .used = row->used,
    };
    int result = visit->each(visit->payload, &seen);
    qj_buf_finish(&options);
    return result;
}

qjit_status qjit_each_cache_row(qjit_context *context, int (*each)(void *payload, const qjit_cache_row *row),
                                void *payload)
{
    struct row_visit visit = {each, payload, NULL};
    if (qj_context_compiler(context, &visit.compiler) != QJIT_OK) {
        visit.compiler = NULL; /* a list is wanted where there is no ROCm, too */
    }
    return qj_store_each(context->store, NULL, visit_row, &visit);
}

qjit_status qjit_clear_cache(qjit_context *context, uint64_t *out, const qjit_cache_filter *filter)
{
    qjit_cache_filter given = {.struct_size = sizeof given};
    char arch[QJ_ARCH_MAX];
    qjit_status status = filter ? qj_sized_read(&given, sizeof given, filter, "qjit_cache_filter") : QJIT_OK;
    if (status == QJIT_OK && given.arch) {
        status = qj_arch_canonical(arch, given.arch);
    }
    struct qj_store_filter rows = {
        .arch = given.arch ? arch : NULL,
        .unit = given.unit,
        .module = given.module,
        .used_before = given.older_than_s ? qj_clock_epoch_s() - given.older_than_s : 0,
    };
    if (status == QJIT_OK && given.stale) {
        status = qj_context_compiler(context, &rows.compiler);
    }
    uint64_t n = 0;
    if (status == QJIT_OK) {
        status = qj_store_clear(context->store, &n, &rows);
    }
    if (status == QJIT_OK && out) {
        *out = n;
    }
    return status;
}

qjit_status qjit_shrink_cache(qjit_context *context, uint64_t *out, uint64_t max_bytes)
{
    return qj_store_shrink(context->store, out, max_bytes ? max_bytes : context->options.cache_max_bytes);
}

struct fault_visit {
    void (*each)(void *payload, const qjit_cache_fault *fault);
    void *payload;
};

/* The same check as before an object is loaded. */
static const char *refuses(void *payload, const struct qj_entry *entry)
{
    (void)payload;
    bool is_right = qj_code_object_check(entry->object, entry->row.object_bytes, entry->row.arch) == QJIT_OK;
    return is_right ? NULL : qjit_error_detail();
}

static void visit_fault(void *payload, const struct qj_row *row, const char *reason)
{
    const struct fault_visit *visit = payload;
    visit->each(visit->payload, &(qjit_cache_fault){.unit = row ? row->unit : "",
                                                    .arch = row ? row->arch : "",
                                                    .kernels = row ? row->kernels : "",
                                                    .reason = reason});
}

qjit_status qjit_verify_cache(qjit_context *context, uint64_t *out,
                              void (*each)(void *payload, const qjit_cache_fault *fault), void *payload)
{
    struct fault_visit visit = {each, payload};
    const struct qj_store_verifier verifier = {refuses, visit_fault, &visit};
    return qj_store_verify(context->store, out, &verifier);
}
