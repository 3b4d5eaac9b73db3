/* Calls a kernel of any signature with an array of pointers to its arguments, and describes it. The generator
 * (generate.cpp) appends one use of each to a program for every kernel and name expression. */
template <class T, T... I> struct __qj_sequence {
};

template <class... A, unsigned... I>
__QJ_INLINE __QJ_PLAIN void __qj_call(void (*kernel)(A...), void **p, __qj_sequence<unsigned, I...>)
{
    (void)p;
    kernel(*static_cast<A *>(p[I])...);
}
template <class... A> __QJ_INLINE __QJ_PLAIN void __qj_invoke(void (*kernel)(A...), void **p)
{
    static_assert(sizeof...(A) <= QJ_CPU_PARAMS_MAX, "a kernel has too many parameters");
    __qj_call(kernel, p, __make_integer_seq<__qj_sequence, unsigned, sizeof...(A)>{});
}
template <class T> __QJ_INLINE __QJ_PLAIN void __qj_invoke(T *, void **)
{
}

template <class F> struct __qj_describe { /* no function: a variable, which has no launch */
    static constexpr qj_cpu_kernel of(unsigned index, unsigned)
    {
        return qj_cpu_kernel{index, ~0u, 0, 0, {}, {}};
    }
};
template <class... A> struct __qj_describe<void (*)(A...)> {
    static constexpr qj_cpu_kernel of(unsigned index, unsigned max_threads)
    {
        return qj_cpu_kernel{index, sizeof...(A), max_threads, 0, {sizeof(A)...}, {alignof(A)...}};
    }
};
template <class F> F *__qj_pointer(F &function);
template <class T> T *__qj_pointer(T *const &pointer);

/* Filled in after linking (compile.cpp). */
__attribute__((section(".qjit_cpu"), used)) static const qj_cpu_note __qj_note = {
    {'Q', 'J', 'I', 'T', 'C', 'P', 'U', 0}, QJ_CPU_ABI, sizeof(qj_cpu_note), {}, 0, 0};
