/* Devices, archs and the registry, as the application sees them. */
#include <stdlib.h>
#include <string.h>

#include "base/sized.h"
#include "base/status.h"
#include "context.h"

qjit_status qjit_device_count(qjit_context *context, uint32_t *out)
{
    const struct qj_hip *hip;
    qjit_status status = qj_context_hip(context, &hip);
    if (status == QJIT_OK) {
        *out = context->n_devices;
    }
    return status;
}

qjit_status qjit_device_info(qjit_context *context, qjit_device *out, uint32_t device)
{
    const qjit_device *info;
    qjit_status status = qj_context_device(context, &info, device);
    return status == QJIT_OK ? qj_sized_write(out, info, sizeof *info, "qjit_device") : status;
}

qjit_status qjit_each_arch(qjit_context *context, int (*each)(void *payload, const char *arch), void *payload)
{
    struct qj_pool *pool;
    char *archs;
    qjit_status status = qj_context_pool(context, &pool);
    if (status == QJIT_OK) {
        status = qj_pool_archs(pool, &archs);
    }
    if (status != QJIT_OK) {
        return status;
    }
    char *rest = NULL;
    for (char *arch = strtok_r(archs, "\n", &rest); arch; arch = strtok_r(NULL, "\n", &rest)) {
        if (each(payload, arch)) {
            break;
        }
    }
    free(archs);
    return QJIT_OK;
}

uint32_t qjit_kernel_count(const qjit_context *context)
{
    return qj_registry_n_kernels(context->registry);
}

qjit_status qjit_find_kernel(const qjit_context *context, qjit_kernel *out, const char *name)
{
    if (qj_registry_find(context->registry, out, name)) {
        return QJIT_OK;
    }
    return qj_fail(QJIT_NOT_FOUND, "there is no kernel '%s': qjit list --kernels shows what there is", name);
}

qjit_status qjit_get_kernel_info(const qjit_context *context, qjit_kernel_info *out, qjit_kernel kernel)
{
    const struct qj_kernel *row;
    qjit_status status = qj_context_kernel(context, &row, kernel);
    if (status == QJIT_OK) {
        const struct qj_unit *unit = qj_registry_unit(context->registry, row->unit);
        *out = (qjit_kernel_info){row->name, unit->module, unit->name, row->aliases};
    }
    return status;
}

qjit_status qjit_get_hip_symbol(qjit_context *context, void (**out)(void), const char *name)
{
    const struct qj_hip *hip;
    qjit_status status = qj_context_hip(context, &hip);
    if (status != QJIT_OK) {
        return status;
    }
    const struct {
        const char *name;
        void (*symbol)(void);
    } symbols[] = {
#define QJ_HIP_FUNCTION(need, ret, symbol_name, params) {#symbol_name, (void (*)(void))hip->symbol_name},
#include "hip/functions.def"
#undef QJ_HIP_FUNCTION
    };
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        if (symbols[i].symbol && strcmp(symbols[i].name, name) == 0) {
            *out = symbols[i].symbol;
            return QJIT_OK;
        }
    }
    return qj_fail(QJIT_NOT_FOUND, "the HIP library in use offers no '%s' through qjit", name);
}
