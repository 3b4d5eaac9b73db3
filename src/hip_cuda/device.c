/* Devices, their attributes, and hipDeviceProp_t in its two layouts: before HIP 6, and since (R0600). */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "hip_cuda/driver.h"
#include "hip_cuda/handle.h"

enum {
    RUNTIME_VERSION = 60000000, /* the HIP whose functions these are: 6.0.0 */
    HIP_TOTAL_GLOBAL_MEM = 84,  /* hipDeviceAttributeTotalGlobalMem: no attribute in CUDA */
    CU_COMPUTE_MAJOR = 75,
    CU_COMPUTE_MINOR = 76,
    NONE = -1
};

struct layout {
    size_t n_bytes;
    int total_memory, uuid, arch_flags, arch; /* offsets */
};
static const struct layout before_6 = {792, 256, NONE, 356, 396}, since_6 = {1472, 288, 256, 1428, 1160};

/* hipDeviceArch_t, a bit per feature: atomics and warp functions, all of which every device since sm_60 has;
 * bits 15 and 16 are surfaces and 3D grids, 17 is dynamic parallelism. */
enum { ARCH_FLAGS = 0x3ffff };

/* Members that are attributes: CUDA's number, bytes, offset before HIP 6 and since. */
static const struct member {
    short attribute, n_bytes, before_6, since_6;
} members[] = {
    // clang-format off
    {12, 4, 272, 304}, /* regsPerBlock */
    {10, 4, 276, 308}, /* warpSize */
    {1, 4, 280, 320}, /* maxThreadsPerBlock */
    {2, 4, 284, 324}, /* maxThreadsDim[0] */
    {3, 4, 288, 328}, /* maxThreadsDim[1] */
    {4, 4, 292, 332}, /* maxThreadsDim[2] */
    {5, 4, 296, 336}, /* maxGridSize[0] */
    {6, 4, 300, 340}, /* maxGridSize[1] */
    {7, 4, 304, 344}, /* maxGridSize[2] */
    {13, 4, 308, 348}, /* clockRate */
    {75, 4, 328, 360}, /* major */
    {76, 4, 332, 364}, /* minor */
    {16, 4, 336, 388}, /* multiProcessorCount */
    {17, 4, 736, 392}, /* kernelExecTimeoutEnabled */
    {18, 4, 652, 396}, /* integrated */
    {19, 4, 388, 400}, /* canMapHostMemory */
    {20, 4, 348, 404}, /* computeMode */
    {31, 4, 360, 576}, /* concurrentKernels */
    {32, 4, 740, 580}, /* ECCEnabled */
    {33, 4, 368, 584}, /* pciBusID */
    {34, 4, 372, 588}, /* pciDeviceID */
    {50, 4, 364, 592}, /* pciDomainID */
    {35, 4, 744, 596}, /* tccDriver */
    {40, 4, NONE, 600}, /* asyncEngineCount */
    {41, 4, NONE, 604}, /* unifiedAddressing */
    {36, 4, 312, 608}, /* memoryClockRate */
    {37, 4, 316, 612}, /* memoryBusWidth */
    {38, 4, 340, 616}, /* l2CacheSize */
    {108, 4, NONE, 620}, /* persistingL2CacheMaxSize */
    {39, 4, 344, 624}, /* maxThreadsPerMultiProcessor */
    {78, 4, NONE, 628}, /* streamPrioritiesSupported */
    {79, 4, NONE, 632}, /* globalL1CacheSupported */
    {80, 4, NONE, 636}, /* localL1CacheSupported */
    {82, 4, NONE, 648}, /* regsPerMultiprocessor */
    {83, 4, 772, 652}, /* managedMemory */
    {84, 4, 384, 656}, /* isMultiGpuBoard */
    {85, 4, NONE, 660}, /* multiGpuBoardGroupID */
    {86, 4, NONE, 664}, /* hostNativeAtomicSupported */
    {87, 4, NONE, 668}, /* singleToDoublePrecisionPerfRatio */
    {88, 4, 784, 672}, /* pageableMemoryAccess */
    {89, 4, 780, 676}, /* concurrentManagedAccess */
    {90, 4, NONE, 680}, /* computePreemptionSupported */
    {91, 4, NONE, 684}, /* canUseHostPointerForRegisteredMem */
    {95, 4, 656, 688}, /* cooperativeLaunch */
    {96, 4, 660, 692}, /* cooperativeMultiDeviceLaunch */
    {100, 4, 788, 704}, /* pageableMemoryAccessUsesHostPageTables */
    {101, 4, 776, 708}, /* directManagedMemAccessFromHost */
    {106, 4, NONE, 712}, /* maxBlocksPerMultiProcessor */
    {109, 4, NONE, 716}, /* accessPolicyMaxWindowSize */
    {99, 4, NONE, 728}, /* hostRegisterSupported */
    {115, 4, NONE, 744}, /* memoryPoolsSupported */
    {15, 4, NONE, 384}, /* deviceOverlap */
    {21, 4, 668, 408}, /* maxTexture1D */
    {22, 4, 672, 420}, /* maxTexture2D[0] */
    {23, 4, 676, 424}, /* maxTexture2D[1] */
    {24, 4, 680, 456}, /* maxTexture3D[0] */
    {25, 4, 684, 460}, /* maxTexture3D[1] */
    {26, 4, 688, 464}, /* maxTexture3D[2] */
    {69, 4, 664, 416}, /* maxTexture1DLinear */
    {13, 4, 352, 1424}, /* clockInstructionRate */
    {8, 8, 264, 296}, /* sharedMemPerBlock */
    {11, 8, 712, 312}, /* memPitch */
    {9, 8, 320, 352}, /* totalConstMem */
    {14, 8, 720, 368}, /* textureAlignment */
    {51, 8, 728, 376}, /* texturePitchAlignment */
    {30, 8, NONE, 568}, /* surfaceAlignment */
    {81, 8, NONE, 640}, /* sharedMemPerMultiprocessor */
    {97, 8, NONE, 696}, /* sharedMemPerBlockOptin */
    {111, 8, NONE, 720}, /* reservedSharedMemPerBlock */
    {81, 8, 376, 1416}, /* maxSharedMemoryPerMultiProcessor */
    // clang-format on
};

/* hipDeviceAttribute_t -> CUdevice_attribute */
static const struct {
    short hip, cuda;
} attributes[] = {
    // clang-format off
    {0, 32}, /* EccEnabled */
    {1, 109}, /* AccessPolicyMaxWindowSize */
    {2, 40}, /* AsyncEngineCount */
    {3, 19}, /* CanMapHostMemory */
    {4, 91}, /* CanUseHostPointerForRegisteredMem */
    {5, 13}, /* ClockRate */
    {6, 20}, /* ComputeMode */
    {7, 90}, /* ComputePreemptionSupported */
    {8, 31}, /* ConcurrentKernels */
    {9, 89}, /* ConcurrentManagedAccess */
    {10, 95}, /* CooperativeLaunch */
    {11, 96}, /* CooperativeMultiDeviceLaunch */
    {12, 15}, /* DeviceOverlap */
    {13, 101}, /* DirectManagedMemAccessFromHost */
    {14, 79}, /* GlobalL1CacheSupported */
    {15, 86}, /* HostNativeAtomicSupported */
    {16, 18}, /* Integrated */
    {17, 84}, /* IsMultiGpuBoard */
    {18, 17}, /* KernelExecTimeout */
    {19, 38}, /* L2CacheSize */
    {20, 80}, /* LocalL1CacheSupported */
    {23, 75}, /* ComputeCapabilityMajor */
    {24, 83}, /* ManagedMemory */
    {25, 106}, /* MaxBlocksPerMultiProcessor */
    {26, 2}, /* MaxBlockDimX */
    {27, 3}, /* MaxBlockDimY */
    {28, 4}, /* MaxBlockDimZ */
    {29, 5}, /* MaxGridDimX */
    {30, 6}, /* MaxGridDimY */
    {31, 7}, /* MaxGridDimZ */
    {39, 21}, /* MaxTexture1DWidth */
    {41, 69}, /* MaxTexture1DLinear */
    {43, 22}, /* MaxTexture2DWidth */
    {44, 23}, /* MaxTexture2DHeight */
    {49, 24}, /* MaxTexture3DWidth */
    {50, 25}, /* MaxTexture3DHeight */
    {51, 26}, /* MaxTexture3DDepth */
    {55, 2}, /* MaxThreadsDim */
    {56, 1}, /* MaxThreadsPerBlock */
    {57, 39}, /* MaxThreadsPerMultiProcessor */
    {58, 11}, /* MaxPitch */
    {59, 37}, /* MemoryBusWidth */
    {60, 36}, /* MemoryClockRate */
    {61, 76}, /* ComputeCapabilityMinor */
    {62, 85}, /* MultiGpuBoardGroupID */
    {63, 16}, /* MultiprocessorCount */
    {65, 88}, /* PageableMemoryAccess */
    {66, 100}, /* PageableMemoryAccessUsesHostPageTables */
    {67, 33}, /* PciBusId */
    {68, 34}, /* PciDeviceId */
    {69, 50}, /* PciDomainID */
    {70, 108}, /* PersistingL2CacheMaxSize */
    {71, 12}, /* MaxRegistersPerBlock */
    {72, 82}, /* MaxRegistersPerMultiprocessor */
    {73, 111}, /* ReservedSharedMemPerBlock */
    {74, 8}, /* MaxSharedMemoryPerBlock */
    {75, 97}, /* SharedMemPerBlockOptin */
    {76, 81}, /* SharedMemPerMultiprocessor */
    {77, 87}, /* SingleToDoublePrecisionPerfRatio */
    {78, 78}, /* StreamPrioritiesSupported */
    {79, 30}, /* SurfaceAlignment */
    {80, 35}, /* TccDriver */
    {81, 14}, /* TextureAlignment */
    {82, 51}, /* TexturePitchAlignment */
    {83, 9}, /* TotalConstantMemory */
    {85, 41}, /* UnifiedAddressing */
    {87, 10}, /* WarpSize */
    {88, 115}, /* MemoryPoolsSupported */
    {10000, 13}, /* ClockInstructionRate */
    {10002, 81}, /* MaxSharedMemoryPerMultiprocessor */
    {10015, 16}, /* PhysicalMultiProcessorCount */
    // clang-format on
};

hipError_t hipInit(unsigned int flags)
{
    hipError_t error = qj_cuda_open();
    return qj_cuda_leave(error == QJ_HIP_SUCCESS && flags != 0 ? QJ_HIP_ERROR_INVALID_VALUE : error);
}

hipError_t hipRuntimeGetVersion(int *version)
{
    if (version == NULL) {
        return qj_cuda_leave(QJ_HIP_ERROR_INVALID_VALUE);
    }
    *version = RUNTIME_VERSION;
    return QJ_HIP_SUCCESS;
}

/* CUDA's version of the driver, 13000 for 13.0; 0 where there is no driver. */
hipError_t hipDriverGetVersion(int *version)
{
    if (version == NULL) {
        return qj_cuda_leave(QJ_HIP_ERROR_INVALID_VALUE);
    }
    qj_cuda_open();
    *version = 0;
    return qj_cuda.cuDriverGetVersion == NULL
               ? QJ_HIP_SUCCESS
               : qj_cuda_leave(qj_cuda_error(qj_cuda.cuDriverGetVersion(version)));
}

hipError_t hipGetDeviceCount(int *count)
{
    if (count == NULL) {
        return qj_cuda_leave(QJ_HIP_ERROR_INVALID_VALUE);
    }
    hipError_t error = qj_cuda_open();
    *count = qj_cuda_n_devices();
    return qj_cuda_leave(error);
}

hipError_t hipGetDevice(int *device)
{
    hipError_t error = device == NULL ? QJ_HIP_ERROR_INVALID_VALUE : qj_cuda_open();
    if (error == QJ_HIP_SUCCESS) {
        *device = qj_cuda_device();
    }
    return qj_cuda_leave(error);
}

/* Opened, and `device` is one. */
static hipError_t check_device(int device)
{
    hipError_t error = qj_cuda_open();
    return error == QJ_HIP_SUCCESS && (device < 0 || device >= qj_cuda_n_devices())
               ? QJ_HIP_ERROR_INVALID_DEVICE
               : error;
}

hipError_t hipSetDevice(int device)
{
    hipError_t error = check_device(device);
    if (error == QJ_HIP_SUCCESS) {
        qj_cuda_set_device(device);
    }
    return qj_cuda_leave(error);
}

hipError_t hipDeviceSynchronize(void)
{
    hipError_t error = qj_cuda_enter();
    return qj_cuda_leave(error == QJ_HIP_SUCCESS ? qj_cuda_error(qj_cuda.cuCtxSynchronize()) : error);
}

static hipError_t get_attribute(int *value, int attribute, CUdevice device)
{
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        if (attributes[i].hip == attribute) {
            return qj_cuda_error(qj_cuda.cuDeviceGetAttribute(value, attributes[i].cuda, device));
        }
    }
    if (attribute == HIP_TOTAL_GLOBAL_MEM) {
        size_t n = 0;
        hipError_t error = qj_cuda_error(qj_cuda.cuDeviceTotalMem(&n, device));
        *value = n > INT32_MAX ? INT32_MAX : (int)n;
        return error;
    }
    return QJ_HIP_ERROR_INVALID_VALUE;
}

hipError_t hipDeviceGetAttribute(int *value, hipDeviceAttribute_t attribute, int device)
{
    CUdevice handle;
    hipError_t error = value == NULL ? QJ_HIP_ERROR_INVALID_VALUE : check_device(device);
    if (error == QJ_HIP_SUCCESS) {
        error = qj_cuda_error(qj_cuda.cuDeviceGet(&handle, device));
    }
    return qj_cuda_leave(error == QJ_HIP_SUCCESS ? get_attribute(value, (int)attribute, handle) : error);
}

static hipError_t fill_members(unsigned char *out, bool is_since_6, CUdevice device)
{
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        int offset = is_since_6 ? members[i].since_6 : members[i].before_6, value = 0;
        if (offset == NONE) {
            continue;
        }
        /* An attribute that this driver does not know stays 0. */
        if (qj_cuda.cuDeviceGetAttribute(&value, members[i].attribute, device) != 0) {
            value = 0;
        }
        size_t wide = (size_t)value;
        memcpy(out + offset, members[i].n_bytes == 8 ? (void *)&wide : (void *)&value,
               (size_t)members[i].n_bytes);
    }
    return QJ_HIP_SUCCESS;
}

static hipError_t fill(unsigned char *out, const struct layout *layout, CUdevice device)
{
    int major = 0, minor = 0, flags = ARCH_FLAGS;
    size_t total = 0;
    memset(out, 0, layout->n_bytes);
    hipError_t error = qj_cuda_error(qj_cuda.cuDeviceGetName((char *)out, 256, device));
    if (error == QJ_HIP_SUCCESS) {
        error = qj_cuda_error(qj_cuda.cuDeviceTotalMem(&total, device));
    }
    if (error == QJ_HIP_SUCCESS) {
        error = fill_members(out, layout == &since_6, device);
    }
    if (error == QJ_HIP_SUCCESS && layout->uuid != NONE && qj_cuda.cuDeviceGetUuid != NULL) {
        error = qj_cuda_error(qj_cuda.cuDeviceGetUuid(out + layout->uuid, device));
    }
    if (error == QJ_HIP_SUCCESS) {
        qj_cuda.cuDeviceGetAttribute(&major, CU_COMPUTE_MAJOR, device);
        qj_cuda.cuDeviceGetAttribute(&minor, CU_COMPUTE_MINOR, device);
        memcpy(out + layout->total_memory, &total, sizeof total);
        memcpy(out + layout->arch_flags, &flags, sizeof flags);
        snprintf((char *)out + layout->arch, 256, "sm_%d%d", major, minor);
    }
    return error;
}

static hipError_t get_properties(void *out, const struct layout *layout, int device)
{
    CUdevice handle;
    hipError_t error = out == NULL ? QJ_HIP_ERROR_INVALID_VALUE : check_device(device);
    if (error == QJ_HIP_SUCCESS) {
        error = qj_cuda_error(qj_cuda.cuDeviceGet(&handle, device));
    }
    return qj_cuda_leave(error == QJ_HIP_SUCCESS ? fill(out, layout, handle) : error);
}

hipError_t hipGetDeviceProperties(void *properties, int device)
{
    return get_properties(properties, &before_6, device);
}

hipError_t hipGetDevicePropertiesR0600(void *properties, int device)
{
    return get_properties(properties, &since_6, device);
}
