/* qjit: model files in the GGUF format, read and written. Needs no context, no device and no HIP library.
 *
 * Reading order: types of tensors, values, open, metadata, tensors, write.
 *
 * The conventions of qjit.h hold: status values, qjit_error_detail(), outputs called `out` and untouched on
 * failure. What is different here
 *   - An open file is read-only and may be used from any number of threads at once; close it from one.
 *   - Everything that a call gives out belongs to the file and lives until qjit_gguf_close. Structs that are
 *     given out by pointer may grow at their end in later versions: never copy an array of them.
 *   - The file is mapped, not read: opening costs the header, whatever the tensors weigh. Do not change or
 * cut a file that is open; a read past an end that was cut off later is a SIGBUS.
 *   - All that a file says is checked before it is believed. A file that fails a check is QJIT_BAD_FILE, and
 *     the detail says where and what to do. Memory taken is in proportion to the header that is really there.
 *
 * Format: GGUF versions 1, 2 and 3, little endian, as ggml documents it (docs/gguf.md says what is checked).
 */
#ifndef QJIT_GGUF_H
#define QJIT_GGUF_H

#include <qjit/qjit.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types of tensors ----------------------------------------------------------------------- */

/* Name, ggml's number, elements in a block, bytes of a block. */
#define QJIT_GGML_TYPE_MAP(X)                                                                                \
    X(F32, 0, 1, 4)                                                                                          \
    X(F16, 1, 1, 2)                                                                                          \
    X(Q4_0, 2, 32, 18)                                                                                       \
    X(Q4_1, 3, 32, 20)                                                                                       \
    X(Q5_0, 6, 32, 22)                                                                                       \
    X(Q5_1, 7, 32, 24)                                                                                       \
    X(Q8_0, 8, 32, 34)                                                                                       \
    X(Q8_1, 9, 32, 36)                                                                                       \
    X(Q2_K, 10, 256, 84)                                                                                     \
    X(Q3_K, 11, 256, 110)                                                                                    \
    X(Q4_K, 12, 256, 144)                                                                                    \
    X(Q5_K, 13, 256, 176)                                                                                    \
    X(Q6_K, 14, 256, 210)                                                                                    \
    X(Q8_K, 15, 256, 292)                                                                                    \
    X(IQ2_XXS, 16, 256, 66)                                                                                  \
    X(IQ2_XS, 17, 256, 74)                                                                                   \
    X(IQ3_XXS, 18, 256, 98)                                                                                  \
    X(IQ1_S, 19, 256, 50)                                                                                    \
    X(IQ4_NL, 20, 32, 18)                                                                                    \
    X(IQ3_S, 21, 256, 110)                                                                                   \
    X(IQ2_S, 22, 256, 82)                                                                                    \
    X(IQ4_XS, 23, 256, 136)                                                                                  \
    X(I8, 24, 1, 1)                                                                                          \
    X(I16, 25, 1, 2)                                                                                         \
    X(I32, 26, 1, 4)                                                                                         \
    X(I64, 27, 1, 8)                                                                                         \
    X(F64, 28, 1, 8)                                                                                         \
    X(IQ1_M, 29, 256, 56)                                                                                    \
    X(BF16, 30, 1, 2)                                                                                        \
    X(TQ1_0, 34, 256, 54)                                                                                    \
    X(TQ2_0, 35, 256, 66)                                                                                    \
    X(MXFP4, 39, 32, 17)                                                                                     \
    X(NVFP4, 40, 64, 36)                                                                                     \
    X(Q1_0, 41, 128, 18)                                                                                     \
    X(Q2_0, 42, 64, 18)

typedef enum qjit_ggml_type {
#define QJIT_GGML_TYPE_ENUM(name, number, elements, bytes) QJIT_GGML_##name = number,
    QJIT_GGML_TYPE_MAP(QJIT_GGML_TYPE_ENUM)
#undef QJIT_GGML_TYPE_ENUM
        QJIT_GGML_TYPE_END = 43 /* one past the last number */
} qjit_ggml_type;

typedef struct qjit_ggml_type_info {
    const char *name; /* "Q4_K" */
    qjit_ggml_type type;
    uint32_t block_elements; /* the width of a tensor is a multiple of it */
    uint32_t block_bytes;
} qjit_ggml_type_info;

/* Facts of a type by its number; they live as long as the library.
 * Fails with QJIT_NOT_FOUND (a number that ggml does not use, or no longer). */
QJIT_API qjit_status qjit_get_ggml_type(const qjit_ggml_type_info **out, uint32_t type);

/* The same by name, capitals or not ("q4_k"). Fails with QJIT_NOT_FOUND. */
QJIT_API qjit_status qjit_find_ggml_type(const qjit_ggml_type_info **out, const char *name);

/* ---- values --------------------------------------------------------------------------------- */

/* Name and GGUF's number. */
#define QJIT_GGUF_KIND_MAP(X)                                                                                \
    X(UINT8, 0)                                                                                              \
    X(INT8, 1)                                                                                               \
    X(UINT16, 2)                                                                                             \
    X(INT16, 3)                                                                                              \
    X(UINT32, 4)                                                                                             \
    X(INT32, 5)                                                                                              \
    X(FLOAT32, 6)                                                                                            \
    X(BOOL, 7)                                                                                               \
    X(STRING, 8)                                                                                             \
    X(ARRAY, 9)                                                                                              \
    X(UINT64, 10)                                                                                            \
    X(INT64, 11)                                                                                             \
    X(FLOAT64, 12)

typedef enum qjit_gguf_kind {
#define QJIT_GGUF_KIND_ENUM(name, number) QJIT_GGUF_##name = number,
    QJIT_GGUF_KIND_MAP(QJIT_GGUF_KIND_ENUM)
#undef QJIT_GGUF_KIND_ENUM
        QJIT_GGUF_KIND_END = 13 /* one past the last number */
} qjit_gguf_kind;

/* "uint32", "string"; NULL for a number that is no kind. */
QJIT_API const char *qjit_gguf_kind_name(uint32_t kind);

/* Arrays may hold arrays, this deep at most, the outermost counted. */
#define QJIT_GGUF_MAX_DEPTH 8

/* A value of metadata, or one element of an array. What it points to belongs to the file it was read from,
 * or to the caller who writes it. The size of this struct is fixed. */
typedef struct qjit_gguf_value {
    qjit_gguf_kind kind;
    qjit_gguf_kind element_kind; /* of an array */
    union {
        uint64_t u; /* UINT8 to UINT64, and BOOL: 0 or 1 */
        int64_t i;  /* INT8 to INT64 */
        double f;   /* FLOAT32 and FLOAT64 */
    } number;
    uint64_t n; /* of a string: its bytes; of an array: its elements */
    /* Of a string: its bytes, any bytes, with no zero at the end. Of an array: its elements as they are in
     * the file, one after the other, little endian, not aligned. */
    const void *bytes;
    uint64_t n_bytes;      /* at `bytes` */
    uint32_t length_bytes; /* of lengths and counts within `bytes`: 8, or 4 in files of version 1 */
    uint32_t reserved;
    /* To write an array: its n elements. Where NULL, as in all that is read, `bytes` has them. */
    const struct qjit_gguf_value *items;
} qjit_gguf_value;

/* Walks the elements of an array without allocating. */
typedef struct qjit_gguf_elements {
    qjit_gguf_value rest; /* the array, without the elements already given */
} qjit_gguf_elements;

/* Starts at the first element; a value that is no array has none. */
QJIT_API void qjit_gguf_elements_init(qjit_gguf_elements *out, const qjit_gguf_value *array);

/* 1 with the next element in *out, 0 at the end. Elements of an array of arrays are arrays again. Nothing
 * outside n_bytes is read, also where a caller made up the value. */
QJIT_API int qjit_gguf_next_element(qjit_gguf_elements *elements, qjit_gguf_value *out);

/* ---- open ----------------------------------------------------------------------------------- */

typedef struct qjit_gguf qjit_gguf;

enum qjit_gguf_flags {
    QJIT_GGUF_ONE_PART = 1u << 0 /* of a split model: just this file, whichever of its parts it is */
};

/* Opens a file. One that says it is the first of several ("split.count") must be named
 * NAME-00001-of-00003.gguf; the others are opened beside it: metadata is that of the first, tensors are those
 * of all. Fails with QJIT_IO (cannot be opened or mapped, a part is missing), QJIT_BAD_FILE, QJIT_NO_MEMORY,
 * QJIT_INVALID_ARGUMENT (a flag that there is not). */
QJIT_API qjit_status qjit_gguf_open(qjit_gguf **out, const char *path, uint32_t flags);

/* The same over bytes in memory, which must stay as they are until qjit_gguf_close. For a split model it is
 * one part. Messages call it "bytes in memory". */
QJIT_API qjit_status qjit_gguf_open_bytes(qjit_gguf **out, const void *bytes, size_t n_bytes);

/* NULL is fine. */
QJIT_API void qjit_gguf_close(qjit_gguf *gguf);

/* One file of those that are open: one, or the parts of a split model in order. */
typedef struct qjit_gguf_part {
    const char *path;
    uint32_t version;     /* 1, 2 or 3 */
    uint32_t alignment;   /* bytes; a power of two */
    uint64_t n_bytes;     /* of the file */
    uint64_t data_offset; /* bytes from the start of the file to where tensor offsets count from */
    uint64_t n_tensors;
} qjit_gguf_part;

QJIT_API uint32_t qjit_gguf_part_count(const qjit_gguf *gguf);

/* Fails with QJIT_NOT_FOUND. */
QJIT_API qjit_status qjit_gguf_get_part(const qjit_gguf *gguf, const qjit_gguf_part **out, uint32_t part);

/* ---- metadata ------------------------------------------------------------------------------- */

/* Keys are not empty, unique, hold no zero byte and take 65,535 bytes at most. */
typedef struct qjit_gguf_entry {
    const char *key;
    qjit_gguf_value value;
} qjit_gguf_entry;

QJIT_API uint64_t qjit_gguf_entry_count(const qjit_gguf *gguf);

/* Entry `index` in the order of the file. Fails with QJIT_NOT_FOUND. */
QJIT_API qjit_status qjit_gguf_get_entry(const qjit_gguf *gguf, const qjit_gguf_entry **out, uint64_t index);

/* Fails with QJIT_NOT_FOUND. */
QJIT_API qjit_status qjit_gguf_find_entry(const qjit_gguf *gguf, const qjit_gguf_entry **out,
                                          const char *key);

/* ---- tensors -------------------------------------------------------------------------------- */

#define QJIT_GGUF_MAX_DIMS 4

/* Names are as keys are. */
typedef struct qjit_gguf_tensor {
    const char *name;
    const qjit_ggml_type_info *type;
    uint32_t n_dims;
    uint32_t part;                     /* which file it is in */
    uint64_t dims[QJIT_GGUF_MAX_DIMS]; /* elements; dims[0] is the width of a row, whose elements are side by
                                          side; 1 from n_dims on; 0 is possible */
    uint64_t n_elements;               /* the product of dims */
    uint64_t n_bytes;                  /* what they take; rows follow each other without padding */
    uint64_t offset;                   /* bytes from the start of the file to the data */
    const void *data;                  /* in the mapping, n_bytes; aligned as its part says */
} qjit_gguf_tensor;

QJIT_API uint64_t qjit_gguf_tensor_count(const qjit_gguf *gguf);

/* Tensor `index` in the order of the file, and of the parts. Fails with QJIT_NOT_FOUND. */
QJIT_API qjit_status qjit_gguf_get_tensor(const qjit_gguf *gguf, const qjit_gguf_tensor **out,
                                          uint64_t index);

/* Fails with QJIT_NOT_FOUND. */
QJIT_API qjit_status qjit_gguf_find_tensor(const qjit_gguf *gguf, const qjit_gguf_tensor **out,
                                           const char *name);

/* ---- write ---------------------------------------------------------------------------------- */

/* Gathers a file of version 3 and writes it in one go. For one thread at a time. */
typedef struct qjit_gguf_writer qjit_gguf_writer;

/* Fails with QJIT_NO_MEMORY. */
QJIT_API qjit_status qjit_gguf_writer_create(qjit_gguf_writer **out);

/* Writes nothing. NULL is fine. */
QJIT_API void qjit_gguf_writer_destroy(qjit_gguf_writer *writer);

/* Adds an entry of metadata, of any kind; key and value are copied. A value that was read from a file may be
 * put as it is. "general.alignment" (UINT32, a power of two) also decides how tensors are aligned; without it
 * that is 32 bytes.
 * Fails with QJIT_EXISTS, QJIT_INVALID_ARGUMENT (a key or value that no reader would take), QJIT_NO_MEMORY.
 */
QJIT_API qjit_status qjit_gguf_put(qjit_gguf_writer *writer, const char *key, const qjit_gguf_value *value);

/* The same for the two kinds that are most common. */
QJIT_API qjit_status qjit_gguf_put_text(qjit_gguf_writer *writer, const char *key, const char *text);
QJIT_API qjit_status qjit_gguf_put_uint32(qjit_gguf_writer *writer, const char *key, uint32_t value);

/* Adds a tensor. `data`, as many bytes as type and dims ask for, is not copied: it must live until it has
 * been written. Fails with QJIT_EXISTS, QJIT_INVALID_ARGUMENT (no such type, more than 4 dims, a width that
 * is no multiple of the type's block, more than 2^63 - 1 elements or bytes, no data), QJIT_NO_MEMORY. */
QJIT_API qjit_status qjit_gguf_add_tensor(qjit_gguf_writer *writer, const char *name, uint32_t type,
                                          uint32_t n_dims, const uint64_t *dims, const void *data);

/* Writes the file, whole or not at all: it is renamed to `path` at the end. May be called again.
 * Fails with QJIT_IO, QJIT_NO_MEMORY. */
QJIT_API qjit_status qjit_gguf_write(const qjit_gguf_writer *writer, const char *path);

#ifdef __cplusplus
}
#endif

#endif
