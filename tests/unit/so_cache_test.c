#include <stdint.h>

#include "hip/so_cache.h"
#include "hip_fixture.h"

/* ldconfig's mark of 64 bit libraries of glibc. */
#if defined(__aarch64__)
#define CACHE_FLAG 0xa03
#else
#define CACHE_FLAG 0x303
#endif

struct entry {
    int32_t flags;
    uint32_t name, path, os_version;
    uint64_t hwcap;
};

/* The cache of one machine: entry i has texts[2 i] and texts[2 i + 1]. */
static struct qj_buf make_cache(const struct entry *entries, uint32_t n_entries, const char *const *texts)
{
    struct qj_buf buf = {0}, text = {0};
    uint32_t counts[2] = {n_entries, 0}, unused[5] = {0};
    uint32_t start = (uint32_t)(48 + n_entries * sizeof *entries);
    for (uint32_t i = 0; i < 2 * n_entries; i++) {
        qj_buf_append(&text, texts[i], strlen(texts[i]) + 1);
    }
    qj_buf_append(&buf, "glibc-ld.so.cache1.1", 20);
    qj_buf_append(&buf, counts, sizeof counts);
    qj_buf_append(&buf, unused, sizeof unused);
    for (uint32_t i = 0; i < n_entries; i++) {
        struct entry entry = entries[i];
        entry.name = start;
        entry.path = start + (uint32_t)strlen(texts[2 * i]) + 1;
        start = entry.path + (uint32_t)strlen(texts[2 * i + 1]) + 1;
        qj_buf_append(&buf, &entry, sizeof entry);
    }
    qj_buf_append(&buf, text.bytes, text.size);
    qj_buf_finish(&text);
    return buf;
}

static const struct entry entries[] = {
    {0x003, 0, 0, 0, 0},                          /* 32 bit */
    {CACHE_FLAG, 0, 0, 0, UINT64_C(1) << 62 | 3}, /* for special processors */
    {CACHE_FLAG, 0, 0, 0, 0},
    {CACHE_FLAG, 0, 0, 0, 0},
};
static const char *const texts[] = {
    "libx.so.1", "/32/libx.so.1",  "libx.so.1",        "/hwcaps/libx.so.1",
    "libx.so.1", "/lib/libx.so.1", "libamdhip64.so.5", "/far/libamdhip64.so.5"};

Test(so_cache, finds_names)
{
    struct qj_buf cache = make_cache(entries, 4, texts);
    cr_assert_str_eq(qj_so_cache_find(cache.bytes, cache.size, "libx.so.1"), "/lib/libx.so.1");
    cr_assert_str_eq(qj_so_cache_find(cache.bytes, cache.size, "libamdhip64.so.5"), "/far/libamdhip64.so.5");
    cr_assert_null(qj_so_cache_find(cache.bytes, cache.size, "libx.so"));
    cr_assert_null(qj_so_cache_find(NULL, 0, "libx.so"));
    struct qj_buf old = {0}; /* a table of libc 5 with one entry before it */
    uint32_t one = 1;
    qj_buf_append(&old, "ld.so-1.7.0", 12);
    qj_buf_append(&old, &one, 4);
    qj_buf_append(&old, "123456789012", 12);
    qj_buf_append(&old, "pad.", 4);
    qj_buf_append(&old, cache.bytes, cache.size);
    cr_assert_str_eq(qj_so_cache_find(old.bytes, old.size, "libx.so.1"), "/lib/libx.so.1");
    qj_buf_finish(&old);
    qj_buf_finish(&cache);
}

Test(so_cache, survives_damage)
{
    struct qj_buf cache = make_cache(entries, 4, texts);
    size_t n_found = 0;
    for (size_t i = 0; i < cache.size; i++) {
        char *cut = malloc(i ? i : 1);
        memcpy(cut, cache.bytes, i);
        n_found += qj_so_cache_find(cut, i, "libamdhip64.so.5") != NULL;
        free(cut);
        char *changed = malloc(cache.size);
        for (int bit = 0; bit < 8; bit++) {
            memcpy(changed, cache.bytes, cache.size);
            changed[i] = (char)(changed[i] ^ 1 << bit);
            const char *path = qj_so_cache_find(changed, cache.size, "libx.so.1");
            n_found += path && strlen(path) > cache.size;
        }
        free(changed);
    }
    cr_assert_eq(n_found, 0); /* the path asked for is the last text: no cut file holds it whole */
    qj_buf_finish(&cache);
}

Test(so_cache, leads_to_libraries)
{
    struct qj_buf cache = make_cache(entries, 4, texts);
    put_link("far/libamdhip64.so.5", ROCM5 "/lib/libamdhip64.so.5");
    const char *path = put_link("etc/ld.so.cache", "x");
    cr_assert_eq(unlink(path), 0);
    FILE *file = fopen(path, "wb");
    cr_assert_eq(fwrite(cache.bytes, 1, cache.size, file), cache.size);
    cr_assert_eq(fclose(file), 0);
    struct qj_hip_search search = search_for("rocm", NULL);
    char root[PATH_MAX];
    (void)snprintf(root, sizeof root, "%s", scratch("etc"));
    *strrchr(root, '/') = '\0';
    search.root = root;
    struct qj_hip_where where = find(search);
    cr_assert(strstr(where.runtime, "/far/libamdhip64.so.5"), "%s", where.runtime);
    qj_hip_where_finish(&where);
    qj_buf_finish(&cache);
}

/* The file that this machine's ldconfig wrote, where it is glibc. */
Test(so_cache, reads_this_machines)
{
    struct qj_buf cache = {0};
    if (qj_fs_read(&cache, "/etc/ld.so.cache", 64 << 20) != 0) {
        cr_skip_test("no /etc/ld.so.cache");
    }
    const char *path = qj_so_cache_find(cache.bytes, cache.size, "libc.so.6");
    cr_assert_not_null(path);
    cr_assert(qj_fs_exists(path), "%s", path);
    cr_assert_str_eq(strrchr(path, '/'), "/libc.so.6");
    qj_buf_finish(&cache);
}
