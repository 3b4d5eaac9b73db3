/* Streams, events and devices. Work of a stream is done in order by a thread of its own. */
#ifndef QJ_HIP_CPU_STREAM_H
#define QJ_HIP_CPU_STREAM_H

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "api.h"

namespace hipcpu {

/* Set once, when a task has been done. */
class Done {
  public:
    void set();
    bool is_set() const
    {
        return set_.load(std::memory_order_acquire);
    }
    void wait();
    std::chrono::steady_clock::time_point when() const
    {
        return when_;
    }

  private:
    std::mutex lock_;
    std::condition_variable changed_;
    std::atomic<bool> set_{false};
    std::chrono::steady_clock::time_point when_;
};
using DoneRef = std::shared_ptr<Done>;

struct Device;

class Stream {
  public:
    Stream(Device &device_of, bool blocking_with_null) : device(device_of), blocking(blocking_with_null)
    {
    }
    Device &device;
    const bool blocking; /* ordered with the null stream */
    DoneRef last;        /* of the task that was added last; under device.order */

    void add(std::function<void()> run, std::vector<DoneRef> after, DoneRef done);
    void stop(); /* its thread ends when the queue is empty */
    static void work(std::shared_ptr<Stream> self);

  private:
    struct Task {
        std::function<void()> run;
        std::vector<DoneRef> after;
        DoneRef done;
    };
    std::mutex lock_;
    std::condition_variable changed_;
    std::deque<Task> tasks_;
    bool stopped_ = false;
};
using StreamRef = std::shared_ptr<Stream>;

struct Device {
    unsigned ordinal = 0;
    std::mutex order; /* held while a task is placed among those of all streams */
    StreamRef null_stream;
    std::set<StreamRef> streams; /* the others */
    std::atomic<int> failed{0};  /* the error of a kernel; every later call returns it */
    std::atomic<size_t> used_bytes{0};
};

/* Device `ordinal`, which exists, and the calling thread's own; NULL: there are no devices. */
Device *device_at(unsigned ordinal);
Device *device_current();
/* NULL: no such stream. The null stream is the current device's. */
StreamRef stream_find(hipStream_t handle);

/* Adds work behind all that it must wait for: what is before it in its stream, the null stream's rule,
 * `more`. */
DoneRef stream_add(const StreamRef &stream, std::function<void()> run, const DoneRef &more = nullptr);
/* Waits for all work of the device, in every stream. */
void device_wait(Device &device);

} // namespace hipcpu

#endif
