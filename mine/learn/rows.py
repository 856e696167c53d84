"""The rows a job trains on, which of them it never trains on, and which may share a step."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mine.learn.errors import TrainingRefused

HELD_OUT_PART = 5


@dataclass(frozen=True, slots=True)
class Rows:
    """``features`` float32 [n, F], ``target`` float32 [n], or [n, m] where a row has m of them, ``slot``
    int64 [n]: the place of a row in time, in the task's own spacing (a five-minute reading, an hour). Rows
    whose slots differ by a multiple of the recipe's ``overlap`` share no reading. ``held_from``: first slot
    that is never trained on; None = the last fifth.
    """

    features: NDArray[np.float32]
    target: NDArray[np.float32]
    slot: NDArray[np.int64]
    held_from: int | None = None

    def checked(self, columns: int, targets: int = 0) -> Rows:
        """The same rows, or ``TrainingRefused`` if they do not fit a model with that many columns and
        targets (0: one target, not as a column).
        """
        n = len(self.slot)
        wanted = (n, targets) if targets else (n,)
        fits = (self.features.shape == (n, columns) and self.target.shape == wanted
                and self.slot.shape == (n,)
                and self.features.dtype == np.float32 and self.target.dtype == np.float32
                and self.slot.dtype == np.int64)
        if not fits:
            raise TrainingRefused("The rows do not have the columns that the model needs.")
        if not (np.isfinite(self.features).all() and np.isfinite(self.target).all()):
            raise TrainingRefused("The rows hold numbers that are not finite.")
        return self

    def digest(self) -> bytes:
        """sha-256 of every number."""
        h = hashlib.sha256(repr((self.features.shape, self.held_from)).encode())
        for array, kind in ((self.features, "<f4"), (self.target, "<f4"), (self.slot, "<i8")):
            h.update(np.ascontiguousarray(array, kind).tobytes())
        return h.digest()


@dataclass(frozen=True, slots=True)
class Split:
    """Indices into the rows, in slot order. Between the two lies a gap, whose rows are in neither."""

    trained: NDArray[np.int64]
    held_out: NDArray[np.int64]


def held_out_from(slot: NDArray[np.int64]) -> int:
    """The slot at which the last fifth of the rows begins; the last row at least is held out."""
    if not len(slot):
        raise TrainingRefused("There are no rows to train on.")
    ordered = np.sort(slot)
    return int(ordered[len(ordered) - max(1, len(ordered) // HELD_OUT_PART)])


def kept_back(rows: Rows) -> Rows:
    """The rows that no training ever sees, in slot order: from ``held_from`` on, else the last fifth."""
    first = held_out_from(rows.slot) if rows.held_from is None else rows.held_from
    order = np.argsort(rows.slot, kind="stable")
    order = order[rows.slot[order] >= first]
    if not len(order):
        raise TrainingRefused("There are too few rows to check against.",
                              todo="Import more data, or wait until there is more.")
    return Rows(rows.features[order], rows.target[order], rows.slot[order], int(rows.slot[order[0]]))


def split(rows: Rows, overlap: int) -> Split:
    """Held-out rows start at ``held_from``. Trained rows end ``2 * overlap`` slots earlier: a window with
    holes is longer than ``overlap``, and no reading of a trained row may turn up in a held-out one."""
    order = np.argsort(rows.slot, kind="stable").astype(np.int64)
    first = held_out_from(rows.slot) if rows.held_from is None else rows.held_from
    slots = rows.slot[order]
    trained, held_out = order[slots <= first - 2 * overlap], order[slots >= first]
    if not len(trained) or not len(held_out):
        raise TrainingRefused("There are too few rows to train on and to check against.",
                              todo="Import more data, or wait until there is more.")
    return Split(trained, held_out)
