#include "fiber.h"

#include <cstdint>
#include <cstdlib>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#elif defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace hipcpu {

namespace {
const size_t GUARD = 4096;
}

Stacks::~Stacks()
{
    for (size_t i = 0; i < n_free_; i++)
        munmap(static_cast<char *>(free_[i]) - GUARD, bytes_ + GUARD);
    free(free_);
}

void *Stacks::take()
{
    if (n_free_ > 0)
        return free_[--n_free_];
    void *it = mmap(nullptr, bytes_ + GUARD, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (it == MAP_FAILED)
        return nullptr;
    /* Without its guard (the process has too many mappings) a stack is still a stack. */
    (void)mprotect(it, GUARD, PROT_NONE);
    return static_cast<char *>(it) + GUARD;
}

void Stacks::give(void *stack)
{
    if (n_free_ == n_room_) {
        size_t room = n_room_ ? 2 * n_room_ : 64;
        void *more = realloc(free_, room * sizeof *free_);
        if (!more) {
            munmap(static_cast<char *>(stack) - GUARD, bytes_ + GUARD);
            return;
        }
        free_ = static_cast<void **>(more);
        n_room_ = room;
    }
    free_[n_free_++] = stack;
}

#if defined(__x86_64__)

extern "C" __attribute__((visibility("hidden"))) void qj_cpu_switch(void **from, void *to);
extern "C" __attribute__((visibility("hidden"))) void qj_cpu_resume(void *to);

/* What the System V ABI asks a callee to keep, then the other stack. */
asm(R"(
    .text
    .globl qj_cpu_switch
    .hidden qj_cpu_switch
    .type qj_cpu_switch, @function
qj_cpu_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rdi
    .globl qj_cpu_resume
    .hidden qj_cpu_resume
    .type qj_cpu_resume, @function
qj_cpu_resume:
    movq %rdi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size qj_cpu_switch, . - qj_cpu_switch
)");

static void make(Context *out, void *stack, size_t n, void (*entry)())
{
    auto *top = reinterpret_cast<void **>(static_cast<char *>(stack) + n);
    *--top = nullptr; /* keeps the stack as aligned at entry as a call would, and ends a backtrace */
    *--top = reinterpret_cast<void *>(entry);
    for (int i = 0; i < 6; i++)
        *--top = nullptr;
    out->stack_pointer = top;
}

static void change(Context *from, Context *to)
{
    qj_cpu_switch(&from->stack_pointer, to->stack_pointer);
}

bool fiber_leave_on_return(void *context, Context *to)
{
    auto *registers = static_cast<ucontext_t *>(context)->uc_mcontext.gregs;
    registers[REG_RIP] = static_cast<greg_t>(reinterpret_cast<uintptr_t>(&qj_cpu_resume));
    registers[REG_RDI] = static_cast<greg_t>(reinterpret_cast<uintptr_t>(to->stack_pointer));
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(nullptr, to->bottom, to->bytes);
#elif defined(__SANITIZE_THREAD__)
    __tsan_switch_to_fiber(to->tsan, 0);
#endif
    return true;
}

void fiber_drop(Context *context)
{
#if defined(__SANITIZE_THREAD__)
    if (context->tsan)
        __tsan_destroy_fiber(context->tsan);
    context->tsan = nullptr;
#else
    (void)context;
#endif
}

#else /* other processors: slower, and a faulting kernel takes the process with it */

static void make(Context *out, void *stack, size_t n, void (*entry)())
{
    auto *context = new ucontext_t;
    getcontext(context);
    context->uc_stack.ss_sp = stack;
    context->uc_stack.ss_size = n;
    context->uc_link = nullptr;
    makecontext(context, entry, 0);
    out->stack_pointer = context;
}

static void change(Context *from, Context *to)
{
    if (!from->stack_pointer)
        from->stack_pointer = new ucontext_t;
    swapcontext(static_cast<ucontext_t *>(from->stack_pointer), static_cast<ucontext_t *>(to->stack_pointer));
}

bool fiber_leave_on_return(void *, Context *)
{
    return false;
}

void fiber_drop(Context *context)
{
    delete static_cast<ucontext_t *>(context->stack_pointer);
    context->stack_pointer = nullptr;
}

#endif

void fiber_make(Context *out, void *stack, size_t n, void (*entry)())
{
    make(out, stack, n, entry);
#if defined(__SANITIZE_ADDRESS__)
    out->bottom = stack;
    out->bytes = n;
    out->fake_stack = nullptr;
#elif defined(__SANITIZE_THREAD__)
    out->tsan = __tsan_create_fiber(0);
#endif
}

void fiber_switch(Context *from, Context *to)
{
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&from->fake_stack, to->bottom, to->bytes);
    change(from, to);
    __sanitizer_finish_switch_fiber(from->fake_stack, nullptr, nullptr);
#elif defined(__SANITIZE_THREAD__)
    if (!from->tsan)
        from->tsan = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(to->tsan, 0);
    change(from, to);
#else
    change(from, to);
#endif
}

void fiber_entered(Context *from)
{
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(nullptr, &from->bottom, &from->bytes);
#else
    (void)from;
#endif
}

} // namespace hipcpu
