/* The types of ggml by number and by name. */
#include <strings.h>

#include <qjit/gguf.h>

#include "base/status.h"

static const qjit_ggml_type_info types[QJIT_GGML_TYPE_END] = {
#define ROW(name, number, elements, bytes) [number] = {#name, QJIT_GGML_##name, elements, bytes},
    QJIT_GGML_TYPE_MAP(ROW)
#undef ROW
};

/* Numbers that once were types; files that have them are from 2023 and 2024. */
static const char *const removed[QJIT_GGML_TYPE_END] = {
    [4] = "Q4_2",      [5] = "Q4_3",        [31] = "Q4_0_4_4",   [32] = "Q4_0_4_8",
    [33] = "Q4_0_8_8", [36] = "IQ4_NL_4_4", [37] = "IQ4_NL_4_8", [38] = "IQ4_NL_8_8",
};

qjit_status qjit_get_ggml_type(const qjit_ggml_type_info **out, uint32_t type)
{
    if (type < QJIT_GGML_TYPE_END && removed[type]) {
        return qj_fail(QJIT_NOT_FOUND, "type %u, '%s', is no longer part of ggml: quantise the model again",
                       type, removed[type]);
    }
    if (type >= QJIT_GGML_TYPE_END || !types[type].name) {
        return qj_fail(QJIT_NOT_FOUND, "type %u is unknown: it is damaged, or newer than this qjit (%s)",
                       type, QJIT_VERSION_STRING);
    }
    *out = &types[type];
    return QJIT_OK;
}

qjit_status qjit_find_ggml_type(const qjit_ggml_type_info **out, const char *name)
{
    for (uint32_t i = 0; i < QJIT_GGML_TYPE_END; i++) {
        if (types[i].name && strcasecmp(types[i].name, name) == 0) {
            *out = &types[i];
            return QJIT_OK;
        }
    }
    return qj_fail(QJIT_NOT_FOUND, "there is no ggml type '%s'", name);
}
