#include "object/mach.h"

#include <stddef.h>
#include <string.h>

#include "base/status.h"

/* EF_AMDGPU_MACH, by value: "User Guide for AMDGPU Backend", table of AMDGPU EF_AMDGPU_MACH values. */
static const char *const processors[0x100] = {
    [0x20] = "gfx600",          [0x21] = "gfx601",          [0x22] = "gfx700",        [0x23] = "gfx701",
    [0x24] = "gfx702",          [0x25] = "gfx703",          [0x26] = "gfx704",        [0x28] = "gfx801",
    [0x29] = "gfx802",          [0x2a] = "gfx803",          [0x2b] = "gfx810",        [0x2c] = "gfx900",
    [0x2d] = "gfx902",          [0x2e] = "gfx904",          [0x2f] = "gfx906",        [0x30] = "gfx908",
    [0x31] = "gfx909",          [0x32] = "gfx90c",          [0x33] = "gfx1010",       [0x34] = "gfx1011",
    [0x35] = "gfx1012",         [0x36] = "gfx1030",         [0x37] = "gfx1031",       [0x38] = "gfx1032",
    [0x39] = "gfx1033",         [0x3a] = "gfx602",          [0x3b] = "gfx705",        [0x3c] = "gfx805",
    [0x3d] = "gfx1035",         [0x3e] = "gfx1034",         [0x3f] = "gfx90a",        [0x40] = "gfx940",
    [0x41] = "gfx1100",         [0x42] = "gfx1013",         [0x43] = "gfx1150",       [0x44] = "gfx1103",
    [0x45] = "gfx1036",         [0x46] = "gfx1101",         [0x47] = "gfx1102",       [0x48] = "gfx1200",
    [0x49] = "gfx1250",         [0x4a] = "gfx1151",         [0x4b] = "gfx941",        [0x4c] = "gfx942",
    [0x4e] = "gfx1201",         [0x4f] = "gfx950",          [0x50] = "gfx1310",       [0x51] = "gfx9-generic",
    [0x52] = "gfx10-1-generic", [0x53] = "gfx10-3-generic", [0x54] = "gfx11-generic", [0x55] = "gfx1152",
    [0x57] = "gfx1154",         [0x58] = "gfx1153",         [0x59] = "gfx12-generic", [0x5a] = "gfx1251",
    [0x5b] = "gfx12-5-generic", [0x5c] = "gfx1172",         [0x5d] = "gfx1170",       [0x5e] = "gfx1171",
    [0x5f] = "gfx9-4-generic",
};

/* Two bits a feature, from V4 on. */
enum setting { UNSUPPORTED, ANY, OFF, ON };
static const struct {
    const char *name;
    unsigned shift;
} features[] = {{"xnack", 8}, {"sramecc", 10}};
static const char *const settings[] = {"unsupported", "any", "off", "on"};

static qjit_status check_processor(uint32_t e_flags, const char *arch, size_t n)
{
    const char *has = processors[e_flags & 0xff];
    if (has) {
        return strlen(has) == n && memcmp(has, arch, n) == 0
                   ? QJIT_OK
                   : qj_fail(QJIT_OBJECT_REFUSED, "code object is for %s, not for '%s'", has, arch);
    }
    for (size_t i = 0; i < sizeof processors / sizeof *processors; i++) {
        if (processors[i] && strlen(processors[i]) == n && memcmp(processors[i], arch, n) == 0) {
            return qj_fail(QJIT_OBJECT_REFUSED, "code object is for machine 0x%02x, not for '%s'",
                           e_flags & 0xff, arch);
        }
    }
    return QJIT_OK;
}

/* What `arch` says of a feature: ON, OFF, or ANY where it does not name it. */
static enum setting wanted(const char *arch, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = arch; (at = strchr(at, ':'));) {
        at++;
        if (strncmp(at, name, n) == 0 && (at[n] == '+' || at[n] == '-')) {
            return at[n] == '+' ? ON : OFF;
        }
    }
    return ANY;
}

qjit_status qj_mach_check(uint32_t e_flags, const char *arch)
{
    qjit_status status = check_processor(e_flags, arch, strcspn(arch, ":"));
    for (size_t i = 0; status == QJIT_OK && i < sizeof features / sizeof *features; i++) {
        enum setting want = wanted(arch, features[i].name);
        enum setting has = (enum setting)(e_flags >> features[i].shift & 3);
        if (has != want && !(want == ANY && has == UNSUPPORTED)) {
            status = qj_fail(QJIT_OBJECT_REFUSED, "code object has %s %s, not as '%s' asks", features[i].name,
                             settings[has], arch);
        }
    }
    return status;
}
