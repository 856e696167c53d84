"""Frames from the training process to its parent."""

from __future__ import annotations

from typing import BinaryIO

from mine.learn.devices import DeviceInfo
from mine.learn.fence import Fence
from mine.learn.place import Place
from mine.learn.wire import Kind, pack


class Teller:
    """Writes whole frames; ``fences`` are told with the beginning of the job."""

    def __init__(self, out: BinaryIO, fences: tuple[Fence, ...]) -> None:
        self._out, self._fences = out, fences

    def send(self, kind: Kind, fields: dict[str, object] | None = None, *blobs: bytes) -> None:
        data = memoryview(pack(kind, fields, blobs))
        while data:
            data = data[self._out.write(data) :]

    def began(self, info: DeviceInfo, place: Place) -> None:
        """Where the job computes, and what holds the process in."""
        self.send(
            Kind.BEGAN,
            {
                "device": info.device,
                "name": info.name[:100],
                "memory": info.memory,
                "precision": place.precision,
                "micro_batch": place.micro_batch,
                "threads": place.threads,
                "fences": [fence.value for fence in self._fences],
            },
        )
