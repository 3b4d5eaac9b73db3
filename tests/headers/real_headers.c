/* Compiled, this file has proved its point: our declarations of HIP are those of the installed headers. */
#include <stddef.h>
#include <stdio.h>

#include "hip/types.h" /* the real headers, by QJ_HIP_REAL_HEADERS */
#include <hip/hip_version.h>

#include "hip/layout.h"

/* ---- prototypes ---------------------------------------------------------------------- */

/* Checked below: the two that take hipDeviceProp_t, of which there are two layouts (ours take void *), and
 * the two whose lists of texts HIP 7 made const, which changes no call. A name in PASSED_OVER_ makes the
 * third argument of PICK the one before. */
#define PASSED_OVER_hipGetDeviceProperties      _, _
#define PASSED_OVER_hipGetDevicePropertiesR0600 _, _
#define PASSED_OVER_hiprtcCreateProgram         _, _
#define PASSED_OVER_hiprtcCompileProgram        _, _
#define PICK(...)                               PICK_THIRD(__VA_ARGS__)
#define PICK_THIRD(a, b, third, ...)            third

#define SAME(ret, name, params)                                                                              \
    _Static_assert(__builtin_types_compatible_p(__typeof__(&name), ret(*) params),                           \
                   #name " is declared otherwise");
#define OTHER(ret, name, params)
#define QJ_HIP_FUNCTION(need, ret, name, params) PICK(PASSED_OVER_##name, OTHER, SAME, _)(ret, name, params)
#include "hip/functions.def"
#undef QJ_HIP_FUNCTION

#if HIP_VERSION_MAJOR >= 7
typedef const char *const *texts;
#else
typedef const char **texts;
#endif
SAME(hiprtcResult, hiprtcCreateProgram, (hiprtcProgram *, const char *, const char *, int, texts, texts))
SAME(hiprtcResult, hiprtcCompileProgram, (hiprtcProgram, int, texts))

/* ---- types --------------------------------------------------------------------------- */

/* Enums there, int here. */
_Static_assert(sizeof(hipError_t) == sizeof(int), "hipError_t");
_Static_assert(sizeof(hipMemcpyKind) == sizeof(int), "hipMemcpyKind");
_Static_assert(sizeof(hipDeviceAttribute_t) == sizeof(int), "hipDeviceAttribute_t");
_Static_assert(sizeof(hipFunction_attribute) == sizeof(int), "hipFunction_attribute");
_Static_assert(sizeof(hiprtcResult) == sizeof(int), "hiprtcResult");

/* ---- constants ----------------------------------------------------------------------- */

#define CONSTANTS(X)                                                                                         \
    X(QJ_HIP_SUCCESS, hipSuccess)                                                                            \
    X(QJ_HIP_ERROR_INVALID_VALUE, hipErrorInvalidValue)                                                      \
    X(QJ_HIP_ERROR_OUT_OF_MEMORY, hipErrorOutOfMemory)                                                       \
    X(QJ_HIP_ERROR_NOT_INITIALIZED, hipErrorNotInitialized)                                                  \
    X(QJ_HIP_ERROR_INVALID_CONFIGURATION, hipErrorInvalidConfiguration)                                      \
    X(QJ_HIP_ERROR_NO_DEVICE, hipErrorNoDevice)                                                              \
    X(QJ_HIP_ERROR_INVALID_DEVICE, hipErrorInvalidDevice)                                                    \
    X(QJ_HIP_ERROR_INVALID_IMAGE, hipErrorInvalidImage)                                                      \
    X(QJ_HIP_ERROR_NO_BINARY_FOR_GPU, hipErrorNoBinaryForGpu)                                                \
    X(QJ_HIP_ERROR_INVALID_KERNEL_FILE, hipErrorInvalidKernelFile)                                           \
    X(QJ_HIP_ERROR_INVALID_HANDLE, hipErrorInvalidHandle)                                                    \
    X(QJ_HIP_ERROR_NOT_FOUND, hipErrorNotFound)                                                              \
    X(QJ_HIP_ERROR_NOT_READY, hipErrorNotReady)                                                              \
    X(QJ_HIP_ERROR_ILLEGAL_ADDRESS, hipErrorIllegalAddress)                                                  \
    X(QJ_HIP_ERROR_LAUNCH_OUT_OF_RESOURCES, hipErrorLaunchOutOfResources)                                    \
    X(QJ_HIP_ERROR_LAUNCH_FAILURE, hipErrorLaunchFailure)                                                    \
    X(QJ_HIP_ERROR_NOT_SUPPORTED, hipErrorNotSupported)                                                      \
    X(QJ_HIP_ERROR_STREAM_CAPTURE_UNSUPPORTED, hipErrorStreamCaptureUnsupported)                             \
    X(QJ_HIP_ERROR_UNKNOWN, hipErrorUnknown)                                                                 \
    X(QJ_HIP_MEMCPY_HOST_TO_HOST, hipMemcpyHostToHost)                                                       \
    X(QJ_HIP_MEMCPY_HOST_TO_DEVICE, hipMemcpyHostToDevice)                                                   \
    X(QJ_HIP_MEMCPY_DEVICE_TO_HOST, hipMemcpyDeviceToHost)                                                   \
    X(QJ_HIP_MEMCPY_DEVICE_TO_DEVICE, hipMemcpyDeviceToDevice)                                               \
    X(QJ_HIP_MEMCPY_DEFAULT, hipMemcpyDefault)                                                               \
    X(QJ_HIPRTC_SUCCESS, HIPRTC_SUCCESS)                                                                     \
    X(QJ_HIPRTC_ERROR_OUT_OF_MEMORY, HIPRTC_ERROR_OUT_OF_MEMORY)                                             \
    X(QJ_HIPRTC_ERROR_PROGRAM_CREATION_FAILURE, HIPRTC_ERROR_PROGRAM_CREATION_FAILURE)                       \
    X(QJ_HIPRTC_ERROR_INVALID_INPUT, HIPRTC_ERROR_INVALID_INPUT)                                             \
    X(QJ_HIPRTC_ERROR_INVALID_PROGRAM, HIPRTC_ERROR_INVALID_PROGRAM)                                         \
    X(QJ_HIPRTC_ERROR_INVALID_OPTION, HIPRTC_ERROR_INVALID_OPTION)                                           \
    X(QJ_HIPRTC_ERROR_COMPILATION, HIPRTC_ERROR_COMPILATION)                                                 \
    X(QJ_HIPRTC_ERROR_NAME_EXPRESSION_NOT_VALID, HIPRTC_ERROR_NAME_EXPRESSION_NOT_VALID)                     \
    X(QJ_HIPRTC_ERROR_INTERNAL, HIPRTC_ERROR_INTERNAL_ERROR)

/* hipDeviceAttribute_t was renumbered before HIP 5 and not since; these numbers are written in our own HIP
 * libraries and in tests/conformance. */
#define ATTRIBUTES(X)                                                                                        \
    X(3, hipDeviceAttributeCanMapHostMemory)                                                                 \
    X(5, hipDeviceAttributeClockRate)                                                                        \
    X(16, hipDeviceAttributeIntegrated)                                                                      \
    X(23, hipDeviceAttributeComputeCapabilityMajor)                                                          \
    X(26, hipDeviceAttributeMaxBlockDimX)                                                                    \
    X(29, hipDeviceAttributeMaxGridDimX)                                                                     \
    X(56, hipDeviceAttributeMaxThreadsPerBlock)                                                              \
    X(63, hipDeviceAttributeMultiprocessorCount)                                                             \
    X(67, hipDeviceAttributePciBusId)                                                                        \
    X(74, hipDeviceAttributeMaxSharedMemoryPerBlock)                                                         \
    X(84, hipDeviceAttributeTotalGlobalMem)                                                                  \
    X(87, hipDeviceAttributeWarpSize)

#define EQUAL(ours, theirs) _Static_assert((int)(ours) == (int)(theirs), #ours " is not " #theirs);
CONSTANTS(EQUAL)
ATTRIBUTES(EQUAL)

/* ---- offsets ------------------------------------------------------------------------- */

#define OFFSETS(X, type, layout)                                                                             \
    X(type, name, QJ_PROP_##layout##_NAME)                                                                   \
    X(type, totalGlobalMem, QJ_PROP_##layout##_TOTAL_GLOBAL_MEM)                                             \
    X(type, sharedMemPerBlock, QJ_PROP_##layout##_SHARED_MEM_PER_BLOCK)                                      \
    X(type, warpSize, QJ_PROP_##layout##_WARP_SIZE)                                                          \
    X(type, maxThreadsPerBlock, QJ_PROP_##layout##_MAX_THREADS_PER_BLOCK)                                    \
    X(type, multiProcessorCount, QJ_PROP_##layout##_MULTI_PROCESSOR_COUNT)                                   \
    X(type, gcnArchName, QJ_PROP_##layout##_GCN_ARCH_NAME)
#define AT(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #field " lies elsewhere");

#define BYTES(type, layout)                                                                                  \
    _Static_assert(sizeof(type) == QJ_PROP_##layout##_BYTES, #type);                                         \
    _Static_assert(sizeof(((type *)0)->name) == QJ_PROP_NAME_BYTES, #type " name");                          \
    _Static_assert(sizeof(((type *)0)->gcnArchName) == QJ_PROP_ARCH_BYTES, #type " gcnArchName");

/* From HIP 6 on the plain name is a macro for R0600; what the library exports under it, for programs built
 * before, fills the old layout, which the headers then call R0000. */
#if HIP_VERSION_MAJOR >= 6
OFFSETS(AT, hipDeviceProp_tR0600, R0600)
BYTES(hipDeviceProp_tR0600, R0600)
SAME(hipError_t, hipGetDevicePropertiesR0600, (hipDeviceProp_tR0600 *, int))
#include <hip/hip_deprecated.h>
OFFSETS(AT, hipDeviceProp_tR0000, OLD)
BYTES(hipDeviceProp_tR0000, OLD)
#define LAYOUT "both layouts"
#else
OFFSETS(AT, hipDeviceProp_t, OLD)
BYTES(hipDeviceProp_t, OLD)
SAME(hipError_t, hipGetDeviceProperties, (hipDeviceProp_t *, int))
#define LAYOUT "the old layout"
#endif

int main(void)
{
    int n_functions = 0;
#define QJ_HIP_FUNCTION(need, ret, name, params) n_functions++;
#include "hip/functions.def"
#undef QJ_HIP_FUNCTION
    printf("%d functions, the constants and %s are those of HIP %d.%d\n", n_functions, LAYOUT,
           HIP_VERSION_MAJOR, HIP_VERSION_MINOR);
    return 0;
}
