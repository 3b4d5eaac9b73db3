// The block formats of GGUF/ggml: little endian, packed, no padding. A file or a buffer is a row of blocks;
// the elements of a block are numbered in the order in which they are dequantised.
#pragma once

#include "fp16.h"

enum { QK_BLOCK = 32, QK_SUPER = 256 };

// 32 elements. Element i < 16 is the low nibble of qs[i], element i + 16 its high nibble.
struct block_q4_0 {
    enum { SIZE = QK_BLOCK };
    __half d;
    uint8_t qs[16];
};
struct block_q4_1 {
    enum { SIZE = QK_BLOCK };
    __half d, m;
    uint8_t qs[16];
};
// The fifth bit of element i is bit i % 8 of qh[i / 8].
struct block_q5_0 {
    enum { SIZE = QK_BLOCK };
    __half d;
    uint8_t qh[4];
    uint8_t qs[16];
};
struct block_q5_1 {
    enum { SIZE = QK_BLOCK };
    __half d, m;
    uint8_t qh[4];
    uint8_t qs[16];
};
struct block_q8_0 {
    enum { SIZE = QK_BLOCK };
    __half d;
    int8_t qs[32];
};
// An activation block: s is the sum of the 32 values before they were quantised.
struct block_q8_1 {
    enum { SIZE = QK_BLOCK };
    __half d, s;
    int8_t qs[32];
};

// 256 elements, with scales of their own for each 16 or 32 of them.
struct block_q2_K {
    enum { SIZE = QK_SUPER };
    uint8_t scales[16]; // of 16 elements: low nibble scale, high nibble minimum
    uint8_t qs[64];
    __half d, dmin;
};
struct block_q3_K {
    enum { SIZE = QK_SUPER };
    uint8_t hmask[32];
    uint8_t qs[64];
    uint8_t scales[12]; // 16 of six bits
    __half d;
};
struct block_q4_K {
    enum { SIZE = QK_SUPER };
    __half d, dmin;
    uint8_t scales[12]; // 8 scales and 8 minima of six bits
    uint8_t qs[128];
};
struct block_q5_K {
    enum { SIZE = QK_SUPER };
    __half d, dmin;
    uint8_t scales[12];
    uint8_t qh[32];
    uint8_t qs[128];
};
struct block_q6_K {
    enum { SIZE = QK_SUPER };
    uint8_t ql[128];
    uint8_t qh[64];
    int8_t scales[16];
    __half d;
};
struct block_q8_K {
    enum { SIZE = QK_SUPER };
    float d;
    int8_t qs[256];
    int16_t bsums[16];
};

static_assert(sizeof(block_q4_0) == 18, "q4_0 is 18 bytes");
static_assert(sizeof(block_q4_1) == 20, "q4_1 is 20 bytes");
static_assert(sizeof(block_q5_0) == 22, "q5_0 is 22 bytes");
static_assert(sizeof(block_q5_1) == 24, "q5_1 is 24 bytes");
static_assert(sizeof(block_q8_0) == 34, "q8_0 is 34 bytes");
static_assert(sizeof(block_q8_1) == 36, "q8_1 is 36 bytes");
static_assert(sizeof(block_q2_K) == 84, "q2_K is 84 bytes");
static_assert(sizeof(block_q3_K) == 110, "q3_K is 110 bytes");
static_assert(sizeof(block_q4_K) == 144, "q4_K is 144 bytes");
static_assert(sizeof(block_q5_K) == 176, "q5_K is 176 bytes");
static_assert(sizeof(block_q6_K) == 210, "q6_K is 210 bytes");
static_assert(sizeof(block_q8_K) == 292, "q8_K is 292 bytes");

// Four bytes as a little-endian number; p is aligned to four. NVRTC forgets what it was told to assume where
// a load depends on a condition, and then reads byte by byte; a load by type stays one.
QJ_DEVICE uint32_t aligned_word(const void *p)
{
#ifdef __HIP_PLATFORM_NVIDIA__
    return *(const uint32_t *)p;
#else
    uint32_t word;
    memcpy(&word, __builtin_assume_aligned(p, 4), sizeof word);
    return word;
#endif
}
