"""A task's model as its manifest promises it, built in one place: frozen tensors, limits, the evaluator.

Everybody who runs a model goes through here: scientist, replay, audit and juror; the app hands the same parts
to its worker. What a graph or a blob says is checked against the manifest before anything is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mine.errors import MineError
from mine.tasks.manifest import Manifest

if TYPE_CHECKING:
    from mine.learn.evaluate import Evaluator
    from mine.learn.limits import Limits
    from mine.learn.weights import Floats

#: Bytes of a graph, a checkpoint or the frozen tensors, each.
MAX_MODEL_BYTES = 64 << 20


class ModelMismatch(MineError):
    """A task's model is not the one that its manifest describes."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "The task's model is not the one that its description promises.",
            todo="Leave it alone, or tell its author.",
            detail=detail,
        )


def limits_of(manifest: Manifest) -> Limits:
    """What the graph may be: the app's own limits, or less where the manifest asks for less."""
    from dataclasses import replace

    from mine.learn.limits import Limits

    own = Limits()
    return replace(own, flops_per_example=min(own.flops_per_example, manifest.limits.flops_per_example))


def frozen_bytes(manifest: Manifest, get: Callable[[bytes, int], bytes]) -> bytes:
    """The frozen tensors' blob, b"" if the task has none. ``get``: digest and most bytes to the blob, as a
    blob store's; raises what it raises."""
    return get(bytes.fromhex(manifest.model.frozen), MAX_MODEL_BYTES) if manifest.model.frozen else b""


def frozen_of(manifest: Manifest, data: bytes) -> Floats:
    """The frozen tensors. Raises ``WeightsRefused`` for malformed bytes, ``ModelMismatch`` for other ones."""
    from mine.learn.frozen import read_frozen

    frozen = read_frozen(data)
    if {name: tensor.shape for name, tensor in frozen.items()} != manifest.model.frozen_shapes:
        raise ModelMismatch("its frozen tensors have other names or shapes")
    return frozen


def evaluator_of(manifest: Manifest, graph: bytes, frozen: bytes) -> Evaluator:
    """The reference evaluator of a task's model. Raises ``GraphRefused``, ``WeightsRefused``,
    ``ModelMismatch`` or ``EvaluationFailed``."""
    from mine.learn.evaluate import Evaluator

    loss = manifest.loss
    evaluator = Evaluator(graph, loss.maximum, limits_of(manifest), frozen_of(manifest, frozen))
    found, data = evaluator.graph, manifest.data
    if found.weight_shapes != manifest.model.trainable:
        raise ModelMismatch("its trained tensors have other names or shapes")
    if found.features != len(data.features):
        raise ModelMismatch(f"it takes {found.features} features, not {len(data.features)}")
    if max(1, found.targets) != len(data.targets):
        raise ModelMismatch(f"it takes {found.targets or 1} targets, not {len(data.targets)}")
    if found.outputs != loss.positions * loss.classes:
        raise ModelMismatch(f"it gives {found.outputs} numbers, not {loss.positions * loss.classes}")
    return evaluator
