// How kernels are cut to the arch, one row for each class of them; the launch geometry that hosts must use.
// Read by kernels and by hosts in C.
#pragma once

/* Mat-vec of a batch of `batch` columns, 1 to 8: block (32, QJ_MAT_VEC_SUBGROUPS, 1), grid of one block for
 * each QJ_MAT_VEC_ROWS rows. A contract with existing callers, on every arch. */
#define QJ_MAT_VEC_SUBGROUPS(batch) ((batch) < 5 ? 4 : 2)
#define QJ_MAT_VEC_ROWS(batch)      ((batch) == 1 ? 1 : 2)

/* mul_mat_vec_wide of a type: block (32, sub-groups, 1) and any grid, of which `blocks` for each
 * multiprocessor are best: as many as it has at work at once. On CUDA a thread has `rows` rows at a time;
 * from sm_80 on they are staged (mat_vec_staged.h) where there are stages. */
// clang-format off
#define QJ_MAT_VEC_WIDE(row)                                                                                 \
    /*  type   sub-groups  blocks  rows  stages */                                                           \
    row(q4_0,          16,      2,    1,       0)                                                            \
    row(q4_1,          16,      2,    1,       0)                                                            \
    row(q5_0,          16,      2,    1,       0)                                                            \
    row(q5_1,          16,      2,    1,       0)                                                            \
    row(q8_0,           4,      4,    2,       2)                                                            \
    row(q2_K,           4,      4,    2,       2)                                                            \
    row(q3_K,           4,      4,    2,       2)                                                            \
    row(q4_K,          16,      2,    1,       0)                                                            \
    row(q5_K,          16,      2,    1,       0)                                                            \
    row(q6_K,           4,      4,    1,       2)                                                            \
    row(iq4_nl,        16,      2,    1,       0)                                                            \
    row(iq4_xs,        16,      2,    1,       0)                                                            \
    row(mxfp4,         16,      2,    1,       0)                                                            \
    row(nvfp4,         16,      2,    1,       0)
// clang-format on

/* Of a mat-vec:
 * rows:    of batch 1, rows that a thread has at a time, for which it loads the activations once;
 * sharers: of batch 1, sub-groups that share these rows, 1, 2 or 4: the others of the block have further
 * rows. With more rows to a block than the contract gives it, the last blocks find nothing to do; rows of
 * a batch: the rows that a thread has of larger batches, 1 or 2; columns: those it has at a time. Without an
 * integer dot product more of them would take more registers than there are. */
// clang-format off
#define QJ_TUNING(row)                                                                                       \
    /*  class   mat-vec: rows  sharers  rows of a batch  columns */                                          \
    row(cpu,             2,     2,       2,            8)                                                                  \
    row(cuda,            2,     2,       2,            8)                                                                  \
    row(gcn_no_sdwa,     1,     2,       1,            2) /* gfx6, gfx7: no multiplication of single bytes either */       \
    row(gcn,             1,     2,       1,            4) /* gfx8, gfx9 without an integer dot product */                  \
    row(gfx906,          1,     2,       2,            8)                                                                  \
    row(cdna,            1,     2,       2,            8) /* gfx908, gfx90a */                                             \
    row(cdna3,           1,     2,       2,            8) /* gfx94x, gfx950 */                                             \
    row(rdna1,           1,     2,       1,            8) /* gfx101x; some are without */                                  \
    row(rdna2,           1,     2,       2,            8) /* gfx103x */                                                    \
    row(rdna3,           1,     2,       2,            8) /* gfx110x */                                                    \
    row(rdna35,          1,     2,       2,            8) /* gfx115x */                                                    \
    row(rdna4,           1,     2,       2,            8) /* gfx12 */
// clang-format on

/* On CUDA each type has its own:
 * rows, sharers: as above;
 * parts:         of batch 1, those of a row that a thread has under way together;
 * blocks:        of batch 1, blocks of threads that a multiprocessor shall have registers for, or 0;
 * tiles from:    the least batch that is computed by matrix instructions (mat_vec_tiles.h);
 * elements:      of a row, those that a sub-group then copies at a time;
 * moe:           1: rows and sharers hold for indexed_moe as well, 0: that has the class's.
 * A type that is not here has the class's. */
// clang-format off
#define QJ_CUDA_MAT_VEC(row)                                                                                 \
    /*  type  rows  sharers  parts  blocks  tiles from  elements  moe */                                     \
    row(q4_0,    2,       4,     1,      8,          3,      512,    0)                                      \
    row(q4_1,    2,       4,     1,      8,          3,      512,    0)                                      \
    row(q5_0,    2,       4,     1,      8,          3,      512,    0)                                      \
    row(q5_1,    2,       4,     1,      8,          3,      512,    0)                                      \
    row(q8_0,    2,       4,     1,      8,          2,      256,    0)                                      \
    row(q2_K,    4,       1,     1,      4,          4,      512,    1)                                      \
    row(q3_K,    2,       1,     1,      0,          4,      512,    0)                                      \
    row(q4_K,    1,       2,     1,      0,          4,      512,    1)                                      \
    row(q5_K,    1,       2,     2,      0,          4,      512,    0)                                      \
    row(q6_K,    2,       4,     1,      8,          2,      256,    1)                                      \
    row(iq4_nl,  2,       4,     1,      8,          3,      512,    0)                                      \
    row(iq4_xs,  1,       2,     1,      8,          4,      512,    0)                                      \
    row(mxfp4,   2,       4,     1,      8,          4,      512,    0)                                      \
    row(nvfp4,   2,       4,     1,      8,          4,      512,    0)
// clang-format on

/* On CUDA from sm_80 on batch 1 of these is staged (mat_vec_staged.h), and cut by this row instead:
 * stages: chunks of a row in LDS, one of which is being taken. */
// clang-format off
#define QJ_CUDA_STAGED(row)                                                                                  \
    /*  type  rows  stages  blocks */                                                                        \
    row(q8_0,    2,      2,      4)                                                                          \
    row(q3_K,    2,      2,      5)                                                                          \
    row(q6_K,    1,      2,      4)
// clang-format on

/* Mat-mul of any batch: block (32, 4, 1), grid (ceil(n / rows), ceil(batch / columns), 1), with for each type
 * the rows and columns of the result that are a block's tile. A contract with existing callers, on every
 * arch. */
// clang-format off
#define QJ_MUL_MAT_TILES(row)                                                                                \
    /*  type  rows  columns */                                                                               \
    row(q4_0,   64,    128)                                                                                  \
    row(q4_1,   64,    128)                                                                                  \
    row(q5_0,  128,     64)                                                                                  \
    row(q5_1,  128,     64)                                                                                  \
    row(q8_0,  128,     64)                                                                                  \
    row(q2_K,   64,    128)                                                                                  \
    row(q3_K,  128,    128)                                                                                  \
    row(q4_K,   64,    128)                                                                                  \
    row(q5_K,   64,    128)                                                                                  \
    row(q6_K,   64,     64)                                                                                  \
    row(iq4_nl, 64,    128)                                                                                  \
    row(iq4_xs, 64,    128)                                                                                  \
    row(mxfp4,  64,    128)                                                                                  \
    row(nvfp4,  64,    128)
// clang-format on
#define QJ_MUL_MAT_TILE(type, rows, columns) MUL_MAT_ROWS_##type = rows, MUL_MAT_COLUMNS_##type = columns,
enum qj_mul_mat_tile { QJ_MUL_MAT_TILES(QJ_MUL_MAT_TILE) };
#undef QJ_MUL_MAT_TILE

/* Mat-mul of few columns or rows, mul_mat_narrow: block (32, MUL_MAT_NARROW_SUBGROUPS, 1), grid
 * (ceil(n / MUL_MAT_NARROW_ROWS), ceil(batch / MUL_MAT_NARROW_COLUMNS), 1), on every arch. */
enum qj_mul_mat_narrow {
    MUL_MAT_NARROW_ROWS = 32,
    MUL_MAT_NARROW_COLUMNS = 16,
    MUL_MAT_NARROW_SUBGROUPS = 8,
    MUL_MAT_NARROW_THREADS = 32 * MUL_MAT_NARROW_SUBGROUPS
};

/* Of that on CUDA from sm_80 on: elements of a row that are in LDS at a time. */
// clang-format off
#define QJ_CUDA_NARROW(row)                                                                                  \
    /*  type  elements */                                                                                    \
    row(q4_0,    512)                                                                                        \
    row(q4_1,    512)                                                                                        \
    row(q5_0,    512)                                                                                        \
    row(q5_1,    512)                                                                                        \
    row(q8_0,    256)                                                                                        \
    row(q2_K,    512)                                                                                        \
    row(q3_K,    512)                                                                                        \
    row(q4_K,    512)                                                                                        \
    row(q5_K,    512)                                                                                        \
    row(q6_K,    512)                                                                                        \
    row(iq4_nl,  512)                                                                                        \
    row(iq4_xs,  512)                                                                                        \
    row(mxfp4,   512)                                                                                        \
    row(nvfp4,   512)
// clang-format on
#define QJ_CUDA_NARROW_ROW(type, elements) MUL_MAT_NARROW_ELEMENTS_##type = elements,
enum qj_mul_mat_narrow_elements { QJ_CUDA_NARROW(QJ_CUDA_NARROW_ROW) };
#undef QJ_CUDA_NARROW_ROW

/* Of a mat-mul, whose tile is computed for some columns at a time:
 * of 64, of 128: how many of a tile of 64 rows, and of 128;
 * most:          of a tile of 64 rows and 128 columns, where more than `of 64` are left;
 * few:           how many where no more are left;
 * thread rows:   rows of the tile that a thread has, with `most` columns in proportion more;
 * together:      columns whose loads the compiler may have under way together (AMD);
 * elements:      of a row, that the loop over runs is unrolled to at least;
 * slice, of few: elements of a row, at least, that are in LDS at a time, and with few columns.
 * A thread has columns * rows / 128 sums. Archs without an integer dot product are a class of their own, and
 * CUDA from sm_80 on, where matrix instructions compute the tiles (mul_mat_tiles.h): a slice is then of 64
 * rows, and of 128 rows half as long. */
// clang-format off
#define QJ_MUL_MAT_TUNING(row)                                                                               \
    /*  class   columns: of 64  of 128  most  few  thread rows  together  elements  slice  of few */           \
    row(cpu,                 16,      8,   16,   8,           4,        2,       16,    64,     64)          \
    row(scalar,              16,     16,   16,  16,           1,        1,       16,    64,     64)          \
    row(cuda,                64,     64,  128,  16,           4,        2,       32,   128,    256)          \
    row(cuda_tiles,          64,     64,  128,  16,           4,        2,       32,   128,    128)          \
    row(gcn,                 64,     32,   64,  16,           4,        1,       16,    64,     64)          \
    row(gfx906,              64,     32,   64,  16,           4,        1,       16,    64,     64)          \
    row(cdna,                64,     64,   64,  16,           4,        2,       16,    64,     64)          \
    row(cdna3,               64,     64,   64,  16,           4,        2,       16,    64,     64)          \
    row(rdna1,               64,     32,   64,  16,           4,        1,       16,    64,     64)          \
    row(rdna2,               64,     64,   64,  16,           4,        1,       16,    64,     64)          \
    row(rdna3,               64,     64,   64,  16,           4,        1,       16,    64,     64)          \
    row(rdna35,              64,     64,   64,  16,           4,        1,       16,    64,     64)          \
    row(rdna4,               64,     64,   64,  16,           4,        1,       16,    64,     64)
// clang-format on

#if defined(__HIP_PLATFORM_NVIDIA__)
#define QJ_ARCH_CLASS cuda
#elif defined(__gfx906__)
#define QJ_ARCH_CLASS gfx906
#elif defined(__gfx908__) || defined(__gfx90a__)
#define QJ_ARCH_CLASS cdna
#elif defined(__gfx940__) || defined(__gfx941__) || defined(__gfx942__) || defined(__gfx950__)
#define QJ_ARCH_CLASS cdna3
#elif defined(__gfx1010__) || defined(__gfx1011__) || defined(__gfx1012__) || defined(__gfx1013__)
#define QJ_ARCH_CLASS rdna1
#elif defined(__GFX10__)
#define QJ_ARCH_CLASS rdna2
#elif defined(__gfx1150__) || defined(__gfx1151__) || defined(__gfx1152__) || defined(__gfx1153__)
#define QJ_ARCH_CLASS rdna35
#elif defined(__GFX11__)
#define QJ_ARCH_CLASS rdna3
#elif defined(__GFX12__)
#define QJ_ARCH_CLASS rdna4
#elif defined(__GFX6__) || defined(__GFX7__)
#define QJ_ARCH_CLASS gcn_no_sdwa
#elif defined(__AMDGCN__)
#define QJ_ARCH_CLASS gcn
#else
#define QJ_ARCH_CLASS cpu
#endif

#ifdef __cplusplus
#define QJ_TUNING_STRUCT(class, rows, sharers, batch_rows, columns)                                          \
    struct tuning_##class {                                                                                  \
        enum {                                                                                               \
            MAT_VEC_ROWS = rows,                                                                             \
            MAT_VEC_SHARERS = sharers,                                                                       \
            MAT_VEC_BATCH_ROWS = batch_rows,                                                                 \
            MAT_VEC_COLUMNS = columns                                                                        \
        };                                                                                                   \
    };
QJ_TUNING(QJ_TUNING_STRUCT)
#undef QJ_TUNING_STRUCT
#define QJ_TUNING_OF_(class) tuning_##class
#define QJ_TUNING_OF(class)  QJ_TUNING_OF_(class)
typedef QJ_TUNING_OF(QJ_ARCH_CLASS) tuning;

#define QJ_MUL_MAT_STRUCT(class, of_64, of_128, most, few, thread_rows, together, elements, slice,           \
                          few_slice)                                                                         \
    struct mul_mat_tuning_##class {                                                                          \
        enum {                                                                                               \
            COLUMNS_OF_64 = of_64,                                                                           \
            COLUMNS_OF_128 = of_128,                                                                         \
            MOST_COLUMNS = most,                                                                             \
            FEW_COLUMNS = few,                                                                               \
            THREAD_ROWS = thread_rows,                                                                       \
            TOGETHER = together,                                                                             \
            ELEMENTS = elements,                                                                             \
            SLICE = slice,                                                                                   \
            SLICE_OF_FEW = few_slice                                                                         \
        };                                                                                                   \
    };
QJ_MUL_MAT_TUNING(QJ_MUL_MAT_STRUCT)
#undef QJ_MUL_MAT_STRUCT
#if defined(__AMDGCN__) && (defined(QJ_DP4A_IS_SCALAR) || defined(__GFX6__) || defined(__GFX7__))
typedef mul_mat_tuning_scalar mul_mat_tuning;
#elif defined(__HIP_PLATFORM_NVIDIA__) && defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
#define QJ_HAS_MUL_MAT_TILES
typedef mul_mat_tuning_cuda_tiles mul_mat_tuning;
#else
#define QJ_MUL_MAT_TUNING_OF_(class) mul_mat_tuning_##class
#define QJ_MUL_MAT_TUNING_OF(class)  QJ_MUL_MAT_TUNING_OF_(class)
typedef QJ_MUL_MAT_TUNING_OF(QJ_ARCH_CLASS) mul_mat_tuning;
#endif
#endif
