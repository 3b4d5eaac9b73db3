#include "base/fs.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fclose(file), 0);
}

Test(fs, joins_with_one_slash)
{
    char *path = qj_fs_join("/a/", "b");
    cr_assert_str_eq(path, "/a/b");
    free(path);
    path = qj_fs_join("/", "b");
    cr_assert_str_eq(path, "/b");
    free(path);
}

Test(fs, makes_parents_with_the_mode)
{
    struct stat info;
    cr_assert_eq(qj_fs_make_dirs("one/two/three", 0700), 0);
    cr_assert_eq(stat("one/two", &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0700);
    cr_assert_eq(qj_fs_make_dirs("one/two/three", 0700), 0);
    write_file("plain", "x");
    cr_assert_eq(qj_fs_make_dirs("plain/below", 0700), -1);
    cr_assert_eq(errno, ENOTDIR);
}

Test(fs, reads_up_to_a_limit)
{
    write_file("ten", "0123456789");
    struct qj_buf buf = {0};
    cr_assert_eq(qj_fs_read(&buf, "ten", 10), 0);
    cr_assert_str_eq(qj_buf_text(&buf), "0123456789");
    qj_buf_finish(&buf);
    cr_assert_eq(qj_fs_read(&buf, "ten", 9), -1);
    cr_assert_eq(errno, EFBIG);
    qj_buf_finish(&buf);
    cr_assert_eq(qj_fs_read(&buf, "nothing-here", 9), -1);
    cr_assert_eq(errno, ENOENT);
}

Test(fs, removes_a_tree_but_not_what_links_point_to)
{
    cr_assert_eq(qj_fs_make_dirs("tree/deep/er", 0700), 0);
    cr_assert_eq(qj_fs_make_dirs("outside", 0700), 0);
    write_file("outside/keep", "x");
    write_file("tree/deep/file", "x");
    cr_assert_eq(symlink("../outside", "tree/link"), 0);
    cr_assert_eq(qj_fs_remove_tree("tree"), 0);
    cr_assert_not(qj_fs_exists("tree"));
    cr_assert(qj_fs_exists("outside/keep"));
    cr_assert_eq(qj_fs_remove_tree("tree"), 0);
}

Test(fs, knows_which_file_code_is_in)
{
    char *path = qj_fs_path_of_code((const void *)(uintptr_t)write_file);
    cr_assert_not_null(path);
    cr_assert_eq(path[0], '/');
    cr_assert_eq(access(path, X_OK), 0);
    free(path);
}
