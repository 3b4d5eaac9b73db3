"""The part of qjit that a Python program needs, by ctypes: no package, nothing to build.

A Device keeps a context, which lives as long as its buffers and functions. Calls may come from any thread: ctypes lets
other Python threads run meanwhile, and what a failed call says is kept for each thread by qjit.
"""

import ctypes
import os
import weakref
from ctypes import POINTER, byref, c_char, c_char_p, c_int, c_size_t, c_uint32, c_uint64, c_void_p


class Error(Exception):
    """What a failed call said: the name of its status, one line, and the compile log if there is one."""

    def __init__(self, status, detail, log=""):
        super().__init__(f"{status}: {detail}")
        self.status, self.detail, self.log = status, detail, log


class _DeviceInfo(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char * 256),
        ("arch", c_char * 128),
        ("wavefront", c_uint32),
        ("n_cus", c_uint32),
        ("lds_bytes", c_uint32),
        ("max_workgroup", c_uint32),
        ("memory_bytes", c_uint64),
    ]


class _LaunchConfig(ctypes.Structure):
    _fields_ = [
        ("grid", c_uint32 * 3),
        ("block", c_uint32 * 3),
        ("lds_bytes", c_uint32),
        ("reserved", c_uint32),
        ("stream", c_void_p),
    ]


class _Source(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("text", c_char_p),
        ("headers", c_void_p),
        ("n_headers", c_size_t),
        ("defines", POINTER(c_char_p)),
        ("n_defines", c_size_t),
        ("options", POINTER(c_char_p)),
        ("n_options", c_size_t),
        ("kernels", POINTER(c_char_p)),
        ("n_kernels", c_size_t),
        ("flags", c_uint32),
        ("reserved", c_uint32),
    ]


# What qjit.h and ops.h declare. Without argument types ctypes would pass pointers as 32-bit numbers.
_DECLARATIONS = {
    "qjit_create": [POINTER(c_void_p), c_void_p],
    "qjit_device_info": [c_void_p, POINTER(_DeviceInfo), c_uint32],
    "qjit_find_kernel": [c_void_p, POINTER(c_uint32), c_char_p],
    "qjit_add_source": [c_void_p, POINTER(c_uint32), POINTER(_Source)],
    "qjit_get_block_bytes": [POINTER(c_uint64), c_uint32, c_uint64],
    "qjit_quantize_blocks": [c_void_p, c_uint32, POINTER(ctypes.c_float), c_size_t],
    "qjit_launch_create": [c_void_p, POINTER(c_void_p), c_uint32, c_uint32],
    "qjit_launch_add": [c_void_p, c_void_p, c_size_t],
    "qjit_launch_add_buffer": [c_void_p, c_void_p],
    "qjit_launch_run": [c_void_p, c_void_p],
    "qjit_stream_wait": [c_void_p, c_uint32, c_void_p],
    "qjit_buffer_create_zeroed": [c_void_p, POINTER(c_void_p), c_uint32, c_size_t],
    "qjit_buffer_view": [c_void_p, POINTER(c_void_p), c_size_t, c_size_t],
    "qjit_buffer_upload": [c_void_p, c_size_t, c_void_p, c_size_t],
    "qjit_buffer_download": [c_void_p, c_void_p, c_size_t, c_size_t],
}
_WITHOUT_STATUS = "qjit_destroy", "qjit_buffer_destroy", "qjit_launch_destroy", "qjit_launch_clear"


def _load():
    library = ctypes.CDLL(os.environ.get("QJIT_LIBRARY", "libqjit.so.0"))
    for name, arguments in _DECLARATIONS.items():
        getattr(library, name).argtypes = arguments
    for name in "qjit_status_name", "qjit_error_detail", "qjit_error_log":
        getattr(library, name).restype = c_char_p
    for name in _WITHOUT_STATUS:
        getattr(library, name).argtypes = [c_void_p]
        getattr(library, name).restype = None
    return library


_qjit = _load()


def _check(status):
    if status:
        texts = _qjit.qjit_status_name(status), _qjit.qjit_error_detail(), _qjit.qjit_error_log()
        raise Error(*(text.decode(errors="replace") for text in texts))


Q4_0 = 2  # QJIT_GGML_Q4_0 of gguf.h


def quantize_blocks(ggml_type, x):
    """Numbers as blocks of a ggml type, quantised on the host."""
    n_bytes = c_uint64()
    _check(_qjit.qjit_get_block_bytes(byref(n_bytes), ggml_type, len(x)))
    out = ctypes.create_string_buffer(n_bytes.value)
    _check(_qjit.qjit_quantize_blocks(out, ggml_type, (ctypes.c_float * len(x))(*x), len(x)))
    return out.raw


class _Context:
    def __init__(self):
        self._as_parameter_ = c_void_p()
        _check(_qjit.qjit_create(byref(self._as_parameter_), None))

    def __del__(self):
        if self._as_parameter_:
            _qjit.qjit_destroy(self._as_parameter_)


def _destroy(call, handle, context):
    call(handle)


def _own(owner, call, handle, context):
    """Destroys the handle after its owner, and before the context: what a finalizer refers to outlives it. (A __del__
    would not do: the collector calls those of a cycle in any order.)"""
    weakref.finalize(owner, _destroy, call, handle, context)
    return handle


class Device:
    """The device with HIP's number `ordinal`, with what the environment says of qjit."""

    def __init__(self, ordinal=0):
        self._context, self._ordinal = _Context(), ordinal

    @property
    def arch(self):
        info = _DeviceInfo(struct_size=ctypes.sizeof(_DeviceInfo))
        _check(_qjit.qjit_device_info(self._context, byref(info), self._ordinal))
        return info.arch.decode()

    def function(self, name):
        """The kernel of this name, compiled first if it must be."""
        kernel, launch = c_uint32(), c_void_p()
        _check(_qjit.qjit_find_kernel(self._context, byref(kernel), name.encode()))
        _check(_qjit.qjit_launch_create(self._context, byref(launch), self._ordinal, kernel))
        return Function(self, launch)

    def add_source(self, name, text, kernels):
        """Adds kernels of one's own: extern "C" names or name expressions."""
        names = (c_char_p * len(kernels))(*(kernel.encode() for kernel in kernels))
        source = _Source(
            struct_size=ctypes.sizeof(_Source),
            name=name.encode(),
            text=text.encode(),
            kernels=names,
            n_kernels=len(kernels),
        )
        _check(_qjit.qjit_add_source(self._context, None, byref(source)))

    def buffer(self, content):
        """Memory of the device: a copy of `content` (bytes, array.array, anything with that interface), or that many
        zero bytes."""
        if isinstance(content, int):
            return Buffer(self, content)
        view = memoryview(content).cast("B")
        buffer = Buffer(self, len(view))
        buffer.upload(view)
        return buffer

    def wait(self):
        """Until all that is queued is done."""
        _check(_qjit.qjit_stream_wait(self._context, self._ordinal, None))


class Buffer:
    def __init__(self, device, n_bytes, handle=None):
        if not handle:
            handle = c_void_p()
            _check(
                _qjit.qjit_buffer_create_zeroed(
                    device._context, byref(handle), device._ordinal, n_bytes
                )
            )
        self._device, self.n_bytes = device, n_bytes
        self._handle = _own(self, _qjit.qjit_buffer_destroy, handle, device._context)

    def view(self, offset, n_bytes):
        handle = c_void_p()
        _check(_qjit.qjit_buffer_view(self._handle, byref(handle), offset, n_bytes))
        return Buffer(self._device, n_bytes, handle)

    def upload(self, content, offset=0):
        content = bytes(content)
        _check(_qjit.qjit_buffer_upload(self._handle, offset, content, len(content)))

    def download(self):
        out = ctypes.create_string_buffer(self.n_bytes)
        _check(_qjit.qjit_buffer_download(self._handle, out, 0, self.n_bytes))
        return out.raw


class Function:
    """A kernel on a device, to be launched by one thread at a time."""

    def __init__(self, device, handle):
        self._handle = _own(self, _qjit.qjit_launch_destroy, handle, device._context)

    def launch(self, grid, block, *arguments, lds_bytes=0):
        """Queues the kernel. Arguments: a Buffer as its address, an int as a 32-bit int, a float as a 32-bit float,
        anything else as the ctypes value that it must be (c_int64(n), c_double(x)). Their number and sizes are held
        against what the code object says (those of gfx* do)."""
        _qjit.qjit_launch_clear(self._handle)
        for argument in arguments:
            self._add(argument)
        config = _LaunchConfig((*grid, 1, 1)[:3], (*block, 1, 1)[:3], lds_bytes)
        _check(_qjit.qjit_launch_run(self._handle, byref(config)))

    def _add(self, argument):
        if isinstance(argument, Buffer):
            _check(_qjit.qjit_launch_add_buffer(self._handle, argument._handle))
            return
        if isinstance(argument, int):
            if not -(1 << 31) <= argument < 1 << 32:
                raise OverflowError(f"{argument} is no number of 32 bits: pass a c_int64 where the kernel takes one")
            argument = c_int(argument)
        elif isinstance(argument, float):
            argument = ctypes.c_float(argument)
        _check(_qjit.qjit_launch_add(self._handle, byref(argument), ctypes.sizeof(argument)))
