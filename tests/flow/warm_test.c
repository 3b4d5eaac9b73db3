#include <criterion/criterion.h>
#include <string.h>

#include "flow/flow.h"

static qjit_warm_result warm(qjit_context *context, qjit_status expected, const char *const *archs,
                             size_t n_archs, qjit_warm_options options)
{
    qjit_warm_result result = {.struct_size = sizeof result};
    options.struct_size = sizeof options;
    options.archs = archs;
    options.n_archs = n_archs;
    cr_assert_eq(qjit_warm(context, &result, &options), expected, "%s", qjit_error_detail());
    return result;
}

TestSuite(warm, .init = flow_init);

Test(warm, twice_compiles_once)
{
    static const char *const archs[] = {"gfx1030", "gfx90a:xnack-:sramecc+"};
    static const char *const kernels[] = {"quantize_q8_1", "dequantize_block_q4_0_f32",
                                          "dequantize_block_q8_K_f16"};
    qjit_context *context = flow_create(NULL);
    qjit_warm_options only = {.kernels = kernels, .n_kernels = 3};
    qjit_warm_result first = warm(context, QJIT_OK, archs, 2, only);
    cr_assert_eq(first.n_archs, 2);
    cr_assert_eq(first.n_units, 6);
    cr_assert_eq(first.n_compiled, 6);
    qjit_warm_result second = warm(context, QJIT_OK, archs, 2, only);
    cr_assert_eq(second.n_compiled, 0);
    cr_assert_eq(second.n_cached, 6);
    qjit_destroy(context);
}

Test(warm, a_module_is_all_its_units)
{
    static const char *const archs[] = {"gfx1030"};
    static const char *const modules[] = {"app"};
    static const char *const names[] = {"one", "other"};
    qjit_context *context = flow_create(NULL);
    for (int i = 0; i < 2; i++) {
        qjit_kernel kernel;
        qjit_source source = {
            .struct_size = sizeof source, .name = names[i], .kernels = &names[i], .n_kernels = 1};
        source.text =
            i == 0 ? "extern \"C\" __global__ void one() {}\n" : "extern \"C\" __global__ void other() {}\n";
        cr_assert_eq(qjit_add_source(context, &kernel, &source), QJIT_OK, "%s", qjit_error_detail());
    }
    qjit_warm_result result =
        warm(context, QJIT_OK, archs, 1, (qjit_warm_options){.modules = modules, .n_modules = 1});
    cr_assert_eq(result.n_units, 2);
    cr_assert_eq(result.n_compiled, 2);
    qjit_destroy(context);
}

static int count_events(void *payload, const qjit_warm_event *event)
{
    unsigned *n = payload;
    cr_assert_eq(event->n_done, ++*n);
    return 0;
}

static int stop_at_once(void *payload, const qjit_warm_event *event)
{
    (void)payload;
    (void)event;
    return 1;
}

Test(warm, an_unknown_arch_does_not_stop_the_others)
{
    static const char *const archs[] = {"gfx9999", "gfx1030"};
    static const char *const kernels[] = {"quantize_q8_1", "dequantize_block_q4_0_f16"};
    qjit_context *context = flow_create(NULL);
    unsigned n = 0;
    qjit_warm_options two = {.kernels = kernels, .n_kernels = 2, .progress = count_events, .payload = &n};
    qjit_warm_result result = warm(context, QJIT_ARCH_UNKNOWN, archs, 2, two);
    cr_assert_eq(result.n_units, 4);
    cr_assert_eq(result.n_failed, 2);
    cr_assert_eq(result.n_compiled, 2);
    cr_assert_eq(n, 4);
    cr_assert_not_null(strstr(qjit_error_detail(), "gfx9999"));
    qjit_destroy(context);
}

Test(warm, the_application_can_stop_it)
{
    static const char *const archs[] = {"gfx1030"};
    qjit_context *context = flow_create(NULL);
    qjit_warm_result result = warm(context, QJIT_OK, archs, 1, (qjit_warm_options){.progress = stop_at_once});
    cr_assert_lt(result.n_compiled, result.n_units);
    qjit_destroy(context);
}

Test(warm, native_is_the_device)
{
    static const char *const kernels[] = {"quantize_q8_1"};
    qjit_context *context = flow_create(NULL);
    qjit_warm_result result =
        warm(context, QJIT_OK, NULL, 0, (qjit_warm_options){.kernels = kernels, .n_kernels = 1});
    cr_assert_eq(result.n_archs, 1);
    cr_assert_eq(result.n_compiled, 1);
    qjit_destroy(context);
}

Test(warm, what_is_not_there_is_named)
{
    static const char *const archs[] = {"gfx1030"}, *const nonsense[] = {"nonsense"};
    qjit_context *context = flow_create(NULL);
    (void)warm(context, QJIT_NOT_FOUND, archs, 1, (qjit_warm_options){.kernels = nonsense, .n_kernels = 1});
    cr_assert_not_null(strstr(qjit_error_detail(), "'nonsense'"));
    (void)warm(context, QJIT_NOT_FOUND, archs, 1, (qjit_warm_options){.modules = nonsense, .n_modules = 1});
    static const char *const bad[] = {"gfx1030:xnack"};
    (void)warm(context, QJIT_INVALID_ARGUMENT, bad, 1, (qjit_warm_options){0});
    qjit_destroy(context);
}

static void allow_generic(qjit_options *options)
{
    options->flags |= QJIT_GENERIC_ARCH;
}

struct archs_seen {
    bool generic, itself, stored_generic, stored_itself, stored_other;
};

static int see_arch(void *payload, const char *arch)
{
    struct archs_seen *seen = payload;
    seen->generic |= strcmp(arch, "gfx11-generic") == 0;
    seen->itself |= strcmp(arch, "gfx1154") == 0;
    return 0;
}

static int see_row(void *payload, const qjit_cache_row *row)
{
    struct archs_seen *seen = payload;
    seen->stored_generic |= strcmp(row->arch, "gfx11-generic") == 0;
    seen->stored_itself |= strcmp(row->arch, "gfx1154") == 0;
    seen->stored_other |= strcmp(row->arch, "gfx1030") == 0;
    return 0;
}

/* Which of the three cases it is depends on the compiler here: it knows neither, the generic target, or both.
 */
Test(warm, a_generic_target_stands_in_where_the_compiler_has_it)
{
    static const char *const archs[] = {"gfx1030", "gfx1154"};
    static const char *const kernels[] = {"quantize_q8_1"};
    struct archs_seen seen = {false};
    qjit_context *context = flow_create(allow_generic);
    cr_assert_eq(qjit_each_arch(context, see_arch, &seen), QJIT_OK, "%s", qjit_error_detail());
    qjit_status expected = seen.generic || seen.itself ? QJIT_OK : QJIT_ARCH_UNKNOWN;
    qjit_warm_options one = {.kernels = kernels, .n_kernels = 1};
    qjit_warm_result result = warm(context, expected, archs, 2, one);
    cr_assert_eq(result.n_compiled, expected ? 1 : 2);
    cr_assert_eq(qjit_each_cache_row(context, see_row, &seen), QJIT_OK);
    cr_assert(seen.stored_other); /* never generic: the compiler knows it */
    cr_assert_eq(seen.stored_itself, seen.itself);
    cr_assert_eq(seen.stored_generic, seen.generic && !seen.itself);
    result = warm(context, expected, archs, 2, one);
    cr_assert_eq(result.n_cached, expected ? 1 : 2);
    qjit_destroy(context);
}
