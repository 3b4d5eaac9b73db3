#include "cache/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"

#define KEYS ((uint64_t)1 << 62) /* below are the seats */

int qj_lease_open(const char *directory)
{
    char *path = directory ? qj_fs_join(directory, "leases") : NULL;
    int fd = path ? open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600) : -1;
    free(path);
    return fd;
}

/* Locks of the open file, not of the process: two threads of one process exclude each other, and closing some
 * other descriptor of the file drops nothing. They cannot be waited for with a deadline, so who waits asks
 * again. */
static int set_lock(int fd, short type, uint64_t offset)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)offset, .l_len = 1};
    int result;
    do {
        result = fcntl(fd, F_OFD_SETLK, &lock);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 1 : errno == EAGAIN || errno == EACCES ? 0 : -1;
}

int qj_lease_lock(int fd, uint64_t offset)
{
    return set_lock(fd, F_WRLCK, offset);
}

void qj_lease_unlock(int fd, uint64_t offset)
{
    (void)set_lock(fd, F_UNLCK, offset);
}

bool qj_lease_is_locked(int fd, uint64_t offset, uint64_t n)
{
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)offset, .l_len = (off_t)n};
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

void qj_lease_init(struct qj_lease *out, const char *directory, const uint8_t key[static QJ_DIGEST_BYTES])
{
    uint64_t offset = 0;
    for (int i = 0; i < 8; i++) {
        offset = offset << 8 | key[i];
    }
    *out = (struct qj_lease){.fd = qj_lease_open(directory), .offset = KEYS | offset >> 2};
}

bool qj_lease_is_taken(const struct qj_lease *lease)
{
    return lease->fd >= 0 && qj_lease_is_locked(lease->fd, lease->offset, 1);
}

bool qj_lease_take(struct qj_lease *lease)
{
    int locked = lease->fd >= 0 ? qj_lease_lock(lease->fd, lease->offset) : -1;
    lease->is_held = locked == 1;
    return locked != 0;
}

/* Unlocked before it is closed: a child that the application has forked shares the open file. */
void qj_lease_finish(struct qj_lease *lease)
{
    if (lease->is_held) {
        qj_lease_unlock(lease->fd, lease->offset);
    }
    if (lease->fd >= 0) {
        (void)close(lease->fd);
    }
    *lease = (struct qj_lease){.fd = -1};
}
