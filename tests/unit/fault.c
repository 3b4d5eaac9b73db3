#include "fault.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static struct fault current;
static atomic_int counts[FAULT_METHODS];
static atomic_bool has_come, is_paused;

void fault_set(const struct fault *fault)
{
    current = *fault;
    for (int i = 0; i < FAULT_METHODS; i++) {
        atomic_store(&counts[i], 0);
    }
    atomic_store(&has_come, false);
}

int fault_count(enum fault_method method)
{
    return atomic_load(&counts[method]);
}

bool fault_has_come(void)
{
    return atomic_load(&has_come);
}

void fault_pause(void)
{
    atomic_store(&is_paused, true);
}

void fault_resume(void)
{
    atomic_store(&is_paused, false);
}

static bool fails(enum fault_method method)
{
    if (atomic_load(&is_paused)) {
        return false;
    }
    int n = atomic_fetch_add(&counts[method], 1) + 1;
    bool now = current.at && current.method == method && (current.stays ? n >= current.at : n == current.at);
    if (now) {
        atomic_store(&has_come, true);
    }
    return now;
}

/* ---- files ----------------------------------------------------------------------------------- */

struct fault_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct */
};

static sqlite3_vfs *below;

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct fault_file *)(void *)file)->real;
}

static int file_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int file_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
    if (!fails(FAULT_READ)) {
        return real_of(file)->pMethods->xRead(real_of(file), out, n, at);
    }
    if (current.half) {
        memset(out, 0, (size_t)n);
        (void)real_of(file)->pMethods->xRead(real_of(file), out, n / 2, at);
    }
    return current.code;
}

static int file_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
    if (!fails(FAULT_WRITE)) {
        return real_of(file)->pMethods->xWrite(real_of(file), bytes, n, at);
    }
    if (current.half) {
        (void)real_of(file)->pMethods->xWrite(real_of(file), bytes, n / 2, at);
    }
    return current.code;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 n)
{
    return fails(FAULT_TRUNCATE) ? current.code : real_of(file)->pMethods->xTruncate(real_of(file), n);
}

static int file_sync(sqlite3_file *file, int flags)
{
    return fails(FAULT_SYNC) ? current.code : real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *out)
{
    return fails(FAULT_SIZE) ? current.code : real_of(file)->pMethods->xFileSize(real_of(file), out);
}

static int file_lock(sqlite3_file *file, int lock)
{
    return fails(FAULT_LOCK) ? current.code : real_of(file)->pMethods->xLock(real_of(file), lock);
}

static int file_unlock(sqlite3_file *file, int lock)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), lock);
}

static int file_check_lock(sqlite3_file *file, int *out)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int file_control(sqlite3_file *file, int what, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), what, argument);
}

static int file_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_traits(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int shm_map(sqlite3_file *file, int page, int n, int extend, void volatile **out)
{
    return fails(FAULT_SHM_MAP) ? current.code
                                : real_of(file)->pMethods->xShmMap(real_of(file), page, n, extend, out);
}

static int shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    if (!(flags & SQLITE_SHM_UNLOCK) && fails(FAULT_SHM_LOCK)) {
        return current.code;
    }
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static int file_fetch(sqlite3_file *file, sqlite3_int64 at, int n, void **out)
{
    return fails(FAULT_FETCH) ? current.code : real_of(file)->pMethods->xFetch(real_of(file), at, n, out);
}

static int file_unfetch(sqlite3_file *file, sqlite3_int64 at, void *page)
{
    return real_of(file)->pMethods->xUnfetch(real_of(file), at, page);
}

static const sqlite3_io_methods methods = {
    3,         file_close,  file_read,       file_write,   file_truncate, file_sync,   file_size,
    file_lock, file_unlock, file_check_lock, file_control, file_sector,   file_traits, shm_map,
    shm_lock,  shm_barrier, shm_unmap,       file_fetch,   file_unfetch};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    struct fault_file *own = (struct fault_file *)(void *)file;
    (void)vfs;
    own->base.pMethods = NULL;
    own->real = (sqlite3_file *)(void *)(own + 1);
    int code = fails(FAULT_OPEN) ? current.code : below->xOpen(below, name, own->real, flags, out_flags);
    if (code == SQLITE_OK) {
        own->base.pMethods = &methods;
    }
    return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    return fails(FAULT_DELETE) ? current.code : below->xDelete(below, name, sync);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    (void)vfs;
    return fails(FAULT_ACCESS) ? current.code : below->xAccess(below, name, flags, out);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static sqlite3_mem_methods below_memory, memory;

static void *sqlite_malloc(int n)
{
    return fails(FAULT_ALLOCATE) ? NULL : below_memory.xMalloc(n);
}

static void *sqlite_realloc(void *block, int n)
{
    return fails(FAULT_ALLOCATE) ? NULL : below_memory.xRealloc(block, n);
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t n);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t n);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t n)
{
    return fails(FAULT_ALLOCATE) ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails(FAULT_ALLOCATE) ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *block, size_t n)
{
    return fails(FAULT_ALLOCATE) ? NULL : __real_realloc(block, n);
}

char *__wrap_strdup(const char *text)
{
    return fails(FAULT_ALLOCATE) ? NULL : __real_strdup(text);
}

void fault_install(void)
{
    static sqlite3_vfs vfs;
    (void)sqlite3_config(SQLITE_CONFIG_GETMALLOC, &below_memory);
    memory = below_memory;
    memory.xMalloc = sqlite_malloc;
    memory.xRealloc = sqlite_realloc;
    (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &memory);
    below = sqlite3_vfs_find(NULL);
    vfs = *below;
    vfs.zName = "fault";
    vfs.szOsFile = (int)sizeof(struct fault_file) + below->szOsFile;
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    vfs.xAccess = vfs_access;
    (void)sqlite3_vfs_register(&vfs, 1);
}
