/* What a loaded kernel takes, read from its own code object. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "context.h"
#include "object/code_object.h"

/* Symbol `index` of those in `symbols`, which one space separates. */
static bool is_symbol(const char *symbols, uint32_t index, const char *symbol)
{
    for (; index > 0 && *symbols; index--) {
        symbols += strcspn(symbols, " ");
        symbols += *symbols == ' ';
    }
    const size_t n = strcspn(symbols, " ");
    return n == strlen(symbol) && memcmp(symbols, symbol, n) == 0;
}

static qjit_status copy(struct qj_kernel_args *out, const struct qj_code_object *object, size_t kernel)
{
    const uint32_t n = object->kernels[kernel].n_args;
    uint32_t *n_bytes = calloc(n + 1, sizeof *n_bytes);
    if (!n_bytes) {
        return qj_fail(QJIT_NO_MEMORY, "out of memory");
    }
    for (uint32_t i = 0; i < n; i++) {
        n_bytes[i] = qj_code_object_arg_bytes(object, kernel, i);
    }
    out->n = (int)n;
    out->n_bytes = n_bytes;
    return QJIT_OK;
}

qjit_status qj_context_kernel_args(qjit_context *context, struct qj_kernel_args *out, uint32_t device,
                                   qjit_kernel kernel)
{
    struct qj_module_image image;
    struct qj_code_object object;
    const struct qj_kernel *row;
    *out = (struct qj_kernel_args){.n = -1};
    qjit_status status = qj_context_kernel(context, &row, kernel);
    if (status != QJIT_OK) {
        return status;
    }
    out->name = row->name;
    if (strncmp(context->devices[device].arch, "gfx", 3) != 0 ||
        !qj_modules_image(&context->modules, &image, device, row->unit) ||
        qj_code_object_init(&object, image.bytes, image.n_bytes) != QJIT_OK) {
        return QJIT_OK;
    }
    const uint32_t index = kernel - qj_registry_unit(context->registry, row->unit)->first_kernel;
    for (size_t i = 0; i < object.n_kernels && out->n < 0 && status == QJIT_OK; i++) {
        if (is_symbol(image.symbols, index, object.kernels[i].name)) {
            status = copy(out, &object, i);
        }
    }
    qj_code_object_finish(&object);
    return status;
}

bool qj_context_find_function(qjit_context *context, qjit_kernel *out, uint32_t device,
                              qjit_function function)
{
    const uint32_t n = qj_registry_n_kernels(context->registry);
    for (qjit_kernel kernel = 0; kernel < n; kernel++) {
        if (qj_modules_find(&context->modules, device, kernel) == function) {
            *out = kernel;
            return true;
        }
    }
    return false;
}
