/* Bundles: rows out of the store and into another, and the keys that sign them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <qjit/bundle.h>

#include "base/buf.h"
#include "base/sign.h"
#include "base/sized.h"
#include "base/status.h"
#include "context.h"
#include "judge.h"
#include "object/arch.h"

/* What the store's callbacks get. */
struct visit {
    void (*refused)(void *payload, const qjit_cache_fault *fault);
    void *payload;
    const qjit_export_options *choice; /* with canonical archs in `archs` instead of its own */
    char (*archs)[QJ_ARCH_MAX];
};

static const char *refuses(void *payload, const struct qj_entry *entry)
{
    (void)payload;
    return qj_judge_entry(entry);
}

/* A row with control characters is told without its texts. */
static void tell(void *payload, const struct qj_row *row, const char *reason)
{
    const struct visit *visit = payload;
    if (visit->refused) {
        bool shown = row && qj_judge_texts(row);
        visit->refused(visit->payload, &(qjit_cache_fault){.unit = shown ? row->unit : "",
                                                           .arch = shown ? row->arch : "",
                                                           .kernels = shown ? row->kernels : "",
                                                           .reason = reason});
    }
}

static bool wants(void *payload, const struct qj_row *row)
{
    const struct visit *visit = payload;
    const qjit_export_options *choice = visit->choice;
    bool is_arch = choice->n_archs == 0;
    for (size_t i = 0; i < choice->n_archs && !is_arch; i++) {
        is_arch = qj_arch_matches(row->arch, visit->archs[i]);
    }
    return is_arch && qj_context_lists(choice->modules, choice->n_modules, row->module) &&
           qj_context_lists(choice->units, choice->n_units, row->unit);
}

static qjit_status canonical_archs(struct visit *visit)
{
    const qjit_export_options *choice = visit->choice;
    visit->archs = calloc(choice->n_archs + 1, sizeof *visit->archs);
    qjit_status status = visit->archs ? QJIT_OK : qj_fail(QJIT_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < choice->n_archs && status == QJIT_OK; i++) {
        status = qj_arch_canonical(visit->archs[i], choice->archs[i]);
    }
    return status;
}

qjit_status qjit_export_cache(qjit_context *context, qjit_export_result *out, const char *path,
                              const qjit_export_options *options)
{
    qjit_export_options given = {.struct_size = sizeof given};
    struct qj_secret_key key;
    struct qj_transferred done = {0};
    qjit_status status =
        options ? qj_sized_read(&given, sizeof given, options, "qjit_export_options") : QJIT_OK;
    struct visit visit = {given.refused, given.payload, &given, NULL};
    struct qj_bundle what = {
        .transfer = {refuses, tell, &visit, NULL}, .wants = wants, .key = given.sign ? &key : NULL};
    if (status == QJIT_OK) {
        status = canonical_archs(&visit);
    }
    if (status == QJIT_OK && given.sign) {
        status = qj_secret_key_read(&key, given.sign);
    }
    if (status == QJIT_OK) {
        status = qj_store_export(context->store, &done, path, &what);
    }
    qj_secret_key_finish(&key);
    free(visit.archs);
    qjit_export_result result = {
        .n_rows = done.n_added, .n_refused = done.n_refused, .file_bytes = done.file_bytes};
    return status == QJIT_OK && out ? qj_sized_write(out, &result, sizeof result, "qjit_export_result")
                                    : status;
}

qjit_status qjit_import_cache(qjit_context *context, qjit_import_result *out, const char *path,
                              const qjit_import_options *options)
{
    qjit_import_options given = {.struct_size = sizeof given};
    struct qj_trust trust = {0};
    struct qj_transferred done = {0};
    qjit_status status =
        options ? qj_sized_read(&given, sizeof given, options, "qjit_import_options") : QJIT_OK;
    struct visit visit = {given.refused, given.payload, NULL, NULL};
    if (status == QJIT_OK && given.trust) {
        status = qj_trust_add(&trust, given.trust);
        if (status == QJIT_OK && !trust.n_keys) {
            status = qj_fail(QJIT_INVALID_ARGUMENT, "'%s' names no key to trust", given.trust);
        }
    }
    if (status == QJIT_OK) {
        const struct qj_transfer transfer = {refuses, tell, &visit, &trust};
        status = qj_store_import(context->store, &done, path, &transfer);
    }
    qj_trust_finish(&trust);
    qjit_import_result result = {.n_rows = done.n_rows,
                                 .n_added = done.n_added,
                                 .n_present = done.n_present,
                                 .n_refused = done.n_refused};
    qjit_status written = out ? qj_sized_write(out, &result, sizeof result, "qjit_import_result") : QJIT_OK;
    return status == QJIT_OK ? written : status;
}

/* One line in a file that was not there. `text` has room for its end. */
static qjit_status write_key(const char *path, char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0 && errno == EEXIST) {
        return qj_fail(QJIT_EXISTS, "'%s' is there already; a key is never replaced", path);
    }
    size_t n = strlen(text) + 1;
    text[n - 1] = '\n';
    bool written = fd >= 0 && write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
    qjit_status status = written ? QJIT_OK : qj_fail(QJIT_IO, "cannot write '%s': %s", path, strerror(errno));
    if (fd >= 0) {
        (void)close(fd);
    }
    if (fd >= 0 && !written) {
        (void)unlink(path);
    }
    return status;
}

qjit_status qjit_create_keys(const char *path)
{
    struct qj_secret_key secret;
    struct qj_public_key public;
    char secret_text[QJ_SIGN_TEXT_MAX], public_text[QJ_SIGN_TEXT_MAX];
    struct qj_buf public_path = {0};
    qj_secret_key_init(&secret);
    qj_public_key_of(&public, &secret);
    qj_secret_key_print(secret_text, &secret);
    qj_public_key_print(public_text, &public);
    qj_buf_printf(&public_path, "%s.pub", path);
    qjit_status status = public_path.failed ? qj_fail(QJIT_NO_MEMORY, "out of memory")
                                            : write_key(public_path.bytes, public_text, 0644);
    if (status == QJIT_OK) {
        status = write_key(path, secret_text, 0600);
        if (status != QJIT_OK) {
            (void)unlink(public_path.bytes);
        }
    }
    qj_secret_key_finish(&secret);
    explicit_bzero(secret_text, sizeof secret_text);
    qj_buf_finish(&public_path);
    return status;
}
