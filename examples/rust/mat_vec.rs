//! A row of 256 numbers in Q4_0 times a vector: by the kernel that takes the vector as it is, by the one that takes
//! it as q8_1, and by a kernel of this file's own. The expected values are those of candle's test `cuda_mmv_q8_1`.
//!
//!     rustc -O examples/rust/mat_vec.rs -L build/lib -C link-arg=-Wl,-rpath,$PWD/build/lib
//!     QJIT_HIP=cpu ./mat_vec

mod qjit;

use qjit::{Device, DeviceMemory, LaunchConfig, Result};

const N: usize = 256;
const BLOCK: usize = 32;
const Q8_1_BYTES: usize = 36;

const DOT: &str = r#"
extern "C" __global__ void dot(const float *a, const float *b, float *out, int n)
{
    float sum = 0;
    for (int i = 0; i < n; i++) sum += a[i] * b[i];
    *out = sum;
}
"#;

fn expect(device: &Device, name: &str, out: &DeviceMemory<f32>, expected: f64) -> Result<bool> {
    let value = device.clone_dtoh(out)?[0] as f64;
    let good = (value - expected).abs() <= 1e-6 * expected;
    println!("{}: {:.1}{}", name, value, if good { "" } else { ", which is wrong" });
    Ok(good)
}

fn run() -> Result<bool> {
    let device = Device::new(0)?;
    let y: Vec<f32> = (0..N).map(|i| i as f32).collect();
    let weights = device.clone_htod(&qjit::quantize_blocks(qjit::Q4_0, &y)?)?;
    let vector = device.clone_htod(&y)?;
    let out = device.alloc_zeros::<f32>(1)?;
    let (n, n_rows, n_padded) = (N as i32, 1i32, 512i32);

    let one_warp =
        LaunchConfig { grid_dim: (1, 1, 1), block_dim: (32, 1, 1), shared_mem_bytes: 0 };
    let name = "dequantize_mul_mat_vec_q4_0_cuda";
    let function = device.get_or_load_func(name)?;
    let mut builder = function.builder();
    builder.arg(&weights).arg(&vector).arg(&out).arg(&n).arg(&n_rows);
    unsafe { builder.launch(one_warp)? };
    let mut good = expect(&device, name, &out, 5561851.0)?;

    let q8_1 = device.alloc_zeros::<u8>(n_padded as usize / BLOCK * Q8_1_BYTES)?;
    let function = device.get_or_load_func("quantize_q8_1")?;
    let mut builder = function.builder();
    builder.arg(&vector).arg(&q8_1).arg(&n).arg(&n_padded);
    unsafe { builder.launch(LaunchConfig::for_num_elems(n_padded as u32))? };

    let name = "mul_mat_vec_q4_0_q8_1_cuda1";
    let function = device.get_or_load_func(name)?;
    let mut builder = function.builder();
    builder.arg(&weights).arg(&q8_1).arg(&out).arg(&n).arg(&n_rows).arg(&n_padded).arg(&n_rows);
    unsafe { builder.launch(LaunchConfig { block_dim: (32, 4, 1), ..one_warp })? };
    good &= expect(&device, name, &out, 5561664.5)?;

    // Half of the vector: a view.
    let half = vector.slice(0..N / 2)?;
    let n_half = half.len() as i32;
    let function = device.get_or_load_custom_func("dot", "dot", DOT)?;
    let mut builder = function.builder();
    builder.arg(&half).arg(&vector.slice(N / 2..N)?).arg(&out).arg(&n_half);
    unsafe { builder.launch(LaunchConfig { block_dim: (1, 1, 1), ..one_warp })? };
    let expected: f64 = (0..N / 2).map(|i| (i * (i + N / 2)) as f64).sum();
    good &= expect(&device, "dot", &out, expected)?;

    // What fails says why.
    match device.get_or_load_func("no_such_kernel") {
        Err(error) => println!("{}", error),
        Ok(_) => good = false,
    }
    device.synchronize()?;
    Ok(good)
}

fn main() {
    match run() {
        Ok(true) => {}
        Ok(false) => std::process::exit(1),
        Err(error) => {
            eprint!("{}\n{}", error, error.log);
            std::process::exit(1);
        }
    }
}
