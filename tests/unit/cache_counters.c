/* What the store counts, by itself and when told to; what survives it; why there was a miss. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "cache/internal.h"
#include "cache_support.h"

TestSuite(cache_counters, .init = cache_fresh);

static qjit_cache_stat stat_of(struct qj_store *store)
{
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    cr_assert_eq(qj_store_stat(store, &stat), QJIT_OK);
    return stat;
}

static qjit_cache_stat stat_here(struct qj_store *store)
{
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    qj_store_stat_here(store, &stat);
    return stat;
}

Test(cache_counters, are_written_once_and_kept_here)
{
    for (unsigned n = 1; n <= 3; n++) {
        struct qj_store *store = cache_open("store");
        qj_store_count_compile(store, 700, false);
        qj_store_count_compile(store, 0, true);
        qj_store_count_wait(store, 0);
        qj_store_count_wait(store, 50);
        qj_store_count_added(store);
        for (int why = 0; why < QJ_MISSES_N; why++) {
            qj_store_count_miss(store, (enum qj_miss)why);
        }
        qj_store_flush(store); /* now and when it is closed: not twice */
        qj_store_count_added(store);
        qjit_cache_stat total = stat_of(store), here = stat_here(store);
        cr_assert_eq(total.n_compiles, n);
        cr_assert_eq(total.n_failed, n);
        cr_assert_eq(total.compile_us, 700 * n);
        cr_assert_eq(total.n_waits, n);
        cr_assert_eq(total.wait_us, 50 * n);
        cr_assert_eq(total.n_added_hits, 2 * n);
        cr_assert_eq(total.n_absent, n);
        cr_assert_eq(total.n_other_compiler, n);
        cr_assert_eq(total.n_other_source, n);
        cr_assert_eq(total.n_damaged, n);
        cr_assert_eq(here.n_compiles, 1);
        cr_assert_eq(here.n_added_hits, 2);
        cr_assert_eq(here.wait_us, 50);
        cr_assert_eq(here.n_other_compiler, 1);
        qj_store_close(store);
    }
}

Test(cache_counters, of_hits_by_layer_and_of_rows_evicted)
{
    enum { N = 40, BYTES = 60000 };
    struct qj_store *store = cache_open_limited("store", 1 << 20);
    unsigned n_hits = 0;
    for (int i = 0; i < N; i++) {
        cr_assert_eq(cache_put(store, i, BYTES), QJIT_OK, "%s", qjit_error_detail());
    }
    uint64_t saved_us = 0;
    for (int i = 0; i < N; i++) {
        if (cache_check(store, i, BYTES) == 1) {
            n_hits++;
            saved_us += cache_row(i).compile_us;
        }
    }
    qjit_cache_stat stat = stat_of(store);
    cr_assert_gt(stat.n_evicted, 0);
    cr_assert_eq(stat.n_evicted + stat.n_entries, N);
    cr_assert_eq(stat.n_store_hits, n_hits);
    cr_assert_eq(stat.n_hits, n_hits);
    cr_assert_eq(stat.n_misses, N - n_hits);
    cr_assert_eq(stat.n_memory_hits + stat.n_shipped_hits, 0);
    cr_assert_gt(saved_us, 0);
    cr_assert_eq(stat.saved_us, saved_us);
    qj_store_close(store);

    store = cache_open(NULL);
    cr_assert_eq(cache_put(store, 1, BYTES), QJIT_OK);
    cr_assert_eq(cache_check(store, 1, BYTES), 1);
    cr_assert_eq(stat_of(store).n_memory_hits, 1);
    cr_assert_eq(stat_of(store).n_store_hits, 0);
    qj_store_close(store);
}

static void put_by(struct qj_store *store, int i, const char *compiler)
{
    struct qj_row row = cache_row(i);
    row.unit = "unit";
    row.arch = "gfx1030";
    row.compiler = compiler;
    cr_assert_eq(qj_store_put(store, &row, "object", 6), QJIT_OK, "%s", qjit_error_detail());
}

Test(cache_counters, why_there_was_a_miss)
{
    struct qj_store *store = cache_open("store");
    cr_assert_eq(qj_store_why(store, "unit", "gfx1030", "new"), QJ_MISS_ABSENT);
    put_by(store, 1, "old");
    put_by(store, 2, "older");
    cr_assert_eq(qj_store_why(store, "unit", "gfx1030", "new"), QJ_MISS_COMPILER);
    cr_assert_eq(qj_store_why(store, "unit", "gfx1031", "new"), QJ_MISS_ABSENT);
    cr_assert_eq(qj_store_why(store, "other", "gfx1030", "new"), QJ_MISS_ABSENT);
    put_by(store, 3, "new");
    cr_assert_eq(qj_store_why(store, "unit", "gfx1030", "new"), QJ_MISS_SOURCE);
    /* Damaged rows say nothing. */
    cr_assert_eq(cache_sql("store/store.sqlite", "UPDATE entry SET record = zeroblob(length(record))"), 0);
    cr_assert_eq(qj_store_why(store, "unit", "gfx1030", "new"), QJ_MISS_ABSENT);
    qj_store_close(store);
}

Test(cache_counters, tell_a_damaged_row_from_none)
{
    struct qj_store *store = cache_open("store");
    struct qj_entry entry;
    cr_assert_eq(cache_put(store, 1, 5000), QJIT_OK);
    cr_assert_eq(cache_sql("store/store.sqlite", "UPDATE entry SET payload = zeroblob(length(payload))"), 0);
    cr_assert_eq(qj_store_get(store, &entry, cache_row(1).key), QJIT_NOT_FOUND);
    cr_assert(entry.was_damaged);
    cr_assert_eq(qj_store_get(store, &entry, cache_row(1).key), QJIT_NOT_FOUND);
    cr_assert_not(entry.was_damaged);
    qj_store_close(store);
}
