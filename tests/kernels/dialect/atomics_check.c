/* Atomics: nothing that many threads add to few cells is lost, and neighbours stay. */
#include <stdlib.h>
#include <string.h>

#include "dialect.h"

enum { BLOCKS = 16, BLOCK = 128, N = BLOCKS * BLOCK };

/* n_cells cells beginning at an odd place, each counted N / n_cells times; wanted: the pattern of that
 * number. */
static void count_16(struct conf *c, const char *name, int n_cells, uint16_t wanted)
{
    enum { SIZE = 128, FIRST = 3 };
    uint16_t cells[SIZE] = {0};
    hipFunction_t kernel = dialect_function(c, dialect_atomics, name);
    uint16_t *memory = dialect_upload(c, cells, sizeof cells);
    if (kernel == NULL || memory == NULL) {
        return;
    }
    uint16_t *first = memory + FIRST;
    if (!OK(c, conf_launch(c, kernel, BLOCKS, BLOCK, 0, NULL, (void *[]){&first, &n_cells})) ||
        !dialect_download(c, cells, memory, sizeof cells)) {
        return;
    }
    size_t n_right = 0, bad = 0;
    for (int i = 0; i < SIZE; i++) {
        bool is_cell = i >= FIRST && i < FIRST + n_cells;
        bool right = cells[i] == (is_cell ? wanted : 0);
        bad = !right && n_right == (size_t)i ? (size_t)i : bad;
        n_right += right;
    }
    dialect_count(c, name, n_right, SIZE, bad);
}

static void sixteen_bits(struct conf *c)
{
    count_16(c, "count_u16", 1, N);
    count_16(c, "count_u16", 32, N / 32);
    count_16(c, "count_f16", 1, 0x6800);   /* 2048 */
    count_16(c, "count_f16", 32, 0x5400);  /* 64 */
    count_16(c, "count_bf16", 8, 0x4380);  /* 256 */
    count_16(c, "count_bf16", 32, 0x4280); /* 64 */
}

static void words(struct conf *c)
{
    int i = 5;
    unsigned u = 7;
    unsigned long long l = 9;
    float f = 0.25f;
    hipFunction_t kernel = dialect_function(c, dialect_atomics, "count_words");
    void *at_i = dialect_upload(c, &i, sizeof i), *at_u = dialect_upload(c, &u, sizeof u);
    void *at_l = dialect_upload(c, &l, sizeof l), *at_f = dialect_upload(c, &f, sizeof f);
    if (kernel == NULL ||
        !OK(c, conf_launch(c, kernel, BLOCKS, BLOCK, 0, NULL, (void *[]){&at_i, &at_u, &at_l, &at_f})) ||
        !dialect_download(c, &i, at_i, sizeof i) || !dialect_download(c, &u, at_u, sizeof u) ||
        !dialect_download(c, &l, at_l, sizeof l) || !dialect_download(c, &f, at_f, sizeof f)) {
        return;
    }
    conf_check(c, i == 5 - N, "int: %d", i);
    conf_check(c, u == 7 + 2 * N, "unsigned: %u", u);
    conf_check(c, l == 9 + ((unsigned long long)N << 33), "unsigned long long: %llu", l);
    conf_check(c, f == 0.25f + 0.5f * N, "float: %g", (double)f);
}

static void extremes(struct conf *c)
{
    int least = 10, largest = -10;
    unsigned bits = 0, mask = ~0u;
    hipFunction_t kernel = dialect_function(c, dialect_atomics, "extremes");
    void *a = dialect_upload(c, &least, 4), *b = dialect_upload(c, &largest, 4);
    void *d = dialect_upload(c, &bits, 4), *e = dialect_upload(c, &mask, 4);
    if (kernel == NULL ||
        !OK(c, conf_launch(c, kernel, BLOCKS, BLOCK, 0, NULL, (void *[]){&a, &b, &d, &e})) ||
        !dialect_download(c, &least, a, 4) || !dialect_download(c, &largest, b, 4) ||
        !dialect_download(c, &bits, d, 4) || !dialect_download(c, &mask, e, 4)) {
        return;
    }
    conf_check(c, least == -(N - 1) && largest == N - 1, "minimum %d and maximum %d", least, largest);
    conf_check(c, bits == ~0u && mask == 0xffff0000u, "or %x and and %x", bits, mask);
}

static void histogram(struct conf *c)
{
    enum { N_BYTES = 50000 };
    unsigned char *bytes = malloc(N_BYTES);
    unsigned wanted[256] = {0}, got[256] = {0};
    uint32_t state = 31;
    for (int i = 0; i < N_BYTES; i++) {
        bytes[i] = (unsigned char)((dialect_random(&state) >> 4) & (dialect_random(&state) >> 3));
        wanted[bytes[i]]++;
    }
    int n = N_BYTES;
    hipFunction_t kernel = dialect_function(c, dialect_atomics, "histogram");
    void *from = dialect_upload(c, bytes, N_BYTES), *to = dialect_upload(c, got, sizeof got);
    if (kernel != NULL && OK(c, conf_launch(c, kernel, 4, BLOCK, 0, NULL, (void *[]){&to, &from, &n})) &&
        dialect_download(c, got, to, sizeof got)) {
        conf_check(c, memcmp(got, wanted, sizeof got) == 0, "a histogram through LDS");
    }
    c->hip.hipFree(from);
    free(bytes);
}

const struct conf_case dialect_atomics_cases[] = {
    {"atomics", "sixteen_bits", 0, sixteen_bits},
    {"atomics", "words", 0, words},
    {"atomics", "extremes", 0, extremes},
    {"atomics", "histogram", 0, histogram},
    {NULL, NULL, 0, NULL},
};
