#include <criterion/criterion.h>
#include <string.h>

#include "object/arch.h"

static void expect(const char *arch, const char *canonical)
{
    char out[QJ_ARCH_MAX];
    cr_assert_eq(qj_arch_canonical(out, arch), QJIT_OK, "%s: %s", arch, qjit_error_detail());
    cr_assert_str_eq(out, canonical);
}

Test(arch, is_made_canonical)
{
    expect("gfx1030", "gfx1030");
    expect("gfx90a:xnack-:sramecc+", "gfx90a:sramecc+:xnack-");
    expect("gfx90a:sramecc+:xnack-", "gfx90a:sramecc+:xnack-");
    expect("gfx906:xnack+", "gfx906:xnack+");
    expect("gfx10-3-generic", "gfx10-3-generic");
    expect("cpu-x86_64-w32", "cpu-x86_64-w32");
    expect("sm_90", "sm_90");
}

Test(arch, that_cannot_be_one_is_refused)
{
    static const char *const bad[] = {"",
                                      ":",
                                      "gfx1030:",
                                      "gfx90a:xnack",
                                      "gfx90a:+",
                                      "gfx90a::xnack+",
                                      "gfx 1030",
                                      "gfx1030/../x",
                                      "gfx1030\n",
                                      "gfx90a:xnack+:xnack-",
                                      "gfx90a:xnack+:xnack+",
                                      "gfx90a:xn ack+"};
    char out[QJ_ARCH_MAX];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_assert_eq(qj_arch_canonical(out, bad[i]), QJIT_INVALID_ARGUMENT, "'%s'", bad[i]);
        cr_assert(strlen(qjit_error_detail()) > 0);
    }
    char longest[QJ_ARCH_MAX + 1];
    memset(longest, 'a', sizeof longest);
    longest[QJ_ARCH_MAX] = '\0';
    cr_assert_eq(qj_arch_canonical(out, longest), QJIT_INVALID_ARGUMENT);
    longest[QJ_ARCH_MAX - 1] = '\0';
    cr_assert_eq(qj_arch_canonical(out, longest), QJIT_OK);
    cr_assert_str_eq(out, longest);
    cr_assert_eq(qj_arch_canonical(out, "g:a+:b+:c+:d+:e+:f+:g+:h+:i+"), QJIT_INVALID_ARGUMENT);
}

Test(arch, matches_by_name_or_processor)
{
    cr_assert(qj_arch_matches("gfx90a:xnack-", "gfx90a"));
    cr_assert(qj_arch_matches("gfx90a:xnack-", "gfx90a:xnack-"));
    cr_assert(qj_arch_matches("gfx90a", "gfx90a"));
    cr_assert_not(qj_arch_matches("gfx90a", "gfx90"));
    cr_assert_not(qj_arch_matches("gfx90a", "gfx90a:xnack-"));
    cr_assert_not(qj_arch_matches("gfx90a:sramecc+:xnack-", "gfx90a:sramecc+"));
    cr_assert_not(qj_arch_matches("gfx1030", "gfx103"));
}
