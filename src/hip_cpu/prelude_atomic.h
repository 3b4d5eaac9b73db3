/* Atomics, device-wide and sequentially consistent: at least what any scope asks for. */
#define __HIP_MEMORY_SCOPE_SINGLETHREAD 1
#define __HIP_MEMORY_SCOPE_WAVEFRONT    2
#define __HIP_MEMORY_SCOPE_WORKGROUP    3
#define __HIP_MEMORY_SCOPE_AGENT        4
#define __HIP_MEMORY_SCOPE_SYSTEM       5

template <class T> struct __qj_same {
    typedef T type;
};
/* The second argument takes the type of the first, as the overloads of HIP do. */
#define __QJ_VALUE typename __qj_same<T>::type

template <class T, class F> __QJ_INLINE T __qj_atomic_update(T *p, F next)
{
    T old, wanted;
    __atomic_load(p, &old, __ATOMIC_SEQ_CST);
    do {
        wanted = next(old);
    } while (!__atomic_compare_exchange(p, &old, &wanted, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    return old;
}
__QJ_INLINE int atomicAdd(int *p, int v)
{
    return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);
}
__QJ_INLINE unsigned int atomicAdd(unsigned int *p, unsigned int v)
{
    return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);
}
__QJ_INLINE unsigned long atomicAdd(unsigned long *p, unsigned long v)
{
    return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);
}
__QJ_INLINE unsigned long long atomicAdd(unsigned long long *p, unsigned long long v)
{
    return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);
}
__QJ_INLINE float atomicAdd(float *p, float v)
{
    return __qj_atomic_update(p, [=](float old) { return old + v; });
}
__QJ_INLINE double atomicAdd(double *p, double v)
{
    return __qj_atomic_update(p, [=](double old) { return old + v; });
}
__QJ_INLINE float unsafeAtomicAdd(float *p, float v)
{
    return atomicAdd(p, v);
}
__QJ_INLINE double unsafeAtomicAdd(double *p, double v)
{
    return atomicAdd(p, v);
}
__QJ_INLINE void atomicAddNoRet(float *p, float v)
{
    atomicAdd(p, v);
}
template <class T> __QJ_INLINE T atomicSub(T *p, __QJ_VALUE v)
{
    return __atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST);
}
template <class T> __QJ_INLINE T atomicExch(T *p, __QJ_VALUE v)
{
    T old;
    __atomic_exchange(p, &v, &old, __ATOMIC_SEQ_CST);
    return old;
}
template <class T> __QJ_INLINE T atomicCAS(T *p, __QJ_VALUE expected, __QJ_VALUE v)
{
    __atomic_compare_exchange(p, &expected, &v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return expected;
}
template <class T> __QJ_INLINE T atomicMin(T *p, __QJ_VALUE v)
{
    return __qj_atomic_update(p, [=](T old) { return v < old ? v : old; });
}
template <class T> __QJ_INLINE T atomicMax(T *p, __QJ_VALUE v)
{
    return __qj_atomic_update(p, [=](T old) { return old < v ? v : old; });
}
template <class T> __QJ_INLINE T atomicAnd(T *p, __QJ_VALUE v)
{
    return __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST);
}
template <class T> __QJ_INLINE T atomicOr(T *p, __QJ_VALUE v)
{
    return __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST);
}
template <class T> __QJ_INLINE T atomicXor(T *p, __QJ_VALUE v)
{
    return __atomic_fetch_xor(p, v, __ATOMIC_SEQ_CST);
}
__QJ_INLINE unsigned int atomicInc(unsigned int *p, unsigned int limit)
{
    return __qj_atomic_update(p, [=](unsigned int old) { return old >= limit ? 0u : old + 1; });
}
__QJ_INLINE unsigned int atomicDec(unsigned int *p, unsigned int limit)
{
    return __qj_atomic_update(p, [=](unsigned int old) { return old == 0 || old > limit ? limit : old - 1; });
}

/* clang's HIP builtins, whose scope a host does not need. */
template <class T> __QJ_INLINE T __qj_atomic_load(const T *p)
{
    T v;
    __atomic_load(p, &v, __ATOMIC_SEQ_CST);
    return v;
}
template <class T> __QJ_INLINE void __qj_atomic_store(T *p, __QJ_VALUE v)
{
    __atomic_store(p, &v, __ATOMIC_SEQ_CST);
}
template <class T> __QJ_INLINE bool __qj_atomic_swap_if(T *p, T *expected, __QJ_VALUE v)
{
    return __atomic_compare_exchange(p, expected, &v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}
#define __hip_atomic_load(p, order, scope)                                   __qj_atomic_load(p)
#define __hip_atomic_store(p, v, order, scope)                               __qj_atomic_store(p, v)
#define __hip_atomic_exchange(p, v, order, scope)                            atomicExch(p, v)
#define __hip_atomic_compare_exchange_strong(p, e, v, order, failure, scope) __qj_atomic_swap_if(p, e, v)
#define __hip_atomic_compare_exchange_weak(p, e, v, order, failure, scope)   __qj_atomic_swap_if(p, e, v)
#define __hip_atomic_fetch_add(p, v, order, scope)                           atomicAdd(p, v)
#define __hip_atomic_fetch_and(p, v, order, scope)                           atomicAnd(p, v)
#define __hip_atomic_fetch_or(p, v, order, scope)                            atomicOr(p, v)
#define __hip_atomic_fetch_xor(p, v, order, scope)                           atomicXor(p, v)
#define __hip_atomic_fetch_min(p, v, order, scope)                           atomicMin(p, v)
#define __hip_atomic_fetch_max(p, v, order, scope)                           atomicMax(p, v)
#undef __QJ_VALUE
