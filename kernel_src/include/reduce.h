// Reductions over a sub-group of 32 lanes, on waves of 32 and of 64. Every lane of the sub-group must take
// part; each gets the result. The tree is fixed (16, 8, 4, 2, 1), so a result is the same bits on every
// target.
#pragma once

#include "dialect.h"

enum { SUBGROUP = 32 };

QJ_DEVICE float subgroup_sum(float x)
{
    for (int step = SUBGROUP / 2; step > 0; step /= 2)
        x += __shfl_xor(x, step, SUBGROUP);
    return x;
}

QJ_DEVICE float subgroup_max(float x)
{
    for (int step = SUBGROUP / 2; step > 0; step /= 2)
        x = fmaxf(x, __shfl_xor(x, step, SUBGROUP));
    return x;
}

// The largest power of two that is n at most, and at most a sub-group.
constexpr int power_of_two_within(int n)
{
    int power = SUBGROUP;
    while (power > n)
        power /= 2;
    return power;
}
