/* splitmix64: a counter and a mixing of its bits, so any state is a good one. */
#include <string.h>

#include "run.h"

uint64_t run_random(struct run *run)
{
    uint64_t z = run->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint32_t run_random_below(struct run *run, uint32_t n)
{
    return (uint32_t)((run_random(run) >> 32) * n >> 32);
}

size_t run_random_size(struct run *run, size_t most)
{
    unsigned n_bits = 0;
    while (n_bits < 31 && most >> n_bits > 1) {
        n_bits++;
    }
    size_t size = (size_t)1 << run_random_below(run, n_bits + 1);
    size += run_random_below(run, (uint32_t)size);
    if (run_random_below(run, 4) == 0) {
        size = (size + 31) / 32 * 32 + run_random_below(run, 3) - 1;
    }
    return size < most ? size : most;
}

float run_random_float(struct run *run)
{
    return (float)(int32_t)((run_random(run) >> 39) - (1 << 24)) / (1 << 24);
}

void run_random_bytes(struct run *run, void *out, size_t n)
{
    char *to = out;
    for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
        uint64_t word = run_random(run);
        memcpy(to + i, &word, n - i < sizeof word ? n - i : sizeof word);
    }
}
