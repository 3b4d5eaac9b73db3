#include "object/kernel_args.h"

#include <string.h>

static bool is(const char *text, size_t n, const char *expected)
{
    return n == strlen(expected) && memcmp(text, expected, n) == 0;
}

/* One argument: a map. */
static bool read_arg(struct qj_msgpack *reader, struct qj_buf *sizes, uint32_t *n_args)
{
    static const char hidden[] = "hidden_";
    size_t n_pairs, n_key, n_text;
    const char *key, *text = "";
    uint64_t n_bytes = 0;
    if (!qj_msgpack_map(reader, &n_pairs)) {
        return false;
    }
    for (n_text = 0; n_pairs > 0; n_pairs--) {
        if (!qj_msgpack_text(reader, &key, &n_key)) {
            return false;
        }
        const bool is_read = is(key, n_key, ".value_kind") ? qj_msgpack_text(reader, &text, &n_text)
                             : is(key, n_key, ".size")     ? qj_msgpack_uint(reader, &n_bytes)
                                                           : qj_msgpack_skip(reader);
        if (!is_read) {
            return false;
        }
    }
    if (n_text < strlen(hidden) || memcmp(text, hidden, strlen(hidden)) != 0) {
        const uint32_t narrow = n_bytes < UINT32_MAX ? (uint32_t)n_bytes : UINT32_MAX;
        qj_buf_append(sizes, &narrow, sizeof narrow);
        ++*n_args;
    }
    return true;
}

bool qj_kernel_args_read(struct qj_msgpack *reader, struct qj_buf *sizes, uint32_t *n_args)
{
    size_t n;
    bool ok = qj_msgpack_array(reader, &n);
    *n_args = 0;
    for (; ok && n > 0; n--) {
        ok = read_arg(reader, sizes, n_args);
    }
    return ok;
}
