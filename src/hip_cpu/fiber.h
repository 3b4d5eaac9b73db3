/* Contexts that are switched by hand: what lets a thousand threads of a block take turns on one of the host.
 */
#ifndef QJ_HIP_CPU_FIBER_H
#define QJ_HIP_CPU_FIBER_H

#include <cstddef>

namespace hipcpu {

/* Memory for a fiber, with an inaccessible page at its low end. Keeps what is given back for the next. */
class Stacks {
  public:
    explicit Stacks(size_t bytes) : bytes_(bytes)
    {
    }
    ~Stacks();
    void *take(); /* the low end of `bytes()` usable bytes; NULL: no memory */
    void give(void *stack);
    size_t bytes() const
    {
        return bytes_;
    }

  private:
    size_t bytes_;
    void **free_ = nullptr;
    size_t n_free_ = 0, n_room_ = 0;
};

/* A stopped context. Opaque: what fiber_switch needs to go on with it. */
struct Context {
    void *stack_pointer = nullptr;
#if defined(__SANITIZE_ADDRESS__)
    const void *bottom = nullptr; /* of the stack, for AddressSanitizer */
    size_t bytes = 0;
    void *fake_stack = nullptr;
#elif defined(__SANITIZE_THREAD__)
    void *tsan = nullptr;
#endif
};

/* Prepares a context that begins with entry(), which never returns, on a stack of n bytes. */
void fiber_make(Context *out, void *stack, size_t n, void (*entry)());
/* Stops the running context, keeps it in `from`, goes on with `to`. */
void fiber_switch(Context *from, Context *to);
/* To be called first by entry(), with the context that it came from. */
void fiber_entered(Context *from);
/* In a signal handler: what runs is given up; when the handler returns, `to` goes on. False where this
 * processor is not known. */
bool fiber_leave_on_return(void *ucontext, Context *to);
/* Gives up what a context holds beside its stack. */
void fiber_drop(Context *context);

} // namespace hipcpu

#endif
