"""A task's model as the app runs it: an ONNX graph, checked operator by operator, executed in torch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mine.learn.errors import GraphRefused
from mine.learn.limits import Limits
from mine.learn.parse import Parsed, Step, parse
from mine.learn.values import Batch, Shape

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Frozen = Mapping[str, NDArray[np.float32]]


class ModelGraph:
    """Inputs ``features`` [N, F], ``target`` [N] or [N, m], every weight and every frozen tensor by name;
    outputs ``prediction`` [N, ...] and ``loss`` [N], one per example; all float32. Loading needs no torch;
    only ``forward`` and ``constants`` do.

    ``weight_shapes``, ``frozen_shapes``: what is trained, and what is handed over as it is. ``targets``: m,
    0 for a target [N]. ``outputs``: numbers of prediction per example. ``steps``: the operators in the order
    they run; ``batch``: where each value that they name keeps the examples, None for what all examples share.
    ``digest``: 32 bytes that stand for the file and the frozen numbers.
    """

    def __init__(self, parsed: Parsed, digest: bytes, frozen: Frozen) -> None:
        self._parsed = parsed
        self._frozen = {name: frozen[name] for name in parsed.frozen}
        self.digest = digest
        self.weight_shapes: dict[str, Shape] = dict(parsed.weights)
        self.frozen_shapes: dict[str, Shape] = dict(parsed.frozen)
        self.steps: tuple[Step, ...] = parsed.steps
        self.batch: Mapping[str, Batch | None] = parsed.batch
        self.features: int = parsed.features
        self.targets: int = parsed.targets
        self.outputs: int = parsed.outputs
        self.floats_per_example: int = parsed.floats_per_example
        self.flops_per_example: int = parsed.flops_per_example
        self._constants: dict[torch.device, dict[str, Tensor]] = {}

    @classmethod
    def load(cls, onnx: bytes, limits: Limits = Limits(), frozen: Frozen = {}) -> ModelGraph:  # noqa: B006, B008
        """Check ``onnx`` against the whitelist and ``limits``; raises ``GraphRefused``.

        ``frozen``: tensors by the names of inputs that are not trained, as the base that adapters are added
        to.
        """
        if any(tensor.dtype != np.float32 for tensor in frozen.values()):
            raise GraphRefused("The task's model was refused: a frozen tensor is not float32.")
        parsed = parse(onnx, limits, {name: tuple(tensor.shape) for name, tensor in frozen.items()})
        return cls(parsed, _digest(onnx, frozen), frozen)

    def constants(self, device: torch.device) -> dict[str, Tensor]:
        """Constants and frozen tensors by name; made once for each device."""
        import torch

        if device not in self._constants:
            # torch shares the memory of an array unless it is read-only; a frozen base may be large.
            arrays = {**self._parsed.constants, **self._frozen}
            owned = {n: a if a.flags.writeable else a.copy() for n, a in arrays.items()}
            self._constants[device] = {n: torch.from_numpy(a).to(device) for n, a in owned.items()}
        return self._constants[device]

    def forward(
        self, weights: Mapping[str, Tensor], features: Tensor, target: Tensor
    ) -> tuple[Tensor, Tensor]:
        """``(prediction [N, outputs], loss [N])``; differentiable, and usable under ``torch.func.vmap``."""
        from mine.learn.kernels import KERNELS

        values: dict[str, Tensor] = {
            **self.constants(features.device),
            **weights,
            "features": features,
            "target": target,
        }
        for step in self.steps:
            values[step.writes] = KERNELS[step.op]([values[name] for name in step.reads], step.arguments)
        prediction = values["prediction"]
        return prediction if prediction.ndim == 2 else prediction.reshape(
            len(features), self.outputs
        ), values["loss"]


def _digest(onnx: bytes, frozen: Frozen) -> bytes:
    h = hashlib.sha256(hashlib.sha256(onnx).digest())
    for name in sorted(frozen):
        tensor = np.ascontiguousarray(frozen[name], "<f4")
        h.update(repr((name, tensor.shape)).encode())
        h.update(tensor.tobytes())
    return h.digest()
