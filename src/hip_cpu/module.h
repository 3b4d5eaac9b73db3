/* A loaded object. */
#ifndef QJ_HIP_CPU_MODULE_H
#define QJ_HIP_CPU_MODULE_H

#include <memory>
#include <string>
#include <vector>

#include "image.h"
#include "stream.h"

namespace hipcpu {

class Module;

struct Function {
    Module *module;
    const Kernel *kernel;
    void (*thunk)(void **);
};

class Module {
  public:
    Module() = default;
    Module(const Module &) = delete;
    Module &operator=(const Module &) = delete;
    ~Module();
    /* A code of hipError_t. */
    hipError_t load(std::vector<unsigned char> bytes, unsigned device);
    Function *find(const std::string &name);
    char *address(const Symbol &symbol) const
    {
        return base_ + symbol.value;
    }

    /* This thread's instance of its LDS. */
    struct Local {
        const qj_cpu_thread **self;
        unsigned char *lds; /* static first */
        size_t static_bytes;
        unsigned char *dynamic; /* NULL: no kernel has any */
    };
    Local local() const;
    bool holds(uintptr_t at, size_t n) const; /* in its loaded, unwritable part: constants and tables */

    Image image;
    unsigned device = 0;
    size_t static_lds = 0;

  private:
    int fd_ = -1;
    void *handle_ = nullptr;
    char *base_ = nullptr;
    size_t tls_module_ = 0;
    size_t self_offset_ = 0, dynamic_offset_ = 0;
    std::vector<std::unique_ptr<Function>> functions_;
    std::vector<uintptr_t> data_;
    hipError_t open(const std::vector<unsigned char> &bytes);
    hipError_t connect();
};

/* Empty: no such function. The module stays loaded as long as the answer is kept. */
std::shared_ptr<Module> module_of(const Function *function);

/* The table that objects call. */
extern const qj_cpu_runtime runtime;

enum { LDS_MAX = 65536 }; /* of a block, static and dynamic */

} // namespace hipcpu

#endif
