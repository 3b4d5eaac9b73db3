#include "cache/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"

enum { FIRST_WAIT_US = 500, LONGEST_WAIT_US = 20000 };

static struct flock byte_of(const uint8_t key[static QJ_DIGEST_BYTES])
{
    uint64_t offset = 0;
    for (int i = 0; i < 8; i++) {
        offset = offset << 8 | key[i];
    }
    return (struct flock){
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)(offset & (INT64_MAX >> 1)), .l_len = 1};
}

static int open_leases(const char *directory)
{
    char *path = qj_fs_join(directory, "leases");
    int fd = path ? open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600) : -1;
    free(path);
    return fd;
}

/* Locks of the open file, not of the process: two threads of one process exclude each other, and closing some
 * other descriptor of the file drops nothing. They cannot be waited for with a deadline, so we ask again. */
void qj_lease_take(struct qj_lease *out, const char *directory, const uint8_t key[static QJ_DIGEST_BYTES],
                   uint32_t timeout_ms)
{
    struct flock lock = byte_of(key);
    uint64_t begun = qj_clock_us(), deadline = begun + (uint64_t)timeout_ms * 1000;
    long wait_us = FIRST_WAIT_US;
    out->waited_us = 0;
    out->fd = directory ? open_leases(directory) : -1;
    while (out->fd >= 0 && fcntl(out->fd, F_OFD_SETLK, &lock) != 0) {
        bool is_held = errno == EAGAIN || errno == EACCES;
        if ((!is_held && errno != EINTR) || qj_clock_us() >= deadline) {
            qj_lease_drop(out);
            break;
        }
        struct timespec pause = {.tv_nsec = wait_us * 1000};
        (void)nanosleep(&pause, NULL);
        out->waited_us = qj_clock_us() - begun;
        wait_us = wait_us * 2 < LONGEST_WAIT_US ? wait_us * 2 : LONGEST_WAIT_US;
    }
}

void qj_lease_drop(struct qj_lease *lease)
{
    if (lease->fd >= 0) {
        (void)close(lease->fd);
    }
    lease->fd = -1;
}
