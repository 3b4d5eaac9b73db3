/* A libFuzzer target: any bytes are a code object or are refused. The whole reader and the quick check before
 * loading see the same bytes; what the first takes for its own arch, the second must not refuse. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "object/code_object.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void need(int holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct qj_code_object object;
    static const char *const archs[] = {"gfx1030", "gfx90a:sramecc+:xnack-", "gfx11-generic", "cpu-x86-64"};
    uint8_t *exact = malloc(n ? n : 1); /* a block of its own, so that a byte too far is seen */
    need(exact != NULL);
    memcpy(exact, bytes, n);
    for (size_t i = 0; i < sizeof archs / sizeof *archs; i++) {
        qjit_status status = qj_code_object_check(exact, n, archs[i]);
        need(status == QJIT_OK || status == QJIT_OBJECT_REFUSED);
    }
    qjit_status status = qj_code_object_init(&object, exact, n);
    need(status == QJIT_OK || (status == QJIT_OBJECT_REFUSED && *qjit_error_detail()));
    if (status == QJIT_OK) {
        for (size_t i = 0; i < object.n_kernels; i++) {
            need(strlen(object.kernels[i].name) < n);
            need(qj_code_object_has(&object, object.kernels[i].name));
            for (uint32_t arg = 0; arg < object.kernels[i].n_args && arg < 1000; arg++) {
                need(qj_code_object_arg_bytes(&object, i, arg) < UINT32_MAX || n > 0);
            }
        }
        need(qj_code_object_check(exact, n, object.arch) == QJIT_OK);
        qj_code_object_finish(&object);
    }
    free(exact);
    return 0;
}
