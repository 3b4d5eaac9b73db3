#include "base/digest.h"

#include <criterion/criterion.h>
#include <string.h>

static void digest_of(uint8_t out[QJ_DIGEST_BYTES], const char *first, const char *second)
{
    struct qj_digest digest;
    qj_digest_init(&digest);
    qj_digest_text(&digest, first);
    qj_digest_text(&digest, second);
    qj_digest_finish(&digest, out);
}

Test(digest, fields_do_not_run_into_each_other)
{
    uint8_t one[QJ_DIGEST_BYTES], other[QJ_DIGEST_BYTES];
    digest_of(one, "ab", "c");
    digest_of(other, "a", "bc");
    cr_assert_neq(memcmp(one, other, sizeof one), 0);
    digest_of(other, "ab", "c");
    cr_assert_eq(memcmp(one, other, sizeof one), 0);
}

/* BLAKE2b-256 of a length field of eight zero bytes: what b2sum -l 256 gives for the same eight bytes. */
Test(digest, is_blake2b_256)
{
    struct qj_digest digest;
    uint8_t bytes[QJ_DIGEST_BYTES];
    char hex[QJ_DIGEST_HEX];
    qj_digest_init(&digest);
    qj_digest_text(&digest, "");
    qj_digest_finish(&digest, bytes);
    qj_digest_hex(hex, bytes);
    cr_assert_str_eq(hex, "81e47a19e6b29b0a65b9591762ce5143ed30d0261e5d24a3201752506b20f15c");
}
