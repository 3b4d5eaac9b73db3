#include "hip/rocm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hip/elf_file.h"
#include "hip/loaded.h"

/* Newest first. The comgr majors that the releases of a HIP major were built against, newest first. */
static const struct {
    int hip;
    int comgr[2];
} majors[] = {{7, {3, 0}}, {6, {3, 2}}, {5, {2, 0}}};
enum { N_MAJORS = sizeof majors / sizeof *majors };

struct qj_library_facts qj_library_facts(const char *path)
{
    struct qj_library_facts facts = {0};
    struct qj_elf_file file;
    char name[QJ_SONAME_MAX];
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

void qj_rocm_take_rtc(struct qj_rocm *found, const char *path, struct qj_library_facts facts)
{
    (void)memmove(found->rtc, path, strlen(path) + 1);
    found->rtc_facts = facts;
}

/* hipRTC for found->runtime, of its major: a library of its own beside it, inside it, or elsewhere. */
void qj_rocm_find_rtc(struct qj_rocm *found, struct qj_places *places, struct qj_library_facts runtime)
{
    char directory[PATH_MAX], name[QJ_SONAME_MAX], path[PATH_MAX];
    struct qj_library_facts facts;
    (void)snprintf(name, sizeof name, "libhiprtc.so.%d", found->major);
    qj_directory_of(directory, found->runtime);
    if (found->major > 0 && find_loaded(path, "libhiprtc.so") &&
        (facts = qj_library_facts(path)).major == found->major) {
        qj_rocm_take_rtc(found, path, facts);
    } else if (found->major > 0 && qj_places_in(path, directory, name)) {
        qj_rocm_take_rtc(found, path, qj_library_facts(path));
    } else if (runtime.compiles) {
        qj_rocm_take_rtc(found, found->runtime, runtime);
    } else if (found->major > 0 && qj_places_find_any(path, places, name)) {
        qj_rocm_take_rtc(found, path, qj_library_facts(path));
    }
}

static bool find_comgr_named(struct qj_rocm *found, struct qj_places *places, const char *name)
{
    char directory[PATH_MAX];
    qj_directory_of(directory, found->rtc);
    return find_loaded(found->comgr, name) || qj_places_in(found->comgr, directory, name) ||
           qj_places_find_any(found->comgr, places, name);
}

/* The comgr that found->rtc was linked with, or, since most open it by name, the newest that its major can
 * mean. */
void qj_rocm_find_comgr(struct qj_rocm *found, struct qj_places *places)
{
    int major = found->rtc_facts.major;
    char name[QJ_SONAME_MAX];
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

static bool find_runtime_at(struct qj_rocm *found, struct qj_places *places, enum qj_place place)
{
    for (size_t i = 0; i < N_MAJORS; i++) {
        char name[QJ_SONAME_MAX];
        (void)snprintf(name, sizeof name, "libamdhip64.so.%d", majors[i].hip);
        if (qj_places_find(found->runtime, places, place, name)) {
            found->major = majors[i].hip;
            qj_rocm_find_rtc(found, places, qj_library_facts(found->runtime));
            return true;
        }
    }
    found->runtime[0] = '\0';
    return false;
}

/* A hipRTC that lies where no runtime does; the runtime of its major may lie elsewhere, or nowhere. */
static bool find_rtc_at(struct qj_rocm *found, struct qj_places *places, enum qj_place place)
{
    for (size_t i = 0; i < N_MAJORS; i++) {
        char name[QJ_SONAME_MAX];
        (void)snprintf(name, sizeof name, "libhiprtc.so.%d", majors[i].hip);
        if (qj_places_find(found->rtc, places, place, name)) {
            found->major = majors[i].hip;
            found->rtc_facts = qj_library_facts(found->rtc);
            (void)snprintf(name, sizeof name, "libamdhip64.so.%d", found->major);
            (void)qj_places_find_any(found->runtime, places, name);
            return true;
        }
    }
    found->rtc[0] = '\0';
    return false;
}

bool qj_rocm_find(struct qj_rocm *found, struct qj_places *places)
{
    bool ok = find_loaded(found->runtime, "libamdhip64.so");
    if (ok) {
        struct qj_library_facts facts = qj_library_facts(found->runtime);
        found->major = facts.major;
        qj_rocm_find_rtc(found, places, facts);
    }
    for (int place = 0; place < QJ_N_PLACES && !ok; place++) {
        ok = find_runtime_at(found, places, (enum qj_place)place) ||
             find_rtc_at(found, places, (enum qj_place)place);
    }
    qj_rocm_find_comgr(found, places);
    return ok;
}
