/* Reductions and scans. The tree is fixed, so floats are the same bits as the reference's. */
#include <math.h>
#include <string.h>

#include "dialect.h"

enum { N_BLOCKS = 8, BLOCK = 256, N = N_BLOCKS * BLOCK };

/* The tree of reduce.h: 16, 8, 4, 2, 1. */
static float tree_sum(const float *x)
{
    float sums[32];
    memcpy(sums, x, sizeof sums);
    for (int step = 16; step > 0; step /= 2) {
        float before[32];
        memcpy(before, sums, sizeof sums);
        for (int i = 0; i < 32; i++) {
            sums[i] = before[i] + before[i ^ step];
        }
    }
    return sums[0];
}

static void make_floats(float *out)
{
    uint32_t state = 21;
    for (int i = 0; i < N; i++) {
        out[i] = ldexpf((float)(int32_t)dialect_random(&state), -31 + (int)(dialect_random(&state) % 20));
    }
}

static void sums_of_32(struct conf *c)
{
    static float x[N], sums[N], largest[N];
    make_floats(x);
    hipFunction_t kernel = dialect_function(c, dialect_reduce, "sums_of_32");
    void *from = dialect_upload(c, x, sizeof x), *to_sums = dialect_upload(c, sums, sizeof sums);
    void *to_largest = dialect_upload(c, largest, sizeof largest);
    if (kernel == NULL ||
        !OK(c, conf_launch(c, kernel, N_BLOCKS, BLOCK, 0, NULL, (void *[]){&to_sums, &to_largest, &from})) ||
        !dialect_download(c, sums, to_sums, sizeof sums) ||
        !dialect_download(c, largest, to_largest, sizeof largest)) {
        return;
    }
    c->hip.hipFree(from);
    size_t n_right = 0, bad = 0;
    for (int i = 0; i < N; i++) {
        const float *group = x + i / 32 * 32;
        float wanted = tree_sum(group), most = group[0];
        for (int k = 1; k < 32; k++) {
            most = fmaxf(most, group[k]);
        }
        bool right = memcmp(&sums[i], &wanted, 4) == 0 && largest[i] == most;
        bad = !right && n_right == (size_t)i ? (size_t)i : bad;
        n_right += right;
    }
    dialect_count(c, "sum and maximum of 32, on every lane, bit by bit", n_right, N, bad);
}

static void sum_of_block(struct conf *c)
{
    static float x[N], sums[N_BLOCKS];
    make_floats(x);
    hipFunction_t kernel = dialect_function(c, dialect_reduce, "sum_of_block");
    void *from = dialect_upload(c, x, sizeof x), *to = dialect_upload(c, sums, sizeof sums);
    if (kernel == NULL || !OK(c, conf_launch(c, kernel, N_BLOCKS, BLOCK, 0, NULL, (void *[]){&to, &from})) ||
        !dialect_download(c, sums, to, sizeof sums)) {
        return;
    }
    c->hip.hipFree(from);
    size_t n_right = 0, bad = 0;
    for (int block = 0; block < N_BLOCKS; block++) {
        float partial[32] = {0};
        for (int group = 0; group < BLOCK / 32; group++) {
            partial[group] = tree_sum(x + block * BLOCK + group * 32);
        }
        float wanted = tree_sum(partial);
        bool right = memcmp(&sums[block], &wanted, 4) == 0;
        bad = !right && n_right == (size_t)block ? (size_t)block : bad;
        n_right += right;
    }
    dialect_count(c, "sums of blocks, bit by bit", n_right, N_BLOCKS, bad);
}

static void scan_of_32(struct conf *c)
{
    static int x[N], got[N];
    uint32_t state = 8;
    for (int i = 0; i < N; i++) {
        x[i] = (int)(dialect_random(&state) >> 8) - (1 << 23);
    }
    hipFunction_t kernel = dialect_function(c, dialect_reduce, "scan_of_32");
    void *memory = dialect_upload(c, x, sizeof x);
    if (kernel == NULL || !OK(c, conf_launch(c, kernel, N_BLOCKS, BLOCK, 0, NULL, (void *[]){&memory})) ||
        !dialect_download(c, got, memory, sizeof got)) {
        return;
    }
    size_t n_right = 0, bad = 0;
    for (int i = 0, sum = 0; i < N; i++) {
        sum = i % 32 == 0 ? x[i] : sum + x[i];
        bool right = got[i] == sum;
        bad = !right && n_right == (size_t)i ? (size_t)i : bad;
        n_right += right;
    }
    dialect_count(c, "running sums of 32", n_right, N, bad);
}

static void largest_of_block(struct conf *c)
{
    static int x[N], got[N_BLOCKS];
    uint32_t state = 77;
    for (int i = 0; i < N; i++) {
        x[i] = (int)dialect_random(&state);
    }
    hipFunction_t kernel = dialect_function(c, dialect_reduce, "largest_of_block");
    void *from = dialect_upload(c, x, sizeof x), *to = dialect_upload(c, got, sizeof got);
    if (kernel == NULL ||
        !OK(c, conf_launch(c, kernel, N_BLOCKS, BLOCK, BLOCK * sizeof(int), NULL, (void *[]){&to, &from})) ||
        !dialect_download(c, got, to, sizeof got)) {
        return;
    }
    c->hip.hipFree(from);
    size_t n_right = 0, bad = 0;
    for (int block = 0; block < N_BLOCKS; block++) {
        int most = x[block * BLOCK];
        for (int i = 1; i < BLOCK; i++) {
            most = x[block * BLOCK + i] > most ? x[block * BLOCK + i] : most;
        }
        bad = got[block] != most && n_right == (size_t)block ? (size_t)block : bad;
        n_right += got[block] == most;
    }
    dialect_count(c, "maxima of blocks through LDS", n_right, N_BLOCKS, bad);
}

const struct conf_case dialect_reduce_cases[] = {
    {"reduce", "sums_of_32", 0, sums_of_32},
    {"reduce", "sum_of_block", 0, sum_of_block},
    {"reduce", "scan_of_32", 0, scan_of_32},
    {"reduce", "largest_of_block", 0, largest_of_block},
    {NULL, NULL, 0, NULL},
};
