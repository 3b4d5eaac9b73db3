/* Integer dot products: every pair of signed bytes in every place, random others beside it, sums that wrap.
 */
#include <stdlib.h>

#include "dialect.h"

static int byte_of(uint32_t word, int i)
{
    return (int)(int8_t)(word >> (8 * i));
}

static int dot4(int a, int b, int c)
{
    uint32_t sum = (uint32_t)c;
    for (int i = 0; i < 4; i++) {
        sum += (uint32_t)(byte_of((uint32_t)a, i) * byte_of((uint32_t)b, i));
    }
    return (int)sum;
}

static void dots(struct conf *c)
{
    enum { N = 4 * 65536 };
    int *a = malloc(N * sizeof *a), *b = malloc(N * sizeof *b), *sums = malloc(N * sizeof *sums);
    int *out = calloc(N, sizeof *out), n = N;
    uint32_t state = 17;
    for (int i = 0; i < N; i++) {
        int place = i >> 16;
        uint32_t keep = ~(0xffu << (8 * place));
        a[i] = (int)((dialect_random(&state) & keep) | (uint32_t)(i & 255) << (8 * place));
        b[i] = (int)((dialect_random(&state) & keep) | (uint32_t)(i >> 8 & 255) << (8 * place));
        sums[i] = i % 5 == 0 ? INT32_MAX : i % 5 == 1 ? INT32_MIN : (int)dialect_random(&state);
    }
    hipFunction_t kernel = dialect_function(c, dialect_dot, "dots");
    void *to = dialect_upload(c, out, N * sizeof *out), *from_a = dialect_upload(c, a, N * sizeof *a);
    void *from_b = dialect_upload(c, b, N * sizeof *b),
         *from_sums = dialect_upload(c, sums, N * sizeof *sums);
    if (kernel != NULL &&
        OK(c, conf_launch(c, kernel, N / 256, 256, 0, NULL,
                          (void *[]){&to, &from_a, &from_b, &from_sums, &n})) &&
        dialect_download(c, out, to, N * sizeof *out)) {
        size_t n_right = 0, bad = 0;
        for (int i = 0; i < N; i++) {
            bool right = out[i] == dot4(a[i], b[i], sums[i]);
            bad = !right && n_right == (size_t)i ? (size_t)i : bad;
            n_right += right;
        }
        dialect_count(c, "dot products of four bytes", n_right, N, bad);
    }
    c->hip.hipFree(from_a);
    c->hip.hipFree(from_b);
    c->hip.hipFree(from_sums);
    free(a);
    free(b);
    free(sums);
    free(out);
}

const struct conf_case dialect_dot_cases[] = {
    {"dot", "dots", 0, dots},
    {NULL, NULL, 0, NULL},
};
