/* Keys and tensor names. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "gguf/gguf.h"

static int compare(const void *left, const void *right)
{
    const struct qj_gguf_name *a = left, *b = right;
    int order = strcmp(a->name, b->name);
    return order ? order : (a->at > b->at) - (a->at < b->at);
}

qjit_status qj_gguf_names_init(struct qj_gguf_names *out, const void *things, size_t n, size_t step,
                               const char **out_twice)
{
    *out_twice = NULL;
    *out = (struct qj_gguf_names){calloc(n ? n : 1, sizeof *out->items), n};
    if (!out->items) {
        return qj_fail(QJIT_NO_MEMORY, "no memory for %zu names", n);
    }
    for (size_t i = 0; i < n; i++) {
        const char *name;
        memcpy(&name, (const char *)things + i * step, sizeof name);
        out->items[i] = (struct qj_gguf_name){name, i};
    }
    qsort(out->items, n, sizeof *out->items, compare);
    for (size_t i = 1; i < n && !*out_twice; i++) {
        if (strcmp(out->items[i - 1].name, out->items[i].name) == 0) {
            *out_twice = out->items[i].name;
        }
    }
    return QJIT_OK;
}

size_t qj_gguf_names_find(const struct qj_gguf_names *names, const char *name)
{
    size_t low = 0, high = names->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(names->items[middle].name, name);
        if (order == 0) {
            return names->items[middle].at;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return SIZE_MAX;
}

void qj_gguf_names_finish(struct qj_gguf_names *names)
{
    free(names->items);
    *names = (struct qj_gguf_names){0};
}

const char *qj_gguf_name_fault(const void *bytes, uint64_t n)
{
    if (n == 0) {
        return "is empty";
    }
    if (n > QJ_GGUF_MAX_NAME) {
        return "is longer than 65535 bytes";
    }
    return memchr(bytes, 0, n) ? "has a zero byte" : NULL;
}

const char *qj_gguf_shown(char out[static QJ_GGUF_SHOWN], const void *bytes, uint64_t n)
{
    const unsigned char *from = bytes;
    size_t kept = n < QJ_GGUF_SHOWN ? (size_t)n : QJ_GGUF_SHOWN - 4;
    for (size_t i = 0; i < kept; i++) {
        out[i] = (char)(from[i] < 0x20 || from[i] == 0x7f ? '?' : from[i]);
    }
    memcpy(out + kept, n > kept ? "..." : "", n > kept ? 4 : 1);
    return out;
}
