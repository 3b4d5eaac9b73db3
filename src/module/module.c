#include "module/module.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "module/slot.h"

qjit_status qj_modules_init(struct qj_modules *out)
{
    *out = (struct qj_modules){0};
    return qj_slots_create(&out->slots);
}

void qj_modules_finish(struct qj_modules *modules, const struct qj_hip *hip)
{
    qj_slots_destroy(modules->slots, hip);
    for (uint32_t device = 0; device < QJ_DEVICES_MAX; device++) {
        struct qj_device_functions *functions = atomic_load(&modules->device[device]);
        for (size_t i = 0; functions && i < QJ_CHUNKS_MAX; i++) {
            free(atomic_load(&functions->chunk[i]));
        }
        free(functions);
    }
}

/* The chunk that holds `kernel`, made if there is none; several threads may race for it. */
static struct qj_functions *chunk_of(struct qj_modules *modules, uint32_t device, qjit_kernel kernel)
{
    struct qj_device_functions *functions = atomic_load(&modules->device[device]);
    if (!functions) {
        struct qj_device_functions *fresh = calloc(1, sizeof *fresh);
        if (fresh && atomic_compare_exchange_strong(&modules->device[device], &functions, fresh)) {
            functions = fresh;
        } else {
            free(fresh);
        }
    }
    if (!functions) {
        return NULL;
    }
    struct qj_functions *chunk = atomic_load(&functions->chunk[kernel / QJ_CHUNK]);
    if (!chunk) {
        struct qj_functions *fresh = calloc(1, sizeof *fresh);
        if (fresh && atomic_compare_exchange_strong(&functions->chunk[kernel / QJ_CHUNK], &chunk, fresh)) {
            chunk = fresh;
        } else {
            free(fresh);
        }
    }
    return chunk;
}

/* Takes the next word of *text. */
static char *next_symbol(const char **text)
{
    size_t n = strcspn(*text, " ");
    char *symbol = n ? strndup(*text, n) : NULL;
    *text += n + ((*text)[n] == ' ');
    return symbol;
}

static qjit_status get_function(hipFunction_t *out, const struct qj_hip *hip, hipModule_t module,
                                const struct qj_unit *unit, const char **symbols)
{
    char *symbol = next_symbol(symbols);
    if (!symbol) {
        return qj_fail(QJIT_LOAD_FAILED, "code object of unit '%s' names fewer kernels than the unit",
                       unit->name);
    }
    qjit_status status = QJIT_OK;
    hipError_t error = hip->hipModuleGetFunction(out, module, symbol);
    if (error != QJ_HIP_SUCCESS) {
        status = qj_hip_fail(hip, QJIT_LOAD_FAILED, "hipModuleGetFunction", error);
        qj_fail_add("kernel '%s' of unit '%s'", symbol, unit->name);
    }
    free(symbol);
    return status;
}

/* Gets every function before it publishes any, so that a unit is there whole or not at all. */
static qjit_status publish(struct qj_modules *modules, const struct qj_hip *hip, uint32_t device,
                           const struct qj_unit *unit, hipModule_t module, const char *symbols)
{
    qjit_status status = QJIT_OK;
    hipFunction_t *functions = calloc(unit->n_kernels, sizeof(*functions));
    if (!functions) {
        return qj_fail(QJIT_NO_MEMORY, "out of memory");
    }
    for (uint32_t i = 0; i < unit->n_kernels && status == QJIT_OK; i++) {
        status = get_function(&functions[i], hip, module, unit, &symbols);
        if (status == QJIT_OK && !chunk_of(modules, device, unit->first_kernel + i)) {
            status = qj_fail(QJIT_NO_MEMORY, "out of memory");
        }
    }
    for (uint32_t i = 0; i < unit->n_kernels && status == QJIT_OK; i++) {
        qjit_kernel kernel = unit->first_kernel + i;
        atomic_store_explicit(&chunk_of(modules, device, kernel)->function[kernel % QJ_CHUNK],
                              (qjit_function)functions[i], memory_order_release);
    }
    free(functions);
    return status;
}

static void keep(struct qj_slots *slots, uint32_t device, uint32_t unit_id, hipModule_t module,
                 const struct qj_module_image *image, char *symbols)
{
    (void)pthread_mutex_lock(&slots->lock);
    struct qj_slot *slot = qj_slots_at(slots, device, unit_id);
    slot->module = module;
    slot->image = image->bytes;
    slot->image_bytes = image->n_bytes;
    slot->symbols = symbols;
    (void)pthread_mutex_unlock(&slots->lock);
}

qjit_status qj_modules_load(struct qj_modules *modules, const struct qj_hip *hip, uint32_t device,
                            uint32_t unit_id, const struct qj_unit *unit, const struct qj_module_image *image)
{
    int current = 0;
    char *symbols = strdup(image->symbols);
    if (!symbols) {
        return qj_fail(QJIT_NO_MEMORY, "out of memory");
    }
    hipError_t error = hip->hipGetDevice(&current);
    if (error == QJ_HIP_SUCCESS && current != (int)device) {
        error = hip->hipSetDevice((int)device);
    }
    if (error != QJ_HIP_SUCCESS) {
        free(symbols);
        return qj_hip_fail(hip, QJIT_HIP_FAILED, "hipSetDevice", error);
    }
    hipModule_t module = NULL;
    error = hip->hipModuleLoadData(&module, image->bytes);
    qjit_status status = QJIT_OK;
    if (error != QJ_HIP_SUCCESS) {
        status = qj_hip_fail(hip, QJIT_LOAD_FAILED, "hipModuleLoadData", error);
        qj_fail_add("unit '%s'", unit->name);
    } else {
        status = publish(modules, hip, device, unit, module, image->symbols);
    }
    if (status == QJIT_OK) {
        keep(modules->slots, device, unit_id, module, image, symbols);
    } else {
        free(symbols);
        if (module) {
            (void)hip->hipModuleUnload(module);
        }
    }
    if (current != (int)device) {
        (void)hip->hipSetDevice(current);
    }
    return status;
}

bool qj_modules_image(struct qj_modules *modules, struct qj_module_image *out, uint32_t device,
                      uint32_t unit_id)
{
    (void)pthread_mutex_lock(&modules->slots->lock);
    const struct qj_slot *slot = qj_slots_at(modules->slots, device, unit_id);
    const bool is_loaded = slot && slot->state == QJ_SLOT_READY;
    if (is_loaded) {
        *out = (struct qj_module_image){slot->image, slot->image_bytes, slot->symbols};
    }
    (void)pthread_mutex_unlock(&modules->slots->lock);
    return is_loaded;
}
