/* What a signature of a row is over, and who is believed. */
#include <string.h>

#include "cache/internal.h"

void qj_row_digest(uint8_t out[static QJ_DIGEST_BYTES], const struct qj_row *row, const void *object,
                   size_t n_bytes)
{
    const char *const texts[] = {row->unit,    row->module, row->arch,    row->compiler,
                                 row->options, row->names,  row->kernels, row->log};
    struct qj_digest digest;
    qj_digest_init(&digest);
    qj_digest_text(&digest, "qjit signed row 1");
    qj_digest_field(&digest, row->key, sizeof row->key);
    qj_digest_field(&digest, row->source_digest, sizeof row->source_digest);
    qj_digest_field(&digest, row->headers_digest, sizeof row->headers_digest);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        qj_digest_text(&digest, texts[i] ? texts[i] : "");
    }
    qj_digest_field(&digest, object, n_bytes);
    qj_digest_finish(&digest, out);
}

const char *qj_entry_distrust(const struct qj_entry *entry, const struct qj_trust *trust)
{
    const struct qj_signature *signature = entry->row.signature;
    uint8_t digest[QJ_DIGEST_BYTES];
    bool must_be = trust && trust->n_keys;
    if (!signature) {
        return must_be ? "it is not signed" : NULL;
    }
    if (must_be && !qj_trust_has(trust, &signature->signer)) {
        return "it is signed by a key that is not trusted";
    }
    qj_row_digest(digest, &entry->row, entry->object, (size_t)entry->row.object_bytes);
    return qj_signature_holds(signature, digest, sizeof digest) ? NULL : "its signature does not hold";
}
