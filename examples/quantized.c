/* The four tests of candle's quantised CUDA kernels, with their numbers, through ops.h: quantise activations,
 * multiply by one column and by several, and a product whose k is less than a block.
 *
 *     quantized                  an AMD GPU
 *     QJIT_HIP=cpu quantized     any machine */
#include <math.h>
#include <qjit/blocks.h>
#include <qjit/ops.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int n_wrong;

static void check(qjit_status status, const char *what)
{
    if (status != QJIT_OK) {
        fprintf(stderr, "quantized: %s: %s\n%s", what, qjit_error_detail(), qjit_error_log());
        exit(1);
    }
}

static void expect(const char *what, float got, double wanted)
{
    const double off = fabs((double)got - wanted) / fabs(wanted);
    printf("%-24s %.9g, off by %.1e\n", what, (double)got, off);
    n_wrong += !(off <= 1e-6);
}

static qjit_buffer *buffer_of(qjit_context *qjit, const void *from, size_t n_bytes)
{
    qjit_buffer *buffer;
    check(qjit_buffer_create(qjit, &buffer, 0, n_bytes), "a buffer");
    check(qjit_buffer_upload(buffer, 0, from, n_bytes), "an upload");
    return buffer;
}

/* n rows of k floats as Q4_0 on the device. */
static qjit_weights *weights_of(qjit_context *qjit, const float *x, uint64_t n, uint64_t k)
{
    uint64_t n_bytes;
    qjit_weights *weights;
    check(qjit_get_block_bytes(&n_bytes, QJIT_GGML_Q4_0, n * k), "Q4_0");
    void *blocks = malloc(n_bytes);
    check(blocks ? QJIT_OK : QJIT_NO_MEMORY, "blocks");
    check(qjit_quantize_blocks(blocks, QJIT_GGML_Q4_0, x, n * k), "quantising");
    check(qjit_weights_create(qjit, &weights, 0, QJIT_GGML_Q4_0, n, k, 1), "weights");
    check(qjit_weights_upload(weights, 0, n, blocks), "an upload of weights");
    free(blocks);
    return weights;
}

static void product(qjit_weights *weights, float *out, qjit_buffer *x, qjit_buffer *y, uint64_t batch,
                    qjit_path path)
{
    const uint64_t n = qjit_weights_get_info(weights)->n;
    check(qjit_mul_mat(weights, y, x, batch, path, NULL), qjit_path_name(path));
    check(qjit_buffer_download(y, out, 0, n * batch * sizeof *out), "a download");
}

/* 0, 1, ... 255 quantised, and times itself: through q8_1 and with f32 activations. */
static void one_column(qjit_context *qjit)
{
    enum { K = 256 };
    float x[K], got;
    for (int i = 0; i < K; i++) {
        x[i] = (float)i;
    }
    qjit_buffer *from = buffer_of(qjit, x, sizeof x), *to, *q8_1;
    qjit_weights *weights = weights_of(qjit, x, 1, K);
    check(qjit_buffer_create(qjit, &to, 0, sizeof got), "a buffer");
    check(qjit_buffer_create(qjit, &q8_1, 0, qjit_q8_1_bytes(1, K)), "a buffer");
    check(qjit_quantize_q8_1(q8_1, from, 1, K, NULL), "quantize_q8_1");
    printf("%-24s %zu bytes\n", "quantize_q8_1", qjit_buffer_bytes(q8_1));
    n_wrong += qjit_buffer_bytes(q8_1) != 576;
    product(weights, &got, from, to, 1, QJIT_PATH_MAT_VEC);
    expect("mmv_q8_1", got, 5561664.5);
    product(weights, &got, from, to, 1, QJIT_PATH_MAT_VEC_F32);
    expect("mmv_f32", got, 5561851.0);
    qjit_weights_destroy(weights);
    qjit_buffer_destroy(q8_1);
    qjit_buffer_destroy(to);
    qjit_buffer_destroy(from);
}

/* 4 rows times 4 columns of quarters. */
static void four_columns(qjit_context *qjit)
{
    enum { K = 256, N = 4 };
    static const struct {
        int index;
        double value;
    } known[] = {{0, 347604.0},   {1, 888153.06},  {4, 869780.7},   {5, 2483145.0},
                 {11, 9407368.0}, {14, 9470856.0}, {15, 13138824.0}};
    float x[N * K], got[N * N];
    for (int i = 0; i < N * K; i++) {
        x[i] = (float)i / 4.0f;
    }
    qjit_buffer *from = buffer_of(qjit, x, sizeof x), *to;
    qjit_weights *weights = weights_of(qjit, x, N, K);
    check(qjit_buffer_create(qjit, &to, 0, sizeof got), "a buffer");
    product(weights, got, from, to, N, QJIT_PATH_MUL_MAT);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "mm_q8_1 [%d]", known[i].index);
        expect(name, got[known[i].index], known[i].value);
    }
    qjit_weights_destroy(weights);
    qjit_buffer_destroy(to);
    qjit_buffer_destroy(from);
}

/* 16 columns are no block: operators refuse such weights. The kernel, launched by hand, gives zeros and reads
 * nothing that it must not. */
static void less_than_a_block(qjit_context *qjit)
{
    enum { K = 16, N = 4, BATCH = 2048, TILE_COLUMNS = 128, N_OUT = N * BATCH };
    static float x[K * BATCH], got[N_OUT];
    for (int i = 0; i < K * BATCH; i++) {
        x[i] = (float)i / 256.0f;
        got[i % N_OUT] = -1;
    }
    qjit_buffer *from = buffer_of(qjit, x, sizeof x), *to = buffer_of(qjit, got, sizeof got), *q8_1, *blocks;
    qjit_weights *weights = weights_of(qjit, x, 1, K * BATCH);
    check(qjit_weights_view(weights, &blocks), "the weights' bytes");
    check(qjit_buffer_create(qjit, &q8_1, 0, qjit_q8_1_bytes(BATCH, K)), "a buffer");
    check(qjit_quantize_q8_1(q8_1, from, BATCH, K, NULL), "quantize_q8_1");
    qjit_kernel kernel;
    qjit_launch *launch;
    check(qjit_find_kernel(qjit, &kernel, "mul_mat_q4_0"), "mul_mat_q4_0");
    check(qjit_launch_create(qjit, &launch, 0, kernel), "mul_mat_q4_0");
    check(qjit_launch_add_buffer(launch, blocks), "vx");
    check(qjit_launch_add_buffer(launch, q8_1), "vy");
    check(qjit_launch_add_buffer(launch, to), "dst");
    check(qjit_launch_add_int(launch, K), "ncols_x");
    check(qjit_launch_add_int(launch, N), "nrows_x");
    check(qjit_launch_add_int(launch, BATCH), "ncols_y");
    check(qjit_launch_add_int(launch, 512), "nrows_y");
    check(qjit_launch_add_int(launch, N), "nrows_dst");
    const qjit_launch_config config = {.grid = {1, BATCH / TILE_COLUMNS, 1}, .block = {32, 4, 1}};
    check(qjit_launch_run(launch, &config), "mul_mat_q4_0");
    check(qjit_buffer_download(to, got, 0, sizeof got), "a download");
    int n_zeros = 0;
    for (int i = 0; i < N_OUT; i++) {
        n_zeros += got[i] == 0;
    }
    printf("%-24s %d zeros of %d\n", "mm_q8_1_pad", n_zeros, N_OUT);
    n_wrong += n_zeros != N_OUT;
    qjit_launch_destroy(launch);
    qjit_buffer_destroy(q8_1);
    qjit_buffer_destroy(blocks);
    qjit_buffer_destroy(to);
    qjit_buffer_destroy(from);
    qjit_weights_destroy(weights);
}

int main(void)
{
    qjit_context *qjit;
    check(qjit_create(&qjit, NULL), "qjit_create");
    one_column(qjit);
    four_columns(qjit);
    less_than_a_block(qjit);
    qjit_destroy(qjit);
    printf("%s\n", n_wrong ? "NOT as expected" : "as expected");
    return n_wrong != 0;
}
