/* The harness itself: kernels with a fault each, which must be caught. Their source is added through the
 * public API, as an application adds its own. */
#include <stdio.h>

#include "run.h"

enum { N = 300, THREADS = 128 };

/* What the kernel does wrong besides doubling x. */
enum fault {
    FAULT_NONE,
    FAULT_BEHIND,
    FAULT_FAR,
    FAULT_BEFORE,
    FAULT_INPUT,
    FAULT_UNWRITTEN,
    FAULT_BIT,
    FAULT_NAN
};

static const char source_text[] =
    "extern \"C\" __global__ void run_selftest(float *x, float *y, int n, int fault) {\n"
    "    int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);\n"
    "    if (i < n && !(fault == 5 && i == 17)) y[i] = x[i] * 2.0f;\n"
    "    if (i != 17) return;\n"
    "    if (fault == 1) y[n] = 1.0f;\n"
    "    if (fault == 2) y[n + 200] = 1.0f;\n"
    "    if (fault == 3) y[-1] = 1.0f;\n"
    "    if (fault == 4) x[3] = 1.0f;\n"
    "    if (fault == 6) y[i] = __uint_as_float(__float_as_uint(x[i] * 2.0f) ^ 1u);\n"
    "    if (fault == 7) y[i] = __uint_as_float(0x7fc00000u);\n"
    "}\n";

static const struct {
    const char *label;
    enum fault fault;
    bool needs_guards;
    const char *awaited;
} rows[] = {
    {"no fault", FAULT_NONE, false, NULL},
    {"write behind the end", FAULT_BEHIND, true, "'y' (1200 bytes), the nearest 0 bytes behind its end"},
    {"write far behind the end", FAULT_FAR, true, "'y' (1200 bytes), the nearest 800 bytes behind its end"},
    {"write before the start", FAULT_BEFORE, true, "4 bytes written out of bounds of 'y'"},
    {"write to the input", FAULT_INPUT, false, "the input 'x' was written to"},
    {"value not written", FAULT_UNWRITTEN, false, "y: 1 of 300 wrong, first [17]"},
    {"last bit wrong", FAULT_BIT, false, "y: 1 of 300 wrong, first [17]"},
    {"NaN for a number", FAULT_NAN, false, "y: 1 of 300 wrong, first [17]"},
};

static void add_source(struct run *run)
{
    static const char *const kernels[] = {"run_selftest"};
    const qjit_source source = {
        .struct_size = sizeof source,
        .name = "run_selftest",
        .text = source_text,
        .kernels = kernels,
        .n_kernels = 1,
        .flags = QJIT_SOURCE_SMALL_RUNTIME,
    };
    if (qjit_add_source(run->context, NULL, &source) != QJIT_OK) {
        fprintf(stderr, "kernels_run: %s\n", qjit_error_detail()); /* and the launch fails */
    }
}

static void run_one(struct run *run, const char *label, enum fault fault, const char *awaited)
{
    run_case(run, "%s", label);
    float *x = run_memory(run, N * sizeof *x), *wanted = run_memory(run, N * sizeof *wanted);
    for (size_t i = 0; i < N; i++) {
        x[i] = run_random_float(run);
        wanted[i] = x[i] * 2.0f;
    }
    struct run_buffer *from = run_input(run, "x", x, N * sizeof *x, 0);
    struct run_buffer *to = run_output(run, "y", N * sizeof *x, 0);
    int n = N, number = (int)fault;
    bool launched =
        run_launch(run, "run_selftest", (struct run_dim){(N + THREADS - 1) / THREADS, 1, 1},
                   (struct run_dim){THREADS, 1, 1}, (void *[]){&from->device, &to->device, &n, &number});
    const float *got = launched ? run_result(run, to, 0, to->n) : NULL;
    run_await_failure(run, awaited);
    if (got) {
        run_expect_exact_f32(run, "y", got, wanted, N, 0);
    }
    run_case_end(run);
}

void run_selftest(struct run *run)
{
    if (run->is_collecting) {
        add_source(run);
    }
    if (!run_group(run, "faults", "run_selftest")) {
        return;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].needs_guards && run->settings.guard_bytes == 0) {
            run_skip(run, "%s: there are no guards", rows[i].label);
        } else {
            run_one(run, rows[i].label, rows[i].fault, rows[i].awaited);
        }
    }
    run_group_end(run);
}
