/* Transposes through LDS, for sizes that are and are not whole tiles. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dialect.h"

static void transpose_size(struct conf *c, hipFunction_t kernel, const char *name, size_t size, int n_rows,
                           int n_columns)
{
    size_t n = (size_t)n_rows * (size_t)n_columns;
    unsigned char *in = malloc(n * size), *out = calloc(n, size);
    uint32_t state = 99;
    for (size_t i = 0; i < n * size; i++) {
        in[i] = (unsigned char)(dialect_random(&state) & 0x3f); /* of floats: no NaN */
    }
    void *from = dialect_upload(c, in, n * size), *to = dialect_upload(c, out, n * size);
    unsigned grid_x = (unsigned)(n_columns + 31) / 32, grid_y = (unsigned)(n_rows + 31) / 32;
    if (OK(c, c->hip.hipModuleLaunchKernel(kernel, grid_x, grid_y, 1, 32, 8, 1, 0, NULL,
                                           (void *[]){&to, &from, &n_rows, &n_columns}, NULL)) &&
        dialect_download(c, out, to, n * size)) {
        size_t n_right = 0, bad = 0;
        for (size_t i = 0; i < n; i++) {
            size_t row = i / (size_t)n_columns, column = i % (size_t)n_columns;
            bool right = memcmp(out + (column * (size_t)n_rows + row) * size, in + i * size, size) == 0;
            bad = !right && n_right == i ? i : bad;
            n_right += right;
        }
        char what[96];
        snprintf(what, sizeof what, "%s, %d by %d", name, n_rows, n_columns);
        dialect_count(c, what, n_right, n, bad);
    }
    c->hip.hipFree(from);
    free(in);
    free(out);
}

static void transpose(struct conf *c)
{
    static const struct {
        const char *name;
        size_t size;
    } types[] = {{"transpose_u8", 1}, {"transpose_u16", 2}, {"transpose_float", 4}, {"transpose_double", 8}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        hipFunction_t kernel = dialect_function(c, dialect_lds, types[i].name);
        if (kernel != NULL) {
            transpose_size(c, kernel, types[i].name, types[i].size, 96, 64);
            transpose_size(c, kernel, types[i].name, types[i].size, 1, 1);
            transpose_size(c, kernel, types[i].name, types[i].size, 75, 33);
        }
    }
}

static void two_views(struct conf *c)
{
    enum { N = 256 };
    int in[N], out[N] = {0};
    for (int i = 0; i < N; i++) {
        in[i] = i * 37 % 1000;
    }
    hipFunction_t kernel = dialect_function(c, dialect_lds, "two_views");
    void *from = dialect_upload(c, in, sizeof in), *to = dialect_upload(c, out, sizeof out);
    if (kernel == NULL || !OK(c, conf_launch(c, kernel, 1, N, N * 6, NULL, (void *[]){&to, &from})) ||
        !dialect_download(c, out, to, sizeof out)) {
        return;
    }
    size_t n_right = 0, bad = 0;
    for (int i = 0; i < N; i++) {
        bool right = out[i] == in[N - 1 - i] + in[(i + 1) % N] * 3;
        bad = !right && n_right == (size_t)i ? (size_t)i : bad;
        n_right += right;
    }
    dialect_count(c, "words and halves in one array", n_right, N, bad);
    c->hip.hipFree(from);
}

const struct conf_case dialect_lds_cases[] = {
    {"lds", "transpose", 0, transpose},
    {"lds", "two_views", 0, two_views},
    {NULL, NULL, 0, NULL},
};
