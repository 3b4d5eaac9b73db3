#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/status.h"
#include "hip/elf_file.h"
#include "hip/hip.h"
#include "hip/loaded.h"
#include "hip/places.h"

/* Newest first. The comgr majors that the releases of a HIP major were built against, newest first. */
static const struct {
    int hip;
    int comgr[2];
} majors[] = {{7, {3, 0}}, {6, {3, 2}}, {5, {2, 0}}};
enum { N_MAJORS = sizeof majors / sizeof *majors, NAME_MAX_BYTES = 64 };

static const char to_do[] =
    "install libamdhip64-5 (Debian, Ubuntu) or ROCm, or set ROCM_PATH, or QJIT_HIP to a library's path";

static void directory_of(char out[static PATH_MAX], const char *path)
{
    (void)snprintf(out, PATH_MAX, "%s", path);
    char *slash = strrchr(out, '/');
    if (slash) {
        slash[slash == out] = '\0';
    }
}

/* What a library's file says of it, read once. */
struct facts {
    int major;           /* N of "libamdhip64.so.N" or "libhiprtc.so.N", which it calls itself; else 0 */
    bool runs, compiles; /* it holds the run-time half, hipRTC */
    bool own;            /* it is one of ours */
    char comgr[NAME_MAX_BYTES]; /* the comgr it was linked with, or "" */
};

static struct facts read_facts(const char *path)
{
    struct facts facts = {0};
    struct qj_elf_file file;
    char name[NAME_MAX_BYTES];
    if (!qj_elf_file_open(&file, path)) {
        return facts;
    }
    if (qj_elf_file_text(name, sizeof name, &file, DT_SONAME, 0) &&
        sscanf(name, "libamdhip64.so.%d", &facts.major) != 1) {
        (void)sscanf(name, "libhiprtc.so.%d", &facts.major);
    }
    for (size_t i = 0; !facts.comgr[0] && qj_elf_file_text(name, sizeof name, &file, DT_NEEDED, i); i++) {
        if (strncmp(name, "libamd_comgr.so.", 16) == 0) {
            memcpy(facts.comgr, name, sizeof name);
        }
    }
    facts.runs = qj_elf_file_exports(&file, "hipModuleLoadData");
    facts.compiles = qj_elf_file_exports(&file, "hiprtcCompileProgram");
    facts.own = qj_elf_file_exports(&file, "qjitCompilerFiles");
    qj_elf_file_close(&file);
    return facts;
}

/* What one search collects; "" where there is none. */
struct found {
    char runtime[PATH_MAX], rtc[PATH_MAX], comgr[PATH_MAX];
    int major;              /* of HIP; 0: any, or unknown */
    struct facts rtc_facts; /* valid where rtc is set */
};

static bool find_anywhere(char out[static PATH_MAX], struct qj_places *places, const char *name)
{
    for (int place = 0; place < QJ_N_PLACES; place++) {
        if (qj_places_find(out, places, (enum qj_place)place, name)) {
            return true;
        }
    }
    out[0] = '\0';
    return false;
}

/* A loaded copy of `name`, by its absolute path. */
static bool find_loaded(char out[static PATH_MAX], const char *name)
{
    char path[PATH_MAX];
    if (qj_loaded_find(path, name) && realpath(path, out)) {
        if (path[0] == '/') { /* the path it was loaded by says more than where its links lead */
            memcpy(out, path, sizeof path);
        }
        return true;
    }
    out[0] = '\0';
    return false;
}

/* ---- the parts ----------------------------------------------------------------------- */

static void take_rtc(struct found *found, const char *path, struct facts facts)
{
    (void)memmove(found->rtc, path, strlen(path) + 1);
    found->rtc_facts = facts;
}

/* hipRTC for found->runtime, of its major: a library of its own beside it, inside it, or elsewhere. */
static void find_rtc(struct found *found, struct qj_places *places, struct facts runtime)
{
    char directory[PATH_MAX], name[NAME_MAX_BYTES], path[PATH_MAX];
    struct facts facts;
    (void)snprintf(name, sizeof name, "libhiprtc.so.%d", found->major);
    directory_of(directory, found->runtime);
    if (found->major > 0 && find_loaded(path, "libhiprtc.so") &&
        (facts = read_facts(path)).major == found->major) {
        take_rtc(found, path, facts);
    } else if (found->major > 0 && qj_places_in(path, directory, name)) {
        take_rtc(found, path, read_facts(path));
    } else if (runtime.compiles) {
        take_rtc(found, found->runtime, runtime);
    } else if (found->major > 0 && find_anywhere(path, places, name)) {
        take_rtc(found, path, read_facts(path));
    }
}

static bool find_comgr_named(struct found *found, struct qj_places *places, const char *name)
{
    char directory[PATH_MAX];
    directory_of(directory, found->rtc);
    return find_loaded(found->comgr, name) || qj_places_in(found->comgr, directory, name) ||
           find_anywhere(found->comgr, places, name);
}

/* The comgr that found->rtc was linked with, or, since most open it by name, the newest that its major can
 * mean. */
static void find_comgr(struct found *found, struct qj_places *places)
{
    int major = found->rtc_facts.major;
    char name[NAME_MAX_BYTES];
    found->comgr[0] = '\0';
    if (!found->rtc[0]) {
        return;
    }
    if (found->rtc_facts.comgr[0]) {
        (void)find_comgr_named(found, places, found->rtc_facts.comgr);
        return;
    }
    for (size_t i = 0; i < N_MAJORS; i++) {
        for (size_t j = 0; j < 2 && majors[i].comgr[j] && (major == 0 || major == majors[i].hip); j++) {
            (void)snprintf(name, sizeof name, "libamd_comgr.so.%d", majors[i].comgr[j]);
            if (find_comgr_named(found, places, name)) {
                return;
            }
        }
    }
}

/* ---- ROCm ---------------------------------------------------------------------------- */

static bool find_runtime_at(struct found *found, struct qj_places *places, enum qj_place place)
{
    for (size_t i = 0; i < N_MAJORS; i++) {
        char name[NAME_MAX_BYTES];
        (void)snprintf(name, sizeof name, "libamdhip64.so.%d", majors[i].hip);
        if (qj_places_find(found->runtime, places, place, name)) {
            found->major = majors[i].hip;
            find_rtc(found, places, read_facts(found->runtime));
            return true;
        }
    }
    found->runtime[0] = '\0';
    return false;
}

/* A hipRTC that lies where no runtime does; the runtime of its major may lie elsewhere, or nowhere. */
static bool find_rtc_at(struct found *found, struct qj_places *places, enum qj_place place)
{
    for (size_t i = 0; i < N_MAJORS; i++) {
        char name[NAME_MAX_BYTES];
        (void)snprintf(name, sizeof name, "libhiprtc.so.%d", majors[i].hip);
        if (qj_places_find(found->rtc, places, place, name)) {
            found->major = majors[i].hip;
            found->rtc_facts = read_facts(found->rtc);
            (void)snprintf(name, sizeof name, "libamdhip64.so.%d", found->major);
            (void)find_anywhere(found->runtime, places, name);
            return true;
        }
    }
    found->rtc[0] = '\0';
    return false;
}

static bool find_rocm(struct found *found, struct qj_places *places)
{
    bool ok = find_loaded(found->runtime, "libamdhip64.so");
    if (ok) {
        struct facts facts = read_facts(found->runtime);
        found->major = facts.major;
        find_rtc(found, places, facts);
    }
    for (int place = 0; place < QJ_N_PLACES && !ok; place++) {
        ok = find_runtime_at(found, places, (enum qj_place)place) ||
             find_rtc_at(found, places, (enum qj_place)place);
    }
    find_comgr(found, places);
    return ok;
}

static qjit_status fail_rocm(const struct qj_hip_search *search)
{
    return qj_fail(
        QJIT_HIP_NOT_FOUND,
        "no HIP library found: looked for libamdhip64.so.7, .6, .5 and libhiprtc.so.7, .6, .5 in %s%s%s"
        "%s%s%sld.so.cache, the system's library directories and /opt/rocm/lib; %s",
        search->rocm_path ? "'" : "", search->rocm_path ? search->rocm_path : "",
        search->rocm_path ? "/lib', " : "", search->library_path ? "'" : "",
        search->library_path ? search->library_path : "", search->library_path ? "', " : "", to_do);
}

/* ---- a library by path or of our own ------------------------------------------------- */

static qjit_status check_path(const char *path)
{
    struct stat info;
    struct qj_elf_file file;
    if (stat(path, &info) != 0) {
        return qj_fail(QJIT_HIP_NOT_FOUND,
                       "no HIP library at '%s': %s; correct the path (option hip, QJIT_HIP)", path,
                       strerror(errno));
    }
    if (S_ISDIR(info.st_mode)) {
        return qj_fail(QJIT_HIP_UNUSABLE, "'%s' is a directory: name the library in it, as libamdhip64.so.5",
                       path);
    }
    if (!qj_elf_file_open(&file, path)) {
        return qj_fail(QJIT_HIP_UNUSABLE, "HIP library '%s' cannot be read: %s", path, strerror(errno));
    }
    qj_elf_file_close(&file);
    return file.is_library ? QJIT_OK
                           : qj_fail(QJIT_HIP_UNUSABLE, "'%s' is no shared library for this machine", path);
}

/* The compiler that a search for "rocm" finds, for a runtime that has none; not of another major. */
static void borrow_rtc(struct found *found, struct qj_places *places)
{
    struct found other = {0};
    if (find_rocm(&other, places) && (found->major == 0 || found->major == other.major)) {
        take_rtc(found, other.rtc, other.rtc_facts);
    }
}

static qjit_status find_path(struct found *found, struct qj_places *places, const char *path)
{
    char current[PATH_MAX] = "";
    if (path[0] != '/' && !getcwd(current, sizeof current)) {
        return qj_fail(QJIT_HIP_NOT_FOUND, "no HIP library at '%s': %s", path, strerror(errno));
    }
    int n = snprintf(found->runtime, PATH_MAX, "%s%s%s", current, current[0] ? "/" : "", path);
    if (n >= PATH_MAX) {
        return qj_fail(QJIT_HIP_NOT_FOUND, "no HIP library at '%.100s...': path too long", path);
    }
    qjit_status status = check_path(found->runtime);
    if (status != QJIT_OK) {
        return status;
    }
    struct facts facts = read_facts(found->runtime);
    found->major = facts.major;
    if (facts.own) {
        take_rtc(found, found->runtime, facts);
        return QJIT_OK;
    }
    if (facts.compiles && !facts.runs) {
        take_rtc(found, found->runtime, facts);
        found->runtime[0] = '\0';
    } else {
        find_rtc(found, places, facts);
    }
    if (!found->rtc[0]) {
        borrow_rtc(found, places);
    }
    find_comgr(found, places);
    return QJIT_OK;
}

/* libqjit_hip_NAME.so: beside the code you read, where its build or installation puts libraries, or where the
 * loader finds it. */
static qjit_status find_own(struct found *found, struct qj_places *places, const char *which)
{
    static const char *const beside[] = {"", "/../lib", "/../lib/qjit", "/../../lib"};
    char name[NAME_MAX_BYTES], directory[PATH_MAX], path[PATH_MAX];
    (void)snprintf(name, sizeof name, "libqjit_hip_%s.so", which);
    char *self = qj_fs_path_of_code((const void *)majors);
    directory_of(directory, self ? self : "");
    bool ok = false;
    for (size_t i = 0; self && !ok && i < sizeof beside / sizeof *beside; i++) {
        int n = snprintf(path, sizeof path, "%s%s", directory, beside[i]);
        ok = n < PATH_MAX && qj_places_in(found->runtime, path, name);
    }
    free(self);
    if (!ok && !find_anywhere(found->runtime, places, name)) {
        return qj_fail(
            QJIT_HIP_NOT_FOUND,
            "no '%s' found: looked in '%s', in lib beside it and in the loader's places; build qjit with "
            "it, or set QJIT_HIP to its path",
            name, directory);
    }
    char *resolved = realpath(found->runtime, NULL); /* without the ".." of the places above */
    if (resolved) {
        (void)snprintf(found->runtime, sizeof found->runtime, "%s", resolved);
    }
    free(resolved);
    memcpy(found->rtc, found->runtime, sizeof found->rtc);
    return QJIT_OK;
}

/* ---- the call ------------------------------------------------------------------------ */

static char *copy(const char *text, bool *failed)
{
    char *out = text && *text ? strdup(text) : NULL;
    *failed = *failed || (text && *text && !out);
    return out;
}

static qjit_status fill(struct qj_hip_where *out, const struct found *found,
                        const struct qj_hip_search *search)
{
    bool failed = false;
    out->runtime = copy(found->runtime, &failed);
    out->rtc = copy(found->rtc, &failed);
    out->comgr = copy(found->comgr, &failed);
    out->library_path = copy(search->library_path, &failed);
    out->root = copy(search->root, &failed);
    if (failed) {
        qj_hip_where_finish(out);
        return qj_fail(QJIT_NO_MEMORY, "out of memory");
    }
    return QJIT_OK;
}

qjit_status qj_hip_find(struct qj_hip_where *out, const struct qj_hip_search *search)
{
    const char *which = search->which ? search->which : "rocm";
    struct qj_places places = {search->rocm_path, search->library_path, search->root, {0}, false};
    struct found found = {0};
    qjit_status status = QJIT_OK;
    memset(out, 0, sizeof *out);
    if (strcmp(which, "rocm") == 0) {
        out->kind = QJ_HIP_ROCM;
        status = find_rocm(&found, &places) ? QJIT_OK : fail_rocm(search);
    } else if (strcmp(which, "cpu") == 0 || strcmp(which, "cuda") == 0) {
        out->kind = strcmp(which, "cpu") == 0 ? QJ_HIP_CPU : QJ_HIP_CUDA;
        status = find_own(&found, &places, which);
    } else if (strchr(which, '/')) {
        out->kind = QJ_HIP_PATH;
        status = find_path(&found, &places, which);
    } else {
        status = qj_fail(QJIT_HIP_NOT_FOUND,
                         "'%s' names no HIP library: use rocm, cpu, cuda or a path with a '/'", which);
    }
    qj_places_finish(&places);
    return status == QJIT_OK ? fill(out, &found, search) : status;
}

void qj_hip_where_finish(struct qj_hip_where *where)
{
    if (!where) {
        return;
    }
    free(where->runtime);
    free(where->rtc);
    free(where->comgr);
    free(where->library_path);
    free(where->root);
    memset(where, 0, sizeof *where);
}
