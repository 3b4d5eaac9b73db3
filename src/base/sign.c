#include "base/sign.h"

#include <errno.h>
#include <sodium/core.h>
#include <sodium/crypto_sign.h>
#include <sodium/randombytes.h>
#include <sodium/utils.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/status.h"

static const char public_prefix[] = "qjit-public-", secret_prefix[] = "qjit-secret-";
enum { PREFIX = sizeof public_prefix - 1, HEX = 2 * QJ_SIGN_KEY_BYTES, FILE_MAX_BYTES = 65536 };

void qj_secret_key_init(struct qj_secret_key *out)
{
    randombytes_buf(out->seed, sizeof out->seed);
}

void qj_secret_key_finish(struct qj_secret_key *key)
{
    sodium_memzero(key, sizeof *key);
}

static void expand(uint8_t out_public[crypto_sign_PUBLICKEYBYTES],
                   uint8_t out_secret[crypto_sign_SECRETKEYBYTES], const struct qj_secret_key *key)
{
    (void)crypto_sign_seed_keypair(out_public, out_secret, key->seed);
}

void qj_public_key_of(struct qj_public_key *out, const struct qj_secret_key *key)
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    expand(out->bytes, secret, key);
    sodium_memzero(secret, sizeof secret);
}

static void print(char out[static QJ_SIGN_TEXT_MAX], const char *prefix, const uint8_t *bytes)
{
    memcpy(out, prefix, PREFIX);
    (void)sodium_bin2hex(out + PREFIX, HEX + 1, bytes, QJ_SIGN_KEY_BYTES);
}

void qj_secret_key_print(char out[static QJ_SIGN_TEXT_MAX], const struct qj_secret_key *key)
{
    print(out, secret_prefix, key->seed);
}

void qj_public_key_print(char out[static QJ_SIGN_TEXT_MAX], const struct qj_public_key *key)
{
    print(out, public_prefix, key->bytes);
}

/* Exactly n characters. */
static bool parse(uint8_t out[static QJ_SIGN_KEY_BYTES], const char *prefix, const char *text, size_t n)
{
    size_t n_found = 0;
    return n == PREFIX + HEX && memcmp(text, prefix, PREFIX) == 0 &&
           sodium_hex2bin(out, QJ_SIGN_KEY_BYTES, text + PREFIX, HEX, NULL, &n_found, NULL) == 0 &&
           n_found == QJ_SIGN_KEY_BYTES;
}

static qjit_status read_file(struct qj_buf *out, const char *path)
{
    if (qj_fs_read(out, path, FILE_MAX_BYTES) != 0) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "cannot read a key from '%s': %s", path, strerror(errno));
    }
    return QJIT_OK;
}

qjit_status qj_secret_key_read(struct qj_secret_key *out, const char *path)
{
    struct qj_buf text = {0};
    qjit_status status = read_file(&text, path);
    if (status == QJIT_OK &&
        !parse(out->seed, secret_prefix, qj_buf_text(&text), strcspn(qj_buf_text(&text), "\r\n"))) {
        status = qj_fail(QJIT_INVALID_ARGUMENT, "'%s' holds no secret key; qjit keygen makes one", path);
    }
    if (text.bytes) {
        sodium_memzero(text.bytes, text.capacity);
    }
    qj_buf_finish(&text);
    return status;
}

static qjit_status add_key(struct qj_trust *trust, const char *text, size_t n, const char *from)
{
    struct qj_public_key key;
    if (!parse(key.bytes, public_prefix, text, n)) {
        return qj_fail(
            QJIT_INVALID_ARGUMENT,
            "'%s' is no public key: one is qjit-public- and 64 hexadecimal digits, or a file of such "
            "lines",
            from);
    }
    struct qj_public_key *keys = realloc(trust->keys, (trust->n_keys + 1) * sizeof *keys);
    if (!keys) {
        return qj_fail(QJIT_NO_MEMORY, "out of memory");
    }
    trust->keys = keys;
    keys[trust->n_keys++] = key;
    return QJIT_OK;
}

static qjit_status add_file(struct qj_trust *trust, const char *path)
{
    struct qj_buf text = {0};
    size_t n_before = trust->n_keys;
    qjit_status status = read_file(&text, path);
    for (const char *line = qj_buf_text(&text); status == QJIT_OK && *line;) {
        size_t n = strcspn(line, "\r\n");
        status = n ? add_key(trust, line, n, path) : QJIT_OK;
        line += n + (line[n] != '\0');
    }
    if (status == QJIT_OK && trust->n_keys == n_before) {
        status = qj_fail(QJIT_INVALID_ARGUMENT, "'%s' holds no public key", path);
    }
    qj_buf_finish(&text);
    return status;
}

qjit_status qj_trust_add(struct qj_trust *trust, const char *what)
{
    qjit_status status = QJIT_OK;
    if (sodium_init() < 0) { /* which picks the fastest of its digests for this processor */
        return qj_fail(QJIT_NO_MEMORY, "libsodium cannot be used");
    }
    while (status == QJIT_OK && *what) {
        size_t n = strcspn(what, ":");
        char *one = n ? strndup(what, n) : NULL;
        if (n && !one) {
            status = qj_fail(QJIT_NO_MEMORY, "out of memory");
        } else if (n && strncmp(one, public_prefix, PREFIX) == 0) {
            status = add_key(trust, one, n, one);
        } else if (n) {
            status = add_file(trust, one);
        }
        free(one);
        what += n + (what[n] == ':');
    }
    return status;
}

void qj_trust_finish(struct qj_trust *trust)
{
    free(trust->keys);
    *trust = (struct qj_trust){0};
}

bool qj_trust_has(const struct qj_trust *trust, const struct qj_public_key *key)
{
    for (size_t i = 0; i < trust->n_keys; i++) {
        if (memcmp(&trust->keys[i], key, sizeof *key) == 0) {
            return true;
        }
    }
    return false;
}

void qj_signature_make(struct qj_signature *out, const struct qj_secret_key *key, const void *bytes, size_t n)
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    expand(out->signer.bytes, secret, key);
    (void)crypto_sign_detached(out->bytes, NULL, bytes, n, secret);
    sodium_memzero(secret, sizeof secret);
}

bool qj_signature_holds(const struct qj_signature *signature, const void *bytes, size_t n)
{
    return crypto_sign_verify_detached(signature->bytes, bytes, n, signature->signer.bytes) == 0;
}
