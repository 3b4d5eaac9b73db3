/* Writers killed at random points, with and without others that go on, in stores new and old: the store opens
 * as it was, no row is wrong, and nothing is lost of what a writer has reported as put, through a pipe,
 * before it died. QJIT_TEST_ROUNDS: how often (25). */
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "cache/internal.h"
#include "cache_support.h"

enum { N_WRITERS = 3, MOST_PUTS = 40, ROUNDS_A_STORE = 20, N_KEYS = ROUNDS_A_STORE * N_WRITERS * MOST_PUTS };

enum { UNKNOWN, BEGUN, DONE };
static unsigned char states[N_KEYS];

struct figures {
    int n_kills, n_early, n_done, n_begun_found; /* the last two of this store */
};

static uint64_t random_state = 1;

static unsigned draw(unsigned below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % below;
}

static size_t size_of(int i)
{
    static const size_t sizes[] = {300, 5000, 20000, 40000, 150000, 600000};
    return sizes[(unsigned)i * 2654435761u % 6] + (size_t)i % 97;
}

/* Tells before and after each put; a write of four bytes to a pipe is whole or not at all. */
static void be_writer(int first, int report)
{
    struct qj_store *store = cache_open("store");
    for (int i = first; store && i < first + MOST_PUTS; i++) {
        int begun = -1 - i;
        if (write(report, &begun, sizeof begun) != sizeof begun ||
            cache_put(store, i, size_of(i)) != QJIT_OK || write(report, &i, sizeof i) != sizeof i) {
            _exit(2);
        }
        if (i % 5 == 0 && cache_check(store, i, size_of(i)) != 1) {
            _exit(3);
        }
        if (i % 8 == 7) { /* closing carries the log over */
            qj_store_close(store);
            store = cache_open("store");
        }
    }
    qj_store_close(store);
    _exit(store ? 0 : 4);
}

static int read_report(int report)
{
    int told;
    ssize_t n = read(report, &told, sizeof told);
    while (n < 0 && errno == EINTR) {
        n = read(report, &told, sizeof told);
    }
    if (n != sizeof told) {
        return 0;
    }
    if (told < 0 && states[-1 - told] == UNKNOWN) {
        states[-1 - told] = BEGUN;
    } else if (told >= 0) {
        states[told] = DONE;
    }
    return 1;
}

static void pause_us(unsigned us)
{
    const struct timespec time = {.tv_nsec = (long)us * 1000};
    (void)nanosleep(&time, NULL);
}

/* The first writer is killed, the others with it or not at all. True unless one that lived has failed. */
static bool run_writers(int first_key, struct figures *figures)
{
    pid_t writers[N_WRITERS];
    int report[2];
    bool kills_all = draw(2) == 0, is_early = draw(4) == 0, result = true;
    if (pipe(report) != 0) {
        return false;
    }
    for (int w = 0; w < N_WRITERS; w++) {
        writers[w] = fork();
        if (writers[w] == 0) {
            (void)close(report[0]);
            be_writer(first_key + w * MOST_PUTS, report[1]);
        }
    }
    (void)close(report[1]);
    for (unsigned n = is_early ? 0 : draw(2 * N_WRITERS * MOST_PUTS / 3); n > 0 && read_report(report[0]);
         n--) {
    }
    pause_us(draw(is_early ? 20000 : 3000));
    for (int w = 0; w < (kills_all ? N_WRITERS : 1); w++) {
        (void)kill(writers[w], SIGKILL);
    }
    while (read_report(report[0])) {
    }
    (void)close(report[0]);
    for (int w = 0; w < N_WRITERS; w++) {
        int status = -1;
        (void)waitpid(writers[w], &status, 0);
        figures->n_kills += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        result &= status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    figures->n_early += is_early;
    return result;
}

static int n_files(const char *pattern)
{
    glob_t found;
    int n = glob(pattern, 0, NULL, &found) == 0 ? (int)found.gl_pathc : 0;
    globfree(&found);
    return n;
}

/* What SQLite itself thinks of the file: fails where it says anything but "ok". */
static const char integrity[] = "CREATE TEMP TABLE whole (what CHECK (what = 'ok'));"
                                "INSERT INTO whole SELECT integrity_check FROM pragma_integrity_check";

/* Every key up to n_keys, by a process that knows nothing yet. */
static bool is_whole(int n_keys, struct figures *figures)
{
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    struct qj_store *store = cache_open("store");
    bool result = store && qj_store_stat(store, &stat) == QJIT_OK && strcmp(stat.memory_reason, "") == 0;
    figures->n_done = 0;
    figures->n_begun_found = 0;
    for (int i = 0; i < n_keys && result; i++) {
        int found = cache_check(store, i, size_of(i));
        figures->n_done += states[i] == DONE;
        figures->n_begun_found += states[i] == BEGUN && found == 1;
        if (found < 0 || (states[i] == DONE && found == 0) || (states[i] == UNKNOWN && found)) {
            (void)printf("row %d of %zu bytes: %s\n", i, size_of(i), found < 0 ? "wrong" : "lost");
            result = false;
        }
    }
    result = result && qj_store_stat(store, &stat) == QJIT_OK && stat.n_refused == 0;
    qj_store_close(store);
    if (n_files("store/*.corrupt-*") != 0 || n_files("store/*.new-*") != 0) {
        (void)printf("%d files set aside, %d left behind\n", n_files("store/*.corrupt-*"),
                     n_files("store/*.new-*"));
        return false;
    }
    return result && (n_keys < N_KEYS || cache_sql("store/store.sqlite", integrity) == SQLITE_OK);
}

int main(void)
{
    const char *wanted = getenv("QJIT_TEST_ROUNDS");
    int n_rounds = wanted ? atoi(wanted) : 25;
    struct figures figures = {0};
    int n_done = 0, n_begun_found = 0;
    cache_fresh();
    for (int round = 0; round < n_rounds; round++) {
        int first = round % ROUNDS_A_STORE;
        if (first == 0) {
            n_done += figures.n_done;
            n_begun_found += figures.n_begun_found;
            memset(states, 0, sizeof states);
            if (qj_fs_remove_tree("store") != 0 && errno != ENOENT) {
                return 1;
            }
        }
        bool result = run_writers(first * N_WRITERS * MOST_PUTS, &figures) &&
                      is_whole((first + 1) * N_WRITERS * MOST_PUTS, &figures);
        if (!result) {
            (void)printf("round %d: %s\n", round, cache_last_line());
            return 1;
        }
    }
    (void)printf(
        "%d rounds: %d writers killed (%d rounds while opening), %d rows reported put, none lost, none "
        "wrong; %d found that were being put\n",
        n_rounds, figures.n_kills, figures.n_early, n_done + figures.n_done,
        n_begun_found + figures.n_begun_found);
    return figures.n_kills < n_rounds / 2 ? 1 : 0;
}
