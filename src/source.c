/* Sources of the application's own, and code objects as bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/sized.h"
#include "base/status.h"
#include "context.h"
#include "object/code_object.h"

qjit_status qjit_add_source(qjit_context *context, qjit_kernel *out, const qjit_source *source)
{
    qjit_source given;
    uint32_t unit;
    qjit_status status = qj_sized_read(&given, sizeof given, source, "qjit_source");
    if (status == QJIT_OK) {
        status = qj_registry_add(context->registry, &unit, &given);
    }
    if (status == QJIT_OK && out) {
        *out = qj_registry_unit(context->registry, unit)->first_kernel;
    }
    return status;
}

/* A qjit_object and what its pointers point to. */
struct object {
    qjit_object seen; /* first, so that it is the same address */
    struct qj_image image;
    struct qj_code_object code;
};

void qjit_object_destroy(qjit_object *object)
{
    struct object *whole = (struct object *)object;
    if (whole) {
        qj_code_object_finish(&whole->code);
        qj_image_finish(&whole->image);
        free(whole);
    }
}

static qjit_status get_object(qjit_object **out, qjit_context *context, const struct qj_plan *plan)
{
    struct object *object = calloc(1, sizeof *object);
    if (!object) {
        return qj_fail(QJIT_NO_MEMORY, "out of memory");
    }
    qjit_status status = qj_image_get(&object->image, context, plan);
    if (status == QJIT_OK && strncmp(plan->arch, "gfx", 3) == 0) { /* others' code objects tell no usage */
        status = qj_code_object_init(&object->code, object->image.bytes, object->image.n_bytes);
    }
    if (status != QJIT_OK) {
        qjit_object_destroy(&object->seen);
        return status;
    }
    object->seen = (qjit_object){
        .bytes = object->image.bytes,
        .n_bytes = object->image.n_bytes,
        .log = object->image.log,
        .kernels = object->code.kernels,
        .n_kernels = object->code.n_kernels,
        .compile_us = object->image.compile_us,
        .from_store = object->image.from_store,
    };
    qj_digest_hex(object->seen.key, plan->key);
    *out = &object->seen;
    return QJIT_OK;
}

static qjit_status get_unit_object(qjit_object **out, qjit_context *context, const struct qj_unit *unit,
                                   const char *const *names, const char *arch)
{
    struct qj_plan plan;
    qjit_status status = qj_context_plan(&plan, context, unit, names, arch);
    if (status == QJIT_OK) {
        status = get_object(out, context, &plan);
        qj_plan_finish(&plan);
    }
    return status;
}

qjit_status qjit_get_object(qjit_context *context, qjit_object **out, qjit_kernel kernel, const char *arch)
{
    const struct qj_kernel *row;
    const char *const *names;
    qjit_status status = qj_context_kernel(context, &row, kernel);
    if (status != QJIT_OK) {
        return status;
    }
    const struct qj_unit *unit = qj_registry_unit(context->registry, row->unit);
    status = qj_context_kernel_names(context, &names, unit);
    if (status == QJIT_OK) {
        status = get_unit_object(out, context, unit, names, arch);
        free((void *)(uintptr_t)names);
    }
    return status;
}

qjit_status qjit_compile(qjit_context *context, qjit_object **out, const qjit_source *source,
                         const char *arch)
{
    qjit_source given;
    struct qj_unit *unit;
    const char *const *names;
    qjit_status status = qj_sized_read(&given, sizeof given, source, "qjit_source");
    if (status == QJIT_OK) {
        status = qj_unit_create(&unit, &names, &given);
    }
    if (status == QJIT_OK) {
        status = get_unit_object(out, context, unit, names, arch);
        qj_unit_destroy(unit);
    }
    return status;
}
