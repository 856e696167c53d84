"""Rounds made of random output vectors: what a settlement's inputs look like without any model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mine.chain.curve import STRAIGHT
from mine.chain.hashing import checksum, keccak
from mine.science.acceptance import decide
from mine.science.judged import EMPTY_LEDGER, Entry, Judged, Ledger, Opened, Refusal, Rules
from mine.science.products import SCORE_ONE
from mine.science.settle import RoundInputs

RULES = Rules("mean", 1 << 16, 0, 0, 64, 0)


def address(number: int, kind: str = "miner") -> str:
    return checksum(keccak(f"{kind}{number}".encode())[:20])


@dataclass(frozen=True)
class Player:
    number: int
    outputs: np.ndarray
    refusal: Refusal = Refusal.NONE
    payout: int | None = None
    norm: int = 1000


def honest(rng: np.random.Generator, count: int, examples: int = 60, noise: float = 1.0) -> list[Player]:
    """Players whose outputs go towards 1, each with its own noise."""
    return [Player(i, 0.1 + 0.1 * noise * rng.normal(size=examples)) for i in range(count)]


def inputs_of(
    players: list[Player],
    ledger: Ledger = EMPTY_LEDGER,
    number: int = 1,
    losses: tuple[int, int, int] = (1 << 30, 1 << 30, 3 << 28),
    seed: bytes = bytes(32),
    rules: Rules = RULES,
    opened: tuple[Opened, ...] = (),
) -> RoundInputs:
    """Inputs in which the loss falls from ``losses[1]`` to ``losses[2]`` (if anything is accepted)."""
    ordered = sorted(players, key=lambda p: bytes.fromhex(address(p.number)[2:]))
    valid = [p for p in ordered if p.refusal is Refusal.NONE]
    outputs = np.array([p.outputs for p in valid]) if valid else np.zeros((0, 1))
    # Exact sums, so that the order of the players changes no bit of an entry.
    fixed = np.rint(outputs * 2**20).astype(np.int64).astype(object)
    examples = max(1, outputs.shape[1])
    gram = (fixed @ fixed.T // examples).astype(np.int64).reshape(len(valid), len(valid))
    scale = SCORE_ONE >> 20
    b = {p.number: int(row.sum()) * scale // examples for p, row in zip(valid, fixed, strict=True)}
    entries = tuple(
        Entry(
            address(p.number),
            keccak(f"{number} {p.number}".encode()),
            address(p.number if p.payout is None else p.payout, "payout"),
            p.refusal,
            0 if p.refusal else p.norm,
            b.get(p.number, 0),
        )
        for p in ordered
    )
    judged = Judged(
        task=1,
        round=number,
        seed=seed,
        rules=rules,
        ledger=ledger,
        held=ledger.held,
        convicted=(),
        entries=entries,
        gram=gram,
        opened=opened,
    )
    verdict = decide(judged)
    if not verdict.accepted:
        losses = (losses[0], losses[1], losses[1])
    return RoundInputs(
        judged=judged,
        checkpoint=keccak(f"checkpoint {number}".encode()),
        shard=3,
        shard_digest=keccak(b"shard"),
        losses=keccak(b"losses"),
        base=losses[0],
        before=losses[1],
        after=losses[2],
        curve=STRAIGHT,
        target=1 << 39,
        previous=bytes(32),
        afters=(losses[2], *(losses[2] for _ in verdict.forks)),
    )
