/* IEEE binary16 as 16 bits, slowly and obviously. */
#ifndef QJ_TESTS_CPU_REF_F16_H
#define QJ_TESTS_CPU_REF_F16_H

#include <stdint.h>

/* Exact. Infinities and NaN stay what they are. */
double ref_f16_to_double(uint16_t bits);

/* To nearest, ties to even; 65520 and more becomes infinity; a NaN becomes 0x7e00 with its sign. */
uint16_t ref_f16_from_double(double x);

#endif
