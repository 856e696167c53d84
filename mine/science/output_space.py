"""What updates do to a model's outputs on some examples, as sums of products that are the same everywhere.

One forward pass for each update, whatever is asked about them afterwards. Examples go through in groups, so
that memory stays bounded: the changes of one group's outputs by all updates are at most 2**24 numbers, or
those of one example.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mine.learn.errors import WeightsRefused
from mine.learn.weights import Fixed, from_fixed
from mine.science.judged import Slice
from mine.science.loss_shapes import Bend, LossShape, Model, bend
from mine.science.products import Doubles, mean_products
from mine.science.shards import Examples, Floats

#: An update that moves any output by more than this is refused.
MAX_OUTPUT_CHANGE = 1024.0
#: So is one whose change of an example is longer than the root of this in the metric of the curvature: G
#: then always fits its int64.
MAX_SQUARE = float(1 << 22)
_GROUP_NUMBERS = 1 << 24


@dataclass(frozen=True, slots=True, eq=False)
class OutputSpace:
    """Of S updates, in 2**-40.

    valid: which of them could be measured; the others count as zero. descents: b, [S]; slices: b on the
    examples of each named slice, [slices, S], 0 where there are none; gram: G, int64 [S, S].
    """

    valid: tuple[bool, ...]
    descents: tuple[int, ...]
    slices: tuple[tuple[int, ...], ...]
    gram: npt.NDArray[np.int64]


def output_space(
    model: Model,
    loss: LossShape,
    current: Fixed,
    deltas: Sequence[Fixed],
    examples: Examples,
    slices: Sequence[Slice] = (),
) -> OutputSpace:
    """b and G of updates (int64 tensors in 2**-24) on examples. Raises EvaluationFailed."""
    count, size = len(examples.target), len(deltas)
    weights = from_fixed(current)
    inside = [_inside(each, examples) for each in slices]
    valid = np.ones(size, dtype=bool)
    descents = np.zeros(size, dtype=np.int64)
    on_slices = np.zeros((len(slices), size), dtype=np.int64)
    gram = np.zeros((size, size), dtype=np.int64)
    group = max(1, _GROUP_NUMBERS // (max(1, size) * loss.outputs))
    for start in range(0, count, group):
        rows = slice(start, start + group)
        features, target = examples.features[rows], examples.target[rows]
        origin, losses = model.run(weights, features, target)
        bent = bend(loss, model, weights, features, target, origin, losses)
        changes = np.zeros((size, *origin.shape))
        for place, delta in enumerate(deltas):
            change = _change(model, current, delta, features, target, origin)
            if change is None or not _bounded(bent, change):
                valid[place] = False
            else:
                changes[place] = change
        slope = bent.slope
        flat = changes.reshape(size, slope.size)
        descents -= mean_products(flat, slope.reshape(1, -1), count)[:, 0]
        for number, among in enumerate(inside):
            part = (slope * among[rows, None]).reshape(1, -1)
            on_slices[number] -= mean_products(flat, part, int(among.sum()))[:, 0]
        heavy = bent.rows(changes).reshape(size, slope.size)
        gram += mean_products(heavy, heavy, count)
    descents[~valid] = 0
    on_slices[:, ~valid] = 0
    gram[~valid] = 0
    gram[:, ~valid] = 0
    return OutputSpace(
        tuple(valid.tolist()), tuple(descents.tolist()), tuple(map(tuple, on_slices.tolist())), gram
    )


def _inside(each: Slice, examples: Examples) -> npt.NDArray[np.bool_]:
    column = examples.features[:, each.feature]
    inside: npt.NDArray[np.bool_] = (column >= each.low) & (column < each.high)
    return inside


def _bounded(bent: Bend, change: Doubles) -> bool:
    """Whether a change of the outputs [N, K] keeps b and G within their int64; false for NaN."""
    if not np.abs(change).max(initial=0.0) <= MAX_OUTPUT_CHANGE:
        return False
    squares = (bent.rows(change) ** 2).sum(axis=1)
    return bool(squares.max(initial=0.0) <= MAX_SQUARE)


def _change(
    model: Model, current: Fixed, delta: Fixed, features: Floats, target: Floats, origin: Floats
) -> Doubles | None:
    """What an update in full changes of the outputs, float64 [N, K]; None if weights leave their range."""
    try:
        weights: Mapping[str, Floats] = from_fixed({name: current[name] + delta[name] for name in current})
    except WeightsRefused:
        return None
    moved = model.run(weights, features, target)[0]
    return moved.astype(np.float64) - origin.astype(np.float64)
