#include "base/clock.h"

#include <time.h>

uint64_t qj_clock_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

int64_t qj_clock_epoch_s(void)
{
    return (int64_t)time(NULL);
}
