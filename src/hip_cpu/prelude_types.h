/* Vector types and half precision. */
struct dim3 {
    unsigned int x, y, z;
    constexpr dim3(unsigned int a = 1, unsigned int b = 1, unsigned int c = 1) : x(a), y(b), z(c)
    {
    }
};

#define __QJ_ELEMENTWISE2(V, op)                                                                             \
    __QJ_INLINE V operator op(V a, V b)                                                                      \
    {                                                                                                        \
        return V{(decltype(a.x))(a.x op b.x), (decltype(a.x))(a.y op b.y)};                                  \
    }
#define __QJ_ELEMENTWISE3(V, op)                                                                             \
    __QJ_INLINE V operator op(V a, V b)                                                                      \
    {                                                                                                        \
        using T = decltype(a.x);                                                                             \
        return V{(T)(a.x op b.x), (T)(a.y op b.y), (T)(a.z op b.z)};                                         \
    }
#define __QJ_ELEMENTWISE4(V, op)                                                                             \
    __QJ_INLINE V operator op(V a, V b)                                                                      \
    {                                                                                                        \
        using T = decltype(a.x);                                                                             \
        return V{(T)(a.x op b.x), (T)(a.y op b.y), (T)(a.z op b.z), (T)(a.w op b.w)};                        \
    }
#define __QJ_VECTOR(T, name)                                                                                 \
    struct name##1                                                                                           \
    {                                                                                                        \
        T x;                                                                                                 \
    };                                                                                                       \
    struct alignas(2 * sizeof(T)) name##2                                                                    \
    {                                                                                                        \
        T x, y;                                                                                              \
    };                                                                                                       \
    struct name##3                                                                                           \
    {                                                                                                        \
        T x, y, z;                                                                                           \
    };                                                                                                       \
    struct alignas(4 * sizeof(T) > 16 ? 16 : 4 * sizeof(T)) name##4                                          \
    {                                                                                                        \
        T x, y, z, w;                                                                                        \
    };                                                                                                       \
    __QJ_INLINE name##1 make_##name##1(T x)                                                                  \
    {                                                                                                        \
        return name##1 {x};                                                                                  \
    }                                                                                                        \
    __QJ_INLINE name##2 make_##name##2(T x, T y)                                                             \
    {                                                                                                        \
        return name##2 {x, y};                                                                               \
    }                                                                                                        \
    __QJ_INLINE name##3 make_##name##3(T x, T y, T z)                                                        \
    {                                                                                                        \
        return name##3 {x, y, z};                                                                            \
    }                                                                                                        \
    __QJ_INLINE name##4 make_##name##4(T x, T y, T z, T w)                                                   \
    {                                                                                                        \
        return name##4 {x, y, z, w};                                                                         \
    }                                                                                                        \
    __QJ_ELEMENTWISE2(name##2, +)                                                                            \
    __QJ_ELEMENTWISE2(name##2, -)                                                                            \
    __QJ_ELEMENTWISE2(name##2, *)                                                                            \
    __QJ_ELEMENTWISE3(name##3, +)                                                                            \
    __QJ_ELEMENTWISE3(name##3, -)                                                                            \
    __QJ_ELEMENTWISE3(name##3, *)                                                                            \
    __QJ_ELEMENTWISE4(name##4, +)                                                                            \
    __QJ_ELEMENTWISE4(name##4, -)                                                                            \
    __QJ_ELEMENTWISE4(name##4, *)
__QJ_VECTOR(signed char, char)
__QJ_VECTOR(unsigned char, uchar)
__QJ_VECTOR(short, short)
__QJ_VECTOR(unsigned short, ushort)
__QJ_VECTOR(int, int)
__QJ_VECTOR(unsigned int, uint)
__QJ_VECTOR(long, long)
__QJ_VECTOR(unsigned long, ulong)
__QJ_VECTOR(long long, longlong)
__QJ_VECTOR(unsigned long long, ulonglong)
__QJ_VECTOR(float, float)
__QJ_VECTOR(double, double)
#undef __QJ_VECTOR
#undef __QJ_ELEMENTWISE2
#undef __QJ_ELEMENTWISE3
#undef __QJ_ELEMENTWISE4

/* Rounds the magnitude of a double (its bits without the sign) to binary16, to nearest, ties to even. A float
 * is a double exactly, so one rounding serves both. */
__QJ_INLINE unsigned short __qj_half_of(double value)
{
    unsigned long long bits = __qj_bits<unsigned long long>(value), mantissa = bits & 0xfffffffffffffull;
    unsigned short sign = (unsigned short)(bits >> 48 & 0x8000);
    int exponent = (int)(bits >> 52 & 0x7ff) - 1023;
    if (exponent == 1024) /* infinity; NaN keeps its upper bits and becomes quiet */
        return (unsigned short)(sign | 0x7c00 | (mantissa ? 0x200 | mantissa >> 42 : 0));
    if (exponent < -25)
        return sign;
    if (exponent > 15)
        return (unsigned short)(sign | 0x7c00);
    int shift = exponent < -14 ? 42 - 14 - exponent : 42;
    unsigned long long whole = mantissa | 1ull << 52, kept = whole >> shift;
    unsigned long long rest = whole & ((1ull << shift) - 1), tie = 1ull << (shift - 1);
    kept += rest > tie || (rest == tie && (kept & 1));
    /* kept holds the implicit bit where the result is normal; a carry moves into the exponent by itself */
    return (unsigned short)(sign |
                            (exponent < -14 ? kept : kept + ((unsigned long long)(exponent + 14) << 10)));
}
__QJ_INLINE float __qj_float_of(unsigned short half)
{
    unsigned int sign = (unsigned)(half & 0x8000) << 16, exponent = half >> 10 & 31, mantissa = half & 0x3ff;
    if (exponent == 31)
        return __uint_as_float(sign | 0x7f800000u | (mantissa ? 0x400000u | mantissa << 13 : 0));
    if (exponent == 0) {
        float magnitude = (float)mantissa * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    return __uint_as_float(sign | (exponent + 112) << 23 | mantissa << 13);
}

struct __half_raw {
    unsigned short x;
};
struct __half {
    unsigned short __x;
    __half() = default;
    __QJ_PLAIN __half(float value) : __x(__qj_half_of(value))
    {
    }
    __QJ_PLAIN __half(double value) : __x(__qj_half_of(value))
    {
    }
    template <class T, class = decltype(T{} % T{})> __half(T value) : __x(__qj_half_of((double)value))
    {
    }
    __half(__half_raw raw) : __x(raw.x)
    {
    }
    operator float() const
    {
        return __qj_float_of(__x);
    }
    operator __half_raw() const
    {
        return __half_raw{__x};
    }
    template <class T> __half &operator+=(T other)
    {
        return *this = __half((float)*this + (float)other);
    }
    template <class T> __half &operator-=(T other)
    {
        return *this = __half((float)*this - (float)other);
    }
    template <class T> __half &operator*=(T other)
    {
        return *this = __half((float)*this * (float)other);
    }
    template <class T> __half &operator/=(T other)
    {
        return *this = __half((float)*this / (float)other);
    }
    __half operator-() const
    {
        return __half(__half_raw{(unsigned short)(__x ^ 0x8000)});
    }
};
typedef __half half;
/* Where the compiler's own type needs instructions that a plain x86-64 lacks. */
#define _Float16 __half

template <class T> struct __qj_is_half {
};
template <> struct __qj_is_half<__half> {
    typedef __half type;
    typedef bool truth;
};
/* Between two halves only: with a float, the half is promoted. Binary32 is wide enough that rounding its
 * result once more gives the correctly rounded half. */
#define __QJ_HALF(op)                                                                                        \
    template <class T> __QJ_INLINE typename __qj_is_half<T>::type operator op(T a, T b)                      \
    {                                                                                                        \
        return __half((float)a op(float) b);                                                                 \
    }
__QJ_HALF(+)
__QJ_HALF(-)
__QJ_HALF(*)
__QJ_HALF(/)
#undef __QJ_HALF
__QJ_INLINE __half __float2half(float x)
{
    return __half(x);
}
__QJ_INLINE __half __float2half_rn(float x)
{
    return __half(x);
}
__QJ_INLINE __half __double2half(double x)
{
    return __half(x);
}
__QJ_INLINE float __half2float(__half x)
{
    return (float)x;
}
__QJ_INLINE __half __int2half_rn(int x)
{
    return __half(x);
}
__QJ_INLINE int __half2int_rn(__half x)
{
    return (int)__builtin_rintf((float)x);
}
__QJ_INLINE int __half2int_rz(__half x)
{
    return (int)(float)x;
}
__QJ_INLINE unsigned short __half_as_ushort(__half x)
{
    return x.__x;
}
__QJ_INLINE short __half_as_short(__half x)
{
    return (short)x.__x;
}
__QJ_INLINE __half __ushort_as_half(unsigned short x)
{
    return __half(__half_raw{x});
}
__QJ_INLINE __half __short_as_half(short x)
{
    return __half(__half_raw{(unsigned short)x});
}
__QJ_INLINE __half __hadd(__half a, __half b)
{
    return a + b;
}
__QJ_INLINE __half __hsub(__half a, __half b)
{
    return a - b;
}
__QJ_INLINE __half __hmul(__half a, __half b)
{
    return a * b;
}
__QJ_INLINE __half __hdiv(__half a, __half b)
{
    return a / b;
}
__QJ_INLINE __half __hneg(__half a)
{
    return -a;
}
__QJ_INLINE __half __habs(__half a)
{
    return __ushort_as_half(a.__x & 0x7fff);
}
/* A product of halves is exact in double, and so is a sum that could be a tie: one rounding, as in hardware.
 */
__QJ_INLINE __half __hfma(__half a, __half b, __half c)
{
    return __half((double)(float)a * (double)(float)b + (double)(float)c);
}
__QJ_INLINE bool __heq(__half a, __half b)
{
    return (float)a == (float)b;
}
__QJ_INLINE bool __hne(__half a, __half b)
{
    return (float)a != (float)b;
}
__QJ_INLINE bool __hlt(__half a, __half b)
{
    return (float)a < (float)b;
}
__QJ_INLINE bool __hle(__half a, __half b)
{
    return (float)a <= (float)b;
}
__QJ_INLINE bool __hgt(__half a, __half b)
{
    return (float)a > (float)b;
}
__QJ_INLINE bool __hge(__half a, __half b)
{
    return (float)a >= (float)b;
}
__QJ_INLINE bool __hisnan(__half a)
{
    return (a.__x & 0x7fff) > 0x7c00;
}
__QJ_INLINE __half __hmax(__half a, __half b)
{
    return __half(__builtin_fmaxf((float)a, (float)b));
}
__QJ_INLINE __half __hmin(__half a, __half b)
{
    return __half(__builtin_fminf((float)a, (float)b));
}
#define __QJ_HALF1(name, function)                                                                           \
    __QJ_INLINE __half name(__half x)                                                                        \
    {                                                                                                        \
        return __half(function((float)x));                                                                   \
    }
__QJ_HALF1(hexp, expf)
__QJ_HALF1(hlog, logf)
__QJ_HALF1(hsin, sinf)
__QJ_HALF1(hcos, cosf)
__QJ_HALF1(hsqrt, sqrtf)
__QJ_HALF1(hrsqrt, rsqrtf)
__QJ_HALF1(hceil, ceilf)
__QJ_HALF1(hfloor, floorf)
__QJ_HALF1(htrunc, truncf)
__QJ_HALF1(hrint, rintf)
#undef __QJ_HALF1
__QJ_INLINE __half hrcp(__half x)
{
    return __half(1.0f / (float)x);
}

struct alignas(4) __half2 {
    __half x, y;
    __half2() = default;
    __half2(__half a, __half b) : x(a), y(b)
    {
    }
};
typedef __half2 half2;
__QJ_INLINE __half2 make_half2(__half a, __half b)
{
    return __half2(a, b);
}
__QJ_INLINE __half2 __halves2half2(__half a, __half b)
{
    return __half2(a, b);
}
__QJ_INLINE __half2 __half2half2(__half a)
{
    return __half2(a, a);
}
__QJ_INLINE __half2 __float2half2_rn(float a)
{
    return __half2(__half(a), __half(a));
}
__QJ_INLINE __half2 __floats2half2_rn(float a, float b)
{
    return __half2(__half(a), __half(b));
}
__QJ_INLINE __half2 __float22half2_rn(float2 a)
{
    return __half2(__half(a.x), __half(a.y));
}
__QJ_INLINE float2 __half22float2(__half2 a)
{
    return float2{(float)a.x, (float)a.y};
}
__QJ_INLINE __half __low2half(__half2 a)
{
    return a.x;
}
__QJ_INLINE __half __high2half(__half2 a)
{
    return a.y;
}
__QJ_INLINE float __low2float(__half2 a)
{
    return (float)a.x;
}
__QJ_INLINE float __high2float(__half2 a)
{
    return (float)a.y;
}
__QJ_INLINE __half2 __hadd2(__half2 a, __half2 b)
{
    return __half2(a.x + b.x, a.y + b.y);
}
__QJ_INLINE __half2 __hsub2(__half2 a, __half2 b)
{
    return __half2(a.x - b.x, a.y - b.y);
}
__QJ_INLINE __half2 __hmul2(__half2 a, __half2 b)
{
    return __half2(a.x * b.x, a.y * b.y);
}
__QJ_INLINE __half2 __hfma2(__half2 a, __half2 b, __half2 c)
{
    return __half2(__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y));
}
