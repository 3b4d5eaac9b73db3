"""What the collector of garbage takes away in any order is destroyed in the right one; what does not fit is refused."""

import gc
import sys

import qjit


class Model:
    """Refers to itself: only the collector takes it away."""

    def __init__(self):
        self.device, self.itself = qjit.Device(), self
        self.buffer = self.device.buffer(64)
        self.view = self.buffer.view(8, 8)
        self.function = self.device.function("quantize_q8_1")


calls = []


def tell(name):
    call = getattr(qjit._qjit, name)

    def told(handle):
        calls.append(name)
        call(handle)

    setattr(qjit._qjit, name, told)


for destroy in "qjit_destroy", "qjit_buffer_destroy", "qjit_launch_destroy":
    tell(destroy)
gc.disable()
model = Model()
try:
    model.function.launch((1,), (256,), model.buffer, model.buffer, 1 << 32, 0)
    sys.exit("a number of 33 bits went as one of 32")
except OverflowError:
    pass
del model
gc.collect()
expected = ["qjit_buffer_destroy"] * 2 + ["qjit_launch_destroy"]
if sorted(calls[:-1]) != expected or calls[-1:] != ["qjit_destroy"]:
    sys.exit(f"destroyed: {calls}")
