#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow.h"

static const char kernel[] = "dequantize_block_q4_0_f32";

TestSuite(stat, .init = flow_init);

static qjit_cache_stat own_stat(qjit_context *context)
{
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    cr_assert_eq(qjit_get_context_stat(context, &stat), QJIT_OK);
    return stat;
}

static void get(qjit_context *context, const char *name)
{
    qjit_function function;
    cr_assert_eq(qjit_get_function(context, &function, 0, name), QJIT_OK, "%s", qjit_error_detail());
}

/* What was logged, one line after the other. */
static char lines[8192];

static void keep_line(void *payload, enum qjit_log_level level, const char *line)
{
    (void)payload;
    size_t n = strlen(lines);
    (void)snprintf(lines + n, sizeof lines - n, "%d %s\n", (int)level, line);
}

static void logging(qjit_options *options)
{
    options->log = keep_line;
    options->log_level = QJIT_LOG_DEBUG;
}

static void expect_line(const char *start)
{
    cr_assert_not_null(strstr(lines, start), "'%s' is not in\n%s", start, lines);
}

Test(stat, tells_hits_by_layer_and_what_they_saved)
{
    qjit_context *context = flow_create(logging);
    get(context, kernel);
    expect_line("3 unit 'dequantize_q4_0_f32' for gfx1030 is not in the store: there is none\n");
    expect_line("3 unit 'dequantize_q4_0_f32' for gfx1030 was compiled in ");
    qjit_cache_stat stat = own_stat(context);
    cr_assert_eq(stat.n_misses, 1);
    cr_assert_eq(stat.n_absent, 1);
    cr_assert_eq(stat.n_hits, 0);
    cr_assert_eq(stat.saved_us, 0);
    cr_assert_eq(stat.n_waits, 0);
    uint64_t compile_us = stat.compile_us;
    cr_assert_gt(compile_us, 0);
    for (int i = 0; i < 100; i++) {
        get(context, kernel); /* in the process: counted nowhere */
    }
    stat = own_stat(context);
    cr_assert_eq(stat.n_hits + stat.n_misses, 1);
    qjit_destroy(context);

    for (unsigned n = 1; n <= 2; n++) {
        context = flow_create(logging);
        get(context, kernel);
        expect_line("4 unit 'dequantize_q4_0_f32' for gfx1030 comes from the store\n");
        stat = own_stat(context);
        cr_assert_eq(stat.n_store_hits, 1);
        cr_assert_eq(stat.n_compiles, 0);
        cr_assert_eq(stat.saved_us, compile_us);
        stat = flow_stat(context);
        cr_assert_eq(stat.n_store_hits, n);
        cr_assert_eq(stat.n_hits, n);
        cr_assert_eq(stat.n_memory_hits + stat.n_shipped_hits + stat.n_added_hits, 0);
        cr_assert_eq(stat.n_compiles, 1);
        cr_assert_eq(stat.n_absent, 1);
        cr_assert_eq(stat.saved_us, n * compile_us);
        qjit_destroy(context);
    }
}

static void in_memory(qjit_options *options)
{
    options->flags = QJIT_NO_STORE;
}

Test(stat, tells_hits_in_memory)
{
    qjit_context *context = flow_create(in_memory);
    qjit_object *object;
    qjit_kernel found;
    cr_assert_eq(qjit_find_kernel(context, &found, kernel), QJIT_OK);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(qjit_get_object(context, &object, found, "gfx1030"), QJIT_OK, "%s", qjit_error_detail());
        qjit_object_destroy(object);
    }
    cr_assert_eq(flow_stat(context).n_memory_hits, 2);
    cr_assert_eq(flow_stat(context).n_store_hits, 0);
    cr_assert_eq(own_stat(context).n_memory_hits, 2);
    qjit_destroy(context);
}

Test(stat, tells_misses_by_why)
{
    static const char *const texts[] = {"extern \"C\" __global__ void one(int *x) { *x = 1; }",
                                        "extern \"C\" __global__ void one(int *x) { *x = 2; }"};
    static const char *const names[] = {"one"};
    for (int i = 0; i < 3; i++) {
        qjit_context *context = flow_create(logging);
        qjit_source source = {.struct_size = sizeof source,
                              .name = "one",
                              .text = texts[i % 2],
                              .kernels = names,
                              .n_kernels = 1};
        cr_assert_eq(qjit_add_source(context, NULL, &source), QJIT_OK, "%s", qjit_error_detail());
        if (i == 2) {
            flow_sql("UPDATE entry SET payload = zeroblob(length(payload))");
        }
        get(context, "one");
        qjit_cache_stat stat = own_stat(context);
        cr_assert_eq(stat.n_misses, 1);
        cr_assert_eq(stat.n_absent, i == 0);
        cr_assert_eq(stat.n_other_source, i == 1);
        cr_assert_eq(stat.n_damaged, i == 2);
        cr_assert_eq(stat.n_refused, i == 2);
        cr_assert_eq(stat.n_other_compiler, 0);
        qjit_destroy(context);
    }
    expect_line("unit 'one' for gfx1030 is not in the store: what there is was made of another source");
    expect_line("unit 'one' for gfx1030 is not in the store: it was damaged");
}

static pthread_barrier_t both;

static void *get_at_once(void *payload)
{
    qjit_function function;
    (void)pthread_barrier_wait(&both);
    cr_expect_eq(qjit_get_function(payload, &function, 0, "quantize_q8_1"), QJIT_OK, "%s",
                 qjit_error_detail());
    return NULL;
}

Test(stat, tells_who_waited_for_another)
{
    qjit_context *contexts[2];
    pthread_t threads[2];
    (void)pthread_barrier_init(&both, NULL, 2);
    for (int i = 0; i < 2; i++) {
        contexts[i] = flow_create(NULL);
    }
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(pthread_create(&threads[i], NULL, get_at_once, contexts[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    }
    qjit_cache_stat a = own_stat(contexts[0]), b = own_stat(contexts[1]);
    cr_assert_eq(a.n_compiles + b.n_compiles, 1);
    cr_assert_eq(a.n_waits + b.n_waits, 1);
    cr_assert_gt(a.wait_us + b.wait_us, 0);
    cr_assert_eq(a.n_store_hits + b.n_store_hits, 1);
    qjit_destroy(contexts[0]);
    cr_assert_eq(flow_stat(contexts[1]).n_waits, 1);
    qjit_destroy(contexts[1]);
    (void)pthread_barrier_destroy(&both);
}
