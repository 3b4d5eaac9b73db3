/* The registry: built-in rows, look-up, and what an application's source must be. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/names.h"
#include "registry/registry.h"

static struct qj_registry *registry;

static void create(void)
{
    cr_assert_eq(qj_registry_create(&registry), QJIT_OK);
}

static void destroy(void)
{
    qj_registry_destroy(registry);
}

TestSuite(registry, .init = create, .fini = destroy);

static qjit_source good_source(void)
{
    static const char *kernels[] = {"scale", "shift<float>"};
    return (qjit_source){.struct_size = sizeof(qjit_source),
                         .name = "mine",
                         .text = "extern \"C\" __global__ void scale() {}",
                         .kernels = kernels,
                         .n_kernels = 2};
}

static bool has_text(const char *const *texts, size_t n, const char *wanted)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(texts[i], wanted) == 0)
            return true;
    return false;
}

static const qjit_header *find_header(const struct qj_unit *unit, const char *name)
{
    for (size_t i = 0; i < unit->n_headers; i++)
        if (strcmp(unit->headers[i].name, name) == 0)
            return &unit->headers[i];
    return NULL;
}

Test(registry, built_in_unit_is_whole)
{
    qjit_kernel id;
    cr_assert(qj_registry_find(registry, &id, "dequantize_block_q5_1_f16"));
    const struct qj_kernel *kernel = qj_registry_kernel(registry, id);
    cr_assert_str_eq(kernel->name, "dequantize_block_q5_1_f16");
    const struct qj_unit *unit = qj_registry_unit(registry, kernel->unit);
    cr_assert_str_eq(unit->name, "dequantize_q5_1_f16");
    cr_assert_str_eq(unit->module, "quantized");
    cr_assert_str_eq(unit->source_name, "dequantize.hip");
    cr_assert_eq(strlen(unit->source), unit->source_bytes);
    cr_assert(has_text(unit->defines, unit->n_defines, "QJ_TYPE=q5_1"));
    cr_assert(has_text(unit->defines, unit->n_defines, "QJ_THREADS=256"));
    cr_assert(has_text(unit->defines, unit->n_defines, "QJ_TO=f16"));
    cr_assert_eq(unit->n_kernels, 1);
    cr_assert_eq(unit->first_kernel, id);
    cr_assert(unit->small_runtime);
}

Test(registry, headers_are_those_the_source_uses)
{
    qjit_kernel id;
    cr_assert(qj_registry_find(registry, &id, "quantize_q8_1"));
    const struct qj_unit *unit = qj_registry_unit(registry, qj_registry_kernel(registry, id)->unit);
    cr_assert_not_null(find_header(unit, "hiprtc_runtime.h"));
    cr_assert_not_null(strstr(find_header(unit, "hiprtc_runtime.h")->text, "__syncthreads"));
    cr_assert_not_null(find_header(unit, "reduce.h"));
    cr_assert_not_null(find_header(unit, "fp16.h"), "included by blocks.h only");
    cr_assert_null(find_header(unit, "dequantize.h"));
    cr_assert_null(find_header(unit, "runtime.h"));
}

Test(registry, embedded_text_is_the_file)
{
    char path[4096], *text = NULL;
    size_t n = 0;
    snprintf(path, sizeof path, "%s/kernel_src/quantize.hip", getenv("QJIT_SOURCE"));
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file);
    cr_assert_gt(getdelim(&text, &n, EOF, file), 0);
    fclose(file);
    qjit_kernel id;
    cr_assert(qj_registry_find(registry, &id, "quantize_q8_1"));
    cr_assert_str_eq(qj_registry_unit(registry, qj_registry_kernel(registry, id)->unit)->source, text);
    free(text);
}

Test(registry, every_kernel_is_found_and_in_its_unit)
{
    for (uint32_t i = 0; i < qj_registry_n_kernels(registry); i++) {
        const struct qj_kernel *kernel = qj_registry_kernel(registry, i);
        const struct qj_unit *unit = qj_registry_unit(registry, kernel->unit);
        qjit_kernel id = UINT32_MAX;
        cr_assert(qj_registry_find(registry, &id, kernel->name));
        cr_assert_eq(id, i);
        cr_assert(unit->first_kernel <= i && i < unit->first_kernel + unit->n_kernels);
    }
}

Test(registry, unknown_is_none)
{
    qjit_kernel id = 77;
    cr_assert_not(qj_registry_find(registry, &id, "dequantize_block_q4_0"));
    cr_assert_not(qj_registry_find(registry, &id, ""));
    cr_assert_eq(id, 77);
    cr_assert_null(qj_registry_unit(registry, qj_registry_n_units(registry)));
    cr_assert_null(qj_registry_kernel(registry, UINT32_MAX));
}

Test(registry, adds_a_copy)
{
    char name[] = "mine", text[] = "text", define[] = "A=1", option[] = "-O1", kernel[] = "k",
         header[] = "a/b.h";
    const char *defines[] = {define}, *options[] = {option}, *kernels[] = {kernel};
    const qjit_header headers[] = {{header, text}};
    qjit_source source = {sizeof source, name, text, headers, 1, defines, 1, options, 1, kernels, 1, 0, 0};
    uint32_t unit_id;
    cr_assert_eq(qj_registry_add(registry, &unit_id, &source), QJIT_OK);
    name[0] = text[0] = define[0] = option[0] = kernel[0] = header[0] = '!';
    const struct qj_unit *unit = qj_registry_unit(registry, unit_id);
    cr_assert_str_eq(unit->name, "mine");
    cr_assert_str_eq(unit->module, "app");
    cr_assert_str_eq(unit->source, "text");
    cr_assert_str_eq(unit->defines[0], "A=1");
    cr_assert_str_eq(unit->options[0], "-O1");
    cr_assert_str_eq(unit->headers[0].name, "a/b.h");
    cr_assert_eq(unit->n_headers, 1);
    qjit_kernel id;
    cr_assert(qj_registry_find(registry, &id, "k"));
    cr_assert_eq(id, unit->first_kernel);
}

Test(registry, small_runtime_comes_as_a_header)
{
    qjit_source source = good_source();
    source.flags = QJIT_SOURCE_SMALL_RUNTIME;
    uint32_t unit;
    cr_assert_eq(qj_registry_add(registry, &unit, &source), QJIT_OK);
    cr_assert_not_null(find_header(qj_registry_unit(registry, unit), "hiprtc_runtime.h"));
}

Test(registry, refuses_taken_names)
{
    qjit_source source = good_source();
    cr_assert_eq(qj_registry_add(registry, NULL, &source), QJIT_OK);
    const uint32_t n = qj_registry_n_kernels(registry);
    cr_assert_eq(qj_registry_add(registry, NULL, &source), QJIT_EXISTS);
    source.name = "other";
    cr_assert_eq(qj_registry_add(registry, NULL, &source), QJIT_EXISTS);
    cr_assert_not_null(strstr(qjit_error_detail(), "'scale'"));
    const char *free_then_taken[] = {"fresh", "quantize_q8_1"};
    source.kernels = free_then_taken;
    cr_assert_eq(qj_registry_add(registry, NULL, &source), QJIT_EXISTS);
    qjit_kernel id;
    cr_assert_not(qj_registry_find(registry, &id, "fresh"), "a refused source leaves nothing behind");
    cr_assert_eq(qj_registry_n_kernels(registry), n);
}

static void assert_refused(const qjit_source *source, const char *what)
{
    const uint32_t n = qj_registry_n_units(registry);
    cr_expect_eq(qj_registry_add(registry, NULL, source), QJIT_INVALID_ARGUMENT, "%s", what);
    cr_expect_neq(qjit_error_detail()[0], '\0');
    cr_expect_eq(qj_registry_n_units(registry), n);
}

Test(registry, refuses_bad_unit_names)
{
    static const char *names[] = {"", ".", "..", "a/b", "/etc/passwd", "a b", "\xc3\xa4", NULL};
    char longest[400];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    qjit_source source = good_source();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        source.name = names[i];
        assert_refused(&source, names[i] ? names[i] : "(null)");
    }
    source.name = longest;
    assert_refused(&source, "long name");
}

Test(registry, refuses_bad_headers)
{
    static const char *names[] = {"", "/a.h", "../a.h", "a/../b.h", "a//b.h", "a/", "./a.h", "a b.h", NULL};
    qjit_source source = good_source();
    source.n_headers = 1;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const qjit_header header = {names[i], "text"};
        source.headers = &header;
        assert_refused(&source, names[i] ? names[i] : "(null)");
    }
    const qjit_header no_text = {"a.h", NULL}, twice[] = {{"a.h", ""}, {"a.h", ""}};
    const qjit_header runtime = {"hiprtc_runtime.h", ""};
    source.headers = &no_text;
    assert_refused(&source, "no text");
    source.headers = NULL;
    assert_refused(&source, "no headers");
    source.headers = twice, source.n_headers = 2;
    assert_refused(&source, "the same header twice");
    source.headers = &runtime, source.n_headers = 1, source.flags = QJIT_SOURCE_SMALL_RUNTIME;
    assert_refused(&source, "two run-time headers");
}

Test(registry, refuses_bad_lists)
{
    static const char *empty[] = {""}, *twice[] = {"a", "a"}, *line[] = {"a\nb"}, *none[] = {NULL};
    static const char *defines[] = {"", "1A", "A B", "=1", "A\n", "A=1\n"};
    static const char *options[] = {"", "O3", "-O3\n"};
    qjit_source source = good_source();
    for (size_t i = 0; i < sizeof defines / sizeof defines[0]; i++) {
        source = good_source(), source.defines = &defines[i], source.n_defines = 1;
        assert_refused(&source, defines[i]);
    }
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        source = good_source(), source.options = &options[i], source.n_options = 1;
        assert_refused(&source, options[i]);
    }
    source = good_source(), source.kernels = empty, source.n_kernels = 1,
    assert_refused(&source, "empty kernel");
    source = good_source(), source.kernels = twice, source.n_kernels = 2, assert_refused(&source, "twice");
    source = good_source(), source.kernels = line, source.n_kernels = 1, assert_refused(&source, "line end");
    source = good_source(), source.kernels = none, source.n_kernels = 1,
    assert_refused(&source, "null kernel");
    source = good_source(), source.kernels = NULL, assert_refused(&source, "no list");
    source = good_source(), source.n_kernels = 0, assert_refused(&source, "no kernels");
}

Test(registry, refuses_what_is_no_source)
{
    qjit_source source = good_source();
    source.struct_size = 0, assert_refused(&source, "no size");
    source = good_source(), source.text = "", assert_refused(&source, "empty text");
    source = good_source(), source.text = NULL, assert_refused(&source, "no text");
    source = good_source(), source.flags = 1u << 30, assert_refused(&source, "unknown flag");
    assert_refused(NULL, "no source");
}

Test(registry, a_unit_outside_needs_no_kernel_names)
{
    qjit_source source = good_source();
    source.n_kernels = 0;
    struct qj_unit *unit;
    const char *const *names;
    cr_assert_eq(qj_unit_create(&unit, &names, &source), QJIT_OK);
    cr_assert_eq(unit->n_kernels, 0);
    qj_unit_destroy(unit);
    source.n_kernels = 2;
    cr_assert_eq(qj_unit_create(&unit, &names, &source), QJIT_OK);
    cr_assert_str_eq(names[1], "shift<float>");
    qj_unit_destroy(unit);
}

Test(registry, pointers_stay_while_it_grows)
{
    const struct qj_kernel *first = qj_registry_kernel(registry, 0);
    const struct qj_unit *unit = qj_registry_unit(registry, 0);
    const uint32_t n = qj_registry_n_kernels(registry);
    for (int i = 0; i < 3000; i++) {
        char unit_name[32], kernel_name[32];
        snprintf(unit_name, sizeof unit_name, "unit%d", i);
        snprintf(kernel_name, sizeof kernel_name, "kernel%d", i);
        const char *kernels[] = {kernel_name};
        qjit_source source = good_source();
        source.name = unit_name, source.kernels = kernels, source.n_kernels = 1;
        cr_assert_eq(qj_registry_add(registry, NULL, &source), QJIT_OK);
    }
    cr_assert_eq(qj_registry_kernel(registry, 0), first);
    cr_assert_eq(qj_registry_unit(registry, 0), unit);
    qjit_kernel id;
    cr_assert(qj_registry_find(registry, &id, "kernel2999"));
    cr_assert_eq(id, n + 2999);
    cr_assert_str_eq(qj_registry_kernel(registry, id)->name, "kernel2999");
}

Test(names, parts_of_a_longer_text)
{
    struct qj_names names = {.n = 0};
    const char *text = "one two";
    uint32_t found;
    cr_assert_not(qj_names_find(&names, &found, "one", 3));
    cr_assert(qj_names_reserve(&names, 2));
    qj_names_put(&names, text, 3, 1);
    qj_names_put(&names, text + 4, 3, 2);
    cr_assert(qj_names_find(&names, &found, "two", 3));
    cr_assert_eq(found, 2);
    cr_assert_not(qj_names_find(&names, &found, "one two", 7));
    qj_names_finish(&names);
}
