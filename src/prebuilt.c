/* qjit_add_object: code objects that the application brings along. */
#include "prebuilt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/sized.h"
#include "base/status.h"
#include "context.h"
#include "object/code_object.h"

static qjit_status out_of_memory(void)
{
    return qj_fail(QJIT_NO_MEMORY, "out of memory");
}

void qj_prebuilts_init(struct qj_prebuilts *out)
{
    out->first = NULL;
    (void)pthread_mutex_init(&out->lock, NULL);
}

static void destroy(struct qj_prebuilt *prebuilt)
{
    if (prebuilt) {
        free(prebuilt->symbols);
        free(prebuilt);
    }
}

void qj_prebuilts_finish(struct qj_prebuilts *prebuilts)
{
    for (struct qj_prebuilt *row = prebuilts->first, *next; row; row = next) {
        next = row->next;
        destroy(row);
    }
    (void)pthread_mutex_destroy(&prebuilts->lock);
}

static size_t n_features(const char *arch)
{
    size_t n = 0;
    for (; (arch = strchr(arch, ':')); arch++) {
        n++;
    }
    return n;
}

/* A processor's own code is better than its family's, then more features are better than fewer. */
static bool is_better(const struct qj_prebuilt *a, const struct qj_prebuilt *b, const char *arch)
{
    size_t n = strcspn(arch, ":");
    bool own_a = strncmp(a->arch, arch, n) == 0, own_b = strncmp(b->arch, arch, n) == 0;
    return own_a != own_b ? own_a : n_features(a->arch) > n_features(b->arch);
}

/* The one that names most features of those that serve the unit on a device of `arch` and are not refused;
 * NULL: none. */
static struct qj_prebuilt *find(struct qj_prebuilts *prebuilts, const char *unit, const char *arch)
{
    struct qj_prebuilt *best = NULL;
    (void)pthread_mutex_lock(&prebuilts->lock);
    for (struct qj_prebuilt *row = prebuilts->first; row; row = row->next) {
        if (!row->refused && strcmp(row->unit, unit) == 0 && qj_arch_serves(row->arch, arch) &&
            (!best || is_better(row, best, arch))) {
            best = row;
        }
    }
    (void)pthread_mutex_unlock(&prebuilts->lock);
    return best;
}

/* It is found no more. */
static void refuse(struct qj_prebuilts *prebuilts, struct qj_prebuilt *prebuilt)
{
    (void)pthread_mutex_lock(&prebuilts->lock);
    prebuilt->refused = true;
    (void)pthread_mutex_unlock(&prebuilts->lock);
}

/* Its bytes in heap memory; NULL: out of memory. */
static void *copy_of(const struct qj_prebuilt *prebuilt)
{
    void *copy = malloc(prebuilt->n_bytes);
    return copy ? memcpy(copy, prebuilt->bytes, prebuilt->n_bytes) : NULL;
}

qjit_status qj_prebuilt_load(qjit_context *context, uint32_t device, uint32_t unit, const char *arch)
{
    const struct qj_unit *row = qj_registry_unit(context->registry, unit);
    qjit_status status = QJIT_NOT_FOUND;
    struct qj_prebuilt *prebuilt;
    while ((prebuilt = find(&context->prebuilts, row->name, arch))) {
        const struct qj_module_image image = {copy_of(prebuilt), prebuilt->n_bytes, prebuilt->symbols};
        if (!image.bytes) {
            return qj_fail(QJIT_NO_MEMORY, "out of memory");
        }
        status = qj_modules_load(&context->modules, context->hip, device, unit, row, &image);
        if (status == QJIT_OK) {
            qj_store_count_added(context->store);
            qj_log(&context->options.log, QJIT_LOG_DEBUG, "unit '%s' comes from the object added for %s",
                   row->name, prebuilt->arch);
            return QJIT_OK;
        }
        free(image.bytes);
        if (status != QJIT_LOAD_FAILED) {
            return status;
        }
        qj_log(&context->options.log, QJIT_LOG_WARNING, "the object added to unit '%s' for %s is dropped: %s",
               row->name, prebuilt->arch, qjit_error_detail());
        refuse(&context->prebuilts, prebuilt);
    }
    return row->source ? QJIT_NOT_FOUND : status;
}

qjit_status qj_prebuilts_fail(struct qj_prebuilts *prebuilts, const char *unit, const char *arch)
{
    struct qj_buf archs = {0};
    (void)pthread_mutex_lock(&prebuilts->lock);
    for (const struct qj_prebuilt *row = prebuilts->first; row; row = row->next) {
        if (strcmp(row->unit, unit) == 0) {
            qj_buf_printf(&archs, "%s%s%s", archs.size ? ", " : "", row->arch,
                          row->refused ? " (refused)" : "");
        }
    }
    (void)pthread_mutex_unlock(&prebuilts->lock);
    qjit_status status =
        archs.bytes ? qj_fail(QJIT_NOT_FOUND,
                              "unit '%s' has no source, and code objects for %s only: add one for %s with "
                              "qjit_add_object",
                              unit, archs.bytes, arch)
                    : out_of_memory();
    qj_buf_finish(&archs);
    return status;
}

/* ---- adding ---- */

/* What is known of the code object that is being added. */
struct addition {
    qjit_prebuilt given;
    struct qj_code_object code; /* gfx* only */
    bool is_gfx;
    char arch[QJ_ARCH_MAX];
};

/* Reads the code object. Its arch is what it says; where it says none, what the application says. */
static qjit_status examine(struct addition *out)
{
    const qjit_prebuilt *given = &out->given;
    qjit_status status = given->arch ? qj_arch_canonical(out->arch, given->arch) : QJIT_OK;
    if (status != QJIT_OK) {
        return status;
    }
    out->is_gfx = !given->arch || strncmp(out->arch, "gfx", 3) == 0;
    if (!out->is_gfx) {
        return qj_code_object_check(given->bytes, given->n_bytes, out->arch);
    }
    status = qj_code_object_init(&out->code, given->bytes, given->n_bytes);
    if (status == QJIT_OK && given->arch && strcmp(out->arch, out->code.arch) != 0) {
        status =
            qj_fail(QJIT_OBJECT_REFUSED, "code object is for '%s', not for '%s'", out->code.arch, out->arch);
    }
    if (status == QJIT_OK) {
        memcpy(out->arch, out->code.arch, sizeof out->arch);
    } else if (!given->arch && status == QJIT_OBJECT_REFUSED) {
        qj_fail_add("unit '%s'; code objects of archs other than gfx* need their arch given", given->unit);
    }
    return status;
}

/* Names of kernels in the code object, of the unit's first to the last. */
struct symbols {
    const char *const *names;
    size_t n;
    const char *const *owned; /* to be freed; may be NULL */
};

/* Of a unit that there is. */
static qjit_status set_known(struct symbols *out, qjit_context *context, const qjit_prebuilt *given,
                             uint32_t unit)
{
    const struct qj_unit *row = qj_registry_unit(context->registry, unit);
    if (given->n_symbols && given->n_symbols != row->n_kernels) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "unit '%s' has %u kernels, and %zu symbols are given",
                       row->name, row->n_kernels, given->n_symbols);
    }
    *out = (struct symbols){given->symbols, row->n_kernels, NULL};
    if (given->n_symbols) {
        return QJIT_OK;
    }
    qjit_status status = qj_context_kernel_names(context, &out->owned, row);
    out->names = out->owned;
    return status;
}

/* Of a unit to come: those given, or all that the code object has. */
static qjit_status set_new(struct symbols *out, const struct addition *addition)
{
    const qjit_prebuilt *given = &addition->given;
    const struct qj_code_object *code = &addition->code;
    if (given->n_symbols) {
        *out = (struct symbols){given->symbols, given->n_symbols, NULL};
        return QJIT_OK;
    }
    if (!addition->is_gfx) {
        return qj_fail(
            QJIT_INVALID_ARGUMENT,
            "there is no unit '%s', and a code object for '%s' does not tell its kernels: name them",
            given->unit, addition->arch);
    }
    const char **names = calloc(code->n_kernels + 1, sizeof *names);
    if (!names) {
        return out_of_memory();
    }
    for (size_t i = 0; i < code->n_kernels; i++) {
        names[i] = code->kernels[i].name;
    }
    *out = (struct symbols){names, code->n_kernels, names};
    return QJIT_OK;
}

/* The symbols as one text. The code object must have each of them. */
static qjit_status join(char **out, const struct symbols *symbols, const struct addition *addition)
{
    struct qj_buf text = {0};
    qjit_status status = QJIT_OK;
    for (size_t i = 0; i < symbols->n && status == QJIT_OK; i++) {
        const char *name = symbols->names[i];
        if (!name || !*name || strchr(name, ' ')) {
            status = qj_fail(QJIT_INVALID_ARGUMENT, "symbol '%s' of unit '%s' cannot be one",
                             name ? name : "(null)", addition->given.unit);
        } else if (addition->is_gfx && !qj_code_object_has(&addition->code, name)) {
            status =
                qj_fail(QJIT_OBJECT_REFUSED, "code object for '%s' has no kernel '%s', which unit '%s' needs",
                        addition->arch, name, addition->given.unit);
        } else {
            qj_buf_printf(&text, "%s%s", i ? " " : "", name);
        }
    }
    if (status == QJIT_OK && (text.failed || !text.bytes)) {
        status = symbols->n
                     ? out_of_memory()
                     : qj_fail(QJIT_OBJECT_REFUSED, "code object for '%s' has no kernel", addition->arch);
    }
    if (status == QJIT_OK) {
        *out = text.bytes;
    } else {
        qj_buf_finish(&text);
    }
    return status;
}

static qjit_status check_free(const struct qj_prebuilts *prebuilts, const struct qj_prebuilt *added)
{
    for (const struct qj_prebuilt *row = prebuilts->first; row; row = row->next) {
        if (strcmp(row->unit, added->unit) == 0 && strcmp(row->arch, added->arch) == 0) {
            return qj_fail(QJIT_EXISTS, "unit '%s' has a code object for '%s' already", row->unit, row->arch);
        }
    }
    return QJIT_OK;
}

/* Under the lock: of two threads that bring the same new unit the second finds it. */
static qjit_status add(qjit_context *context, uint32_t *out_unit, struct qj_prebuilt *added,
                       const struct addition *addition)
{
    struct qj_prebuilts *prebuilts = &context->prebuilts;
    struct symbols symbols = {0};
    bool is_known = qj_registry_find_unit(context->registry, out_unit, added->unit);
    qjit_status status = check_free(prebuilts, added);
    if (status == QJIT_OK) {
        status = is_known ? set_known(&symbols, context, &addition->given, *out_unit)
                          : set_new(&symbols, addition);
    }
    if (status == QJIT_OK) {
        status = join(&added->symbols, &symbols, addition);
    }
    if (status == QJIT_OK && !is_known) {
        status =
            qj_registry_add_bare(context->registry, out_unit, addition->given.unit, symbols.names, symbols.n);
    }
    if (status == QJIT_OK) {
        added->next = prebuilts->first;
        prebuilts->first = added;
    }
    free((void *)(uintptr_t)symbols.owned);
    return status;
}

static qjit_status add_examined(qjit_context *context, uint32_t *out_unit, const struct addition *addition)
{
    const qjit_prebuilt *given = &addition->given;
    struct qj_prebuilt *added = calloc(1, sizeof *added);
    if (!added) {
        return out_of_memory();
    }
    (void)snprintf(added->unit, sizeof added->unit, "%s", given->unit);
    memcpy(added->arch, addition->arch, sizeof added->arch);
    added->bytes = given->bytes;
    added->n_bytes = given->n_bytes;
    (void)pthread_mutex_lock(&context->prebuilts.lock);
    qjit_status status = add(context, out_unit, added, addition);
    (void)pthread_mutex_unlock(&context->prebuilts.lock);
    if (status != QJIT_OK) {
        destroy(added);
    }
    return status;
}

qjit_status qjit_add_object(qjit_context *context, qjit_kernel *out, const qjit_prebuilt *prebuilt)
{
    struct addition addition = {0};
    const qjit_prebuilt *given = &addition.given;
    uint32_t unit = 0;
    qjit_status status = qj_sized_read(&addition.given, sizeof addition.given, prebuilt, "qjit_prebuilt");
    if (status == QJIT_OK && (!given->unit || !given->bytes || (given->n_symbols && !given->symbols))) {
        status = qj_fail(QJIT_INVALID_ARGUMENT,
                         "a code object needs the name of a unit, bytes, and the symbols it "
                         "says it has");
    }
    if (status == QJIT_OK) {
        status = examine(&addition);
    }
    if (status == QJIT_OK) {
        status = add_examined(context, &unit, &addition);
    }
    if (status == QJIT_OK && out) {
        *out = qj_registry_unit(context->registry, unit)->first_kernel;
    }
    qj_code_object_finish(&addition.code);
    return status;
}
