/* Launches: on the CPU they run; over the recording HIP library, with code objects of a real arch, what the
 * kernel takes is known and checked. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ops.h"

enum { N = 1000 };

static qjit_context *context;

static void finish(void)
{
    qjit_destroy(context);
}

static void init_cpu(void)
{
    context = ops_create();
}

static void init_recording(void)
{
    context = ops_create_recording();
}

TestSuite(launch, .init = init_cpu, .fini = finish);
TestSuite(launch_checked, .init = init_recording, .fini = finish);

/* y[i] += a * i, for i < n, in a strange order of arguments. */
static qjit_kernel add_ramp(void)
{
    static const char *const names[] = {"ramp"};
    const qjit_source source = {
        .struct_size = sizeof source,
        .name = "ramp",
        .text = "struct two { short a, b, c; };\n"
                "extern \"C\" __global__ void ramp(int n, float *y, two t, float a, long long first)\n"
                "{\n"
                "    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;\n"
                "    if (i < (unsigned)n)\n"
                "        y[i] += a * (float)i + (float)first + (float)t.c;\n"
                "}\n",
        .kernels = names,
        .n_kernels = 1,
        .flags = QJIT_SOURCE_SMALL_RUNTIME,
    };
    qjit_kernel kernel;
    ops_do(qjit_add_source(context, &kernel, &source));
    return kernel;
}

struct two {
    int16_t a, b, c;
};

static void add_arguments(qjit_launch *launch, const qjit_buffer *y)
{
    ops_do(qjit_launch_add_int(launch, N));
    ops_do(qjit_launch_add_buffer(launch, y));
    ops_do(qjit_launch_add(launch, &(struct two){1, 2, 3}, sizeof(struct two)));
    ops_do(qjit_launch_add_float(launch, 0.5f));
    ops_do(qjit_launch_add_int64(launch, 7));
}

Test(launch, runs_and_runs_again)
{
    qjit_launch *launch;
    qjit_buffer *y;
    qjit_launch_config config;
    qjit_launch_config_init(&config, N, 0);
    cr_assert(config.grid[0] == 4 && config.block[0] == 256 && config.grid[1] == 1 && config.block[2] == 1);
    ops_do(qjit_buffer_create_zeroed(context, &y, 0, (N + 1) * sizeof(float)));
    ops_do(qjit_launch_create(context, &launch, 0, add_ramp()));
    cr_assert_eq(qjit_launch_arg_count(launch), -1); /* code for the CPU does not tell */
    cr_assert_eq(qjit_launch_arg_bytes(launch, 0), 0);
    add_arguments(launch, y);
    ops_do(qjit_launch_run(launch, &config));
    ops_do(qjit_launch_run(launch, &config));
    float *got = ops_bytes(y);
    int n_right = 0;
    while (n_right < N && fabsf(got[n_right] - 2 * (0.5f * (float)n_right + 10)) == 0) {
        n_right++;
    }
    cr_assert_eq(n_right, N);
    cr_assert_float_eq(got[N], 0, 0);
    free(got);
    qjit_launch_destroy(launch);
    qjit_launch_destroy(NULL);
    qjit_buffer_destroy(y);
}

Test(launch, config_of_many_elements_is_a_grid_that_may_be)
{
    qjit_launch_config config;
    qjit_launch_config_init(&config, 0, 64);
    cr_assert(config.grid[0] == 1 && config.block[0] == 64);
    qjit_launch_config_init(&config, UINT64_MAX, 1024);
    cr_assert_leq((uint64_t)config.grid[0] * 1024, UINT32_MAX);
    qjit_launch_config_init(&config, 1025, 1024);
    cr_assert_eq(config.grid[0], 2);
}

Test(launch, shapes_that_cannot_be_are_refused)
{
    qjit_launch *launch;
    qjit_buffer *y;
    qjit_device device = {.struct_size = sizeof device};
    ops_do(qjit_device_info(context, &device, 0));
    ops_do(qjit_buffer_create_zeroed(context, &y, 0, N * sizeof(float)));
    ops_do(qjit_launch_create(context, &launch, 0, add_ramp()));
    add_arguments(launch, y);
    qjit_launch_config config = {.grid = {1, 1, 0}, .block = {1, 1, 1}};
    ops_expect(qjit_launch_run(launch, &config), QJIT_INVALID_ARGUMENT, "none may be 0");
    config = (qjit_launch_config){.grid = {1, 1, 1}, .block = {1, 0, 1}};
    ops_expect(qjit_launch_run(launch, &config), QJIT_INVALID_ARGUMENT, "none may be 0");
    config = (qjit_launch_config){.grid = {1, 1, 1}, .block = {device.max_workgroup, 2, 1}};
    ops_expect(qjit_launch_run(launch, &config), QJIT_INVALID_ARGUMENT, "this device takes");
    config =
        (qjit_launch_config){.grid = {1, 1, 1}, .block = {64, 1, 1}, .stream = (qjit_stream)(uintptr_t)2};
    ops_expect(qjit_launch_run(launch, &config), QJIT_INVALID_ARGUMENT, "hipStreamPerThread");
    ops_expect(qjit_launch_add(launch, NULL, 4), QJIT_INVALID_ARGUMENT, "argument 5");
    ops_expect(qjit_launch_add(launch, y, 0), QJIT_INVALID_ARGUMENT, "argument 5");
    qjit_launch_destroy(launch);
    qjit_buffer_destroy(y);
}

Test(launch_checked, counts_and_sizes_are_the_kernels)
{
    static const size_t sizes[] = {4, 8, 6, 4, 8};
    qjit_launch *launch;
    qjit_buffer *y;
    const qjit_launch_config config = {.grid = {1, 1, 1}, .block = {64, 1, 1}};
    ops_do(qjit_buffer_create(context, &y, 0, N * sizeof(float)));
    ops_do(qjit_launch_create(context, &launch, 0, add_ramp()));
    cr_assert_eq(qjit_launch_arg_count(launch), 5);
    for (uint32_t i = 0; i < 5; i++) {
        cr_assert_eq(qjit_launch_arg_bytes(launch, i), sizes[i]);
    }
    cr_assert_eq(qjit_launch_arg_bytes(launch, 5), 0);
    ops_expect(qjit_launch_add_buffer(launch, y), QJIT_INVALID_ARGUMENT,
               "argument 0 of kernel 'ramp' has 4 bytes, not 8");
    ops_do(qjit_launch_add_int(launch, N));
    ops_expect(qjit_launch_add_float(launch, 1), QJIT_INVALID_ARGUMENT,
               "argument 1 of kernel 'ramp' has 8 bytes, not 4");
    ops_expect(qjit_launch_run(launch, &config), QJIT_INVALID_ARGUMENT, "takes 5 arguments: 1 were added");
    cr_assert_eq(ops_recorded("hipModuleLaunchKernel"), 0);
    qjit_launch_clear(launch);
    add_arguments(launch, y);
    ops_expect(qjit_launch_add_int(launch, 0), QJIT_INVALID_ARGUMENT, "argument 5 is one too many");
    ops_do(qjit_launch_run(launch, &config));
    cr_assert_eq(ops_recorded("hipModuleLaunchKernel"), 1);
    qjit_launch_destroy(launch);
    qjit_buffer_destroy(y);
}

Test(launch_checked, a_function_is_known_again)
{
    qjit_launch *launch;
    qjit_function function;
    static const size_t sizes[] = {8, 8, 4, 4};
    ops_do(qjit_get_function(context, &function, 0, "quantize_q8_1"));
    ops_do(qjit_launch_create_for(context, &launch, 0, function));
    cr_assert_eq(qjit_launch_arg_count(launch), 4);
    for (uint32_t i = 0; i < 4; i++) {
        cr_assert_eq(qjit_launch_arg_bytes(launch, i), sizes[i]);
    }
    qjit_launch_destroy(launch);
    int of_someone_else;
    ops_do(qjit_launch_create_for(context, &launch, 0, &of_someone_else));
    cr_assert_eq(qjit_launch_arg_count(launch), -1);
    ops_do(qjit_launch_add_int(launch, 1)); /* unchecked */
    qjit_launch_destroy(launch);
    ops_expect(qjit_launch_create_for(context, &launch, 0, NULL), QJIT_INVALID_ARGUMENT, "NULL");
    ops_expect(qjit_launch_create(context, &launch, 0, 1u << 30), QJIT_NOT_FOUND, "no kernel");
}

Test(launch_checked, the_current_device_stays)
{
    qjit_launch *launch;
    qjit_buffer *buffer;
    const qjit_launch_config config = {.grid = {1, 1, 1}, .block = {256, 1, 1}};
    ops_do(qjit_buffer_create(context, &buffer, 1, 64));
    ops_do(qjit_launch_create(context, &launch, 1, add_ramp()));
    add_arguments(launch, buffer);
    const int before = ops_recorded("hipSetDevice");
    ops_do(qjit_launch_run(launch, &config));
    cr_assert_eq(ops_recorded("hipSetDevice"), before + 2); /* there and back */
    qjit_buffer *other;
    ops_do(qjit_buffer_create(context, &other, 0, 64));
    qjit_launch_clear(launch);
    ops_do(qjit_launch_add_int(launch, N));
    ops_expect(qjit_launch_add_buffer(launch, other), QJIT_INVALID_ARGUMENT, "another device");
    qjit_buffer_destroy(other);
    qjit_launch_destroy(launch);
    qjit_buffer_destroy(buffer);
}
