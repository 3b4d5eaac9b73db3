//! The part of qjit that a Rust program needs, over plain `extern "C"`: no crate, no bindgen. Names are those that
//! candle and rocm-rs use around their kernels.
//!
//! A `Device` counts its users: memory and functions keep the context alive. Everything may be used from any thread.

#![allow(dead_code)]

use std::ffi::{CStr, CString};
use std::marker::PhantomData;
use std::mem::size_of;
use std::ops::Range;
use std::os::raw::{c_char, c_int, c_void};
use std::sync::Arc;

// ---- what qjit.h and ops.h declare ----

#[repr(C)]
struct ContextC {
    _private: [u8; 0],
}
#[repr(C)]
struct BufferC {
    _private: [u8; 0],
}

#[repr(C)]
struct DeviceC {
    struct_size: usize,
    name: [c_char; 256],
    arch: [c_char; 128],
    wavefront: u32,
    n_cus: u32,
    lds_bytes: u32,
    max_workgroup: u32,
    memory_bytes: u64,
}

#[repr(C)]
struct SourceC {
    struct_size: usize,
    name: *const c_char,
    text: *const c_char,
    headers: *const c_void,
    n_headers: usize,
    defines: *const *const c_char,
    n_defines: usize,
    options: *const *const c_char,
    n_options: usize,
    kernels: *const *const c_char,
    n_kernels: usize,
    flags: u32,
    reserved: u32,
}

#[repr(C)]
struct LaunchC {
    _private: [u8; 0],
}

#[repr(C)]
struct LaunchConfigC {
    grid: [u32; 3],
    block: [u32; 3],
    lds_bytes: u32,
    reserved: u32,
    stream: *mut c_void,
}

#[link(name = "qjit")]
extern "C" {
    fn qjit_create(out: *mut *mut ContextC, options: *const c_void) -> c_int;
    fn qjit_destroy(context: *mut ContextC);
    fn qjit_status_name(status: c_int) -> *const c_char;
    fn qjit_error_detail() -> *const c_char;
    fn qjit_error_log() -> *const c_char;
    fn qjit_device_info(context: *mut ContextC, out: *mut DeviceC, device: u32) -> c_int;
    fn qjit_find_kernel(context: *const ContextC, out: *mut u32, name: *const c_char) -> c_int;
    fn qjit_add_source(context: *mut ContextC, out: *mut u32, source: *const SourceC) -> c_int;
    fn qjit_stream_wait(context: *mut ContextC, device: u32, stream: *mut c_void) -> c_int;
    fn qjit_buffer_create(
        context: *mut ContextC,
        out: *mut *mut BufferC,
        device: u32,
        n_bytes: usize,
    ) -> c_int;
    fn qjit_buffer_create_zeroed(
        context: *mut ContextC,
        out: *mut *mut BufferC,
        device: u32,
        n_bytes: usize,
    ) -> c_int;
    fn qjit_buffer_view(
        buffer: *const BufferC,
        out: *mut *mut BufferC,
        offset: usize,
        n_bytes: usize,
    ) -> c_int;
    fn qjit_buffer_destroy(buffer: *mut BufferC);
    fn qjit_buffer_upload(
        buffer: *mut BufferC,
        offset: usize,
        from: *const c_void,
        n_bytes: usize,
    ) -> c_int;
    fn qjit_buffer_download(
        buffer: *const BufferC,
        out: *mut c_void,
        offset: usize,
        n_bytes: usize,
    ) -> c_int;
    fn qjit_get_block_bytes(out: *mut u64, kind: u32, n: u64) -> c_int;
    fn qjit_quantize_blocks(out: *mut c_void, kind: u32, x: *const f32, n: usize) -> c_int;
    fn qjit_launch_config_init(out: *mut LaunchConfigC, n: u64, n_threads: u32);
    fn qjit_launch_create(
        context: *mut ContextC,
        out: *mut *mut LaunchC,
        device: u32,
        kernel: u32,
    ) -> c_int;
    fn qjit_launch_destroy(launch: *mut LaunchC);
    fn qjit_launch_add(launch: *mut LaunchC, value: *const c_void, n_bytes: usize) -> c_int;
    fn qjit_launch_add_buffer(launch: *mut LaunchC, buffer: *const BufferC) -> c_int;
    fn qjit_launch_run(launch: *mut LaunchC, config: *const LaunchConfigC) -> c_int;
}

// ---- errors ----

/// What a failed call said. The texts belong to the thread and its last failure, so they are copied at once.
#[derive(Clone, Debug)]
pub struct Error {
    pub status: String,
    pub detail: String,
    pub log: String,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{}: {}", self.status, self.detail)
    }
}

impl std::error::Error for Error {}

pub type Result<T> = std::result::Result<T, Error>;

fn text(from: *const c_char) -> String {
    unsafe { CStr::from_ptr(from) }.to_string_lossy().into_owned()
}

fn check(status: c_int) -> Result<()> {
    if status == 0 {
        return Ok(());
    }
    Err(unsafe {
        Error {
            status: text(qjit_status_name(status)),
            detail: text(qjit_error_detail()),
            log: text(qjit_error_log()),
        }
    })
}

fn invalid(detail: String) -> Error {
    Error { status: "QJIT_INVALID_ARGUMENT".into(), detail, log: String::new() }
}

fn c_text(from: &str) -> Result<CString> {
    CString::new(from)
        .map_err(|_| invalid(format!("'{}' holds a zero byte", from.escape_default())))
}

fn n_bytes<T>(n: usize) -> Result<usize> {
    n.checked_mul(size_of::<T>()).ok_or_else(|| invalid(format!("{} elements are too many", n)))
}

// ---- blocks ----

/// QJIT_GGML_Q4_0 of gguf.h.
pub const Q4_0: u32 = 2;

/// Numbers as blocks of a ggml type, quantised on the host.
pub fn quantize_blocks(kind: u32, x: &[f32]) -> Result<Vec<u8>> {
    let mut n_bytes = 0;
    check(unsafe { qjit_get_block_bytes(&mut n_bytes, kind, x.len() as u64) })?;
    let mut blocks = vec![0; n_bytes as usize];
    check(unsafe { qjit_quantize_blocks(blocks.as_mut_ptr().cast(), kind, x.as_ptr(), x.len()) })?;
    Ok(blocks)
}

// ---- a device ----

struct Context(*mut ContextC);

// qjit.h: a context may be used from any number of threads at once.
unsafe impl Send for Context {}
unsafe impl Sync for Context {}

impl Drop for Context {
    fn drop(&mut self) {
        unsafe { qjit_destroy(self.0) }
    }
}

#[derive(Clone)]
pub struct Device {
    context: Arc<Context>,
    ordinal: u32,
}

impl Device {
    /// The device with HIP's number `ordinal`, with what the environment says of qjit.
    pub fn new(ordinal: u32) -> Result<Device> {
        let mut context = std::ptr::null_mut();
        check(unsafe { qjit_create(&mut context, std::ptr::null()) })?;
        Ok(Device { context: Arc::new(Context(context)), ordinal })
    }

    pub fn arch(&self) -> Result<String> {
        let mut info: DeviceC = unsafe { std::mem::zeroed() };
        info.struct_size = size_of::<DeviceC>();
        check(unsafe { qjit_device_info(self.context.0, &mut info, self.ordinal) })?;
        Ok(text(info.arch.as_ptr()))
    }

    /// The kernel of this name, compiled first if it must be.
    pub fn get_or_load_func(&self, name: &str) -> Result<Function> {
        let mut kernel = 0;
        let c_name = c_text(name)?;
        check(unsafe { qjit_find_kernel(self.context.0, &mut kernel, c_name.as_ptr()) })?;
        let function = Function { device: self.clone(), kernel };
        function.new_launch().map(drop)?;
        Ok(function)
    }

    /// The same for a kernel of one's own: `extern "C"` in the text, which is compiled once and cached.
    pub fn get_or_load_custom_func(
        &self,
        name: &str,
        module_name: &str,
        text: &str,
    ) -> Result<Function> {
        let (c_name, c_module, c_source) = (c_text(name)?, c_text(module_name)?, c_text(text)?);
        let kernels = [c_name.as_ptr()];
        let mut source: SourceC = unsafe { std::mem::zeroed() };
        source.struct_size = size_of::<SourceC>();
        source.name = c_module.as_ptr();
        source.text = c_source.as_ptr();
        source.kernels = kernels.as_ptr();
        source.n_kernels = kernels.len();
        let status = unsafe { qjit_add_source(self.context.0, std::ptr::null_mut(), &source) };
        match check(status) {
            Err(error) if error.status != "QJIT_EXISTS" => Err(error),
            _ => self.get_or_load_func(name),
        }
    }

    /// Waits until everything queued on the default stream is done.
    pub fn synchronize(&self) -> Result<()> {
        check(unsafe { qjit_stream_wait(self.context.0, self.ordinal, std::ptr::null_mut()) })
    }

    fn memory<T>(&self, buffer: *mut BufferC, n: usize) -> DeviceMemory<T> {
        DeviceMemory { device: self.clone(), buffer, n, elements: PhantomData }
    }

    /// Room for n elements, contents undefined.
    pub fn alloc<T: DeviceRepr>(&self, n: usize) -> Result<DeviceMemory<T>> {
        let mut buffer = std::ptr::null_mut();
        let n_bytes = n_bytes::<T>(n)?;
        check(unsafe {
            qjit_buffer_create(self.context.0, &mut buffer, self.ordinal, n_bytes)
        })?;
        Ok(self.memory(buffer, n))
    }

    pub fn alloc_zeros<T: DeviceRepr>(&self, n: usize) -> Result<DeviceMemory<T>> {
        let mut buffer = std::ptr::null_mut();
        let n_bytes = n_bytes::<T>(n)?;
        check(unsafe {
            qjit_buffer_create_zeroed(self.context.0, &mut buffer, self.ordinal, n_bytes)
        })?;
        Ok(self.memory(buffer, n))
    }

    pub fn clone_htod<T: DeviceRepr>(&self, from: &[T]) -> Result<DeviceMemory<T>> {
        let mut memory = self.alloc(from.len())?;
        self.memcpy_htod(from, &mut memory)?;
        Ok(memory)
    }

    pub fn memcpy_htod<T: DeviceRepr>(&self, from: &[T], to: &mut DeviceMemory<T>) -> Result<()> {
        let n_bytes = std::mem::size_of_val(from);
        check(unsafe { qjit_buffer_upload(to.buffer, 0, from.as_ptr().cast(), n_bytes) })
    }

    pub fn clone_dtoh<T: DeviceRepr + Default>(&self, from: &DeviceMemory<T>) -> Result<Vec<T>> {
        let mut to = vec![T::default(); from.n];
        self.memcpy_dtoh(from, &mut to)?;
        Ok(to)
    }

    pub fn memcpy_dtoh<T: DeviceRepr>(&self, from: &DeviceMemory<T>, to: &mut [T]) -> Result<()> {
        let n_bytes = std::mem::size_of_val(to);
        check(unsafe { qjit_buffer_download(from.buffer, to.as_mut_ptr().cast(), 0, n_bytes) })
    }
}

// ---- memory ----

/// What may lie in the device's memory.
///
/// # Safety
/// Any bytes are a value, and none of them is padding: of `bool`, references and most enums that is not so.
pub unsafe trait DeviceRepr: Copy {}

/// n elements in the device's memory, freed when the last view of them is.
pub struct DeviceMemory<T> {
    device: Device,
    buffer: *mut BufferC,
    n: usize,
    elements: PhantomData<T>,
}

// ops.h: buffers may be used from any number of threads at once, and are destroyed by one.
unsafe impl<T: Send> Send for DeviceMemory<T> {}
unsafe impl<T: Sync> Sync for DeviceMemory<T> {}

impl<T: DeviceRepr> DeviceMemory<T> {
    pub fn len(&self) -> usize {
        self.n
    }

    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// A view of some of the elements.
    pub fn slice(&self, range: Range<usize>) -> Result<DeviceMemory<T>> {
        let mut view = std::ptr::null_mut();
        let n = range.end.saturating_sub(range.start);
        let (offset, n_bytes) = (n_bytes::<T>(range.start)?, n_bytes::<T>(n)?);
        check(unsafe { qjit_buffer_view(self.buffer, &mut view, offset, n_bytes) })?;
        Ok(self.device.memory(view, n))
    }
}

impl<T> Drop for DeviceMemory<T> {
    fn drop(&mut self) {
        unsafe { qjit_buffer_destroy(self.buffer) }
    }
}

// ---- launching ----

#[derive(Clone, Copy)]
pub struct LaunchConfig {
    pub grid_dim: (u32, u32, u32),
    pub block_dim: (u32, u32, u32),
    pub shared_mem_bytes: u32,
}

impl LaunchConfig {
    /// One thread for each of n elements, and one block at least.
    pub fn for_num_elems(n: u32) -> LaunchConfig {
        let mut config: LaunchConfigC = unsafe { std::mem::zeroed() };
        unsafe { qjit_launch_config_init(&mut config, n.into(), 0) };
        let (grid, block) = (config.grid, config.block);
        LaunchConfig {
            grid_dim: (grid[0], grid[1], grid[2]),
            block_dim: (block[0], block[1], block[2]),
            shared_mem_bytes: 0,
        }
    }
}

/// A kernel on a device.
#[derive(Clone)]
pub struct Function {
    device: Device,
    kernel: u32,
}

impl Function {
    pub fn builder(&self) -> Builder {
        Builder { launch: self.new_launch() }
    }

    fn new_launch(&self) -> Result<Launch> {
        let mut launch = std::ptr::null_mut();
        let (context, ordinal) = (self.device.context.0, self.device.ordinal);
        check(unsafe { qjit_launch_create(context, &mut launch, ordinal, self.kernel) })?;
        Ok(Launch { launch, _device: self.device.clone() })
    }
}

struct Launch {
    launch: *mut LaunchC,
    _device: Device,
}

impl Drop for Launch {
    fn drop(&mut self) {
        unsafe { qjit_launch_destroy(self.launch) }
    }
}

/// What a kernel takes: memory goes as its address, numbers by value.
pub trait KernelArgument {
    #[doc(hidden)]
    fn add_to(&self, argument: &Argument) -> Result<()>;
}

/// Where an argument goes.
pub struct Argument(*mut LaunchC);

impl<T> KernelArgument for DeviceMemory<T> {
    fn add_to(&self, argument: &Argument) -> Result<()> {
        check(unsafe { qjit_launch_add_buffer(argument.0, self.buffer) })
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(unsafe impl DeviceRepr for $number {}

        impl KernelArgument for $number {
            fn add_to(&self, argument: &Argument) -> Result<()> {
                let value = (self as *const $number).cast();
                check(unsafe { qjit_launch_add(argument.0, value, size_of::<$number>()) })
            }
        })*
    };
}

numbers!(i8, u8, i16, u16, i32, u32, i64, u64, usize, f32, f64);

/// Gathers arguments. Their number and sizes are held against what the code object says (those of gfx* do); what is
/// wrong, `launch` tells.
pub struct Builder {
    launch: Result<Launch>,
}

impl Builder {
    pub fn arg<A: KernelArgument>(&mut self, argument: &A) -> &mut Self {
        if let Ok(launch) = &self.launch {
            if let Err(error) = argument.add_to(&Argument(launch.launch)) {
                self.launch = Err(error);
            }
        }
        self
    }

    /// Queues the kernel on the default stream; again and again, if need be.
    ///
    /// # Safety
    /// The arguments are those of the kernel; it stays within the memory that it is given, and that memory lives until
    /// the work is done.
    pub unsafe fn launch(&mut self, config: LaunchConfig) -> Result<()> {
        let (grid, block) = (config.grid_dim, config.block_dim);
        let config = LaunchConfigC {
            grid: [grid.0, grid.1, grid.2],
            block: [block.0, block.1, block.2],
            lds_bytes: config.shared_mem_bytes,
            reserved: 0,
            stream: std::ptr::null_mut(),
        };
        match &self.launch {
            Ok(launch) => check(qjit_launch_run(launch.launch, &config)),
            Err(error) => Err(error.clone()),
        }
    }
}
