//! Sizes that do not fit, and (with `--cfg wrong`) a type that not every byte is a value of, which must not compile.

mod qjit;

fn main() -> qjit::Result<()> {
    let device = qjit::Device::new(0)?;
    let largest = qjit::LaunchConfig::for_num_elems(u32::MAX).grid_dim;
    assert_eq!(largest, (u32::MAX / 256, 1, 1));
    assert_eq!(qjit::LaunchConfig::for_num_elems(0).grid_dim, (1, 1, 1));
    assert_eq!(qjit::LaunchConfig::for_num_elems(257).grid_dim, (2, 1, 1));

    let too_many = (1usize << 62) + 1; // 4 bytes, were they counted in 64 bits
    assert_eq!(device.alloc::<u32>(too_many).err().unwrap().status, "QJIT_INVALID_ARGUMENT");
    let memory = device.alloc_zeros::<u32>(4)?;
    assert!(memory.slice(too_many..too_many + 1).is_err());
    assert_eq!(device.clone_dtoh(&memory.slice(1..3)?)?, [0, 0]);
    #[cfg(wrong)]
    device.clone_dtoh(&device.alloc::<bool>(1)?)?;
    Ok(())
}
