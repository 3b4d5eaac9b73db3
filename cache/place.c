#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "cache/internal.h"

#define STORE_NAME "store.sqlite"

bool qj_place_is_shared_type(uint64_t type)
{
    static const uint32_t types[] = {
        0x00006969, /* NFS */ 0x0bd00bd0,   /* Lustre */ 0x65735546, /* FUSE */
        0x0000517b, /* SMB */ 0xff534d42,   /* CIFS */ 0xfe534d42,   /* SMB 2 */
        0x00c36400, /* Ceph */ 0x47504653,  /* GPFS */ 0x19830326,   /* BeeGFS */
        0x01021997, /* 9P */ 0x5346414f,    /* AFS */ 0x73757245,    /* Coda */
        0x7461636f, /* OCFS2 */ 0x01161970, /* GFS2 */ 0xaad7aaea,   /* PanFS */
        0x786f4256,                                                  /* VirtualBox */
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if ((uint32_t)type == types[i]) {
            return true;
        }
    }
    return false;
}

__attribute__((format(printf, 2, 3))) static void explain(struct qj_place *place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(place->reason, sizeof place->reason, format, arguments);
    va_end(arguments);
}

static bool is_trusted(struct qj_place *place, const char *path, const struct stat *info)
{
    if (info->st_uid != geteuid()) {
        explain(
            place,
            "'%s' belongs to user %u, not to this one (%u); set QJIT_CACHE_DIR to a directory of your own",
            path, (unsigned)info->st_uid, (unsigned)geteuid());
        return false;
    }
    if (info->st_mode & (S_IWGRP | S_IWOTH)) {
        explain(place, "'%s' is writable by others; run: chmod go-w '%s'", path, path);
        return false;
    }
    return true;
}

/* The store's file, if there is one. */
static bool is_file_trusted(struct qj_place *place, bool *exists)
{
    struct stat info;
    *exists = lstat(place->path, &info) == 0;
    if (!*exists) {
        return true;
    }
    if (S_ISLNK(info.st_mode) || !S_ISREG(info.st_mode)) {
        explain(place, "'%s' is %s, not a plain file; remove it", place->path,
                S_ISLNK(info.st_mode) ? "a link" : "something else");
        return false;
    }
    return is_trusted(place, place->path, &info);
}

/* mode and reason, once directory and path are known. */
static void choose_mode(struct qj_place *place)
{
    struct stat info;
    struct statfs system;
    bool exists = false;
    if (stat(place->directory, &info) != 0) {
        explain(place, "cannot look at '%s': %s", place->directory, strerror(errno));
        return;
    }
    if (!is_trusted(place, place->directory, &info) || !is_file_trusted(place, &exists)) {
        return;
    }
    place->is_shared =
        statfs(place->directory, &system) == 0 && qj_place_is_shared_type((uint64_t)system.f_type);
    bool directory_writes = faccessat(AT_FDCWD, place->directory, W_OK | X_OK, AT_EACCESS) == 0;
    bool file_writes = exists && faccessat(AT_FDCWD, place->path, W_OK, AT_EACCESS) == 0;
    exists = exists && qj_fs_exists(place->path); /* not if another process has just set it aside */
    if (directory_writes && (file_writes || !exists)) {
        place->mode = QJ_STORE_FILE;
    } else if (exists && faccessat(AT_FDCWD, place->path, R_OK, AT_EACCESS) == 0) {
        place->mode = QJ_STORE_READ_ONLY;
        place->is_immutable = !directory_writes;
        explain(place, "read-only: '%s' cannot be written; new code objects are not kept",
                directory_writes ? place->path : place->directory);
    } else {
        explain(place, "'%s' cannot be written; set QJIT_CACHE_DIR to a directory that can",
                place->directory);
    }
}

int qj_place_init(struct qj_place *out, const char *directory)
{
    *out = (struct qj_place){.mode = QJ_STORE_MEMORY};
    if (!directory) {
        explain(out, "no directory was given");
        return 0;
    }
    if (qj_fs_make_dirs(directory, 0700) != 0) {
        explain(out, "cannot make directory '%s': %s; set QJIT_CACHE_DIR to one that can be made", directory,
                strerror(errno));
        return 0;
    }
    out->directory = realpath(directory, NULL);
    if (!out->directory) {
        explain(out, "cannot look at '%s': %s", directory, strerror(errno));
        return errno == ENOMEM ? -1 : 0;
    }
    out->path = qj_fs_join(out->directory, STORE_NAME);
    if (!out->path) {
        return -1;
    }
    choose_mode(out);
    return 0;
}

void qj_place_finish(struct qj_place *place)
{
    free(place->directory);
    free(place->path);
    *place = (struct qj_place){0};
}

/* Makes and sets aside take turns. Going on without the lock, where it cannot be had, risks a store begun
 * twice: what is lost then is cached work. */
static int lock_directory(const struct qj_place *place)
{
    int fd = open(place->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = -1;
    while (fd >= 0 && (result = flock(fd, LOCK_EX)) != 0 && errno == EINTR) {
    }
    if (fd >= 0 && result != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static void unlock_directory(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}

static char *suffixed(const char *path, const char *suffix)
{
    struct qj_buf name = {0};
    qj_buf_printf(&name, "%s%s", path, suffix);
    if (name.failed) {
        qj_buf_finish(&name);
    }
    return name.bytes;
}

/* The log comes last: tables written through it would be lost with it where closing cannot carry them over.
 */
static int make_database(struct qj_place *place, const char *path)
{
    char begin[512];
    const char *const steps[] = {begin, qj_sql_schema, "COMMIT",
                                 place->is_shared ? "PRAGMA journal_mode=TRUNCATE"
                                                  : "PRAGMA journal_mode=WAL"};
    sqlite3 *db = NULL;
    (void)snprintf(begin, sizeof begin,
                   "PRAGMA page_size=%d; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA synchronous=NORMAL;"
                   "PRAGMA journal_mode=MEMORY; BEGIN; PRAGMA application_id=%d; PRAGMA user_version=%d",
                   QJ_STORE_PAGE_BYTES, QJ_STORE_APPLICATION, QJ_STORE_VERSION);
    int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && code == SQLITE_OK; i++) {
        code = sqlite3_exec(db, steps[i], NULL, NULL, NULL);
    }
    if (code != SQLITE_OK) {
        explain(place, "cannot make '%s': %s", place->path, db ? sqlite3_errmsg(db) : sqlite3_errstr(code));
    }
    (void)sqlite3_close(db);
    return code == SQLITE_OK ? 0 : -1;
}

/* What a dead process left of an earlier file must not be taken for the new one's. */
static void remove_companions(const char *path)
{
    static const char *const suffixes[] = {"-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char *name = suffixed(path, suffixes[i]);
        if (name) {
            (void)unlink(name);
        }
        free(name);
    }
}

/* What processes that died in here have left; whoever has the lock is alone in here. */
static void remove_abandoned(const struct qj_place *place)
{
    static const char prefix[] = STORE_NAME ".new-";
    DIR *directory = opendir(place->directory);
    const struct dirent *entry;
    while (directory && (entry = readdir(directory))) {
        if (strncmp(entry->d_name, prefix, sizeof prefix - 1) == 0) {
            (void)unlinkat(dirfd(directory), entry->d_name, 0);
        }
    }
    if (directory) {
        (void)closedir(directory);
    }
}

int qj_place_create(struct qj_place *place)
{
    int result = -1;
    char *path = NULL;
    int lock = lock_directory(place);
    if (qj_fs_exists(place->path)) {
        result = 0;
        goto done;
    }
    if (lock >= 0) {
        remove_abandoned(place);
    }
    path = suffixed(place->path, ".new-XXXXXX");
    int fd = path ? mkostemp(path, O_CLOEXEC) : -1; /* with mode 0600, which the log file takes over */
    if (fd < 0) {
        explain(place, "cannot make a file in '%s': %s", place->directory, strerror(errno));
        goto done;
    }
    (void)close(fd);
    result = make_database(place, path);
    remove_companions(result == 0 ? place->path : path);
    if (result == 0 && rename(path, place->path) != 0) {
        explain(place, "cannot make '%s': %s", place->path, strerror(errno));
        result = -1;
    }
    if (result != 0) {
        (void)unlink(path);
    }
done:
    unlock_directory(lock);
    free(path);
    return result;
}

static void set_companion_aside(const char *path, const char *aside, const char *suffix)
{
    char *from = suffixed(path, suffix), *to = suffixed(aside, suffix);
    if (from && to) {
        (void)rename(from, to);
    }
    free(from);
    free(to);
}

int qj_place_set_aside(struct qj_place *place, char **out, ino_t inode)
{
    *out = NULL;
    int result = 0;
    struct stat info;
    char *aside = NULL;
    int lock = lock_directory(place);
    if (lstat(place->path, &info) != 0 || (inode && info.st_ino != inode)) {
        goto done;
    }
    char suffix[64];
    for (int i = 0; i == 0 || (aside && qj_fs_exists(aside)); i++) {
        (void)snprintf(suffix, sizeof suffix, i ? ".corrupt-%lld.%d" : ".corrupt-%lld",
                       (long long)qj_clock_epoch_s(), i);
        free(aside);
        aside = suffixed(place->path, suffix);
    }
    if (!aside || rename(place->path, aside) != 0) {
        explain(place, "cannot set damaged '%s' aside: %s; remove it", place->path, strerror(errno));
        result = -1;
        goto done;
    }
    set_companion_aside(place->path, aside, "-wal");
    set_companion_aside(place->path, aside, "-shm");
    set_companion_aside(place->path, aside, "-journal");
    *out = aside;
    aside = NULL;
done:
    unlock_directory(lock);
    free(aside);
    return result;
}
