/* What a key is made of, and which ingredient made a miss. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/status.h"
#include "context.h"
#include "judge.h"

enum { ARCH, SOURCE, HEADERS, OPTIONS, KERNELS, COMPILER, FORMAT, KEY, N_INGREDIENTS };

static const char *const names[N_INGREDIENTS] = {"arch",    "source",   "headers", "options",
                                                 "kernels", "compiler", "format",  "key"};

/* The texts of one plan or one row; NULL where it is not known. */
struct ingredients {
    char *text[N_INGREDIENTS];
};

static void ingredients_finish(struct ingredients *ingredients)
{
    for (size_t i = 0; i < N_INGREDIENTS; i++) {
        free(ingredients->text[i]);
    }
    *ingredients = (struct ingredients){0};
}

static char *join(const char *const *words, size_t n)
{
    struct qj_buf text = {0};
    qj_buf_puts(&text, "");
    for (size_t i = 0; i < n; i++) {
        qj_buf_printf(&text, "%s%s", i ? " " : "", words[i]);
    }
    return text.bytes;
}

static char *hex(const uint8_t digest[static QJ_DIGEST_BYTES])
{
    char text[QJ_DIGEST_HEX];
    qj_digest_hex(text, digest);
    return strdup(text);
}

static void of_plan(struct ingredients *out, const struct qj_plan *plan)
{
    out->text[ARCH] = strdup(plan->arch);
    out->text[SOURCE] = hex(plan->source_digest);
    out->text[HEADERS] = hex(plan->headers_digest);
    out->text[OPTIONS] = join(plan->options + 1, plan->n_options - 1); /* the first is the arch */
    out->text[KERNELS] = join(plan->kernels, plan->n_kernels);
    out->text[COMPILER] = strdup(plan->compiler);
    out->text[FORMAT] = strdup(QJ_PLAN_FORMAT);
    out->text[KEY] = hex(plan->key);
}

struct search {
    const struct ingredients *wanted;
    struct ingredients nearest;
    int n_alike; /* of nearest; -1: none yet */
};

/* The arch counts most: a row for another arch says little about a miss on this one. */
static int count_alike(const struct ingredients *wanted, const struct ingredients *row)
{
    int n = 0;
    for (size_t i = 0; i < N_INGREDIENTS; i++) {
        if (row->text[i] && strcmp(row->text[i], wanted->text[i]) == 0) {
            n += i == KEY ? 2 * N_INGREDIENTS : i == ARCH ? N_INGREDIENTS : 1;
        }
    }
    return n;
}

static char *words(const char *lines)
{
    struct qj_buf text = {0};
    qj_buf_put_words(&text, lines);
    return text.bytes;
}

/* Rows come newest first, so the newest of equals is kept. Those of a shipped store may say anything. */
static int look_at_row(void *payload, const struct qj_row *row)
{
    struct search *search = payload;
    if (!qj_judge_texts(row)) {
        return 0;
    }
    struct ingredients seen = {{
        [ARCH] = strdup(row->arch),
        [SOURCE] = hex(row->source_digest),
        [HEADERS] = hex(row->headers_digest),
        [OPTIONS] = words(row->options),
        [KERNELS] = words(row->names),
        [COMPILER] = strdup(row->compiler),
        [KEY] = hex(row->key),
    }};
    int n_alike = count_alike(search->wanted, &seen);
    if (n_alike > search->n_alike) {
        ingredients_finish(&search->nearest);
        search->nearest = seen;
        search->n_alike = n_alike;
    } else {
        ingredients_finish(&seen);
    }
    return 0;
}

static void tell(const struct ingredients *wanted, const struct ingredients *stored,
                 int (*each)(void *payload, const qjit_ingredient *ingredient), void *payload)
{
    for (size_t i = 0; i < N_INGREDIENTS; i++) {
        qjit_ingredient ingredient = {
            .name = names[i],
            .value = wanted->text[i],
            .stored = stored->text[i],
            .differs = stored->text[i] && strcmp(stored->text[i], wanted->text[i]) != 0,
        };
        if (each(payload, &ingredient)) {
            return;
        }
    }
}

static qjit_status explain(qjit_context *context, const struct qj_unit *unit, const struct qj_plan *plan,
                           int (*each)(void *payload, const qjit_ingredient *ingredient), void *payload)
{
    struct ingredients wanted = {0};
    of_plan(&wanted, plan);
    qjit_status status = QJIT_OK;
    for (size_t i = 0; i < N_INGREDIENTS; i++) {
        if (!wanted.text[i]) {
            status = qj_fail(QJIT_NO_MEMORY, "out of memory");
        }
    }
    struct search search = {.wanted = &wanted, .n_alike = -1};
    struct qj_store_filter filter = {.unit = unit->name, .module = unit->module};
    if (status == QJIT_OK) {
        status = qj_store_each(context->store, &filter, look_at_row, &search);
    }
    const char *path, *reason;
    for (size_t i = 0; status == QJIT_OK; i++) {
        struct qj_store *layer = qj_store_shipped(context->store, i, &path, &reason);
        if (!layer) {
            break;
        }
        status = qj_store_each(layer, &filter, look_at_row, &search);
    }
    if (status == QJIT_OK) {
        tell(&wanted, &search.nearest, each, payload);
    }
    ingredients_finish(&search.nearest);
    ingredients_finish(&wanted);
    return status;
}

qjit_status qjit_explain(qjit_context *context, qjit_kernel kernel, const char *arch,
                         int (*each)(void *payload, const qjit_ingredient *ingredient), void *payload)
{
    const struct qj_kernel *row;
    const char *const *kernels;
    struct qj_plan plan;
    qjit_status status = qj_context_kernel(context, &row, kernel);
    if (status != QJIT_OK) {
        return status;
    }
    const struct qj_unit *unit = qj_registry_unit(context->registry, row->unit);
    status = qj_context_kernel_names(context, &kernels, unit);
    if (status != QJIT_OK) {
        return status;
    }
    status = qj_context_plan(&plan, context, unit, kernels, arch);
    if (status == QJIT_OK) {
        status = explain(context, unit, &plan, each, payload);
        qj_plan_finish(&plan);
    }
    free((void *)(uintptr_t)kernels);
    return status;
}
