#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "flow/flow.h"

enum { TO_DEVICE = 1, TO_HOST = 2 };

static const char kernel[] = "dequantize_block_q4_0_f32", unit[] = "dequantize_q4_0_f32";
static const char scale_text[] = "extern \"C\" __global__ void scale(float *x) { x[threadIdx.x] *= 3.0f; }\n"
                                 "template <typename T> __global__ void fill(T *x, T value)\n"
                                 "{\n"
                                 "    x[threadIdx.x] = value;\n"
                                 "}\n";

TestSuite(object, .init = flow_init);

/* The last warning of a context. */
static char warning[1024];

static void keep_warning(void *payload, enum qjit_log_level level, const char *line)
{
    (void)payload;
    if (level == QJIT_LOG_WARNING) {
        (void)strncpy(warning, line, sizeof warning - 1);
    }
}

/* Whatever is got, is got without a compiler and without a worker. */
static void without_compiler(qjit_options *options)
{
    options->flags = QJIT_FORBID_COMPILE;
    options->worker = "/nowhere/qjit-worker";
    options->log = keep_warning;
}

static struct qj_buf read_sample(const char *name)
{
    struct qj_buf bytes = {0}, path = {0};
    qj_buf_printf(&path, "%s/%s", SAMPLES, name);
    cr_assert_eq(qj_fs_read(&bytes, path.bytes, 1 << 20), 0, "%s", path.bytes);
    qj_buf_finish(&path);
    return bytes;
}

static qjit_prebuilt prebuilt_of(const char *name, const struct qj_buf *bytes)
{
    return (qjit_prebuilt){
        .struct_size = sizeof(qjit_prebuilt), .unit = name, .bytes = bytes->bytes, .n_bytes = bytes->size};
}

static qjit_source scale_source(const char *const *kernels, size_t n_kernels)
{
    return (qjit_source){.struct_size = sizeof(qjit_source),
                         .name = "scaling",
                         .text = scale_text,
                         .kernels = kernels,
                         .n_kernels = n_kernels};
}

/* The bytes of one, and the name of its first kernel, by a context that is gone again. */
static struct qj_buf compile(void (*change)(qjit_options *), const qjit_source *source, const char *arch,
                             char symbol[static 64])
{
    qjit_context *context = flow_create(change);
    qjit_object *object;
    qjit_kernel found = 0;
    struct qj_buf bytes = {0};
    if (source) {
        cr_assert_eq(qjit_compile(context, &object, source, arch), QJIT_OK, "%s", qjit_error_detail());
    } else {
        cr_assert_eq(qjit_find_kernel(context, &found, kernel), QJIT_OK);
        cr_assert_eq(qjit_get_object(context, &object, found, arch), QJIT_OK, "%s", qjit_error_detail());
    }
    qj_buf_append(&bytes, object->bytes, object->n_bytes);
    (void)strncpy(symbol, object->n_kernels ? object->kernels[0].name : "", 63);
    qjit_object_destroy(object);
    qjit_destroy(context);
    return bytes;
}

static void expect(qjit_context *context, const char *name, uint32_t device, qjit_status status)
{
    qjit_function function = NULL, again = NULL;
    cr_assert_eq(qjit_get_function(context, &function, device, name), status, "%s", qjit_error_detail());
    if (status == QJIT_OK) {
        cr_assert_eq(qjit_get_function(context, &again, device, name), QJIT_OK);
        cr_assert_not_null(function);
        cr_assert_eq(function, again);
    }
}

Test(object, stands_alone_with_all_its_kernels)
{
    struct qj_buf bytes = read_sample("gfx1030.co");
    qjit_prebuilt prebuilt = prebuilt_of("shipped", &bytes);
    qjit_context *context = flow_create(without_compiler);
    qjit_kernel first, found;
    qjit_kernel_info info;
    cr_assert_eq(qjit_add_object(context, &first, &prebuilt), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qjit_find_kernel(context, &found, "two"), QJIT_OK);
    cr_assert_eq(found, first + 1);
    cr_assert_eq(qjit_get_kernel_info(context, &info, found), QJIT_OK);
    cr_assert_str_eq(info.unit, "shipped");
    expect(context, "axpy", 0, QJIT_OK);
    expect(context, "two", 0, QJIT_OK);
    qjit_cache_stat stat = flow_stat(context);
    cr_assert_eq(stat.n_entries, 0);
    cr_assert_eq(stat.n_added_hits, 1);
    cr_assert_eq(stat.n_hits + stat.n_misses, 0);
    qjit_destroy(context);
    qj_buf_finish(&bytes);
}

Test(object, alone_fails_where_none_fits)
{
    setenv("FAKE_HIP_ARCH", "gfx1031", 1);
    struct qj_buf bytes = read_sample("gfx1030.co");
    qjit_prebuilt prebuilt = prebuilt_of("shipped", &bytes);
    static const char *const axpy[] = {"axpy"};
    qjit_context *context = flow_create(without_compiler);
    prebuilt.symbols = axpy;
    prebuilt.n_symbols = 1;
    cr_assert_eq(qjit_add_object(context, NULL, &prebuilt), QJIT_OK, "%s", qjit_error_detail());
    expect(context, "axpy", 0, QJIT_NOT_FOUND);
    cr_assert_str_eq(qjit_error_detail(),
                     "unit 'shipped' has no source, and code objects for gfx1030 only: add one "
                     "for gfx1031 with qjit_add_object");
    expect(context, "two", 0, QJIT_NOT_FOUND); /* it is in the object, but was not offered */
    /* What has no source is nothing to warm or to explain. */
    static const char *const archs[] = {"gfx1030"};
    qjit_warm_options warm = {
        .struct_size = sizeof warm, .archs = archs, .n_archs = 1, .kernels = axpy, .n_kernels = 1};
    qjit_warm_result result = {.struct_size = sizeof result};
    cr_assert_eq(qjit_warm(context, &result, &warm), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(result.n_units, 0);
    qjit_destroy(context);
    qj_buf_finish(&bytes);
}

Test(object, of_a_built_in_unit_serves_its_arch_and_the_compiler_the_others)
{
    char symbol[64] = "";
    struct qj_buf bytes = compile(NULL, NULL, "gfx1030", symbol);
    qjit_prebuilt prebuilt = prebuilt_of(unit, &bytes);
    flow_sql("DELETE FROM entry");
    qjit_context *context = flow_create(without_compiler);
    expect(context, kernel, 0, QJIT_COMPILE_FORBIDDEN);
    cr_assert_eq(qjit_add_object(context, NULL, &prebuilt), QJIT_OK, "%s", qjit_error_detail());
    expect(context, kernel, 0, QJIT_OK);
    qjit_destroy(context);
    setenv("FAKE_HIP_DEVICES", "2", 1);
    setenv("FAKE_HIP_ARCH", "gfx1030,gfx1031", 1);
    context = flow_create(NULL);
    cr_assert_eq(qjit_add_object(context, NULL, &prebuilt), QJIT_OK, "%s", qjit_error_detail());
    uint64_t before = flow_stat(context).n_compiles;
    expect(context, kernel, 0, QJIT_OK);
    cr_assert_eq(flow_stat(context).n_compiles, before);
    expect(context, kernel, 1, QJIT_OK);
    cr_assert_eq(flow_stat(context).n_compiles, before + 1);
    cr_assert_eq(flow_stat(context).n_entries, 1);
    qjit_destroy(context);
    qj_buf_finish(&bytes);
}

Test(object, that_names_the_most_features_is_taken)
{
    static const char *const archs[] = {"gfx90a", "gfx90a:sramecc+:xnack-", "gfx90a:xnack+", "gfx90a:xnack-"};
    static const char *const names[] = {"scale"};
    qjit_source source = scale_source(names, 1);
    struct qj_buf bytes[4];
    char symbol[64] = "";
    for (int i = 0; i < 4; i++) {
        bytes[i] = compile(NULL, &source, archs[i], symbol);
    }
    setenv("FAKE_HIP_ARCH", "gfx90a:sramecc+:xnack-", 1);
    setenv("FAKE_HIP_FAIL", "hipModuleLoadData:1,hipModuleLoadData:2", 1);
    qjit_context *context = flow_create(without_compiler);
    qjit_prebuilt prebuilt = prebuilt_of("scaling", &bytes[2]);
    cr_assert_eq(qjit_add_object(context, NULL, &prebuilt), QJIT_OK, "%s", qjit_error_detail());
    expect(context, "scale", 0, QJIT_NOT_FOUND);
    for (int i = 0; i < 4; i++) {
        prebuilt = prebuilt_of("scaling", &bytes[i]);
        prebuilt.arch = archs[i];
        cr_assert_eq(qjit_add_object(context, NULL, &prebuilt), i == 2 ? QJIT_EXISTS : QJIT_OK, "%s",
                     qjit_error_detail());
    }
    /* The driver refuses the first two that are tried: the third one serves. */
    expect(context, "scale", 0, QJIT_OK);
    cr_assert_not_null(strstr(warning, "for gfx90a:xnack- is dropped"), "%s", warning);
    qjit_destroy(context);
    for (int i = 0; i < 4; i++) {
        qj_buf_finish(&bytes[i]);
    }
}

Test(object, that_will_not_load_gives_way_to_the_compiler)
{
    char symbol[64] = "";
    struct qj_buf bytes = compile(NULL, NULL, "gfx1030", symbol), alone = read_sample("gfx1030.co");
    setenv("FAKE_HIP_FAIL", "hipModuleLoadData:1,hipModuleLoadData:3", 1);
    qjit_context *context = flow_create(NULL);
    qjit_prebuilt prebuilt = prebuilt_of(unit, &bytes);
    cr_assert_eq(qjit_add_object(context, NULL, &prebuilt), QJIT_OK, "%s", qjit_error_detail());
    expect(context, kernel, 0, QJIT_OK);
    cr_assert_eq(flow_stat(context).n_hits, 1);
    prebuilt = prebuilt_of("alone", &alone);
    cr_assert_eq(qjit_add_object(context, NULL, &prebuilt), QJIT_OK, "%s", qjit_error_detail());
    expect(context, "axpy", 0, QJIT_LOAD_FAILED);
    cr_assert_not_null(strstr(qjit_error_detail(), "hipModuleLoadData"));
    qjit_destroy(context);
    qj_buf_finish(&bytes);
    qj_buf_finish(&alone);
}

Test(object, of_name_expressions_needs_its_symbols)
{
    static const char *const names[] = {"fill<float>"};
    char symbol[64] = "";
    const char *symbols[] = {symbol, symbol};
    qjit_source source = scale_source(names, 1);
    struct qj_buf bytes = compile(NULL, &source, "gfx1030", symbol);
    qjit_context *context = flow_create(without_compiler);
    qjit_prebuilt prebuilt = prebuilt_of("scaling", &bytes);
    cr_assert_eq(qjit_add_source(context, NULL, &source), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qjit_add_object(context, NULL, &prebuilt), QJIT_OBJECT_REFUSED);
    cr_assert_not_null(strstr(qjit_error_detail(), "'fill<float>'"), "%s", qjit_error_detail());
    prebuilt.symbols = symbols;
    prebuilt.n_symbols = 2;
    cr_assert_eq(qjit_add_object(context, NULL, &prebuilt), QJIT_INVALID_ARGUMENT);
    prebuilt.n_symbols = 1;
    cr_assert_eq(qjit_add_object(context, NULL, &prebuilt), QJIT_OK, "%s", qjit_error_detail());
    expect(context, "fill<float>", 0, QJIT_OK);
    qjit_destroy(context);
    qj_buf_finish(&bytes);
}

/* Each fails with that status, and leaves nothing behind. */
static void refuse(qjit_context *context, qjit_prebuilt prebuilt, qjit_status status, const char *word)
{
    qjit_kernel out = 77, found;
    cr_assert_eq(qjit_add_object(context, &out, &prebuilt), status, "%s: %s", word, qjit_error_detail());
    cr_assert_eq(out, 77);
    cr_assert_not_null(strstr(qjit_error_detail(), word), "%s: %s", word, qjit_error_detail());
    cr_assert_eq(qjit_find_kernel(context, &found, "axpy"), QJIT_NOT_FOUND);
}

Test(object, that_makes_no_sense_is_refused)
{
    static const char *const missing[] = {"axpy", "three"};
    struct qj_buf bytes = read_sample("gfx1030.co");
    const qjit_prebuilt good = prebuilt_of("shipped", &bytes);
    qjit_context *context = flow_create(without_compiler);
    qjit_prebuilt bad = good;
    bad.struct_size = 0;
    refuse(context, bad, QJIT_INVALID_ARGUMENT, "struct_size");
    bad = good;
    bad.unit = NULL;
    refuse(context, bad, QJIT_INVALID_ARGUMENT, "name of a unit");
    bad.unit = "../shipped";
    refuse(context, bad, QJIT_INVALID_ARGUMENT, "'../shipped'");
    bad.unit = unit;
    refuse(context, bad, QJIT_OBJECT_REFUSED, kernel);
    bad = good;
    bad.bytes = kernel;
    bad.n_bytes = sizeof kernel;
    refuse(context, bad, QJIT_OBJECT_REFUSED, "arch given");
    bad = good;
    bad.n_bytes = 100;
    refuse(context, bad, QJIT_OBJECT_REFUSED, "");
    bad = good;
    bad.arch = "gfx90a:xnack-";
    refuse(context, bad, QJIT_OBJECT_REFUSED, "'gfx1030', not for 'gfx90a:xnack-'");
    bad.arch = "gfx1030:";
    refuse(context, bad, QJIT_INVALID_ARGUMENT, "gfx1030:");
    bad.arch = "cpu-x86_64-w32";
    refuse(context, bad, QJIT_INVALID_ARGUMENT, "does not tell its kernels");
    bad = good;
    bad.symbols = missing;
    bad.n_symbols = 2;
    refuse(context, bad, QJIT_OBJECT_REFUSED, "'three'");
    qjit_destroy(context);
    qj_buf_finish(&bytes);
}

/* ---- on the CPU library the kernel runs ---- */

static void on_cpu(qjit_options *options)
{
    options->hip = HIP_CPU;
}

static void on_cpu_without_compiler(qjit_options *options)
{
    without_compiler(options);
    options->flags |= QJIT_NO_STORE;
    options->hip = HIP_CPU;
}

static void get_symbol(qjit_context *context, void *out, const char *name)
{
    void (*symbol)(void);
    cr_assert_eq(qjit_get_hip_symbol(context, &symbol, name), QJIT_OK, "%s", qjit_error_detail());
    memcpy(out, &symbol, sizeof symbol);
}

static void run_scale(qjit_context *context)
{
    int (*hip_malloc)(void **out, size_t n);
    int (*hip_free)(void *memory);
    int (*hip_memcpy)(void *to, const void *from, size_t n, int kind);
    int (*hip_launch)(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *,
                      void **, void **);
    get_symbol(context, &hip_malloc, "hipMalloc");
    get_symbol(context, &hip_free, "hipFree");
    get_symbol(context, &hip_memcpy, "hipMemcpy");
    get_symbol(context, &hip_launch, "hipModuleLaunchKernel");
    float x[32];
    void *memory, *params[] = {&memory};
    qjit_function scale;
    for (int i = 0; i < 32; i++) {
        x[i] = (float)i;
    }
    cr_assert_eq(qjit_get_function(context, &scale, 0, "scale"), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(hip_malloc(&memory, sizeof x), 0);
    cr_assert_eq(hip_memcpy(memory, x, sizeof x, TO_DEVICE), 0);
    cr_assert_eq(hip_launch(scale, 1, 1, 1, 32, 1, 1, 0, NULL, params, NULL), 0);
    cr_assert_eq(hip_memcpy(x, memory, sizeof x, TO_HOST), 0);
    cr_assert_eq(hip_free(memory), 0);
    for (int i = 0; i < 32; i++) {
        cr_assert_eq(x[i], 3.0f * (float)i);
    }
}

Test(object, runs)
{
    static const char *const names[] = {"scale"};
    char symbol[64] = "";
    qjit_source source = scale_source(names, 1);
    qjit_device device = {.struct_size = sizeof device};
    qjit_context *context = flow_create(on_cpu);
    cr_assert_eq(qjit_device_info(context, &device, 0), QJIT_OK, "%s", qjit_error_detail());
    qjit_destroy(context);
    struct qj_buf bytes = compile(on_cpu, &source, device.arch, symbol);
    qjit_prebuilt prebuilt = prebuilt_of("shipped", &bytes);
    prebuilt.arch = device.arch;
    prebuilt.symbols = names;
    prebuilt.n_symbols = 1;
    context = flow_create(on_cpu_without_compiler);
    cr_assert_eq(qjit_add_object(context, NULL, &prebuilt), QJIT_OK, "%s", qjit_error_detail());
    run_scale(context);
    qjit_destroy(context);
    qj_buf_finish(&bytes);
}
