#include "compile/comgr.h"

#include <dlfcn.h>
#include <string.h>

#include "base/status.h"

static const char target[] = "amdgcn-amd-amdhsa--";

/* dlsym gives an object pointer where a function pointer is meant; POSIX says they convert, C does not. */
static bool get(void *library, void *out_function, const char *name)
{
    void *symbol = dlsym(library, name);
    memcpy(out_function, &symbol, sizeof symbol);
    return symbol != NULL;
}

qjit_status qj_comgr_open(struct qj_comgr *out, const char *path)
{
    void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    if (!library) {
        const char *why = dlerror();
        return qj_fail(QJIT_COMPILER_NOT_FOUND, "library '%s' of the run-time compiler cannot be loaded: %s",
                       path, why ? why : "unknown reason");
    }
    *out = (struct qj_comgr){.library = library};
    if (!get(library, &out->create_action_info, "amd_comgr_create_action_info") ||
        !get(library, &out->destroy_action_info, "amd_comgr_destroy_action_info") ||
        !get(library, &out->action_info_set_isa_name, "amd_comgr_action_info_set_isa_name") ||
        !get(library, &out->get_isa_count, "amd_comgr_get_isa_count") ||
        !get(library, &out->get_isa_name, "amd_comgr_get_isa_name")) {
        return qj_fail(QJIT_HIP_UNUSABLE,
                       "library '%s' lacks a function of amd_comgr; reinstall ROCm's comgr", path);
    }
    return QJIT_OK;
}

bool qj_comgr_knows(const struct qj_comgr *comgr, const char *arch)
{
    struct qj_buf name = {0};
    struct qj_comgr_handle info;
    bool knows = false;
    qj_buf_printf(&name, "%s%s", target, arch);
    if (!name.failed && comgr->create_action_info(&info) == 0) {
        knows = comgr->action_info_set_isa_name(info, name.bytes) == 0;
        (void)comgr->destroy_action_info(info);
    }
    qj_buf_finish(&name);
    return knows;
}

void qj_comgr_archs(const struct qj_comgr *comgr, struct qj_buf *out, const char *separator)
{
    size_t n = 0, start = out->size;
    (void)comgr->get_isa_count(&n);
    for (size_t i = 0; i < n; i++) {
        const char *name;
        if (comgr->get_isa_name(i, &name) == 0 && strncmp(name, target, sizeof target - 1) == 0) {
            qj_buf_puts(out, out->size > start ? separator : "");
            qj_buf_puts(out, name + sizeof target - 1);
        }
    }
}
