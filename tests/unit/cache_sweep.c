/* A store of 200 objects damaged in every class of byte position, with single bits and longer runs; cut at
 * every page; with pages of zeros; its log and the log's index damaged, before and while they are used. No
 * wrong object, no call without an answer, and what the damage has not touched is still served.
 * QJIT_TEST_ROUNDS is the number of flips a class (15; 650 makes more than 5,000). */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "cache/internal.h"
#include "cache_support.h"

enum { N_ROWS = 200, PAGE = QJ_STORE_PAGE_BYTES, CASE_SECONDS = 30 };

enum place {
    HEADER,
    TREE_HEAD,
    CELL_POINTERS,
    GAP,
    CELLS,
    CHAIN,
    CHAIN_BODY,
    OTHER,
    LOG_HEAD,
    LOG_BODY,
    N_PLACES
};
static const char *const place_names[N_PLACES] = {"header of the file",
                                                  "head of a tree page",
                                                  "cell pointers",
                                                  "unused part of a tree page",
                                                  "rows",
                                                  "link of a chain",
                                                  "payload in a chain",
                                                  "map and free pages",
                                                  "heads in the log",
                                                  "pages in the log"};

static const char path[] = "store/store.sqlite";
/* The whole store, closed; and the same before its log was carried over: a quarter of the rows is in that. */
static unsigned char *file, *base, *log_file, *log_index;
static size_t n_file, n_base, n_log, n_index;
static uint8_t *places; /* of each byte of the file */

/* Shared with the process that does the work, so that its death is a figure too. */
static struct figures {
    int n_cases, n_wrong, n_missed, n_found, n_unanswered, n_least_found, n_set_aside;
} * figures;

static uint64_t random_state = 7;

static size_t draw(size_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(random_state >> 20) % below;
}

static size_t equal_bytes; /* not 0: of every object */

static size_t size_of(int i)
{
    if (equal_bytes) {
        return equal_bytes;
    }
    return i % 25 == 7 ? 50000 + (size_t)i * 10 : 200 + (size_t)(i * 97) % 9000;
}

/* Rows, some rows removed again, stamps and counters. */
static void make_store(void)
{
    struct qj_store *store = cache_open("store"), *reader;
    for (int i = 0; i < N_ROWS + 20; i++) {
        struct qj_row row = cache_row(i);
        if (i % 4 != 0) {
            (void)cache_put(store, i, i < N_ROWS ? size_of(i) : 30000);
            qj_store_note_use(store, row.key, 4000000000);
        }
    }
    for (int i = N_ROWS; i < N_ROWS + 20; i++) {
        struct qj_row row = cache_row(i);
        qj_store_refuse(store, row.key, "to leave free pages");
    }
    qj_store_close(store);
    store = cache_open("store");
    reader = cache_open("store");
    for (int i = 0; i < N_ROWS; i += 4) {
        (void)cache_put(store, i, size_of(i));
    }
    base = cache_slurp(path, &n_base);
    log_file = cache_slurp("store/store.sqlite-wal", &n_log);
    log_index = cache_slurp("store/store.sqlite-shm", &n_index);
    qj_store_close(reader);
    qj_store_close(store);
    file = cache_slurp(path, &n_file);
}

static unsigned two(const unsigned char *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

/* SQLite's file format, sections 1.3 and 1.6. */
static void classify_page(size_t page)
{
    size_t head = page == 0 ? 100 : 0;
    const unsigned char *bytes = file + page * PAGE + head;
    uint8_t *out = places + page * PAGE;
    bool is_interior = bytes[0] == 2 || bytes[0] == 5, is_leaf = bytes[0] == 10 || bytes[0] == 13;
    size_t n_head = is_interior ? 12 : 8, n_pointers = 2u * two(bytes + 3), content = two(bytes + 5);
    if (!(is_interior || is_leaf) || content < head + n_head + n_pointers || content > PAGE) {
        bool is_map = page == 1;
        memset(out, is_map ? OTHER : CHAIN_BODY, PAGE);
        memset(out, is_map ? OTHER : CHAIN, 4);
        return;
    }
    memset(out, HEADER, head);
    memset(out + head, TREE_HEAD, n_head);
    memset(out + head + n_head, CELL_POINTERS, n_pointers);
    memset(out + head + n_head + n_pointers, GAP, content - head - n_head - n_pointers);
    memset(out + content, CELLS, PAGE - content);
}

static void classify(void)
{
    places = malloc(n_file);
    for (size_t page = 0; page < n_file / PAGE; page++) {
        classify_page(page);
    }
}

/* A place in this class; where no draw finds one, the class has none. */
static bool draw_place(size_t *out, enum place place)
{
    if (place == HEADER) {
        *out = draw(100);
        return true;
    }
    for (int i = 0; i < 200000; i++) {
        *out = draw(n_file);
        if (places[*out] == place) {
            return true;
        }
    }
    return false;
}

static void begin_case(const unsigned char *bytes, size_t n, const unsigned char *log, size_t n_log_bytes)
{
    (void)qj_fs_remove_tree("store");
    (void)mkdir("store", 0700);
    (void)cache_spit(path, bytes, n);
    (void)chmod(path, 0600);
    if (log) {
        (void)cache_spit("store/store.sqlite-wal", log, n_log_bytes);
    }
}

/* All rows, then one put and what a caller may ask of any store. */
static void judge(struct qj_store *store)
{
    uint64_t n_removed = 0;
    int n_found = 0, n_before = figures->n_unanswered;
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    for (int i = 0; i < N_ROWS; i++) {
        int found = cache_check(store, i, size_of(i));
        n_found += found > 0;
        figures->n_wrong += found < 0;
        figures->n_missed += found == 0;
    }
    figures->n_found += n_found;
    figures->n_least_found = n_found < figures->n_least_found ? n_found : figures->n_least_found;
    figures->n_unanswered += cache_put(store, 7, size_of(7)) != QJIT_OK;
    figures->n_wrong += cache_check(store, 7, size_of(7)) != 1;
    figures->n_unanswered += qj_store_stat(store, &stat) != QJIT_OK && qj_store_stat(store, &stat) != QJIT_OK;
    if (figures->n_cases % 8 == 0) {
        /* Rows cannot always be taken out of a damaged tree; it says so then. */
        qjit_status status = qj_store_shrink(store, &n_removed, 400000);
        figures->n_unanswered += status != QJIT_OK && status != QJIT_CACHE_UNUSABLE;
    }
    if (figures->n_unanswered > n_before) {
        (void)printf("case %d: %s; %s\n", figures->n_cases, qjit_error_detail(), cache_last_line());
        (void)fflush(stdout);
    }
}

static void try_files(const unsigned char *bytes, size_t n, const unsigned char *log, size_t n_log_bytes)
{
    glob_t aside;
    begin_case(bytes, n, log, n_log_bytes);
    (void)alarm(CASE_SECONDS);
    struct qj_store *store = cache_open("store");
    figures->n_cases++;
    figures->n_unanswered += store == NULL;
    if (store) {
        judge(store);
        qj_store_close(store);
    }
    (void)alarm(0);
    figures->n_set_aside += glob("store/*.corrupt-*", 0, NULL, &aside) == 0;
    globfree(&aside);
}

/* One to four runs of one byte to 64. */
static void damage(unsigned char *bytes, size_t n, size_t at, int how)
{
    size_t n_run = how % 4 == 3 ? 2 + draw(63) : 1;
    for (size_t i = at; i < at + n_run && i < n; i++) {
        unsigned char flipped = (unsigned char)(bytes[i] ^ (unsigned char)(1u << draw(8)));
        unsigned char blanked = bytes[i] ? 0 : 0xff;
        bytes[i] = how % 4 == 0 ? flipped : how % 4 == 2 ? blanked : (unsigned char)draw(256);
    }
}

static void sweep_place(enum place place, int n_rounds)
{
    bool is_log = place == LOG_HEAD || place == LOG_BODY;
    size_t n = is_log ? n_log : n_file, at;
    unsigned char *copy = malloc(n);
    for (int i = 0; i < n_rounds; i++) {
        memcpy(copy, is_log ? log_file : file, n);
        for (int k = 0; k < (i % 8 == 7 ? 4 : 1); k++) {
            if (is_log) { /* a head of 32, then frames of 24 and a page */
                at = draw(n_log / (PAGE + 24)) * (PAGE + 24) +
                     (place == LOG_HEAD ? draw(56) : 56 + draw(PAGE));
            } else if (!draw_place(&at, place)) {
                free(copy);
                return;
            }
            damage(copy, n, at < n ? at : n - 1, i);
        }
        try_files(is_log ? base : copy, is_log ? n_base : n, is_log ? copy : NULL, n);
    }
    free(copy);
}

static void cut(int n_rounds)
{
    size_t step = 1 + n_file / PAGE / ((size_t)n_rounds * 2);
    for (size_t page = 0; page < n_file / PAGE; page += step) {
        try_files(file, page * PAGE + (page % 2 ? 0 : 777), NULL, 0);
    }
}

static void blank(int n_rounds)
{
    size_t step = 1 + n_file / PAGE / ((size_t)n_rounds * 2);
    unsigned char *copy = malloc(n_file);
    for (size_t page = 0; page < n_file / PAGE; page += step) {
        memcpy(copy, file, n_file);
        memset(copy + page * PAGE, 0, PAGE);
        try_files(copy, n_file, NULL, 0);
    }
    free(copy);
}

static void cut_log(int n_rounds)
{
    for (int i = 0; i < n_rounds; i++) {
        try_files(base, n_base, log_file, draw(n_log));
    }
}

/* The index of the log, shared memory, scribbled on while two stores of this process use it. */
static void scribble_index(int n_rounds)
{
    for (int i = 0; i < n_rounds; i++) {
        begin_case(base, n_base, log_file, n_log);
        (void)cache_spit("store/store.sqlite-shm", log_index, n_index);
        (void)alarm(CASE_SECONDS);
        figures->n_cases++;
        struct qj_store *store = cache_open("store");
        (void)cache_check(store, 0, size_of(0));
        FILE *index = fopen("store/store.sqlite-shm", "r+e");
        for (int k = 0; index && k < 1 + i % 8; k++) {
            (void)fseek(index, (long)draw(k % 2 ? n_index : 136), SEEK_SET);
            (void)fputc((int)draw(256), index);
        }
        if (index) {
            (void)fclose(index);
        }
        judge(store);
        qj_store_close(store);
        (void)alarm(0);
    }
}

/* Fifty bits at once, in 200 objects of 64 KB. */
static void flip_fifty(int n_rounds)
{
    equal_bytes = 65536;
    (void)qj_fs_remove_tree("store");
    struct qj_store *store = cache_open("store");
    for (int i = 0; i < N_ROWS; i++) {
        (void)cache_put(store, i, size_of(i));
    }
    qj_store_close(store);
    unsigned char *large = cache_slurp(path, &n_file);
    unsigned char *copy = malloc(n_file);
    for (int i = 0; i < n_rounds; i++) {
        memcpy(copy, large, n_file);
        for (int k = 0; k < 50; k++) {
            damage(copy, n_file, draw(n_file), 0);
        }
        try_files(copy, n_file, NULL, 0);
    }
    free(copy);
    free(large);
}

/* In a process of its own, whose end by a signal is one abort. */
static int sweep(const char *name, int least_served, void (*run)(int n_rounds), int place, int n_rounds)
{
    *figures = (struct figures){.n_least_found = N_ROWS};
    random_state = (uint64_t)place + 7;
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (run) {
            run(n_rounds);
        } else {
            sweep_place((enum place)place, n_rounds);
        }
        _exit(0);
    }
    int status = -1;
    (void)waitpid(child, &status, 0);
    double served = (double)figures->n_found / (figures->n_cases ? figures->n_cases : 1);
    bool is_right = status == 0 && figures->n_wrong == 0 && figures->n_unanswered == 0 &&
                    figures->n_cases > 0 && served >= least_served;
    (void)printf(
        "%-28s %5d cases, %d wrong, %d aborts, %d unanswered; of 200 rows %.1f served, at least %d; %d "
        "files set aside%s\n",
        name, figures->n_cases, figures->n_wrong, status != 0, figures->n_unanswered, served,
        figures->n_least_found, figures->n_set_aside, is_right ? "" : ": wrong");
    return !is_right;
}

int main(void)
{
    const char *wanted = getenv("QJIT_TEST_ROUNDS");
    int n_rounds = wanted ? atoi(wanted) : 15, n_bad = 0, n_cases = 0;
    /* Rows served, of 200, in the mean: all where nothing is, a few less where only rows are, and most even
     * where it is what holds them together. */
    static const int least[N_PLACES] = {
        [TREE_HEAD] = 120,  [CELL_POINTERS] = 150, [GAP] = 199,      [CELLS] = 190,   [CHAIN] = 190,
        [CHAIN_BODY] = 195, [OTHER] = 195,         [LOG_HEAD] = 150, [LOG_BODY] = 150};
    figures = mmap(NULL, sizeof *figures, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cache_fresh();
    make_store();
    if (figures == MAP_FAILED || !file || !base || !log_file || !log_index || n_log < 10 * PAGE) {
        (void)printf("no store to damage: %zu bytes, a log of %zu\n", n_file, n_log);
        return 1;
    }
    classify();
    for (int place = 0; place < N_PLACES; place++) {
        n_bad += sweep(place_names[place], least[place], NULL, place, n_rounds);
        n_cases += figures->n_cases;
    }
    n_bad += sweep("cut at every page", 0, cut, N_PLACES, n_rounds);
    n_cases += figures->n_cases;
    n_bad += sweep("pages of zeros", 120, blank, N_PLACES, n_rounds);
    n_cases += figures->n_cases;
    n_bad += sweep("the log cut", 130, cut_log, N_PLACES, n_rounds / 2);
    n_cases += figures->n_cases;
    n_bad += sweep("the log's index in use", 190, scribble_index, N_PLACES, n_rounds / 2);
    n_cases += figures->n_cases;
    n_bad += sweep("50 bits in 200 x 64 KB", 140, flip_fifty, N_PLACES, n_rounds / 10 + 1);
    n_cases += figures->n_cases;
    (void)printf("%d cases over %zu pages\n", n_cases, n_file / PAGE);
    return n_bad;
}
