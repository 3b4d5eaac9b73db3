/* The public calls while the store's files and the process's memory fail: a kernel still comes, the same
 * bytes every time, from the store or from the compiler; only a lack of memory may be an answer instead.
 * QJIT_TEST_STRIDE: of the calls that can fail, every how manyeth does (97). */
#include <qjit/qjit.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "unit/fault.h"

static const char kernel[] = "dequantize_block_q8_0_f32";
static char library[4096], worker[4096];
static void *expected;
static size_t n_expected;

static struct figures {
    int n_runs, n_wrong, n_failed, n_no_memory, n_compiled;
} figures;

static qjit_status get_object(qjit_object **out)
{
    qjit_options options = QJIT_OPTIONS_INIT;
    options.hip = library;
    options.worker = worker;
    options.cache_dir = "store";
    options.n_jobs = 1;
    qjit_context *context;
    qjit_kernel id;
    qjit_status status = qjit_create(&context, &options);
    if (status != QJIT_OK) {
        return status;
    }
    status = qjit_find_kernel(context, &id, kernel);
    status = status == QJIT_OK ? qjit_get_object(context, out, id, "gfx1030") : status;
    qjit_destroy(context);
    return status;
}

static void run(const struct fault *fault)
{
    qjit_object *object = NULL;
    fault_set(fault);
    qjit_status status = get_object(&object);
    figures.n_runs++;
    if (status == QJIT_OK) {
        figures.n_wrong += object->n_bytes != n_expected || memcmp(object->bytes, expected, n_expected) != 0;
        figures.n_compiled += !object->from_store;
        qjit_object_destroy(object);
    } else if (status == QJIT_NO_MEMORY && fault->method == FAULT_ALLOCATE) {
        figures.n_no_memory++;
    } else {
        (void)printf("method %d, call %d: %s\n", fault->method, fault->at, qjit_error_detail());
        figures.n_failed++;
    }
}

static const struct {
    const char *name;
    enum fault_method method;
    int code;
} kinds[] = {
    {"open: cannot", FAULT_OPEN, SQLITE_CANTOPEN},
    {"read: EIO", FAULT_READ, SQLITE_IOERR_READ},
    {"write: disk full", FAULT_WRITE, SQLITE_FULL},
    {"sync: EIO", FAULT_SYNC, SQLITE_IOERR_FSYNC},
    {"lock: EIO", FAULT_LOCK, SQLITE_IOERR_LOCK},
    {"log's index, lock: EIO", FAULT_SHM_LOCK, SQLITE_IOERR_SHMLOCK},
    {"allocate", FAULT_ALLOCATE, SQLITE_NOMEM},
};

/* A cold store, where the object has to be compiled and kept, and the store as it is then. */
static int try_kind(size_t i, int stride)
{
    static const struct fault none;
    for (int cold = 1; cold >= 0; cold--) {
        qjit_object *object = NULL;
        (void)qj_fs_remove_tree("store");
        fault_set(&none);
        if ((cold ? 0 : get_object(&object)) != QJIT_OK) {
            return 1;
        }
        qjit_object_destroy(object);
        fault_set(&none);
        if (get_object(&object) != QJIT_OK) {
            return 1;
        }
        qjit_object_destroy(object);
        int n = fault_count(kinds[i].method);
        for (int at = 1; at <= n; at += stride) {
            const struct fault fault = {kinds[i].method, at, at % 2 == 0, kinds[i].code, false};
            if (cold) {
                (void)qj_fs_remove_tree("store");
            }
            run(&fault);
        }
    }
    fault_set(&none);
    bool is_right = figures.n_wrong == 0 && figures.n_failed == 0 && figures.n_runs > 0;
    (void)printf("%-24s %3d runs: %d wrong, %d failed, %d out of memory; %d compiled%s\n", kinds[i].name,
                 figures.n_runs, figures.n_wrong, figures.n_failed, figures.n_no_memory, figures.n_compiled,
                 is_right ? "" : ": wrong");
    (void)fflush(stdout);
    figures = (struct figures){0};
    return !is_right;
}

int main(void)
{
    const char *wanted = getenv("QJIT_TEST_STRIDE");
    int stride = wanted ? atoi(wanted) : 97, n_bad = 0;
    (void)snprintf(library, sizeof library, "%s/tests/libfake_hip.so", getenv("QJIT_BUILD"));
    (void)snprintf(worker, sizeof worker, "%s/bin/qjit-worker", getenv("QJIT_BUILD"));
    fault_install();
    qjit_object *object;
    if (get_object(&object) != QJIT_OK) {
        (void)printf("%s\n", qjit_error_detail());
        return 1;
    }
    n_expected = object->n_bytes;
    expected = malloc(n_expected);
    if (!expected) {
        return 1;
    }
    memcpy(expected, object->bytes, n_expected);
    qjit_object_destroy(object);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        n_bad += try_kind(i, kinds[i].method == FAULT_ALLOCATE ? 5 * stride : stride);
    }
    free(expected);
    return n_bad;
}
