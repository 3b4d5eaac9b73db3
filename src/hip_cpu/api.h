/* The functions that this library exports, and what each of them begins and ends with. */
#ifndef QJ_HIP_CPU_API_H
#define QJ_HIP_CPU_API_H

#include <cstddef>
#include <new>
#include <utility>

#include "hip/types.h"

extern "C" {
#define QJ_HIP_FUNCTION(need, ret, name, params) __attribute__((visibility("default"))) ret name params;
#include "hip/functions.def"
#undef QJ_HIP_FUNCTION
/* The files whose build-ids identify the compiler, and the archs that hiprtcCompileProgram takes. Both fill
 * at most `max` strings, which live as long as the library, and return how many there are. */
__attribute__((visibility("default"))) int qjitCompilerFiles(const char **out, int max);
__attribute__((visibility("default"))) int qjitArchs(const char **out, int max);
}

namespace hipcpu {

/* Codes of hipError_t that hip/types.h has no name for. */
enum { ERROR_MEMCPY_DIRECTION = 21, ERROR_ASSERT = 710 };

/* The error that QJIT_HIP_CPU_FAIL asks of this call of `function`, counting it; 0: none. */
int injected(const char *function);

/* Keeps the error for hipGetLastError and returns it. */
hipError_t remember(hipError_t error);

/* The body of an exported hip* function: failure injection before it, no exception out of it. */
template <class F> hipError_t call(const char *function, F &&body)
{
    try {
        if (int error = injected(function))
            return remember(error);
        return remember(std::forward<F>(body)());
    } catch (const std::bad_alloc &) {
        return remember(QJ_HIP_ERROR_OUT_OF_MEMORY);
    } catch (...) {
        return remember(QJ_HIP_ERROR_UNKNOWN);
    }
}

template <class F> hiprtcResult call_rtc(const char *function, F &&body)
{
    try {
        if (int error = injected(function))
            return error;
        return std::forward<F>(body)();
    } catch (const std::bad_alloc &) {
        return QJ_HIPRTC_ERROR_OUT_OF_MEMORY;
    } catch (...) {
        return QJ_HIPRTC_ERROR_INTERNAL;
    }
}

} // namespace hipcpu

#endif
