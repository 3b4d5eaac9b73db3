/* Bundles: code objects carried from store to store, and the keys that sign them. docs/shipping.md shows the
 * whole way, from a build to where they are used. Conventions are those of qjit.h. */
#ifndef QJIT_BUNDLE_H
#define QJIT_BUNDLE_H

#include <qjit/qjit.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Which rows go into a bundle, and how. */
typedef struct qjit_export_options {
    size_t struct_size;
    const char *const
        *archs; /* with features: just those; without: every feature combination; n_archs 0: all */
    size_t n_archs;
    const char *const *modules; /* n_modules 0: all */
    size_t n_modules;
    const char *const *units; /* n_units 0: all */
    size_t n_units;
    const char *sign; /* path of a secret key, which signs every row; NULL: rows that are signed stay so */
    void (*refused)(void *payload,
                    const qjit_cache_fault *fault); /* each row left out as not sound; may be NULL */
    void *payload;
} qjit_export_options;

typedef struct qjit_export_result {
    size_t struct_size;
    uint64_t n_rows;    /* in the bundle */
    uint64_t n_refused; /* left out as not sound */
    uint64_t file_bytes;
} qjit_export_result;

/* Writes what the store, and the shipped stores behind it, hold for the options (NULL: all of it) to one file
 * that can be a shipped store. Each row is verified as qjit_import_cache does. `path` is replaced whole or
 * not at all. The same rows give the same bytes, on every machine: rows are in the order of their keys, and
 * without times. out may be NULL. Callbacks may not use the context. Fails with QJIT_NOT_FOUND (there is
 * nothing to write), QJIT_IO, QJIT_INVALID_ARGUMENT (no secret key there, `path` is the store itself, an arch
 * that is none), QJIT_CACHE_UNUSABLE and QJIT_NO_MEMORY. */
QJIT_API qjit_status qjit_export_cache(qjit_context *context, qjit_export_result *out, const char *path,
                                       const qjit_export_options *options);

typedef struct qjit_import_options {
    size_t struct_size;
    const char *trust; /* public keys, or paths of files of them, with ':' between: every row must be signed
                          by one; NULL: none has to be */
    void (*refused)(void *payload, const qjit_cache_fault *fault); /* each row not taken; may be NULL */
    void *payload;
} qjit_import_options;

typedef struct qjit_import_result {
    size_t struct_size;
    uint64_t n_rows;  /* in the file */
    uint64_t n_added; /* new in the store */
    uint64_t n_present, n_refused;
} qjit_import_result;

/* Takes the rows of a bundle, or of another store's file that is not in use, into the store. The file is only
 * read, and may have been made to do harm. A row is taken if its checksums hold; if its key is that of the
 * arch, source, headers, options, kernels and compiler that it names; if its code object is one for that arch
 * and holds its kernels; and if its signature, where it has one, holds. That the object was made of that
 * source is nothing that can be seen: who signed it vouches for that. A sound row that the store has stays as
 * it is, nothing is removed to make room, and what was taken before a failure stays. out may be NULL; it is
 * filled in any case. Callbacks may not use the context. Fails with QJIT_BAD_FILE (no store, damaged, of
 * another version), QJIT_INVALID_ARGUMENT (`trust` makes no sense), QJIT_CACHE_UNUSABLE
 * (the store is full or cannot be written) and QJIT_NO_MEMORY. */
QJIT_API qjit_status qjit_import_cache(qjit_context *context, qjit_import_result *out, const char *path,
                                       const qjit_import_options *options);

/* Makes a pair of Ed25519 keys: the secret one at `path`, for its owner's eyes, and the public one at
 * path.pub. Neither may be there yet. Fails with QJIT_EXISTS, QJIT_IO and QJIT_NO_MEMORY. */
QJIT_API qjit_status qjit_create_keys(const char *path);

#ifdef __cplusplus
}
#endif

#endif
