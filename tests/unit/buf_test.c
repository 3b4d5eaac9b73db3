#include "base/buf.h"

#include <criterion/criterion.h>
#include <string.h>

Test(buf, empty_is_valid)
{
    struct qj_buf buf = {0};
    cr_assert_str_eq(qj_buf_text(&buf), "");
    qj_buf_finish(&buf);
}

Test(buf, appends_and_keeps_a_nul)
{
    struct qj_buf buf = {0};
    for (int i = 0; i < 1000; i++) {
        qj_buf_printf(&buf, "%03d", i);
    }
    cr_assert_eq(buf.size, 3000);
    cr_assert_eq(strlen(qj_buf_text(&buf)), 3000);
    cr_assert_eq(memcmp(qj_buf_text(&buf) + 2997, "999", 3), 0);
    qj_buf_finish(&buf);
}

Test(buf, past_its_maximum_it_fails_and_stays_failed)
{
    struct qj_buf buf = {.max = 8};
    qj_buf_puts(&buf, "12345678");
    cr_assert_not(buf.failed);
    qj_buf_puts(&buf, "9");
    cr_assert(buf.failed);
    qj_buf_puts(&buf, "");
    cr_assert_str_eq(qj_buf_text(&buf), "12345678");
    qj_buf_finish(&buf);
}

Test(buf, a_size_that_overflows_fails)
{
    struct qj_buf buf = {0};
    qj_buf_puts(&buf, "x");
    qj_buf_append(&buf, "", SIZE_MAX - 1);
    cr_assert(buf.failed);
    qj_buf_finish(&buf);
}
