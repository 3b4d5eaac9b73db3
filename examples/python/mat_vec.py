"""A row of 256 numbers in Q4_0 times a vector: by the kernel that takes the vector as it is, by the one that takes it
as q8_1, and by a kernel of this file's own. The expected values are those of candle's test `cuda_mmv_q8_1`.

    QJIT_LIBRARY=build/lib/libqjit.so QJIT_HIP=cpu python3 examples/python/mat_vec.py
"""

import struct
import sys
from array import array

from qjit import Q4_0, Device, Error, quantize_blocks

N, BLOCK, Q8_1_BYTES = 256, 32, 36

DOT = """
extern "C" __global__ void dot(const float *a, const float *b, float *out, int n)
{
    float sum = 0;
    for (int i = 0; i < n; i++) sum += a[i] * b[i];
    *out = sum;
}
"""


def expect(name, out, expected):
    (value,) = struct.unpack("<f", out.download())
    good = abs(value - expected) <= 1e-6 * expected
    print(f"{name}: {value:.1f}{'' if good else ', which is wrong'}")
    return good


def run():
    device = Device()
    y = array("f", range(N))
    weights, vector, out = device.buffer(quantize_blocks(Q4_0, y)), device.buffer(y), device.buffer(4)
    n_rows, n_padded = 1, 512

    name = "dequantize_mul_mat_vec_q4_0_cuda"
    device.function(name).launch((1,), (32,), weights, vector, out, N, n_rows)
    good = expect(name, out, 5561851.0)

    q8_1 = device.buffer(n_padded // BLOCK * Q8_1_BYTES)
    device.function("quantize_q8_1").launch((n_padded // 256,), (256,), vector, q8_1, N, n_padded)
    name = "mul_mat_vec_q4_0_q8_1_cuda1"
    device.function(name).launch((1,), (32, 4), weights, q8_1, out, N, n_rows, n_padded, n_rows)
    good = expect(name, out, 5561664.5) and good

    # Half of the vector: a view.
    device.add_source("dot", DOT, ["dot"])
    low, high = vector.view(0, 2 * N), vector.view(2 * N, 2 * N)
    device.function("dot").launch((1,), (1,), low, high, out, N // 2)
    good = expect("dot", out, sum(i * (i + N // 2) for i in range(N // 2))) and good

    # What fails says why.
    try:
        device.function("no_such_kernel")
        good = False
    except Error as error:
        print(error)
    device.wait()
    return good


if __name__ == "__main__":
    sys.exit(not run())
