#include "base/status.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#include "base/sized.h"

Test(status, every_status_has_a_name_and_a_text)
{
#define CHECK(name, value, words)                                                                            \
    cr_assert_str_eq(qjit_status_name(QJIT_##name), "QJIT_" #name);                                          \
    cr_assert_str_eq(qjit_status_text(QJIT_##name), words);
    QJIT_STATUS_MAP(CHECK)
#undef CHECK
    cr_assert_str_eq(qjit_status_name((qjit_status)12345), "unknown status");
}

Test(status, detail_is_one_line_and_drops_the_log)
{
    cr_assert_eq(qj_fail_with_log(QJIT_COMPILE_FAILED, "first\nsecond\n", "a log\nof lines\n"),
                 QJIT_COMPILE_FAILED);
    cr_assert_str_eq(qjit_error_detail(), "first second");
    cr_assert_str_eq(qjit_error_log(), "a log\nof lines\n");
    cr_assert_eq(qj_fail(QJIT_IO, "cannot open '%s'", "x"), QJIT_IO);
    cr_assert_str_eq(qjit_error_log(), "");
    qj_fail_add("set %s", "Y");
    cr_assert_str_eq(qjit_error_detail(), "cannot open 'x' (set Y)");
}

Test(status, detail_may_be_made_of_itself)
{
    (void)qj_fail(QJIT_IO, "inner");
    (void)qj_fail(QJIT_IO, "outer: %s", qjit_error_detail());
    cr_assert_str_eq(qjit_error_detail(), "outer: inner");
}

static void *other_thread(void *payload)
{
    (void)payload;
    (void)qj_fail_with_log(QJIT_IO, "of another thread", "its log");
    return NULL;
}

Test(status, belongs_to_its_thread)
{
    pthread_t thread;
    (void)qj_fail(QJIT_IO, "mine");
    cr_assert_eq(pthread_create(&thread, NULL, other_thread, NULL), 0);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_assert_str_eq(qjit_error_detail(), "mine");
}

struct small {
    size_t struct_size;
    int one;
};
struct large {
    size_t struct_size;
    int one, two;
};

Test(sized, an_older_caller_gets_zeroes)
{
    struct small in = {sizeof in, 7};
    struct large out = {1, 1, 1};
    cr_assert_eq(qj_sized_read(&out, sizeof out, &in, "small"), QJIT_OK);
    cr_assert_eq(out.one, 7);
}

Test(sized, a_newer_caller_may_not_use_what_is_unknown)
{
    union {
        struct large as_large;
        char bytes[64];
    } in = {{sizeof in, 7, 0}};
    struct large out;
    cr_assert_eq(qj_sized_read(&out, sizeof out, &in, "large"), QJIT_OK);
    in.bytes[sizeof in - 1] = 1;
    cr_assert_eq(qj_sized_read(&out, sizeof out, &in, "large"), QJIT_INVALID_ARGUMENT);
}

Test(sized, a_size_of_zero_is_refused_and_writing_stays_inside)
{
    struct large in = {0, 7, 8};
    cr_assert_eq(qj_sized_read(&in, sizeof in, &in, "large"), QJIT_INVALID_ARGUMENT);
    struct large out = {sizeof(struct small), 0, 99};
    in.struct_size = sizeof in;
    cr_assert_eq(qj_sized_write(&out, &in, offsetof(struct large, two), "large"), QJIT_OK);
    cr_assert_eq(out.one, 7);
    cr_assert_eq(out.two, 99);
    cr_assert_eq(out.struct_size, sizeof(struct small));
}
