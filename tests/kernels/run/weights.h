/* What the families that multiply quantised weights share: matrices to multiply, and the comparison. */
#ifndef QJ_TESTS_KERNELS_WEIGHTS_H
#define QJ_TESTS_KERNELS_WEIGHTS_H

#include <cpu_ref/mat_vec.h>

#include "run.h"

/* What a block's scales are. */
enum weights_scales {
    SCALES_F16,  /* two: the scale and the minimum, or the scale twice */
    SCALES_F32,  /* one, at the start */
    SCALES_E8M0, /* one, at the start; 255 is NaN */
    SCALES_UE4M3 /* four, at the start; 0x7f and 0xff are NaN */
};

/* A block type, and how its kernels are launched: a contract with existing callers, written out here. */
struct weights_type {
    const char *name;
    enum weights_scales format;
    size_t scales[2]; /* where those of f16 are */
    struct {
        unsigned threads, per_group; /* the grid is ceil(elements / per_group) */
        unsigned k_counts;           /* the parameter k is the elements / k_counts; 0: there is no k */
    } dequantize;
    struct {
        unsigned threads, per_group; /* 0: there are no kernels but dequantize */
        bool is_exact;               /* y = columns / per_group; else that rounded up, at most 65535 */
    } get_rows;
    struct {
        unsigned rows, columns; /* of a block's tile */
    } mul_mat;
    const char *dequantize_mul_mat_vec; /* the end of its name; NULL: there is none */
    unsigned mat_vec_wide_subgroups;    /* of a block of threads */
};

enum { WEIGHTS_TYPES = 15 };
extern const struct weights_type weights_types[WEIGHTS_TYPES];

enum weights_kind {
    WEIGHTS_FINITE, /* random quants and scales, as a model could have them */
    WEIGHTS_BYTES, /* random bytes throughout: every bit pattern is a block; 1 in 32 f16 is infinite or NaN */
    WEIGHTS_EXTREME, /* scales of zero, the smallest and the largest that are finite */
    WEIGHTS_ZERO,
    WEIGHTS_KINDS
};
extern const char *const weights_kind_names[WEIGHTS_KINDS];

void weights_fill(struct run *run, const struct weights_type *type, enum weights_kind kind, void *blocks,
                  size_t n_blocks);
/* As run_fuzz, and draws n rows of k weights for the case; half of the cases are of any bytes. */
bool weights_fuzz(struct run *run, const struct ref_type *type, enum weights_kind *kind, size_t *k,
                  size_t *n);
/* Makes these the scales of a block; formats of a byte take the upper ones, of four also the lower ones. */
void weights_set_scales(const struct weights_type *type, unsigned char *block, uint16_t scale,
                        uint16_t minimum);
/* A finite f16 of that kind, or of WEIGHTS_BYTES any. */
uint16_t weights_random_f16(struct run *run, enum weights_kind kind);

/* As ggml quantises: the largest magnitude of each 32 becomes -8 and the others what is nearest in its scale.
 */
void weights_quantize_q4_0(struct ref_q4_0 *out, const float *x, size_t n_blocks);

/* got[i] is right if it differs from wanted[i].value by at most
 *
 *     (n_additions + 16) * 2^-24 * wanted[i].magnitude
 *
 * as n_additions f32 additions in a row, each of an error of at most 2^-24 of the sum so far, whose magnitude
 * is at most that of all terms, may make it; 16 more are for the tree over the lanes, the other sub-groups
 * and the few products of each term. Fewer than 2^-20 of a term of a few thousand are so let pass: nothing
 * that a wrong quant or scale could hide in.
 *
 * and by as many times 2^-149, below which f32 has nothing. Where the exact sum is infinite or a NaN got[i]
 * must be one of both: an infinite scale gives one or the other depending on the order of the additions and
 * on what is added before it is multiplied. Where the terms' magnitudes add up to more than f32 has, it may
 * be. */
void weights_expect(struct run *run, const float *got, const struct ref_sum *wanted, size_t n,
                    size_t n_additions);

#endif
