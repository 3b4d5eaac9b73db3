#include "hip/device.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "hip/layout.h"
#include "object/arch.h"

/* More than any layout of hipDeviceProp_t has, so that a larger one than we know cannot run over its end. */
enum { PROPERTIES_BYTES = 16384 };

struct layout {
    size_t name, memory, lds, wavefront, max_workgroup, n_cus, arch;
};
static const struct layout old_layout = {
    QJ_PROP_OLD_NAME,          QJ_PROP_OLD_TOTAL_GLOBAL_MEM,      QJ_PROP_OLD_SHARED_MEM_PER_BLOCK,
    QJ_PROP_OLD_WARP_SIZE,     QJ_PROP_OLD_MAX_THREADS_PER_BLOCK, QJ_PROP_OLD_MULTI_PROCESSOR_COUNT,
    QJ_PROP_OLD_GCN_ARCH_NAME,
};
static const struct layout r0600_layout = {
    QJ_PROP_R0600_NAME,          QJ_PROP_R0600_TOTAL_GLOBAL_MEM,      QJ_PROP_R0600_SHARED_MEM_PER_BLOCK,
    QJ_PROP_R0600_WARP_SIZE,     QJ_PROP_R0600_MAX_THREADS_PER_BLOCK, QJ_PROP_R0600_MULTI_PROCESSOR_COUNT,
    QJ_PROP_R0600_GCN_ARCH_NAME,
};

union properties {
    char bytes[PROPERTIES_BYTES];
    max_align_t align;
};

qjit_status qj_device_count(uint32_t *out, const struct qj_hip *hip)
{
    int n = 0;
    *out = 0;
    hipError_t error = hip->hipGetDeviceCount(&n);
    if (error == QJ_HIP_ERROR_NO_DEVICE) {
        return QJIT_OK;
    }
    if (error != QJ_HIP_SUCCESS) {
        return qj_hip_fail(hip, QJIT_HIP_FAILED, "hipGetDeviceCount", error);
    }
    *out = n > 0 ? (uint32_t)n : 0;
    return QJIT_OK;
}

static uint32_t read_int(const union properties *properties, size_t offset)
{
    int value;
    memcpy(&value, properties->bytes + offset, sizeof value);
    return value > 0 ? (uint32_t)value : 0;
}

static uint64_t read_size(const union properties *properties, size_t offset)
{
    size_t value;
    memcpy(&value, properties->bytes + offset, sizeof value);
    return value;
}

/* What an arch looks like: gfx and hexadecimal digits, or one of our own libraries' kinds. */
static bool is_arch(const char *text)
{
    return (strncmp(text, "gfx", 3) == 0 && strspn(text + 3, "0123456789abcdef") > 1) ||
           strncmp(text, "cpu-", 4) == 0 || strncmp(text, "sm_", 3) == 0;
}

/* Takes the properties as of `layout`. False if they make no sense that way. */
static bool read_properties(qjit_device *out, const union properties *properties, const struct layout *layout)
{
    const char *arch = properties->bytes + layout->arch, *name = properties->bytes + layout->name;
    if (!memchr(arch, '\0', QJ_PROP_ARCH_BYTES) || !memchr(name, '\0', QJ_PROP_NAME_BYTES) ||
        !is_arch(arch) || qj_arch_canonical(out->arch, arch) != QJIT_OK) {
        return false;
    }
    (void)snprintf(out->name, sizeof out->name, "%s", name);
    out->memory_bytes = read_size(properties, layout->memory);
    uint64_t lds = read_size(properties, layout->lds);
    out->lds_bytes = lds < UINT32_MAX ? (uint32_t)lds : UINT32_MAX;
    out->wavefront = read_int(properties, layout->wavefront);
    out->max_workgroup = read_int(properties, layout->max_workgroup);
    out->n_cus = read_int(properties, layout->n_cus);
    return out->wavefront > 0 && out->max_workgroup > 0;
}

typedef hipError_t get_properties(void *properties, int device);

static hipError_t get(qjit_device *out, bool *readable, get_properties *function, int ordinal,
                      const struct layout *layout)
{
    union properties properties;
    memset(&properties, 0, sizeof properties);
    hipError_t error = function(&properties, ordinal);
    *readable = error == QJ_HIP_SUCCESS && read_properties(out, &properties, layout);
    return error;
}

qjit_status qj_device_get(qjit_device *out, const struct qj_hip *hip, uint32_t ordinal)
{
    uint32_t n;
    bool readable = false;
    qjit_status status = qj_device_count(&n, hip);
    if (status != QJIT_OK) {
        return status;
    }
    if (ordinal >= n) {
        return qj_fail(QJIT_NO_DEVICE,
                       "no device %u: HIP sees %u (see HIP_VISIBLE_DEVICES, and that you may open "
                       "/dev/kfd)",
                       ordinal, n);
    }
    /* From HIP 6 on the plain name is kept for programs built before, and fills the old layout. */
    const char *name = "hipGetDevicePropertiesR0600";
    hipError_t error = QJ_HIP_SUCCESS;
    if (hip->hipGetDevicePropertiesR0600) {
        error = get(out, &readable, hip->hipGetDevicePropertiesR0600, (int)ordinal, &r0600_layout);
    }
    if (error == QJ_HIP_SUCCESS && !readable) {
        name = "hipGetDeviceProperties";
        error = get(out, &readable, hip->hipGetDeviceProperties, (int)ordinal, &old_layout);
    }
    if (error != QJ_HIP_SUCCESS) {
        return qj_hip_fail(hip, QJIT_HIP_FAILED, name, error);
    }
    if (!readable) {
        return qj_fail(QJIT_HIP_FAILED,
                       "device %u: no arch where HIP 5 to 7 give it, this HIP library has another "
                       "hipDeviceProp_t (%s)",
                       ordinal, name);
    }
    return QJIT_OK;
}
