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

Test(arch, of_code_and_device_by_the_rules_of_target_ids)
{
    cr_assert(qj_arch_serves("gfx1030", "gfx1030"));
    cr_assert(qj_arch_serves("gfx90a", "gfx90a:sramecc+:xnack-"));
    cr_assert(qj_arch_serves("gfx90a:xnack-", "gfx90a:sramecc+:xnack-"));
    cr_assert(qj_arch_serves("gfx90a:sramecc+", "gfx90a:sramecc+:xnack-"));
    cr_assert(qj_arch_serves("gfx90a:sramecc+:xnack-", "gfx90a:sramecc+:xnack-"));
    cr_assert(qj_arch_serves("cpu-x86_64-w32", "cpu-x86_64-w32"));
    cr_assert_not(qj_arch_serves("gfx90a:xnack+", "gfx90a:sramecc+:xnack-"));
    cr_assert_not(qj_arch_serves("gfx90a:sramecc+:xnack+", "gfx90a:sramecc+:xnack-"));
    cr_assert_not(qj_arch_serves("gfx90a:xnack-", "gfx90a"));
    cr_assert_not(qj_arch_serves("gfx90a:xnack-", "gfx90a:sramecc+"));
    cr_assert_not(qj_arch_serves("gfx90", "gfx90a"));
    cr_assert_not(qj_arch_serves("gfx90a", "gfx90"));
    cr_assert_not(qj_arch_serves("gfx1030", "gfx1031"));
}

Test(arch, of_generic_code_is_that_of_its_family)
{
    cr_assert(qj_arch_serves("gfx11-generic", "gfx1101"));
    cr_assert(qj_arch_serves("gfx9-generic", "gfx906:sramecc+:xnack-"));
    cr_assert(qj_arch_serves("gfx9-4-generic:xnack-", "gfx942:sramecc+:xnack-"));
    cr_assert_not(qj_arch_serves("gfx9-4-generic:xnack+", "gfx942:sramecc+:xnack-"));
    cr_assert_not(qj_arch_serves("gfx11-generic", "gfx1030"));
    cr_assert_not(qj_arch_serves("gfx11-generic", "gfx12-generic"));
    cr_assert_not(qj_arch_serves("gfx1101", "gfx11-generic"));
}

static void expect_generic(const char *arch, const char *generic)
{
    char out[QJ_ARCH_MAX] = "";
    cr_assert_eq(qj_arch_generic(out, arch), generic != NULL, "%s", arch);
    if (generic) {
        cr_assert_str_eq(out, generic, "%s: %s", arch, out);
    }
}

Test(arch, has_a_generic_target)
{
    expect_generic("gfx900", "gfx9-generic");
    expect_generic("gfx906:sramecc+:xnack-", "gfx9-generic:xnack-"); /* which has no sramecc */
    expect_generic("gfx90c:xnack+", "gfx9-generic:xnack+");
    expect_generic("gfx942:sramecc+:xnack-", "gfx9-4-generic:sramecc+:xnack-");
    expect_generic("gfx1012:xnack-", "gfx10-1-generic:xnack-");
    expect_generic("gfx1036", "gfx10-3-generic");
    expect_generic("gfx1103", "gfx11-generic");
    expect_generic("gfx1154", "gfx11-generic");
    expect_generic("gfx1201", "gfx12-generic");
    expect_generic("gfx1250", "gfx12-5-generic");
}

Test(arch, has_no_generic_target)
{
    static const char *const none[] = {"gfx803",        "gfx908",         "gfx90a:xnack-", "gfx1310",
                                       "gfx11-generic", "gfx9-4-generic", "gfx",           "cpu-x86_64-w32",
                                       "sm_90",         "gfx9999"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        expect_generic(none[i], NULL);
    }
}
