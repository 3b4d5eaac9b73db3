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
#include "hip/places.h"
#include "hip/rocm.h"

static const char to_do[] =
    "install libamdhip64-5 (Debian, Ubuntu) or ROCm, or set ROCM_PATH, or QJIT_HIP to a library's path";

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
static void borrow_rtc(struct qj_rocm *found, struct qj_places *places)
{
    struct qj_rocm other = {0};
    if (qj_rocm_find(&other, places) && (found->major == 0 || found->major == other.major)) {
        qj_rocm_take_rtc(found, other.rtc, other.rtc_facts);
    }
}

static qjit_status find_path(struct qj_rocm *found, struct qj_places *places, const char *path)
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
    struct qj_library_facts facts = qj_library_facts(found->runtime);
    found->major = facts.major;
    if (facts.own) {
        qj_rocm_take_rtc(found, found->runtime, facts);
        return QJIT_OK;
    }
    if (facts.compiles && !facts.runs) {
        qj_rocm_take_rtc(found, found->runtime, facts);
        found->runtime[0] = '\0';
    } else {
        qj_rocm_find_rtc(found, places, facts);
    }
    if (!found->rtc[0]) {
        borrow_rtc(found, places);
    }
    qj_rocm_find_comgr(found, places);
    return QJIT_OK;
}

/* libqjit_hip_NAME.so: beside the code you read, where its build or installation puts libraries, or where the
 * loader finds it. */
static qjit_status find_own(struct qj_rocm *found, struct qj_places *places, const char *which)
{
    static const char *const beside[] = {"", "/../lib", "/../lib/qjit", "/../../lib"};
    char name[QJ_SONAME_MAX], directory[PATH_MAX], path[PATH_MAX];
    (void)snprintf(name, sizeof name, "libqjit_hip_%s.so", which);
    char *self = qj_fs_path_of_code((const void *)to_do);
    qj_directory_of(directory, self ? self : "");
    bool ok = false;
    for (size_t i = 0; self && !ok && i < sizeof beside / sizeof *beside; i++) {
        int n = snprintf(path, sizeof path, "%s%s", directory, beside[i]);
        ok = n < PATH_MAX && qj_places_in(found->runtime, path, name);
    }
    free(self);
    if (!ok && !qj_places_find_any(found->runtime, places, name)) {
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

static qjit_status fill(struct qj_hip_where *out, const struct qj_rocm *found,
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
    struct qj_rocm found = {0};
    qjit_status status = QJIT_OK;
    memset(out, 0, sizeof *out);
    if (strcmp(which, "rocm") == 0) {
        out->kind = QJ_HIP_ROCM;
        status = qj_rocm_find(&found, &places) ? QJIT_OK : fail_rocm(search);
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
