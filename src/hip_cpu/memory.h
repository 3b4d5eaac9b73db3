/* Device memory, pinned host memory and the writable data of modules: one table of them all. */
#ifndef QJ_HIP_CPU_MEMORY_H
#define QJ_HIP_CPU_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <memory>

namespace hipcpu {

enum class MemoryKind { DEVICE, HOST, MODULE };

struct Allocation {
    uintptr_t begin;
    size_t n;
    MemoryKind kind;
    unsigned device;
    void *block = nullptr;      /* with the red zones; NULL for a module's */
    uint8_t *written = nullptr; /* checked mode: one byte for each byte of DEVICE, 1 once it was written */
    bool contains(uintptr_t at, size_t bytes) const
    {
        return at >= begin && at - begin <= n && bytes <= n - (at - begin);
    }
};
using AllocationRef = std::shared_ptr<Allocation>;

/* The allocation whose [begin, begin + n] holds `at`; empty if there is none. */
AllocationRef memory_find(const void *at);
/* The allocation nearest to `at`, to word a report with. */
AllocationRef memory_near(const void *at);
/* Changes whenever the table does: answers of memory_find may be kept as long as it stays. */
uint64_t memory_generation();

void memory_add(const AllocationRef &allocation);
void memory_remove(uintptr_t begin);

/* Marks bytes as written. */
void memory_mark(const void *at, size_t n);
/* Copies, and what is known about the bytes with them. */
void memory_copy(void *to, const void *from, size_t n);

} // namespace hipcpu

#endif
