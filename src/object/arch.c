#include "object/arch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

enum { FEATURES_MAX = 8 };

struct feature {
    const char *name;
    size_t n; /* with the sign */
};

static bool is_name(const char *text, size_t n, const char *more)
{
    for (size_t i = 0; i < n; i++) {
        bool letter = (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z');
        if (!letter && !(text[i] >= '0' && text[i] <= '9') && !strchr(more, text[i])) {
            return false;
        }
    }
    return n > 0;
}

/* The order of the names without sign, where a prefix comes first. */
static int compare(const struct feature *a, const struct feature *b)
{
    size_t na = a->n - 1, nb = b->n - 1;
    int order = memcmp(a->name, b->name, na < nb ? na : nb);
    return order ? order : (na > nb) - (na < nb);
}

/* Puts the feature in its place among the n sorted ones. False if it is there already. */
static bool insert(struct feature *features, size_t n, struct feature feature)
{
    size_t i = n;
    for (; i > 0 && compare(&feature, &features[i - 1]) <= 0; i--) {
        if (compare(&feature, &features[i - 1]) == 0) {
            return false;
        }
        features[i] = features[i - 1];
    }
    features[i] = feature;
    return true;
}

qjit_status qj_arch_canonical(char out[static QJ_ARCH_MAX], const char *arch)
{
    size_t n = strcspn(arch, ":");
    if (strlen(arch) >= QJ_ARCH_MAX || !is_name(arch, n, "-_.")) {
        return qj_fail(QJIT_INVALID_ARGUMENT,
                       "'%.100s' is no arch: expected one like gfx1030 or gfx90a:xnack-", arch);
    }
    struct feature features[FEATURES_MAX];
    size_t n_features = 0;
    for (const char *rest = arch + n; *rest == ':';) {
        struct feature feature = {rest + 1, strcspn(rest + 1, ":")};
        rest += 1 + feature.n;
        char sign = rest[-1];
        if (feature.n < 2 || (sign != '+' && sign != '-') || !is_name(feature.name, feature.n - 1, "-_")) {
            return qj_fail(QJIT_INVALID_ARGUMENT,
                           "arch '%.100s' has the feature '%.*s': expected one like xnack+", arch,
                           (int)feature.n, feature.name);
        }
        if (n_features == FEATURES_MAX || !insert(features, n_features++, feature)) {
            return qj_fail(QJIT_INVALID_ARGUMENT, "arch '%.100s' names a feature twice, or too many", arch);
        }
    }
    int used = snprintf(out, QJ_ARCH_MAX, "%.*s", (int)n, arch);
    for (size_t i = 0; i < n_features; i++) {
        used +=
            snprintf(out + used, (size_t)(QJ_ARCH_MAX - used), ":%.*s", (int)features[i].n, features[i].name);
    }
    return QJIT_OK;
}

bool qj_arch_matches(const char *arch, const char *pattern)
{
    size_t n = strlen(pattern);
    return strncmp(arch, pattern, n) == 0 && (arch[n] == '\0' || (arch[n] == ':' && !strchr(pattern, ':')));
}

/* The features that `arch` names are among those of `device`. Both point behind the processor. */
static bool has_features(const char *device, const char *arch)
{
    while (*arch == ':') {
        size_t n = 1 + strcspn(arch + 1, ":");
        const char *at = device;
        while (strncmp(at, arch, n) != 0 || (at[n] && at[n] != ':')) {
            at = *at ? strchr(at + 1, ':') : NULL;
            if (!at) {
                return false;
            }
        }
        arch += n;
    }
    return true;
}

bool qj_arch_serves(const char *object, const char *device)
{
    char generic[QJ_ARCH_MAX];
    size_t n = strcspn(object, ":");
    if (n != strcspn(device, ":") || strncmp(object, device, n) != 0) {
        return qj_arch_generic(generic, device) && qj_arch_serves(object, generic);
    }
    return has_features(device + n, object + n);
}

/* Processors from first to last by the number after "gfx", read as hexadecimal, where `last` bounds what the
 * family may still bring. */
static const struct {
    unsigned long first, last;
    const char *name, *features; /* it has; the others of a processor's features are dropped */
} families[] = {
    {0x900, 0x907, "gfx9-generic", "xnack"},      {0x909, 0x909, "gfx9-generic", "xnack"},
    {0x90c, 0x90c, "gfx9-generic", "xnack"},      {0x940, 0x95f, "gfx9-4-generic", "sramecc xnack"},
    {0x1010, 0x101f, "gfx10-1-generic", "xnack"}, {0x1030, 0x103f, "gfx10-3-generic", ""},
    {0x1100, 0x115f, "gfx11-generic", ""},        {0x1170, 0x117f, "gfx11-7-generic", ""},
    {0x1200, 0x120f, "gfx12-generic", ""},        {0x1250, 0x125f, "gfx12-5-generic", ""},
};

static void append_features(char *out, size_t n, const char *arch, const char *features)
{
    size_t used = strlen(out);
    for (const char *at = strchr(arch, ':'); at; at = strchr(at + 1, ':')) {
        size_t length = strcspn(at + 1, ":");
        char name[QJ_ARCH_MAX];
        (void)snprintf(name, sizeof name, "%.*s", (int)(length - 1), at + 1); /* without the sign */
        if (strstr(features, name)) {
            used += (size_t)snprintf(out + used, n - used, ":%.*s", (int)length, at + 1);
        }
    }
}

bool qj_arch_generic(char out[static QJ_ARCH_MAX], const char *arch)
{
    char *end;
    unsigned long number = strncmp(arch, "gfx", 3) == 0 ? strtoul(arch + 3, &end, 16) : 0;
    if (!number || (*end != '\0' && *end != ':')) {
        return false;
    }
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (number >= families[i].first && number <= families[i].last) {
            (void)snprintf(out, QJ_ARCH_MAX, "%s", families[i].name);
            append_features(out, QJ_ARCH_MAX, arch, families[i].features);
            return true;
        }
    }
    return false;
}
