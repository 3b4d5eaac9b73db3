/* Kernels of the benchmark's own: random bytes, and what the device does at best. */
#include <stdio.h>
#include <stdlib.h>

#include "kernels.h"

/* The copy moves 16 bytes a thread and turn. The dot products' loop holds everything in registers: sixteen
 * sums, so that none waits for the one before, each a factor of the next one, so that none can be left out.
 * The integer dot product is chosen by arch as in the kernels (kernel_src/include/dp4a.h); where there is
 * none its figure is that of the four multiplications. */
static const char text[] =
    "#if defined(__HIP_PLATFORM_NVIDIA__)\n"
    "static __device__ __forceinline__ int dot(int a, int b, int sum)\n"
    "{ int out; asm(\"dp4a.s32.s32 %0, %1, %2, %3;\" : \"=r\"(out) : \"r\"(a), \"r\"(b), \"r\"(sum)); return "
    "out; }\n"
    "#elif defined(__gfx906__) || defined(__gfx908__) || defined(__gfx90a__) || defined(__gfx940__) || \\\n"
    "    defined(__gfx941__) || defined(__gfx942__) || defined(__gfx950__) || defined(__gfx1011__) || \\\n"
    "    defined(__gfx1012__) || defined(__gfx1030__) || defined(__gfx1031__) || defined(__gfx1032__) || \\\n"
    "    defined(__gfx1033__) || defined(__gfx1034__) || defined(__gfx1035__) || defined(__gfx1036__)\n"
    "static __device__ __forceinline__ int dot(int a, int b, int sum)\n"
    "{ return __builtin_amdgcn_sdot4(a, b, sum, false); }\n"
    "#elif defined(__GFX11__) || defined(__GFX12__)\n"
    "static __device__ __forceinline__ int dot(int a, int b, int sum)\n"
    "{ return __builtin_amdgcn_sudot4(true, a, true, b, sum, false); }\n"
    "#else\n"
    "static __device__ __forceinline__ int dot(int a, int b, int sum)\n"
    "{\n"
    "    for (int i = 0; i < 32; i += 8) sum += (int)(signed char)(a >> i) * (int)(signed char)(b >> i);\n"
    "    return sum;\n"
    "}\n"
    "#endif\n"
    "extern \"C\" __global__ void __launch_bounds__(256)\n"
    "bench_dp4a(int *out, const int b, const int n)\n"
    "{\n"
    "    int sums[16];\n"
    "    _Pragma(\"unroll\") for (int i = 0; i < 16; i++) sums[i] = i + b;\n"
    "    _Pragma(\"unroll 1\") for (int turn = 0; turn < n; turn++)\n"
    "        _Pragma(\"unroll\") for (int j = 0; j < 4; j++)\n"
    "            _Pragma(\"unroll\") for (int i = 0; i < 16; i++) sums[i] = dot(sums[i], b, sums[i]);\n"
    "    int sum = 0;\n"
    "    _Pragma(\"unroll\") for (int i = 0; i < 16; i++) sum ^= sums[i];\n"
    "    out[blockIdx.x * 256 + threadIdx.x] = sum;\n"
    "}\n"
    "struct alignas(16) four { unsigned v[4]; };\n"
    "extern \"C\" __global__ void __launch_bounds__(256)\n"
    "bench_copy(four *__restrict__ to, const four *__restrict__ from, const size_t n)\n"
    "{\n"
    "    const size_t first = (size_t)blockIdx.x * 1024 + threadIdx.x;\n"
    "    if (first + 768 < n) {\n"
    "        const four a = from[first], b = from[first + 256], c = from[first + 512], d = from[first + "
    "768];\n"
    "        to[first] = a; to[first + 256] = b; to[first + 512] = c; to[first + 768] = d;\n"
    "        return;\n"
    "    }\n"
    "    for (size_t i = first; i < n; i += 256) to[i] = from[i];\n"
    "}\n"
    "extern \"C\" __global__ void bench_empty(int *out) { if (!out) *out = 0; }\n"
    "extern \"C\" __global__ void __launch_bounds__(256) bench_fill(unsigned *to, const size_t n)\n"
    "{\n"
    "    const size_t i = (size_t)blockIdx.x * 256 + threadIdx.x;\n"
    "    unsigned x = (unsigned)i * 2654435761u + 1u;\n"
    "    x ^= x >> 15; x *= 0x2c1b3c6du; x ^= x >> 12; x *= 0x297a2d39u; x ^= x >> 15;\n"
    "    if (i < n) to[i] = x;\n"
    "}\n"
    "extern \"C\" __global__ void __launch_bounds__(256)\n"
    "bench_scales(unsigned char *blocks, const size_t n, const size_t stride, const int n_bytes,\n"
    "             const int first, const int second)\n"
    "{\n"
    "    const size_t i = (size_t)blockIdx.x * 256 + threadIdx.x;\n"
    "    if (i >= n) return;\n"
    "    unsigned char *block = blocks + blockIdx.y * stride + i * (size_t)n_bytes;\n"
    "    block[first + 1] = (unsigned char)(0x20 | (block[first + 1] & 3)); /* 2^-7 to 2^-6 */\n"
    "    block[second + 1] = (unsigned char)(0x20 | (block[second + 1] & 3));\n"
    "}\n";

void own_add(struct device *device)
{
    static const char *const kernels[] = {"bench_dp4a", "bench_copy", "bench_empty", "bench_fill",
                                          "bench_scales"};
    const qjit_source source = {
        .struct_size = sizeof source,
        .name = "bench_kernels",
        .text = text,
        .kernels = kernels,
        .n_kernels = sizeof kernels / sizeof *kernels,
        .flags = QJIT_SOURCE_SMALL_RUNTIME,
    };
    if (qjit_add_source(device->context, NULL, &source) != QJIT_OK) {
        (void)fprintf(stderr, "bench_kernels: %s\n", qjit_error_detail());
        exit(1);
    }
}

static unsigned groups(size_t n, size_t of)
{
    return (unsigned)((n + of - 1) / of);
}

void own_fill(struct device *device, struct arena arena)
{
    size_t n = arena.n_bytes / 4;
    void *to = arena.start;
    struct launch launch = {
        device_function(device, "bench_fill"), {groups(n, 256), 1, 1}, {256, 1, 1}, {&to, &n}};
    device_launch(device, &launch);
}

void own_set_scales(struct device *device, void *blocks, size_t block_bytes, const unsigned offsets[2],
                    size_t n_blocks, size_t n_copies, size_t stride)
{
    int n_bytes = (int)block_bytes, first = (int)offsets[0], second = (int)offsets[1];
    struct launch launch = {device_function(device, "bench_scales"),
                            {groups(n_blocks, 256), (unsigned)n_copies, 1},
                            {256, 1, 1},
                            {&blocks, &n_blocks, &stride, &n_bytes, &first, &second}};
    device_launch(device, &launch);
}

struct turn {
    struct device *device;
    struct launch launch;
    size_t n_bytes;
};

static void launch_one(void *payload, size_t i)
{
    struct turn *turn = payload;
    (void)i;
    device_launch(turn->device, &turn->launch);
}

static void copy_one(void *payload, size_t i)
{
    struct turn *turn = payload;
    const struct device *device = turn->device;
    (void)i;
    device_check(device,
                 device->hip.hipMemcpyAsync(device->out.start, device->in.start, turn->n_bytes,
                                            3 /* device to device */, NULL),
                 "hipMemcpyAsync");
}

static void measure_copies(struct device *device, double seconds)
{
    void *to = device->out.start;
    const void *from = device->in.start;
    size_t n_bytes = device->in.n_bytes / 16384 * 16384, n = n_bytes / 16;
    struct turn turn = {
        device,
        {device_function(device, "bench_copy"), {groups(n, 1024), 1, 1}, {256, 1, 1}, {&to, &from, &n}},
        n_bytes};
    const double moved = 2e-3 * (double)n_bytes; /* to GB/s from microseconds */
    device->peaks.copy_kernel_gbps = moved / device_time_us(device, seconds, launch_one, &turn);
    device->peaks.memcpy_gbps = moved / device_time_us(device, seconds, copy_one, &turn);
    device->peaks.copy_gbps = device->peaks.copy_kernel_gbps > device->peaks.memcpy_gbps
                                  ? device->peaks.copy_kernel_gbps
                                  : device->peaks.memcpy_gbps;
}

void own_measure(struct device *device, double seconds)
{
    enum { FEW_TURNS = 4, TURNS = 256, SLOW_US = 200, BLOCKS_OF_A_CU = 16, PRODUCTS = 64 };
    int b = 0x05060708, n = FEW_TURNS;
    void *out = device->side.start;
    unsigned n_blocks = device->facts.n_cus * BLOCKS_OF_A_CU;
    const unsigned most = (unsigned)(device->side.n_bytes / 1024);
    n_blocks = n_blocks > most ? most : n_blocks;
    struct turn turn = {
        device, {device_function(device, "bench_dp4a"), {n_blocks, 1, 1}, {256, 1, 1}, {&out, &b, &n}}, 0};
    /* A device for which that much is a lot of work need not do more. */
    n = device_time_us(device, 0, launch_one, &turn) < SLOW_US ? TURNS : FEW_TURNS;
    const double ops = 8.0 * 256 * PRODUCTS * n * (double)n_blocks;
    device->peaks.dp4a_gops = ops / (1e3 * device_time_us(device, seconds, launch_one, &turn));
    turn.launch = (struct launch){device_function(device, "bench_empty"), {1, 1, 1}, {32, 1, 1}, {&out}};
    device->peaks.empty_us = device_time_us(device, seconds / 4, launch_one, &turn);
    measure_copies(device, seconds);
}
