#include "hip/identity.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "hip/elf_file.h"
#include "hip/loaded.h"
#include "hip/places.h"

enum { TOOLS_MAX = 16, NEEDED_MAX = 8, NAME_BYTES = 128 };

/* An identity being written. */
struct identity {
    char *out;
    size_t used;
    bool loaded; /* ask the loaded libraries, not the files */
};

static qjit_status append(struct identity *identity, const char *role, const char *id)
{
    int n = snprintf(identity->out + identity->used, QJ_IDENTITY_MAX - identity->used, "%s%s=%s",
                     identity->used ? " " : "", role, id);
    if (n < 0 || (size_t)n >= QJ_IDENTITY_MAX - identity->used) {
        return qj_fail(QJIT_HIP_UNUSABLE, "compiler consists of too many libraries to tell it from others");
    }
    identity->used += (size_t)n;
    return QJIT_OK;
}

static qjit_status append_file(struct identity *identity, const char *role, const char *path)
{
    struct qj_elf_file file;
    char id[QJ_BUILD_ID_MAX];
    bool is_loaded = true;
    bool has_id = identity->loaded && qj_loaded_build_id(id, &is_loaded, path);
    if (!is_loaded) {
        return qj_fail(QJIT_COMPILER_NOT_FOUND, "library '%s' is not loaded, or no longer the file that was",
                       path);
    }
    if (has_id) {
        return append(identity, role, id);
    }
    if (!qj_elf_file_open(&file, path)) {
        return qj_fail(QJIT_COMPILER_NOT_FOUND, "compiler's library '%s' cannot be read: %s", path,
                       strerror(errno));
    }
    if (!qj_elf_file_build_id(id, &file)) {
        (void)snprintf(id, sizeof id, "none-%" PRIu64 "-%" PRId64, file.size, file.mtime_ns);
    }
    qj_elf_file_close(&file);
    return append(identity, role, id);
}

/* ---- what comgr stands on ------------------------------------------------------------ */

/* As the loader searches for what `comgr` needs: its RPATH or RUNPATH, $LD_LIBRARY_PATH, the system. */
static bool find_needed(char out[static PATH_MAX], struct qj_places *places, const char *comgr,
                        struct qj_elf_file *file, const char *name)
{
    char list[PATH_MAX];
    bool has_runpath = qj_elf_file_text(list, sizeof list, file, DT_RUNPATH, 0);
    bool has_rpath = !has_runpath && qj_elf_file_text(list, sizeof list, file, DT_RPATH, 0);
    char origin[PATH_MAX]; /* $ORIGIN is the directory of the path that is opened, whatever it links to */
    qj_directory_of(origin, comgr);
    return (has_rpath && qj_places_in_list(out, list, origin, name)) ||
           qj_places_find(out, places, QJ_PLACE_LIBRARY_PATH, name) ||
           (has_runpath && qj_places_in_list(out, list, origin, name)) ||
           qj_places_find(out, places, QJ_PLACE_SYSTEM, name);
}

/* The libraries that generate comgr's code; `role` says the part they play. */
struct needed {
    const char *role;
    char name[NAME_BYTES];
};

/* Those that comgr was linked with, LLVM before clang. */
static size_t list_needed(struct needed out[static NEEDED_MAX], struct qj_elf_file *file)
{
    static const char *const stems[] = {"libLLVM", "libclang"}, *const roles[] = {"llvm", "clang"};
    struct needed clang[NEEDED_MAX];
    size_t n = 0, n_clang = 0;
    char name[NAME_BYTES];
    for (size_t i = 0; n + n_clang < NEEDED_MAX && qj_elf_file_text(name, sizeof name, file, DT_NEEDED, i);
         i++) {
        bool is_clang = strncmp(name, stems[1], strlen(stems[1])) == 0;
        if (is_clang || strncmp(name, stems[0], strlen(stems[0])) == 0) {
            struct needed *needed = is_clang ? &clang[n_clang++] : &out[n++];
            needed->role = roles[is_clang];
            memcpy(needed->name, name, sizeof name);
        }
    }
    memcpy(out + n, clang, n_clang * sizeof *clang);
    return n + n_clang;
}

static qjit_status append_needed(struct identity *identity, struct qj_places *places, const char *comgr,
                                 struct qj_elf_file *file)
{
    struct needed list[NEEDED_MAX];
    size_t n = list_needed(list, file);
    qjit_status status = QJIT_OK;
    for (size_t i = 0; status == QJIT_OK && i < n; i++) {
        char path[PATH_MAX];
        bool found = identity->loaded ? qj_loaded_find(path, list[i].name)
                                      : find_needed(path, places, comgr, file, list[i].name);
        status =
            found ? append_file(identity, list[i].role, path)
                  : qj_fail(QJIT_COMPILER_NOT_FOUND,
                            "library '%s', which '%s' needs, is not found: install it", list[i].name, comgr);
    }
    return status;
}

static qjit_status append_comgr(struct identity *identity, const struct qj_hip_where *where)
{
    struct qj_places places = {NULL, where->library_path, where->root, {0}, false};
    struct qj_elf_file file;
    qjit_status status = append_file(identity, "comgr", where->comgr);
    if (status != QJIT_OK) {
        return status;
    }
    if (!qj_elf_file_open(&file, where->comgr)) {
        return qj_fail(QJIT_COMPILER_NOT_FOUND, "compiler's library '%s' cannot be read: %s", where->comgr,
                       strerror(errno));
    }
    status = append_needed(identity, &places, where->comgr, &file);
    qj_elf_file_close(&file);
    qj_places_finish(&places);
    return status;
}

/* ---- libraries of our own ------------------------------------------------------------ */

/* Opens the library: it finds its compiler itself. */
static qjit_status append_tools(struct identity *identity, const char *path)
{
    const char *files[TOOLS_MAX];
    int (*list)(const char **out, int max);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *symbol = library ? dlsym(library, "qjitCompilerFiles") : NULL;
    if (!symbol) {
        const char *error = dlerror();
        return qj_fail(QJIT_HIP_UNUSABLE, "library '%s' cannot be loaded: %s", path,
                       error ? error : "no reason given");
    }
    memcpy(&list, &symbol, sizeof list);
    int n = list(files, TOOLS_MAX);
    if (n < 0 || n > TOOLS_MAX) {
        return qj_fail(QJIT_COMPILER_NOT_FOUND,
                       "library '%s' finds no compiler: install the one it uses (see "
                       "`qjit doctor`)",
                       path);
    }
    identity->loaded = false; /* these are mostly programs, not libraries in this process */
    qjit_status status = QJIT_OK;
    for (int i = 0; i < n && status == QJIT_OK; i++) {
        status = append_file(identity, "tool", files[i]);
    }
    return status;
}

static bool is_own(const char *path)
{
    struct qj_elf_file file;
    if (!qj_elf_file_open(&file, path)) {
        return false;
    }
    bool own = qj_elf_file_exports(&file, "qjitCompilerFiles");
    qj_elf_file_close(&file);
    return own;
}

/* ---- the calls ----------------------------------------------------------------------- */

static qjit_status get(struct identity *identity, const struct qj_hip_where *where)
{
    if (!where->rtc) {
        return qj_fail(QJIT_COMPILER_NOT_FOUND, "no hipRTC for '%s': install libhiprtc of the same version",
                       where->runtime ? where->runtime : "");
    }
    qjit_status status = append_file(identity, "hiprtc", where->rtc);
    if (status != QJIT_OK) {
        return status;
    }
    if (where->comgr) {
        return append_comgr(identity, where);
    }
    if (is_own(where->rtc)) {
        return append_tools(identity, where->rtc);
    }
    return qj_fail(
        QJIT_COMPILER_NOT_FOUND,
        "no libamd_comgr found for '%s': install libamd-comgr2 (Debian, Ubuntu; libamd-comgr3 from ROCm "
        "6.4 on)",
        where->rtc);
}

qjit_status qj_identity_get(char out[static QJ_IDENTITY_MAX], const struct qj_hip_where *where)
{
    struct identity identity = {out, 0, false};
    out[0] = '\0';
    return get(&identity, where);
}

qjit_status qj_identity_loaded(char out[static QJ_IDENTITY_MAX], const struct qj_hip_where *where)
{
    struct identity identity = {out, 0, true};
    out[0] = '\0';
    return get(&identity, where);
}
