/* Runs the threads of a block as fibers of one thread of the host. */
#ifndef QJ_HIP_CPU_BLOCK_H
#define QJ_HIP_CPU_BLOCK_H

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "abi.h"
#include "fiber.h"
#include "memory.h"
#include "module.h"

namespace hipcpu {

/* A launch. */
struct Job {
    std::shared_ptr<Module> module;
    const Function *function;
    qj_cpu_dim grid, block;
    unsigned n_threads; /* of a block */
    unsigned lds_bytes; /* dynamic */
    void **params;
    std::atomic<uint64_t> next{0}; /* block to be taken */
    uint64_t n_blocks;
    std::atomic<int> failed{0}; /* the first error; later blocks are not begun */
};

/* The shadow of one byte of LDS, for checked mode. An epoch is the time between two barriers, and never comes
 * again; wave epochs count __syncwarp. Threads are numbered from 1. */
struct LdsShadow {
    uint32_t write_epoch, read_epoch;
    uint32_t write_wave_epoch, read_wave_epoch;
    uint16_t writer, reader, other_reader;
    bool write_atomic, read_atomic;
};

/* What a thread of the host needs to run blocks; made at its first one. */
class Worker {
  public:
    Worker();
    ~Worker();
    static Worker *current(); /* NULL: this thread has none */
    static Worker &get();

    /* Takes blocks of the job until there are none. */
    void work(Job &job);

    /* Called from the fibers. */
    int barrier(const void *site, int op, int vote);
    unsigned long long wave(const void *site, int op, unsigned long long value, unsigned argument);
    void access(uintptr_t at, size_t n, int kind);
    /* Reports, and gives up the launch: does not come back. */
    [[noreturn]] void fail(int error, std::string &&what);
    /* In a signal handler; false: no kernel runs here. */
    bool fail_in_handler(int error, const char *what, const void *at, void *ucontext);

  private:
    enum State : uint8_t { READY, AT_BARRIER, IN_WAVE, FINISHED };
    struct Fiber {
        Context context;
        void *stack = nullptr; /* NULL: not begun, or finished */
        State state = READY;
        int op = 0;
        unsigned argument = 0;
        unsigned long long value = 0;
        const void *site = nullptr;
        qj_cpu_thread self = {};
    };
    Stacks stacks_;
    std::vector<Fiber> fibers_;
    Context scheduler_;
    Job *job_ = nullptr;
    Fiber *running_ = nullptr;
    bool failed_ = false;   /* this block */
    int pending_error_ = 0; /* of the fiber that has just given up */
    std::string pending_what_;
    int handler_error_ = 0;
    const char *handler_what_ = nullptr;
    const void *handler_at_ = nullptr;
    Module::Local local_ = {};
    void *signal_stack_ = nullptr;

    uint32_t epoch_ = 0, block_epoch_ = 0; /* now, and at the beginning of the block */
    std::vector<uint32_t> wave_epochs_;
    std::vector<LdsShadow> shadow_;
    AllocationRef recent_;
    uint64_t recent_generation_ = 0;

    void begin(Job &job);
    void run_block(uint64_t number);
    void run_wave(unsigned first, unsigned end);
    bool meet_in_wave(unsigned first, unsigned end);
    bool meet_at_barrier();
    void resume(Fiber &fiber);
    void give_up();
    void stop_running(State state);
    static void enter();
    void access_lds(size_t offset, size_t n, int kind);
    unsigned races_with(const LdsShadow &byte, int kind) const;
    void note_lds(LdsShadow &byte, int kind);
    bool access_device(uintptr_t at, size_t n, int kind);
    void tell(int error, const std::string &what);
    unsigned number_of(const Fiber &fiber) const
    {
        return static_cast<unsigned>(&fiber - fibers_.data());
    }
};

/* Runs all blocks of the job, with the pool's help, and returns when they are done. */
void grid_run(const std::shared_ptr<Job> &job);

} // namespace hipcpu

#endif
