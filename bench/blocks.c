/* blocks: how fast blocks are made and read on the host, by one thread, in its own processor time, beside a
 * copy of the floats with memcpy. */
#include <qjit/blocks.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

enum { N_ELEMENTS = 1 << 19, N_ROUNDS = 7 };

static float x[N_ELEMENTS], y[N_ELEMENTS];
static unsigned char blocks[sizeof x];

static uint64_t thread_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Elements a microsecond, since `start`. */
static double rate(uint64_t start)
{
    return (double)N_ELEMENTS * 1e3 / (double)(thread_ns() - start);
}

static void measure(const qjit_ggml_type_info *type)
{
    double quantize[N_ROUNDS], dequantize[N_ROUNDS], copy[N_ROUNDS];
    for (int i = 0; i < N_ROUNDS; i++) {
        uint64_t start = thread_ns();
        (void)qjit_quantize_blocks(blocks, type->type, x, N_ELEMENTS);
        quantize[i] = rate(start);
        start = thread_ns();
        (void)qjit_dequantize_blocks(y, type->type, blocks, N_ELEMENTS);
        dequantize[i] = rate(start);
        start = thread_ns();
        memcpy(y, x, sizeof y);
        copy[i] = rate(start);
    }
    const double copied = bench_median(copy, N_ROUNDS);
    struct bench_line line;
    bench_begin(&line, "blocks");
    bench_text(&line, "type", type->name);
    bench_number(&line, "quantize_elements_per_us", bench_median(quantize, N_ROUNDS));
    bench_number(&line, "dequantize_elements_per_us", bench_median(dequantize, N_ROUNDS));
    bench_number(&line, "copy_elements_per_us", copied);
    bench_number(&line, "dequantize_ratio", bench_median(dequantize, N_ROUNDS) / copied);
    bench_end(&line);
}

int main(void)
{
    for (int i = 0; i < N_ELEMENTS; i++) {
        x[i] = ((float)rand() - (float)rand()) / (float)RAND_MAX;
    }
    for (uint32_t i = 0; i < QJIT_GGML_TYPE_END; i++) {
        const qjit_ggml_type_info *type;
        if (qjit_get_ggml_type(&type, i) == QJIT_OK && qjit_quantize_blocks(NULL, i, NULL, 0) == QJIT_OK) {
            measure(type);
        }
    }
    return 0;
}
