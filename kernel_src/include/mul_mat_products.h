// The products of a slice in LDS by matrix instructions: mul_mat_tile<>.
//
// The sub-groups of a block of threads share a tile as 4 by 1 or 2 by 2 rectangles. A sub-group goes through
// its own in steps of 32 elements and pieces of 16 rows and 8 columns, of which an mma has the sums of a run.
// Lane 4 g + i gives it, of rows g and g + 8 and of column g, bytes 4 i to 4 i + 3 of each 16, and gets
// columns 2 i and 2 i + 1 of these rows.
#pragma once

#include "mul_mat.h"

#ifdef QJ_HAS_MUL_MAT_TILES
// Four times 8 lines of 16 bytes, the address of line l % 8 of the l / 8 th from lane l. Lane 4 g + i gets
// word i of line g of each.
QJ_DEVICE void load_lines(uint32_t (&out)[4], const uint32_t *line)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"((unsigned)__cvta_generic_to_shared(line))
                 : "memory");
}

// Sums of products of signed bytes come out as floats without a conversion: begun with the bits of 3 * 2^22,
// a sum of less than 2^22 is that number plus the sum, bit for bit. What takes it off again is exact too: the
// scale of activations is an f16, so a multiple of it by 3 * 2^22 has few bits.
enum : uint32_t { SUMS_FROM_BITS = 0x4b400000 };
static constexpr float SUMS_FROM = 12582912.0f;

// Of a run of 32 elements, or of one of the two runs of 16.
template <int RUN>
QJ_DEVICE void add_products(float (&out)[4], const uint32_t (&x)[4], const uint32_t *y, unsigned run)
{
    uint32_t sums[4];
    if (RUN == 32)
        asm volatile(
            "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
            "{%10, %10, %10, %10};"
            : "=r"(sums[0]), "=r"(sums[1]), "=r"(sums[2]), "=r"(sums[3])
            : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1]), "r"(SUMS_FROM_BITS));
    else
        asm volatile("mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5}, {%6}, "
                     "{%7, %7, %7, %7};"
                     : "=r"(sums[0]), "=r"(sums[1]), "=r"(sums[2]), "=r"(sums[3])
                     : "r"(x[2 * run]), "r"(x[2 * run + 1]), "r"(y[run]), "r"(SUMS_FROM_BITS));
#pragma unroll
    for (int s = 0; s < 4; s++)
        out[s] = __uint_as_float(sums[s]);
}

// Of four runs, lane 4 g + i gives what is added to rows g and g + 8 in run i and the sum of column g there.
// Numbers of f16, and multiples of them by powers of two, are multiplied exactly.
QJ_DEVICE void multiply_minimums(float (&out)[4], const float (&x)[2], float y)
{
    asm volatile("mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, "
                 "{%7, %7, %7, %7};"
                 : "=f"(out[0]), "=f"(out[1]), "=f"(out[2]), "=f"(out[3])
                 : "r"(__float_as_uint(x[0])), "r"(__float_as_uint(x[1])), "r"(__float_as_uint(y)),
                   "f"(0.0f));
}

template <typename Weights, int ROWS, int COLUMNS> struct mul_mat_tile {
    enum {
        ROW_GROUPS = COLUMNS / 2 % 16 == 0 ? 2 : 4, // rectangles below each other
        COLUMN_GROUPS = 4 / ROW_GROUPS,             // and side by side
        M = ROWS / ROW_GROUPS / 16,
        N = COLUMNS / COLUMN_GROUPS / 8,
        STEP_RUNS = 32 / Weights::RUN
    };
    // What minimums are multiplied by: numbers of f16, as minimums are, but for a factor, or sums of quants,
    // which of many columns are in LDS and of fewer computed here, by more multiplications but without
    // waiting.
    static constexpr bool multiplies_minimums = Weights::has_minimum && Weights::sum_of == SUM_OF_INPUTS;
    static constexpr bool adds_quants = Weights::has_minimum && Weights::sum_of == SUM_OF_QUANTS;
    static constexpr bool stores_sums = adds_quants && COLUMNS > 64,
                          computes_sums = adds_quants && !stores_sums;
    static_assert(M * 16 * ROW_GROUPS == ROWS && N * 8 * COLUMN_GROUPS == COLUMNS && N % 2 == 0,
                  "a rectangle is whole pieces, of pairs of columns of them");
    float sums[M][N][4];

    static __device__ __forceinline__ unsigned first_row(unsigned thread)
    {
        return thread / 32 % ROW_GROUPS * (M * 16);
    }
    static __device__ __forceinline__ unsigned first_column(unsigned thread)
    {
        return thread / 32 / ROW_GROUPS * (N * 8);
    }

    // Adds the products of a slice, by two steps at a time. They are waited for DEPTH pieces of columns
    // later, and the lines of a step are loaded a step before, as a sub-group may be alone on its part of the
    // multiprocessor.
    template <typename Slice> __device__ __forceinline__ void add(const Slice &in, unsigned thread)
    {
#pragma unroll 1
        for (unsigned step = 0; step < Slice::ELEMENTS / 32; step += 2)
            add_steps(in, step, thread);
        if constexpr (multiplies_minimums)
            add_minimums(in, thread);
    }

    template <typename Slice> __device__ __forceinline__ void add_minimums(const Slice &in, unsigned thread)
    {
        static_assert(Slice::RUNS <= 4, "a slice's runs are one multiplication");
        const unsigned lane = thread % 32, run = lane % 4;
        const unsigned row = first_row(thread) + lane / 4, column = first_column(thread) + lane / 4;
        float x[M][2];
#pragma unroll
        for (int half = 0; half < 2 * M; half++)
            x[half / 2][half % 2] = run < Slice::RUNS ? in.x_scales[run][row + half * 8].other : 0.0f;
#pragma unroll
        for (int n = 0; n < N; n++) {
            const float y = run < Slice::RUNS ? in.y_scales[run][column + n * 8].other : 0.0f;
#pragma unroll
            for (int m = 0; m < M; m++) {
                float products[4];
                multiply_minimums(products, x[m], y);
#pragma unroll
                for (int i = 0; i < 4; i++)
                    sums[m][n][i] += products[i];
            }
        }
    }

    template <typename Slice>
    __device__ __forceinline__ void add_steps(const Slice &in, unsigned first_step, unsigned thread)
    {
        typedef typename Slice::scale scale;
        enum { STEP_JOBS = N * STEP_RUNS, JOBS = 2 * STEP_JOBS, DEPTH = M < 4 ? 2 : 1 };
        const unsigned lane = thread % 32, row = first_row(thread), column = first_column(thread);
        const uint32_t *const x_lines = &in.x[row + lane % 16][first_step * 8 + lane / 16 * 4];
        const uint32_t *const y_lines =
            &in.y[column + lane / 16 * 8 + lane % 8][first_step * 8 + lane / 8 % 2 * 4];
        const scale *const of_rows = &in.x_scales[first_step * STEP_RUNS][row + lane / 4];
        const scale *const of_columns = &in.y_scales[first_step * STEP_RUNS][column + lane % 4 * 2];
        uint32_t x[2][M][4], y[2][N / 2][4];
        scale x_scales[2][STEP_RUNS][M][2], y_scales[DEPTH + 1][2];
        float products[DEPTH + 1][M][4], column_sums[DEPTH + 1][4];
        const uint32_t ones[4] = {0x01010101, 0x01010101, 0x01010101, 0x01010101};
        load_step<Slice>(x[0], y[0], x_lines, y_lines);
#pragma unroll
        for (int job = 0; job < JOBS + DEPTH; job++) {
            if (job < JOBS) {
                const int step = job / STEP_JOBS, n = job % STEP_JOBS / STEP_RUNS, run = job % STEP_RUNS;
                const int slot = job % (DEPTH + 1);
                if (job == 0)
                    load_step<Slice>(x[1], y[1], x_lines + 8, y_lines + 8);
                if (job % STEP_JOBS == 0)
                    load_scales<Slice>(x_scales[step], of_rows + step * STEP_RUNS * ROWS);
                memcpy(y_scales[slot],
                       __builtin_assume_aligned(
                           (const void *)(of_columns + (step * STEP_RUNS + run) * COLUMNS + n * 8),
                           sizeof y_scales[0]),
                       sizeof y_scales[0]);
                if (computes_sums) // of every row the same
                    add_products<Weights::RUN>(column_sums[slot], ones, &y[step][n / 2][n % 2 * 2], run);
#pragma unroll
                for (int m = 0; m < M; m++)
                    add_products<Weights::RUN>(products[slot][m], x[step][m], &y[step][n / 2][n % 2 * 2],
                                               run);
            }
            if (job >= DEPTH) {
                const int done = job - DEPTH, slot = done % (DEPTH + 1);
                add_scaled(done % STEP_JOBS / STEP_RUNS, products[slot], column_sums[slot],
                           x_scales[done / STEP_JOBS][done % STEP_RUNS], y_scales[slot]);
            }
        }
    }

    template <typename Slice, typename Scale>
    static __device__ __forceinline__ void load_scales(Scale (&out)[STEP_RUNS][M][2], const Scale *of_rows)
    {
#pragma unroll
        for (int run = 0; run < STEP_RUNS; run++)
#pragma unroll
            for (int half = 0; half < 2 * M; half++)
                out[run][half / 2][half % 2] = of_rows[run * ROWS + half * 8];
    }

    template <typename Slice>
    static __device__ __forceinline__ void load_step(uint32_t (&x)[M][4], uint32_t (&y)[N / 2][4],
                                                     const uint32_t *x_lines, const uint32_t *y_lines)
    {
#pragma unroll
        for (int m = 0; m < M; m++)
            load_lines(x[m], x_lines + m * 16 * Slice::LINE);
#pragma unroll
        for (int n = 0; n < N / 2; n++)
            load_lines(y[n], y_lines + n * 16 * Slice::LINE);
    }

    // What a run adds to a column of pieces. column_sums: of the activations' quants, as products are.
    template <typename Scale>
    __device__ __forceinline__ void add_scaled(int n, const float (&products)[M][4],
                                               const float (&column_sums)[4], const Scale (&x_scales)[M][2],
                                               const Scale (&y_scales)[2])
    {
        float y_from[2], y_sums[2] = {};
#pragma unroll
        for (int c = 0; c < 2; c++) {
            y_from[c] = -SUMS_FROM * y_scales[c].scale;
            if constexpr (stores_sums)
                y_sums[c] = y_scales[c].other;
            else if constexpr (computes_sums)
                y_sums[c] = fmaf(y_scales[c].scale, column_sums[c], y_from[c]);
        }
#pragma unroll
        for (int m = 0; m < M; m++)
#pragma unroll
            for (int s = 0; s < 4; s++) {
                // The scale of weights last, as add_run() of mul_mat.h.
                const float y_part = fmaf(y_scales[s % 2].scale, products[m][s], y_from[s % 2]);
                if constexpr (adds_quants)
                    sums[m][n][s] = fmaf(x_scales[m][s / 2].other, y_sums[s % 2], sums[m][n][s]);
                sums[m][n][s] = fmaf(x_scales[m][s / 2].scale, y_part, sums[m][n][s]);
            }
    }

    template <typename Operands>
    __device__ __forceinline__ void store(const Operands &out, unsigned thread) const
    {
        const unsigned lane = thread % 32;
        const unsigned row = first_row(thread) + lane / 4, column = first_column(thread) + lane % 4 * 2;
#pragma unroll
        for (int c = 0; c < 2 * N; c++) {
            const unsigned at = column + c / 2 * 8 + c % 2;
            float *const to = out.dst + (size_t)at * out.n_dst + row;
#pragma unroll
            for (int r = 0; r < 2 * M; r++)
                if (at < out.n_columns && row + r * 8 < out.n)
                    to[r * 8] = sums[r / 2][c / 2][r % 2 * 2 + c % 2];
        }
    }
};
#endif
