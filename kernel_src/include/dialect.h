// What every kernel source includes first. The target's run-time header has been read before it: hipRTC's,
// ours (runtime.h) or another target's prelude; docs/dialect.md lists the names that it must provide.
#pragma once

// A function of kernels: one copy a unit, always inlined.
#define QJ_DEVICE static __device__ __forceinline__

// A kernel that applications ask for by name, launched with at most `threads` threads in a block.
#define QJ_KERNEL(threads) extern "C" __global__ void __launch_bounds__(threads)
