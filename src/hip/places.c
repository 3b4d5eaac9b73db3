#include "hip/places.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "hip/elf_file.h"
#include "hip/so_cache.h"

#if defined(__x86_64__)
#define TRIPLET "x86_64-linux-gnu"
#elif defined(__aarch64__)
#define TRIPLET "aarch64-linux-gnu"
#else
#define TRIPLET "."
#endif

enum { CACHE_BYTES_MAX = 64 << 20 };

/* What the loader of Debian, Fedora and others has built in, and what their ld.so.conf usually adds. */
static const char *const directories[] = {
    "/lib/" TRIPLET, "/usr/lib/" TRIPLET, "/usr/local/lib/" TRIPLET,
    "/lib64",        "/usr/lib64",        "/lib",
    "/usr/lib",      "/usr/local/lib64",  "/usr/local/lib",
    "/opt/rocm/lib", "/opt/rocm/lib64",
};

static bool is_library(const char *path)
{
    struct qj_elf_file file;
    if (!qj_elf_file_open(&file, path)) {
        return false;
    }
    qj_elf_file_close(&file);
    return file.is_library;
}

static bool is_library_in(char out[static PATH_MAX], const char *root, const char *directory,
                          size_t n_directory, const char *name)
{
    int n = snprintf(out, PATH_MAX, "%s%.*s/%s", root, (int)n_directory, directory, name);
    return n > 0 && n < PATH_MAX && out[0] == '/' && is_library(out);
}

bool qj_places_in(char out[static PATH_MAX], const char *directory, const char *name)
{
    return is_library_in(out, "", directory, strlen(directory), name);
}

/* Writes the entry with $ORIGIN and ${ORIGIN} replaced. False if it does not fit. */
static bool expand(char out[static PATH_MAX], const char *entry, size_t n, const char *origin)
{
    static const char *const spellings[] = {"$ORIGIN", "${ORIGIN}"};
    size_t used = 0;
    for (size_t i = 0; i < n;) {
        size_t n_taken = 1, n_put = 1;
        const char *put = entry + i;
        for (size_t j = 0; j < 2; j++) {
            size_t n_spelling = strlen(spellings[j]);
            if (origin && n - i >= n_spelling && memcmp(entry + i, spellings[j], n_spelling) == 0) {
                put = origin;
                n_put = strlen(origin);
                n_taken = n_spelling;
            }
        }
        if (n_put >= PATH_MAX - used) {
            return false;
        }
        memcpy(out + used, put, n_put);
        used += n_put;
        i += n_taken;
    }
    out[used] = '\0';
    return used > 0;
}

bool qj_places_in_list(char out[static PATH_MAX], const char *list, const char *origin, const char *name)
{
    while (list && *list) {
        size_t n = strcspn(list, ":;");
        char directory[PATH_MAX];
        if (expand(directory, list, n, origin) && qj_places_in(out, directory, name)) {
            return true;
        }
        list += n + (list[n] != '\0');
    }
    return false;
}

/* In ld.so.cache; false too if its entry is stale. */
static bool find_cached(char out[static PATH_MAX], struct qj_places *places, const char *name)
{
    const char *root = places->root ? places->root : "";
    if (!places->cache_read) {
        char path[PATH_MAX];
        int n = snprintf(path, sizeof path, "%s/etc/ld.so.cache", root);
        places->cache_read = true;
        if (n >= PATH_MAX || qj_fs_read(&places->cache, path, CACHE_BYTES_MAX) != 0) {
            qj_buf_finish(&places->cache); /* no cache is no error: musl has none */
        }
    }
    const char *path = qj_so_cache_find(places->cache.bytes, places->cache.size, name);
    if (!path) {
        return false;
    }
    int n = snprintf(out, PATH_MAX, "%s%s", root, path);
    return n > 0 && n < PATH_MAX && is_library(out);
}

static bool find_rocm(char out[static PATH_MAX], const struct qj_places *places, const char *name)
{
    static const char *const below[] = {"/lib", "/lib64"};
    for (size_t i = 0; places->rocm_path && *places->rocm_path && i < 2; i++) {
        char directory[PATH_MAX];
        int n = snprintf(directory, sizeof directory, "%s%s", places->rocm_path, below[i]);
        if (n < PATH_MAX && qj_places_in(out, directory, name)) {
            return true;
        }
    }
    return false;
}

bool qj_places_find(char out[static PATH_MAX], struct qj_places *places, enum qj_place place,
                    const char *name)
{
    if (place == QJ_PLACE_ROCM) {
        return find_rocm(out, places, name);
    }
    if (place == QJ_PLACE_LIBRARY_PATH) {
        return qj_places_in_list(out, places->library_path, NULL, name);
    }
    if (find_cached(out, places, name)) {
        return true;
    }
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
        if (is_library_in(out, places->root ? places->root : "", directories[i], strlen(directories[i]),
                          name)) {
            return true;
        }
    }
    return false;
}

bool qj_places_find_any(char out[static PATH_MAX], struct qj_places *places, const char *name)
{
    for (int place = 0; place < QJ_N_PLACES; place++) {
        if (qj_places_find(out, places, (enum qj_place)place, name)) {
            return true;
        }
    }
    out[0] = '\0';
    return false;
}

void qj_directory_of(char out[static PATH_MAX], const char *path)
{
    (void)snprintf(out, PATH_MAX, "%s", path);
    char *slash = strrchr(out, '/');
    if (slash) {
        slash[slash == out] = '\0';
    }
}

void qj_places_finish(struct qj_places *places)
{
    qj_buf_finish(&places->cache);
}
