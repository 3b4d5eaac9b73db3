/* The block types in C, f16 as bits. Sizes are those of the GGUF format. */
#ifndef QJ_TESTS_CPU_REF_BLOCKS_H
#define QJ_TESTS_CPU_REF_BLOCKS_H

#include <stdint.h>

/* X(type, elements, bytes) */
#define REF_BLOCK_TYPES(X)                                                                                   \
    X(q4_0, 32, 18)                                                                                          \
    X(q4_1, 32, 20)                                                                                          \
    X(q5_0, 32, 22)                                                                                          \
    X(q5_1, 32, 24)                                                                                          \
    X(q8_0, 32, 34)                                                                                          \
    X(q8_1, 32, 36)                                                                                          \
    X(q2_K, 256, 84)                                                                                         \
    X(q3_K, 256, 110)                                                                                        \
    X(q4_K, 256, 144)                                                                                        \
    X(q5_K, 256, 176)                                                                                        \
    X(q6_K, 256, 210)                                                                                        \
    X(q8_K, 256, 292)                                                                                        \
    X(iq4_nl, 32, 18)                                                                                        \
    X(iq4_xs, 256, 136)                                                                                      \
    X(mxfp4, 32, 17)                                                                                         \
    X(nvfp4, 64, 36)

struct ref_q4_0 {
    uint16_t d;
    uint8_t qs[16];
};
struct ref_q4_1 {
    uint16_t d, m;
    uint8_t qs[16];
};
struct ref_q5_0 {
    uint16_t d;
    uint8_t qh[4], qs[16];
};
struct ref_q5_1 {
    uint16_t d, m;
    uint8_t qh[4], qs[16];
};
struct ref_q8_0 {
    uint16_t d;
    int8_t qs[32];
};
struct ref_q8_1 {
    uint16_t d, s;
    int8_t qs[32];
};
struct ref_q2_K {
    uint8_t scales[16], qs[64];
    uint16_t d, dmin;
};
struct ref_q3_K {
    uint8_t hmask[32], qs[64], scales[12];
    uint16_t d;
};
struct ref_q4_K {
    uint16_t d, dmin;
    uint8_t scales[12], qs[128];
};
struct ref_q5_K {
    uint16_t d, dmin;
    uint8_t scales[12], qh[32], qs[128];
};
struct ref_q6_K {
    uint8_t ql[128], qh[64];
    int8_t scales[16];
    uint16_t d;
};
struct ref_q8_K {
    float d;
    int8_t qs[256];
    int16_t bsums[16];
};
struct ref_iq4_nl {
    uint16_t d;
    uint8_t qs[16];
};
struct ref_iq4_xs {
    uint16_t d, scales_h;
    uint8_t scales_l[4], qs[128];
};
struct ref_mxfp4 {
    uint8_t e, qs[16];
};
struct ref_nvfp4 {
    uint8_t d[4], qs[32];
};

#define REF_CHECK_SIZE(type, elements, bytes) _Static_assert(sizeof(struct ref_##type) == (bytes), #type);
REF_BLOCK_TYPES(REF_CHECK_SIZE)
#undef REF_CHECK_SIZE

#endif
