/* Writes the model that examples are tried with: model FILE. A matrix of each of some types, of 5 rows and
 * 512 columns of sines, and a vector. */
#include <math.h>
#include <qjit/blocks.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 5, K = 512 };

static const struct {
    const char *name;
    uint32_t type;
} matrices[] = {
    {"q4_k", QJIT_GGML_Q4_K}, {"q8_0", QJIT_GGML_Q8_0},   {"f16", QJIT_GGML_F16},
    {"q8_k", QJIT_GGML_Q8_K}, {"mxfp4", QJIT_GGML_MXFP4},
};
enum { MATRICES = sizeof matrices / sizeof *matrices };

static void check(qjit_status status)
{
    if (status != QJIT_OK) {
        fprintf(stderr, "model: %s\n", qjit_error_detail());
        exit(1);
    }
}

int main(int argc, char **argv)
{
    static float values[N * K];
    static unsigned char blocks[MATRICES][4 * N * K];
    const uint64_t dims[] = {K, N};
    qjit_gguf_writer *writer;
    if (argc != 2) {
        fprintf(stderr, "usage: model FILE\n");
        return 2;
    }
    for (int i = 0; i < N * K; i++) {
        values[i] = sinf((float)i * 0.7f);
    }
    check(qjit_gguf_writer_create(&writer));
    check(qjit_gguf_put_text(writer, "general.name", "for the examples"));
    check(qjit_gguf_add_tensor(writer, "norm", QJIT_GGML_F32, 1, dims, values));
    for (size_t i = 0; i < MATRICES; i++) {
        check(qjit_quantize_blocks(blocks[i], matrices[i].type, values, N * K));
        check(qjit_gguf_add_tensor(writer, matrices[i].name, matrices[i].type, 2, dims, blocks[i]));
    }
    check(qjit_gguf_write(writer, argv[1]));
    qjit_gguf_writer_destroy(writer);
    return 0;
}
