/* Quantises a buffer on the device, dequantises it there, and compares with the input: the whole way from a
 * kernel's name to numbers, in a program that links qjit and nothing else. Which HIP library it runs on is
 * QJIT_HIP's choice:
 *
 *     roundtrip                  an AMD GPU
 *     QJIT_HIP=cpu roundtrip     any machine
 *
 * quantize_q8_1 turns each 32 floats into a block of a scale d, a sum and 32 quants; Q8_0 is the same block
 * without the sum, so its kernel can read the quants back. Half a step of d is what quantising may cost, and
 * rounding d to half precision moves a quant q by at most q * d * 2^-11. */
#include <math.h>
#include <qjit/qjit.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    N = 4096,
    BLOCK = 32,
    N_BLOCKS = N / BLOCK,
    Q8_1_BYTES = 36,
    Q8_0_BYTES = 34,
    TO_DEVICE = 1,
    TO_HOST = 2
};

/* The few HIP functions this program calls, found in whichever library the context uses. */
static int (*hip_malloc)(void **out, size_t n);
static int (*hip_free)(void *memory);
static int (*hip_memcpy)(void *to, const void *from, size_t n, int kind);
static int (*hip_launch)(void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                         unsigned block_y, unsigned block_z, unsigned lds_bytes, void *stream, void **params,
                         void **extra);
static int (*hip_synchronize)(void);

static void check(int failed, const char *what)
{
    if (failed) {
        fprintf(stderr, "roundtrip: %s: %s\n", what, qjit_error_detail());
        exit(1);
    }
}

static void get_symbol(qjit_context *qjit, void *out, const char *name)
{
    void (*symbol)(void);
    check(qjit_get_hip_symbol(qjit, &symbol, name) != QJIT_OK, name);
    memcpy(out, &symbol, sizeof symbol);
}

static void launch(qjit_context *qjit, const char *kernel, unsigned grid, unsigned block, void **params)
{
    qjit_function function;
    check(qjit_get_function(qjit, &function, 0, kernel) != QJIT_OK, kernel);
    check(hip_launch(function, grid, 1, 1, block, 1, 1, 0, NULL, params, NULL), "hipModuleLaunchKernel");
}

static float worst_error_in_steps(const float *x, const float *y)
{
    float worst = 0;
    for (int block = 0; block < N_BLOCKS; block++) {
        float amax = 0;
        for (int i = block * BLOCK; i < (block + 1) * BLOCK; i++) {
            amax = fmaxf(amax, fabsf(x[i]));
        }
        for (int i = block * BLOCK; i < (block + 1) * BLOCK; i++) {
            worst = fmaxf(worst, amax > 0 ? fabsf(x[i] - y[i]) / (amax / 127) : fabsf(y[i]));
        }
    }
    return worst;
}

int main(void)
{
    static float x[N], y[N];
    static uint8_t q8_1[N_BLOCKS * Q8_1_BYTES], q8_0[N_BLOCKS * Q8_0_BYTES];
    for (int i = 0; i < N; i++) {
        x[i] = sinf((float)i * 0.37f) * (float)(1 + i % 100);
    }
    qjit_context *qjit;
    check(qjit_create(&qjit, NULL) != QJIT_OK, "qjit_create");
    qjit_device device = {.struct_size = sizeof device};
    check(qjit_device_info(qjit, &device, 0) != QJIT_OK, "device 0");
    get_symbol(qjit, &hip_malloc, "hipMalloc");
    get_symbol(qjit, &hip_free, "hipFree");
    get_symbol(qjit, &hip_memcpy, "hipMemcpy");
    get_symbol(qjit, &hip_launch, "hipModuleLaunchKernel");
    get_symbol(qjit, &hip_synchronize, "hipDeviceSynchronize");

    void *device_x, *device_q;
    check(hip_malloc(&device_x, sizeof x) || hip_malloc(&device_q, sizeof q8_1), "hipMalloc");
    check(hip_memcpy(device_x, x, sizeof x, TO_DEVICE), "hipMemcpy");
    int n = N, n_padded = N, n_sub_blocks = N_BLOCKS;
    launch(qjit, "quantize_q8_1", N / 256, 256, (void *[]){&device_x, &device_q, &n, &n_padded});
    check(hip_synchronize() || hip_memcpy(q8_1, device_q, sizeof q8_1, TO_HOST), "quantize_q8_1");

    for (int i = 0; i < N_BLOCKS; i++) { /* d, s, quants -> d, quants */
        memcpy(q8_0 + i * Q8_0_BYTES, q8_1 + i * Q8_1_BYTES, 2);
        memcpy(q8_0 + i * Q8_0_BYTES + 2, q8_1 + i * Q8_1_BYTES + 4, BLOCK);
    }
    check(hip_memcpy(device_q, q8_0, sizeof q8_0, TO_DEVICE), "hipMemcpy");
    launch(qjit, "dequantize_block_q8_0_f32", N / 256, 32, (void *[]){&device_q, &device_x, &n_sub_blocks});
    check(hip_synchronize() || hip_memcpy(y, device_x, sizeof y, TO_HOST), "dequantize_block_q8_0_f32");

    float worst = worst_error_in_steps(x, y);
    printf("%d floats through Q8 and back on %s: at most %.3f steps off\n", N, device.arch, (double)worst);
    check(hip_free(device_x) || hip_free(device_q), "hipFree");
    qjit_destroy(qjit);
    return worst > 0.5f + 127.0f / 2048;
}
