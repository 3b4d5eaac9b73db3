/* rows LIST EVERY ARCH...: sees to it that the store holds every EVERYth unit (1: all) for every ARCH, looks
 * into each code object and prints a line for each pair, its fields apart by tabs:
 *
 *   arch  module  unit  how  compile_us  kernels  scratch  vgprs  reason
 *
 * how: compiled, stored (it was in the store before), failed (no object: the reason is the library's line),
 * wrong (an object that is not what was asked for: kernels, launch bounds, parameters, wave). scratch and
 * vgprs are those of the kernel that takes most. LIST is tests/kernels/expected.list. Exit status 1: a line
 * could not be had. What it finds wrong is in the lines. Run by scripts/rocm-matrix in a root with another
 * ROCm. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qjit/qjit.h>

enum { EXPECTED_MAX = 2048, UNITS_MAX = 2048, REASON_MAX = 400 };

struct expected {
    char name[96];
    uint32_t threads, n_args;
};
static struct expected expected[EXPECTED_MAX];
static size_t n_expected;

static bool read_expected(const char *path)
{
    char line[256];
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file) && n_expected < EXPECTED_MAX) {
        struct expected *row = &expected[n_expected];
        n_expected +=
            line[0] != '#' && sscanf(line, "%95s %u %u", row->name, &row->threads, &row->n_args) == 3;
    }
    if (file) {
        (void)fclose(file);
    }
    return n_expected > 0;
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

/* ---- one line ------------------------------------------------------------------------- */

struct line {
    const char *arch, *module, *unit, *how;
    uint32_t compile_us, n_kernels, scratch, vgprs;
    char reason[REASON_MAX];
};

/* A tab or a line end would end the field. */
static void set_reason(struct line *line, const char *reason)
{
    (void)snprintf(line->reason, sizeof line->reason, "%s", reason);
    for (char *at = line->reason; *at; at++) {
        *at = *at == '\t' || *at == '\n' ? ' ' : *at;
    }
}

static void print_line(const struct line *line)
{
    printf("%s\t%s\t%s\t%s\t%u\t%u\t%u\t%u\t%s\n", line->arch, line->module, line->unit, line->how,
           line->compile_us, line->n_kernels, line->scratch, line->vgprs, line->reason);
    (void)fflush(stdout);
}

static void check_kernel(struct line *line, const qjit_kernel_usage *usage)
{
    char text[REASON_MAX] = "";
    const struct expected *row = find_expected(usage->name);
    if (!row) {
        (void)snprintf(text, sizeof text, "the object has '%s', which nobody expects", usage->name);
    } else if (usage->max_workgroup != row->threads) {
        (void)snprintf(text, sizeof text, "'%s' is bound to %u threads, not %u", usage->name,
                       usage->max_workgroup, row->threads);
    } else if (usage->n_args != row->n_args) {
        (void)snprintf(text, sizeof text, "'%s' takes %u parameters, not %u", usage->name, usage->n_args,
                       row->n_args);
    } else if (usage->wavefront_size != 32 && usage->wavefront_size != 64) {
        (void)snprintf(text, sizeof text, "'%s' has a wave of %u", usage->name, usage->wavefront_size);
    }
    if (text[0]) {
        line->how = "wrong";
        set_reason(line, text);
    }
    line->scratch = usage->scratch_bytes > line->scratch ? usage->scratch_bytes : line->scratch;
    line->vgprs = usage->vgprs > line->vgprs ? usage->vgprs : line->vgprs;
}

/* ---- one arch -------------------------------------------------------------------------- */

/* What became of each unit when it was warmed, in the order of the events. */
struct event {
    char unit[64];
    bool compiled;
    char reason[REASON_MAX]; /* of a failure, else "" */
};
struct events {
    struct event list[UNITS_MAX];
    size_t n;
};

static int note_event(void *payload, const qjit_warm_event *event)
{
    struct events *events = payload;
    struct event *out = &events->list[events->n];
    if (event->outcome != QJIT_WARM_CACHED) {
        (void)fprintf(stderr, "%u/%u %s %s %u ms %s\n%s", event->n_done, event->n_total, event->arch,
                      event->unit, event->compile_us / 1000, event->detail, event->log);
    }
    if (events->n < UNITS_MAX) {
        (void)snprintf(out->unit, sizeof out->unit, "%s", event->unit);
        (void)snprintf(out->reason, sizeof out->reason, "%s", event->detail);
        out->compiled = event->outcome == QJIT_WARM_COMPILED;
        events->n++;
    }
    return 0;
}

static const struct event *find_event(const struct events *events, const char *unit)
{
    for (size_t i = 0; i < events->n; i++) {
        if (strcmp(events->list[i].unit, unit) == 0) {
            return &events->list[i];
        }
    }
    return NULL;
}

static bool holds(const qjit_object *object, const char *kernel)
{
    for (size_t i = 0; i < object->n_kernels; i++) {
        if (strcmp(object->kernels[i].name, kernel) == 0) {
            return true;
        }
    }
    return false;
}

/* The kernels of one unit lie side by side in the registry; each of them must be in the object. */
static uint32_t check_unit(struct line *line, const qjit_context *context, const qjit_object *object,
                           qjit_kernel first)
{
    uint32_t n = 0;
    qjit_kernel_info info;
    for (qjit_kernel kernel = first; kernel < qjit_kernel_count(context); kernel++, n++) {
        if (qjit_get_kernel_info(context, &info, kernel) || strcmp(info.unit, line->unit) != 0) {
            break;
        }
        if (object && !holds(object, info.name)) {
            line->how = "wrong";
            set_reason(line, "the object lacks a kernel of its unit");
        }
    }
    for (size_t i = 0; object && i < object->n_kernels; i++) {
        check_kernel(line, &object->kernels[i]);
    }
    return n;
}

/* Prints the line of the unit that begins with `kernel`. */
static bool show_unit(qjit_context *context, const char *arch, qjit_kernel kernel,
                      const struct events *events)
{
    qjit_kernel_info info;
    qjit_object *object = NULL;
    if (qjit_get_kernel_info(context, &info, kernel)) {
        return false;
    }
    struct line line = {.arch = arch, .module = info.module, .unit = info.unit, .how = "failed"};
    const struct event *event = find_event(events, info.unit);
    if (event && event->reason[0]) { /* not tried a second time */
        set_reason(&line, event->reason);
    } else if (qjit_get_object(context, &object, kernel, arch) == QJIT_OK) {
        line.how = event && event->compiled ? "compiled" : "stored";
        line.compile_us = object->compile_us;
    } else {
        set_reason(&line, qjit_error_detail());
    }
    line.n_kernels = check_unit(&line, context, object, kernel);
    qjit_object_destroy(object);
    print_line(&line);
    return true;
}

/* The first kernel of every `every`th unit, beginning where the arch says: each arch has its own. */
static size_t choose(const char **out_names, qjit_kernel *out, const qjit_context *context, const char *arch,
                     unsigned every)
{
    unsigned unit = 0, first = 0;
    size_t n = 0;
    char before[64] = "";
    for (const char *letter = arch; *letter; letter++) {
        first += (unsigned char)*letter;
    }
    for (qjit_kernel kernel = 0; kernel < qjit_kernel_count(context) && n < UNITS_MAX; kernel++) {
        qjit_kernel_info info;
        if (qjit_get_kernel_info(context, &info, kernel) || strcmp(info.unit, before) == 0) {
            continue;
        }
        (void)snprintf(before, sizeof before, "%s", info.unit);
        if (unit++ % every == first % every) {
            out_names[n] = info.name;
            out[n++] = kernel;
        }
    }
    return n;
}

static bool show_arch(qjit_context *context, const char *arch, unsigned every)
{
    static struct events events;
    static const char *names[UNITS_MAX];
    static qjit_kernel kernels[UNITS_MAX];
    const size_t n = choose(names, kernels, context, arch, every);
    const qjit_warm_options options = {.struct_size = sizeof options,
                                       .archs = &arch,
                                       .n_archs = 1,
                                       .kernels = names,
                                       .n_kernels = n,
                                       .progress = note_event,
                                       .payload = &events};
    bool good = n > 0;
    events.n = 0;
    (void)qjit_warm(context, NULL, &options); /* failures are told unit by unit */
    for (size_t i = 0; i < n; i++) {
        good = show_unit(context, arch, kernels[i], &events) && good;
    }
    return good;
}

int main(int n, char **arguments)
{
    qjit_context *context;
    qjit_options options = QJIT_OPTIONS_INIT;
    options.compile_timeout_ms = 600000; /* on a busy machine, by the least important process */
    const int every = n > 3 ? atoi(arguments[2]) : 0;
    if (every < 1 || !read_expected(arguments[1]) || qjit_create(&context, &options) != QJIT_OK) {
        (void)fprintf(stderr, "usage: rows EXPECTED-LIST EVERY ARCH...\n");
        return 2;
    }
    bool good = true;
    for (int i = 3; i < n; i++) {
        good = show_arch(context, arguments[i], (unsigned)every) && good;
    }
    qjit_destroy(context);
    return good ? 0 : 1;
}
