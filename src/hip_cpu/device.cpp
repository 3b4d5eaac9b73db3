/* What a device says of itself. */
#include <cstdio>
#include <cstring>

#include "config.h"
#include "module.h"
#include "stream.h"

namespace hipcpu {

namespace {

/* The members of hipDeviceProp_t that we fill, and where they are in its two layouts: of ROCm before 6, and
 * R0600. Whatever else there is stays zero. */
struct Layout {
    size_t bytes, memory, lds, registers, wave, block_threads, block_dim, grid_dim, clock, constants, major,
        minor, processors, l2, processor_threads, concurrent, pci_bus, integrated, map_host, processor_lds,
        arch_name;
};

const Layout old_layout = {792, 256, 264, 272, 276, 280, 284, 296, 308, 320, 328,
                           332, 336, 340, 344, 360, 368, 652, 388, 376, 396};
const Layout r0600_layout = {1472, 288, 296, 304, 308, 320, 324, 336, 348, 352, 360,
                             364,  388, 616, 624, 576, 584, 396, 400, 640, 1160};

constexpr int LIMIT_GRID_X = 2147483647, LIMIT_GRID_YZ = 65536, LIMIT_BLOCK = 1024, MHZ_NOMINAL = 1000;

void put(unsigned char *at, int value)
{
    memcpy(at, &value, sizeof value);
}

void put_size(unsigned char *at, size_t value)
{
    memcpy(at, &value, sizeof value);
}

hipError_t properties(void *out, int ordinal, const Layout &layout)
{
    if (!device_at(0))
        return QJ_HIP_ERROR_NO_DEVICE;
    if (!out)
        return QJ_HIP_ERROR_INVALID_VALUE;
    if (ordinal < 0 || !device_at(static_cast<unsigned>(ordinal)))
        return QJ_HIP_ERROR_INVALID_DEVICE;
    auto *to = static_cast<unsigned char *>(out);
    memset(to, 0, layout.bytes);
    snprintf(reinterpret_cast<char *>(to), 256, "qjit CPU device (wave %u%s)", config().wave,
             config().checked ? ", checked" : "");
    snprintf(reinterpret_cast<char *>(to + layout.arch_name), 256, "%s", config().arch.c_str());
    put_size(to + layout.memory, config().memory_bytes);
    put_size(to + layout.lds, LDS_MAX);
    put_size(to + layout.constants, size_t{1} << 30);
    put_size(to + layout.processor_lds, LDS_MAX);
    put(to + layout.registers, 65536);
    put(to + layout.wave, static_cast<int>(config().wave));
    put(to + layout.block_threads, LIMIT_BLOCK);
    put(to + layout.processor_threads, LIMIT_BLOCK);
    for (size_t i = 0; i < 3; i++) {
        put(to + layout.block_dim + 4 * i, LIMIT_BLOCK);
        put(to + layout.grid_dim + 4 * i, i == 0 ? LIMIT_GRID_X : LIMIT_GRID_YZ);
    }
    put(to + layout.clock, MHZ_NOMINAL * 1000);
    put(to + layout.major, 1);
    put(to + layout.processors, static_cast<int>(config().threads));
    put(to + layout.l2, 1 << 20);
    put(to + layout.concurrent, 1);
    put(to + layout.pci_bus, ordinal);
    put(to + layout.integrated, 1);
    put(to + layout.map_host, 1);
    return QJ_HIP_SUCCESS;
}

/* hipDeviceAttribute_t, whose numbers have been the same since ROCm 5. */
hipError_t attribute(int *value, int which)
{
    switch (which) {
    case 3:  /* CanMapHostMemory */
    case 8:  /* ConcurrentKernels */
    case 16: /* Integrated */
    case 23: /* ComputeCapabilityMajor */
        *value = 1;
        return QJ_HIP_SUCCESS;
    case 5:  /* ClockRate, kHz */
    case 60: /* MemoryClockRate */
        *value = MHZ_NOMINAL * 1000;
        return QJ_HIP_SUCCESS;
    case 19: /* L2CacheSize */
        *value = 1 << 20;
        return QJ_HIP_SUCCESS;
    case 24: /* ManagedMemory */
    case 61: /* ComputeCapabilityMinor */
    case 67: /* PciBusId */
    case 68: /* PciDeviceId */
        *value = 0;
        return QJ_HIP_SUCCESS;
    case 26: /* MaxBlockDimX, Y, Z */
    case 27:
    case 28:
    case 56: /* MaxThreadsPerBlock */
    case 57: /* MaxThreadsPerMultiProcessor */
        *value = LIMIT_BLOCK;
        return QJ_HIP_SUCCESS;
    case 29: /* MaxGridDimX, Y, Z */
        *value = LIMIT_GRID_X;
        return QJ_HIP_SUCCESS;
    case 30:
    case 31:
        *value = LIMIT_GRID_YZ;
        return QJ_HIP_SUCCESS;
    case 59: /* MemoryBusWidth */
        *value = 64;
        return QJ_HIP_SUCCESS;
    case 63: /* MultiprocessorCount */
        *value = static_cast<int>(config().threads);
        return QJ_HIP_SUCCESS;
    case 71:    /* MaxRegistersPerBlock */
    case 74:    /* MaxSharedMemoryPerBlock */
    case 10002: /* MaxSharedMemoryPerMultiprocessor */
        *value = LDS_MAX;
        return QJ_HIP_SUCCESS;
    case 83: /* TotalConstantMemory */
        *value = 1 << 30;
        return QJ_HIP_SUCCESS;
    case 87: /* WarpSize */
        *value = static_cast<int>(config().wave);
        return QJ_HIP_SUCCESS;
    default:
        return QJ_HIP_ERROR_INVALID_VALUE;
    }
}

/* Like a ROCm release, major * 10^7 + minor * 10^5 + patch: the first with both layouts. */
constexpr int VERSION = 60000000;

hipError_t version(int *out)
{
    if (!out)
        return QJ_HIP_ERROR_INVALID_VALUE;
    *out = VERSION;
    return QJ_HIP_SUCCESS;
}

} // namespace

} // namespace hipcpu

using namespace hipcpu;

hipError_t hipRuntimeGetVersion(int *out)
{
    return call(__func__, [=] { return version(out); });
}

hipError_t hipDriverGetVersion(int *out)
{
    return call(__func__, [=] { return version(out); });
}

hipError_t hipGetDeviceProperties(void *out, int device)
{
    return call(__func__, [=] { return properties(out, device, old_layout); });
}

hipError_t hipGetDevicePropertiesR0600(void *out, int device)
{
    return call(__func__, [=] { return properties(out, device, r0600_layout); });
}

hipError_t hipDeviceGetAttribute(int *value, hipDeviceAttribute_t which, int device)
{
    return call(__func__, [=]() -> hipError_t {
        if (!device_at(0))
            return QJ_HIP_ERROR_NO_DEVICE;
        if (device < 0 || !device_at(static_cast<unsigned>(device)))
            return QJ_HIP_ERROR_INVALID_DEVICE;
        if (!value)
            return QJ_HIP_ERROR_INVALID_VALUE;
        return attribute(value, which);
    });
}
