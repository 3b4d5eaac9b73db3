// Shuffles of every kind, width and type, and votes. The operation is the same for a whole launch.

#define SHUFFLE_KERNEL(name, type)                                                                               \
    extern "C" __global__ void shuffle_##name(type *out, const type *in, int operation, int argument, int width) \
    {                                                                                                            \
        const type value = in[threadIdx.x];                                                                      \
        type got = value;                                                                                        \
        if (operation == 0) {                                                                                    \
            got = __shfl(value, argument, width);                                                                \
        } else if (operation == 1) {                                                                             \
            got = __shfl_xor(value, argument, width);                                                            \
        } else if (operation == 2) {                                                                             \
            got = __shfl_up(value, (unsigned)argument, width);                                                   \
        } else if (operation == 3) {                                                                             \
            got = __shfl_down(value, (unsigned)argument, width);                                                 \
        } else {                                                                                                 \
            got = __shfl_xor(value, argument);                                                                   \
        }                                                                                                        \
        out[threadIdx.x] = got;                                                                                  \
    }
SHUFFLE_KERNEL(int, int)
SHUFFLE_KERNEL(unsigned, unsigned)
SHUFFLE_KERNEL(float, float)
SHUFFLE_KERNEL(double, double)
SHUFFLE_KERNEL(long_long, long long)

// A lane reads from a lane of its own choice.
extern "C" __global__ void gather(int *out, const int *source)
{
    const int lane = (int)(threadIdx.x % warpSize);
    out[threadIdx.x] = __shfl((int)threadIdx.x, source[threadIdx.x], warpSize) + 0 * lane;
}

extern "C" __global__ void votes(unsigned long long *ballots, int *any, int *all, const int *predicates)
{
    const int predicate = predicates[threadIdx.x];
    ballots[threadIdx.x] = __ballot(predicate);
    any[threadIdx.x] = __any(predicate) != 0;
    all[threadIdx.x] = __all(predicate) != 0;
}

// Lanes that have returned have no bit.
extern "C" __global__ void votes_of_some(unsigned long long *ballots)
{
    if (threadIdx.x % 3 == 1) {
        return;
    }
    ballots[threadIdx.x] = __ballot(1);
}

// Rank of each chosen lane among the chosen: what a compaction does.
extern "C" __global__ void ranks(int *out, const int *predicates)
{
    const int lane = (int)(threadIdx.x % warpSize);
    const unsigned long long chosen = __ballot(predicates[threadIdx.x]);
    out[threadIdx.x] = __popcll(chosen & ((1ull << lane) - 1));
}
