#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "ops/memory.h"

enum { ALIGNMENT = 16, DEFAULT_THREADS = 256 };

struct qjit_launch {
    struct qj_ops *ops;
    uint32_t device;
    qjit_function function;
    struct qj_kernel_args takes;
    uint32_t n, n_max; /* arguments added, and room for them */
    size_t n_bytes, n_bytes_max;
    char *values;    /* one after the other, each aligned */
    size_t *offsets; /* of each in `values` */
    void **params;   /* room for what a launch is given */
};

void qjit_launch_config_init(qjit_launch_config *out, uint64_t n, uint32_t n_threads)
{
    const uint32_t threads = n_threads > 0 ? n_threads : DEFAULT_THREADS;
    const uint64_t blocks = n / threads + (n % threads != 0), most = UINT32_MAX / threads;
    *out = (qjit_launch_config){
        .grid = {(uint32_t)(blocks == 0     ? 1
                            : blocks < most ? blocks
                                            : most),
                 1, 1},
        .block = {threads, 1, 1},
    };
}

static qjit_status create(qjit_launch **out, struct qj_ops *ops, uint32_t device, qjit_function function)
{
    qjit_launch *launch = calloc(1, sizeof *launch);
    if (!launch) {
        return qj_fail(QJIT_NO_MEMORY, "out of memory");
    }
    launch->ops = ops;
    launch->device = device;
    launch->function = function;
    launch->takes = (struct qj_kernel_args){.name = "a function", .n = -1};
    *out = launch;
    return QJIT_OK;
}

qjit_status qjit_launch_create(qjit_context *context, qjit_launch **out, uint32_t device, qjit_kernel kernel)
{
    struct qj_ops *ops;
    qjit_function function;
    qjit_launch *launch;
    qjit_status status = qj_context_ops(context, &ops, device);
    if (status == QJIT_OK) {
        status = qjit_get_function_by_id(context, &function, device, kernel);
    }
    if (status == QJIT_OK) {
        status = create(&launch, ops, device, function);
    }
    if (status != QJIT_OK) {
        return status;
    }
    status = qj_context_kernel_args(context, &launch->takes, device, kernel);
    if (status != QJIT_OK) {
        qjit_launch_destroy(launch);
        return status;
    }
    *out = launch;
    return QJIT_OK;
}

qjit_status qjit_launch_create_for(qjit_context *context, qjit_launch **out, uint32_t device,
                                   qjit_function function)
{
    struct qj_ops *ops;
    qjit_kernel kernel;
    qjit_status status = qj_context_ops(context, &ops, device);
    if (status != QJIT_OK) {
        return status;
    }
    if (!function) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "there is no function to launch: it is NULL");
    }
    return qj_context_find_function(context, &kernel, device, function)
               ? qjit_launch_create(context, out, device, kernel)
               : create(out, ops, device, function);
}

void qjit_launch_destroy(qjit_launch *launch)
{
    if (launch) {
        free(launch->takes.n_bytes);
        free(launch->values);
        free(launch->offsets);
        free(launch->params);
        free(launch);
    }
}

int qjit_launch_arg_count(const qjit_launch *launch)
{
    return launch->takes.n;
}

size_t qjit_launch_arg_bytes(const qjit_launch *launch, uint32_t index)
{
    return launch->takes.n >= 0 && index < (uint32_t)launch->takes.n ? launch->takes.n_bytes[index] : 0;
}

static qjit_status check_arg(const qjit_launch *launch, size_t n_bytes)
{
    const struct qj_kernel_args *takes = &launch->takes;
    if (takes->n < 0) {
        return QJIT_OK;
    }
    if (launch->n >= (uint32_t)takes->n) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "kernel '%s' takes %d arguments: argument %u is one too many",
                       takes->name, takes->n, launch->n);
    }
    if (n_bytes != takes->n_bytes[launch->n]) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "argument %u of kernel '%s' has %u bytes, not %zu", launch->n,
                       takes->name, takes->n_bytes[launch->n], n_bytes);
    }
    return QJIT_OK;
}

/* Room for one more argument. */
static qjit_status reserve(qjit_launch *launch, size_t n_bytes)
{
    if (launch->n == launch->n_max) {
        const uint32_t n_max = launch->n_max > 0 ? 2 * launch->n_max : 16;
        size_t *offsets = realloc(launch->offsets, n_max * sizeof *offsets);
        launch->offsets = offsets ? offsets : launch->offsets;
        void **params = offsets ? realloc(launch->params, n_max * sizeof *params) : NULL;
        launch->params = params ? params : launch->params;
        if (!params) {
            return qj_fail(QJIT_NO_MEMORY, "out of memory");
        }
        launch->n_max = n_max;
    }
    if (launch->n_bytes_max - launch->n_bytes < n_bytes) {
        const size_t n_bytes_max = 2 * launch->n_bytes_max + n_bytes;
        char *values = realloc(launch->values, n_bytes_max);
        if (!values) {
            return qj_fail(QJIT_NO_MEMORY, "out of memory");
        }
        launch->values = values;
        launch->n_bytes_max = n_bytes_max;
    }
    return QJIT_OK;
}

qjit_status qjit_launch_add(qjit_launch *launch, const void *value, size_t n_bytes)
{
    enum { ARGUMENT_MAX = 1 << 16 }; /* more than any kernel may take */
    if (!value || n_bytes == 0 || n_bytes > ARGUMENT_MAX) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "argument %u is of no bytes, or of more than a kernel may take",
                       launch->n);
    }
    const size_t room = (n_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    qjit_status status = check_arg(launch, n_bytes);
    if (status == QJIT_OK) {
        status = reserve(launch, room);
    }
    if (status == QJIT_OK) {
        memcpy(launch->values + launch->n_bytes, value, n_bytes);
        launch->offsets[launch->n++] = launch->n_bytes;
        launch->n_bytes += room;
    }
    return status;
}

qjit_status qjit_launch_add_buffer(qjit_launch *launch, const qjit_buffer *buffer)
{
    if (buffer->memory->ops != launch->ops || buffer->memory->device != launch->device) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "argument %u of kernel '%s' is a buffer of another device",
                       launch->n, launch->takes.name);
    }
    return qjit_launch_add(launch, &buffer->start, sizeof buffer->start);
}

qjit_status qjit_launch_add_int(qjit_launch *launch, int32_t value)
{
    return qjit_launch_add(launch, &value, sizeof value);
}

qjit_status qjit_launch_add_int64(qjit_launch *launch, int64_t value)
{
    return qjit_launch_add(launch, &value, sizeof value);
}

qjit_status qjit_launch_add_float(qjit_launch *launch, float value)
{
    return qjit_launch_add(launch, &value, sizeof value);
}

void qjit_launch_clear(qjit_launch *launch)
{
    launch->n = 0;
    launch->n_bytes = 0;
}

static qjit_status check_config(const qjit_launch *launch, const qjit_launch_config *config)
{
    const uint32_t most = launch->ops->devices[launch->device].max_workgroup;
    const uint32_t *grid = config->grid, *block = config->block;
    if (launch->takes.n >= 0 && launch->n != (uint32_t)launch->takes.n) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "kernel '%s' takes %d arguments: %u were added",
                       launch->takes.name, launch->takes.n, launch->n);
    }
    if (!grid[0] || !grid[1] || !grid[2] || !block[0] || !block[1] || !block[2]) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "grid %u x %u x %u, block %u x %u x %u: none may be 0", grid[0],
                       grid[1], grid[2], block[0], block[1], block[2]);
    }
    if (block[0] > most || block[1] > most || block[2] > most ||
        (uint64_t)block[0] * block[1] * block[2] > most) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "a block of %u x %u x %u threads: this device takes %u",
                       block[0], block[1], block[2], most);
    }
    return qj_ops_check_stream(config->stream);
}

qjit_status qjit_launch_run(qjit_launch *launch, const qjit_launch_config *config)
{
    int before;
    const struct qj_ops *ops = launch->ops;
    qjit_status status = check_config(launch, config);
    if (status == QJIT_OK) {
        status = qj_ops_enter(ops, launch->device, &before);
    }
    if (status != QJIT_OK) {
        return status;
    }
    for (uint32_t i = 0; i < launch->n; i++) {
        launch->params[i] = launch->values + launch->offsets[i];
    }
    status = qj_ops_check(ops, "hipModuleLaunchKernel",
                          ops->hip->hipModuleLaunchKernel(launch->function, config->grid[0], config->grid[1],
                                                          config->grid[2], config->block[0], config->block[1],
                                                          config->block[2], config->lds_bytes,
                                                          (hipStream_t)config->stream, launch->params, NULL));
    qj_ops_leave(ops, launch->device, before);
    return status;
}
