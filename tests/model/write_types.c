/* write_types FILE: a GGUF file with one tensor of each type that can be quantised to on the host, written by
 * qjit: its quantisers, its writer. And a large one, of which the very last element is NaN. */
#include <math.h>
#include <qjit/blocks.h>
#include <stdio.h>

enum { COLUMNS = 512, ROWS = 7, N_ELEMENTS = COLUMNS * ROWS, N_LARGE = (1 << 22) + 5 };

static int fail(void)
{
    return fprintf(stderr, "%s\n", qjit_error_detail()), 1;
}

int main(int argc, char **argv)
{
    static float x[N_ELEMENTS], large[N_LARGE];
    static unsigned char blocks[QJIT_GGML_TYPE_END][4 * N_ELEMENTS];
    const uint64_t dims[2] = {COLUMNS, ROWS}, n_large = N_LARGE;
    qjit_gguf_writer *writer;
    for (int i = 0; i < N_ELEMENTS; i++)
        x[i] = sinf((float)i * 1.7f) * expf(sinf((float)i * 0.013f));
    if (argc != 2 || qjit_gguf_writer_create(&writer) != QJIT_OK)
        return fail();
    for (uint32_t i = 0; i < QJIT_GGML_TYPE_END; i++) {
        const qjit_ggml_type_info *type;
        if (qjit_get_ggml_type(&type, i) != QJIT_OK || qjit_quantize_blocks(NULL, i, NULL, 0) != QJIT_OK)
            continue;
        if (qjit_quantize_blocks(blocks[i], i, x, N_ELEMENTS) != QJIT_OK ||
            qjit_gguf_add_tensor(writer, type->name, i, 2, dims, blocks[i]) != QJIT_OK)
            return fail();
    }
    large[N_LARGE - 1] = NAN;
    if (qjit_gguf_add_tensor(writer, "large", QJIT_GGML_F32, 1, &n_large, large) != QJIT_OK)
        return fail();
    if (qjit_gguf_write(writer, argv[1]) != QJIT_OK)
        return fail();
    qjit_gguf_writer_destroy(writer);
    return 0;
}
