/* A recording function for each line of functions.def. Weak: a function of the same name in fake_hip.c wins.
 * Without FAKE_HIP_RTC hipRTC's are left out. */
#include "fake.h"

#define RUNTIME(ret, name, params)  RECORD(ret, name, params)
#define OPTIONAL(ret, name, params) RECORD(ret, name, params)
#ifdef FAKE_HIP_RTC
#define RTC(ret, name, params) RECORD(ret, name, params)
#else
#define RTC(ret, name, params)
#endif
#define RECORD(ret, name, params)                                                                            \
    __attribute__((weak)) ret name params                                                                    \
    {                                                                                                        \
        return (ret)(size_t)fake_call(#name, "%s", "");                                                      \
    }

#define QJ_HIP_FUNCTION(need, ret, name, params) need(ret, name, params)
#include "hip/functions.def"
