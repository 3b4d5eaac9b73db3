#include "hip/loaded.h"

#include <link.h>
#include <string.h>
#include <sys/stat.h>

struct wanted {
    const char *name; /* of the file, or NULL */
    const char *path; /* the file itself, or NULL */
    struct stat info; /* of `path` */
    bool has_info, found, has_id;
    char *out;
};

static bool is_named(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    const char *file = slash ? slash + 1 : path;
    size_t n = strlen(name);
    return strncmp(file, name, n) == 0 && (file[n] == '\0' || file[n] == '.');
}

static bool is_file(const char *path, const struct wanted *wanted)
{
    struct stat info;
    return strcmp(path, wanted->path) == 0 ||
           (wanted->has_info && stat(path, &info) == 0 && info.st_dev == wanted->info.st_dev &&
            info.st_ino == wanted->info.st_ino);
}

static int match_name(struct dl_phdr_info *library, size_t n, void *payload)
{
    struct wanted *wanted = payload;
    (void)n;
    if (!library->dlpi_name || !is_named(library->dlpi_name, wanted->name) ||
        strlen(library->dlpi_name) >= PATH_MAX) {
        return 0;
    }
    memcpy(wanted->out, library->dlpi_name, strlen(library->dlpi_name) + 1);
    return wanted->found = true;
}

bool qj_loaded_find(char out[static PATH_MAX], const char *name)
{
    struct wanted wanted = {.name = name, .out = out};
    (void)dl_iterate_phdr(match_name, &wanted);
    return wanted.found;
}

static int match_file(struct dl_phdr_info *library, size_t n, void *payload)
{
    struct wanted *wanted = payload;
    (void)n;
    if (!library->dlpi_name || !*library->dlpi_name || !is_file(library->dlpi_name, wanted)) {
        return 0;
    }
    for (size_t i = 0; i < library->dlpi_phnum && !wanted->has_id; i++) {
        const ElfW(Phdr) *segment = &library->dlpi_phdr[i];
        if (segment->p_type == PT_NOTE) {
            const char *base = (const char *)library->dlpi_addr;
            wanted->has_id = qj_build_id_from_notes(wanted->out, base + segment->p_vaddr, segment->p_memsz,
                                                    segment->p_align);
        }
    }
    return wanted->found = true;
}

bool qj_loaded_build_id(char out[static QJ_BUILD_ID_MAX], bool *is_loaded, const char *path)
{
    struct wanted wanted = {.path = path, .out = out};
    wanted.has_info = stat(path, &wanted.info) == 0;
    (void)dl_iterate_phdr(match_file, &wanted);
    *is_loaded = wanted.found;
    return wanted.has_id;
}
