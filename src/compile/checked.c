#include "compile/checked.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/status.h"
#include "object/code_object.h"

/* The first kernel of `names` (separated by one space) that the object lacks, malloc'ed; NULL if none, or
 * if out of memory. Counts them. */
static char *find_missing(const struct qj_code_object *object, const char *names, size_t *out_n)
{
    char *copy = strdup(names), *missing = NULL, *rest = NULL;
    *out_n = 0;
    for (char *name = copy ? strtok_r(copy, " ", &rest) : NULL; name && !missing;
         name = strtok_r(NULL, " ", &rest)) {
        ++*out_n;
        if (object && !qj_code_object_has(object, name)) {
            missing = strdup(name);
        }
    }
    free(copy);
    return missing;
}

static qjit_status check_kernels(const struct qj_code_object *object, const struct qj_plan *plan,
                                 const char *names)
{
    size_t n;
    char *missing = find_missing(object, names, &n);
    qjit_status status = QJIT_OK;
    if (missing) {
        status = qj_fail(
            QJIT_OBJECT_REFUSED,
            "unit '%s' for '%s' compiled, but holds no kernel '%s'; declare it extern \"C\" __global__, "
            "or ask for it by a name expression",
            plan->unit, plan->arch, missing);
    } else if (n != plan->n_kernels) {
        status = qj_fail(QJIT_OBJECT_REFUSED,
                         "unit '%s' for '%s' compiled, but %zu kernel names came back for %zu", plan->unit,
                         plan->arch, n, plan->n_kernels);
    }
    free(missing);
    return status;
}

static void list_kernels(struct qj_buf *out, const struct qj_code_object *object)
{
    for (size_t i = 0; i < object->n_kernels; i++) {
        qj_buf_printf(out, "%s%s", i ? " " : "", object->kernels[i].name);
    }
}

/* An AMD code object says what it is for and what it holds; those of our own HIP libraries (other archs) are
 * checked as far as an ELF goes. */
static qjit_status check(struct qj_buf *out_kernels, const struct qj_plan *plan,
                         const struct qj_answer *answer)
{
    struct qj_code_object object = {.kernels = NULL};
    qjit_status status = qj_code_object_check(answer->object, answer->n_bytes, plan->arch);
    bool is_amd = strncmp(plan->arch, "gfx", 3) == 0;
    if (!status && is_amd) {
        status = qj_code_object_init(&object, answer->object, answer->n_bytes);
    }
    if (status) {
        return status;
    }
    if (is_amd && strcmp(object.arch, plan->arch) != 0) {
        status = qj_fail(QJIT_OBJECT_REFUSED, "unit '%s' was compiled for '%s' where '%s' was asked for",
                         plan->unit, object.arch, plan->arch);
    } else if (plan->n_kernels) {
        status = check_kernels(is_amd ? &object : NULL, plan, answer->kernels);
        qj_buf_puts(out_kernels, answer->kernels);
    } else if (is_amd) {
        list_kernels(out_kernels, &object);
    } else {
        qj_buf_puts(out_kernels, answer->kernels);
    }
    if (is_amd) {
        qj_code_object_finish(&object);
    }
    return status;
}

qjit_status qj_compiled_init(struct qj_compiled *out, const struct qj_plan *plan,
                             const struct qj_answer *answer, const char *log)
{
    struct qj_buf kernels = {0};
    qj_buf_puts(&kernels, "");
    qjit_status status = check(&kernels, plan, answer);
    if (!status) {
        *out = (struct qj_compiled){.object = malloc(answer->n_bytes ? answer->n_bytes : 1),
                                    .n_bytes = answer->n_bytes,
                                    .log = strdup(log),
                                    .kernels = strdup(qj_buf_text(&kernels)),
                                    .compile_us = answer->compile_us};
        if (out->object && out->log && out->kernels && !kernels.failed) {
            memcpy(out->object, answer->object, answer->n_bytes);
        } else {
            qj_compiled_finish(out);
            status = qj_fail(QJIT_NO_MEMORY, "no memory for the code object of unit '%s'", plan->unit);
        }
    }
    qj_buf_finish(&kernels);
    return status;
}

void qj_compiled_finish(struct qj_compiled *compiled)
{
    free(compiled->object);
    free(compiled->log);
    free(compiled->kernels);
    *compiled = (struct qj_compiled){0};
}
