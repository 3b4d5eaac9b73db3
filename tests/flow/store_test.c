/* What the public calls say of the store: ingredients of a miss, stale rows, damage, places that cannot be
 * used. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flow/flow.h"

static const char kernel[] = "dequantize_block_q8_0_f32";

static void get_object(qjit_context *context, const char *name, uint32_t from_store)
{
    qjit_kernel id;
    qjit_object *object;
    cr_assert_eq(qjit_find_kernel(context, &id, name), QJIT_OK);
    cr_assert_eq(qjit_get_object(context, &object, id, "gfx1030"), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(object->from_store, from_store);
    qjit_object_destroy(object);
}

struct differing {
    char names[256];
    int n;
};

static int gather(void *payload, const qjit_ingredient *ingredient)
{
    struct differing *differing = payload;
    differing->n++;
    if (ingredient->differs) {
        (void)strcat(strcat(differing->names, ingredient->name), " ");
    }
    return 0;
}

static struct differing explain(qjit_context *context, const char *name, const char *arch)
{
    struct differing differing = {0};
    qjit_kernel id;
    cr_assert_eq(qjit_find_kernel(context, &id, name), QJIT_OK);
    cr_assert_eq(qjit_explain(context, id, arch, gather, &differing), QJIT_OK, "%s", qjit_error_detail());
    return differing;
}

static int count_stale(void *payload, const qjit_cache_row *row)
{
    int *n = payload;
    *n += row->stale;
    return 0;
}

TestSuite(store, .init = flow_init);

Test(store, another_compiler_makes_every_row_stale)
{
    flow_change_library();
    qjit_context *before = flow_create(NULL);
    get_object(before, kernel, 0);
    get_object(before, "quantize_q8_1", 0);
    cr_assert_str_eq(explain(before, kernel, "gfx1030").names, "");
    qjit_destroy(before);

    qjit_context *after = flow_create(flow_by_the_changed_library);
    cr_assert_str_eq(explain(after, kernel, "gfx1030").names, "compiler key ");
    int n = 0;
    cr_assert_eq(qjit_each_cache_row(after, count_stale, &n), QJIT_OK);
    cr_assert_eq(n, 2);
    get_object(after, kernel, 0);
    uint64_t removed = 0;
    qjit_cache_filter stale = {.struct_size = sizeof stale, .stale = 1};
    cr_assert_eq(qjit_clear_cache(after, &removed, &stale), QJIT_OK);
    cr_assert_eq(removed, 2);
    cr_assert_eq(flow_stat(after).n_entries, 1);
    get_object(after, kernel, 1);
    qjit_destroy(after);
}

Test(store, explain_names_the_arch)
{
    qjit_context *context = flow_create(NULL);
    cr_assert_str_eq(explain(context, kernel, "gfx1030").names, "");
    get_object(context, kernel, 0);
    struct differing differing = explain(context, kernel, "gfx90a:xnack-");
    cr_assert_not_null(strstr(differing.names, "arch "));
    cr_assert_not_null(strstr(differing.names, "key "));
    cr_assert_eq(differing.n, 8);
    qjit_destroy(context);
}

Test(store, clears_by_arch_and_unit)
{
    static const char *const archs[] = {"gfx1030", "gfx90a:sramecc+:xnack-", "gfx90a"};
    static const char *const kernels[] = {"quantize_q8_1", "dequantize_block_q4_0_f32"};
    qjit_warm_options options = {
        .struct_size = sizeof options, .archs = archs, .n_archs = 3, .kernels = kernels, .n_kernels = 2};
    qjit_context *context = flow_create(NULL);
    uint64_t n = 0;
    cr_assert_eq(qjit_warm(context, NULL, &options), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(flow_stat(context).n_entries, 6);
    qjit_cache_filter filter = {.struct_size = sizeof filter, .arch = "gfx90a:xnack-:sramecc+"};
    cr_assert_eq(qjit_clear_cache(context, &n, &filter), QJIT_OK);
    cr_assert_eq(n, 2);
    filter = (qjit_cache_filter){.struct_size = sizeof filter, .arch = "gfx90a", .unit = "quantize_q8_1"};
    cr_assert_eq(qjit_clear_cache(context, &n, &filter), QJIT_OK);
    cr_assert_eq(n, 1);
    filter = (qjit_cache_filter){.struct_size = sizeof filter, .older_than_s = 3600};
    cr_assert_eq(qjit_clear_cache(context, &n, &filter), QJIT_OK);
    cr_assert_eq(n, 0);
    cr_assert_eq(qjit_clear_cache(context, &n, NULL), QJIT_OK);
    cr_assert_eq(n, 3);
    cr_assert_eq(flow_stat(context).n_entries, 0);
    qjit_destroy(context);
}

/* Store, damage from outside, ask again: the row is refused and compiled anew, and it is counted. */
static void damage(const char *sql)
{
    qjit_context *context = flow_create(NULL);
    get_object(context, kernel, 0);
    qjit_destroy(context);
    flow_sql(sql);
    context = flow_create(NULL);
    get_object(context, kernel, 0);
    qjit_cache_stat stat = flow_stat(context);
    cr_assert_eq(stat.n_refused, 1, "%s", sql);
    cr_assert_eq(stat.n_compiles, 2);
    cr_assert_eq(stat.n_entries, 1);
    get_object(context, kernel, 1);
    qjit_destroy(context);
}

Test(store, a_flipped_bit_in_an_object_is_never_handed_out)
{
    damage("UPDATE entry SET payload = CAST(substr(payload, 1, 1000) || "
           "CASE substr(payload, 1001, 1) WHEN x'00' THEN x'01' ELSE x'00' END || substr(payload, 1002) AS "
           "BLOB)");
}

Test(store, a_damaged_record_is_never_handed_out)
{
    damage("UPDATE entry SET record = CAST(x'00' || substr(record, 2) AS BLOB)");
}

static void in_a_file(qjit_options *options)
{
    options->cache_dir = "/dev/null/store";
}

Test(store, a_place_that_cannot_be_means_memory)
{
    qjit_context *context = flow_create(in_a_file);
    get_object(context, kernel, 0);
    get_object(context, kernel, 1);
    qjit_cache_stat stat = flow_stat(context);
    cr_assert_str_eq(stat.path, "");
    cr_assert_str_neq(stat.memory_reason, "");
    cr_assert_eq(stat.n_entries, 1);
    qjit_destroy(context);
}

Test(store, one_that_others_may_write_is_not_trusted)
{
    qjit_context *context = flow_create(NULL);
    get_object(context, kernel, 0);
    qjit_destroy(context);
    cr_assert_eq(chmod(getenv("QJIT_CACHE_DIR"), 0777), 0);
    context = flow_create(NULL);
    qjit_cache_stat stat = flow_stat(context);
    cr_assert_not_null(strstr(stat.memory_reason, "chmod"), "%s", stat.memory_reason);
    get_object(context, kernel, 0);
    qjit_destroy(context);
}
