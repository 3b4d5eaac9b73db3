/* The writer, for what is to stay in memory. */
#ifndef QJ_GGUF_WRITER_H
#define QJ_GGUF_WRITER_H

#include <qjit/gguf.h>

#include "base/buf.h"

/* Appends everything up to the padding before the data; look at out->failed. */
void qj_gguf_writer_header(const qjit_gguf_writer *writer, struct qj_buf *out);

#endif
