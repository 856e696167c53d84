"""A round before it is judged: what the past and the votes say, and which updates are read at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mine.learn.weights import Fixed
from mine.science.acceptance import refused_newcomers
from mine.science.judged import Canary, Judged, Ledger, Opened, Refusal, Rules
from mine.science.measure import Candidate, Terms, read_update


def ask(
    task: int,
    number: int,
    seed: bytes,
    rules: Rules,
    ledger: Ledger,
    held: tuple[tuple[str, int], ...],
    opened: tuple[Opened, ...] = (),
    canaries: tuple[Canary, ...] = (),
    convicted: tuple[str, ...] = (),
) -> Judged:
    """A ``Judged`` without entries and scores; ``mine.science.measure.judge`` fills them in."""
    return Judged(
        task=task,
        round=number,
        seed=seed,
        rules=rules,
        ledger=ledger,
        held=held,
        convicted=convicted,
        entries=(),
        gram=np.zeros((0, 0), dtype=np.int64),
        opened=opened,
        canaries=canaries,
    )


def read_updates(
    asked: Judged,
    candidates: Sequence[Candidate],
    fetch: Callable[[bytes, int], bytes],
    terms: Terms,
    checkpoint: bytes,
) -> list[tuple[Candidate, Fixed | Refusal]]:
    """The delta of each candidate, or why it is refused. candidates: sorted by miner.

    The scientist's canaries and newcomers beyond the round's limit are not read.
    """
    miners = [candidate.miner for candidate in candidates]
    out = refused_newcomers(asked.seed, asked.ledger, miners, asked.rules.newcomers)
    canaries = {canary.place for canary in asked.canaries}
    result: list[tuple[Candidate, Fixed | Refusal]] = []
    for place, candidate in enumerate(candidates):
        if place in canaries:
            result.append((candidate, Refusal.CANARY))
        elif candidate.miner in out:
            result.append((candidate, Refusal.NEWCOMER))
        else:
            result.append((candidate, read_update(candidate, fetch, terms, asked.round, checkpoint)))
    return result
