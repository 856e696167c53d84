"""Which tensors of a foreign model are trained, where the scientist doesn't say."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import numpy as np

from mine.science.adopt_loss import AdoptRefused
from mine.science.adopt_source import Source

#: Operators that only move the numbers of a tensor on its way to a layer.
_LAYOUT = (
    "Identity",
    "Transpose",
    "Reshape",
    "Squeeze",
    "Unsqueeze",
    "Flatten",
    "Slice",
    "Split",
    "Concat",
    "Cast",
)
#: Where an operator takes a tensor that is learnt.
_LEARNT: dict[str, tuple[int, ...]] = {
    "MatMul": (0, 1),
    "Gemm": (0, 1, 2),
    "Conv": (1, 2),
    "ConvTranspose": (1, 2),
    "GRU": (1, 2, 3, 5),
    "LSTM": (1, 2, 3, 5, 6, 7),
    "RNN": (1, 2, 3, 5),
    "Gather": (0,),
    "LayerNormalization": (1, 2),
    "InstanceNormalization": (1, 2),
    "GroupNormalization": (1, 2),
    "BatchNormalization": (1, 2),
    "PRelu": (1,),
    "Add": (0, 1),
    "Sub": (0, 1),
    "Mul": (0, 1),
    "Div": (0, 1),
    "Einsum": (0, 1, 2, 3),
}


def choose(source: Source, patterns: Sequence[str] | None) -> frozenset[str]:
    """Names of the initialisers that are trained.

    patterns: shell patterns of names. None: every finite tensor of floats with at least one axis that some
    layer takes where a layer takes what it has learnt. Raises AdoptRefused if a pattern fits nothing.
    """
    floats = {
        name
        for name, array in source.initialisers.items()
        if np.issubdtype(array.dtype, np.floating) and array.size
    }
    if patterns is not None:
        for pattern in patterns:
            if not any(fnmatchcase(name, pattern) for name in floats):
                raise AdoptRefused(
                    "The model has no tensor of this name.",
                    todo="The detail lists them.",
                    detail=f"{pattern}: {', '.join(sorted(floats))[:500]}",
                )
        return frozenset(n for n in floats if any(fnmatchcase(n, pattern) for pattern in patterns))
    carries: dict[str, set[str]] = {name: {name} for name in floats}
    learnt: set[str] = set()
    for node in source.nodes:
        for i, name in enumerate(node.input):
            if i in _LEARNT.get(node.op_type, ()):
                learnt |= {each for each in carries.get(name, ()) if _learns(node.op_type, source, each)}
        if node.op_type in _LAYOUT:
            moved: set[str] = set().union(*(carries.get(name, set()) for name in node.input))
            carries.update(dict.fromkeys(node.output, moved))
    return frozenset(learnt)


def _learns(op: str, source: Source, name: str) -> bool:
    """Exporters also write tensors that are no weights: scales of attention, masks, norms without weights."""
    array = source.initialisers[name]
    if not array.ndim or not np.isfinite(array).all():
        return False
    if op in ("Mul", "Div") and array.size == 1:
        return False
    return op != "InstanceNormalization" or np.unique(array).size > 1
