// mul_mat_narrow_<T>: what mul_mat_<T> computes, from the same parameters, for few columns or few rows of
// weights: the tile of a block is smaller, so that there are blocks for the whole device. Launch, and the
// tile: tuning.h.
//
// The unit's define: QJ_TYPE, a block type of mul_mat_weights.h or types.h.
#include "tuning.h"
#ifdef QJ_HAS_MUL_MAT_TILES
#include "mul_mat_narrow.h"
#define QJ_WITH_DOT
#else
#define QJ_MUL_MAT_THREADS MUL_MAT_NARROW_THREADS
#include "mul_mat.h"
#define QJ_WITH_MUL_MAT
#endif
#include "types.h"

#define QJ_CAT_(a, b) a##b
#define QJ_CAT(a, b)  QJ_CAT_(a, b)

typedef QJ_CAT(block_, QJ_TYPE) block_type;

#ifdef QJ_HAS_MUL_MAT_TILES
#define QJ_BOUNDS MUL_MAT_NARROW_THREADS, 2 /* blocks */
QJ_DEVICE void mul_mat_narrow_tile(const void *vx, const void *vy, float *__restrict__ dst, unsigned k,
                                   unsigned n, unsigned n_columns, unsigned k_padded, unsigned n_dst)
{
    enum { ELEMENTS = QJ_CAT(MUL_MAT_NARROW_ELEMENTS_, QJ_TYPE) };
    __shared__ __attribute__((aligned(32))) uint8_t memory[NARROW_BYTES];
    // Blocks in turn have the columns of the same rows, so that memory brings these once.
    const unsigned tile = blockIdx.y * gridDim.x + blockIdx.x;
    const narrow_operands in = {(const uint8_t *)vx,
                                (const uint8_t *)vy,
                                (size_t)(k / block_type::SIZE) * sizeof(block_type),
                                (size_t)(k_padded / QK_BLOCK) * sizeof(block_q8_1),
                                tile / gridDim.y * MUL_MAT_NARROW_ROWS,
                                tile % gridDim.y * MUL_MAT_NARROW_COLUMNS,
                                n,
                                n_columns,
                                k / block_type::SIZE};
    if (in.first_row >= n || in.first_column >= n_columns)
        return;
    if (n_columns - in.first_column > TILE_COLUMNS)
        mul_mat_narrow<block_type, 2, ELEMENTS>(in, dst, n_dst, memory);
    else
        mul_mat_narrow<block_type, 1, ELEMENTS>(in, dst, n_dst, memory);
}
#else
#define QJ_BOUNDS MUL_MAT_NARROW_THREADS
QJ_DEVICE void mul_mat_narrow_tile(const void *vx, const void *vy, float *__restrict__ dst, unsigned k,
                                   unsigned n, unsigned n_columns, unsigned k_padded, unsigned n_dst)
{
    enum { ROWS = MUL_MAT_NARROW_ROWS, COLUMNS = MUL_MAT_NARROW_COLUMNS, SLICE = 256, THREAD_ROWS = 1 };
    typedef mul_mat_room<block_type, ROWS, COLUMNS, SLICE> room;
    alignas(16) __shared__ unsigned char storage[sizeof(room)];
    const unsigned row = blockIdx.x * ROWS, column = blockIdx.y * COLUMNS;
    if (row >= n || column >= n_columns)
        return;
    const mul_mat_operands<block_type> in = {(const block_type *)vx,
                                             (const block_q8_1 *)vy,
                                             dst,
                                             n,
                                             k / block_type::SIZE,
                                             n_columns,
                                             k_padded / QK_BLOCK,
                                             n_dst};
    mul_mat_columns<block_type, ROWS, COLUMNS, THREAD_ROWS, mul_mat_tuning>(in.from(row, column),
                                                                            *(room *)storage);
}
#endif

extern "C" __global__ void __launch_bounds__(QJ_BOUNDS)
    QJ_CAT(mul_mat_narrow_, QJ_TYPE)(const void *__restrict__ vx, const void *__restrict__ vy,
                                     float *__restrict__ dst, const int ncols_x, const int nrows_x,
                                     const int ncols_y, const int nrows_y, const int nrows_dst)
{
    mul_mat_narrow_tile(vx, vy, dst, (unsigned)ncols_x, (unsigned)nrows_x, (unsigned)ncols_y,
                        (unsigned)nrows_y, (unsigned)nrows_dst);
}
