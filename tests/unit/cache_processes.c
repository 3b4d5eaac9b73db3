/* Sixteen processes that open a fresh store at the same moment and put twenty rows each: every put succeeds,
 * nothing is lost, nobody ends in memory. Then the same with the file damaged under their eyes: nothing
 * wrong. Then all find a file that is no store: one sets it aside, the others take what that one begins. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache_support.h"

enum { N_PROCESSES = 16, N_ROWS = 20 };

static int put_rows(int process, bool damage)
{
    struct qj_store *store = cache_open("store");
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    if (!store) {
        return 1;
    }
    for (int i = 0; i < N_ROWS; i++) {
        size_t n = (size_t)(1000 + 7000 * i);
        if (damage && process == 0 && i == 5) {
            FILE *file = fopen("store/store.sqlite", "r+e");
            for (long at = 0; file && at < 200000; at += 4096) {
                (void)fseek(file, at, SEEK_SET);
                (void)fwrite("damage", 1, 6, file);
            }
            if (file) {
                (void)fclose(file);
            }
        }
        if (cache_put(store, process * N_ROWS + i, n) != QJIT_OK && !damage) {
            (void)fprintf(stderr, "process %d row %d: %s\n", process, i, qjit_error_detail());
            return 2;
        }
        if (cache_check(store, process * N_ROWS + i, n) != 1 && !damage) {
            (void)fprintf(stderr, "process %d row %d: not found (%s)\n", process, i, cache_last_line());
            return 3;
        }
        if (cache_check(store, (process * 7 + i * 3) % N_PROCESSES * N_ROWS + i, n) < 0) {
            return 4;
        }
    }
    if (!damage && (qj_store_stat(store, &stat) != QJIT_OK || strcmp(stat.memory_reason, "") != 0)) {
        (void)fprintf(stderr, "process %d: %s\n", process, stat.memory_reason);
        return 5;
    }
    qj_store_close(store);
    return 0;
}

static int open_only(void)
{
    struct qj_store *store = cache_open("store");
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    bool in_file = store && qj_store_stat(store, &stat) == QJIT_OK && *stat.path;
    if (!in_file) {
        (void)fprintf(stderr, "not in a file: %s\n", store ? stat.memory_reason : qjit_error_detail());
    }
    qj_store_close(store);
    return !in_file;
}

enum race { PUT, PUT_DAMAGED, OPEN };

static int run_all(enum race race)
{
    int gate[2], result = 0;
    if (pipe(gate) != 0) {
        return 1;
    }
    for (int i = 0; i < N_PROCESSES; i++) {
        pid_t child = fork();
        if (child == 0) {
            char byte;
            (void)close(gate[1]);
            (void)!read(gate[0], &byte, 1); /* until the parent has closed its end: all go at once */
            _exit(race == OPEN ? open_only() : put_rows(i, race == PUT_DAMAGED));
        }
    }
    (void)close(gate[0]);
    (void)close(gate[1]);
    for (int i = 0; i < N_PROCESSES; i++) {
        int status = 0;
        (void)wait(&status);
        result |= status;
    }
    return result;
}

static int set_aside_once(void)
{
    glob_t found;
    cache_fresh();
    if (mkdir("store", 0700) != 0 || cache_spit("store/store.sqlite", "not a store", 11) != 0 ||
        chmod("store/store.sqlite", 0600) != 0 || run_all(OPEN) != 0) {
        return 1;
    }
    size_t n = glob("store/store.sqlite.corrupt-*", 0, NULL, &found) == 0 ? found.gl_pathc : 0;
    globfree(&found);
    if (n != 1) {
        (void)fprintf(stderr, "%zu files were set aside\n", n);
    }
    return n != 1;
}

int main(void)
{
    cache_fresh();
    if (run_all(PUT) != 0) {
        return 1;
    }
    struct qj_store *store = cache_open("store");
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    if (qj_store_stat(store, &stat) != QJIT_OK || stat.n_entries != N_PROCESSES * N_ROWS ||
        stat.n_refused != 0 || stat.n_hits < N_PROCESSES * N_ROWS) {
        (void)fprintf(stderr, "%d rows, %d hits, %d refused\n", (int)stat.n_entries, (int)stat.n_hits,
                      (int)stat.n_refused);
        return 1;
    }
    qj_store_close(store);
    if (run_all(PUT_DAMAGED) != 0) {
        return 1;
    }
    int failed = 0;
    for (int round = 0; round < 10 && !failed; round++) {
        failed = set_aside_once();
    }
    return failed;
}
