/* Trees of libraries to search, made of links to the fakes. Paths are relative to the test's scratch
 * directory, which is the current one. */
#ifndef UNIT_HIP_FIXTURE_H
#define UNIT_HIP_FIXTURE_H

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "hip/hip.h"

#define ROCM7     FAKES "/rocm7"
#define ROCM5     FAKES "/rocm5"
#define FAKE      FAKES "/libfake_hip.so"
#define FAKE_OLD  FAKES "/libfake_hip_old.so"
#define FAKE_LACK FAKES "/libfake_hip_lacking.so"
#define FAKE_OWN  FAKES "/libfake_hip_own.so"

/* The absolute path of `name` in the scratch directory of this test. */
static inline const char *scratch(const char *name)
{
    static char paths[8][PATH_MAX];
    static int i;
    char *out = paths[i++ % 8], here[PATH_MAX / 2];
    cr_assert_not_null(getcwd(here, sizeof here));
    (void)snprintf(out, PATH_MAX, "%s/%d/%s", here, (int)getpid(), name);
    return out;
}

/* Makes `name`, in the scratch directory, a link to a file, and the directories it needs. */
static inline const char *put_link(const char *name, const char *target)
{
    const char *path = scratch(name);
    char directory[PATH_MAX];
    (void)snprintf(directory, sizeof directory, "%s", path);
    *strrchr(directory, '/') = '\0';
    cr_assert_eq(qj_fs_make_dirs(directory, 0700), 0);
    cr_assert_eq(symlink(target, path), 0, "%s", path);
    return path;
}

/* As put_link, with a copy of the file, in which `old` (n bytes) became `new` if it is not NULL. */
static inline const char *put_copy(const char *name, const char *source, const void *old, const void *new,
                                   size_t n)
{
    struct qj_buf bytes = {0};
    const char *path = put_link(name, source);
    cr_assert_eq(qj_fs_read(&bytes, source, 1 << 28), 0);
    if (old) {
        char *at = memmem(bytes.bytes, bytes.size, old, n);
        cr_assert_not_null(at);
        memcpy(at, new, n);
    }
    (void)unlink(path);
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes.bytes, 1, bytes.size, file), bytes.size);
    cr_assert_eq(fclose(file), 0);
    qj_buf_finish(&bytes);
    return path;
}

/* An empty system: nothing is found but what the test names. */
static inline struct qj_hip_search search_for(const char *which, const char *rocm_path)
{
    return (struct qj_hip_search){which, rocm_path, NULL, "/nonexistent"};
}

static inline struct qj_hip_where find(struct qj_hip_search search)
{
    struct qj_hip_where where;
    cr_assert_eq(qj_hip_find(&where, &search), QJIT_OK, "%s", qjit_error_detail());
    return where;
}

static inline void expect_detail(const char *part)
{
    cr_assert(strstr(qjit_error_detail(), part), "'%s' is not in: %s", part, qjit_error_detail());
    cr_assert_null(strchr(qjit_error_detail(), '\n'));
}

static inline void expect_path(const char *path, const char *expected)
{
    cr_assert_not_null(path, "expected %s", expected);
    cr_assert_str_eq(path, expected);
}

#endif
