#include "memory.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "config.h"
#include "stream.h"

namespace hipcpu {

namespace {

/* Bytes around each allocation; both are multiples of the alignment that HIP gives. */
constexpr size_t ALIGNMENT = 256, RED_ZONE = 256;
/* Not-a-number in every floating point format, -1 as an integer. */
constexpr int FRESH = 0xff;
constexpr unsigned char RED = 0xcd;

std::shared_mutex &table_lock()
{
    static auto *const it = new std::shared_mutex;
    return *it;
}

std::map<uintptr_t, AllocationRef> &table()
{
    static auto *const it = new std::map<uintptr_t, AllocationRef>;
    return *it;
}

std::atomic<uint64_t> generation{1};

AllocationRef allocate(size_t n, MemoryKind kind, unsigned device)
{
    auto out = std::make_shared<Allocation>();
    size_t whole = (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + 2 * RED_ZONE;
    if (whole < n || posix_memalign(&out->block, ALIGNMENT, whole) != 0)
        return nullptr;
    auto *bytes = static_cast<unsigned char *>(out->block);
    memset(bytes, RED, RED_ZONE);
    memset(bytes + RED_ZONE, FRESH, n);
    memset(bytes + RED_ZONE + n, RED, whole - n - RED_ZONE);
    out->begin = reinterpret_cast<uintptr_t>(bytes + RED_ZONE);
    out->n = n;
    out->kind = kind;
    out->device = device;
    if (config().checked && kind == MemoryKind::DEVICE) {
        out->written = static_cast<uint8_t *>(calloc(n ? n : 1, 1));
        if (!out->written) {
            free(out->block);
            return nullptr;
        }
    }
    return out;
}

/* How far outside the allocation the first changed byte of its red zones is; 0: none was. */
ptrdiff_t red_zone_changed(const Allocation &it)
{
    auto *bytes = reinterpret_cast<const unsigned char *>(it.begin);
    size_t behind = (it.n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT - it.n + RED_ZONE;
    for (size_t i = 0; i < behind; i++) {
        if (bytes[it.n + i] != RED)
            return static_cast<ptrdiff_t>(i) + 1;
    }
    for (size_t i = 1; i <= RED_ZONE; i++) {
        if (bytes[-static_cast<ptrdiff_t>(i)] != RED)
            return -static_cast<ptrdiff_t>(i);
    }
    return 0;
}

hipError_t release(void *memory, MemoryKind kind)
{
    AllocationRef it = memory_find(memory);
    if (!it || it->kind != kind || it->begin != reinterpret_cast<uintptr_t>(memory))
        return QJ_HIP_ERROR_INVALID_VALUE;
    Device &device = *device_at(it->device);
    device_wait(device);
    memory_remove(it->begin);
    ptrdiff_t changed = red_zone_changed(*it);
    if (changed != 0) {
        report("hipFree: an allocation of " + std::to_string(it->n) + " bytes was written " +
               std::to_string(std::abs(changed)) +
               (changed > 0 ? " bytes behind its end" : " bytes before it") +
               "; run with QJIT_HIP_CPU_CHECK=1 to learn by which kernel and thread");
    }
    if (kind == MemoryKind::DEVICE)
        device.used_bytes -= it->n;
    free(it->block);
    free(it->written);
    it->written = nullptr;
    return changed ? QJ_HIP_ERROR_ILLEGAL_ADDRESS : QJ_HIP_SUCCESS;
}

/* True if [at, at + n) may stand for device memory. */
bool is_device(const void *at, size_t n)
{
    AllocationRef it = memory_find(at);
    return it && it->contains(reinterpret_cast<uintptr_t>(at), n);
}

/* The other side of a copy may be anything, but not half outside of an allocation. */
bool is_host(const void *at, size_t n)
{
    AllocationRef it = memory_find(at);
    return !it || it->begin + it->n == reinterpret_cast<uintptr_t>(at) ||
           it->contains(reinterpret_cast<uintptr_t>(at), n);
}

hipError_t copy_allowed(const void *to, const void *from, size_t n, hipMemcpyKind kind)
{
    if (kind < QJ_HIP_MEMCPY_HOST_TO_HOST || kind > QJ_HIP_MEMCPY_DEFAULT)
        return ERROR_MEMCPY_DIRECTION;
    if (n == 0)
        return QJ_HIP_SUCCESS;
    if (!to || !from)
        return QJ_HIP_ERROR_INVALID_VALUE;
    bool to_device = kind == QJ_HIP_MEMCPY_HOST_TO_DEVICE || kind == QJ_HIP_MEMCPY_DEVICE_TO_DEVICE;
    bool from_device = kind == QJ_HIP_MEMCPY_DEVICE_TO_HOST || kind == QJ_HIP_MEMCPY_DEVICE_TO_DEVICE;
    bool good = (to_device ? is_device(to, n) : is_host(to, n)) &&
                (from_device ? is_device(from, n) : is_host(from, n));
    return good ? QJ_HIP_SUCCESS : QJ_HIP_ERROR_INVALID_VALUE;
}

hipError_t add_copy(void *to, const void *from, size_t n, hipMemcpyKind kind, hipStream_t handle, bool wait)
{
    Device *device = device_current();
    if (!device)
        return QJ_HIP_ERROR_NO_DEVICE;
    StreamRef stream = stream_find(handle);
    if (!stream)
        return QJ_HIP_ERROR_INVALID_HANDLE;
    if (hipError_t error = copy_allowed(to, from, n, kind))
        return error;
    if (int failed = stream->device.failed)
        return failed;
    if (n == 0)
        return QJ_HIP_SUCCESS;
    DoneRef done = stream_add(stream, [=] { memory_copy(to, from, n); });
    if (wait)
        done->wait();
    return wait ? stream->device.failed.load() : QJ_HIP_SUCCESS;
}

hipError_t add_set(void *to, int byte, size_t n, hipStream_t handle, bool wait)
{
    Device *device = device_current();
    if (!device)
        return QJ_HIP_ERROR_NO_DEVICE;
    StreamRef stream = stream_find(handle);
    if (!stream)
        return QJ_HIP_ERROR_INVALID_HANDLE;
    if (n == 0)
        return stream->device.failed;
    if (!to || !is_device(to, n))
        return QJ_HIP_ERROR_INVALID_VALUE;
    if (int failed = stream->device.failed)
        return failed;
    DoneRef done = stream_add(stream, [=] {
        memset(to, byte, n);
        memory_mark(to, n);
    });
    if (wait)
        done->wait();
    return wait ? stream->device.failed.load() : QJ_HIP_SUCCESS;
}

hipError_t add_memory(void **out, size_t n, MemoryKind kind)
{
    Device *device = device_current();
    if (!device)
        return QJ_HIP_ERROR_NO_DEVICE;
    if (!out)
        return QJ_HIP_ERROR_INVALID_VALUE;
    if (int failed = device->failed)
        return failed;
    *out = nullptr;
    if (n == 0)
        return QJ_HIP_SUCCESS;
    bool counted = kind == MemoryKind::DEVICE;
    if (counted &&
        (n > config().memory_bytes || device->used_bytes.fetch_add(n) > config().memory_bytes - n)) {
        if (n <= config().memory_bytes)
            device->used_bytes -= n;
        return QJ_HIP_ERROR_OUT_OF_MEMORY;
    }
    AllocationRef it = allocate(n, kind, device->ordinal);
    if (!it) {
        if (counted)
            device->used_bytes -= n;
        return QJ_HIP_ERROR_OUT_OF_MEMORY;
    }
    memory_add(it);
    *out = reinterpret_cast<void *>(it->begin);
    return QJ_HIP_SUCCESS;
}

} // namespace

AllocationRef memory_find(const void *at)
{
    std::shared_lock<std::shared_mutex> hold(table_lock());
    auto address = reinterpret_cast<uintptr_t>(at);
    auto it = table().upper_bound(address);
    if (it == table().begin())
        return nullptr;
    --it;
    return address - it->second->begin <= it->second->n ? it->second : nullptr;
}

AllocationRef memory_near(const void *at)
{
    std::shared_lock<std::shared_mutex> hold(table_lock());
    auto address = reinterpret_cast<uintptr_t>(at);
    auto above = table().upper_bound(address);
    AllocationRef before = above == table().begin() ? nullptr : std::prev(above)->second;
    AllocationRef behind = above == table().end() ? nullptr : above->second;
    if (!before || !behind)
        return before ? before : behind;
    return behind->begin - address < address - (before->begin + before->n) ? behind : before;
}

uint64_t memory_generation()
{
    return generation.load(std::memory_order_acquire);
}

void memory_add(const AllocationRef &allocation)
{
    std::unique_lock<std::shared_mutex> hold(table_lock());
    table()[allocation->begin] = allocation;
    generation++;
}

void memory_remove(uintptr_t begin)
{
    std::unique_lock<std::shared_mutex> hold(table_lock());
    table().erase(begin);
    generation++;
}

void memory_mark(const void *at, size_t n)
{
    AllocationRef it = config().checked ? memory_find(at) : nullptr;
    if (it && it->written)
        memset(it->written + (reinterpret_cast<uintptr_t>(at) - it->begin), 1, n);
}

void memory_copy(void *to, const void *from, size_t n)
{
    memmove(to, from, n);
    if (!config().checked)
        return;
    AllocationRef source = memory_find(from), target = memory_find(to);
    if (!target || !target->written)
        return;
    uint8_t *written = target->written + (reinterpret_cast<uintptr_t>(to) - target->begin);
    if (source && source->written)
        memmove(written, source->written + (reinterpret_cast<uintptr_t>(from) - source->begin), n);
    else
        memset(written, 1, n);
}

} // namespace hipcpu

using namespace hipcpu;

hipError_t hipMalloc(void **out, size_t n)
{
    return call(__func__, [=] { return add_memory(out, n, MemoryKind::DEVICE); });
}

hipError_t hipFree(void *memory)
{
    return call(__func__, [=]() -> hipError_t {
        return memory ? release(memory, MemoryKind::DEVICE) : hipError_t{QJ_HIP_SUCCESS};
    });
}

hipError_t hipHostMalloc(void **out, size_t n, unsigned int flags)
{
    return call(__func__, [=]() -> hipError_t {
        /* portable, mapped, write-combined, NUMA, coherent or not: all memory of the host is as good as
         * pinned */
        if (flags & ~0xe0000007u)
            return QJ_HIP_ERROR_INVALID_VALUE;
        return add_memory(out, n, MemoryKind::HOST);
    });
}

hipError_t hipHostFree(void *memory)
{
    return call(__func__, [=]() -> hipError_t {
        return memory ? release(memory, MemoryKind::HOST) : hipError_t{QJ_HIP_SUCCESS};
    });
}

hipError_t hipMemGetInfo(size_t *free_bytes, size_t *total_bytes)
{
    return call(__func__, [=]() -> hipError_t {
        Device *device = device_current();
        if (!device)
            return QJ_HIP_ERROR_NO_DEVICE;
        if (!free_bytes || !total_bytes)
            return QJ_HIP_ERROR_INVALID_VALUE;
        *total_bytes = config().memory_bytes;
        *free_bytes = config().memory_bytes - std::min(device->used_bytes.load(), config().memory_bytes);
        return QJ_HIP_SUCCESS;
    });
}

hipError_t hipMemcpy(void *to, const void *from, size_t n, hipMemcpyKind kind)
{
    return call(__func__, [=] { return add_copy(to, from, n, kind, nullptr, true); });
}

hipError_t hipMemcpyAsync(void *to, const void *from, size_t n, hipMemcpyKind kind, hipStream_t stream)
{
    return call(__func__, [=] { return add_copy(to, from, n, kind, stream, false); });
}

hipError_t hipMemset(void *to, int byte, size_t n)
{
    return call(__func__, [=] { return add_set(to, byte, n, nullptr, true); });
}

hipError_t hipMemsetAsync(void *to, int byte, size_t n, hipStream_t stream)
{
    return call(__func__, [=] { return add_set(to, byte, n, stream, false); });
}
