#include <criterion/criterion.h>
#include <string.h>

#include "flow/flow.h"

static const char scale_text[] = "#include \"factor.h\"\n"
                                 "extern \"C\" __global__ void scale(float *x, int n)\n"
                                 "{\n"
                                 "    int i = blockIdx.x * blockDim.x + threadIdx.x;\n"
                                 "    if (i < n) x[i] *= FACTOR * SIGN;\n"
                                 "}\n"
                                 "template <typename T> __global__ void fill(T *x, T value)\n"
                                 "{\n"
                                 "    x[threadIdx.x] = value;\n"
                                 "}\n";
static const qjit_header factor = {"factor.h", "#define FACTOR 3.0f\n"};
static const char *const sign = "SIGN=-1.0f";

static qjit_source scale_source(const char *const *kernels, size_t n_kernels)
{
    return (qjit_source){
        .struct_size = sizeof(qjit_source),
        .name = "scale",
        .text = scale_text,
        .headers = &factor,
        .n_headers = 1,
        .defines = &sign,
        .n_defines = 1,
        .kernels = kernels,
        .n_kernels = n_kernels,
    };
}

TestSuite(source, .init = flow_init);

Test(source, own_kernels_get_the_same_treatment)
{
    static const char *const names[] = {"scale", "fill<float>", "fill<int>"};
    qjit_source source = scale_source(names, 3);
    qjit_context *context = flow_create(NULL);
    qjit_kernel first, found;
    qjit_function functions[3];
    cr_assert_eq(qjit_add_source(context, &first, &source), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qjit_find_kernel(context, &found, "fill<int>"), QJIT_OK);
    cr_assert_eq(found, first + 2);
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(qjit_get_function_by_id(context, &functions[i], 0, first + i), QJIT_OK, "%s\n%s",
                     qjit_error_detail(), qjit_error_log());
    }
    cr_assert_neq(functions[1], functions[2]);
    cr_assert_eq(flow_stat(context).n_compiles, 1);
    qjit_kernel_info info;
    cr_assert_eq(qjit_get_kernel_info(context, &info, first), QJIT_OK);
    cr_assert_str_eq(info.module, "app");
    cr_assert_str_eq(info.unit, "scale");
    cr_assert_eq(qjit_add_source(context, NULL, &source), QJIT_EXISTS);
    qjit_destroy(context);
    /* Lowered names come back from the store, too. */
    context = flow_create(NULL);
    cr_assert_eq(qjit_add_source(context, &first, &source), QJIT_OK);
    cr_assert_eq(qjit_get_function(context, &functions[0], 0, "fill<float>"), QJIT_OK, "%s",
                 qjit_error_detail());
    cr_assert_eq(flow_stat(context).n_compiles, 1);
    qjit_destroy(context);
}

Test(source, a_changed_header_is_another_object)
{
    static const char *const names[] = {"scale"};
    static const qjit_header other = {"factor.h", "#define FACTOR 4.0f\n"};
    qjit_source source = scale_source(names, 1);
    qjit_object *object;
    char key[65];
    qjit_context *context = flow_create(NULL);
    cr_assert_eq(qjit_compile(context, &object, &source, "gfx90a"), QJIT_OK, "%s", qjit_error_detail());
    memcpy(key, object->key, sizeof key);
    cr_assert_eq(object->from_store, 0);
    qjit_object_destroy(object);
    cr_assert_eq(qjit_compile(context, &object, &source, "gfx90a"), QJIT_OK);
    cr_assert_eq(object->from_store, 1);
    cr_assert_str_eq(object->key, key);
    qjit_object_destroy(object);
    source.headers = &other;
    cr_assert_eq(qjit_compile(context, &object, &source, "gfx90a"), QJIT_OK);
    cr_assert_eq(object->from_store, 0);
    cr_assert_str_neq(object->key, key);
    cr_assert_eq(object->n_kernels, 1);
    cr_assert_eq(object->kernels[0].scratch_bytes, 0);
    cr_assert_eq(object->kernels[0].wavefront_size, 64);
    cr_assert_eq(object->kernels[0].n_args, 2);
    qjit_object_destroy(object);
    qjit_destroy(context);
}

Test(source, a_broken_source_fails_with_its_log_and_is_not_tried_again)
{
    static const char *const names[] = {"broken"};
    qjit_source source = {.struct_size = sizeof source,
                          .name = "broken",
                          .text = "extern \"C\" __global__ void broken() { not_declared(1); }\n",
                          .kernels = names,
                          .n_kernels = 1};
    qjit_context *context = flow_create(NULL);
    qjit_function function;
    cr_assert_eq(qjit_add_source(context, NULL, &source), QJIT_OK);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(qjit_get_function(context, &function, 0, "broken"), QJIT_COMPILE_FAILED);
        cr_assert_not_null(strstr(qjit_error_log(), "not_declared"), "%s", qjit_error_log());
        cr_assert_null(strstr(qjit_error_log(), "/comgr-"));
    }
    cr_assert_eq(flow_stat(context).n_failed, 1);
    cr_assert_eq(qjit_get_function(context, &function, 0, "quantize_q8_1"), QJIT_OK, "%s",
                 qjit_error_detail());
    qjit_destroy(context);
}

Test(source, what_makes_no_sense_is_refused)
{
    static const char *const names[] = {"one"};
    static const char *const twice[] = {"one", "one"};
    static const char *const plugin[] = {"-fplugin=/tmp/x.so"};
    static const qjit_header escape = {"../../etc/x.h", ""};
    const qjit_source good = {
        .struct_size = sizeof good, .name = "one", .text = "", .kernels = names, .n_kernels = 1};
    qjit_context *context = flow_create(NULL);
    qjit_source source = good;
    source.struct_size = 0;
    cr_assert_eq(qjit_add_source(context, NULL, &source), QJIT_INVALID_ARGUMENT);
    source = good;
    source.name = "../one";
    cr_assert_eq(qjit_add_source(context, NULL, &source), QJIT_INVALID_ARGUMENT);
    source = good;
    source.kernels = twice;
    source.n_kernels = 2;
    cr_assert_eq(qjit_add_source(context, NULL, &source), QJIT_INVALID_ARGUMENT);
    source = good;
    source.headers = &escape;
    source.n_headers = 1;
    cr_assert_eq(qjit_add_source(context, NULL, &source), QJIT_INVALID_ARGUMENT);
    source = good;
    source.options = plugin;
    source.n_options = 1;
    source.text = "extern \"C\" __global__ void one() {}";
    qjit_object *object;
    cr_assert_eq(qjit_compile(context, &object, &source, "gfx1030"), QJIT_INVALID_ARGUMENT);
    cr_assert_not_null(strstr(qjit_error_detail(), "-fplugin"));
    qjit_destroy(context);
}
