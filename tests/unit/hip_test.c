#include <dlfcn.h>

#include "hip_fixture.h"

#if defined(__aarch64__)
#define TRIPLET "aarch64-linux-gnu"
#else
#define TRIPLET "x86_64-linux-gnu"
#endif

/* ---- find: ROCm -------------------------------------------------------------------------------- */

Test(hip_find, takes_rtc_from_a_library_of_its_own)
{
    struct qj_hip_where where = find(search_for("rocm", ROCM7));
    cr_assert_eq(where.kind, QJ_HIP_ROCM);
    expect_path(where.runtime, ROCM7 "/lib/libamdhip64.so.7");
    expect_path(where.rtc, ROCM7 "/lib/libhiprtc.so.7");
    expect_path(where.comgr, ROCM7 "/lib/libamd_comgr.so.3");
    qj_hip_where_finish(&where);
    qj_hip_where_finish(NULL);
}

Test(hip_find, takes_rtc_from_inside_the_runtime)
{
    struct qj_hip_where where = find(search_for(NULL, ROCM5));
    expect_path(where.runtime, ROCM5 "/lib/libamdhip64.so.5");
    expect_path(where.rtc, ROCM5 "/lib/libamdhip64.so.5");
    expect_path(where.comgr, ROCM5 "/lib/libamd_comgr.so.2");
    qj_hip_where_finish(&where);
}

Test(hip_find, loads_nothing)
{
    struct qj_hip_where where = find(search_for("rocm", ROCM7));
    cr_assert_null(dlopen(where.runtime, RTLD_NOW | RTLD_NOLOAD));
    cr_assert_null(dlopen(where.rtc, RTLD_NOW | RTLD_NOLOAD));
    qj_hip_where_finish(&where);
}

Test(hip_find, goes_through_library_path_in_its_order)
{
    struct qj_hip_search search = search_for("rocm", NULL);
    search.library_path = "/nonexistent/x::relative:" ROCM7 "/lib:" ROCM5 "/lib";
    struct qj_hip_where where = find(search);
    expect_path(where.runtime, ROCM7 "/lib/libamdhip64.so.7");
    qj_hip_where_finish(&where);
    /* A path that the user named comes before a newer major elsewhere. */
    search.rocm_path = ROCM5;
    where = find(search);
    expect_path(where.runtime, ROCM5 "/lib/libamdhip64.so.5");
    qj_hip_where_finish(&where);
}

Test(hip_find, prefers_the_newest_major_in_the_system)
{
    struct qj_hip_search search = search_for("rocm", NULL);
    put_link("usr/lib/" TRIPLET "/libamdhip64.so.5", ROCM5 "/lib/libamdhip64.so.5");
    put_link("usr/lib/" TRIPLET "/libamd_comgr.so.2", ROCM5 "/lib/libamd_comgr.so.2");
    const char *newest = put_link("opt/rocm/lib/libamdhip64.so.7", ROCM7 "/lib/libamdhip64.so.7");
    search.root = scratch("");
    struct qj_hip_where where = find(search);
    cr_assert(strstr(where.runtime, "opt/rocm/lib/libamdhip64.so.7"), "%s, not %s", where.runtime, newest);
    cr_assert_null(where.rtc); /* that of ROCm 5 is not mixed in */
    cr_assert_null(where.comgr);
    struct qj_hip hip = {0};
    cr_assert_eq(qj_hip_open_rtc(&hip, &where), QJIT_COMPILER_NOT_FOUND);
    expect_detail("libhiprtc");
    qj_hip_where_finish(&where);
}

Test(hip_find, takes_a_loaded_copy_first)
{
    cr_assert_not_null(dlopen(ROCM5 "/lib/libamdhip64.so.5", RTLD_NOW | RTLD_LOCAL), "%s", dlerror());
    struct qj_hip_where where = find(search_for("rocm", ROCM7));
    expect_path(where.runtime, ROCM5 "/lib/libamdhip64.so.5");
    expect_path(where.rtc, ROCM5 "/lib/libamdhip64.so.5");
    expect_path(where.comgr, ROCM5 "/lib/libamd_comgr.so.2");
    qj_hip_where_finish(&where);
}

/* A build host: compiles, but runs nothing. */
Test(hip_find, takes_rtc_without_a_runtime)
{
    put_link("lib/libhiprtc.so.7", ROCM7 "/lib/libhiprtc.so.7");
    put_link("lib/libamd_comgr.so.3", ROCM7 "/lib/libamd_comgr.so.3");
    put_link("lib/llvm", ROCM7 "/lib/llvm");
    struct qj_hip_where where = find(search_for("rocm", scratch("")));
    struct qj_hip hip = {0};
    cr_assert_null(where.runtime);
    cr_assert_not_null(where.rtc);
    cr_assert_not_null(where.comgr);
    cr_assert_eq(qj_hip_open_runtime(&hip, &where), QJIT_HIP_NOT_FOUND);
    expect_detail("only the compiler");
    cr_assert_eq(qj_hip_open_rtc(&hip, &where), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_not_null(hip.hiprtcCompileProgram);
    qj_hip_where_finish(&where);
}

Test(hip_find, passes_over_what_is_no_library)
{
    put_link("lib/libamdhip64.so.7", "/etc/hostname");
    put_link("lib/libamdhip64.so.6", "/nonexistent");
    put_link("lib/libamdhip64.so.5", ROCM5 "/lib/libamdhip64.so.5");
    struct qj_hip_where where = find(search_for("rocm", scratch("")));
    cr_assert(strstr(where.runtime, "libamdhip64.so.5"));
    qj_hip_where_finish(&where);
}

Test(hip_find, says_what_to_install)
{
    struct qj_hip_search search = {"rocm", "/nonexistent/rocm", "/nonexistent/library_path", "/nonexistent"};
    struct qj_hip_where where;
    cr_assert_eq(qj_hip_find(&where, &search), QJIT_HIP_NOT_FOUND);
    expect_detail("install libamdhip64-5");
    expect_detail("'/nonexistent/rocm/lib'");
    expect_detail("/nonexistent/library_path");
    expect_detail("QJIT_HIP");
    cr_assert_null(where.runtime);
}

/* ---- find: a path, or one of ours -------------------------------------------------------------- */

static void expect_no(const char *which, qjit_status status, const char *part)
{
    struct qj_hip_search search = search_for(which, NULL);
    struct qj_hip_where where;
    cr_assert_eq(qj_hip_find(&where, &search), status, "%s", which);
    expect_detail(part);
}

Test(hip_find, refuses_wrong_paths)
{
    expect_no("/nonexistent/libamdhip64.so.5", QJIT_HIP_NOT_FOUND, "'/nonexistent/libamdhip64.so.5'");
    expect_no("/usr", QJIT_HIP_UNUSABLE, "is a directory");
    expect_no("/etc/passwd", QJIT_HIP_UNUSABLE, "no shared library for this machine");
    expect_no("/dev/null", QJIT_HIP_UNUSABLE, "cannot be read");
    expect_no("nvidia", QJIT_HIP_NOT_FOUND, "use rocm, cpu, cuda or a path");
    expect_no("", QJIT_HIP_NOT_FOUND, "use rocm");
}

Test(hip_find, looks_beside_a_path_first)
{
    struct qj_hip_where where = find(search_for(ROCM7 "/lib/libamdhip64.so.7", ROCM5));
    cr_assert_eq(where.kind, QJ_HIP_PATH);
    expect_path(where.runtime, ROCM7 "/lib/libamdhip64.so.7");
    expect_path(where.rtc, ROCM7 "/lib/libhiprtc.so.7");
    expect_path(where.comgr, ROCM7 "/lib/libamd_comgr.so.3");
    qj_hip_where_finish(&where);
}

Test(hip_find, lends_a_compiler_to_a_path_without)
{
    struct qj_hip_where where = find(search_for(FAKE, ROCM5));
    expect_path(where.runtime, FAKE);
    expect_path(where.rtc, ROCM5 "/lib/libamdhip64.so.5");
    expect_path(where.comgr, ROCM5 "/lib/libamd_comgr.so.2");
    qj_hip_where_finish(&where);
    where = find(search_for(FAKE, NULL)); /* none to lend: it can run what a store has */
    expect_path(where.runtime, FAKE);
    cr_assert_null(where.rtc);
    qj_hip_where_finish(&where);
}

Test(hip_find, lends_no_compiler_of_another_major)
{
    const char *alone = put_link("alone/libamdhip64.so.7", ROCM7 "/lib/libamdhip64.so.7");
    struct qj_hip_where where = find(search_for(alone, ROCM5));
    cr_assert_null(where.rtc);
    qj_hip_where_finish(&where);
}

Test(hip_find, knows_a_path_to_hiprtc)
{
    struct qj_hip_where where = find(search_for(ROCM7 "/lib/libhiprtc.so.7", NULL));
    cr_assert_null(where.runtime);
    expect_path(where.rtc, ROCM7 "/lib/libhiprtc.so.7");
    expect_path(where.comgr, ROCM7 "/lib/libamd_comgr.so.3");
    qj_hip_where_finish(&where);
}

Test(hip_find, makes_a_relative_path_absolute)
{
    put_link("x/libfake.so", FAKE);
    cr_assert_eq(chdir(scratch("..")), 0);
    char relative[64];
    (void)snprintf(relative, sizeof relative, "%d/x/libfake.so", (int)getpid());
    struct qj_hip_where where = find(search_for(relative, NULL));
    cr_assert_eq(where.runtime[0], '/');
    cr_assert(qj_fs_exists(where.runtime));
    qj_hip_where_finish(&where);
}

Test(hip_find, knows_libraries_of_our_own)
{
    struct qj_hip_where where = find(search_for(FAKE_OWN, ROCM5));
    expect_path(where.runtime, FAKE_OWN);
    expect_path(where.rtc, FAKE_OWN);
    cr_assert_null(where.comgr);
    qj_hip_where_finish(&where);
    put_link("lib/libqjit_hip_cuda.so", FAKE_OWN);
    struct qj_hip_search search = search_for("cuda", scratch(""));
    where = find(search); /* the built one, if there is one, else this */
    cr_assert_eq(where.kind, QJ_HIP_CUDA);
    cr_assert_str_eq(where.runtime, where.rtc);
    cr_assert_null(where.comgr);
    qj_hip_where_finish(&where);
}

/* ---- open -------------------------------------------------------------------------------------- */

Test(hip_open, fills_the_table)
{
    struct qj_hip_where where = find(search_for(FAKE, NULL));
    struct qj_hip hip = {0};
    cr_assert_eq(qj_hip_open_runtime(&hip, &where), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_not_null(hip.library);
#define FILLED_RUNTIME(name)                     cr_assert_not_null(hip.name, #name);
#define FILLED_OPTIONAL(name)                    cr_assert_not_null(hip.name, #name);
#define FILLED_RTC(name)                         cr_assert_null(hip.name, #name);
#define QJ_HIP_FUNCTION(need, ret, name, params) FILLED_##need(name)
#include "hip/functions.def"
#undef QJ_HIP_FUNCTION
    cr_assert_eq(hip.hipInit(0), QJ_HIP_SUCCESS);
    qj_hip_where_finish(&where);
}

Test(hip_open, leaves_what_may_be_missing)
{
    struct qj_hip_where where = find(search_for(FAKE_OLD, NULL));
    struct qj_hip hip = {0};
    cr_assert_eq(qj_hip_open_runtime(&hip, &where), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_null(hip.hipGetDevicePropertiesR0600);
    cr_assert_not_null(hip.hipGetDeviceProperties);
    qj_hip_where_finish(&where);
}

Test(hip_open, names_the_missing_function)
{
    struct qj_hip_where where = find(search_for(FAKE_LACK, NULL));
    struct qj_hip hip = {0};
    cr_assert_eq(qj_hip_open_runtime(&hip, &where), QJIT_HIP_UNUSABLE);
    expect_detail("'hipModuleUnload'");
    expect_detail(FAKE_LACK);
    qj_hip_where_finish(&where);
}

Test(hip_open, says_why_a_library_does_not_load)
{
    struct qj_hip_where where = find(search_for("rocm", ROCM7));
    struct qj_hip hip = {0};
    free(where.comgr); /* a copy whose RUNPATH leads nowhere */
    where.comgr = strdup(put_copy("lib/libamd_comgr.so.3", ROCM7 "/lib/libamd_comgr.so.3", NULL, NULL, 0));
    cr_assert_eq(qj_hip_open_rtc(&hip, &where), QJIT_HIP_UNUSABLE);
    expect_detail("libclang-cpp.so.22.1");
    expect_detail(where.comgr);
    qj_hip_where_finish(&where);
}

Test(hip_open, opens_rtc_with_its_comgr)
{
    struct qj_hip_where where = find(search_for("rocm", ROCM7));
    struct qj_hip hip = {0};
    cr_assert_eq(qj_hip_open_rtc(&hip, &where), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_not_null(dlopen(where.comgr, RTLD_NOW | RTLD_NOLOAD));
    cr_assert_not_null(hip.hiprtcCompileProgram);
    cr_assert_null(hip.hipInit);
    cr_assert_eq(qj_hip_open_runtime(&hip, &where), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_not_null(hip.hiprtcCompileProgram); /* is left */
    qj_hip_where_finish(&where);
}

Test(hip_open, wants_comgr)
{
    put_link("lib/libamdhip64.so.5", ROCM5 "/lib/libamdhip64.so.5");
    struct qj_hip_where where = find(search_for("rocm", scratch("")));
    struct qj_hip hip = {0};
    cr_assert_not_null(where.rtc);
    cr_assert_null(where.comgr);
    cr_assert_eq(qj_hip_open_rtc(&hip, &where), QJIT_COMPILER_NOT_FOUND);
    expect_detail("install libamd-comgr2");
    qj_hip_where_finish(&where);
}

Test(hip_open, needs_no_comgr_for_our_own)
{
    struct qj_hip_where where = find(search_for(FAKE_OWN, NULL));
    struct qj_hip hip = {0};
    cr_assert_eq(qj_hip_open_rtc(&hip, &where), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qj_hip_open_runtime(&hip, &where), QJIT_OK, "%s", qjit_error_detail());
    qj_hip_where_finish(&where);
}

Test(hip_fail, words_the_error)
{
    struct qj_hip_where where = find(search_for(FAKE, NULL));
    struct qj_hip hip = {0};
    cr_assert_eq(qj_hip_open_runtime(&hip, &where), QJIT_OK);
    cr_assert_eq(qj_hip_fail(&hip, QJIT_LOAD_FAILED, "hipModuleLoadData", QJ_HIP_ERROR_UNKNOWN),
                 QJIT_LOAD_FAILED);
    cr_assert_str_eq(qjit_error_detail(),
                     "hipModuleLoadData: failed as it was told to (hipErrorUnknown, 999)");
    qj_hip_where_finish(&where);
}

/* ---- the fake itself --------------------------------------------------------------------------- */

Test(fake_hip, records_and_fails_as_told)
{
    struct qj_hip_where where = find(search_for(FAKE, NULL));
    struct qj_hip hip = {0};
    int (*calls)(const char *name);
    cr_assert_eq(qj_hip_open_runtime(&hip, &where), QJIT_OK);
    void *symbol = dlsym(hip.library, "fakeHipCalls");
    memcpy(&calls, &symbol, sizeof calls);
    setenv("FAKE_HIP_FAIL", "hipMalloc:2:2,hipSetDevice:0", 1);
    setenv("FAKE_HIP_LOG", "log", 1);
    void *memory, *none;
    cr_assert_eq(hip.hipMalloc(&memory, 100), QJ_HIP_SUCCESS);
    cr_assert_eq(hip.hipMalloc(&none, 200), QJ_HIP_ERROR_OUT_OF_MEMORY);
    cr_assert_eq(hip.hipFree(memory), QJ_HIP_SUCCESS);
    cr_assert_eq(hip.hipSetDevice(0), QJ_HIP_ERROR_UNKNOWN);
    cr_assert_eq(hip.hipSetDevice(0), QJ_HIP_ERROR_UNKNOWN);
    cr_assert_eq(calls("hipMalloc"), 2);
    struct qj_buf log = {0};
    cr_assert_eq(qj_fs_read(&log, "log", 1 << 16), 0);
    cr_assert_str_eq(log.bytes, "hipMalloc 100\nhipMalloc 200\nhipFree\nhipSetDevice 0\nhipSetDevice 0\n");
    qj_buf_finish(&log);
    qj_hip_where_finish(&where);
}

Test(fake_hip, loads_modules)
{
    struct qj_hip_where where = find(search_for(FAKE, NULL));
    struct qj_hip hip = {0};
    struct qj_buf object = {0};
    hipModule_t module;
    hipFunction_t axpy, two, again;
    cr_assert_eq(qj_hip_open_runtime(&hip, &where), QJIT_OK);
    cr_assert_eq(qj_fs_read(&object, SAMPLES "/gfx1030.co", 1 << 20), 0);
    cr_assert_eq(hip.hipModuleLoadData(&module, "no ELF, but long enough to look at"),
                 QJ_HIP_ERROR_INVALID_IMAGE);
    cr_assert_eq(hip.hipModuleLoadData(&module, object.bytes), QJ_HIP_SUCCESS);
    cr_assert_eq(hip.hipModuleGetFunction(&axpy, module, "axpy"), QJ_HIP_SUCCESS);
    cr_assert_eq(hip.hipModuleGetFunction(&two, module, "two"), QJ_HIP_SUCCESS);
    cr_assert_eq(hip.hipModuleGetFunction(&again, module, "axpy"), QJ_HIP_SUCCESS);
    cr_assert(axpy != two && axpy == again);
    cr_assert_eq(hip.hipModuleGetFunction(&again, module, "none"), QJ_HIP_ERROR_NOT_FOUND);
    cr_assert_eq(hip.hipModuleLaunchKernel(axpy, 1, 1, 1, 64, 1, 1, 0, NULL, NULL, NULL), QJ_HIP_SUCCESS);
    cr_assert_eq(hip.hipModuleUnload(module), QJ_HIP_SUCCESS);
    cr_assert_eq(hip.hipModuleUnload(module), QJ_HIP_ERROR_INVALID_HANDLE);
    qj_buf_finish(&object);
    qj_hip_where_finish(&where);
}
