/* Names and texts of errors, and what becomes of CUDA's. */
#include "hip_cuda/driver.h"

/* X(value, name without "hipError", text): the hipError_t that this library can return. */
#define ERROR_MAP(X)                                                                                         \
    X(1, InvalidValue, "an argument is not allowed")                                                         \
    X(2, OutOfMemory, "there is not enough memory")                                                          \
    X(3, NotInitialized, "the library is not initialised")                                                   \
    X(4, Deinitialized, "the driver is shutting down")                                                       \
    X(9, InvalidConfiguration, "the launch has no threads, or too many")                                     \
    X(17, InvalidDevicePointer, "this is no device pointer")                                                 \
    X(21, InvalidMemcpyDirection, "there is no such kind of copy")                                           \
    X(35, InsufficientDriver, "the driver is too old")                                                       \
    X(98, InvalidDeviceFunction, "this is no kernel of this device")                                         \
    X(100, NoDevice, "there is no device")                                                                   \
    X(101, InvalidDevice, "there is no device of this number")                                               \
    X(200, InvalidImage, "this is no code object")                                                           \
    X(201, InvalidContext, "the context is not usable")                                                      \
    X(202, ContextAlreadyCurrent, "the context is current already")                                          \
    X(205, MapFailed, "memory cannot be mapped")                                                             \
    X(206, UnmapFailed, "memory cannot be unmapped")                                                         \
    X(209, NoBinaryForGpu, "the code object is for another arch")                                            \
    X(214, ECCNotCorrectable, "memory of the device lost bits")                                              \
    X(215, UnsupportedLimit, "the device has no such limit")                                                 \
    X(217, PeerAccessUnsupported, "these devices cannot reach each other")                                   \
    X(218, InvalidKernelFile, "the code object cannot be used")                                              \
    X(300, InvalidSource, "the source is not allowed")                                                       \
    X(301, FileNotFound, "there is no such file")                                                            \
    X(302, SharedObjectSymbolNotFound, "a shared object lacks a symbol")                                     \
    X(303, SharedObjectInitFailed, "a shared object cannot be initialised")                                  \
    X(304, OperatingSystem, "a call of the operating system failed")                                         \
    X(400, InvalidHandle, "this is no handle, or one that was destroyed")                                    \
    X(401, IllegalState, "the object is in no state for this call")                                          \
    X(500, NotFound, "there is nothing of this name")                                                        \
    X(600, NotReady, "the work is not done yet")                                                             \
    X(700, IllegalAddress, "a kernel used an address that is not its own")                                   \
    X(701, LaunchOutOfResources, "the launch needs more registers or LDS than there are")                    \
    X(702, LaunchTimeOut, "a kernel ran for too long")                                                       \
    X(704, PeerAccessAlreadyEnabled, "peer access is enabled already")                                       \
    X(705, PeerAccessNotEnabled, "peer access is not enabled")                                               \
    X(708, SetOnActiveProcess, "the device is in use already")                                               \
    X(709, ContextIsDestroyed, "the context was destroyed")                                                  \
    X(710, Assert, "an assertion of a kernel failed")                                                        \
    X(712, HostMemoryAlreadyRegistered, "the memory is registered already")                                  \
    X(713, HostMemoryNotRegistered, "the memory is not registered")                                          \
    X(719, LaunchFailure, "a kernel failed")                                                                 \
    X(720, CooperativeLaunchTooLarge, "the cooperative launch is too large")                                 \
    X(801, NotSupported, "this is not supported")                                                            \
    X(900, StreamCaptureUnsupported, "a stream that is captured cannot do this")                             \
    X(999, Unknown, "something else failed")

const char *hipGetErrorName(hipError_t error)
{
    switch (error) {
    case 0:
        return "hipSuccess";
#define ERROR_CASE(value, name, text)                                                                        \
    case value:                                                                                              \
        return "hipError" #name;
        ERROR_MAP(ERROR_CASE)
#undef ERROR_CASE
    default:
        return "hipErrorUnknown";
    }
}

const char *hipGetErrorString(hipError_t error)
{
    switch (error) {
    case 0:
        return "no error";
#define ERROR_CASE(value, name, text)                                                                        \
    case value:                                                                                              \
        return text;
        ERROR_MAP(ERROR_CASE)
#undef ERROR_CASE
    default:
        return "no error of this number is known";
    }
}

hipError_t qj_cuda_error(int result)
{
    switch (result) {
    case 0:
        return QJ_HIP_SUCCESS;
#define ERROR_CASE(value, name, text)                                                                        \
    case value:                                                                                              \
        return value;
        ERROR_MAP(ERROR_CASE)
#undef ERROR_CASE
    case 34: /* CUDA_ERROR_STUB_LIBRARY: the driver's stand-in for building */
    case 46: /* CUDA_ERROR_DEVICE_UNAVAILABLE */
        return QJ_HIP_ERROR_NO_DEVICE;
    case 221: /* no JIT compiler */
    case 222: /* PTX of a newer version */
    case 223: /* JIT compilation is off */
        return QJ_HIP_ERROR_NO_BINARY_FOR_GPU;
    case 714: /* hardware stack error, */
    case 715: /* illegal instruction, */
    case 717: /* invalid address space, */
    case 718: /* invalid program counter */
        return QJ_HIP_ERROR_LAUNCH_FAILURE;
    case 716: /* misaligned address */
        return QJ_HIP_ERROR_ILLEGAL_ADDRESS;
    case 803: /* the driver and the kernel module do not fit */
    case 804:
        return 35; /* hipErrorInsufficientDriver */
    default:
        return QJ_HIP_ERROR_UNKNOWN;
    }
}
