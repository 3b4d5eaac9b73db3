/* Values and names as a file of version 3 has them. */
#ifndef QJ_GGUF_ENCODE_H
#define QJ_GGUF_ENCODE_H

#include <qjit/gguf.h>

#include "base/buf.h"

void qj_gguf_encode_u32(struct qj_buf *out, uint32_t number);
void qj_gguf_encode_u64(struct qj_buf *out, uint64_t number);
void qj_gguf_encode_text(struct qj_buf *out, const void *bytes, uint64_t n);

/* Appends kind and value. Gives why that value cannot be, or NULL. */
const char *qj_gguf_encode_value(struct qj_buf *out, const qjit_gguf_value *value);

#endif
