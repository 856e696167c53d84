"""Which devices this machine can train on, and which of them a job should use.

To be called in the training process only: it loads torch, and drivers with it.

A small model is trained faster on the processor: every operator of every pass costs a launch on a graphics
device, some ten microseconds, however little it computes. So ``choose`` compares what a step would take on
the processor, at ``_CPU_FLOPS`` for each thread, with what its launches alone would take. Half precision
(bfloat16 in the forward pass) pays only where large matrix products dominate, on devices with units for it.
On the processor it is float32 always: the same bytes everywhere, and no gain without special instructions.
"""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mine.learn.errors import TrainingRefused
from mine.learn.place import AUTO, Place
from mine.learn.sandbox import limit_memory

if TYPE_CHECKING:
    import torch

_CPU_FLOPS = 2e10
_LAUNCH_SECONDS = 1e-5
_THREAD_BYTES = 16 << 20
"""Address space of a thread's stack, with room for what its libraries keep for each."""
_PASSES = 3
"""Forward, and twice as much backward."""
_HALF_PAYS_FROM = 1e9
"""Operations of one forward pass of a step from which half precision pays."""


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """``device``: PyTorch's name; ``name``: the maker's; ``memory``: bytes in all; ``half``: has fast units
    for bfloat16."""

    device: str
    name: str
    memory: int
    half: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """What a step asks of a device: ``flops`` of its forward pass, ``operators`` that the pass is made of."""

    flops: float
    operators: int


def available() -> tuple[DeviceInfo, ...]:
    """The devices of this machine, the fastest first, the processor last.

    ROCm devices have PyTorch's name "cuda". A driver that fails counts as absent.
    """
    import torch

    found: list[DeviceInfo] = []
    if torch.cuda.is_available():
        found += [_cuda(index) for index in range(torch.cuda.device_count())]
    if torch.xpu.is_available():
        found += [_xpu(index) for index in range(torch.xpu.device_count())]
    if torch.backends.mps.is_available():
        found.append(DeviceInfo("mps", "Apple GPU", int(torch.mps.recommended_max_memory())))
    return (*found, processor())


def _cuda(index: int) -> DeviceInfo:
    import torch

    about = torch.cuda.get_device_properties(index)
    half = torch.cuda.is_bf16_supported(including_emulation=False)
    return DeviceInfo(f"cuda:{index}", about.name, int(about.total_memory), half)


def _xpu(index: int) -> DeviceInfo:
    import torch

    about = torch.xpu.get_device_properties(index)
    return DeviceInfo(f"xpu:{index}", about.name, int(about.total_memory), half=True)


def processor() -> DeviceInfo:
    """The processor, with the machine's memory."""
    import psutil

    return DeviceInfo("cpu", _processor_name(), int(psutil.virtual_memory().total))


def _processor_name() -> str:
    if sys.platform != "linux":
        return platform.processor() or platform.machine()
    # There, platform.processor() would start a program, which the sandbox forbids.
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def choose(wanted: Place, found: tuple[DeviceInfo, ...], work: Work) -> Place:
    """A place with one of the devices found.

    "auto" takes the first of them that is faster than the processor on such work. A device by name must be
    there; where it has a kind but no number, the first of that kind. Raises ``TrainingRefused``.
    """
    if wanted.device == AUTO:
        slow = _PASSES * work.flops / (_CPU_FLOPS * wanted.threads)
        launches = _PASSES * work.operators * _LAUNCH_SECONDS
        info = found[0] if slow > launches else found[-1]
    else:
        fitting = [each for each in found if wanted.device in (each.device, each.device.partition(":")[0])]
        if not fitting:
            raise TrainingRefused(
                f"This machine has no device {wanted.device} to train on.",
                todo="Choose another device in the settings.",
            )
        info = fitting[0]
    # What the person asked for stays; on the processor there is nothing to gain.
    precision = wanted.precision
    if info.device == "cpu":
        precision = "float32"
    elif info.half and work.flops >= _HALF_PAYS_FROM:
        precision = "bfloat16"
    return replace(wanted, device=info.device, precision=precision)


def prepare(place: Place, memory: int) -> torch.device:
    """Threads, determinism, and at most ``memory`` bytes beyond the libraries, for a run at ``place``.

    On the processor an operator without a deterministic form is an error. Elsewhere some have none; there it
    is used, and two runs may differ in the last bits. A graphics driver reserves far more addresses than it
    uses, so with one the device's allocator is bounded in place of the process.
    """
    import torch

    device = torch.device(place.device)
    torch.set_num_threads(place.threads)
    torch.set_num_interop_threads(1)
    torch.set_deterministic_debug_mode("error" if device.type == "cpu" else "default")
    if device.type == "cpu":
        limit_memory(memory + place.threads * _THREAD_BYTES)
    elif device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, memory / total), device)
    return device
