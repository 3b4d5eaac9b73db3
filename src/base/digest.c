#include "base/digest.h"

#include <sodium/utils.h>
#include <string.h>

void qj_digest_init(struct qj_digest *digest)
{
    (void)crypto_generichash_init(&digest->state, NULL, 0, QJ_DIGEST_BYTES);
}

void qj_digest_field(struct qj_digest *digest, const void *bytes, size_t n)
{
    uint8_t length[8];
    for (int i = 0; i < 8; i++) {
        length[i] = (uint8_t)((uint64_t)n >> (8 * i));
    }
    (void)crypto_generichash_update(&digest->state, length, sizeof length);
    (void)crypto_generichash_update(&digest->state, bytes, n);
}

void qj_digest_text(struct qj_digest *digest, const char *text)
{
    qj_digest_field(digest, text, strlen(text));
}

void qj_digest_finish(struct qj_digest *digest, uint8_t out[static QJ_DIGEST_BYTES])
{
    (void)crypto_generichash_final(&digest->state, out, QJ_DIGEST_BYTES);
}

void qj_digest_hex(char out[static QJ_DIGEST_HEX], const uint8_t digest[static QJ_DIGEST_BYTES])
{
    (void)sodium_bin2hex(out, QJ_DIGEST_HEX, digest, QJ_DIGEST_BYTES);
}
