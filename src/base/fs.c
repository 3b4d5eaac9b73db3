#include "base/fs.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *qj_fs_join(const char *directory, const char *name)
{
    struct qj_buf path = {0};
    size_t n = strlen(directory);
    while (n > 1 && directory[n - 1] == '/') {
        n--;
    }
    qj_buf_append(&path, directory, n);
    if (n != 1 || directory[0] != '/') {
        qj_buf_puts(&path, "/");
    }
    qj_buf_puts(&path, name);
    if (path.failed) {
        qj_buf_finish(&path);
        return NULL;
    }
    return path.bytes;
}

int qj_fs_make_dirs(const char *path, mode_t mode)
{
    if (mkdir(path, mode) == 0) {
        return 0;
    }
    if (errno == EEXIST) {
        struct stat info;
        if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
            return 0;
        }
        errno = ENOTDIR;
        return -1;
    }
    const char *slash = strrchr(path, '/');
    if (errno != ENOENT || !slash || slash == path) {
        return -1;
    }
    char *parent = strndup(path, (size_t)(slash - path));
    if (!parent) {
        return -1;
    }
    int failed = qj_fs_make_dirs(parent, mode);
    free(parent);
    if (failed) {
        return -1;
    }
    return mkdir(path, mode) == 0 || errno == EEXIST ? 0 : -1;
}

int qj_fs_read(struct qj_buf *out, const char *path, size_t max_bytes)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return -1;
    }
    char chunk[1 << 16];
    ssize_t n;
    while ((n = read(file, chunk, sizeof chunk)) != 0) {
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 || (size_t)n > max_bytes - out->size) {
            errno = n < 0 ? errno : EFBIG;
            break;
        }
        qj_buf_append(out, chunk, (size_t)n);
        if (out->failed) {
            errno = ENOMEM;
            n = -1;
            break;
        }
    }
    int error = errno;
    (void)close(file);
    errno = error;
    return n == 0 ? 0 : -1;
}

/* Removes what is in the directory `fd`, which it closes. */
static int remove_entries(int fd, dev_t device)
{
    DIR *directory = fdopendir(fd);
    if (!directory) {
        (void)close(fd);
        return -1;
    }
    int result = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        struct stat info;
        if (fstatat(dirfd(directory), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
            result = -1;
            continue;
        }
        bool is_directory = S_ISDIR(info.st_mode);
        if (is_directory && info.st_dev == device) {
            int child =
                openat(dirfd(directory), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (child < 0 || remove_entries(child, device) != 0) {
                result = -1;
            }
        }
        if (unlinkat(dirfd(directory), entry->d_name, is_directory ? AT_REMOVEDIR : 0) != 0) {
            result = -1;
        }
    }
    (void)closedir(directory);
    return result;
}

int qj_fs_remove_tree(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? 0 : -1;
    }
    struct stat info;
    if (fstat(fd, &info) != 0) {
        (void)close(fd);
        return -1;
    }
    if (remove_entries(fd, info.st_dev) != 0) {
        return -1;
    }
    return rmdir(path);
}

char *qj_fs_path_of_code(const void *address)
{
    Dl_info info;
    if (!dladdr(address, &info) || !info.dli_fname) {
        return NULL;
    }
    /* For the main program dli_fname is argv[0], which need not be a path. */
    if (!strchr(info.dli_fname, '/')) {
        return realpath("/proc/self/exe", NULL);
    }
    return realpath(info.dli_fname, NULL);
}

bool qj_fs_exists(const char *path)
{
    return access(path, F_OK) == 0;
}
