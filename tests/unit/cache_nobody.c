#include <criterion/criterion.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "cache_support.h"

/* Its exit status; 77 if there is no such user. */
static int as_nobody(int (*part)(void))
{
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) {
            _exit(77);
        }
        _exit(part());
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status), "died of %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

/* Directories above the scratch directory are not open to that user: hand it one of its own. */
static void open_up(void)
{
    if (geteuid() == 0) {
        char name[] = "/tmp/qjit-place-XXXXXX";
        cr_assert_not_null(mkdtemp(name));
        cr_assert_eq(chown(name, 65534, 65534), 0);
        cr_assert_eq(chdir(name), 0);
    }
}

void cache_as_nobody(int (*part)(void))
{
    char here[4096];
    open_up();
    cr_assert_not_null(getcwd(here, sizeof here));
    int status = as_nobody(part);
    if (geteuid() == 0) {
        cr_assert_eq(chdir("/"), 0);
        cr_assert_eq(qj_fs_remove_tree(here), 0);
    }
    if (status == 77) {
        cr_skip_test("no other user to be had");
    }
    cr_assert_eq(status, 0);
}
