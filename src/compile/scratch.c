#include "compile/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/status.h"

static const char prefix[] = "qjit-worker-";

/* Makes <temp>/qjit-worker-XXXXXX; malloc'ed, NULL with errno. */
static char *make_directory(const char *temp)
{
    char *root = realpath(temp, NULL);
    char *path = root ? qj_fs_join(root, "qjit-worker-XXXXXX") : NULL;
    if (path && !mkdtemp(path)) {
        int error = errno;
        free(path);
        path = NULL;
        errno = error;
    }
    int error = errno;
    free(root);
    errno = error;
    return path;
}

/* Opens and locks path/lock. False if a sweeper was faster and has taken the directory away. */
static bool lock_directory(struct qj_scratch *scratch)
{
    char *name = qj_fs_join(scratch->path, "lock");
    if (!name) {
        errno = ENOMEM;
        return false;
    }
    scratch->lock = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    free(name);
    struct stat info;
    return scratch->lock >= 0 && flock(scratch->lock, LOCK_SH | LOCK_NB) == 0 &&
           fstat(scratch->lock, &info) == 0 && info.st_nlink > 0;
}

static bool fill_directory(struct qj_scratch *scratch)
{
    scratch->cwd = qj_fs_join(scratch->path, "cwd");
    scratch->tmp = qj_fs_join(scratch->path, "tmp");
    if (!scratch->cwd || !scratch->tmp) {
        errno = ENOMEM;
        return false;
    }
    return mkdir(scratch->cwd, 0700) == 0 && mkdir(scratch->tmp, 0700) == 0;
}

qjit_status qj_scratch_init(struct qj_scratch *out, const char *temp)
{
    enum { TRIES = 8 }; /* a sweeper of another process can win only in the moment between two calls */
    for (int i = 0; i < TRIES; i++) {
        out->path = make_directory(temp);
        out->cwd = out->tmp = NULL;
        out->lock = -1;
        if (!out->path) {
            break;
        }
        if (lock_directory(out) && fill_directory(out)) {
            return QJIT_OK;
        }
        int error = errno;
        qj_scratch_finish(out);
        errno = error;
    }
    return qj_fail(
        QJIT_WORKER_NOT_STARTED,
        "no private directory for a worker can be made in '%s'; set TMPDIR to one that can be written: %s",
        temp, strerror(errno));
}

void qj_scratch_finish(struct qj_scratch *scratch)
{
    if (scratch->path) {
        (void)qj_fs_remove_tree(scratch->path);
    }
    if (scratch->lock >= 0) {
        (void)close(scratch->lock);
    }
    free(scratch->path);
    free(scratch->cwd);
    free(scratch->tmp);
    scratch->path = scratch->cwd = scratch->tmp = NULL;
    scratch->lock = -1;
}

void qj_scratch_hold(const char *directory)
{
    char *name = qj_fs_join(directory, "lock");
    int lock = name ? open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    free(name);
    if (lock >= 0) {
        (void)flock(lock, LOCK_SH | LOCK_NB); /* stays open: the process end closes it */
    }
}

/* True if the directory `fd` is nobody's any more. Its lock, if there is one, is then taken: whoever is just
 * making the directory must not get it before it is gone. A directory without a lock file is one that is
 * being made or unmade: only an old one is abandoned. */
static bool is_abandoned(int *lock, int fd)
{
    enum { OLD_S = 60 };
    *lock = openat(fd, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (*lock >= 0) {
        return flock(*lock, LOCK_EX | LOCK_NB) == 0;
    }
    struct stat info;
    return errno == ENOENT && fstat(fd, &info) == 0 && qj_clock_epoch_s() - (int64_t)info.st_mtime > OLD_S;
}

static void sweep_entry(int temp_fd, const char *temp, const char *name)
{
    int lock = -1, fd = openat(temp_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    struct stat info;
    if (fstat(fd, &info) == 0 && info.st_uid == geteuid() && is_abandoned(&lock, fd)) {
        char *path = qj_fs_join(temp, name);
        if (path) {
            (void)qj_fs_remove_tree(path);
        }
        free(path);
    }
    if (lock >= 0) {
        (void)close(lock);
    }
    (void)close(fd);
}

void qj_scratch_sweep(const char *temp)
{
    DIR *directory = opendir(temp);
    if (!directory) {
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (strncmp(entry->d_name, prefix, sizeof prefix - 1) == 0) {
            sweep_entry(dirfd(directory), temp, entry->d_name);
        }
    }
    (void)closedir(directory);
}
