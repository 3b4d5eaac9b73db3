#include "compile/plan.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "compile/plan_options.h"

static const qjit_header headers[] = {{"a.h", "one"}, {"sub/b.h", "two"}};
static const char *const defines[] = {"N=4", "FAST"};
static const char *const options[] = {"-O2", "-ffast-math"};
static const char *const kernels[] = {"k", "t<float>"};

static struct qj_unit unit_of(void)
{
    return (struct qj_unit){.name = "unit",
                            .module = "app",
                            .source_name = "unit.hip",
                            .source = "source",
                            .source_bytes = 6,
                            .headers = headers,
                            .n_headers = 2,
                            .defines = defines,
                            .n_defines = 2,
                            .options = options,
                            .n_options = 2,
                            .n_kernels = 2};
}

Test(plan, options_in_their_order)
{
    static const char *const wanted[] = {"--offload-arch=gfx90a:sramecc+:xnack-",
                                         "-O3",
                                         "-std=c++17",
                                         "-O2",
                                         "-ffast-math",
                                         "-DN=4",
                                         "-DFAST"};
    struct qj_unit unit = unit_of();
    struct qj_plan plan;
    cr_assert_eq(qj_plan_init(&plan, &unit, kernels, "gfx90a:xnack-:sramecc+", "c"), QJIT_OK);
    cr_assert_str_eq(plan.arch, "gfx90a:sramecc+:xnack-");
    cr_assert_eq(plan.n_options, sizeof wanted / sizeof *wanted);
    for (size_t i = 0; i < plan.n_options; i++) {
        cr_assert_str_eq(plan.options[i], wanted[i]);
    }
    cr_assert_eq(plan.headers, headers);
    cr_assert_eq(plan.n_kernels, 2);
    qj_plan_finish(&plan);
}

static const char *key_of(const struct qj_unit *unit, const char *const *names, const char *arch,
                          const char *compiler)
{
    static char texts[64][QJ_DIGEST_HEX];
    static int n;
    struct qj_plan plan;
    cr_assert_eq(qj_plan_init(&plan, unit, names, arch, compiler), QJIT_OK, "%s", qjit_error_detail());
    char *text = texts[n++ % 64];
    qj_digest_hex(text, plan.key);
    qj_plan_finish(&plan);
    return text;
}

/* Whatever shapes the object changes the key; so does moving a byte from one ingredient to its neighbour. */
Test(plan, key_takes_in_every_ingredient)
{
    static const qjit_header renamed[] = {{"c.h", "one"}, {"sub/b.h", "two"}};
    static const qjit_header changed[] = {{"a.h", "one"}, {"sub/b.h", "twp"}};
    static const qjit_header shifted[] = {{"a.h", "onet"}, {"sub/b.h", "wo"}};
    static const char *const other_value[] = {"N=5", "FAST"};
    static const char *const other_option[] = {"-O1", "-ffast-math"};
    static const char *const other_kernel[] = {"k", "t<int>"};
    static const char *const swapped[] = {"t<float>", "k"};
    const struct qj_unit base = unit_of();
    struct qj_unit units[8];
    for (size_t i = 0; i < 8; i++) {
        units[i] = base;
    }
    units[0].source = "sourcf";
    units[1].headers = renamed;
    units[2].headers = changed;
    units[3].headers = shifted;
    units[4].n_headers = 1;
    units[5].defines = other_value;
    units[6].options = other_option;
    units[7].n_kernels = 1;
    const char *keys[16];
    size_t n = 0;
    keys[n++] = key_of(&base, kernels, "gfx1030", "c");
    for (size_t i = 0; i < 8; i++) {
        keys[n++] = key_of(&units[i], kernels, "gfx1030", "c");
    }
    keys[n++] = key_of(&base, other_kernel, "gfx1030", "c");
    keys[n++] = key_of(&base, swapped, "gfx1030", "c");
    keys[n++] = key_of(&base, kernels, "gfx1031", "c");
    keys[n++] = key_of(&base, kernels, "gfx1030:xnack-", "c");
    keys[n++] = key_of(&base, kernels, "gfx1030", "d");
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            cr_assert_str_neq(keys[i], keys[j], "%zu and %zu", i, j);
        }
    }
}

Test(plan, key_leaves_names_for_people_out)
{
    struct qj_unit unit = unit_of(), named = unit_of();
    named.name = "other";
    named.module = "quantized";
    named.source_name = "other.hip";
    cr_assert_str_eq(key_of(&unit, kernels, "gfx1030", "c"), key_of(&named, kernels, "gfx1030", "c"));
    cr_assert_str_eq(key_of(&unit, kernels, "gfx90a:xnack+:sramecc-", "c"),
                     key_of(&unit, kernels, "gfx90a:sramecc-:xnack+", "c"));
}

static void expect_refused(const struct qj_unit *unit, const char *arch, const char *words)
{
    struct qj_plan plan;
    cr_assert_eq(qj_plan_init(&plan, unit, kernels, arch, "c"), QJIT_INVALID_ARGUMENT, "%s", words);
    cr_assert(strstr(qjit_error_detail(), words), "%s", qjit_error_detail());
    cr_assert_null(plan.memory);
}

Test(plan, bad_arch)
{
    struct qj_unit unit = unit_of();
    expect_refused(&unit, "", "arch");
    expect_refused(&unit, "gfx1030 -fplugin=x", "arch");
    expect_refused(&unit, "gfx90a:xnack", "");
}

Test(plan, bad_source)
{
    struct qj_unit unit = unit_of();
    unit.source_bytes = 0;
    expect_refused(&unit, "gfx1030", "empty");
    unit.source = "so\0rce";
    unit.source_bytes = 6;
    expect_refused(&unit, "gfx1030", "NUL");
    unit.source_bytes = ((size_t)64 << 20) + 1;
    char *large = malloc(unit.source_bytes);
    memset(large, 'x', unit.source_bytes);
    unit.source = large;
    expect_refused(&unit, "gfx1030", "64 MiB");
    free(large);
}

/* hipRTC joins header names to a directory unchecked: these would write elsewhere. */
Test(plan, bad_header_names)
{
    static const char *const names[] = {"",   "/etc/passwd", "../x.h", "a/../../x.h", "a//b.h",
                                        "a/", "./a.h",       "a b.h",  "a\n.h",       "...",
                                        ".",  "a/..",        "a\\b",   "a:b",         "\xc3\xa4"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const qjit_header header = {names[i], "text"};
        struct qj_unit unit = unit_of();
        unit.headers = &header;
        unit.n_headers = 1;
        expect_refused(&unit, "gfx1030", "header name");
    }
    static const char *const good[] = {"a.h", "hip/sub-dir/b_1.hpp", "..a", ".hidden", "hiprtc_runtime.h"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const qjit_header header = {good[i], "text"};
        struct qj_unit unit = unit_of();
        unit.headers = &header;
        unit.n_headers = 1;
        (void)key_of(&unit, kernels, "gfx1030", "c");
    }
}

Test(plan, too_many_options)
{
    const char *many[QJ_PLAN_OPTIONS_MAX];
    for (size_t i = 0; i < QJ_PLAN_OPTIONS_MAX; i++) {
        many[i] = "-O1";
    }
    struct qj_unit unit = unit_of();
    unit.options = many;
    unit.n_options = QJ_PLAN_OPTIONS_MAX;
    expect_refused(&unit, "gfx1030", "61 are allowed");
    unit.n_options = QJ_PLAN_OPTIONS_MAX - 3 - 2;
    (void)key_of(&unit, kernels, "gfx1030", "c");
}

Test(plan, bad_defines)
{
    static const char *const bad[] = {"", "=1", "1A", "A B", "A-B=1", "A=1\n-fplugin=x", "A\x1b=1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct qj_unit unit = unit_of();
        unit.defines = &bad[i];
        unit.n_defines = 1;
        expect_refused(&unit, "gfx1030", "define");
    }
}

Test(plan, symbols_and_expressions)
{
    cr_assert(qj_plan_is_symbol("k") && qj_plan_is_symbol("_k9"));
    cr_assert(!qj_plan_is_symbol("") && !qj_plan_is_symbol("9k") && !qj_plan_is_symbol("t<float>") &&
              !qj_plan_is_symbol("n::k") && !qj_plan_is_symbol("&k") && !qj_plan_is_symbol("k "));
}

static const char *const reaching[] = {"",
                                       "-",
                                       "-g",
                                       "-g0",
                                       "-ggdb",
                                       "-Xclang",
                                       "-load",
                                       "-mllvm",
                                       "-help",
                                       "-include",
                                       "-Ifoo",
                                       "-I",
                                       "-o",
                                       "-oout",
                                       "-save-temps",
                                       "@file",
                                       "-fplugin=x",
                                       "-Wl,-x",
                                       "-Wa,-x",
                                       "-Wp,-MD,x",
                                       "-W",
                                       "-MD",
                                       "-MF",
                                       "-MFx",
                                       "-c",
                                       "-x",
                                       "-E",
                                       "-S",
                                       "-v",
                                       "-O4",
                                       "-O3x",
                                       "-O",
                                       "-std=",
                                       "-std=a/b",
                                       "-fno-",
                                       "-f",
                                       "-mcpu=gfx1030",
                                       "-D",
                                       "-U",
                                       "-DA B",
                                       "-D=1",
                                       "-UA=1",
                                       "--offload-arch=gfx1030",
                                       "--gpu-architecture=gfx1030",
                                       "-fgpu-rdc",
                                       "-ferror-limit=",
                                       "-ferror-limit=1x",
                                       "-ferror-limit=99999999999",
                                       "--gpu-max-threads-per-block=",
                                       "-ffast-math -g",
                                       "-DA=1\n-g",
                                       " -O3",
                                       "-fprofile-generate",
                                       "-ftime-trace",
                                       "-fmodules",
                                       "-fno-fno-fast-math",
                                       "source.hip",
                                       "-nogpulibx",
                                       "-mcode-object-version=none",
                                       "-fsanitize=address",
                                       "-B/tmp"};

Test(plan, options_that_reach_past_the_code)
{
    for (size_t i = 0; i < sizeof reaching / sizeof *reaching; i++) {
        cr_assert(!qj_plan_option_allowed(reaching[i]), "'%s'", reaching[i]);
        cr_assert(strlen(qj_plan_option_reason(reaching[i])) > 5);
        struct qj_unit unit = unit_of();
        unit.options = &reaching[i];
        unit.n_options = 1;
        expect_refused(&unit, "gfx1030", qj_plan_option_reason(reaching[i]));
    }
}

/* docs/options.md tells the truth: what it lists as allowed is, what it lists as refused is. */
Test(plan, options_as_documented)
{
    struct qj_buf text = {0};
    char *path = qj_fs_join(getenv("QJIT_SOURCE"), "docs/options.md");
    cr_assert_eq(qj_fs_read(&text, path, 1 << 20), 0, "%s", path);
    const char *refused = strstr(text.bytes, "\n## Refused");
    cr_assert_not_null(refused);
    int n_allowed = 0, n_refused = 0;
    for (const char *at = text.bytes; (at = strstr(at, "`-")); at++) {
        size_t n = strcspn(at + 1, "`");
        char option[128];
        (void)snprintf(option, sizeof option, "%.*s", (int)n, at + 1);
        bool expected = at < refused;
        cr_assert_eq(qj_plan_option_allowed(option), expected, "'%s'", option);
        *(expected ? &n_allowed : &n_refused) += 1;
        at += n + 1;
    }
    cr_assert(n_allowed > 40 && n_refused > 15, "%d, %d", n_allowed, n_refused);
    free(path);
    qj_buf_finish(&text);
}
