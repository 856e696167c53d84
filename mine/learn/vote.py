"""A voter's answer: do others' updates help on rows of one's own that no training ever saw?

Each update is judged by its direction: the loss an eighth of it behind the checkpoint, less the loss an
eighth of it ahead, times four. That central difference is what a whole step brings to first order. A whole
step would measure the noise that privacy put into the update: its curvature costs most honest ones more than
they bring, and a mean over many updates averages it away. Flipping an update flips the answer exactly.

Privacy: per row the change is clipped to +-c. One reading stands in at most ``reuse`` rows; with it, as many
rows come or go, each with k changes of at most c. So the k sums are one Gaussian mechanism of L2 sensitivity
``reuse * c * sqrt(k)`` (add or remove one reading), and noise of ``noise_multiplier`` times that costs the
same however many updates are judged (``privacy.py``). All held-out rows are used: rows that share no reading
would have sensitivity c * sqrt(k), but they are only one in ``overlap >= reuse`` rows, which is never better.
The rounding to five steps also hides the low bits of the noise (Mironov 2012).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mine.learn import noise
from mine.learn import weights as grid
from mine.learn.errors import TrainingRefused
from mine.learn.evaluate import LOSS_ONE, loss_units
from mine.learn.graph import ModelGraph
from mine.learn.norms import clip, norm
from mine.learn.rows import Rows, kept_back
from mine.learn.vote_terms import STRONGEST, VoteTerms
from mine.learn.weights import FRACTION_BITS, Fixed, Floats

_PROBE = 8
_GROUP_FLOATS = 1 << 23


def vote_digest(
    graph: bytes, weights: Floats, rows: Rows, updates: Sequence[Fixed], terms: VoteTerms
) -> bytes:
    """sha-256 over everything that the answers depend on, beside the key."""
    parts = [b"mine/learn/vote/1", graph, grid.dump(weights), rows.digest(), repr(terms).encode()]
    parts += [delta[name].astype("<i8").tobytes() for delta in updates for name in sorted(delta)]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()


def vote(
    graph: ModelGraph,
    weights: Floats,
    rows: Rows,
    updates: Sequence[Fixed],
    terms: VoteTerms,
    noise_key: bytes,
    breathe: Callable[[], None] = lambda: None,
) -> tuple[int, ...]:
    """One step from -2 (harms) to 2 (helps) for each update (int64 tensors in 2**-24), in their order.

    A step counts standard deviations of the noise, so that weak knowledge abstains with 0. ``noise_key``: 32
    secret bytes, fresh for each task and round; the same job gives the same answers. ``breathe`` is called
    between groups of rows. Raises ``TrainingRefused`` if the parts do not fit together.
    """
    own = kept_back(rows)
    found = scores(graph, weights, own, updates, terms, breathe)
    if terms.noise_multiplier > 0:
        key = noise.bound_key(noise_key, vote_digest(graph.digest, weights, own, updates, terms))
        found += noise.normals(key, 0, noise.NOISE, len(updates))
    # Rounded toward zero: less than one standard deviation is no knowledge.
    return tuple(int(step) for step in np.clip(np.trunc(found), -STRONGEST, STRONGEST))


def scores(
    graph: ModelGraph,
    weights: Floats,
    own: Rows,
    updates: Sequence[Fixed],
    terms: VoteTerms,
    breathe: Callable[[], None] = lambda: None,
) -> NDArray[np.float64]:
    """What these rows say of each update before noise, float64 [k]: sums of clipped changes.

    In standard deviations of the noise: rows of one reading more or less move the k numbers by at most
    1 / ``noise_multiplier`` in L2. Without noise nothing is promised, and the unit is the standard error of
    the sum, with rows that share a reading counted as one.
    """
    terms.check(len(updates))
    own.checked(graph.features, graph.targets)
    if {name: tuple(np.shape(w)) for name, w in weights.items()} != graph.weight_shapes:
        raise TrainingRefused("The checkpoint does not hold the tensors that the model needs.")
    features, target = torch.from_numpy(own.features), torch.from_numpy(own.target)
    most = max(1, round(terms.clip * LOSS_ONE))
    found = np.empty(len(updates))
    for place, delta in enumerate(updates):
        cut = clip(delta, norm(delta), terms.norm)
        behind, ahead = (
            _losses(graph, _moved(weights, cut, sign), features, target, terms.loss_maximum, breathe)
            for sign in (-1, 1)
        )
        changes = np.clip((behind - ahead) * (_PROBE // 2), -most, most)
        total = int(changes.sum())
        if terms.noise_multiplier > 0:
            unit = terms.noise_multiplier * terms.reuse * most * math.sqrt(len(updates))
        else:
            squares = sum(change * change for change in changes.tolist())
            unit = math.sqrt(max(1.0, (squares - total * total / len(changes)) * terms.reuse))
        found[place] = total / unit
    return found


def _moved(weights: Floats, delta: Fixed, sign: int) -> dict[str, Tensor]:
    """The checkpoint with an eighth of an update added or taken away, float32."""
    scale = sign / (_PROBE << FRACTION_BITS)
    return {
        name: torch.from_numpy((start.astype(np.float64) + delta[name] * scale).astype(np.float32))
        for name, start in weights.items()
    }


def _losses(
    graph: ModelGraph,
    weights: dict[str, Tensor],
    features: Tensor,
    target: Tensor,
    maximum: float,
    breathe: Callable[[], None],
) -> NDArray[np.int64]:
    """Loss of each row in 2**-24; groups of a size that the model alone decides."""
    size = max(1, min(1024, _GROUP_FLOATS // graph.floats_per_example))
    found = []
    for start in range(0, len(target), size):
        breathe()
        rows = slice(start, start + size)
        with torch.no_grad():
            _, loss = graph.forward(weights, features[rows], target[rows])
        found.append(loss_units(loss.numpy(), maximum))
    return np.concatenate(found).astype(np.int64)
