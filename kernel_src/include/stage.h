// Copies from global memory to LDS that go on while threads compute and hold no registers, where the arch has
// them.
#pragma once

#include "dialect.h"

#if defined(__HIP_PLATFORM_NVIDIA__) && defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
#define QJ_HAS_ASYNC_COPY

enum { STAGE_GRANULE = 16 };

// Copies n_bytes (1 to 16) and sets the rest of 16 to zero; both addresses are aligned to 16.
QJ_DEVICE void copy_granule(void *to, const void *from, unsigned n_bytes)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :
                 : "r"((unsigned)__cvta_generic_to_shared(to)), "l"(from), "r"(n_bytes)
                 : "memory");
}

// Copies 16. IS_SHARED: other blocks of threads read the same, so it is worth keeping near.
template <bool IS_SHARED> QJ_DEVICE void copy_granule(void *to, const void *from)
{
    const unsigned address = (unsigned)__cvta_generic_to_shared(to);
    if (IS_SHARED)
        asm volatile("cp.async.ca.shared.global [%0], [%1], 16;" : : "r"(address), "l"(from) : "memory");
    else
        asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;"
                     :
                     : "r"(address), "l"(from)
                     : "memory");
}

// The same to an address of LDS, if `is_wanted`, without a branch.
template <bool IS_SHARED> QJ_DEVICE void copy_granule_if(bool is_wanted, unsigned to, const void *from)
{
    if (IS_SHARED)
        asm volatile("{.reg .pred p; setp.ne.u32 p, %2, 0; @p cp.async.ca.shared.global [%0], [%1], 16;}"
                     :
                     : "r"(to), "l"(from), "r"((unsigned)is_wanted)
                     : "memory");
    else
        asm volatile(
            "{.reg .pred p; setp.ne.u32 p, %2, 0; @p cp.async.cg.shared.global.L2::128B [%0], [%1], 16;}"
            :
            : "r"(to), "l"(from), "r"((unsigned)is_wanted)
            : "memory");
}

// The same number, but the compiler does not know, and keeps it instead of finding it anew.
QJ_DEVICE void keep(unsigned &number)
{
    asm volatile("" : "+r"(number));
}
QJ_DEVICE void keep(const uint8_t *&pointer)
{
    asm volatile("" : "+l"(pointer));
}

// The copies that this thread started since the last call are a group, be there any or not.
QJ_DEVICE void close_copies()
{
    asm volatile("cp.async.commit_group;" : : : "memory");
}

// Waits for all of this thread's groups but the last N.
template <int N> QJ_DEVICE void await_copies()
{
    asm volatile("cp.async.wait_group %0;" : : "n"(N) : "memory");
}
#endif
