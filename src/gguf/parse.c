/* Header, metadata and tensor infos of a file, from front to back. */
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "gguf/cursor.h"
#include "gguf/gguf.h"

enum {
    MAGIC_BYTES = 4,
    MIN_ENTRY_REST_BYTES = 4 + 1,     /* besides the key's length: kind and value */
    MIN_TENSOR_REST_BYTES = 4 + 4 + 8 /* besides the name's length: number of dims, type, offset */
};

/* A file being read. */
struct reader {
    struct qj_gguf_cursor cursor;
    struct qj_gguf_file *file;
    qjit_gguf *gguf;
    uint64_t n_tensors, n_entries;
};

static qjit_status cut(const struct reader *reader, const char *what, const char *name)
{
    return qj_fail(QJIT_BAD_FILE,
                   "'%s' ends within %s%s%s%s, at byte %llu: it is cut off or damaged, fetch it again",
                   reader->file->path, what, name ? " '" : "", name ? name : "", name ? "'" : "",
                   (unsigned long long)reader->file->facts.n_bytes);
}

static qjit_status no_gguf(const struct reader *reader)
{
    static const char *const before[] = {"lmgg", "fmgg", "tjgg"};
    const char *bytes = (const char *)reader->file->bytes;
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        if (memcmp(bytes, before[i], MAGIC_BYTES) == 0) {
            return qj_fail(QJIT_BAD_FILE,
                           "'%s' is of a format that came before GGUF: convert the model again",
                           reader->file->path);
        }
    }
    char shown[QJ_GGUF_SHOWN];
    return qj_fail(QJIT_BAD_FILE, "'%s' is no GGUF file: it begins with '%s' instead of 'GGUF'",
                   reader->file->path, qj_gguf_shown(shown, bytes, MAGIC_BYTES));
}

static bool is_version(uint32_t version)
{
    return version >= 1 && version <= 3;
}

static qjit_status read_version(struct reader *reader)
{
    const uint8_t *magic;
    uint32_t version;
    if (reader->file->facts.n_bytes == 0) {
        return qj_fail(QJIT_BAD_FILE, "'%s' is empty: fetch it again", reader->file->path);
    }
    if (!qj_gguf_take(&reader->cursor, &magic, MAGIC_BYTES)) {
        return cut(reader, "the header", NULL);
    }
    bool is_reversed = memcmp(magic, "FUGG", MAGIC_BYTES) == 0;
    if (!is_reversed && memcmp(magic, "GGUF", MAGIC_BYTES) != 0) {
        return no_gguf(reader);
    }
    if (!qj_gguf_take_u32(&reader->cursor, &version)) {
        return cut(reader, "the header", NULL);
    }
    if (is_reversed || (!is_version(version) && is_version(__builtin_bswap32(version)))) {
        return qj_fail(QJIT_BAD_FILE,
                       "'%s' is big endian, this machine is little endian: convert the model for it",
                       reader->file->path);
    }
    if (!is_version(version)) {
        return qj_fail(QJIT_BAD_FILE,
                       "'%s' is GGUF version %u; versions 1 to 3 are read: it is damaged, or newer than qjit "
                       "%s",
                       reader->file->path, version, QJIT_VERSION_STRING);
    }
    reader->file->facts.version = version;
    reader->cursor.length_bytes = version == 1 ? 4 : 8;
    return QJIT_OK;
}

/* A count that the rest of the file cannot hold is found here rather than after reading all of it. */
static qjit_status check_count(const struct reader *reader, const char *what, uint64_t n, uint64_t min_bytes)
{
    uint64_t left = (uint64_t)(reader->cursor.end - reader->cursor.at);
    if (n <= left / min_bytes) {
        return QJIT_OK;
    }
    return qj_fail(QJIT_BAD_FILE,
                   "'%s' says that it has %llu %s, more than its %llu bytes can hold: it is cut off or "
                   "damaged, fetch it again",
                   reader->file->path, (unsigned long long)n, what,
                   (unsigned long long)reader->file->facts.n_bytes);
}

static qjit_status read_counts(struct reader *reader)
{
    if (!qj_gguf_take_length(&reader->cursor, &reader->n_tensors) ||
        !qj_gguf_take_length(&reader->cursor, &reader->n_entries)) {
        return cut(reader, "the header", NULL);
    }
    uint32_t length = reader->cursor.length_bytes;
    qjit_status status = check_count(reader, "tensors", reader->n_tensors, length + MIN_TENSOR_REST_BYTES);
    if (status == QJIT_OK) {
        status = check_count(reader, "entries of metadata", reader->n_entries, length + MIN_ENTRY_REST_BYTES);
    }
    return status;
}

/* A key or a tensor's name, copied. `what`: "the key of entry", with its number for the message. */
static qjit_status read_name(struct reader *reader, const char **out, const char *what, uint64_t number)
{
    uint64_t n;
    const uint8_t *bytes;
    char of[64];
    (void)snprintf(of, sizeof of, "%s %llu", what, (unsigned long long)number + 1);
    if (!qj_gguf_take_length(&reader->cursor, &n) || !qj_gguf_take(&reader->cursor, &bytes, n)) {
        return cut(reader, of, NULL);
    }
    const char *fault = qj_gguf_name_fault(bytes, n);
    if (fault) {
        return qj_fail(QJIT_BAD_FILE, "'%s': %s %s: the file is damaged, fetch it again", reader->file->path,
                       of, fault);
    }
    *out = strndup((const char *)bytes, n);
    return *out ? QJIT_OK : qj_fail(QJIT_NO_MEMORY, "no memory for the names in '%s'", reader->file->path);
}

static qjit_status bad_value(const struct reader *reader, const char *key, enum qj_gguf_fault fault)
{
    char shown[QJ_GGUF_SHOWN];
    (void)qj_gguf_shown(shown, key, strlen(key));
    const char *path = reader->file->path;
    switch (fault) {
    case QJ_GGUF_CUT:
        return cut(reader, "metadata", shown);
    case QJ_GGUF_NO_KIND:
        return qj_fail(
            QJIT_BAD_FILE,
            "'%s': metadata '%s' is of a kind that there is not: the file is damaged, or newer than "
            "qjit %s",
            path, shown, QJIT_VERSION_STRING);
    case QJ_GGUF_TOO_DEEP:
        return qj_fail(QJIT_BAD_FILE, "'%s': metadata '%s' has arrays in arrays, more than %d deep", path,
                       shown, QJIT_GGUF_MAX_DEPTH);
    default:
        return qj_fail(
            QJIT_BAD_FILE,
            "'%s': metadata '%s' has a bool that is neither 0 nor 1: the file is damaged, fetch it "
            "again",
            path, shown);
    }
}

static qjit_status read_entry(struct reader *reader, uint64_t number)
{
    struct qj_gguf_file *file = reader->file;
    uint32_t kind;
    if (!qj_gguf_reserve(&file->entries, file->n_entries, &file->entries_room, sizeof *file->entries)) {
        return qj_fail(QJIT_NO_MEMORY, "no memory for the metadata of '%s'", file->path);
    }
    qjit_gguf_entry *entry = &file->entries[file->n_entries];
    qjit_status status = read_name(reader, &entry->key, "the key of metadata entry", number);
    if (status != QJIT_OK) {
        return status;
    }
    file->n_entries++;
    enum qj_gguf_fault fault = QJ_GGUF_CUT;
    if (qj_gguf_take_u32(&reader->cursor, &kind)) {
        fault = qj_gguf_take_value(&reader->cursor, &entry->value, kind, 0);
    }
    return fault == QJ_GGUF_SOUND ? QJIT_OK : bad_value(reader, entry->key, fault);
}

static qjit_status bad_tensor(const struct reader *reader, const char *name, const char *fault)
{
    char shown[QJ_GGUF_SHOWN];
    return qj_fail(QJIT_BAD_FILE, "'%s': tensor '%s' %s: the file is damaged, or made by a faulty program",
                   reader->file->path, qj_gguf_shown(shown, name, strlen(name)), fault);
}

static bool take_dims(struct reader *reader, qjit_gguf_tensor *tensor)
{
    for (uint32_t i = 0; i < tensor->n_dims; i++) {
        if (!qj_gguf_take_length(&reader->cursor, &tensor->dims[i])) {
            return false;
        }
    }
    return true;
}

/* What follows the name. */
static qjit_status read_shape(struct reader *reader, qjit_gguf_tensor *tensor)
{
    uint32_t type;
    char shown[QJ_GGUF_SHOWN];
    (void)qj_gguf_shown(shown, tensor->name, strlen(tensor->name));
    if (!qj_gguf_take_u32(&reader->cursor, &tensor->n_dims)) {
        return cut(reader, "tensor", shown);
    }
    if (tensor->n_dims > QJIT_GGUF_MAX_DIMS) {
        return bad_tensor(reader, tensor->name, "has more than 4 dimensions");
    }
    if (!take_dims(reader, tensor) || !qj_gguf_take_u32(&reader->cursor, &type) ||
        !qj_gguf_take_u64(&reader->cursor, &tensor->offset)) {
        return cut(reader, "tensor", shown);
    }
    if (qjit_get_ggml_type(&tensor->type, type) != QJIT_OK) {
        return qj_fail(QJIT_BAD_FILE, "'%s': tensor '%s': %s", reader->file->path, shown,
                       qjit_error_detail());
    }
    const char *fault = qj_gguf_shape_fault(tensor);
    return fault ? bad_tensor(reader, tensor->name, fault) : QJIT_OK;
}

static qjit_status read_tensor(struct reader *reader, uint64_t number)
{
    qjit_gguf *gguf = reader->gguf;
    if (!qj_gguf_reserve(&gguf->tensors, gguf->n_tensors, &gguf->tensors_room, sizeof *gguf->tensors)) {
        return qj_fail(QJIT_NO_MEMORY, "no memory for the tensors of '%s'", reader->file->path);
    }
    qjit_gguf_tensor *tensor = &gguf->tensors[gguf->n_tensors];
    *tensor = (qjit_gguf_tensor){.part = gguf->n_files - 1};
    qjit_status status = read_name(reader, &tensor->name, "the name of tensor", number);
    if (status != QJIT_OK) {
        return status;
    }
    gguf->n_tensors++;
    reader->file->facts.n_tensors++;
    return read_shape(reader, tensor);
}

static qjit_status index_keys(struct qj_gguf_file *file)
{
    const char *twice;
    char shown[QJ_GGUF_SHOWN];
    qjit_status status =
        qj_gguf_names_init(&file->keys, file->entries, file->n_entries, sizeof *file->entries, &twice);
    if (status == QJIT_OK && twice) {
        status = qj_fail(QJIT_BAD_FILE,
                         "'%s' has metadata '%s' twice: the file is damaged, or made by a faulty program",
                         file->path, qj_gguf_shown(shown, twice, strlen(twice)));
    }
    return status;
}

qjit_status qj_gguf_parse(qjit_gguf *gguf)
{
    struct qj_gguf_file *file = &gguf->files[gguf->n_files - 1];
    static const uint8_t nothing;
    const uint8_t *bytes = file->bytes ? file->bytes : &nothing;
    struct reader reader = {{bytes, bytes + file->facts.n_bytes, 8}, file, gguf, 0, 0};
    qjit_status status = read_version(&reader);
    if (status == QJIT_OK) {
        status = read_counts(&reader);
    }
    for (uint64_t i = 0; status == QJIT_OK && i < reader.n_entries; i++) {
        status = read_entry(&reader, i);
    }
    for (uint64_t i = 0; status == QJIT_OK && i < reader.n_tensors; i++) {
        status = read_tensor(&reader, i);
    }
    file->facts.data_offset = (uint64_t)(reader.cursor.at - bytes);
    return status == QJIT_OK ? index_keys(file) : status;
}
