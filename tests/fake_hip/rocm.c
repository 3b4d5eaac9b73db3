/* Stands for the other libraries of a ROCm, which are only looked for and looked at: hipRTC, comgr, LLVM,
 * clang. What a library is comes from how it is named and linked. */
#include "fake.h"

int fakeRocm(void);

int fakeRocm(void)
{
    return FAKE_ROCM;
}
