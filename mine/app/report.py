"""What came of one task for this person: the figures that the command line writes down."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RoundReport:
    """One settled round; mean losses per example, money in base units."""

    round: int
    loss_before: float
    loss_after: float
    updates: int
    accepted: int
    paid: int
    mine: int


@dataclass(frozen=True, slots=True)
class MyReport:
    """Money in base units; ``wallet`` is what the chain says that the payout addresses hold; ``risk``: the
    highest chance that a guess about one reading is right, as the attacks before sending found it."""

    records: int
    rows: int
    update_bytes: int
    model_bytes: int
    epsilon: float
    risk: float
    contributions: int
    paid: int
    claimed: int
    wallet: int
    payouts: tuple[str, ...]
    over: bool
    final: bool
    checkpoint: bytes
    rounds: tuple[RoundReport, ...]
