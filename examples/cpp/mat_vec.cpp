/* A row of 256 numbers in Q4_0 times a vector, with qjit.hpp: by the kernel that takes the vector as it is,
 * by the one that takes it as q8_1, and by a kernel of this file's own. The expected values are those of
 * candle's test `cuda_mmv_q8_1`. docs/bindings.md
 * says how to build and run it. */
#include <cmath>
#include <cstdio>
#include <qjit/qjit.hpp>
#include <vector>

namespace {

constexpr int N = 256, BLOCK = 32, Q8_1_BYTES = 36;

const char *const dot_text =
    "extern \"C\" __global__ void dot(const float *a, const float *b, float *out, int n)\n"
    "{\n"
    "    float sum = 0;\n"
    "    for (int i = 0; i < n; i++) sum += a[i] * b[i];\n"
    "    *out = sum;\n"
    "}\n";

bool expect(const char *name, const qjit::Buffer &out, double expected)
{
    const double value = static_cast<double>(out.download<float>()[0]);
    const bool good = std::fabs(value - expected) <= 1e-6 * expected;
    std::printf("%s: %.1f%s\n", name, value, good ? "" : ", which is wrong");
    return good;
}

int run()
{
    qjit::Context qjit;
    std::vector<float> y(N);
    for (int i = 0; i < N; i++) {
        y[static_cast<std::size_t>(i)] = static_cast<float>(i);
    }
    const qjit::Buffer weights(qjit, qjit::quantize_blocks(QJIT_GGML_Q4_0, y)), vector(qjit, y);
    const qjit::Buffer out = qjit::Buffer::zeroed(qjit, sizeof(float));

    qjit.function("dequantize_mul_mat_vec_q4_0_cuda")
        .launch({{1, 1, 1}, {32, 1, 1}}, weights, vector, out, N, 1 /* rows */);
    bool good = expect("dequantize_mul_mat_vec_q4_0_cuda", out, 5561851.0);

    const int n_padded = 512; /* q8_1 rows are */
    const qjit::Buffer q8_1 = qjit::Buffer::zeroed(qjit, n_padded / BLOCK * Q8_1_BYTES);
    qjit.function("quantize_q8_1")
        .launch(qjit::LaunchConfig::for_elements(n_padded), vector, q8_1, N, n_padded);
    qjit.function("mul_mat_vec_q4_0_q8_1_cuda1")
        .launch({{1, 1, 1}, {32, 4, 1}}, weights, q8_1, out, N, 1 /* rows */, n_padded, 1 /* rows of out */);
    good = expect("mul_mat_vec_q4_0_q8_1_cuda1", out, 5561664.5) && good;

    const qjit_kernel dot = qjit.add_source("dot", dot_text, {"dot"});
    qjit.function(dot).launch({}, vector, vector, out, N);
    good = expect("dot", out, 5559680.0) && good;

    /* What fails says why. */
    try {
        qjit.function("no_such_kernel");
        good = false;
    } catch (const qjit::Error &error) {
        std::printf("%s: %s\n", error.name(), error.what());
        good = good && error.status() == QJIT_NOT_FOUND;
    }
    return good ? 0 : 1;
}

} // namespace

int main()
{
    try {
        return run();
    } catch (const qjit::Error &error) {
        std::fprintf(stderr, "%s: %s\n%s", error.name(), error.what(), error.log().c_str());
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
    }
    return 1;
}
