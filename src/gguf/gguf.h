/* What the files of this room share: an open model, its files, and what reader and writer both ask of names
 * and shapes. Everything in a file is untrusted until it has been checked here. */
#ifndef QJ_GGUF_GGUF_H
#define QJ_GGUF_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qjit/gguf.h>

enum {
    QJ_GGUF_ALIGNMENT = 32,    /* unless "general.alignment" says otherwise */
    QJ_GGUF_MAX_NAME = 65535,  /* bytes of a key or tensor name */
    QJ_GGUF_SHOWN = 80,        /* of a name in a message */
    QJ_GGUF_MAX_PARTS = 99999, /* five digits */
};

/* ---- name.c --------------------------------------------------------------------------------------- */

/* Names in order, each with the index of what it belongs to. */
struct qj_gguf_names {
    struct qj_gguf_name {
        const char *name;
        size_t at;
    } * items;
    size_t n;
};

/* Sorts the names of n things that lie `step` bytes apart, each beginning with a `const char *`. *out_twice
 * gets the first name that is there twice, or NULL. QJIT_OK or QJIT_NO_MEMORY. */
qjit_status qj_gguf_names_init(struct qj_gguf_names *out, const void *things, size_t n, size_t step,
                               const char **out_twice);
/* The index that belongs to `name`; SIZE_MAX if none does. */
size_t qj_gguf_names_find(const struct qj_gguf_names *names, const char *name);
void qj_gguf_names_finish(struct qj_gguf_names *names);

/* Why these bytes cannot be a name; NULL if they can. */
const char *qj_gguf_name_fault(const void *bytes, uint64_t n);

/* A name as a message shows it: cut, and without control characters. Gives `out`. */
const char *qj_gguf_shown(char out[static QJ_GGUF_SHOWN], const void *bytes, uint64_t n);

/* ---- shape.c -------------------------------------------------------------------------------------- */

/* Sets dims beyond n_dims, n_elements and n_bytes of a tensor whose type, n_dims and dims are set. Gives why
 * that cannot be, or NULL. */
const char *qj_gguf_shape_fault(qjit_gguf_tensor *tensor);

/* The next multiple of `alignment`, a power of two. */
uint64_t qj_gguf_align(uint64_t n, uint32_t alignment);

/* The alignment that a value of "general.alignment" means; 0 if it means none. */
uint32_t qj_gguf_alignment_of(const qjit_gguf_value *value);

/* ---- file.c, parse.c, layout.c, split.c ------------------------------------------------------------ */

/* One file. */
struct qj_gguf_file {
    qjit_gguf_part facts;
    char *path;
    const uint8_t *bytes;
    bool is_mapped;
    qjit_gguf_entry *entries;
    size_t n_entries, entries_room;
    struct qj_gguf_names keys;
    size_t first_tensor; /* in qjit_gguf.tensors */
};

struct qjit_gguf {
    struct qj_gguf_file *files;
    uint32_t n_files;
    qjit_gguf_tensor *tensors; /* of all files */
    size_t n_tensors, tensors_room;
    struct qj_gguf_names names;
};

/* Adds a file, mapped or of these bytes (which may be NULL if n_bytes is 0): just its bytes, not yet read. */
qjit_status qj_gguf_add_file(qjit_gguf *gguf, const char *path);
qjit_status qj_gguf_add_bytes(qjit_gguf *gguf, const void *bytes, size_t n_bytes);

/* Reads header, metadata and tensor infos of the last file. Tensors then have offsets from the start of the
 * data, and no data. */
qjit_status qj_gguf_parse(qjit_gguf *gguf);

/* Finds where the data of the last file starts, checks that every tensor of it lies inside, on its own, and
 * gives it its place. */
qjit_status qj_gguf_lay_out(qjit_gguf *gguf);

/* Opens and reads the other parts, if the first file says that there are some. */
qjit_status qj_gguf_add_parts(qjit_gguf *gguf);

/* The entry `key` of a file, NULL if there is none. */
const qjit_gguf_entry *qj_gguf_file_entry(const struct qj_gguf_file *file, const char *key);

/* Makes room for one more of `item_bytes`; false when out of memory. */
bool qj_gguf_reserve(void *items, size_t n, size_t *room, size_t item_bytes);

#endif
