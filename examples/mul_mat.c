/* A tensor of a model file times a batch of columns, from the file to the result, checked on the host:
 *
 *     mul_mat MODEL.gguf [TENSOR [BATCH]]
 *
 * Without a name: the first tensor of two dimensions and more than one row. The columns are cos(i). */
#include <math.h>
#include <qjit/blocks.h>
#include <qjit/ops.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(qjit_status status, const char *what)
{
    if (status != QJIT_OK) {
        fprintf(stderr, "mul_mat: %s: %s\n%s", what, qjit_error_detail(), qjit_error_log());
        exit(1);
    }
}

static void *memory(size_t n_bytes)
{
    void *bytes = malloc(n_bytes + 1);
    check(bytes ? QJIT_OK : QJIT_NO_MEMORY, "memory");
    return bytes;
}

static const qjit_gguf_tensor *first_matrix(const qjit_gguf *model)
{
    const qjit_gguf_tensor *tensor;
    for (uint64_t i = 0; qjit_gguf_get_tensor(model, &tensor, i) == QJIT_OK; i++) {
        if (tensor->n_dims == 2 && tensor->dims[1] > 1) {
            return tensor;
        }
    }
    fprintf(stderr, "mul_mat: this file has no matrix\n");
    exit(1);
}

/* What is going to be launched. */
static void print_plan(qjit_context *qjit, const qjit_gguf_tensor *tensor, uint64_t batch)
{
    qjit_device device = {.struct_size = sizeof device};
    qjit_op_plan plan = {.struct_size = sizeof plan};
    check(qjit_device_info(qjit, &device, 0), "device 0");
    const qjit_op_call call = {.struct_size = sizeof call,
                               .op = QJIT_OP_MUL_MAT,
                               .type = tensor->type->type,
                               .n = tensor->dims[1],
                               .k = tensor->dims[0],
                               .batch = batch,
                               .arch = device.arch};
    check(qjit_plan_op(&plan, &call), tensor->name);
    printf("%s, %s, %llu x %llu, batch %llu on %s: path %s:", tensor->name, tensor->type->name,
           (unsigned long long)tensor->dims[1], (unsigned long long)tensor->dims[0],
           (unsigned long long)batch, device.arch, qjit_path_name(plan.path));
    for (uint32_t i = 0; i < plan.n_kernels; i++) {
        printf(" %s", plan.kernels[i]);
    }
    printf("\n");
}

/* The largest difference between got and the product of the weights' values, in parts of the sum of the
 * magnitudes. */
static double worst_error(const float *got, const qjit_gguf_tensor *tensor, const float *x, uint64_t batch)
{
    const uint64_t k = tensor->dims[0], n = tensor->dims[1];
    float *row = memory(k * sizeof *row);
    double worst = 0;
    for (uint64_t r = 0; r < n; r++) {
        const unsigned char *bytes = (const unsigned char *)tensor->data + r * (tensor->n_bytes / n);
        check(qjit_dequantize_blocks(row, tensor->type->type, bytes, k), "the values of a row");
        for (uint64_t c = 0; c < batch; c++) {
            double sum = 0, magnitude = 0;
            for (uint64_t e = 0; e < k; e++) {
                sum += (double)row[e] * (double)x[c * k + e];
                magnitude += fabs((double)row[e] * (double)x[c * k + e]);
            }
            if (magnitude > 0) {
                worst = fmax(worst, fabs((double)got[c * n + r] - sum) / magnitude);
            }
        }
    }
    free(row);
    return worst;
}

int main(int argc, char **argv)
{
    qjit_gguf *model;
    const qjit_gguf_tensor *tensor;
    if (argc < 2) {
        fprintf(stderr, "usage: mul_mat MODEL.gguf [TENSOR [BATCH]]\n");
        return 2;
    }
    check(qjit_gguf_open(&model, argv[1], 0), argv[1]);
    if (argc > 2) {
        check(qjit_gguf_find_tensor(model, &tensor, argv[2]), argv[2]);
    } else {
        tensor = first_matrix(model);
    }
    const uint64_t k = tensor->dims[0], n = tensor->dims[1],
                   batch = argc > 3 ? strtoul(argv[3], NULL, 10) : 2;
    float *x = memory(batch * k * sizeof *x), *got = memory(batch * n * sizeof *got);
    for (uint64_t i = 0; i < batch * k; i++) {
        x[i] = cosf((float)i);
    }

    qjit_context *qjit;
    qjit_weights *weights;
    qjit_buffer *from, *to;
    check(qjit_create(&qjit, NULL), "qjit_create");
    print_plan(qjit, tensor, batch);
    check(qjit_weights_create_from_tensor(qjit, &weights, 0, tensor), tensor->name);
    check(qjit_buffer_create(qjit, &from, 0, batch * k * sizeof *x), "a buffer");
    check(qjit_buffer_create(qjit, &to, 0, batch * n * sizeof *got), "a buffer");
    check(qjit_buffer_upload(from, 0, x, batch * k * sizeof *x), "an upload");
    check(qjit_mul_mat(weights, to, from, batch, QJIT_PATH_AUTO, NULL), "mul_mat");
    check(qjit_buffer_download(to, got, 0, batch * n * sizeof *got), "a download");

    /* Activations of 8 bits are off by 1/254 of the largest of 32 at most; that of all is far less. */
    const double worst = worst_error(got, tensor, x, batch);
    printf("worst error: %.2e of the sum of magnitudes\n", worst);
    qjit_buffer_destroy(to);
    qjit_buffer_destroy(from);
    qjit_weights_destroy(weights);
    qjit_destroy(qjit);
    qjit_gguf_close(model);
    free(got);
    free(x);
    return !(worst <= 1.0 / 127);
}
