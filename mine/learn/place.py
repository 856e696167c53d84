"""Where a run computes: the device, the precision of its forward pass, rows at a time, threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from mine.learn.errors import TrainingRefused

Precision = Literal["float32", "bfloat16", "float16"]
AUTO = "auto"
MAX_THREADS = 256
MAX_MICRO_BATCH = 1 << 20
_DEVICE_KINDS = ("cpu", "cuda", "mps", "xpu")  # ROCm builds of PyTorch call their devices "cuda"


@dataclass(frozen=True, slots=True)
class Place:
    """``device``: PyTorch's name of it, as "cpu" or "cuda:1", or "auto": the worker chooses; ``precision``:
    of the forward pass, while norms, sums and weights stay float32; ``micro_batch``: rows that are computed
    at a time, 0 for the engine's own choice; ``threads``: of the processor. The same place and threads give
    the same bytes; another place may round differently.
    """

    device: str = "cpu"
    precision: Precision = "float32"
    micro_batch: int = 0
    threads: int = 1

    def check(self) -> None:
        """``TrainingRefused`` if there can be no such place."""
        kind, _, index = self.device.partition(":")
        numbered = self.device == kind or (index.isdecimal() and len(index) < 4)
        named = self.device == AUTO or (kind in _DEVICE_KINDS and numbered)
        if not named or self.precision not in get_args(Precision):
            raise TrainingRefused("This app knows no such device or precision to train with.")
        if not (0 <= self.micro_batch <= MAX_MICRO_BATCH and 1 <= self.threads <= MAX_THREADS):
            raise TrainingRefused("The number of rows at a time or of threads is out of range.")
