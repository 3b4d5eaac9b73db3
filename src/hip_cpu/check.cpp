/* Checked mode: what each access of a kernel is held against. */
#include <cstdio>
#include <cstring>

#include "block.h"
#include "config.h"

namespace hipcpu {

namespace {

const char *verb(int kind)
{
    return kind & QJ_CPU_ATOMIC ? "atomic access" : kind & QJ_CPU_WRITE ? "write" : "read";
}

/* An atomic read-modify-write reads and writes; a store or exchange, flagged as a write, only writes. */
bool reads(int kind)
{
    return !(kind & QJ_CPU_WRITE);
}

bool writes(int kind)
{
    return (kind & (QJ_CPU_WRITE | QJ_CPU_ATOMIC)) != 0;
}

std::string place(const qj_cpu_dim &it)
{
    return "(" + std::to_string(it.x) + "," + std::to_string(it.y) + "," + std::to_string(it.z) + ")";
}

std::string hex(uintptr_t at)
{
    char text[32];
    snprintf(text, sizeof text, "%#zx", static_cast<size_t>(at));
    return text;
}

std::string words_of_access(uintptr_t at, size_t n, int kind)
{
    std::string text =
        std::string("out of bounds ") + verb(kind) + " of " + std::to_string(n) + " bytes at " + hex(at);
    AllocationRef near = memory_near(reinterpret_cast<const void *>(at));
    if (near && at >= near->begin && at - near->begin < near->n + 65536)
        text += at >= near->begin + near->n
                    ? ", " + std::to_string(at - near->begin - near->n) + " bytes behind"
                    : ", " + std::to_string(at - near->begin) + " bytes into";
    else if (near && at < near->begin && near->begin - at < 65536)
        text += ", " + std::to_string(near->begin - at) + " bytes before";
    else
        near = nullptr;
    if (near)
        text += " an allocation of " + std::to_string(near->n) + " bytes";
    return text;
}

} // namespace

void Worker::access(uintptr_t at, size_t n, int kind)
{
    if (n == 0 || !running_)
        return;
    auto lds = reinterpret_cast<uintptr_t>(local_.lds);
    size_t lds_bytes = local_.static_bytes + (local_.dynamic ? size_t{LDS_MAX} : 0);
    if (at - lds < lds_bytes) {
        access_lds(at - lds, n, kind);
        return;
    }
    auto stack = reinterpret_cast<uintptr_t>(running_->stack);
    if (at - stack < stacks_.bytes() && n <= stacks_.bytes() - (at - stack))
        return;
    if (access_device(at, n, kind))
        return;
    if (!writes(kind) && job_->module->holds(at, n))
        return;
    fail(QJ_HIP_ERROR_ILLEGAL_ADDRESS, words_of_access(at, n, kind));
}

/* Between two barriers, what one thread writes another may neither read nor write, but for atomics. */
void Worker::access_lds(size_t offset, size_t n, int kind)
{
    size_t dynamic = local_.dynamic ? static_cast<size_t>(local_.dynamic - local_.lds) : local_.static_bytes;
    bool is_static = offset < local_.static_bytes;
    size_t end = is_static ? local_.static_bytes : dynamic + job_->lds_bytes;
    if (offset > end || n > end - offset)
        fail(QJ_HIP_ERROR_ILLEGAL_ADDRESS,
             std::string("out of bounds ") + verb(kind) + " of " + std::to_string(n) +
                 " bytes at LDS offset " + std::to_string(is_static ? offset : offset - dynamic) + " of " +
                 std::to_string(is_static ? local_.static_bytes : job_->lds_bytes));
    for (size_t i = offset; i < offset + n; i++) {
        const LdsShadow &byte = shadow_[i];
        if (reads(kind) && !(byte.writer && byte.write_epoch >= block_epoch_))
            fail(QJ_HIP_ERROR_LAUNCH_FAILURE, std::string(verb(kind)) + " of " + std::to_string(n) +
                                                  " bytes of uninitialised LDS at offset " +
                                                  std::to_string(offset));
        if (unsigned other = races_with(byte, kind)) {
            bool wrote = byte.writer == other;
            const qj_cpu_dim &it = fibers_[other - 1].self.thread;
            fail(QJ_HIP_ERROR_LAUNCH_FAILURE,
                 std::string("a race on LDS: ") + verb(kind) + " of " + std::to_string(n) +
                     " bytes at offset " + std::to_string(offset) + " that thread " + place(it) +
                     (wrote ? " wrote" : " read") + ", without a barrier between");
        }
        note_lds(shadow_[i], kind);
    }
}

/* The number of a thread whose access to the byte is not ordered with the running one's; 0: none. */
unsigned Worker::races_with(const LdsShadow &byte, int kind) const
{
    unsigned me = number_of(*running_) + 1;
    bool atomic = (kind & QJ_CPU_ATOMIC) != 0;
    auto concurrent = [&](unsigned other, uint32_t other_epoch, uint32_t other_wave_epoch) {
        if (!other || other == me || other_epoch != epoch_)
            return false;
        bool same_wave = (other - 1) / config().wave == running_->self.wave;
        return !(same_wave && other_wave_epoch != wave_epochs_[running_->self.wave]);
    };
    if (!(atomic && byte.write_atomic) && concurrent(byte.writer, byte.write_epoch, byte.write_wave_epoch))
        return byte.writer;
    if (!writes(kind) || (atomic && byte.read_atomic))
        return 0;
    if (concurrent(byte.reader, byte.read_epoch, byte.read_wave_epoch))
        return byte.reader;
    return concurrent(byte.other_reader, byte.read_epoch, byte.read_wave_epoch) ? byte.other_reader : 0;
}

void Worker::note_lds(LdsShadow &byte, int kind)
{
    auto me = static_cast<uint16_t>(number_of(*running_) + 1);
    uint32_t wave_epoch = wave_epochs_[running_->self.wave];
    bool atomic = (kind & QJ_CPU_ATOMIC) != 0;
    if (writes(kind)) {
        byte.writer = me;
        byte.write_epoch = epoch_;
        byte.write_wave_epoch = wave_epoch;
        byte.write_atomic = atomic;
    }
    if (!reads(kind))
        return;
    bool fresh = byte.read_epoch != epoch_ || byte.read_wave_epoch != wave_epoch;
    if (fresh)
        byte.reader = byte.other_reader = 0;
    byte.read_atomic = atomic && (fresh || byte.read_atomic);
    if (byte.reader && byte.reader != me)
        byte.other_reader = byte.reader;
    byte.reader = me;
    byte.read_epoch = epoch_;
    byte.read_wave_epoch = wave_epoch;
}

/* False: no allocation holds it all. */
bool Worker::access_device(uintptr_t at, size_t n, int kind)
{
    uint64_t generation = memory_generation();
    if (!recent_ || generation != recent_generation_ || !recent_->contains(at, n)) {
        recent_ = memory_find(reinterpret_cast<const void *>(at));
        recent_generation_ = generation;
        if (!recent_ || !recent_->contains(at, n))
            return false;
    }
    if (!recent_->written)
        return true;
    uint8_t *written = recent_->written + (at - recent_->begin);
    for (size_t i = 0; i < n; i++) {
        if (reads(kind) && !__atomic_load_n(&written[i], __ATOMIC_RELAXED))
            fail(QJ_HIP_ERROR_LAUNCH_FAILURE,
                 std::string(verb(kind)) + " of " + std::to_string(n) +
                     " bytes of uninitialised device memory, " + std::to_string(at - recent_->begin) +
                     " bytes into an allocation of " + std::to_string(recent_->n));
        if (writes(kind))
            __atomic_store_n(&written[i], uint8_t{1}, __ATOMIC_RELAXED);
    }
    return true;
}

} // namespace hipcpu
