#include "base/sized.h"

#include <string.h>

#include "base/status.h"

static size_t struct_size(const void *sized)
{
    size_t n;
    memcpy(&n, sized, sizeof n);
    return n;
}

static qjit_status check(size_t size, const char *name)
{
    if (size < sizeof(size_t) || size > 4096) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "struct_size of '%s' is %zu: set it to sizeof(%s)", name, size,
                       name);
    }
    return QJIT_OK;
}

qjit_status qj_sized_read(void *out, size_t known, const void *in, const char *name)
{
    size_t size = struct_size(in);
    qjit_status status = check(size, name);
    if (status != QJIT_OK) {
        return status;
    }
    for (size_t i = known; i < size; i++) {
        if (((const unsigned char *)in)[i]) {
            return qj_fail(
                QJIT_INVALID_ARGUMENT,
                "'%s' uses a member that qjit %s does not have: the program was built for a newer one", name,
                QJIT_VERSION_STRING);
        }
    }
    memset(out, 0, known);
    memcpy(out, in, size < known ? size : known);
    return QJIT_OK;
}

qjit_status qj_sized_write(void *out, const void *in, size_t known, const char *name)
{
    size_t size = struct_size(out);
    qjit_status status = check(size, name);
    if (status == QJIT_OK) {
        size_t n = size < known ? size : known;
        memcpy((char *)out + sizeof size, (const char *)in + sizeof size, n - sizeof size);
    }
    return status;
}
