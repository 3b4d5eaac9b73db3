#include "judge.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "compile/plan.h"
#include "object/arch.h"
#include "object/code_object.h"

/* Texts are shown on terminals. Lists and the log have line ends, the log tabs, too. UTF-8 has control
 * characters of two bytes as well. */
static bool is_clean(const char *text, const char *allowed)
{
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        bool is_control = *at < ' ' || *at == 0x7f || (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0);
        if (is_control && !strchr(allowed, *at)) {
            return false;
        }
    }
    return true;
}

bool qj_judge_texts(const struct qj_row *row)
{
    return is_clean(row->unit, "") && is_clean(row->module, "") && is_clean(row->arch, "") &&
           is_clean(row->compiler, "") && is_clean(row->kernels, "") && is_clean(row->options, "\n") &&
           is_clean(row->names, "\n") && is_clean(row->log, "\n\t\r");
}

static size_t count_lines(const char *lines)
{
    size_t n = *lines != '\0';
    for (; (lines = strchr(lines, '\n')); lines++) {
        n++;
    }
    return n;
}

/* Puts as many lines into out as count_lines counts, the last one also where it is empty, and NULs between
 * them. */
static void split(const char **out, char *lines)
{
    for (char *rest = *lines ? lines : NULL; rest;) {
        *out++ = strsep(&rest, "\n");
    }
}

/* The key of the ingredients, by the same way as for a compile. */
static void set_key(struct qj_plan *plan, const struct qj_row *row, char *arch, char *options, char *names,
                    const char **kernels)
{
    plan->options[0] = arch;
    plan->n_options = 1 + count_lines(row->options);
    split(plan->options + 1, options);
    plan->n_kernels = count_lines(row->names);
    split(kernels, names);
    plan->kernels = kernels;
    plan->compiler = row->compiler;
    memcpy(plan->source_digest, row->source_digest, sizeof plan->source_digest);
    memcpy(plan->headers_digest, row->headers_digest, sizeof plan->headers_digest);
    qj_plan_set_key(plan);
}

static qjit_status check_key(const struct qj_row *row)
{
    struct qj_plan plan = {.memory = NULL};
    char arch[QJ_ARCH_MAX + 32] = "--offload-arch=";
    if (qj_arch_canonical(plan.arch, row->arch) != QJIT_OK || strcmp(plan.arch, row->arch) != 0 ||
        count_lines(row->options) >= QJ_PLAN_OPTIONS_MAX) {
        return qj_fail(QJIT_OBJECT_REFUSED, "its arch or its options cannot be some");
    }
    memcpy(arch + strlen(arch), row->arch, strlen(row->arch) + 1);
    char *options = strdup(row->options), *names = strdup(row->names);
    const char **kernels = calloc(count_lines(row->names) + 1, sizeof *kernels);
    qjit_status status = qj_fail(QJIT_NO_MEMORY, "out of memory");
    if (options && names && kernels) {
        set_key(&plan, row, arch, options, names, kernels);
        status = memcmp(plan.key, row->key, sizeof plan.key) == 0
                     ? QJIT_OK
                     : qj_fail(QJIT_OBJECT_REFUSED, "its key is not that of what it is said to be made of");
    }
    free(options);
    free(names);
    free(kernels);
    return status;
}

/* Whether each of the names, separated by one space, is a kernel of the object. */
static qjit_status check_kernels(const struct qj_code_object *object, const char *names)
{
    char *copy = strdup(names), *rest = NULL;
    qjit_status status = copy ? QJIT_OK : qj_fail(QJIT_NO_MEMORY, "out of memory");
    for (char *name = copy ? strtok_r(copy, " ", &rest) : NULL; name && status == QJIT_OK;
         name = strtok_r(NULL, " ", &rest)) {
        if (!qj_code_object_has(object, name)) {
            status = qj_fail(QJIT_OBJECT_REFUSED, "its code object holds no kernel '%s'", name);
        }
    }
    free(copy);
    return status;
}

/* AMD's objects say what they are for; those of our own HIP libraries are checked as far as an ELF goes. */
static qjit_status check_object(const struct qj_entry *entry)
{
    struct qj_code_object object;
    const struct qj_row *row = &entry->row;
    qjit_status status = qj_code_object_check(entry->object, (size_t)row->object_bytes, row->arch);
    if (status != QJIT_OK || strncmp(row->arch, "gfx", 3) != 0) {
        return status;
    }
    status = qj_code_object_init(&object, entry->object, (size_t)row->object_bytes);
    if (status != QJIT_OK) {
        return status;
    }
    status = strcmp(object.arch, row->arch) == 0
                 ? check_kernels(&object, row->kernels)
                 : qj_fail(QJIT_OBJECT_REFUSED, "its code object is for '%s'", object.arch);
    qj_code_object_finish(&object);
    return status;
}

const char *qj_judge_entry(const struct qj_entry *entry)
{
    if (!qj_judge_texts(&entry->row)) {
        return "a text of it has control characters";
    }
    qjit_status status = check_key(&entry->row);
    status = status == QJIT_OK ? check_object(entry) : status;
    return status == QJIT_OK ? NULL : qjit_error_detail();
}
