#include "blocks/pack.h"

#include <string.h>

void qj_get_pairs(int q[QJ_SUPER], const uint8_t qs[64])
{
    for (int i = 0; i < QJ_SUPER; i++) {
        q[i] = qs[i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2) & 3;
    }
}

void qj_put_pairs(uint8_t qs[64], const int q[QJ_SUPER])
{
    memset(qs, 0, 64);
    for (int i = 0; i < QJ_SUPER; i++) {
        qs[i / 128 * 32 + i % 32] |= (uint8_t)((q[i] & 3) << (i / 32 % 4 * 2));
    }
}

void qj_get_nibbles(int q[QJ_SUPER], const uint8_t qs[128])
{
    for (int i = 0; i < QJ_SUPER; i++) {
        q[i] = qs[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4) & 15;
    }
}

void qj_put_nibbles(uint8_t qs[128], const int q[QJ_SUPER])
{
    memset(qs, 0, 128);
    for (int i = 0; i < QJ_SUPER; i++) {
        qs[i / 64 * 32 + i % 32] |= (uint8_t)((q[i] & 15) << (i / 32 % 2 * 4));
    }
}

void qj_add_bits(int q[QJ_SUPER], const uint8_t bits[32], int bit)
{
    for (int i = 0; i < QJ_SUPER; i++) {
        q[i] |= (bits[i % 32] >> (i / 32) & 1) << bit;
    }
}

void qj_put_bits(uint8_t bits[32], const int q[QJ_SUPER], int bit)
{
    memset(bits, 0, 32);
    for (int i = 0; i < QJ_SUPER; i++) {
        bits[i % 32] |= (uint8_t)((q[i] >> bit & 1) << (i / 32));
    }
}

void qj_get_q6(int q[QJ_SUPER], const uint8_t ql[128], const uint8_t qh[64])
{
    qj_get_pairs(q, qh);
    for (int i = 0; i < QJ_SUPER; i++) {
        q[i] = q[i] << 4 | (ql[i / 128 * 64 + i % 64] >> (i / 64 % 2 * 4) & 15);
    }
}

void qj_put_q6(uint8_t ql[128], uint8_t qh[64], const int q[QJ_SUPER])
{
    int upper[QJ_SUPER];
    memset(ql, 0, 128);
    for (int i = 0; i < QJ_SUPER; i++) {
        ql[i / 128 * 64 + i % 64] |= (uint8_t)((q[i] & 15) << (i / 64 % 2 * 4));
        upper[i] = q[i] >> 4;
    }
    qj_put_pairs(qh, upper);
}

void qj_get_scales_q3(int scales[16], const uint8_t packed[12])
{
    for (int j = 0; j < 16; j++) {
        const int low = packed[j % 8] >> (j / 8 * 4) & 15, high = packed[8 + j % 4] >> (j / 4 * 2) & 3;
        scales[j] = low | high << 4;
    }
}

void qj_put_scales_q3(uint8_t packed[12], const int scales[16])
{
    memset(packed, 0, 12);
    for (int j = 0; j < 16; j++) {
        packed[j % 8] |= (uint8_t)((scales[j] & 15) << (j / 8 * 4));
        packed[8 + j % 4] |= (uint8_t)((scales[j] >> 4) << (j / 4 * 2));
    }
}

void qj_get_scales_q4(int scales[8], int minima[8], const uint8_t packed[12])
{
    for (int j = 0; j < 4; j++) {
        scales[j] = packed[j] & 63;
        minima[j] = packed[4 + j] & 63;
        scales[4 + j] = (packed[8 + j] & 15) | packed[j] >> 6 << 4;
        minima[4 + j] = packed[8 + j] >> 4 | packed[4 + j] >> 6 << 4;
    }
}

void qj_put_scales_q4(uint8_t packed[12], const int scales[8], const int minima[8])
{
    for (int j = 0; j < 4; j++) {
        packed[j] = (uint8_t)(scales[j] | scales[4 + j] >> 4 << 6);
        packed[4 + j] = (uint8_t)(minima[j] | minima[4 + j] >> 4 << 6);
        packed[8 + j] = (uint8_t)((scales[4 + j] & 15) | (minima[4 + j] & 15) << 4);
    }
}
