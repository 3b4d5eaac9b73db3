#include "compile/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/status.h"
#include "compile/plan_options.h"
#include "compile/wire.h"
#include "object/arch.h"

/* Given to every unit, before its own: a later option of the same kind wins. Without -std hipRTC takes
 * another standard in each release. */
static const char *const defaults[] = {"-O3", "-std=c++17"};
enum { N_DEFAULTS = sizeof defaults / sizeof *defaults };

/* One part of a header's name: hipRTC writes headers into a directory under these names and checks nothing.
 */
static bool is_part(const char *part, size_t n)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return n > 0 && strspn(part, allowed) >= n && part[strspn(part, ".")] != part[n];
}

static bool is_header_name(const char *name)
{
    enum { NAME_MAX_BYTES = 200 };
    if (strlen(name) > NAME_MAX_BYTES) {
        return false;
    }
    for (;;) {
        size_t n = strcspn(name, "/");
        if (!is_part(name, n)) {
            return false;
        }
        if (!name[n]) {
            return true;
        }
        name += n + 1;
    }
}

static qjit_status check_source(const struct qj_unit *unit)
{
    size_t n_bytes = unit->source_bytes;
    if (n_bytes == 0 || memchr(unit->source, 0, n_bytes)) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "the source of unit '%s' is %s; give HIP C++ as text",
                       unit->name, n_bytes ? "no text: it has a NUL inside" : "empty");
    }
    for (size_t i = 0; i < unit->n_headers; i++) {
        if (!is_header_name(unit->headers[i].name)) {
            return qj_fail(
                QJIT_INVALID_ARGUMENT,
                "header name '%s' of unit '%s' will not do; use letters, digits, '.', '_', '-', and '/' "
                "between parts",
                unit->headers[i].name, unit->name);
        }
        n_bytes += strlen(unit->headers[i].text);
    }
    if (n_bytes > QJ_WIRE_SOURCE_MAX) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "unit '%s' has %zu MiB of source and headers; %zu are allowed",
                       unit->name, n_bytes >> 20, QJ_WIRE_SOURCE_MAX >> 20);
    }
    return QJIT_OK;
}

static qjit_status check_options(const struct qj_unit *unit)
{
    size_t n = 1 + N_DEFAULTS + unit->n_options + unit->n_defines;
    if (n > QJ_PLAN_OPTIONS_MAX) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "unit '%s' has %zu options and defines; %d are allowed",
                       unit->name, unit->n_options + unit->n_defines, QJ_PLAN_OPTIONS_MAX - 1 - N_DEFAULTS);
    }
    for (size_t i = 0; i < unit->n_options; i++) {
        if (!qj_plan_option_allowed(unit->options[i])) {
            return qj_fail(QJIT_INVALID_ARGUMENT, "option '%s' of unit '%s' is not allowed: %s",
                           unit->options[i], unit->name, qj_plan_option_reason(unit->options[i]));
        }
    }
    return QJIT_OK;
}

/* Puts the option strings one after the other into plan->memory; then plan->options points into it. */
static qjit_status set_options(struct qj_plan *plan, const struct qj_unit *unit)
{
    struct qj_buf text = {0};
    size_t offsets[QJ_PLAN_OPTIONS_MAX], n = 0;
    offsets[n++] = 0;
    qj_buf_printf(&text, "--offload-arch=%s", plan->arch);
    qj_buf_append(&text, "", 1);
    for (size_t i = 0; i < unit->n_defines; i++) {
        offsets[n++] = text.size;
        qj_buf_printf(&text, "-D%s", unit->defines[i]);
        qj_buf_append(&text, "", 1);
    }
    if (text.failed) {
        qj_buf_finish(&text);
        return qj_fail(QJIT_NO_MEMORY, "no memory for the options of unit '%s'", unit->name);
    }
    plan->memory = text.bytes;
    plan->options[plan->n_options++] = plan->memory;
    for (size_t i = 0; i < N_DEFAULTS; i++) {
        plan->options[plan->n_options++] = defaults[i];
    }
    for (size_t i = 0; i < unit->n_options; i++) {
        plan->options[plan->n_options++] = unit->options[i];
    }
    for (size_t i = 1; i < n; i++) {
        const char *define = plan->memory + offsets[i];
        if (!qj_plan_option_allowed(define)) {
            return qj_fail(QJIT_INVALID_ARGUMENT,
                           "define '%s' of unit '%s' will not do; give NAME or NAME=value", define + 2,
                           unit->name);
        }
        plan->options[plan->n_options++] = define;
    }
    return QJIT_OK;
}

static void digest_texts(struct qj_digest *digest, const char *const *texts, size_t n)
{
    const uint64_t count = n;
    qj_digest_field(digest, &count, sizeof count);
    for (size_t i = 0; i < n; i++) {
        qj_digest_text(digest, texts[i]);
    }
}

static void set_digests(struct qj_plan *plan)
{
    struct qj_digest digest;
    qj_digest_init(&digest);
    qj_digest_field(&digest, plan->source, plan->source_bytes);
    qj_digest_finish(&digest, plan->source_digest);

    qj_digest_init(&digest);
    for (size_t i = 0; i < plan->n_headers; i++) {
        qj_digest_text(&digest, plan->headers[i].name);
        qj_digest_text(&digest, plan->headers[i].text);
    }
    qj_digest_finish(&digest, plan->headers_digest);
}

/* The key takes in the digests of source and headers, not the texts again: 30 MB are read once. */
void qj_plan_set_key(struct qj_plan *plan)
{
    struct qj_digest digest;
    qj_digest_init(&digest);
    qj_digest_text(&digest, QJ_PLAN_FORMAT);
    qj_digest_text(&digest, plan->arch);
    qj_digest_field(&digest, plan->source_digest, QJ_DIGEST_BYTES);
    qj_digest_field(&digest, plan->headers_digest, QJ_DIGEST_BYTES);
    digest_texts(&digest, plan->options, plan->n_options);
    digest_texts(&digest, plan->kernels, plan->n_kernels);
    qj_digest_text(&digest, plan->compiler);
    qj_digest_finish(&digest, plan->key);
}

qjit_status qj_plan_init(struct qj_plan *out, const struct qj_unit *unit, const char *const *names,
                         const char *arch, const char *compiler)
{
    *out = (struct qj_plan){.unit = unit->name,
                            .module = unit->module,
                            .source_name = unit->source_name ? unit->source_name : unit->name,
                            .source = unit->source,
                            .source_bytes = unit->source_bytes,
                            .headers = unit->headers,
                            .n_headers = unit->n_headers,
                            .kernels = names,
                            .n_kernels = unit->n_kernels,
                            .compiler = compiler};
    qjit_status status = qj_arch_canonical(out->arch, arch);
    status = status ? status : check_source(unit);
    status = status ? status : check_options(unit);
    status = status ? status : set_options(out, unit);
    if (status) {
        qj_plan_finish(out);
        return status;
    }
    set_digests(out);
    qj_plan_set_key(out);
    return QJIT_OK;
}

void qj_plan_finish(struct qj_plan *plan)
{
    free(plan->memory);
    *plan = (struct qj_plan){.memory = NULL};
}
