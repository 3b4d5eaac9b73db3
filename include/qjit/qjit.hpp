/* qjit for C++17: contexts and buffers that free themselves, failures as exceptions, launches that take
 * their arguments as they are and check them. One header over qjit.h, ops.h and blocks.h, with nothing to
 * link but qjit; what it does not have is a call away by Context::get().
 *
 *     qjit::Context qjit;
 *     qjit::Buffer x(qjit, values), q(qjit, n / 32 * 36);
 *     qjit.function("quantize_q8_1").launch(qjit::LaunchConfig::for_elements(n), x, q, n, n);
 *     std::vector<unsigned char> blocks = q.download<unsigned char>();
 *
 * A context and buffers may be used from any number of threads. Buffers and functions must not outlive their
 * context. Moved-from objects may be destroyed or assigned to, nothing else. */
#ifndef QJIT_QJIT_HPP
#define QJIT_QJIT_HPP

#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <qjit/blocks.h>
#include <qjit/ops.h>
#include <qjit/qjit.h>

namespace qjit {

/* A call that failed: what() is the one line of qjit_error_detail(). */
class Error : public std::runtime_error {
  public:
    Error(qjit_status status, const std::string &detail, std::string log = "")
        : std::runtime_error(detail), status_(status), log_(std::move(log))
    {
    }

    qjit_status status() const noexcept
    {
        return status_;
    }
    const char *name() const noexcept
    {
        return qjit_status_name(status_);
    }

    /* The compile log; empty if there is none. */
    const std::string &log() const noexcept
    {
        return log_;
    }

  private:
    qjit_status status_;
    std::string log_;
};

/* Throws what this thread's last failed call said, unless all is well. */
inline void check(qjit_status status)
{
    if (status != QJIT_OK) {
        throw Error(status, qjit_error_detail(), qjit_error_log());
    }
}

class Buffer;

/* Blocks of threads, and what else a launch is given. */
struct LaunchConfig {
    std::array<unsigned, 3> grid{1, 1, 1};
    std::array<unsigned, 3> block{1, 1, 1};
    unsigned lds_bytes = 0;
    qjit_stream stream = nullptr;

    /* As qjit_launch_config_init: one thread for each of n elements, in blocks of n_threads (0: 256). */
    static LaunchConfig for_elements(std::uint64_t n, std::uint32_t n_threads = 0) noexcept
    {
        qjit_launch_config config;
        qjit_launch_config_init(&config, n, n_threads);
        return {{config.grid[0], config.grid[1], config.grid[2]},
                {config.block[0], config.block[1], config.block[2]}};
    }
};

/* A kernel on a device, to be launched by one thread at a time. */
class Function {
  public:
    Function(qjit_context *context, qjit_kernel kernel, std::uint32_t device)
    {
        qjit_launch *launch = nullptr;
        check(qjit_launch_create(context, &launch, device, kernel));
        launch_.reset(launch);
    }

    qjit_launch *get() const noexcept
    {
        return launch_.get();
    }

    /* Queues the kernel. The arguments are those of the kernel, each of exactly its type: a Buffer goes as
     * its address, everything else by value. Their number and sizes are held against what the code object
     * says (those of gfx* do). Allocates nothing from the second launch on. */
    template <class... Arguments> void launch(const LaunchConfig &config, const Arguments &...arguments);

  private:
    struct Destroy {
        void operator()(qjit_launch *launch) const noexcept
        {
            qjit_launch_destroy(launch);
        }
    };
    std::unique_ptr<qjit_launch, Destroy> launch_;
};

class Context {
  public:
    Context() : Context(nullptr)
    {
    }

    /* Start from `qjit_options options = QJIT_OPTIONS_INIT;`. */
    explicit Context(const qjit_options &options) : Context(&options)
    {
    }

    qjit_context *get() const noexcept
    {
        return context_.get();
    }

    std::uint32_t device_count() const
    {
        std::uint32_t n = 0;
        check(qjit_device_count(get(), &n));
        return n;
    }

    qjit_device device_info(std::uint32_t device = 0) const
    {
        qjit_device info = {};
        info.struct_size = sizeof info;
        check(qjit_device_info(get(), &info, device));
        return info;
    }

    qjit_kernel find_kernel(const std::string &name) const
    {
        qjit_kernel kernel = 0;
        check(qjit_find_kernel(get(), &kernel, name.c_str()));
        return kernel;
    }

    /* The kernel on a device, compiled first if it must be. */
    Function function(const std::string &name, std::uint32_t device = 0) const
    {
        return function(find_kernel(name), device);
    }

    Function function(qjit_kernel kernel, std::uint32_t device = 0) const
    {
        return Function(get(), kernel, device);
    }

    /* Adds kernels of one's own: extern "C" names or name expressions. The first one's id is given back. */
    qjit_kernel add_source(const std::string &name, const std::string &text,
                           const std::vector<std::string> &kernels) const
    {
        std::vector<const char *> names;
        for (const std::string &kernel : kernels) {
            names.push_back(kernel.c_str());
        }
        qjit_source source = {};
        source.struct_size = sizeof source;
        source.name = name.c_str();
        source.text = text.c_str();
        source.kernels = names.data();
        source.n_kernels = names.size();
        return add_source(source);
    }

    qjit_kernel add_source(const qjit_source &source) const
    {
        qjit_kernel first = 0;
        check(qjit_add_source(get(), &first, &source));
        return first;
    }

    /* Adds a code object of one's own, whose bytes must outlive the context. */
    qjit_kernel add_object(const qjit_prebuilt &prebuilt) const
    {
        qjit_kernel first = 0;
        check(qjit_add_object(get(), &first, &prebuilt));
        return first;
    }

    /* A function of the HIP library in use, as a pointer of type F: one of those that docs/hip.md lists. */
    template <class F> F hip(const char *name) const
    {
        static_assert(std::is_pointer_v<F> && std::is_function_v<std::remove_pointer_t<F>>,
                      "F is the type of a pointer to a function");
        void (*symbol)() = nullptr;
        check(qjit_get_hip_symbol(get(), &symbol, name));
        return reinterpret_cast<F>(symbol);
    }

    /* Waits until all that is queued on a stream is done. */
    void wait(qjit_stream stream = nullptr, std::uint32_t device = 0) const
    {
        check(qjit_stream_wait(get(), device, stream));
    }

  private:
    explicit Context(const qjit_options *options)
    {
        qjit_context *context = nullptr;
        check(qjit_create(&context, options));
        context_.reset(context);
    }

    struct Destroy {
        void operator()(qjit_context *context) const noexcept
        {
            qjit_destroy(context);
        }
    };
    std::unique_ptr<qjit_context, Destroy> context_;
};

/* A range of a device's memory. */
class Buffer {
  public:
    /* Memory whose contents are undefined. */
    Buffer(const Context &context, std::size_t n_bytes, std::uint32_t device = 0)
    {
        qjit_buffer *buffer = nullptr;
        check(qjit_buffer_create(context.get(), &buffer, device, n_bytes));
        buffer_.reset(buffer);
    }

    /* A copy of `values`. */
    template <class T>
    Buffer(const Context &context, const std::vector<T> &values, std::uint32_t device = 0)
        : Buffer(context, values.size() * sizeof(T), device)
    {
        upload(values);
    }

    static Buffer zeroed(const Context &context, std::size_t n_bytes, std::uint32_t device = 0)
    {
        qjit_buffer *buffer = nullptr;
        check(qjit_buffer_create_zeroed(context.get(), &buffer, device, n_bytes));
        return Buffer(buffer);
    }

    /* The bytes [offset, offset + n_bytes), sharing the memory. */
    Buffer view(std::size_t offset, std::size_t n_bytes) const
    {
        qjit_buffer *view = nullptr;
        check(qjit_buffer_view(get(), &view, offset, n_bytes));
        return Buffer(view);
    }

    qjit_buffer *get() const noexcept
    {
        return buffer_.get();
    }
    void *pointer() const noexcept
    {
        return qjit_buffer_pointer(get());
    }
    std::size_t bytes() const noexcept
    {
        return qjit_buffer_bytes(get());
    }

    template <class T> void upload(const std::vector<T> &values, std::size_t offset = 0)
    {
        static_assert(std::is_trivially_copyable_v<T>, "values are copied byte by byte");
        check(qjit_buffer_upload(get(), offset, values.data(), values.size() * sizeof(T)));
    }

    /* All whole elements of the buffer. */
    template <class T> std::vector<T> download() const
    {
        static_assert(std::is_trivially_copyable_v<T>, "values are copied byte by byte");
        std::vector<T> values(bytes() / sizeof(T));
        check(qjit_buffer_download(get(), values.data(), 0, values.size() * sizeof(T)));
        return values;
    }

  private:
    explicit Buffer(qjit_buffer *buffer) noexcept : buffer_(buffer)
    {
    }

    struct Destroy {
        void operator()(qjit_buffer *buffer) const noexcept
        {
            qjit_buffer_destroy(buffer);
        }
    };
    std::unique_ptr<qjit_buffer, Destroy> buffer_;
};

template <class... Arguments> void Function::launch(const LaunchConfig &config, const Arguments &...arguments)
{
    const auto add = [this](const auto &argument) {
        using T = std::remove_cv_t<std::remove_reference_t<decltype(argument)>>;
        if constexpr (std::is_same_v<T, Buffer>) {
            check(qjit_launch_add_buffer(get(), argument.get()));
        } else {
            static_assert(std::is_trivially_copyable_v<T> && !std::is_array_v<T>,
                          "a kernel takes buffers, numbers, and plain structs");
            static_assert(!std::is_same_v<T, qjit_buffer *>, "pass the Buffer, not what is in it");
            check(qjit_launch_add(get(), &argument, sizeof argument));
        }
    };
    qjit_launch_clear(get());
    (add(arguments), ...);
    const qjit_launch_config how = {{config.grid[0], config.grid[1], config.grid[2]},
                                    {config.block[0], config.block[1], config.block[2]},
                                    config.lds_bytes,
                                    0,
                                    config.stream};
    check(qjit_launch_run(get(), &how));
}

/* Numbers as blocks of a ggml type (QJIT_GGML_Q4_0 ...), quantised on the host. */
inline std::vector<std::uint8_t> quantize_blocks(std::uint32_t type, const std::vector<float> &x)
{
    std::uint64_t n_bytes = 0;
    check(qjit_get_block_bytes(&n_bytes, type, x.size()));
    std::vector<std::uint8_t> blocks(n_bytes);
    check(qjit_quantize_blocks(blocks.data(), type, x.data(), x.size()));
    return blocks;
}

} // namespace qjit

#endif
