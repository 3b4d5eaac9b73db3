/* Sign 1 bit, exponent 5 bits with bias 15, fraction 10 bits. */
#include "cpu_ref/f16.h"

#include <math.h>

double ref_f16_to_double(uint16_t bits)
{
    const double sign = bits & 0x8000 ? -1.0 : 1.0;
    const int exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff;
    if (exponent == 31)
        return fraction ? copysign(NAN, sign) : sign * INFINITY;
    if (exponent == 0) /* subnormal: fraction counts units of 2^-24 */
        return sign * ldexp(fraction, -24);
    return sign * ldexp(1024 + fraction, exponent - 25);
}

uint16_t ref_f16_from_double(double x)
{
    const unsigned sign = signbit(x) ? 0x8000 : 0;
    const double size = fabs(x);
    if (isnan(x))
        return (uint16_t)(sign | 0x7e00);
    if (size >= 65520.0)
        return (uint16_t)(sign | 0x7c00);
    /* nearbyint rounds to nearest even. Below 2^-14 the unit is 2^-24, and rounding up to 1024 units gives
     * the bits of 2^-14 by itself, as every carry into the exponent does. */
    if (size < ldexp(1, -14))
        return (uint16_t)(sign | (unsigned)nearbyint(ldexp(size, 24)));
    const int exponent = ilogb(size);
    const unsigned significand = (unsigned)nearbyint(ldexp(size, 10 - exponent)); /* 1024 ... 2048 */
    return (uint16_t)(sign | (((unsigned)(exponent + 15) << 10) + (significand - 1024)));
}
