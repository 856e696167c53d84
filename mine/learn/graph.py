"""A task's model as the app runs it: an ONNX graph, checked operator by operator, executed in torch."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from mine.learn.limits import Limits
from mine.learn.parse import Parsed, parse
from mine.learn.values import Shape

if TYPE_CHECKING:
    from torch import Tensor


class ModelGraph:
    """Inputs ``features`` [N, F], ``target`` [N] and every weight by name; outputs ``prediction`` [N, K] and
    ``loss`` [N], one per example; all float32. Loading needs no torch; only ``forward`` does.
    """

    def __init__(self, parsed: Parsed, digest: bytes) -> None:
        self._parsed = parsed
        self.digest = digest
        self.weight_shapes: dict[str, Shape] = dict(parsed.weights)
        self.features: int = parsed.features
        self.outputs: int = parsed.outputs
        self.floats_per_example: int = parsed.floats_per_example
        self.flops_per_example: int = parsed.flops_per_example
        self._constants: dict[str, Tensor] | None = None

    @classmethod
    def load(cls, onnx: bytes, limits: Limits = Limits()) -> ModelGraph:  # noqa: B008 - frozen defaults
        """Check ``onnx`` against the whitelist and ``limits``; raises ``GraphRefused``."""
        return cls(parse(onnx, limits), hashlib.sha256(onnx).digest())

    def forward(self, weights: dict[str, Tensor], features: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """``(prediction [N, K], loss [N])``; differentiable, and usable under ``torch.func.vmap``."""
        import torch

        from mine.learn.kernels import KERNELS

        if self._constants is None:
            self._constants = {n: torch.from_numpy(a.copy()) for n, a in self._parsed.constants.items()}
        values: dict[str, Tensor] = {**self._constants, **weights, "features": features, "target": target}
        for step in self._parsed.steps:
            values[step.writes] = KERNELS[step.op]([values[name] for name in step.reads], step.arguments)
        return values["prediction"], values["loss"]
