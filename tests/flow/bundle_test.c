/* Bundles and shipped stores through the public calls: objects of the real compiler, carried and asked for
 * again. */
#include <criterion/criterion.h>
#include <qjit/bundle.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/cache.h"
#include "flow/flow.h"

static const char *const names[] = {"scale", "fill<float>", "fill<unsigned int>"};
static const char *const defines[] = {"FACTOR=2.0f  +  1.0f", "SIGN=-1.0f"};
static const char *const options[] = {"-O2"};
static const qjit_source source = {
    .struct_size = sizeof(qjit_source),
    .name = "scale",
    .text = "extern \"C\" __global__ void scale(float *x) { x[threadIdx.x] *= (FACTOR) * SIGN; }\n"
            "template <typename T> __global__ void fill(T *x, T value) { x[threadIdx.x] = value; }\n",
    .defines = defines,
    .n_defines = 2,
    .options = options,
    .n_options = 1,
    .kernels = names,
    .n_kernels = 3,
};
static const char builtin[] = "dequantize_block_q8_0_f32";

static void forbidden(qjit_options *given)
{
    given->flags = QJIT_FORBID_COMPILE;
}

static void shipped(qjit_options *given)
{
    given->flags = QJIT_FORBID_COMPILE;
    given->shipped = "all.qjit";
}

static void shipped_to_be_signed(qjit_options *given)
{
    shipped(given);
    given->trust = "release.key.pub";
}

/* A store of its own for this process's next contexts. */
static void use_store(const char *name)
{
    char path[4096];
    cr_assert_not_null(getcwd(path, sizeof path - 100));
    (void)snprintf(path + strlen(path), 100, "/%s-%d", name, (int)getpid());
    cr_assert_eq(setenv("QJIT_CACHE_DIR", path, 1), 0);
}

static qjit_status get(qjit_context *context, const char *name)
{
    qjit_function function;
    qjit_status status = qjit_get_function(context, &function, 0, name);
    return status;
}

/* The source with three kinds of kernel names, one of qjit's own, and one compiled without any name: all that
 * keys are made of. */
static void fill_store(void)
{
    qjit_source nameless = source;
    qjit_object *object;
    qjit_context *context = flow_create(NULL);
    cr_assert_eq(qjit_add_source(context, NULL, &source), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(get(context, "fill<float>"), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(get(context, builtin), QJIT_OK, "%s", qjit_error_detail());
    nameless.n_kernels = 0;
    cr_assert_eq(qjit_compile(context, &object, &nameless, "gfx90a"), QJIT_OK, "%s", qjit_error_detail());
    qjit_object_destroy(object);
    qjit_destroy(context);
}

static void shipped_beside_the_store(qjit_options *given)
{
    given->shipped = "all.qjit";
}

/* Objects that no driver takes, in every store that there is, cost a compile, and the caller nothing. */
Test(bundle, what_will_not_load_from_any_store_is_compiled)
{
    qjit_context *context = flow_create(NULL);
    cr_assert_eq(get(context, builtin), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qjit_export_cache(context, NULL, "all.qjit", NULL), QJIT_OK, "%s", qjit_error_detail());
    qjit_destroy(context);
    cr_assert_eq(setenv("FAKE_HIP_FAIL", "hipModuleLoadData:2,hipModuleLoadData:3", 1), 0);
    context = flow_create(shipped_beside_the_store);
    cr_assert_eq(get(context, builtin), QJIT_OK, "%s", qjit_error_detail());
    cr_expect_eq(flow_stat(context).n_refused, 2);
    cr_expect_eq(flow_stat(context).n_compiles, 2);
    qjit_destroy(context);
}

static void print_fault(void *payload, const qjit_cache_fault *fault)
{
    (void)payload;
    (void)fprintf(stderr, "%s for %s: %s\n", fault->unit, fault->arch, fault->reason);
}

static qjit_export_result export_all(const char *path, const char *sign)
{
    qjit_export_result done = {.struct_size = sizeof done};
    qjit_export_options how = {.struct_size = sizeof how, .sign = sign, .refused = print_fault};
    qjit_context *context = flow_create(NULL);
    cr_assert_eq(qjit_export_cache(context, &done, path, &how), QJIT_OK, "%s", qjit_error_detail());
    qjit_destroy(context);
    return done;
}

static void expect_all(qjit_context *context)
{
    qjit_source nameless = source;
    qjit_object *object;
    nameless.n_kernels = 0;
    cr_assert_eq(qjit_add_source(context, NULL, &source), QJIT_OK);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(get(context, names[i]), QJIT_OK, "%s", qjit_error_detail());
    }
    cr_assert_eq(get(context, builtin), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qjit_compile(context, &object, &nameless, "gfx90a"), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(object->from_store, 1);
    qjit_object_destroy(object);
    cr_assert_eq(flow_stat(context).n_compiles, 0);
}

TestSuite(bundle, .init = flow_init);

Test(bundle, every_row_is_keyed_again_and_serves_elsewhere)
{
    fill_store();
    (void)unlink("all.qjit");
    qjit_export_result exported = export_all("all.qjit", NULL);
    cr_assert_eq(exported.n_rows, 3);
    cr_assert_eq(exported.n_refused, 0);

    use_store("shipped");
    qjit_context *context = flow_create(shipped);
    expect_all(context);
    cr_assert_eq(flow_stat(context).n_entries, 0, "nothing was copied");
    qjit_destroy(context);

    use_store("imported");
    context = flow_create(forbidden);
    qjit_import_result imported = {.struct_size = sizeof imported};
    qjit_import_options how = {.struct_size = sizeof how, .refused = print_fault};
    cr_assert_eq(qjit_import_cache(context, &imported, "all.qjit", &how), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(imported.n_rows, 3);
    cr_assert_eq(imported.n_added, 3);
    cr_assert_eq(imported.n_refused, 0);
    expect_all(context);
    cr_assert_eq(flow_stat(context).n_entries, 3);
    qjit_destroy(context);
}

static int count_stale(void *payload, const qjit_cache_row *row)
{
    *(int *)payload += row->stale;
    return 0;
}

/* The key holds the compiler: what another machine's made is taken, and is nobody's answer here. */
Test(bundle, rows_of_another_machine_s_compiler_are_kept_apart)
{
    int n_stale = 0;
    flow_change_library();
    fill_store();
    (void)export_all("other.qjit", NULL);
    use_store("other");
    qjit_context *context = flow_create(flow_by_the_changed_library);
    qjit_import_result imported = {.struct_size = sizeof imported};
    cr_assert_eq(qjit_import_cache(context, &imported, "other.qjit", NULL), QJIT_OK, "%s",
                 qjit_error_detail());
    cr_assert_eq(imported.n_added, 3);
    cr_assert_eq(qjit_each_cache_row(context, count_stale, &n_stale), QJIT_OK);
    cr_assert_eq(n_stale, 3);
    cr_assert_eq(flow_stat(context).n_hits, 0);
    qjit_kernel id;
    qjit_object *object;
    cr_assert_eq(qjit_find_kernel(context, &id, builtin), QJIT_OK);
    cr_assert_eq(qjit_get_object(context, &object, id, "gfx1030"), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(object->from_store, 0);
    qjit_object_destroy(object);
    qjit_destroy(context);
}

Test(bundle, only_signed_ones_where_keys_are_named)
{
    (void)unlink("release.key");
    (void)unlink("release.key.pub");
    cr_assert_eq(qjit_create_keys("release.key"), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qjit_create_keys("release.key"), QJIT_EXISTS);
    fill_store();
    (void)export_all("all.qjit", NULL);
    use_store("signed");
    qjit_context *context = flow_create(shipped_to_be_signed);
    cr_assert_eq(get(context, builtin), QJIT_COMPILE_FORBIDDEN);
    cr_assert_eq(flow_stat(context).n_refused, 1);
    qjit_destroy(context);

    flow_init();
    cr_assert_eq(export_all("all.qjit", "release.key").n_rows, 3);
    use_store("signed");
    context = flow_create(shipped_to_be_signed);
    cr_assert_eq(get(context, builtin), QJIT_OK, "%s", qjit_error_detail());
    qjit_destroy(context);
}

static void with_garbage(qjit_options *given)
{
    given->shipped = "garbage";
}

/* A shipped row that is sound as a row, and no code object: it is refused, compiled here, and kept here. */
Test(bundle, a_shipped_object_that_is_none_is_compiled_instead)
{
    qjit_kernel id;
    qjit_object *object;
    struct qj_store *store;
    qjit_context *context = flow_create(NULL);
    cr_assert_eq(qjit_find_kernel(context, &id, builtin), QJIT_OK);
    cr_assert_eq(qjit_get_object(context, &object, id, "gfx1030"), QJIT_OK, "%s", qjit_error_detail());
    qjit_destroy(context);
    cr_assert_eq(qj_store_open(&store, &(struct qj_store_options){.directory = "garbage"}), QJIT_OK);
    struct qj_row row = {.unit = "x", .arch = "gfx1030", .kernels = builtin};
    for (int i = 0; i < QJ_DIGEST_BYTES; i++) {
        unsigned byte;
        cr_assert_eq(sscanf(object->key + (size_t)(2 * i), "%2x", &byte), 1);
        row.key[i] = (uint8_t)byte;
    }
    cr_assert_eq(qj_store_put(store, &row, "garbage", 7), QJIT_OK);
    qj_store_close(store);
    qjit_object_destroy(object);

    use_store("beside_garbage");
    context = flow_create(with_garbage);
    cr_assert_eq(get(context, builtin), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(flow_stat(context).n_refused, 1);
    cr_assert_eq(flow_stat(context).n_compiles, 1);
    cr_assert_eq(flow_stat(context).n_entries, 1);
    qjit_destroy(context);
}

static int expect_clean(void *payload, const qjit_ingredient *ingredient)
{
    (void)payload;
    cr_expect(!ingredient->stored || !strchr(ingredient->stored, '\x1b'), "%s", ingredient->name);
    return 0;
}

/* What a shipped row says is shown on terminals, whoever wrote it. */
Test(bundle, a_shipped_row_that_would_act_on_a_terminal_is_not_shown)
{
    qjit_kernel id;
    struct qj_store *store;
    cr_assert_eq(qj_store_open(&store, &(struct qj_store_options){.directory = "garbage"}), QJIT_OK);
    struct qj_row row = {.unit = "dequantize_q8_0_f32",
                         .module = "quantized",
                         .arch = "gfx1030",
                         .compiler = "hiprtc=\x1b[2J",
                         .options = "-O3",
                         .kernels = builtin};
    cr_assert_eq(qj_store_put(store, &row, "garbage", 7), QJIT_OK);
    qj_store_close(store);
    use_store("beside_garbage");
    qjit_context *context = flow_create(with_garbage);
    cr_assert_eq(qjit_find_kernel(context, &id, builtin), QJIT_OK);
    cr_assert_eq(qjit_explain(context, id, "gfx1030", expect_clean, NULL), QJIT_OK, "%s",
                 qjit_error_detail());
    qjit_destroy(context);
}
