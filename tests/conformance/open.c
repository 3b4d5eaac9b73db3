/* Opening the library under test. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "conformance.h"

/* Fills the table; returns the number of required functions that are missing, which it names. */
static int load_table(struct conf *c, void *runtime, void *rtc)
{
    int n_missing = 0;
    const char need_optional[] = "OPTIONAL", need_rtc[] = "RTC";
#define QJ_HIP_FUNCTION(need, ret, name, params)                                                             \
    {                                                                                                        \
        void *symbol = dlsym(strcmp(#need, need_rtc) == 0 ? rtc : runtime, #name);                           \
        memcpy(&c->hip.name, &symbol, sizeof symbol);                                                        \
        if (symbol == NULL && strcmp(#need, need_optional) != 0) {                                           \
            fprintf(stderr, "it does not export " #name "\n");                                               \
            n_missing++;                                                                                     \
        }                                                                                                    \
    }
#include "hip/functions.def"
#undef QJ_HIP_FUNCTION
    return n_missing;
}

/* gcnArchName is where the layout that the function fills has it: 396 of the one before HIP 6, 1160 since. */
static void read_arch(struct conf *c)
{
    static char properties[8192];
    size_t at = c->hip.hipGetDevicePropertiesR0600 != NULL ? 1160 : 396;
    hipError_t error = c->hip.hipGetDevicePropertiesR0600 != NULL
                           ? c->hip.hipGetDevicePropertiesR0600(properties, 0)
                           : c->hip.hipGetDeviceProperties(properties, 0);
    if (error == 0) {
        snprintf(c->arch, sizeof c->arch, "%s", properties + at);
    }
}

/* Libraries of our own say which archs they compile for: the first that is not the device's. */
static void choose_other_arch(struct conf *c, void *rtc)
{
    int (*archs)(const char **, int) = NULL;
    void *symbol = dlsym(rtc, "qjitArchs");
    memcpy(&archs, &symbol, sizeof symbol);
    const char *names[64];
    int n = archs == NULL ? 0 : archs(names, 64);
    for (int i = 0; i < n && i < 64 && c->other_arch[0] == '\0'; i++) {
        if (strncmp(names[i], c->arch, strlen(names[i])) != 0) {
            snprintf(c->other_arch, sizeof c->other_arch, "%s", names[i]);
        }
    }
}

bool conf_open(struct conf *c, const char *library, const char *rtc_library, const char *arch,
               const char *other_arch)
{
    void *runtime = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    void *rtc = runtime;
    if (runtime != NULL && rtc_library != NULL) {
        rtc = dlopen(rtc_library, RTLD_NOW | RTLD_LOCAL);
    }
    if (runtime == NULL || rtc == NULL) {
        fprintf(stderr, "cannot load '%s': %s\n", runtime == NULL ? library : rtc_library, dlerror());
        return false;
    }
    if (load_table(c, runtime, rtc) > 0) {
        return false;
    }
    if (c->hip.hipGetDeviceCount(&c->n_devices) != 0) {
        c->n_devices = 0;
    }
    if (arch != NULL) {
        snprintf(c->arch, sizeof c->arch, "%s", arch);
    } else if (c->n_devices > 0) {
        read_arch(c);
    }
    if (other_arch != NULL) {
        snprintf(c->other_arch, sizeof c->other_arch, "%s", other_arch);
    } else {
        choose_other_arch(c, rtc);
    }
    return true;
}
