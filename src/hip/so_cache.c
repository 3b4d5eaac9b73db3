#include "hip/so_cache.h"

#include <stdint.h>
#include <string.h>

/* The file as ldconfig writes it. Before it there may be a table in the form of libc 5, to be passed over.
 * Texts are given by their offset from the start of `struct header`. */
static const char magic[] = "glibc-ld.so.cache1.1";
static const char old_magic[] = "ld.so-1.7.0";

struct header {
    char magic[20];
    uint32_t n_entries, n_text;
    uint32_t unused[5];
};
struct entry {
    int32_t flags;
    uint32_t name, path, os_version;
    uint64_t hwcap;
};
enum { OLD_HEADER = 16, OLD_ENTRY = 12, KIND_MASK = 0xff, KIND_LIBC6 = 3, MACHINE_MASK = 0xff00 };

/* ldconfig's mark of 64 bit libraries. */
#if defined(__x86_64__)
enum { MACHINE = 0x300 };
#elif defined(__aarch64__)
enum { MACHINE = 0xa00 };
#else
enum { MACHINE = -1 };
#endif

/* The text at `offset`, if it ends inside. */
static const char *text_at(const char *bytes, size_t n, uint32_t offset)
{
    return offset < n && memchr(bytes + offset, '\0', n - offset) ? bytes + offset : NULL;
}

static size_t skip_old(const char *bytes, size_t n)
{
    uint32_t count;
    if (n < OLD_HEADER || memcmp(bytes, old_magic, strlen(old_magic)) != 0) {
        return 0;
    }
    memcpy(&count, bytes + 12, sizeof count);
    size_t end = (OLD_HEADER + (size_t)count * OLD_ENTRY + 7) / 8 * 8;
    return end < n ? end : n;
}

const char *qj_so_cache_find(const void *bytes, size_t n, const char *name)
{
    struct header header;
    size_t n_name = strlen(name);
    size_t start = bytes ? skip_old(bytes, n) : 0;
    const char *base = (const char *)bytes + start;
    n -= start;
    if (!bytes || n < sizeof header || memcmp(base, magic, strlen(magic)) != 0) {
        return NULL;
    }
    memcpy(&header, base, sizeof header);
    if (header.n_entries > (n - sizeof header) / sizeof(struct entry)) {
        return NULL;
    }
    for (size_t i = 0; i < header.n_entries; i++) {
        struct entry entry;
        memcpy(&entry, base + sizeof header + i * sizeof entry, sizeof entry);
        if ((entry.flags & KIND_MASK) != KIND_LIBC6 || entry.hwcap != 0 ||
            (MACHINE >= 0 && (entry.flags & MACHINE_MASK) != MACHINE)) {
            continue;
        }
        if (entry.name < n && n_name < n - entry.name && memcmp(base + entry.name, name, n_name + 1) == 0) {
            return text_at(base, n, entry.path);
        }
    }
    return NULL;
}
