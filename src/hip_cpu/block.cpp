#include "block.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <new>
#include <sys/mman.h>

#include "config.h"

namespace hipcpu {

namespace {

constexpr size_t SIGNAL_STACK = size_t{64} << 10;
constexpr unsigned THREADS_MAX = 1024;
constexpr unsigned char LDS_POISON = 0xff;

thread_local Worker *this_worker;

struct Owner { /* ends this thread's worker with the thread */
    ~Owner()
    {
        delete std::exchange(this_worker, nullptr);
    }
};

struct sigaction previous[NSIG];

void on_signal(int number, siginfo_t *info, void *context)
{
    int error =
        number == SIGSEGV || number == SIGBUS ? QJ_HIP_ERROR_ILLEGAL_ADDRESS : QJ_HIP_ERROR_LAUNCH_FAILURE;
    const char *what = number == SIGFPE   ? "integer division by zero or overflow"
                       : number == SIGILL ? "an illegal instruction (a trap)"
                                          : "an access to memory that is not there";
    if (this_worker && this_worker->fail_in_handler(error, what, info->si_addr, context))
        return;
    const struct sigaction &before = previous[number];
    if (before.sa_flags & SA_SIGINFO) {
        before.sa_sigaction(number, info, context);
    } else if (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN) {
        struct sigaction usual = {};
        usual.sa_handler = SIG_DFL; /* the instruction runs again, and then it counts */
        sigaction(number, &usual, nullptr);
    } else {
        before.sa_handler(number);
    }
}

/* Only what happens in a kernel is ours; the rest goes where it went before. */
void install_handlers()
{
    static const bool done = [] {
        struct sigaction action = {};
        action.sa_sigaction = on_signal;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        sigemptyset(&action.sa_mask);
        for (int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL})
            sigaction(number, &action, &previous[number]);
        return true;
    }();
    (void)done;
}

std::string place(const qj_cpu_dim &it)
{
    return "(" + std::to_string(it.x) + "," + std::to_string(it.y) + "," + std::to_string(it.z) + ")";
}

} // namespace

Worker::Worker() : stacks_(config().stack_bytes), fibers_(THREADS_MAX), wave_epochs_(THREADS_MAX)
{
    install_handlers();
    if (config().checked)
        shadow_.resize(2 * LDS_MAX);
    stack_t own = {}, before = {};
    if (sigaltstack(nullptr, &before) == 0 && (before.ss_flags & SS_DISABLE)) {
        signal_stack_ =
            mmap(nullptr, SIGNAL_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (signal_stack_ == MAP_FAILED)
            signal_stack_ = nullptr;
        own.ss_sp = signal_stack_;
        own.ss_size = SIGNAL_STACK;
        if (signal_stack_)
            sigaltstack(&own, nullptr);
    }
}

Worker::~Worker()
{
    if (!signal_stack_)
        return;
    stack_t off = {};
    off.ss_flags = SS_DISABLE;
    sigaltstack(&off, nullptr);
    munmap(signal_stack_, SIGNAL_STACK);
}

Worker *Worker::current()
{
    return this_worker;
}

Worker &Worker::get()
{
    static thread_local Owner owner;
    if (!this_worker)
        this_worker = new Worker;
    (void)&owner;
    return *this_worker;
}

void Worker::begin(Job &job)
{
    job_ = &job;
    local_ = job.module->local();
    if (config().checked && local_.static_bytes + job.lds_bytes > shadow_.size())
        shadow_.resize(local_.static_bytes + LDS_MAX);
    for (unsigned i = 0; i < job.n_threads; i++) {
        qj_cpu_thread &self = fibers_[i].self;
        self.thread = {i % job.block.x, i / job.block.x % job.block.y, i / job.block.x / job.block.y};
        self.block_dim = job.block;
        self.grid_dim = job.grid;
        self.lane = i % config().wave;
        self.wave = i / config().wave;
    }
}

void Worker::work(Job &job)
{
    begin(job);
    for (;;) {
        uint64_t number = job.next.fetch_add(1);
        if (number >= job.n_blocks || job.failed)
            break;
        run_block(number);
    }
    job_ = nullptr;
    recent_ = nullptr;
}

void Worker::run_block(uint64_t number)
{
    Job &job = *job_;
    qj_cpu_dim block = {static_cast<unsigned>(number % job.grid.x),
                        static_cast<unsigned>(number / job.grid.x % job.grid.y),
                        static_cast<unsigned>(number / job.grid.x / job.grid.y)};
    memset(local_.lds, LDS_POISON, local_.static_bytes);
    if (local_.dynamic)
        memset(local_.dynamic, LDS_POISON, job.lds_bytes);
    block_epoch_ = ++epoch_;
    failed_ = false;
    for (unsigned i = 0; i < job.n_threads; i++) {
        fibers_[i].state = READY;
        fibers_[i].self.block = block;
    }
    do {
        for (unsigned first = 0; first < job.n_threads && !failed_; first += config().wave)
            run_wave(first, std::min(first + config().wave, job.n_threads));
    } while (!failed_ && meet_at_barrier());
    if (failed_)
        give_up();
}

/* Until each of its threads is at a barrier or has finished. */
void Worker::run_wave(unsigned first, unsigned end)
{
    do {
        for (unsigned i = first; i < end; i++) {
            if (fibers_[i].state == READY)
                resume(fibers_[i]);
            if (failed_)
                return;
        }
    } while (meet_in_wave(first, end));
}

/* All threads of the wave have stopped. Those at the lowest place in the code go on together: so a branch is
 * over before what follows it begins, and lanes that took it are there again. False: none waits here. */
bool Worker::meet_in_wave(unsigned first, unsigned end)
{
    const void *site = nullptr;
    for (unsigned i = first; i < end; i++) {
        if (fibers_[i].state == IN_WAVE && (!site || fibers_[i].site < site))
            site = fibers_[i].site;
    }
    if (!site)
        return false;
    unsigned long long active = 0, votes = 0, values[64] = {};
    for (unsigned i = first; i < end; i++) {
        const Fiber &fiber = fibers_[i];
        if (fiber.state != IN_WAVE || fiber.site != site)
            continue;
        active |= 1ull << (i - first);
        votes |= fiber.value ? 1ull << (i - first) : 0;
        values[i - first] = fiber.value;
        if (fiber.op == QJ_CPU_SYNC_WAVE && i - first == static_cast<unsigned>(__builtin_ctzll(active)))
            wave_epochs_[first / config().wave]++;
    }
    for (unsigned i = first; i < end; i++) {
        Fiber &fiber = fibers_[i];
        if (!(active >> (i - first) & 1))
            continue;
        if (fiber.op == QJ_CPU_SHUFFLE) /* an inactive lane gives 0, as the hardware's permute does */
            fiber.value = values[fiber.argument & (config().wave - 1)];
        else
            fiber.value = votes;
        fiber.state = READY;
    }
    return true;
}

/* False: every thread has finished. */
bool Worker::meet_at_barrier()
{
    const Fiber *one = nullptr, *another = nullptr;
    int n_votes = 0, n_waiting = 0;
    for (unsigned i = 0; i < job_->n_threads; i++) {
        const Fiber &fiber = fibers_[i];
        if (fiber.state != AT_BARRIER)
            continue;
        if (!one)
            one = &fiber;
        if (fiber.site != one->site && !another)
            another = &fiber;
        n_waiting++;
        n_votes += fiber.value != 0;
    }
    if (!one)
        return false;
    if (another && config().checked) {
        running_ = const_cast<Fiber *>(another);
        tell(QJ_HIP_ERROR_LAUNCH_FAILURE, "a barrier in divergent flow: thread " + place(one->self.thread) +
                                              " of the block waits at another __syncthreads");
        running_ = nullptr;
        failed_ = true;
        return true;
    }
    for (unsigned i = 0; i < job_->n_threads; i++) {
        Fiber &fiber = fibers_[i];
        if (fiber.state != AT_BARRIER)
            continue;
        fiber.value = static_cast<unsigned long long>(fiber.op == QJ_CPU_BARRIER_AND  ? n_votes == n_waiting
                                                      : fiber.op == QJ_CPU_BARRIER_OR ? n_votes > 0
                                                                                      : n_votes);
        fiber.state = READY;
    }
    epoch_++;
    return true;
}

void Worker::resume(Fiber &fiber)
{
    if (!fiber.stack) {
        fiber.stack = stacks_.take();
        if (!fiber.stack) {
            running_ = &fiber;
            tell(QJ_HIP_ERROR_OUT_OF_MEMORY, "no memory for the stack of a thread");
            failed_ = true;
            return;
        }
        fiber_make(&fiber.context, fiber.stack, stacks_.bytes(), enter);
    }
    running_ = &fiber;
    *local_.self = &fiber.self;
    fiber_switch(&scheduler_, &fiber.context);
    if (handler_error_) {
        char text[160];
        snprintf(text, sizeof text, "%s, address %p", handler_what_, handler_at_);
        pending_error_ = std::exchange(handler_error_, 0);
        pending_what_ = text;
    }
    if (pending_error_) {
        tell(std::exchange(pending_error_, 0), pending_what_);
        failed_ = true;
    }
    running_ = nullptr;
    if (fiber.state == FINISHED) {
        fiber_drop(&fiber.context);
        stacks_.give(std::exchange(fiber.stack, nullptr));
    }
}

/* The stacks of threads that will not go on. Kernels own nothing that would have to be destroyed. */
void Worker::give_up()
{
    for (Fiber &fiber : fibers_) {
        if (!fiber.stack)
            continue;
        fiber_drop(&fiber.context);
        stacks_.give(std::exchange(fiber.stack, nullptr));
    }
}

void Worker::enter()
{
    Worker &self = *this_worker;
    fiber_entered(&self.scheduler_);
    self.job_->function->thunk(self.job_->params);
    self.stop_running(FINISHED);
    __builtin_unreachable();
}

void Worker::stop_running(State state)
{
    Fiber &fiber = *running_;
    fiber.state = state;
    fiber_switch(&fiber.context, &scheduler_);
}

int Worker::barrier(const void *site, int op, int vote)
{
    Fiber &fiber = *running_;
    fiber.site = site;
    fiber.op = op;
    fiber.value = vote != 0;
    stop_running(AT_BARRIER);
    return static_cast<int>(fiber.value);
}

unsigned long long Worker::wave(const void *site, int op, unsigned long long value, unsigned argument)
{
    Fiber &fiber = *running_;
    fiber.site = site;
    fiber.op = op;
    fiber.value = value;
    fiber.argument = argument;
    stop_running(IN_WAVE);
    return fiber.value;
}

void Worker::tell(int error, const std::string &what)
{
    int none = 0;
    if (!job_->failed.compare_exchange_strong(none, error))
        return; /* one line a launch */
    report(job_->function->kernel->name + ": " + what + "; block " + place(running_->self.block) +
           " thread " + place(running_->self.thread));
}

/* The stack of this thread is given up with all that is on it, so nothing here may own memory: the text
 * moves. */
void Worker::fail(int error, std::string &&what)
{
    pending_error_ = error;
    pending_what_ = std::move(what);
    stop_running(READY);
    __builtin_unreachable();
}

bool Worker::fail_in_handler(int error, const char *what, const void *at, void *ucontext)
{
    if (!job_ || !running_)
        return false;
    handler_error_ = error;
    handler_what_ = what;
    handler_at_ = at;
    return fiber_leave_on_return(ucontext, &scheduler_);
}

namespace {

int call_barrier(const void *site, int op, int vote)
{
    return this_worker->barrier(site, op, vote);
}

unsigned long long call_wave(const void *site, int op, unsigned long long value, unsigned argument)
{
    return this_worker->wave(site, op, value, argument);
}

void call_access(const void *at, unsigned long n, int kind)
{
    this_worker->access(reinterpret_cast<uintptr_t>(at), n, kind);
}

void call_fail(int error, const char *what, const char *file, unsigned line)
{
    std::string text = what;
    if (line)
        text += std::string(" at ") + file + ":" + std::to_string(line);
    this_worker->fail(error, std::move(text));
}

int call_print(const char *format, va_list arguments)
{
    return vprintf(format, arguments);
}

} // namespace

const qj_cpu_runtime runtime = {QJ_CPU_ABI, call_barrier, call_wave, call_access, call_fail, call_print};

} // namespace hipcpu
