/* What the files of this room share: the types, one row each, and what a row may point to. */
#ifndef QJ_BLOCKS_BLOCKS_H
#define QJ_BLOCKS_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#include <qjit/blocks.h>

/* n blocks, one after the other, from finite floats, or to floats. */
typedef void (*qj_quantize_fn)(void *out, const float *x, size_t n);
typedef void (*qj_dequantize_fn)(float *out, const void *blocks, size_t n);

/* Name as in QJIT_GGML_TYPE_MAP; every type here has both directions. */
#define QJ_BLOCK_TYPE_MAP(X)                                                                                 \
    X(F32)                                                                                                   \
    X(F16)                                                                                                   \
    X(BF16)                                                                                                  \
    X(Q4_0)                                                                                                  \
    X(Q4_1)                                                                                                  \
    X(Q5_0)                                                                                                  \
    X(Q5_1)                                                                                                  \
    X(Q8_0)                                                                                                  \
    X(Q8_1)                                                                                                  \
    X(Q2_K)                                                                                                  \
    X(Q3_K)                                                                                                  \
    X(Q4_K)                                                                                                  \
    X(Q5_K)                                                                                                  \
    X(Q6_K)                                                                                                  \
    X(Q8_K)                                                                                                  \
    X(IQ4_NL)                                                                                                \
    X(IQ4_XS)                                                                                                \
    X(MXFP4)                                                                                                 \
    X(NVFP4)

#define QJ_DECLARE_BLOCK_TYPE(name)                                                                          \
    void qj_quantize_##name(void *out, const float *x, size_t n);                                            \
    void qj_dequantize_##name(float *out, const void *blocks, size_t n);
QJ_BLOCK_TYPE_MAP(QJ_DECLARE_BLOCK_TYPE)
#undef QJ_DECLARE_BLOCK_TYPE

#endif
