/* Launches: what is checked before, and the pool of threads that share the blocks of a grid. */
#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <thread>

#include "block.h"
#include "config.h"
#include "stream.h"

namespace hipcpu {

namespace {

/* Threads that help with grids of more than one block. Never destroyed, like the threads. */
class Pool {
  public:
    static Pool &get()
    {
        static auto *const it = new Pool;
        return *it;
    }

    void run(const std::shared_ptr<Job> &job)
    {
        if (job->n_blocks == 1 || config().threads == 1) {
            Worker::get().work(*job);
            return;
        }
        auto shared = std::make_shared<Shared>(Shared{job, 0});
        {
            std::lock_guard<std::mutex> hold(lock_);
            start();
            queue_.push_back(shared);
        }
        wanted_.notify_all();
        Worker::get().work(*job);
        std::unique_lock<std::mutex> hold(lock_);
        queue_.erase(std::remove(queue_.begin(), queue_.end(), shared), queue_.end());
        finished_.wait(hold, [&] { return shared->n_helpers == 0; });
    }

  private:
    struct Shared {
        std::shared_ptr<Job> job;
        unsigned n_helpers;
    };
    std::mutex lock_;
    std::condition_variable wanted_, finished_;
    std::deque<std::shared_ptr<Shared>> queue_;
    bool started_ = false;

    void start()
    {
        for (unsigned i = 1; !started_ && i < config().threads; i++)
            std::thread([this] { help(); }).detach();
        started_ = true;
    }

    void help()
    {
        for (;;) {
            std::unique_lock<std::mutex> hold(lock_);
            wanted_.wait(hold, [&] { return !queue_.empty(); });
            std::shared_ptr<Shared> shared = queue_.front();
            shared->n_helpers++;
            hold.unlock();
            Worker::get().work(*shared->job);
            hold.lock();
            /* no block is left */
            queue_.erase(std::remove(queue_.begin(), queue_.end(), shared), queue_.end());
            if (--shared->n_helpers == 0)
                finished_.notify_all();
        }
    }
};

/* A launch's own copy of its arguments. */
struct Arguments {
    std::vector<unsigned char> bytes;
    std::vector<void *> pointers;
};

constexpr size_t ARGUMENT_ALIGNMENT = 64;

size_t align_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* The kernel's arguments packed as a C struct: where each one lies. */
size_t pack(std::vector<size_t> *offsets, const qj_cpu_kernel &info)
{
    size_t n = 0;
    for (unsigned i = 0; i < info.n_params; i++) {
        n = align_up(n, info.align[i]);
        offsets->push_back(n);
        n += info.bytes[i];
    }
    return n;
}

/* `extra`: HIP_LAUNCH_PARAM_BUFFER_POINTER (1), HIP_LAUNCH_PARAM_BUFFER_SIZE (2), end (3). */
bool read_extra(const unsigned char **buffer, size_t *n, void **extra)
{
    *buffer = nullptr;
    *n = 0;
    for (unsigned i = 0; i < 8; i += 2) {
        switch (reinterpret_cast<uintptr_t>(extra[i])) {
        case 1:
            *buffer = static_cast<const unsigned char *>(extra[i + 1]);
            break;
        case 2:
            *n = extra[i + 1] ? *static_cast<const size_t *>(extra[i + 1]) : 0;
            break;
        case 3:
            return *buffer != nullptr;
        default:
            return false;
        }
    }
    return false;
}

hipError_t copy_arguments(Arguments *out, const qj_cpu_kernel &info, void **params, void **extra)
{
    std::vector<size_t> offsets;
    size_t n = pack(&offsets, info);
    const unsigned char *buffer = nullptr;
    size_t n_buffer = 0;
    if (params && extra)
        return QJ_HIP_ERROR_INVALID_VALUE;
    if (extra && (!read_extra(&buffer, &n_buffer, extra) || n_buffer < n))
        return QJ_HIP_ERROR_INVALID_VALUE;
    if (info.n_params && !params && !extra)
        return QJ_HIP_ERROR_INVALID_VALUE;
    out->bytes.resize(n + ARGUMENT_ALIGNMENT);
    auto begin = reinterpret_cast<uintptr_t>(out->bytes.data());
    unsigned char *base = out->bytes.data() + (align_up(begin, ARGUMENT_ALIGNMENT) - begin);
    for (unsigned i = 0; i < info.n_params; i++) {
        const void *from = buffer ? buffer + offsets[i] : params[i];
        if (!from)
            return QJ_HIP_ERROR_INVALID_VALUE;
        memcpy(base + offsets[i], from, info.bytes[i]);
        out->pointers.push_back(base + offsets[i]);
    }
    return QJ_HIP_SUCCESS;
}

hipError_t check_shape(const Function &function, qj_cpu_dim grid, qj_cpu_dim block, unsigned lds_bytes)
{
    uint64_t n_threads = uint64_t{block.x} * block.y * block.z;
    if (!grid.x || !grid.y || !grid.z || !block.x || !block.y || !block.z)
        return QJ_HIP_ERROR_INVALID_CONFIGURATION;
    if (block.x > 1024 || block.y > 1024 || block.z > 1024 || n_threads > 1024)
        return QJ_HIP_ERROR_INVALID_CONFIGURATION;
    if (function.kernel->info.max_threads && n_threads > function.kernel->info.max_threads)
        return QJ_HIP_ERROR_INVALID_CONFIGURATION; /* more than its launch bounds */
    for (uint64_t size :
         {uint64_t{grid.x} * block.x, uint64_t{grid.y} * block.y, uint64_t{grid.z} * block.z}) {
        if (size > UINT32_MAX) /* an AMD packet counts threads in 32 bits */
            return QJ_HIP_ERROR_INVALID_CONFIGURATION;
    }
    if (grid.x > INT32_MAX || grid.y > 65536 || grid.z > 65536)
        return QJ_HIP_ERROR_INVALID_CONFIGURATION;
    if (lds_bytes > LDS_MAX)
        return QJ_HIP_ERROR_INVALID_VALUE;
    return QJ_HIP_SUCCESS;
}

hipError_t launch(hipFunction_t handle, qj_cpu_dim grid, qj_cpu_dim block, unsigned lds_bytes,
                  hipStream_t stream_handle, void **params, void **extra)
{
    if (!device_current())
        return QJ_HIP_ERROR_NO_DEVICE;
    auto *function = reinterpret_cast<const Function *>(handle);
    std::shared_ptr<Module> module = module_of(function);
    StreamRef stream = stream_find(stream_handle);
    if (!module || !stream)
        return QJ_HIP_ERROR_INVALID_HANDLE;
    if (int failed = stream->device.failed)
        return failed;
    if (hipError_t error = check_shape(*function, grid, block, lds_bytes))
        return error;
    auto arguments = std::make_shared<Arguments>();
    if (hipError_t error = copy_arguments(arguments.get(), function->kernel->info, params, extra))
        return error;
    auto job = std::make_shared<Job>();
    job->module = module;
    job->function = function;
    job->grid = grid;
    job->block = block;
    job->n_threads = block.x * block.y * block.z;
    job->n_blocks = uint64_t{grid.x} * grid.y * grid.z;
    job->lds_bytes = lds_bytes;
    job->params = arguments->pointers.data();
    Device &device = stream->device;
    stream_add(stream, [job, arguments, &device] {
        grid_run(job);
        if (int failed = job->failed)
            device.failed = failed;
    });
    return QJ_HIP_SUCCESS;
}

hipError_t attribute(int *value, hipFunction_attribute which, hipFunction_t handle)
{
    if (!value)
        return QJ_HIP_ERROR_INVALID_VALUE;
    auto *function = reinterpret_cast<const Function *>(handle);
    std::shared_ptr<Module> module = module_of(function);
    if (!module)
        return QJ_HIP_ERROR_INVALID_HANDLE;
    unsigned bound = function->kernel->info.max_threads;
    switch (which) {
    case 0: /* MAX_THREADS_PER_BLOCK */
        *value = bound && bound < 1024 ? static_cast<int>(bound) : 1024;
        return QJ_HIP_SUCCESS;
    case 1: /* SHARED_SIZE_BYTES: of all kernels of the module, which one uses what is not known */
        *value = static_cast<int>(module->static_lds);
        return QJ_HIP_SUCCESS;
    case 2: /* CONST_SIZE_BYTES */
    case 3: /* LOCAL_SIZE_BYTES: registers are not a host's concern, nor spilling */
    case 4: /* NUM_REGS */
    case 5: /* PTX_VERSION */
    case 6: /* BINARY_VERSION */
    case 7: /* CACHE_MODE_CA */
    case 9: /* PREFERRED_SHARED_MEMORY_CARVEOUT */
        *value = 0;
        return QJ_HIP_SUCCESS;
    case 8: /* MAX_DYNAMIC_SHARED_SIZE_BYTES */
        *value = LDS_MAX;
        return QJ_HIP_SUCCESS;
    default:
        return QJ_HIP_ERROR_INVALID_VALUE;
    }
}

} // namespace

void grid_run(const std::shared_ptr<Job> &job)
{
    Pool::get().run(job);
}

} // namespace hipcpu

using namespace hipcpu;

hipError_t hipModuleLaunchKernel(hipFunction_t function, unsigned int grid_x, unsigned int grid_y,
                                 unsigned int grid_z, unsigned int block_x, unsigned int block_y,
                                 unsigned int block_z, unsigned int lds_bytes, hipStream_t stream,
                                 void **params, void **extra)
{
    return call(__func__, [=] {
        return launch(function, {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, lds_bytes, stream,
                      params, extra);
    });
}

hipError_t hipFuncGetAttribute(int *value, hipFunction_attribute which, hipFunction_t function)
{
    return call(__func__, [=] { return attribute(value, which, function); });
}

hipError_t hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(int *out, hipFunction_t function,
                                                              int block_size, size_t lds_bytes)
{
    return call(__func__, [=]() -> hipError_t {
        if (!module_of(reinterpret_cast<const Function *>(function)))
            return QJ_HIP_ERROR_INVALID_HANDLE;
        if (!out || block_size <= 0 || block_size > 1024 || lds_bytes > LDS_MAX)
            return QJ_HIP_ERROR_INVALID_VALUE;
        *out = 1; /* a "multiprocessor" is a thread of the host, which runs one block at a time */
        return QJ_HIP_SUCCESS;
    });
}
