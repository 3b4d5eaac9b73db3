/* BLAKE2b-256 by libsodium over length-prefixed fields, so that no two field lists give the same input. */
#ifndef QJ_BASE_DIGEST_H
#define QJ_BASE_DIGEST_H

#include <sodium/crypto_generichash.h>
#include <stddef.h>
#include <stdint.h>

enum { QJ_DIGEST_BYTES = 32, QJ_DIGEST_HEX = 2 * QJ_DIGEST_BYTES + 1 };

struct qj_digest {
    crypto_generichash_state state;
};

void qj_digest_init(struct qj_digest *digest);
/* Takes in the length, as eight bytes little endian, then the bytes. */
void qj_digest_field(struct qj_digest *digest, const void *bytes, size_t n);
void qj_digest_text(struct qj_digest *digest, const char *text);
void qj_digest_finish(struct qj_digest *digest, uint8_t out[static QJ_DIGEST_BYTES]);
void qj_digest_hex(char out[static QJ_DIGEST_HEX], const uint8_t digest[static QJ_DIGEST_BYTES]);

#endif
