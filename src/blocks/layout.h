/* The blocks as bytes, in the order in which they lie: a member of two bytes that is no array of quants is an
 * f16 unless it says otherwise. */
#ifndef QJ_BLOCKS_LAYOUT_H
#define QJ_BLOCKS_LAYOUT_H

#include <stdint.h>

enum { QJ_BLOCK = 32, QJ_SUPER = 256 };

/* 32 elements: the low nibbles of qs are elements 0 to 15, the high ones 16 to 31. */
struct qj_q4_0 {
    uint8_t d[2], qs[16];
};
struct qj_q4_1 {
    uint8_t d[2], m[2], qs[16];
};
/* The fifth bit of element i is bit i of qh, a number of four bytes. */
struct qj_q5_0 {
    uint8_t d[2], qh[4], qs[16];
};
struct qj_q5_1 {
    uint8_t d[2], m[2], qh[4], qs[16];
};
struct qj_q8_0 {
    uint8_t d[2], qs[32];
};
struct qj_q8_1 {
    uint8_t d[2], s[2], qs[32]; /* s: the sum of the 32 values before they were quantised */
};

/* 256 elements. */
struct qj_q2_K {
    uint8_t scales[16]; /* of 16 elements: low nibble scale, high nibble minimum */
    uint8_t qs[64], d[2], dmin[2];
};
struct qj_q3_K {
    uint8_t hmask[32], qs[64];
    uint8_t scales[12]; /* 16 of six bits */
    uint8_t d[2];
};
struct qj_q4_K {
    uint8_t d[2], dmin[2];
    uint8_t scales[12]; /* 8 scales and 8 minima of six bits */
    uint8_t qs[128];
};
struct qj_q5_K {
    uint8_t d[2], dmin[2], scales[12], qh[32], qs[128];
};
struct qj_q6_K {
    uint8_t ql[128], qh[64];
    uint8_t scales[16]; /* signed */
    uint8_t d[2];
};
struct qj_q8_K {
    uint8_t d[4]; /* a float */
    uint8_t qs[256];
    uint8_t bsums[16][2]; /* signed: sums of 16 quants */
};

/* Quants are places in a table. */
struct qj_iq4_nl {
    uint8_t d[2], qs[16];
};
struct qj_iq4_xs {
    uint8_t d[2];
    uint8_t scales_h[2], scales_l[4]; /* 8 scales of six bits: the low four here, the upper two there */
    uint8_t qs[128];                  /* 16 for each 32 elements, as iq4_nl */
};
struct qj_mxfp4 {
    uint8_t e; /* scale 2^(e - 127) */
    uint8_t qs[16];
};
/* 64 elements, four groups of 16 with eight bytes each. */
struct qj_nvfp4 {
    uint8_t d[4]; /* scales, E4M3 without a sign */
    uint8_t qs[32];
};

#endif
