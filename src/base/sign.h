/* Ed25519 by libsodium. A key as text is "qjit-public-" or "qjit-secret-" and 64 hexadecimal digits; a file
 * of keys has one a line, and empty lines. Threads: any. */
#ifndef QJ_BASE_SIGN_H
#define QJ_BASE_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qjit/qjit.h>

enum { QJ_SIGN_KEY_BYTES = 32, QJ_SIGN_BYTES = 64, QJ_SIGN_TEXT_MAX = 80 };

struct qj_public_key {
    uint8_t bytes[QJ_SIGN_KEY_BYTES];
};

/* Wipe it with qj_secret_key_finish. */
struct qj_secret_key {
    uint8_t seed[QJ_SIGN_KEY_BYTES];
};

struct qj_signature {
    struct qj_public_key signer;
    uint8_t bytes[QJ_SIGN_BYTES];
};

/* Keys that are believed. Zero-initialised: none, and nothing has to be signed. */
struct qj_trust {
    struct qj_public_key *keys;
    size_t n_keys;
};

void qj_secret_key_init(struct qj_secret_key *out); /* a new one */
void qj_secret_key_finish(struct qj_secret_key *key);
void qj_public_key_of(struct qj_public_key *out, const struct qj_secret_key *key);

/* Text without a line end. */
void qj_secret_key_print(char out[static QJ_SIGN_TEXT_MAX], const struct qj_secret_key *key);
void qj_public_key_print(char out[static QJ_SIGN_TEXT_MAX], const struct qj_public_key *key);

/* The one key of a file. Fails with QJIT_INVALID_ARGUMENT (cannot be read, or no secret key). */
qjit_status qj_secret_key_read(struct qj_secret_key *out, const char *path);

/* `what` is public keys or paths of files of them, with ':' between. Finish it, whatever the result. Fails
 * with QJIT_INVALID_ARGUMENT (which one is wrong, and how), QJIT_NO_MEMORY. */
qjit_status qj_trust_add(struct qj_trust *trust, const char *what);
void qj_trust_finish(struct qj_trust *trust);
bool qj_trust_has(const struct qj_trust *trust, const struct qj_public_key *key);

/* Of n bytes at `bytes`. */
void qj_signature_make(struct qj_signature *out, const struct qj_secret_key *key, const void *bytes,
                       size_t n);
/* That its signer made it, whoever that is. */
bool qj_signature_holds(const struct qj_signature *signature, const void *bytes, size_t n);

#endif
