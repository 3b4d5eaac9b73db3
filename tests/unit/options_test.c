#include "options.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct qj_options options;

static qjit_status init(const qjit_options *given)
{
    qj_options_finish(&options);
    return qj_options_init(&options, given);
}

static void clean(void)
{
    static const char *const names[] = {
        "QJIT_CACHE_DIR",      "QJIT_CACHE_MAX_SIZE", "QJIT_HIP",     "QJIT_WORKER", "QJIT_JOBS",
        "QJIT_FORBID_COMPILE", "QJIT_GENERIC_ARCH",   "QJIT_SHIPPED", "QJIT_TRUST",  "XDG_CACHE_HOME"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        unsetenv(names[i]);
    }
    setenv("HOME", "/home/someone", 1);
}

static void finish(void)
{
    qj_options_finish(&options);
}

TestSuite(options, .init = clean, .fini = finish);

Test(options, defaults)
{
    cr_assert_eq(init(NULL), QJIT_OK);
    cr_assert_str_eq(options.hip, "rocm");
    cr_assert_str_eq(options.cache_dir, "/home/someone/.cache/qjit");
    cr_assert_eq(options.cache_max_bytes, 1u << 30);
    cr_assert_eq(options.n_jobs, (uint32_t)sysconf(_SC_NPROCESSORS_ONLN));
    cr_assert_eq(options.compile_timeout_ms, 120000);
}

Test(options, the_environment_is_read)
{
    setenv("QJIT_CACHE_DIR", "/cache", 1);
    setenv("QJIT_CACHE_MAX_SIZE", "500M", 1);
    setenv("QJIT_HIP", "cpu", 1);
    setenv("QJIT_WORKER", "/worker", 1);
    setenv("QJIT_JOBS", "3", 1);
    setenv("QJIT_FORBID_COMPILE", "1", 1);
    cr_assert_eq(init(NULL), QJIT_OK);
    cr_assert_str_eq(options.cache_dir, "/cache");
    cr_assert_eq(options.cache_max_bytes, 500ull << 20);
    cr_assert_str_eq(options.hip, "cpu");
    cr_assert_str_eq(options.worker, "/worker");
    cr_assert_eq(options.n_jobs, 3);
    cr_assert(options.flags & QJIT_FORBID_COMPILE);
    cr_assert_not(options.flags & QJIT_GENERIC_ARCH);
    setenv("QJIT_GENERIC_ARCH", "1", 1);
    cr_assert_eq(init(NULL), QJIT_OK);
    cr_assert(options.flags & QJIT_GENERIC_ARCH);
}

#define KEY_A "qjit-public-00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define KEY_B "qjit-public-ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

Test(options, shipped_stores_and_the_keys_that_sign_them)
{
    cr_assert_eq(init(NULL), QJIT_OK);
    cr_assert_null(options.shipped);
    cr_assert_eq(options.trust.n_keys, 0);
    setenv("QJIT_SHIPPED", "/usr/share/a:/usr/share/b", 1);
    setenv("QJIT_TRUST", KEY_A ":" KEY_B, 1);
    cr_assert_eq(init(NULL), QJIT_OK);
    cr_assert_str_eq(options.shipped, "/usr/share/a:/usr/share/b");
    cr_assert_eq(options.trust.n_keys, 2);
    cr_assert_eq(options.trust.keys[1].bytes[0], 0xff);
    qjit_options given = QJIT_OPTIONS_INIT;
    given.shipped = "mine";
    given.trust = KEY_B;
    cr_assert_eq(init(&given), QJIT_OK);
    cr_assert_str_eq(options.shipped, "mine");
    cr_assert_eq(options.trust.n_keys, 1);
    given = (qjit_options)QJIT_OPTIONS_INIT;
    given.flags = QJIT_IGNORE_ENV;
    cr_assert_eq(init(&given), QJIT_OK);
    cr_assert_null(options.shipped);
    cr_assert_eq(options.trust.n_keys, 0);
}

Test(options, an_option_beats_the_environment)
{
    setenv("QJIT_CACHE_DIR", "/cache", 1);
    setenv("QJIT_JOBS", "3", 1);
    qjit_options given = QJIT_OPTIONS_INIT;
    given.cache_dir = "/mine";
    given.n_jobs = 5;
    cr_assert_eq(init(&given), QJIT_OK);
    cr_assert_str_eq(options.cache_dir, "/mine");
    cr_assert_eq(options.n_jobs, 5);
}

Test(options, the_environment_can_be_ignored)
{
    setenv("QJIT_CACHE_DIR", "/cache", 1);
    setenv("QJIT_JOBS", "nonsense", 1);
    qjit_options given = QJIT_OPTIONS_INIT;
    given.flags = QJIT_IGNORE_ENV;
    cr_assert_eq(init(&given), QJIT_OK);
    cr_assert_str_eq(options.cache_dir, "/home/someone/.cache/qjit");
}

Test(options, nonsense_is_refused_by_name)
{
    static const char *const bad[][2] = {
        {"QJIT_JOBS", "0"},
        {"QJIT_JOBS", "-1"},
        {"QJIT_JOBS", "two"},
        {"QJIT_JOBS", "2x"},
        {"QJIT_CACHE_MAX_SIZE", "M"},
        {"QJIT_CACHE_MAX_SIZE", "-5"},
        {"QJIT_CACHE_MAX_SIZE", "0"},
        {"QJIT_CACHE_MAX_SIZE", "99999999999T"},
        {"QJIT_FORBID_COMPILE", "yes"},
        {"QJIT_GENERIC_ARCH", "gfx11-generic"},
        {"QJIT_TRUST", "nowhere.pub"},
        {"QJIT_TRUST", "qjit-public-0123"},
        {"QJIT_TRUST", ":"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setenv(bad[i][0], bad[i][1], 1);
        cr_assert_eq(init(NULL), QJIT_INVALID_ARGUMENT, "%s=%s", bad[i][0], bad[i][1]);
        cr_assert_not_null(strstr(qjit_error_detail(), bad[i][0]));
        cr_assert_not_null(strstr(qjit_error_detail(), bad[i][1]));
        unsetenv(bad[i][0]);
    }
}

Test(options, sizes)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"1", 1}, {"1k", 1024}, {"2G", 2ull << 30}, {"2GiB", 2ull << 30}, {"3TB", 3ull << 40}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        setenv("QJIT_CACHE_MAX_SIZE", good[i].text, 1);
        cr_assert_eq(init(NULL), QJIT_OK);
        cr_assert_eq(options.cache_max_bytes, good[i].bytes, "%s", good[i].text);
    }
}

Test(options, xdg_must_be_absolute)
{
    setenv("XDG_CACHE_HOME", "/xdg", 1);
    cr_assert_eq(init(NULL), QJIT_OK);
    cr_assert_str_eq(options.cache_dir, "/xdg/qjit");
    setenv("XDG_CACHE_HOME", "relative", 1);
    cr_assert_eq(init(NULL), QJIT_OK);
    cr_assert_str_eq(options.cache_dir, "/home/someone/.cache/qjit");
}

Test(options, no_home_means_memory_with_a_reason)
{
    setenv("HOME", "not-absolute", 1);
    cr_assert_eq(init(NULL), QJIT_OK);
    cr_assert_null(options.cache_dir);
    cr_assert_not_null(strstr(options.no_cache_dir, "QJIT_CACHE_DIR"));
}
