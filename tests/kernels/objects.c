/* Every unit, compiled by the real hipRTC for every arch that its code generator knows: the kernels of the
 * object are those of units.def, both ways, none uses scratch, and launch bounds and parameters are those of
 * expected.list. No arch is named here: the compiler is asked.
 *
 * The units of the quantize and dequantize families are compiled for every arch each time. Of the others,
 * which take many times as long, every $QJIT_TEST_EVERY-th pair of unit and arch (16 if not set): each unit
 * for some archs of every family, each arch with some units of every family. QJIT_TEST_EVERY=1 compiles them
 * all. With QJIT_TEST_UNITS, a glob, only the units whose names match, and of all those every
 * $QJIT_TEST_EVERY-th pair (1 if not set). */
#include <fnmatch.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "compile/plan.h"
#include "compile/pool.h"
#include "hip/identity.h"
#include "object/code_object.h"
#include "registry/registry.h"

enum { N_THREADS = 2, ARCHS_MAX = 256, EXPECTED_MAX = 2048, KERNELS_MAX = 64, SKIP = 77 };

struct expected {
    char name[96];
    uint32_t threads, n_args;
};

static struct expected expected[EXPECTED_MAX];
static size_t n_expected;
static const char *archs[ARCHS_MAX];
static uint32_t n_archs;
static struct qj_registry *registry;
static struct qj_pool *pool;
static char identity[QJ_IDENTITY_MAX];
static _Atomic uint32_t next_job, n_compiled, n_failed;

__attribute__((format(printf, 3, 4))) static void fail(const char *arch, const struct qj_unit *unit,
                                                       const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    printf("%s %s: %s\n", arch, unit->name, text);
    atomic_fetch_add(&n_failed, 1);
}

static void read_expected(void)
{
    char path[4096], line[256];
    (void)snprintf(path, sizeof path, "%s/tests/kernels/expected.list", getenv("QJIT_SOURCE"));
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file) && n_expected < EXPECTED_MAX) {
        struct expected *row = &expected[n_expected];
        if (sscanf(line, "%95s %u %u", row->name, &row->threads, &row->n_args) == 3 && line[0] != '#') {
            n_expected++;
        }
    }
    if (file) {
        (void)fclose(file);
    }
}

static const struct expected *find_expected(const char *name)
{
    for (size_t i = 0; i < n_expected; i++) {
        if (strcmp(expected[i].name, name) == 0) {
            return &expected[i];
        }
    }
    return NULL;
}

/* surface.hip, with and without the device library, is not one of ours: that it compiles is all. */
static bool is_surface(const struct qj_unit *unit)
{
    return strncmp(unit->name, "surface", strlen("surface")) == 0;
}

/* Compilers know archs such as gfx11-generic before there is a device library for them. */
static bool lacks_library(const char *arch, const struct qj_unit *unit)
{
    return strcmp(unit->name, "surface_library") == 0 && strstr(arch, "-generic") != NULL;
}

static void check_kernel(const char *arch, const struct qj_unit *unit, const qjit_kernel_usage *usage)
{
    if (is_surface(unit)) {
        return;
    }
    qjit_kernel id;
    const struct expected *row = find_expected(usage->name);
    if (!qj_registry_find(registry, &id, usage->name) || id - unit->first_kernel >= unit->n_kernels || !row) {
        fail(arch, unit, "the object has '%s', which is no kernel of this unit", usage->name);
        return;
    }
    if (usage->scratch_bytes != 0) {
        fail(arch, unit, "'%s' uses %u bytes of scratch", usage->name, usage->scratch_bytes);
    }
    if (usage->max_workgroup != row->threads) {
        fail(arch, unit, "'%s' is bound to %u threads, not %u", usage->name, usage->max_workgroup,
             row->threads);
    }
    if (usage->n_args != row->n_args) {
        fail(arch, unit, "'%s' takes %u parameters, not %u", usage->name, usage->n_args, row->n_args);
    }
    if (usage->wavefront_size != 32 && usage->wavefront_size != 64) {
        fail(arch, unit, "'%s' has a wave of %u", usage->name, usage->wavefront_size);
    }
}

static void check_object(const char *arch, const struct qj_unit *unit, const struct qj_compiled *compiled)
{
    struct qj_code_object object;
    if (qj_code_object_init(&object, compiled->object, compiled->n_bytes) != QJIT_OK) {
        fail(arch, unit, "%s", qjit_error_detail());
        return;
    }
    for (uint32_t i = 0; i < unit->n_kernels; i++) {
        const char *name = qj_registry_kernel(registry, unit->first_kernel + i)->name;
        if (!qj_code_object_has(&object, name)) {
            fail(arch, unit, "the object lacks '%s'", name);
        }
    }
    for (size_t i = 0; i < object.n_kernels; i++) {
        check_kernel(arch, unit, &object.kernels[i]);
    }
    qj_code_object_finish(&object);
}

static void compile(const char *arch, const struct qj_unit *unit)
{
    const char *names[KERNELS_MAX];
    for (uint32_t i = 0; i < unit->n_kernels && i < KERNELS_MAX; i++) {
        names[i] = qj_registry_kernel(registry, unit->first_kernel + i)->name;
    }
    struct qj_plan plan;
    struct qj_compiled compiled = {0};
    if (qj_plan_init(&plan, unit, names, arch, identity) != QJIT_OK) {
        fail(arch, unit, "%s", qjit_error_detail());
        return;
    }
    if (qj_pool_compile(pool, &compiled, &plan) == QJIT_OK) {
        check_object(arch, unit, &compiled);
        qj_compiled_finish(&compiled);
    } else {
        fail(arch, unit, "%s %s", qjit_error_detail(), qjit_error_log());
    }
    qj_plan_finish(&plan);
}

static bool is_wanted(uint32_t arch, uint32_t unit)
{
    const char *every = getenv("QJIT_TEST_EVERY"), *units = getenv("QJIT_TEST_UNITS");
    const char *name = qj_registry_unit(registry, unit)->name;
    const unsigned long n = every ? strtoul(every, NULL, 10) : units ? 1 : 16;
    if (units && fnmatch(units, name, 0) != 0) {
        return false;
    }
    const bool is_always =
        !units && (strncmp(name, "quantize", 8) == 0 || strncmp(name, "dequantize_q", 12) == 0);
    return is_always || n == 0 || (arch + unit) % n == 0;
}

static void *work(void *unused)
{
    const uint32_t n_units = qj_registry_n_units(registry);
    for (;;) {
        const uint32_t job = atomic_fetch_add(&next_job, 1);
        if (job >= n_archs * n_units) {
            return unused;
        }
        const char *arch = archs[job / n_units];
        const struct qj_unit *unit = qj_registry_unit(registry, job % n_units);
        if (!lacks_library(arch, unit) && is_wanted(job / n_units, job % n_units)) {
            n_compiled++;
            compile(arch, unit);
        }
    }
}

/* Splits the list in place; it stays allocated until the end. */
static void read_archs(char *list)
{
    for (char *arch = list; *arch && n_archs < ARCHS_MAX;) {
        char *end = arch + strcspn(arch, "\n");
        const bool last = !*end;
        *end = '\0';
        archs[n_archs++] = arch;
        arch = last ? end : end + 1;
    }
}

static bool open_compiler(struct qj_hip_where *where, struct qj_buf *worker)
{
    static const struct qj_hip_search search = {.which = "rocm"};
    if (qj_hip_find(where, &search) || qj_identity_get(identity, where)) {
        return false;
    }
    qj_buf_printf(worker, "%s/bin/qjit-worker", getenv("QJIT_BUILD"));
    const struct qj_pool_options options = {.worker = worker->bytes,
                                            .where = where,
                                            .compiler = identity,
                                            .temp_dir = getenv("TMPDIR"),
                                            .n_workers = N_THREADS,
                                            .timeout_ms = 120000,
                                            .max_bytes = (uint64_t)4 << 30};
    return qj_pool_create(&pool, &options) == QJIT_OK;
}

static qjit_status add_surface(bool with_library)
{
    static const char *plain_kernels[] = {"surface", "bounds_of_two"};
    static const char *library_kernels[] = {"surface_library", "bounds_of_two_library"};
    static const char *plain[] = {"-nogpulib"}, *library[] = {"SURFACE_LIBRARY"};
    struct qj_buf path = {0}, text = {0};
    qj_buf_printf(&path, "%s/tests/kernels/surface.hip", getenv("QJIT_SOURCE"));
    qjit_status status = QJIT_IO;
    if (qj_fs_read(&text, path.bytes, 1 << 20) == 0) {
        const qjit_source source = {.struct_size = sizeof source,
                                    .name = with_library ? "surface_library" : "surface",
                                    .text = text.bytes,
                                    .defines = library,
                                    .n_defines = with_library,
                                    .options = plain,
                                    .n_options = !with_library,
                                    .kernels = with_library ? library_kernels : plain_kernels,
                                    .n_kernels = 2,
                                    .flags = QJIT_SOURCE_SMALL_RUNTIME};
        status = qj_registry_add(registry, NULL, &source);
    }
    qj_buf_finish(&path);
    qj_buf_finish(&text);
    return status;
}

static int run(void)
{
    char *list = NULL;
    read_expected();
    if (qj_registry_create(&registry) || add_surface(false) || add_surface(true) ||
        qj_pool_archs(pool, &list)) {
        printf("%s\n", qjit_error_detail());
        return 1;
    }
    read_archs(list);
    pthread_t threads[N_THREADS];
    for (int i = 0; i < N_THREADS; i++) {
        if (pthread_create(&threads[i], NULL, work, NULL)) {
            return 1;
        }
    }
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    const uint32_t n_units = qj_registry_n_units(registry), n_kernels = qj_registry_n_kernels(registry);
    printf("%u archs, %u units of %u kernels, %u of %u pairs compiled, %u failures\n", n_archs, n_units,
           n_kernels, n_compiled, n_archs * n_units, n_failed);
    qj_registry_destroy(registry);
    free(list);
    return n_failed || n_archs == 0 || n_kernels != n_expected + 4;
}

int main(void)
{
    struct qj_hip_where where = {0};
    struct qj_buf worker = {0};
    if (!open_compiler(&where, &worker)) {
        printf("skipped: no hipRTC here: %s\n", qjit_error_detail());
        return SKIP;
    }
    const int result = run();
    qj_pool_destroy(pool);
    qj_hip_where_finish(&where);
    qj_buf_finish(&worker);
    return result;
}
