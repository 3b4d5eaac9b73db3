/* Mathematics: the C library's functions under the names that device code uses. */
#define __QJ_MATH1(name)                                                                                     \
    extern "C" float name##f(float) noexcept;                                                                \
    extern "C" double name(double) noexcept;                                                                 \
    __QJ_INLINE float name(float x)                                                                          \
    {                                                                                                        \
        return __builtin_##name##f(x);                                                                       \
    }
#define __QJ_MATH2(name)                                                                                     \
    extern "C" float name##f(float, float) noexcept;                                                         \
    extern "C" double name(double, double) noexcept;                                                         \
    __QJ_INLINE float name(float x, float y)                                                                 \
    {                                                                                                        \
        return __builtin_##name##f(x, y);                                                                    \
    }
__QJ_MATH1(acos)
__QJ_MATH1(acosh)
__QJ_MATH1(asin)
__QJ_MATH1(asinh)
__QJ_MATH1(atan)
__QJ_MATH1(atanh)
__QJ_MATH1(cbrt)
__QJ_MATH1(ceil)
__QJ_MATH1(cos)
__QJ_MATH1(cosh)
__QJ_MATH1(erf)
__QJ_MATH1(erfc)
__QJ_MATH1(exp)
__QJ_MATH1(exp2)
__QJ_MATH1(expm1)
__QJ_MATH1(fabs)
__QJ_MATH1(floor)
__QJ_MATH1(lgamma)
__QJ_MATH1(log)
__QJ_MATH1(log10)
__QJ_MATH1(log1p)
__QJ_MATH1(log2)
__QJ_MATH1(logb)
__QJ_MATH1(nearbyint)
__QJ_MATH1(rint)
__QJ_MATH1(round)
__QJ_MATH1(sin)
__QJ_MATH1(sinh)
__QJ_MATH1(sqrt)
__QJ_MATH1(tan)
__QJ_MATH1(tanh)
__QJ_MATH1(tgamma)
__QJ_MATH1(trunc)
__QJ_MATH2(atan2)
__QJ_MATH2(copysign)
__QJ_MATH2(fdim)
__QJ_MATH2(fmax)
__QJ_MATH2(fmin)
__QJ_MATH2(fmod)
__QJ_MATH2(hypot)
__QJ_MATH2(nextafter)
__QJ_MATH2(pow)
__QJ_MATH2(remainder)
#undef __QJ_MATH1
#undef __QJ_MATH2
extern "C" float fmaf(float, float, float) noexcept;
extern "C" double fma(double, double, double) noexcept;
extern "C" float ldexpf(float, int) noexcept;
extern "C" double ldexp(double, int) noexcept;
extern "C" float frexpf(float, int *) noexcept;
extern "C" double frexp(double, int *) noexcept;
extern "C" float modff(float, float *) noexcept;
extern "C" double modf(double, double *) noexcept;
extern "C" float scalbnf(float, int) noexcept;
extern "C" double scalbn(double, int) noexcept;
extern "C" long lrintf(float) noexcept;
extern "C" long lrint(double) noexcept;
extern "C" long lroundf(float) noexcept;
extern "C" long lround(double) noexcept;
extern "C" void sincosf(float, float *, float *) noexcept;
extern "C" void sincos(double, double *, double *) noexcept;
extern "C" float exp10f(float) noexcept;
extern "C" double exp10(double) noexcept;
extern "C" int abs(int) noexcept;
extern "C" long labs(long) noexcept;
extern "C" long long llabs(long long) noexcept;
__QJ_INLINE float fma(float x, float y, float z)
{
    return __builtin_fmaf(x, y, z);
}
__QJ_INLINE float ldexp(float x, int n)
{
    return ldexpf(x, n);
}
__QJ_INLINE float abs(float x)
{
    return __builtin_fabsf(x);
}
__QJ_INLINE double abs(double x)
{
    return __builtin_fabs(x);
}
__QJ_INLINE long abs(long x)
{
    return x < 0 ? -x : x;
}
__QJ_INLINE long long abs(long long x)
{
    return x < 0 ? -x : x;
}
__QJ_INLINE float rsqrtf(float x)
{
    return 1.0f / __builtin_sqrtf(x);
}
__QJ_INLINE double rsqrt(double x)
{
    return 1.0 / __builtin_sqrt(x);
}
__QJ_INLINE float rsqrt(float x)
{
    return rsqrtf(x);
}
__QJ_INLINE float rcbrtf(float x)
{
    return 1.0f / cbrtf(x);
}
__QJ_INLINE float normcdff(float x)
{
    return 0.5f * erfcf(x * -0.70710678118654752440f);
}
__QJ_INLINE double normcdf(double x)
{
    return 0.5 * erfc(x * -0.70710678118654752440);
}
__QJ_INLINE float fdividef(float x, float y)
{
    return x / y;
}
__QJ_INLINE float sinpif(float x)
{
    return (float)sin((double)x * 3.14159265358979323846);
}
__QJ_INLINE float cospif(float x)
{
    return (float)cos((double)x * 3.14159265358979323846);
}
__QJ_INLINE bool isnan(double x)
{
    return x != x;
}
__QJ_INLINE bool isnan(float x)
{
    return x != x;
}
__QJ_INLINE bool isinf(double x)
{
    return __builtin_fabs(x) == __builtin_inf();
}
__QJ_INLINE bool isinf(float x)
{
    return __builtin_fabsf(x) == __builtin_inff();
}
__QJ_INLINE bool isfinite(double x)
{
    return __builtin_fabs(x) < __builtin_inf();
}
__QJ_INLINE bool isfinite(float x)
{
    return __builtin_fabsf(x) < __builtin_inff();
}
__QJ_INLINE bool signbit(double x)
{
    return __builtin_signbit(x);
}
__QJ_INLINE bool signbit(float x)
{
    return __builtin_signbitf(x);
}

/* Fast variants: on a GPU approximate, here the same as the precise ones. */
#define __QJ_FAST(name, expression)                                                                          \
    __QJ_INLINE float name(float x)                                                                          \
    {                                                                                                        \
        return expression;                                                                                   \
    }
#define __QJ_FAST2(name, expression)                                                                         \
    __QJ_INLINE float name(float x, float y)                                                                 \
    {                                                                                                        \
        return expression;                                                                                   \
    }
__QJ_FAST(__expf, expf(x))
__QJ_FAST(__exp10f, exp10f(x))
__QJ_FAST(__logf, logf(x))
__QJ_FAST(__log2f, log2f(x))
__QJ_FAST(__log10f, log10f(x))
__QJ_FAST(__sinf, sinf(x))
__QJ_FAST(__cosf, cosf(x))
__QJ_FAST(__tanf, tanf(x))
__QJ_FAST(__frcp_rn, 1.0f / x)
__QJ_FAST(__fsqrt_rn, __builtin_sqrtf(x))
__QJ_FAST(__frsqrt_rn, rsqrtf(x))
__QJ_FAST(__saturatef, x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f)
__QJ_FAST2(__powf, powf(x, y))
__QJ_FAST2(__fdividef, x / y)
__QJ_FAST2(__fadd_rn, x + y)
__QJ_FAST2(__fsub_rn, x - y)
__QJ_FAST2(__fmul_rn, x *y)
__QJ_FAST2(__fdiv_rn, x / y)
#undef __QJ_FAST
#undef __QJ_FAST2
__QJ_INLINE float __fmaf_rn(float x, float y, float z)
{
    return __builtin_fmaf(x, y, z);
}
__QJ_INLINE double __fma_rn(double x, double y, double z)
{
    return __builtin_fma(x, y, z);
}

#define __QJ_MINMAX(type)                                                                                    \
    __QJ_INLINE type min(type a, type b)                                                                     \
    {                                                                                                        \
        return b < a ? b : a;                                                                                \
    }                                                                                                        \
    __QJ_INLINE type max(type a, type b)                                                                     \
    {                                                                                                        \
        return a < b ? b : a;                                                                                \
    }
__QJ_MINMAX(int)
__QJ_MINMAX(unsigned int)
__QJ_MINMAX(long)
__QJ_MINMAX(unsigned long)
__QJ_MINMAX(long long)
__QJ_MINMAX(unsigned long long)
#undef __QJ_MINMAX
__QJ_INLINE float min(float a, float b)
{
    return __builtin_fminf(a, b);
}
__QJ_INLINE float max(float a, float b)
{
    return __builtin_fmaxf(a, b);
}
__QJ_INLINE double min(double a, double b)
{
    return __builtin_fmin(a, b);
}
__QJ_INLINE double max(double a, double b)
{
    return __builtin_fmax(a, b);
}
__QJ_INLINE unsigned int min(unsigned int a, int b)
{
    return min(a, (unsigned int)b);
}
__QJ_INLINE unsigned int max(unsigned int a, int b)
{
    return max(a, (unsigned int)b);
}
__QJ_INLINE unsigned int min(int a, unsigned int b)
{
    return min((unsigned int)a, b);
}
__QJ_INLINE unsigned int max(int a, unsigned int b)
{
    return max((unsigned int)a, b);
}

__QJ_INLINE int __popc(unsigned int x)
{
    return __builtin_popcount(x);
}
__QJ_INLINE int __popcll(unsigned long long x)
{
    return __builtin_popcountll(x);
}
__QJ_INLINE int __clz(int x)
{
    return x ? __builtin_clz((unsigned)x) : 32;
}
__QJ_INLINE int __clzll(long long x)
{
    return x ? __builtin_clzll((unsigned long long)x) : 64;
}
__QJ_INLINE int __ffs(unsigned int x)
{
    return x ? __builtin_ctz(x) + 1 : 0;
}
__QJ_INLINE int __ffsll(unsigned long long x)
{
    return x ? __builtin_ctzll(x) + 1 : 0;
}
__QJ_INLINE unsigned int __brev(unsigned int x)
{
    return __builtin_bitreverse32(x);
}
__QJ_INLINE unsigned long long __brevll(unsigned long long x)
{
    return __builtin_bitreverse64(x);
}
__QJ_INLINE int __mul24(int a, int b)
{
    return ((a << 8) >> 8) * ((b << 8) >> 8);
}
__QJ_INLINE unsigned int __umul24(unsigned int a, unsigned int b)
{
    return (a & 0xffffff) * (b & 0xffffff);
}
__QJ_INLINE int __mulhi(int a, int b)
{
    return (int)(((long long)a * b) >> 32);
}
__QJ_INLINE unsigned int __umulhi(unsigned int a, unsigned int b)
{
    return (unsigned)(((unsigned long long)a * b) >> 32);
}
__QJ_INLINE unsigned long long __umul64hi(unsigned long long a, unsigned long long b)
{
    return (unsigned long long)(((unsigned __int128)a * b) >> 64);
}
__QJ_INLINE long long __mul64hi(long long a, long long b)
{
    return (long long)(((__int128)a * b) >> 64);
}
__QJ_INLINE unsigned int __byte_perm(unsigned int a, unsigned int b, unsigned int selector)
{
    unsigned long long bytes = (unsigned long long)b << 32 | a;
    unsigned int out = 0;
    for (unsigned i = 0; i < 4; i++)
        out |= (unsigned)(bytes >> (((selector >> (4 * i)) & 7) * 8) & 0xff) << (8 * i);
    return out;
}

template <class To, class From> __QJ_INLINE To __qj_bits(From from)
{
    static_assert(sizeof(To) == sizeof(From), "bits of another size");
    To to;
    __builtin_memcpy(&to, &from, sizeof to);
    return to;
}
__QJ_INLINE int __float_as_int(float x)
{
    return __qj_bits<int>(x);
}
__QJ_INLINE unsigned int __float_as_uint(float x)
{
    return __qj_bits<unsigned int>(x);
}
__QJ_INLINE float __int_as_float(int x)
{
    return __qj_bits<float>(x);
}
__QJ_INLINE float __uint_as_float(unsigned int x)
{
    return __qj_bits<float>(x);
}
__QJ_INLINE long long __double_as_longlong(double x)
{
    return __qj_bits<long long>(x);
}
__QJ_INLINE double __longlong_as_double(long long x)
{
    return __qj_bits<double>(x);
}
__QJ_INLINE int __float2int_rn(float x)
{
    return (int)__builtin_rintf(x);
}
__QJ_INLINE int __float2int_rz(float x)
{
    return (int)x;
}
__QJ_INLINE int __float2int_rd(float x)
{
    return (int)__builtin_floorf(x);
}
__QJ_INLINE int __float2int_ru(float x)
{
    return (int)__builtin_ceilf(x);
}
__QJ_INLINE float __int2float_rn(int x)
{
    return (float)x;
}
__QJ_INLINE float __uint2float_rn(unsigned int x)
{
    return (float)x;
}
template <class T> __QJ_INLINE T __ldg(const T *p)
{
    return *p;
}
