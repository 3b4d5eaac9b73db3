/* Where the quants and scales of the types of 256 elements lie in their bytes, both ways. Packing sets every
 * byte. */
#ifndef QJ_BLOCKS_PACK_H
#define QJ_BLOCKS_PACK_H

#include <stdint.h>

#include "blocks/layout.h"

/* Two bits each: 32 bytes for 128 elements, byte b with elements b, b + 32, b + 64 and b + 96 from its low
 * bits to its high ones. */
void qj_get_pairs(int q[QJ_SUPER], const uint8_t qs[64]);
void qj_put_pairs(uint8_t qs[64], const int q[QJ_SUPER]);

/* Four bits each: 32 bytes for 64 elements, byte b with elements b (low) and b + 32. */
void qj_get_nibbles(int q[QJ_SUPER], const uint8_t qs[128]);
void qj_put_nibbles(uint8_t qs[128], const int q[QJ_SUPER]);

/* One more bit each, bit number `bit` of q: for element i bit i / 32 of byte i % 32. */
void qj_add_bits(int q[QJ_SUPER], const uint8_t bits[32], int bit);
void qj_put_bits(uint8_t bits[32], const int q[QJ_SUPER], int bit);

/* Six bits each: of every 128 elements the low four in 64 bytes of ql, byte b with elements b (low) and b +
 * 64, and the upper two in 32 bytes of qh, as qj_get_pairs has them. */
void qj_get_q6(int q[QJ_SUPER], const uint8_t ql[128], const uint8_t qh[64]);
void qj_put_q6(uint8_t ql[128], uint8_t qh[64], const int q[QJ_SUPER]);

/* Sixteen of six bits: the low four in the low nibbles of bytes 0 to 7, then in their high ones; the upper
 * two of numbers j, j + 4, j + 8 and j + 12 in byte 8 + j. */
void qj_get_scales_q3(int scales[16], const uint8_t packed[12]);
void qj_put_scales_q3(uint8_t packed[12], const int scales[16]);

/* Eight scales and eight minima of six bits: the first four of each in bytes 0 to 3 and 4 to 7; of the last
 * four the low nibbles in bytes 8 to 11, scale below minimum, and the upper two bits above those of the first
 * four. */
void qj_get_scales_q4(int scales[8], int minima[8], const uint8_t packed[12]);
void qj_put_scales_q4(uint8_t packed[12], const int scales[8], const int minima[8]);

#endif
