#include "object/arch.h"

#include <stdio.h>
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
