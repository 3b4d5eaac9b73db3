/* What the two halves of the fake share. */
#ifndef FAKE_HIP_FAKE_H
#define FAKE_HIP_FAKE_H

#include "hip/types.h"

/* Every function of functions.def, exported. */
#define QJ_HIP_FUNCTION(need, ret, name, params) ret name params;
#include "hip/functions.def"
#undef QJ_HIP_FUNCTION

/* Records the call and says how it ends: 0, or the error that $FAKE_HIP_FAIL wants. `format` words the
 * arguments. */
__attribute__((format(printf, 2, 3))) int fake_call(const char *name, const char *format, ...);

/* How often `name` was called in this process. */
int fakeHipCalls(const char *name);

#endif
