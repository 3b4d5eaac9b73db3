/* Checked mode. The compiler's thread sanitizer pass calls __tsan_* at every access; these are ours, not the
 * sanitizer's run-time library, and hand the access on. */
#define __QJ_HOOK extern "C" __QJ_HIDDEN __attribute__((used, disable_sanitizer_instrumentation))

#define __QJ_ACCESS(n)                                                                                       \
    __QJ_HOOK void __tsan_read##n(void *p)                                                                   \
    {                                                                                                        \
        __qj_runtime->access(p, n, QJ_CPU_READ);                                                             \
    }                                                                                                        \
    __QJ_HOOK void __tsan_write##n(void *p)                                                                  \
    {                                                                                                        \
        __qj_runtime->access(p, n, QJ_CPU_WRITE);                                                            \
    }                                                                                                        \
    __QJ_HOOK void __tsan_unaligned_read##n(void *p)                                                         \
    {                                                                                                        \
        __qj_runtime->access(p, n, QJ_CPU_READ);                                                             \
    }                                                                                                        \
    __QJ_HOOK void __tsan_unaligned_write##n(void *p)                                                        \
    {                                                                                                        \
        __qj_runtime->access(p, n, QJ_CPU_WRITE);                                                            \
    }
__QJ_ACCESS(1)
__QJ_ACCESS(2)
__QJ_ACCESS(4)
__QJ_ACCESS(8)
__QJ_ACCESS(16)
#undef __QJ_ACCESS
__QJ_HOOK void __tsan_init()
{
}
__QJ_HOOK void __tsan_func_entry(void *)
{
}
__QJ_HOOK void __tsan_func_exit()
{
}
__QJ_HOOK void __tsan_vptr_update(void **, void *)
{
}
__QJ_HOOK void __tsan_vptr_read(void **)
{
}

/* Copies are accesses too. The bodies are loops over volatile bytes, which the compiler cannot turn back into
 * calls of themselves. */
__QJ_HOOK void *__tsan_memcpy(void *to, const void *from, size_t n)
{
    __qj_runtime->access(from, n, QJ_CPU_READ);
    __qj_runtime->access(to, n, QJ_CPU_WRITE);
    unsigned char *d = (unsigned char *)to;
    for (size_t i = 0; i < n; i++) {
        d[i] = ((const volatile unsigned char *)from)[i];
    }
    return to;
}
__QJ_HOOK void *__tsan_memmove(void *to, const void *from, size_t n)
{
    if ((uintptr_t)to - (uintptr_t)from >= n)
        return __tsan_memcpy(to, from, n);
    __qj_runtime->access(from, n, QJ_CPU_READ);
    __qj_runtime->access(to, n, QJ_CPU_WRITE);
    unsigned char *d = (unsigned char *)to;
    while (n-- > 0)
        d[n] = ((const volatile unsigned char *)from)[n];
    return to;
}
__QJ_HOOK void *__tsan_memset(void *to, int byte, size_t n)
{
    __qj_runtime->access(to, n, QJ_CPU_WRITE);
    for (size_t i = 0; i < n; i++)
        ((volatile unsigned char *)to)[i] = (unsigned char)byte;
    return to;
}
/* clang 14 and 15 call the plain names. */
__QJ_HOOK void *memcpy(void *to, const void *from, size_t n) noexcept
{
    return __tsan_memcpy(to, from, n);
}
__QJ_HOOK void *memmove(void *to, const void *from, size_t n) noexcept
{
    return __tsan_memmove(to, from, n);
}
__QJ_HOOK void *memset(void *to, int byte, size_t n) noexcept
{
    return __tsan_memset(to, byte, n);
}

#define __QJ_FETCH(bits, T, name)                                                                            \
    __QJ_HOOK T __tsan_atomic##bits##_fetch_##name(volatile T *p, T v, int)                                  \
    {                                                                                                        \
        __qj_runtime->access((const void *)p, sizeof(T), QJ_CPU_ATOMIC);                                     \
        return __atomic_fetch_##name(p, v, __ATOMIC_SEQ_CST);                                                \
    }
#define __QJ_ATOMIC(bits, T)                                                                                 \
    __QJ_FETCH(bits, T, add)                                                                                 \
    __QJ_FETCH(bits, T, sub)                                                                                 \
    __QJ_FETCH(bits, T, and)                                                                                 \
    __QJ_FETCH(bits, T, or)                                                                                  \
    __QJ_FETCH(bits, T, xor)                                                                                 \
    __QJ_FETCH(bits, T, nand)                                                                                \
    __QJ_HOOK T __tsan_atomic##bits##_load(const volatile T *p, int)                                         \
    {                                                                                                        \
        __qj_runtime->access((const void *)p, sizeof(T), QJ_CPU_ATOMIC);                                     \
        return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                                         \
    }                                                                                                        \
    __QJ_HOOK void __tsan_atomic##bits##_store(volatile T *p, T v, int)                                      \
    {                                                                                                        \
        __qj_runtime->access((const void *)p, sizeof(T), QJ_CPU_ATOMIC | QJ_CPU_WRITE);                      \
        __atomic_store_n(p, v, __ATOMIC_SEQ_CST);                                                            \
    }                                                                                                        \
    __QJ_HOOK T __tsan_atomic##bits##_exchange(volatile T *p, T v, int)                                      \
    {                                                                                                        \
        __qj_runtime->access((const void *)p, sizeof(T), QJ_CPU_ATOMIC | QJ_CPU_WRITE);                      \
        return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);                                                  \
    }                                                                                                        \
    __QJ_HOOK T __tsan_atomic##bits##_compare_exchange_val(volatile T *p, T expected, T v, int, int)         \
    {                                                                                                        \
        __qj_runtime->access((const void *)p, sizeof(T), QJ_CPU_ATOMIC);                                     \
        __atomic_compare_exchange_n(p, &expected, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);             \
        return expected;                                                                                     \
    }                                                                                                        \
    __QJ_HOOK int __tsan_atomic##bits##_compare_exchange_strong(volatile T *p, T *e, T v, int, int)          \
    {                                                                                                        \
        __qj_runtime->access((const void *)p, sizeof(T), QJ_CPU_ATOMIC);                                     \
        return __atomic_compare_exchange_n(p, e, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);              \
    }                                                                                                        \
    __QJ_HOOK int __tsan_atomic##bits##_compare_exchange_weak(volatile T *p, T *e, T v, int, int)            \
    {                                                                                                        \
        __qj_runtime->access((const void *)p, sizeof(T), QJ_CPU_ATOMIC);                                     \
        return __atomic_compare_exchange_n(p, e, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);              \
    }
__QJ_ATOMIC(8, unsigned char)
__QJ_ATOMIC(16, unsigned short)
__QJ_ATOMIC(32, unsigned int)
__QJ_ATOMIC(64, unsigned long)
#undef __QJ_ATOMIC
#undef __QJ_FETCH
__QJ_HOOK void __tsan_atomic_thread_fence(int)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
__QJ_HOOK void __tsan_atomic_signal_fence(int)
{
}
