#include "stream.h"

#include <map>
#include <thread>

#include "config.h"

namespace hipcpu {

void Done::set()
{
    std::lock_guard<std::mutex> hold(lock_);
    when_ = std::chrono::steady_clock::now();
    set_.store(true, std::memory_order_release);
    changed_.notify_all();
}

void Done::wait()
{
    std::unique_lock<std::mutex> hold(lock_);
    changed_.wait(hold, [this] { return is_set(); });
}

void Stream::add(std::function<void()> run, std::vector<DoneRef> after, DoneRef done)
{
    std::lock_guard<std::mutex> hold(lock_);
    tasks_.push_back({std::move(run), std::move(after), std::move(done)});
    changed_.notify_one();
}

void Stream::stop()
{
    std::lock_guard<std::mutex> hold(lock_);
    stopped_ = true;
    changed_.notify_one();
}

/* What a task waits for was added before it, so waiting here cannot go in a circle. */
void Stream::work(std::shared_ptr<Stream> self)
{
    for (;;) {
        Task task;
        {
            std::unique_lock<std::mutex> hold(self->lock_);
            self->changed_.wait(hold, [&] { return self->stopped_ || !self->tasks_.empty(); });
            if (self->tasks_.empty())
                return;
            task = std::move(self->tasks_.front());
            self->tasks_.pop_front();
        }
        for (const DoneRef &before : task.after)
            before->wait();
        if (task.run && !self->device.failed)
            task.run();
        task.done->set();
    }
}

StreamRef stream_start(Device &device, bool blocking)
{
    auto stream = std::make_shared<Stream>(device, blocking);
    std::thread(Stream::work, stream).detach();
    return stream;
}

namespace {

thread_local unsigned current_ordinal;

/* Every handle that was given out and not taken back. */
template <class T> class Handles {
  public:
    void add(const std::shared_ptr<T> &object)
    {
        std::lock_guard<std::mutex> hold(lock_);
        objects_[object.get()] = object;
    }
    std::shared_ptr<T> find(const void *handle)
    {
        std::lock_guard<std::mutex> hold(lock_);
        auto it = objects_.find(handle);
        return it == objects_.end() ? nullptr : it->second;
    }
    std::shared_ptr<T> take(const void *handle)
    {
        std::lock_guard<std::mutex> hold(lock_);
        auto it = objects_.find(handle);
        if (it == objects_.end())
            return nullptr;
        std::shared_ptr<T> out = it->second;
        objects_.erase(it);
        return out;
    }

  private:
    std::mutex lock_;
    std::map<const void *, std::shared_ptr<T>> objects_;
};

struct Event {
    std::mutex lock;
    bool timed = true;
    DoneRef recorded; /* NULL: never */
    DoneRef get()
    {
        std::lock_guard<std::mutex> hold(lock);
        return recorded;
    }
};
using EventRef = std::shared_ptr<Event>;

/* Never destroyed: threads of streams may outlive main. */
Handles<Stream> &streams()
{
    static auto *const it = new Handles<Stream>;
    return *it;
}

Handles<Event> &events()
{
    static auto *const it = new Handles<Event>;
    return *it;
}

std::vector<std::unique_ptr<Device>> &devices()
{
    static auto *const it = [] {
        auto *out = new std::vector<std::unique_ptr<Device>>;
        for (unsigned i = 0; i < config().devices; i++) {
            out->push_back(std::make_unique<Device>());
            out->back()->ordinal = i;
        }
        return out;
    }();
    return *it;
}

hipError_t create_stream(hipStream_t *out, unsigned flags)
{
    Device *device = device_current();
    if (!device)
        return QJ_HIP_ERROR_NO_DEVICE;
    if (!out || flags > 1)
        return QJ_HIP_ERROR_INVALID_VALUE;
    if (int failed = device->failed)
        return failed;
    StreamRef stream = stream_start(*device, flags == 0);
    streams().add(stream);
    std::lock_guard<std::mutex> hold(device->order);
    device->streams.insert(stream);
    *out = reinterpret_cast<hipStream_t>(stream.get());
    return QJ_HIP_SUCCESS;
}

DoneRef last_of(const StreamRef &stream)
{
    std::lock_guard<std::mutex> hold(stream->device.order);
    return stream->last;
}

hipError_t wait_stream(const StreamRef &stream)
{
    if (DoneRef last = last_of(stream))
        last->wait();
    return stream->device.failed;
}

hipError_t create_event(hipEvent_t *out, unsigned flags)
{
    if (!device_current())
        return QJ_HIP_ERROR_NO_DEVICE;
    if (!out || (flags & ~7u))
        return QJ_HIP_ERROR_INVALID_VALUE;
    auto event = std::make_shared<Event>();
    event->timed = !(flags & 2);
    events().add(event);
    *out = reinterpret_cast<hipEvent_t>(event.get());
    return QJ_HIP_SUCCESS;
}

hipError_t elapsed(float *ms, hipEvent_t start, hipEvent_t stop)
{
    EventRef first = events().find(start), second = events().find(stop);
    if (!first || !second)
        return QJ_HIP_ERROR_INVALID_HANDLE;
    if (!ms)
        return QJ_HIP_ERROR_INVALID_VALUE;
    DoneRef from = first->get(), to = second->get();
    if (!first->timed || !second->timed || !from || !to)
        return QJ_HIP_ERROR_INVALID_HANDLE;
    if (!from->is_set() || !to->is_set())
        return QJ_HIP_ERROR_NOT_READY;
    *ms = std::chrono::duration<float, std::milli>(to->when() - from->when()).count();
    return QJ_HIP_SUCCESS;
}

} // namespace

Device *device_at(unsigned ordinal)
{
    return ordinal < devices().size() ? devices()[ordinal].get() : nullptr;
}

Device *device_current()
{
    return device_at(current_ordinal);
}

StreamRef stream_find(hipStream_t handle)
{
    if (handle && reinterpret_cast<uintptr_t>(handle) != 1) /* 1: hipStreamLegacy */
        return streams().find(handle);
    Device *device = device_current();
    std::lock_guard<std::mutex> hold(device->order);
    if (!device->null_stream)
        device->null_stream = stream_start(*device, true);
    return device->null_stream;
}

DoneRef stream_add(const StreamRef &stream, std::function<void()> run, const DoneRef &more)
{
    Device &device = stream->device;
    auto done = std::make_shared<Done>();
    std::vector<DoneRef> after;
    auto wait_for = [&](const DoneRef &before) {
        if (before && !before->is_set())
            after.push_back(before);
    };
    wait_for(more);
    std::lock_guard<std::mutex> hold(device.order);
    if (stream == device.null_stream) {
        for (const StreamRef &other : device.streams)
            wait_for(other->blocking ? other->last : nullptr);
    } else if (stream->blocking && device.null_stream) {
        wait_for(device.null_stream->last);
    }
    stream->last = done;
    stream->add(std::move(run), std::move(after), done);
    return done;
}

void device_wait(Device &device)
{
    std::vector<DoneRef> all;
    {
        std::lock_guard<std::mutex> hold(device.order);
        if (device.null_stream)
            all.push_back(device.null_stream->last);
        for (const StreamRef &stream : device.streams)
            all.push_back(stream->last);
    }
    for (const DoneRef &done : all) {
        if (done)
            done->wait();
    }
}

} // namespace hipcpu

using namespace hipcpu;

hipError_t hipInit(unsigned int flags)
{
    return call(__func__, [=]() -> hipError_t {
        if (flags)
            return QJ_HIP_ERROR_INVALID_VALUE;
        return device_at(0) ? QJ_HIP_SUCCESS : QJ_HIP_ERROR_NO_DEVICE;
    });
}

hipError_t hipGetDeviceCount(int *count)
{
    return call(__func__, [=]() -> hipError_t {
        if (!count)
            return QJ_HIP_ERROR_INVALID_VALUE;
        *count = static_cast<int>(config().devices);
        return *count ? QJ_HIP_SUCCESS : QJ_HIP_ERROR_NO_DEVICE;
    });
}

hipError_t hipGetDevice(int *device)
{
    return call(__func__, [=]() -> hipError_t {
        if (!device)
            return QJ_HIP_ERROR_INVALID_VALUE;
        *device = static_cast<int>(current_ordinal);
        return device_current() ? QJ_HIP_SUCCESS : QJ_HIP_ERROR_NO_DEVICE;
    });
}

hipError_t hipSetDevice(int device)
{
    return call(__func__, [=]() -> hipError_t {
        if (!device_at(0))
            return QJ_HIP_ERROR_NO_DEVICE;
        if (device < 0 || !device_at(static_cast<unsigned>(device)))
            return QJ_HIP_ERROR_INVALID_DEVICE;
        current_ordinal = static_cast<unsigned>(device);
        return QJ_HIP_SUCCESS;
    });
}

hipError_t hipDeviceSynchronize(void)
{
    return call(__func__, []() -> hipError_t {
        Device *device = device_current();
        if (!device)
            return QJ_HIP_ERROR_NO_DEVICE;
        device_wait(*device);
        return device->failed;
    });
}

hipError_t hipStreamCreate(hipStream_t *out)
{
    return call(__func__, [=] { return create_stream(out, 0); });
}

hipError_t hipStreamCreateWithFlags(hipStream_t *out, unsigned int flags)
{
    return call(__func__, [=] { return create_stream(out, flags); });
}

hipError_t hipStreamDestroy(hipStream_t handle)
{
    return call(__func__, [=]() -> hipError_t {
        StreamRef stream = streams().take(handle);
        if (!stream)
            return QJ_HIP_ERROR_INVALID_HANDLE;
        hipError_t error = wait_stream(stream);
        {
            std::lock_guard<std::mutex> hold(stream->device.order);
            stream->device.streams.erase(stream);
        }
        stream->stop();
        return error;
    });
}

hipError_t hipStreamSynchronize(hipStream_t handle)
{
    return call(__func__, [=]() -> hipError_t {
        if (!device_current())
            return QJ_HIP_ERROR_NO_DEVICE;
        StreamRef stream = stream_find(handle);
        return stream ? wait_stream(stream) : hipError_t{QJ_HIP_ERROR_INVALID_HANDLE};
    });
}

hipError_t hipStreamQuery(hipStream_t handle)
{
    return call(__func__, [=]() -> hipError_t {
        if (!device_current())
            return QJ_HIP_ERROR_NO_DEVICE;
        StreamRef stream = stream_find(handle);
        if (!stream)
            return QJ_HIP_ERROR_INVALID_HANDLE;
        DoneRef last = last_of(stream);
        return last && !last->is_set() ? hipError_t{QJ_HIP_ERROR_NOT_READY} : stream->device.failed.load();
    });
}

/* There is nothing to capture into. */
hipError_t hipStreamIsCapturing(hipStream_t handle, hipStreamCaptureStatus *out)
{
    return call(__func__, [=]() -> hipError_t {
        if (!device_current())
            return QJ_HIP_ERROR_NO_DEVICE;
        if (!out)
            return QJ_HIP_ERROR_INVALID_VALUE;
        if (!stream_find(handle))
            return QJ_HIP_ERROR_INVALID_HANDLE;
        *out = 0;
        return QJ_HIP_SUCCESS;
    });
}

hipError_t hipStreamWaitEvent(hipStream_t handle, hipEvent_t event, unsigned int flags)
{
    return call(__func__, [=]() -> hipError_t {
        if (!device_current())
            return QJ_HIP_ERROR_NO_DEVICE;
        StreamRef stream = stream_find(handle);
        EventRef it = events().find(event);
        if (!stream || !it)
            return QJ_HIP_ERROR_INVALID_HANDLE;
        if (flags)
            return QJ_HIP_ERROR_INVALID_VALUE;
        if (DoneRef recorded = it->get())
            stream_add(stream, nullptr, recorded);
        return stream->device.failed;
    });
}

hipError_t hipEventCreate(hipEvent_t *out)
{
    return call(__func__, [=] { return create_event(out, 0); });
}

hipError_t hipEventCreateWithFlags(hipEvent_t *out, unsigned flags)
{
    return call(__func__, [=] { return create_event(out, flags); });
}

hipError_t hipEventDestroy(hipEvent_t event)
{
    return call(__func__, [=]() -> hipError_t {
        return events().take(event) ? QJ_HIP_SUCCESS : QJ_HIP_ERROR_INVALID_HANDLE;
    });
}

hipError_t hipEventRecord(hipEvent_t event, hipStream_t handle)
{
    return call(__func__, [=]() -> hipError_t {
        if (!device_current())
            return QJ_HIP_ERROR_NO_DEVICE;
        EventRef it = events().find(event);
        StreamRef stream = stream_find(handle);
        if (!it || !stream)
            return QJ_HIP_ERROR_INVALID_HANDLE;
        DoneRef done = stream_add(stream, nullptr);
        std::lock_guard<std::mutex> hold(it->lock);
        it->recorded = done;
        return stream->device.failed;
    });
}

hipError_t hipEventSynchronize(hipEvent_t event)
{
    return call(__func__, [=]() -> hipError_t {
        EventRef it = events().find(event);
        if (!it)
            return QJ_HIP_ERROR_INVALID_HANDLE;
        if (DoneRef recorded = it->get())
            recorded->wait();
        return device_current()->failed;
    });
}

hipError_t hipEventQuery(hipEvent_t event)
{
    return call(__func__, [=]() -> hipError_t {
        EventRef it = events().find(event);
        if (!it)
            return QJ_HIP_ERROR_INVALID_HANDLE;
        DoneRef recorded = it->get();
        return recorded && !recorded->is_set() ? hipError_t{QJ_HIP_ERROR_NOT_READY}
                                               : device_current()->failed.load();
    });
}

hipError_t hipEventElapsedTime(float *ms, hipEvent_t start, hipEvent_t stop)
{
    return call(__func__, [=] { return elapsed(ms, start, stop); });
}
