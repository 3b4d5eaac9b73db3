/* What a store does while things go wrong below it: every call of SQLite's file layer failing in turn (an I/O
 * error, a full disk, half a write, a failed sync, a lock that is not to be had), every allocation failing in
 * turn, a full tmpfs, a quota. Each time a whole life of a store: opened, put into, read, refused, cleared,
 * shrunk, listed, closed. Every call answers, no object is wrong, and afterwards everything reported as put
 * is there. Leaks are the sanitizer's to find.
 * QJIT_TEST_STRIDE: of the calls that can fail, every how manyeth does (23; 1 is all of them). */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "cache/internal.h"
#include "cache_support.h"
#include "fault.h"

enum { N_ROWS = 8, N_OLD = 4 }; /* the first are there from the beginning */

static const size_t sizes[N_ROWS] = {700, 20000, 70000, 3000, 1200, 90000, 40000, 5000};
static unsigned char *objects[N_ROWS];
static uint8_t keys[N_ROWS][QJ_DIGEST_BYTES];
static unsigned char *old_file;
static size_t n_old_file;

static struct figures {
    int n_runs, n_come, n_wrong, n_lost, n_odd, n_in_memory, n_served, n_asked;
} figures;

/* What the store has promised to hold. */
static bool is_put[N_ROWS];

static void get(struct qj_store *store, int i)
{
    struct qj_entry entry;
    qjit_status status = qj_store_get(store, &entry, keys[i]);
    figures.n_asked++;
    if (status == QJIT_OK) {
        figures.n_served++;
        figures.n_wrong +=
            entry.row.object_bytes != sizes[i] || memcmp(entry.object, objects[i], sizes[i]) != 0;
        qj_entry_finish(&entry);
    } else {
        figures.n_odd +=
            status != QJIT_NOT_FOUND && status != QJIT_NO_MEMORY && status != QJIT_CACHE_UNUSABLE;
    }
}

static void put(struct qj_store *store, int i)
{
    fault_pause();
    struct qj_row row = cache_row(i);
    fault_resume();
    qjit_status status = qj_store_put(store, &row, objects[i], sizes[i]);
    is_put[i] = is_put[i] || status == QJIT_OK;
    figures.n_odd += status != QJIT_OK && status != QJIT_NO_MEMORY && status != QJIT_CACHE_UNUSABLE;
}

static int see(void *payload, const struct qj_row *row)
{
    *(uint64_t *)payload += row->object_bytes;
    return 0;
}

/* Whether the store has its file at the end. */
static bool live(struct qj_store *store)
{
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    uint64_t n = 0;
    for (int i = 0; i < N_OLD; i++) {
        get(store, i);
    }
    put(store, 4);
    put(store, 5);
    for (int i = 0; i < N_ROWS; i++) {
        get(store, i); /* by a snapshot too */
    }
    (void)qj_store_has(store, keys[5]);
    is_put[1] = false;
    qj_store_refuse(store, keys[1], "to see a row go");
    put(store, 6);
    is_put[2] = false;
    (void)qj_store_clear(store, &n, &(struct qj_store_filter){.unit = "unit_2"});
    put(store, 7);
    (void)qj_store_each(store, NULL, see, &n);
    qj_store_count_compile(store, 1, false);
    qj_store_note_use(store, keys[5], 4000000000);
    (void)qj_store_shrink(store, &n, 64 << 20); /* nothing has to go */
    get(store, 6);
    get(store, 7);
    return qj_store_stat(store, &stat) == QJIT_OK && strcmp(stat.memory_reason, "") == 0;
}

static void begin_again(void)
{
    (void)qj_fs_remove_tree("store");
    (void)mkdir("store", 0700);
    (void)cache_spit("store/store.sqlite", old_file, n_old_file);
    (void)chmod("store/store.sqlite", 0600);
    for (int i = 0; i < N_ROWS; i++) {
        is_put[i] = i < N_OLD;
    }
}

/* With no fault any more: what was promised while the store had its file is there. */
static void judge(bool had_file)
{
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    struct qj_store *store = cache_open("store");
    bool is_sound = store && qj_store_stat(store, &stat) == QJIT_OK && strcmp(stat.memory_reason, "") == 0;
    for (int i = 0; i < N_ROWS && store; i++) {
        int found = cache_check(store, i, sizes[i]);
        figures.n_wrong += found < 0;
        figures.n_lost += (had_file || i < N_OLD) && is_put[i] && found == 0;
    }
    figures.n_odd += !is_sound || (store && cache_put(store, 2, sizes[2]) != QJIT_OK);
    figures.n_in_memory += !had_file;
    qj_store_close(store);
}

static void run(const struct fault *fault, bool anew)
{
    static const struct fault none;
    int before = figures.n_odd + figures.n_lost + figures.n_wrong;
    fault_pause();
    begin_again();
    if (anew) {
        (void)unlink("store/store.sqlite");
        memset(is_put, 0, sizeof is_put);
    }
    fault_set(fault);
    fault_resume();
    struct qj_store *store = NULL;
    struct qj_store_options options = {.directory = "store"};
    bool had_file = false;
    qjit_status status = qj_store_open(&store, &options);
    if (status == QJIT_OK) {
        had_file = live(store);
        qj_store_close(store);
    } else {
        figures.n_odd += status != QJIT_NO_MEMORY;
    }
    figures.n_runs++;
    figures.n_come += fault_has_come();
    fault_pause();
    fault_set(&none);
    judge(had_file);
    if (figures.n_odd + figures.n_lost + figures.n_wrong > before) {
        (void)printf("method %d, call %d%s, %s store: %s; %s\n", fault->method, fault->at,
                     fault->stays ? " and all later ones" : "", anew ? "a new" : "an old",
                     qjit_error_detail(), cache_last_line());
    }
    fault_resume();
}

static const struct kind {
    const char *name;
    enum fault_method method;
    int code;
    bool half, once_only;
} kinds[] = {
    {"open: cannot", FAULT_OPEN, SQLITE_CANTOPEN, false, false},
    {"delete: EIO", FAULT_DELETE, SQLITE_IOERR_DELETE, false, false},
    {"access: EIO", FAULT_ACCESS, SQLITE_IOERR_ACCESS, false, false},
    {"read: EIO", FAULT_READ, SQLITE_IOERR_READ, false, false},
    {"read: short", FAULT_READ, SQLITE_IOERR_SHORT_READ, true, true},
    {"write: EIO", FAULT_WRITE, SQLITE_IOERR_WRITE, false, false},
    {"write: disk full", FAULT_WRITE, SQLITE_FULL, false, false},
    {"write: half, then full", FAULT_WRITE, SQLITE_FULL, true, false},
    {"truncate: EIO", FAULT_TRUNCATE, SQLITE_IOERR_TRUNCATE, false, false},
    {"sync: EIO", FAULT_SYNC, SQLITE_IOERR_FSYNC, false, false},
    {"size: EIO", FAULT_SIZE, SQLITE_IOERR_FSTAT, false, false},
    {"lock: EIO", FAULT_LOCK, SQLITE_IOERR_LOCK, false, false},
    {"lock: busy", FAULT_LOCK, SQLITE_BUSY, false, true},
    {"log's index, map: EIO", FAULT_SHM_MAP, SQLITE_IOERR_SHMMAP, false, false},
    {"log's index, lock: EIO", FAULT_SHM_LOCK, SQLITE_IOERR_SHMLOCK, false, false},
    {"log's index, lock: busy", FAULT_SHM_LOCK, SQLITE_BUSY, false, true},
    {"map: EIO", FAULT_FETCH, SQLITE_IOERR_MMAP, false, false},
    {"allocate", FAULT_ALLOCATE, SQLITE_NOMEM, false, false},
};

/* A read that came short has given zeros for bytes: a row whose checksum does not hold may be dropped then.
 */
static int report(const char *name, int n_calls, bool may_lose)
{
    bool is_right = figures.n_wrong == 0 && (figures.n_lost == 0 || may_lose) && figures.n_odd == 0;
    (void)printf(
        "%-24s %4d calls, %4d runs, %4d came: %d wrong, %d lost, %d odd; %d ended in memory; %d of %d "
        "gets served%s\n",
        name, n_calls, figures.n_runs, figures.n_come, figures.n_wrong, figures.n_lost, figures.n_odd,
        figures.n_in_memory, figures.n_served, figures.n_asked, is_right ? "" : ": wrong");
    (void)fflush(stdout);
    figures = (struct figures){0};
    return !is_right;
}

/* How many calls of the method one life takes when nothing fails. */
static int n_calls_of(enum fault_method method, bool anew)
{
    static const struct fault none;
    const struct figures before = figures;
    begin_again();
    if (anew) {
        (void)unlink("store/store.sqlite");
    }
    fault_set(&none);
    struct qj_store *store = cache_open("store");
    (void)live(store);
    qj_store_close(store);
    figures = before;
    return fault_count(method);
}

static int try_kind(const struct kind *kind, int stride)
{
    int n_all = 0;
    for (int anew = 0; anew < 2; anew++) {
        int n = n_calls_of(kind->method, anew);
        n_all += n;
        for (int stays = 0; stays < (kind->once_only ? 1 : 2); stays++) {
            for (int at = 1 + stays % stride; at <= n; at += stride) {
                const struct fault fault = {kind->method, at, stays, kind->code, kind->half};
                run(&fault, anew);
            }
        }
    }
    bool has_none_come = figures.n_come == 0;
    return report(kind->name, n_all, kind->code == SQLITE_IOERR_SHORT_READ) + has_none_come;
}

/* ---- disks that are really full -------------------------------------------------------------- */

static int live_somewhere(const char *name)
{
    struct qj_store *store = cache_open("store");
    for (int i = 0; i < 40 && store; i++) { /* more than there is room for */
        qjit_status status = cache_put(store, 100 + i, 30000);
        figures.n_odd += status != QJIT_OK && status != QJIT_CACHE_UNUSABLE;
        figures.n_come += status == QJIT_CACHE_UNUSABLE;
        int found = cache_check(store, 100 + i, 30000);
        figures.n_wrong += found < 0;
        figures.n_lost += status == QJIT_OK && found != 1;
    }
    figures.n_runs++;
    if (store) {
        (void)live(store);
    }
    qj_store_close(store);
    bool had_room = figures.n_come == 0;
    return report(name, 40, false) + had_room;
}

/* 0, 1, or 77 where the kernel does not let us. */
static int fill_tmpfs(void)
{
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
        (void)printf("full tmpfs: skipped, no mount namespace of one's own here: %s\n", strerror(errno));
        return 77;
    }
    (void)mkdir("full", 0700);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("full", "full", "tmpfs", 0, "size=900k,mode=0700") != 0 || chdir("full") != 0) {
        (void)printf("full tmpfs: skipped, cannot mount one here: %s\n", strerror(errno));
        return 77;
    }
    return live_somewhere("tmpfs of 900 KiB");
}

static int fill_quota(void)
{
    const struct rlimit limit = {600000, 600000};
    (void)signal(SIGXFSZ, SIG_IGN); /* as anyone who sets such a limit and wants to live */
    begin_again();
    return setrlimit(RLIMIT_FSIZE, &limit) == 0 ? live_somewhere("files of at most 600 KB") : 1;
}

static int in_child(int (*what)(void))
{
    int status = -1;
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int result = what();
        (void)fflush(stdout);
        _exit(result);
    }
    (void)waitpid(child, &status, 0);
    bool is_skipped = WIFEXITED(status) && WEXITSTATUS(status) == 77;
    return status != 0 && !is_skipped;
}

int main(int argc, char **argv)
{
    const char *wanted = getenv("QJIT_TEST_STRIDE");
    int stride = wanted ? atoi(wanted) : 23, n_bad = 0;
    fault_install();
    cache_fresh();
    struct qj_store *store = cache_open("store");
    for (int i = 0; i < N_ROWS; i++) {
        struct qj_row row = cache_row(i);
        memcpy(keys[i], row.key, sizeof keys[i]);
        objects[i] = cache_object(i, sizes[i]);
        if (!store || !objects[i] || (i < N_OLD && cache_put(store, i, sizes[i]) != QJIT_OK)) {
            return 1;
        }
    }
    qj_store_close(store);
    old_file = cache_slurp("store/store.sqlite", &n_old_file);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (argc < 2 || strcmp(argv[1], kinds[i].name) == 0) {
            n_bad +=
                try_kind(&kinds[i], kinds[i].method == FAULT_ALLOCATE && stride > 1 ? stride * 3 : stride);
        }
    }
    n_bad += in_child(fill_tmpfs) + in_child(fill_quota);
    for (int i = 0; i < N_ROWS; i++) {
        free(objects[i]);
    }
    free(old_file);
    return n_bad;
}
