/* The fake's devices in the hipDeviceProp_t of the HIP headers at hand. scripts/rocm-matrix links it, instead
 * of tests/fake_hip/properties.c, into a recording HIP library for each version. */
#include <hip/hip_runtime_api.h>
#include <hip/hip_version.h>
#include <string.h>

#if HIP_VERSION_MAJOR >= 6
#include <hip/hip_deprecated.h>
typedef hipDeviceProp_tR0000 old_properties;
#else
typedef hipDeviceProp_t old_properties;
#endif

#include "../fake_hip/properties.h"

#define PUT(out, device)                                                                                     \
    FAKE_PUT(out, device, totalGlobalMem, sharedMemPerBlock, warpSize, maxThreadsPerBlock,                   \
             multiProcessorCount, gcnArchName)

void fake_put_old(void *out, const struct fake_device *device)
{
    old_properties *properties = out;
    PUT(properties, device);
}

#if HIP_VERSION_MAJOR >= 6
void fake_put_r0600(void *out, const struct fake_device *device)
{
    hipDeviceProp_tR0600 *properties = out;
    PUT(properties, device);
}
#endif
