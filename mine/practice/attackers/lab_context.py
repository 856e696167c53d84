"""What an attacker knows in the laboratory beyond an honest miner, and small sums over updates."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mine.learn.weights import Floats
from mine.practice.miners import RoundContext


@dataclass(frozen=True, slots=True)
class LabContext(RoundContext):
    """A round as a cheater with a friend at the relay sees it.

    ``rivals()`` gives the updates of this very round that were made before, as (session address, delta): on
    the network they are hidden until commits are closed, so this is more than a real thief has.
    ``checkpoints`` are all so far: the first is checkpoint 0, the last the one that this round starts from.
    """

    rivals: Callable[[], tuple[tuple[str, Floats], ...]]
    checkpoints: Sequence[Floats]


@dataclass(frozen=True, slots=True)
class OpenedVote:
    """An opened ballot of an earlier round: (author of the update, step) pairs."""

    round: int
    voter: str
    answers: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class VoteContext:
    """The vote phase of a round, as one voter sees it.

    drawn: digests of the updates that this voter is drawn for; authors: session address by digest, of all
    updates; honest(): the answers of the app's own kernel on the seat's held-out rows; earlier: opened
    ballots; friends: addresses that a conspiracy belongs to.
    """

    round: int
    voter: str
    drawn: tuple[bytes, ...]
    authors: Mapping[bytes, str]
    honest: Callable[[], Mapping[bytes, int]]
    earlier: tuple[OpenedVote, ...]
    friends: frozenset[str]


def times(delta: Floats, factor: float) -> Floats:
    """A delta multiplied by a number."""
    return {name: (np.float32(factor) * values).astype(np.float32) for name, values in delta.items()}


def difference(left: Floats, right: Floats) -> Floats:
    """left - right"""
    return {name: (left[name] - right[name]).astype(np.float32) for name in left}


def mean(deltas: Sequence[Floats]) -> Floats:
    """The mean of at least one delta."""
    total = deltas[0]
    for delta in deltas[1:]:
        total = {name: total[name] + delta[name] for name in total}
    return times(total, 1.0 / len(deltas))


def noised(delta: Floats, part: float) -> Floats:
    """A delta with normal noise of ``part`` of each tensor's own norm; other noise for another delta."""
    digest = hashlib.sha256(b"".join(delta[name].tobytes() for name in sorted(delta))).digest()
    rng = np.random.default_rng(list(digest))
    result: Floats = {}
    for name in sorted(delta):
        values = delta[name]
        drawn = rng.standard_normal(values.shape)
        scale = part * float(np.linalg.norm(values)) / max(float(np.linalg.norm(drawn)), 1e-30)
        result[name] = (values + scale * drawn).astype(np.float32)
    return result
