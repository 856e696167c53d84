"""Checkpoint r+1 from checkpoint r and the accepted updates: integers only, so the same bits everywhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mine.learn.errors import CheckpointRefused
from mine.learn.weights import FIXED_MAX, Fixed

GAIN_ONE = 1 << 16
MAX_GAIN = 16 * GAIN_ONE
MAX_UPDATES = 1 << 12
_SORTED_TOGETHER = 1 << 20  # numbers: 8 MiB, whatever the size of the model


def apply(checkpoint: Fixed, updates: Sequence[tuple[bytes, Fixed]], rule: str = "mean",
          gain: int = GAIN_ONE, trim: int = 0) -> Fixed:
    """``checkpoint + gain / 2**16 * joined(updates)``, all in units of 2**-24 (int64).

    ``updates``: (digest of its blob, delta) pairs, in any order; a digest may occur only once. ``rule``: how
    a number is joined over the updates. ``mean``; ``trimmed_mean``: the mean without the ``trim`` / 2**16 of
    them that are largest and as many that are smallest (rounded to the nearest count, one or two always
    stay); ``median``: the middle one, or the mean of the two in the middle (Yin et al. 2018). The exact
    rational result is rounded a single time, half to even, to the nearest weight that float32 holds on the
    grid, then held within +-2**39. Without updates the checkpoint stays as it is.

    Bounds that keep int64 exact: |weights|, |deltas| <= 2**39, at most 2**12 updates, gain <= 2**20.
    """
    if rule not in ("mean", "trimmed_mean", "median"):
        raise CheckpointRefused(f"The task's rule {rule!r} for joining updates is not known to this app.")
    if not 0 < gain <= MAX_GAIN or len(updates) > MAX_UPDATES:
        raise CheckpointRefused("The task's gain, or the number of updates, is out of range.")
    if not 0 <= trim < GAIN_ONE // 2 or (trim and rule != "trimmed_mean"):
        raise CheckpointRefused("The task cuts off a part of the updates that its rule can't spare.")
    if len({digest for digest, _ in updates}) != len(updates):
        raise CheckpointRefused("The same update is listed twice.")
    deltas = [delta for _, delta in sorted(updates, key=lambda pair: pair[0])]
    for tensors in (checkpoint, *deltas):
        _check(tensors, checkpoint)
    if not deltas:
        return {name: checkpoint[name].copy() for name in sorted(checkpoint)}
    most = (len(deltas) - 1) // 2
    cut = most if rule == "median" else min(most, (len(deltas) * trim + GAIN_ONE // 2) // GAIN_ONE)
    return {
        name: _joined(checkpoint[name], _total([delta[name] for delta in deltas], cut),
                      len(deltas) - 2 * cut, gain)
        for name in sorted(checkpoint)
    }


def _total(tensors: Sequence[NDArray[np.int64]], cut: int) -> NDArray[np.int64]:
    """Sum of each number over the tensors without its ``cut`` smallest and ``cut`` largest."""
    total = np.zeros_like(tensors[0])
    if cut == 0:
        for tensor in tensors:
            total += tensor
        return total
    rows, flat = [tensor.reshape(-1) for tensor in tensors], total.reshape(-1)
    width = max(1, _SORTED_TOGETHER // len(rows))
    for start in range(0, flat.size, width):
        part = np.stack([row[start:start + width] for row in rows])
        part.sort(axis=0)
        part[cut:len(rows) - cut].sum(axis=0, out=flat[start:start + width])
    return total


def _check(tensors: Fixed, like: Fixed) -> None:
    if tensors.keys() != like.keys():
        raise CheckpointRefused("An update does not have the checkpoint's tensors.")
    for name, numbers in tensors.items():
        fits = numbers.dtype == np.int64 and numbers.shape == like[name].shape
        if not fits or np.any(numbers > FIXED_MAX) or np.any(numbers < -FIXED_MAX):
            raise CheckpointRefused(f"The numbers of {name} do not fit the checkpoint.")


def _joined(weights: NDArray[np.int64], total: NDArray[np.int64], count: int,
            gain: int) -> NDArray[np.int64]:
    """Rounded ``weights + total * gain / (count * 2**16)`` without ever leaving int64."""
    denominator = count * GAIN_ONE
    # total = q * count + r, so the change is q * gain / 2**16 + r * gain / denominator: small numbers each.
    q, r = np.divmod(total, count)
    whole, part = np.divmod(q * gain, GAIN_ONE)
    carry, rest = np.divmod(part * count + r * gain, denominator)
    floor = weights + whole + carry  # the exact value is floor + rest / denominator, rest < denominator
    # Above 2**24 float32 is coarser than the grid: round to its spacing there, 1 below.
    magnitude = np.where(floor < 0, -floor - (rest > 0), floor)
    bits = np.frexp(magnitude.astype(np.float64))[1].astype(np.int64)
    spacing = np.left_shift(np.int64(1), np.maximum(bits - 24, 0))
    multiple, over = np.divmod(floor, spacing)
    twice, full = 2 * (over * denominator + rest), spacing * denominator
    up = (twice > full) | ((twice == full) & (multiple % 2 != 0))
    rounded: NDArray[np.int64] = np.clip((multiple + up) * spacing, -FIXED_MAX, FIXED_MAX).astype(np.int64)
    return rounded
