/* Error codes: their names, the last one of each thread, and failures made on purpose. */
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

#include "api.h"
#include "config.h"

namespace hipcpu {

namespace {

struct Name {
    int code;
    const char *name, *text;
};

const Name names[] = {
    {QJ_HIP_SUCCESS, "hipSuccess", "no error"},
    {QJ_HIP_ERROR_INVALID_VALUE, "hipErrorInvalidValue", "invalid argument"},
    {QJ_HIP_ERROR_OUT_OF_MEMORY, "hipErrorOutOfMemory", "out of memory"},
    {QJ_HIP_ERROR_NOT_INITIALIZED, "hipErrorNotInitialized", "initialization error"},
    {QJ_HIP_ERROR_INVALID_CONFIGURATION, "hipErrorInvalidConfiguration", "invalid configuration argument"},
    {ERROR_MEMCPY_DIRECTION, "hipErrorInvalidMemcpyDirection", "invalid copy direction for memcpy"},
    {QJ_HIP_ERROR_NO_DEVICE, "hipErrorNoDevice", "no device is there: QJIT_HIP_CPU_DEVICES is 0"},
    {QJ_HIP_ERROR_INVALID_DEVICE, "hipErrorInvalidDevice", "invalid device ordinal"},
    {QJ_HIP_ERROR_INVALID_IMAGE, "hipErrorInvalidImage", "device kernel image is invalid"},
    {QJ_HIP_ERROR_NO_BINARY_FOR_GPU, "hipErrorNoBinaryForGpu", "no kernel image is available for the device"},
    {QJ_HIP_ERROR_INVALID_KERNEL_FILE, "hipErrorInvalidKernelFile", "invalid kernel file"},
    {QJ_HIP_ERROR_INVALID_HANDLE, "hipErrorInvalidHandle", "invalid resource handle"},
    {QJ_HIP_ERROR_NOT_FOUND, "hipErrorNotFound", "named symbol not found"},
    {QJ_HIP_ERROR_NOT_READY, "hipErrorNotReady", "device not ready"},
    {QJ_HIP_ERROR_ILLEGAL_ADDRESS, "hipErrorIllegalAddress", "an illegal memory access was encountered"},
    {QJ_HIP_ERROR_LAUNCH_OUT_OF_RESOURCES, "hipErrorLaunchOutOfResources",
     "too many resources requested for launch"},
    {ERROR_ASSERT, "hipErrorAssert", "device-side assert triggered"},
    {QJ_HIP_ERROR_LAUNCH_FAILURE, "hipErrorLaunchFailure", "unspecified launch failure"},
    {QJ_HIP_ERROR_NOT_SUPPORTED, "hipErrorNotSupported", "operation not supported"},
    {QJ_HIP_ERROR_UNKNOWN, "hipErrorUnknown", "unknown error"},
};

const Name *find_name(int code)
{
    for (const Name &name : names) {
        if (name.code == code)
            return &name;
    }
    return nullptr;
}

int code_of(const std::string &text)
{
    for (const Name &name : names) {
        if (text == name.name)
            return name.code;
    }
    return static_cast<int>(strtol(text.c_str(), nullptr, 10));
}

thread_local hipError_t last_error;

/* One entry of QJIT_HIP_CPU_FAIL: function:call[:error]; call 0 means every one. */
struct Failure {
    long call, seen;
    int error;
};

std::multimap<std::string, Failure> read_failures()
{
    std::multimap<std::string, Failure> out;
    const std::string &all = config().fail;
    for (size_t at = 0; at < all.size();) {
        size_t end = std::min(all.find(',', at), all.size());
        std::string entry = all.substr(at, end - at);
        at = end + 1;
        size_t first = entry.find(':');
        if (first == std::string::npos)
            continue;
        size_t second = entry.find(':', first + 1);
        std::string name = entry.substr(0, first);
        int error =
            name.compare(0, 6, "hiprtc") == 0 ? int{QJ_HIPRTC_ERROR_INTERNAL} : int{QJ_HIP_ERROR_UNKNOWN};
        if (name == "hipMalloc" || name == "hipHostMalloc")
            error = QJ_HIP_ERROR_OUT_OF_MEMORY;
        if (second != std::string::npos)
            error = code_of(entry.substr(second + 1));
        out.emplace(name, Failure{strtol(entry.c_str() + first + 1, nullptr, 10), 0, error});
    }
    return out;
}

} // namespace

int injected(const char *function)
{
    if (config().fail.empty())
        return 0;
    static std::mutex *const lock = new std::mutex;
    std::lock_guard<std::mutex> hold(*lock);
    static auto *const failures = new std::multimap<std::string, Failure>(read_failures());
    int error = 0;
    auto range = failures->equal_range(function);
    for (auto it = range.first; it != range.second; ++it) {
        it->second.seen++;
        if (it->second.call == 0 || it->second.call == it->second.seen)
            error = it->second.error;
    }
    return error;
}

hipError_t remember(hipError_t error)
{
    if (error != QJ_HIP_SUCCESS && error != QJ_HIP_ERROR_NOT_READY)
        last_error = error;
    return error;
}

} // namespace hipcpu

const char *hipGetErrorName(hipError_t error)
{
    const hipcpu::Name *name = hipcpu::find_name(error);
    return name ? name->name : "hipErrorUnknown";
}

const char *hipGetErrorString(hipError_t error)
{
    const hipcpu::Name *name = hipcpu::find_name(error);
    return name ? name->text : "unknown error";
}

hipError_t hipGetLastError(void)
{
    return std::exchange(hipcpu::last_error, QJ_HIP_SUCCESS);
}
