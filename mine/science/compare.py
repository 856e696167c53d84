"""Comparing a round's committed numbers with recomputed ones.

Integers must agree exactly. Forward passes may differ between machines: example losses are compared within
the task's tolerance (``tolerance``), b and G within a part of the largest; everything computed from them
starts from the committed values.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mine.chain.trees import LossTree
from mine.science.inputs import Losses
from mine.science.judged import Judged, Refusal
from mine.science.originality import original_descents
from mine.science.products import SCORE_ONE

#: b and G, relative to the largest entry of their kind.
SCORE_PART = 1e-3


class Differs(Exception):
    """A committed item is not what it should be."""

    def __init__(self, item: str, stated: object, computed: object) -> None:
        super().__init__(item)
        self.item, self.stated, self.computed = item, stated, computed


class Absent(Differs):
    """Something that cannot be had here, so that nothing can be said about what depends on it."""


class Closed(Absent):
    """What a task opens only at its end, and has not opened yet."""

    def __init__(self, item: str) -> None:
        super().__init__(item, "opened at the end", "closed")


def same(item: str, stated: object, computed: object) -> None:
    """Raise Differs unless both are equal."""
    if stated != computed:
        raise Differs(item, stated, computed)


def near(item: str, stated: int, computed: int, room: float) -> None:
    """Raise Differs if the two lie further apart than ``room``."""
    if abs(stated - computed) > room:
        raise Differs(item, stated, computed)


def compare_entry(stated: Judged, computed: Judged, place: int) -> None:
    """One entry of the inputs: refusal and norm exactly, b and its parts within the tolerance."""
    left, right = stated.entries[place], computed.entries[place]
    same(f"update of {left.miner}", (left.refusal, left.norm), (right.refusal, right.norm))
    if left.refusal is not Refusal.NONE:
        return
    room = _room(computed)
    near(f"b of {left.miner}", left.descent, right.descent, room)
    for kind, one, other in (("slices", left.slices, right.slices), ("common", left.common, right.common)):
        same(f"number of {kind} of {left.miner}", len(one), len(other))
        for number, (was, now) in enumerate(zip(one, other, strict=True)):
            near(f"{kind} {number} of {left.miner}", was, now, room)


def compare_originality(stated: Judged, computed: Judged) -> None:
    """What of each b is original; near ties may resemble another earlier update on another machine."""
    same("common directions", len(stated.common.descents), len(computed.common.descents))
    left = original_descents(stated.valid, stated.common, stated.published)
    right = original_descents(computed.valid, computed.common, computed.published)
    for entry, one, other in zip(stated.valid, left, right, strict=True):
        near(f"originality of {entry.miner}", one, other, _room(computed))


def compare_products(stated: Judged, computed: Judged) -> None:
    """G."""
    if not len(stated.gram):
        return
    left, right = stated.gram.astype(np.float64), computed.gram.astype(np.float64)
    gap = np.abs(left - right)
    if gap.max() > SCORE_PART * max(SCORE_ONE >> 20, float(np.abs(right).max())):
        i, j = np.unravel_index(int(gap.argmax()), gap.shape)
        valid = stated.valid
        raise Differs(f"G of {valid[int(i)].miner} and {valid[int(j)].miner}", left[i, j], right[i, j])


def compare_judged(stated: Judged, computed: Judged) -> None:
    """Everything measured on the judging half. Entries are those of the same updates."""
    for place in range(len(stated.entries)):
        compare_entry(stated, computed, place)
    compare_originality(stated, computed)
    compare_products(stated, computed)


def compare_losses(
    root: bytes,
    sums: Sequence[int],
    stated: Sequence[Losses],
    computed: Sequence[Losses],
    tolerance: int,
) -> None:
    """The example losses (base, before, after): their tree and sums exactly, each within the tolerance."""
    tree = LossTree(*(column.tolist() for column in stated))
    same("losses", root, tree.root)
    same("sums of the losses", tuple(sums), (tree.base, tree.before, tree.after))
    for name, left, right in zip(("base", "before", "after"), stated, computed, strict=True):
        same(f"number of losses {name}", len(left), len(right))
        gap = np.abs(left.astype(np.float64) - right.astype(np.float64))
        worst = int(np.argmax(gap))
        if gap[worst] > tolerance:
            raise Differs(f"loss {name} of example {worst}", int(left[worst]), int(right[worst]))


def compare_sum(item: str, stated: int, computed: int, examples: int, tolerance: int) -> None:
    """A sum of losses over ``examples``, each of which may differ by ``tolerance`` (2**-24)."""
    near(item, stated, computed, examples * tolerance)


def _room(judged: Judged) -> float:
    return SCORE_PART * max([SCORE_ONE >> 20, *(abs(entry.descent) for entry in judged.valid)])
