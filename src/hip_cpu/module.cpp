#include "module.h"

#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <map>
#include <mutex>
#include <set>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "block.h"
#include "config.h"
#include "memory.h"

extern "C" void *__tls_get_addr(size_t *module_and_offset);

namespace hipcpu {

namespace {

std::mutex &lock()
{
    static auto *const it = new std::mutex;
    return *it;
}

std::map<const void *, std::shared_ptr<Module>> &modules()
{
    static auto *const it = new std::map<const void *, std::shared_ptr<Module>>;
    return *it;
}

/* By function handle, which is the Function's address. */
std::map<const void *, std::shared_ptr<Module>> &functions()
{
    static auto *const it = new std::map<const void *, std::shared_ptr<Module>>;
    return *it;
}

/* Copies n bytes from where a caller says an object is; false if they are not all there. */
bool read_caller(void *to, const void *from, size_t n)
{
    auto *out = static_cast<char *>(to);
    for (size_t done = 0; done < n;) {
        iovec here{out + done, n - done};
        iovec there{const_cast<char *>(static_cast<const char *>(from)) + done, n - done};
        ssize_t got = process_vm_readv(getpid(), &here, 1, &there, 1, 0);
        if (got <= 0)
            return false;
        done += static_cast<size_t>(got);
    }
    return true;
}

/* hipModuleLoadData is given no length: the object's own header says it. */
hipError_t read_image(std::vector<unsigned char> *out, const void *image)
{
    unsigned char header[sizeof(Elf64_Ehdr)];
    if (!read_caller(header, image, sizeof header))
        return QJ_HIP_ERROR_INVALID_IMAGE;
    size_t n = elf_bytes(header);
    if (n < sizeof header)
        return QJ_HIP_ERROR_INVALID_IMAGE;
    out->resize(n);
    return read_caller(out->data(), image, n) ? QJ_HIP_SUCCESS : QJ_HIP_ERROR_INVALID_IMAGE;
}

/* A file in memory, or one that has no name any more. */
int write_file(const std::vector<unsigned char> &bytes)
{
    int fd = memfd_create("qjit_hip_cpu", MFD_CLOEXEC);
    if (fd < 0) {
        char path[] = "/tmp/qjit-hip-cpu-XXXXXX";
        fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0)
            unlink(path);
    }
    for (size_t done = 0; fd >= 0 && done < bytes.size();) {
        ssize_t n = write(fd, bytes.data() + done, bytes.size() - done);
        if (n <= 0) {
            close(fd);
            return -1;
        }
        done += static_cast<size_t>(n);
    }
    return fd;
}

hipError_t load(hipModule_t *out, const void *image)
{
    Device *device = device_current();
    if (!device)
        return QJ_HIP_ERROR_NO_DEVICE;
    if (!out || !image)
        return QJ_HIP_ERROR_INVALID_VALUE;
    if (int failed = device->failed)
        return failed;
    std::vector<unsigned char> bytes;
    if (hipError_t error = read_image(&bytes, image))
        return error;
    auto module = std::make_shared<Module>();
    if (hipError_t error = module->load(std::move(bytes), device->ordinal))
        return error;
    std::lock_guard<std::mutex> hold(lock());
    modules()[module.get()] = module;
    *out = reinterpret_cast<hipModule_t>(module.get());
    return QJ_HIP_SUCCESS;
}

std::shared_ptr<Module> find(hipModule_t handle)
{
    std::lock_guard<std::mutex> hold(lock());
    auto it = modules().find(handle);
    return it == modules().end() ? nullptr : it->second;
}

hipError_t unload(hipModule_t handle)
{
    std::shared_ptr<Module> module = find(handle);
    if (!module)
        return QJ_HIP_ERROR_INVALID_HANDLE;
    device_wait(*device_at(module->device));
    std::lock_guard<std::mutex> hold(lock());
    modules().erase(handle);
    for (auto it = functions().begin(); it != functions().end();)
        it = it->second == module ? functions().erase(it) : std::next(it);
    return QJ_HIP_SUCCESS;
}

hipError_t get_function(hipFunction_t *out, hipModule_t handle, const char *name)
{
    if (!out || !name)
        return QJ_HIP_ERROR_INVALID_VALUE;
    std::shared_ptr<Module> module = find(handle);
    if (!module)
        return QJ_HIP_ERROR_INVALID_HANDLE;
    Function *function = module->find(name);
    if (!function)
        return QJ_HIP_ERROR_NOT_FOUND;
    std::lock_guard<std::mutex> hold(lock());
    functions()[function] = module;
    *out = reinterpret_cast<hipFunction_t>(function);
    return QJ_HIP_SUCCESS;
}

/* Variables of the source; what the prelude and the C++ ABI add begins with two underscores or is no object.
 */
hipError_t get_global(hipDeviceptr_t *out, size_t *n, hipModule_t handle, const char *name)
{
    if (!name || (!out && !n))
        return QJ_HIP_ERROR_INVALID_VALUE;
    std::shared_ptr<Module> module = find(handle);
    if (!module)
        return QJ_HIP_ERROR_INVALID_HANDLE;
    auto it = module->image.elf.symbols.find(name);
    if (it == module->image.elf.symbols.end() || it->second.type != STT_OBJECT || !it->second.defined ||
        strncmp(name, "__qj_", 5) == 0)
        return QJ_HIP_ERROR_NOT_FOUND;
    if (out)
        *out = module->address(it->second);
    if (n)
        *n = it->second.n;
    return QJ_HIP_SUCCESS;
}

} // namespace

hipError_t Module::load(std::vector<unsigned char> bytes, unsigned ordinal)
{
    device = ordinal;
    switch (image.read(bytes.data(), bytes.size(), true)) {
    case Image::OK:
        break;
    case Image::FOREIGN:
        return QJ_HIP_ERROR_NO_BINARY_FOR_GPU;
    default:
        return QJ_HIP_ERROR_INVALID_IMAGE;
    }
    if (image.arch != config().arch)
        return QJ_HIP_ERROR_NO_BINARY_FOR_GPU;
    if (hipError_t error = open(bytes))
        return error;
    return connect();
}

/* The descriptor stays open as long as the module: the dynamic linker knows a library by its name, and the
 * number in this one must not be another's meanwhile. */
hipError_t Module::open(const std::vector<unsigned char> &bytes)
{
    fd_ = write_file(bytes);
    if (fd_ < 0)
        return QJ_HIP_ERROR_OUT_OF_MEMORY;
    handle_ = dlopen(("/proc/self/fd/" + std::to_string(fd_)).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle_) {
        report(std::string("hipModuleLoadData: the object will not load: ") + dlerror());
        return QJ_HIP_ERROR_INVALID_IMAGE;
    }
    link_map *map = nullptr;
    if (dlinfo(handle_, RTLD_DI_LINKMAP, &map) != 0 || dlinfo(handle_, RTLD_DI_TLS_MODID, &tls_module_) != 0)
        return QJ_HIP_ERROR_INVALID_IMAGE;
    base_ = reinterpret_cast<char *>(map->l_addr);
    return QJ_HIP_SUCCESS;
}

hipError_t Module::connect()
{
    auto &symbols = image.elf.symbols;
    auto self = symbols.find("__qj_self"), table = symbols.find("__qj_runtime");
    if (self == symbols.end() || table == symbols.end() || self->second.value + 8 > image.elf.tls_file_bytes)
        return QJ_HIP_ERROR_INVALID_IMAGE;
    self_offset_ = self->second.value;
    auto dynamic = symbols.find("__qj_dynamic");
    dynamic_offset_ = dynamic == symbols.end() ? 0 : dynamic->second.value;
    static_lds = (dynamic_offset_ ? dynamic_offset_ : image.elf.tls_bytes) - image.elf.tls_zero_offset;
    *reinterpret_cast<const qj_cpu_runtime **>(address(table->second)) = &runtime;
    for (const Kernel &kernel : image.kernels) {
        auto thunk = reinterpret_cast<void (*)(void **)>(base_ + kernel.thunk);
        functions_.push_back(std::make_unique<Function>(Function{this, &kernel, thunk}));
    }
    for (auto [begin, end] : image.elf.data) {
        auto part = std::make_shared<Allocation>();
        part->begin = reinterpret_cast<uintptr_t>(base_) + begin;
        part->n = end - begin;
        part->kind = MemoryKind::MODULE;
        part->device = device;
        memory_add(part);
        data_.push_back(part->begin);
    }
    return QJ_HIP_SUCCESS;
}

Module::~Module()
{
    for (uintptr_t begin : data_)
        memory_remove(begin);
    if (handle_)
        dlclose(handle_);
    if (fd_ >= 0)
        close(fd_);
}

Function *Module::find(const std::string &name)
{
    for (auto &function : functions_) {
        if (function->kernel->name == name)
            return function.get();
    }
    return nullptr;
}

Module::Local Module::local() const
{
    size_t index[2] = {tls_module_, 0};
    auto *block = static_cast<unsigned char *>(__tls_get_addr(index));
    Local out;
    out.self = reinterpret_cast<const qj_cpu_thread **>(block + self_offset_);
    out.lds = block + image.elf.tls_zero_offset;
    out.static_bytes = static_lds;
    out.dynamic = dynamic_offset_ ? block + dynamic_offset_ : nullptr;
    return out;
}

bool Module::holds(uintptr_t at, size_t n) const
{
    for (auto [begin, end] : image.elf.code) {
        uintptr_t first = reinterpret_cast<uintptr_t>(base_) + begin;
        if (at >= first && n <= end - begin && at - first <= end - begin - n)
            return true;
    }
    return false;
}

std::shared_ptr<Module> module_of(const Function *function)
{
    std::lock_guard<std::mutex> hold(lock());
    auto it = functions().find(function);
    return it == functions().end() ? nullptr : it->second;
}

} // namespace hipcpu

using namespace hipcpu;

hipError_t hipModuleLoadData(hipModule_t *out, const void *image)
{
    return call(__func__, [=] { return load(out, image); });
}

hipError_t hipModuleUnload(hipModule_t module)
{
    return call(__func__, [=] { return unload(module); });
}

hipError_t hipModuleGetFunction(hipFunction_t *out, hipModule_t module, const char *name)
{
    return call(__func__, [=] { return get_function(out, module, name); });
}

hipError_t hipModuleGetGlobal(hipDeviceptr_t *out, size_t *n, hipModule_t module, const char *name)
{
    return call(__func__, [=] { return get_global(out, n, module, name); });
}
