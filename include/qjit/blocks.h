/* qjit: blocks of ggml's types made from floats and read back on the host. Needs no context, no device and no
 * HIP library.
 *
 * The conventions of qjit.h hold. Types are numbers of qjit_ggml_type (gguf.h, which also has their sizes).
 * Blocks and floats in memory must not overlap; blocks need no alignment. Any number of threads may call
 * these at once, also for parts of one tensor: blocks know nothing of each other.
 *
 * Formats: as ggml documents its types; `kernel_src/include` and docs/blocks.md have them in words.
 */
#ifndef QJIT_BLOCKS_H
#define QJIT_BLOCKS_H

#include <qjit/gguf.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The bytes that n elements take. Fails with QJIT_NOT_FOUND (a number that is no type), QJIT_INVALID_ARGUMENT
 * (n is no multiple of the type's block; more than 2^63 - 1 bytes). Any type of gguf.h will do. */
QJIT_API qjit_status qjit_get_block_bytes(uint64_t *out, uint32_t type, uint64_t n);

/* Quantises n floats to n / block_elements blocks. The same input gives the same bytes on every machine.
 *   - Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q8_K: scale and minimum from the extremes, as ggml does it.
 *   - Q8_1: as the kernel quantize_q8_1 does it.
 *   - Q2_K to Q6_K, IQ4_NL, IQ4_XS, MXFP4, NVFP4: the least squared error that a short search finds; other
 *     bytes than ggml's, which weighs errors.
 *   - F16, BF16: rounded to nearest, ties to even. F32: copied.
 * What is larger than a block can say becomes the nearest that it can (F16 and the scale of Q8_1: infinity).
 * F32, F16 and BF16 take infinities and NaN as they are; for the others such an element is an error, as it
 * would take its whole block with it. On failure *out may have been written. Fails with QJIT_NOT_FOUND (no
 * such type, or one without a quantiser here: n == 0 asks for just that), QJIT_INVALID_ARGUMENT (n is no
 * multiple of the block; an element that is not finite). */
QJIT_API qjit_status qjit_quantize_blocks(void *out, uint32_t type, const float *x, size_t n);

/* The value of each of n elements: F32, F16, BF16, and every type named above. They are those of the
 * dequantize kernels to the bit, but for the payload of NaN.
 * Fails with QJIT_NOT_FOUND (no such type, or one that cannot be read here: n == 0 asks for just that),
 * QJIT_INVALID_ARGUMENT (n is no multiple of the block). */
QJIT_API qjit_status qjit_dequantize_blocks(float *out, uint32_t type, const void *blocks, size_t n);

#ifdef __cplusplus
}
#endif

#endif
