#include "base/sign.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void spit(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    (void)fputs(text, file);
    cr_assert_eq(fclose(file), 0);
}

/* RFC 8032, section 7.1, test 3. */
Test(sign, is_ed25519)
{
    static const uint8_t expected[] = {0x62, 0x91, 0xd6, 0x57, 0xde, 0xec, 0x24, 0x02,
                                       0x48, 0x27, 0xe6, 0x9c, 0x3a, 0xbe, 0x01, 0xa3,
                                       0x0c, 0xe5, 0x48, 0xa2, 0x84, 0x74, 0x3a, 0x44};
    struct qj_secret_key secret;
    struct qj_signature signature;
    char text[QJ_SIGN_TEXT_MAX];
    spit("rfc.key", "qjit-secret-c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7\n");
    cr_assert_eq(qj_secret_key_read(&secret, "rfc.key"), QJIT_OK, "%s", qjit_error_detail());
    qj_signature_make(&signature, &secret, "\xaf\x82", 2);
    cr_assert_eq(memcmp(signature.bytes, expected, sizeof expected), 0);
    qj_public_key_print(text, &signature.signer);
    cr_assert_str_eq(text, "qjit-public-fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
    cr_assert(qj_signature_holds(&signature, "\xaf\x82", 2));
    cr_assert_not(qj_signature_holds(&signature, "\xaf\x83", 2));
    cr_assert_not(qj_signature_holds(&signature, "\xaf\x82", 1));
    signature.bytes[40] ^= 1;
    cr_assert_not(qj_signature_holds(&signature, "\xaf\x82", 2));
}

Test(sign, keys_go_through_text_and_files)
{
    struct qj_secret_key secret, again;
    struct qj_public_key key;
    struct qj_trust trust = {0};
    char line[3 * QJ_SIGN_TEXT_MAX], text[QJ_SIGN_TEXT_MAX];
    qj_secret_key_init(&secret);
    qj_public_key_of(&key, &secret);
    qj_secret_key_print(text, &secret);
    (void)snprintf(line, sizeof line, "%s\n", text);
    spit("a.key", line);
    cr_assert_eq(qj_secret_key_read(&again, "a.key"), QJIT_OK);
    cr_assert_eq(memcmp(&secret, &again, sizeof secret), 0);
    qj_public_key_print(text, &key);
    (void)snprintf(line, sizeof line, "\r\n%s\r\n\n%s\n", text, text);
    spit("a.pub", line);
    (void)snprintf(line, sizeof line, "::a.pub:%s:", text);
    cr_assert_eq(qj_trust_add(&trust, line), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(trust.n_keys, 3);
    cr_assert(qj_trust_has(&trust, &key));
    key.bytes[7] ^= 1;
    cr_assert_not(qj_trust_has(&trust, &key));
    qj_trust_finish(&trust);
}

/* A secret key where a public one belongs is refused as much as nonsense is, and is not repeated. */
Test(sign, what_is_no_key_is_refused)
{
    static const char *const texts[] = {
        "",
        "\n",
        "key\n",
        "qjit-public-\n",
        "qjit-public-c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f\n",
        "qjit-public-c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458zz\n",
        "qjit-public-c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7f\n",
        "qjit-secret-c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct qj_trust trust = {0};
        struct qj_secret_key secret;
        spit("bad.pub", texts[i]);
        cr_assert_eq(qj_trust_add(&trust, "bad.pub"), QJIT_INVALID_ARGUMENT, "%s", texts[i]);
        cr_assert_null(strstr(qjit_error_detail(), "c5aa8df43f9f837b"));
        cr_assert_eq(trust.n_keys, 0);
        qj_trust_finish(&trust);
        if (i < 7) {
            cr_assert_eq(qj_secret_key_read(&secret, "bad.pub"), QJIT_INVALID_ARGUMENT);
        }
    }
}
