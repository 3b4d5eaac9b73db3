#include <sys/stat.h>

#include "hip/elf_file.h"
#include "hip/identity.h"
#include "hip_fixture.h"

static void get(char out[static QJ_IDENTITY_MAX], struct qj_hip_search search)
{
    struct qj_hip_where where = find(search);
    cr_assert_eq(qj_identity_get(out, &where), QJIT_OK, "%s", qjit_error_detail());
    qj_hip_where_finish(&where);
}

/* The build-ids are those that the fakes were linked with. */
Test(identity, names_every_library_that_shapes_code)
{
    char id[QJ_IDENTITY_MAX];
    get(id, search_for("rocm", ROCM7));
    cr_assert_str_eq(id, "hiprtc=" ID_ROCM7_RTC " comgr=" ID_ROCM7_COMGR " llvm=" ID_ROCM7_LLVM
                         " clang=" ID_ROCM7_CLANG);
    get(id, search_for("rocm", ROCM5));
    cr_assert_str_eq(id, "hiprtc=" ID_ROCM5_HIP " comgr=" ID_ROCM5_COMGR);
}

static void copy_rocm7(const char *old, const char *new, const char *changed)
{
    static const char *const names[] = {"lib/libamdhip64.so.7", "lib/libhiprtc.so.7", "lib/libamd_comgr.so.3",
                                        "lib/llvm/libLLVM.so.22.1", "lib/llvm/libclang-cpp.so.22.1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char source[PATH_MAX];
        (void)snprintf(source, sizeof source, "%s/%s", ROCM7, names[i]);
        bool here = changed && strstr(names[i], changed);
        (void)put_copy(names[i], source, here ? old : NULL, new, 4);
    }
}

Test(identity, is_the_same_for_the_same_compiler_elsewhere)
{
    char id[QJ_IDENTITY_MAX], copied[QJ_IDENTITY_MAX];
    copy_rocm7(NULL, NULL, NULL);
    get(id, search_for("rocm", ROCM7));
    get(copied, search_for("rocm", scratch("")));
    cr_assert_str_eq(copied, id);
}

/* The first four bytes of a build-id, from its hexadecimal. */
static void expect_changed_by(const char *hex, const char *library)
{
    char id[QJ_IDENTITY_MAX], changed[QJ_IDENTITY_MAX], bytes[4];
    for (size_t i = 0; i < sizeof bytes; i++) {
        unsigned byte;
        cr_assert_eq(sscanf(hex + 2 * i, "%2x", &byte), 1);
        bytes[i] = (char)byte;
    }
    copy_rocm7(bytes, "\x12\x34\x56\x78", library);
    get(id, search_for("rocm", ROCM7));
    get(changed, search_for("rocm", scratch("")));
    cr_assert_str_neq(changed, id);
    cr_assert(strstr(changed, "=12345678"), "%s", changed);
    cr_assert_eq(strlen(changed), strlen(id));
}

Test(identity, changes_with_hiprtc)
{
    expect_changed_by(ID_ROCM7_RTC, "libhiprtc");
}

Test(identity, changes_with_comgr)
{
    expect_changed_by(ID_ROCM7_COMGR, "libamd_comgr");
}

Test(identity, changes_with_llvm)
{
    expect_changed_by(ID_ROCM7_LLVM, "libLLVM");
}

Test(identity, misses_what_comgr_needs)
{
    put_link("lib/libamdhip64.so.7", ROCM7 "/lib/libamdhip64.so.7");
    put_link("lib/libhiprtc.so.7", ROCM7 "/lib/libhiprtc.so.7");
    (void)put_copy("lib/libamd_comgr.so.3", ROCM7 "/lib/libamd_comgr.so.3", NULL, NULL, 0);
    char id[QJ_IDENTITY_MAX];
    struct qj_hip_search search = search_for("rocm", scratch(""));
    struct qj_hip_where where = find(search);
    cr_assert_eq(qj_identity_get(id, &where), QJIT_COMPILER_NOT_FOUND);
    expect_detail("libLLVM.so.22.1");
    expect_detail("install it");
    qj_hip_where_finish(&where);
    search.library_path = ROCM7 "/lib/llvm"; /* as the loader would */
    get(id, search);
    cr_assert(strstr(id, "llvm=" ID_ROCM7_LLVM), "%s", id);
}

Test(identity, wants_a_compiler)
{
    char id[QJ_IDENTITY_MAX];
    struct qj_hip_where where = find(search_for(FAKE, NULL));
    cr_assert_eq(qj_identity_get(id, &where), QJIT_COMPILER_NOT_FOUND);
    expect_detail("no hipRTC");
    qj_hip_where_finish(&where);
    put_link("lib/libamdhip64.so.5", ROCM5 "/lib/libamdhip64.so.5");
    where = find(search_for("rocm", scratch("")));
    cr_assert_eq(qj_identity_get(id, &where), QJIT_COMPILER_NOT_FOUND);
    expect_detail("libamd-comgr2");
    qj_hip_where_finish(&where);
}

Test(identity, of_what_is_loaded_is_that_of_the_files)
{
    char id[QJ_IDENTITY_MAX], loaded[QJ_IDENTITY_MAX];
    struct qj_hip_where where = find(search_for("rocm", ROCM7));
    struct qj_hip hip = {0};
    cr_assert_eq(qj_identity_loaded(loaded, &where), QJIT_COMPILER_NOT_FOUND);
    expect_detail("is not loaded");
    cr_assert_eq(qj_hip_open_rtc(&hip, &where), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qj_identity_get(id, &where), QJIT_OK);
    cr_assert_eq(qj_identity_loaded(loaded, &where), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_str_eq(loaded, id);
    qj_hip_where_finish(&where);
}

/* An upgrade under a running process: the file is another one, the loaded library is not. */
Test(identity, of_what_is_loaded_stays_when_the_file_changes)
{
    char id[QJ_IDENTITY_MAX], loaded[QJ_IDENTITY_MAX];
    copy_rocm7(NULL, NULL, NULL);
    struct qj_hip_where where = find(search_for("rocm", scratch("")));
    struct qj_hip hip = {0};
    cr_assert_eq(qj_hip_open_rtc(&hip, &where), QJIT_OK, "%s", qjit_error_detail());
    (void)rename(where.rtc, scratch("lib/old"));
    put_link("lib/libhiprtc.so.7", ROCM5 "/lib/libamdhip64.so.5");
    cr_assert_eq(qj_identity_get(id, &where), QJIT_OK);
    cr_assert_eq(qj_identity_loaded(loaded, &where), QJIT_OK, "%s", qjit_error_detail());
    cr_assert(strstr(id, "hiprtc=" ID_ROCM5_HIP), "%s", id);
    cr_assert(strstr(loaded, "hiprtc=" ID_ROCM7_RTC), "%s", loaded);
    qj_hip_where_finish(&where);
}

Test(identity, of_our_own_library_names_its_tools)
{
    char id[QJ_IDENTITY_MAX], expected[QJ_IDENTITY_MAX], files[2 * PATH_MAX];
    struct stat info;
    cr_assert_eq(stat(SAMPLES "/README.md", &info), 0);
    (void)snprintf(files, sizeof files, "%s:%s", ROCM7 "/lib/llvm/libLLVM.so.22.1", SAMPLES "/README.md");
    setenv("FAKE_HIP_FILES", files, 1);
    get(id, search_for(FAKE_OWN, NULL));
    (void)snprintf(expected, sizeof expected, "hiprtc=%s tool=%s tool=none-%lld-%lld", ID_HIP_OWN,
                   ID_ROCM7_LLVM, (long long)info.st_size,
                   (long long)info.st_mtim.tv_sec * 1000000000 + (long long)info.st_mtim.tv_nsec);
    cr_assert_str_eq(id, expected);
}

Test(identity, of_our_own_library_without_a_compiler_fails)
{
    char id[QJ_IDENTITY_MAX];
    struct qj_hip_where where = find(search_for(FAKE_OWN, NULL));
    cr_assert_eq(qj_identity_get(id, &where), QJIT_COMPILER_NOT_FOUND);
    expect_detail("finds no compiler");
    setenv("FAKE_HIP_FILES", "/nonexistent/clang", 1);
    cr_assert_eq(qj_identity_get(id, &where), QJIT_COMPILER_NOT_FOUND);
    expect_detail("/nonexistent/clang");
    qj_hip_where_finish(&where);
}

/* ---- files that are not what they say ---------------------------------------------------------- */

/* All that is read of a library, from a damaged copy: no crash, no read outside (AddressSanitizer), an
 * answer. */
static void read_all(const char *path)
{
    struct qj_elf_file file;
    char text[QJ_BUILD_ID_MAX];
    cr_assert(qj_elf_file_open(&file, path));
    (void)qj_elf_file_build_id(text, &file);
    for (size_t i = 0; qj_elf_file_text(text, sizeof text, &file, DT_NEEDED, i); i++) {
    }
    (void)qj_elf_file_text(text, sizeof text, &file, DT_SONAME, 0);
    (void)qj_elf_file_exports(&file, "hiprtcCompileProgram");
    (void)qj_elf_file_exports(&file, "hipModuleLoadData");
    qj_elf_file_close(&file);
}

Test(elf_file, survives_damage)
{
    struct qj_buf bytes = {0};
    cr_assert_eq(qj_fs_read(&bytes, FAKE, 1 << 28), 0);
    const char *path = put_copy("copy.so", FAKE, NULL, NULL, 0);
    FILE *file = fopen(path, "r+b");
    cr_assert_not_null(file);
    /* the headers byte by byte; then, where dynamic section, hash and symbols lie, every 13th byte */
    for (size_t i = 0; i < bytes.size && i < 40000; i += i < 800 ? 1 : 13) {
        unsigned char changed = (unsigned char)bytes.bytes[i] ^ 0xff;
        (void)fseek(file, (long)i, SEEK_SET);
        (void)fwrite(&changed, 1, 1, file);
        (void)fflush(file);
        read_all(path);
        (void)fseek(file, (long)i, SEEK_SET);
        (void)fwrite(bytes.bytes + i, 1, 1, file);
    }
    (void)fclose(file);
    for (size_t n = bytes.size; n > 0; n = n * 7 / 8) {
        cr_assert_eq(truncate(path, (off_t)n), 0);
        read_all(path);
    }
    qj_buf_finish(&bytes);
}

Test(elf_file, reads_what_the_linker_wrote)
{
    struct qj_elf_file file;
    char text[QJ_BUILD_ID_MAX];
    cr_assert(qj_elf_file_open(&file, ROCM7 "/lib/libhiprtc.so.7"));
    cr_assert(file.is_library);
    cr_assert(qj_elf_file_text(text, sizeof text, &file, DT_SONAME, 0));
    cr_assert_str_eq(text, "libhiprtc.so.7");
    cr_assert_not(qj_elf_file_text(text, 5, &file, DT_SONAME, 0)); /* does not fit */
#define EXPORTED_RUNTIME  false
#define EXPORTED_OPTIONAL false
#define EXPORTED_RTC      true
#define QJ_HIP_FUNCTION(need, ret, name, params)                                                             \
    cr_assert_eq(qj_elf_file_exports(&file, #name), EXPORTED_##need, #name);
#include "hip/functions.def"
#undef QJ_HIP_FUNCTION
    cr_assert_not(qj_elf_file_exports(&file, "free")); /* used there, not defined */
    qj_elf_file_close(&file);
    cr_assert_not(qj_elf_file_open(&file, "/nonexistent"));
    cr_assert_not(qj_elf_file_open(&file, "/"));
}
