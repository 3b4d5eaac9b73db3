/* GGUF files for tests: put together byte by byte, without the writer, from what the format says. */
#ifndef GGUF_SUPPORT_H
#define GGUF_SUPPORT_H

#include <qjit/gguf.h>

#include "base/buf.h"

/* A file of one version in the making. */
struct made {
    struct qj_buf buf;
    unsigned version;
};

void made_start(struct made *made, unsigned version, uint64_t n_tensors, uint64_t n_entries);
void made_bytes(struct made *made, const void *bytes, size_t n);
void made_u32(struct made *made, uint32_t number);
void made_u64(struct made *made, uint64_t number);
/* A length or count: 4 bytes in version 1, else 8. */
void made_length(struct made *made, uint64_t number);
void made_text(struct made *made, const char *text);
/* A key and the kind of what follows. */
void made_key(struct made *made, const char *key, uint32_t kind);
/* A whole uint32 entry. */
void made_entry(struct made *made, const char *key, uint32_t number);
/* A tensor of one dimension. */
void made_tensor(struct made *made, const char *name, uint32_t type, uint64_t width, uint64_t offset);
/* Zeros up to a multiple of `alignment`, then n bytes counting up from 0. */
void made_data(struct made *made, size_t alignment, size_t n);
void made_finish(struct made *made);

/* Writes it to a file of the current directory. */
void made_write(const struct made *made, const char *path);

/* Opens it as bytes in memory: a copy that is exactly as long as it says, so that AddressSanitizer sees a
 * read past it. *copy is to be freed after closing. */
qjit_status made_open(qjit_gguf **out, void **copy, const struct made *made);

/* Reads everything that an open model offers: all values, names and bytes of data. Gives a number made of it.
 */
uint64_t gguf_walk(const qjit_gguf *gguf);

/* Expects that this is no file to open, for a reason that has these words. */
void expect_bad(const struct made *made, const char *words);

#endif
