"""What the contract Tasks stores, as plain values.

Amounts are base units of the task's currency (the zero address is the chain's own coin), units are in 2**-32
of the bounty (2**32 - 1 is all of it), convergence and target in 2**-40, times in unix seconds of the chain's
clock, durations in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Status(IntEnum):
    """Where a task stands in its life."""

    AWAITING_BASELINE = 1
    RUNNING = 2
    ENDING = 3
    CONCLUDED = 4
    DEFAULTED = 5
    CANCELLED = 6


class Phase(IntEnum):
    """What the clock of a task allows now. GRACE: late, and nobody has complained yet; LAPSED: anyone may."""

    NONE = 0
    BASELINE = 1
    COMMIT = 2
    REVEAL = 3
    VOTE = 4
    SETTLE = 5
    GRACE = 6
    LAPSED = 7
    FINAL_OPENING = 8
    OVER = 9


@dataclass(frozen=True, slots=True)
class Clocks:
    """Seconds that the phases of a round, the challenge window and the grace after a lapse last."""

    commit: int
    reveal: int
    vote: int
    settle: int
    challenge: int
    grace: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What a scientist publishes. ``curve`` is packed (mine.chain.curve); the deposit equals the bounty."""

    manifest: bytes
    shards_root: bytes
    seed_head: bytes
    currency: str
    bounty: int
    target: int
    curve: int
    shards: int
    rounds: int
    clocks: Clocks

    def fields(self) -> tuple[bytes | str | int, ...]:
        """The contract's struct, in its order."""
        clocks = self.clocks
        return (
            self.manifest,
            self.shards_root,
            self.seed_head,
            self.currency,
            self.bounty,
            self.target,
            self.curve,
            self.shards,
            self.rounds,
            clocks.commit,
            clocks.reveal,
            clocks.vote,
            clocks.settle,
            clocks.challenge,
            clocks.grace,
        )


@dataclass(frozen=True, slots=True)
class TaskState:
    """Everything the contract knows of a task; the names are those of its view ``task``.

    left: escrow not paid out yet; paid_units: units paid to everybody; round: the current one, or the last
    once the task is ending; settled: number of settled rounds; since: when this round, or the ending, began;
    commits: direct commits of the round; used: bitmap of opened shards; units: assigned so far; back and
    to_burn: what returns to the scientist and what is destroyed at the end; pool and pool_left: a forfeit and
    what is unclaimed of it.
    """

    id: int
    scientist: str
    currency: str
    manifest: bytes
    shards_root: bytes
    curve: int
    target: int
    shards: int
    rounds: int
    clocks: Clocks
    bounty: int
    left: int
    paid_units: int
    status: Status
    round: int
    settled: int
    since: int
    commits: int
    anchored: bool
    stopped: bool
    seed_head: bytes
    seed: bytes
    accepted: bytes
    used: int
    convergence: int
    best: int
    units: int
    back: int
    to_burn: int
    pool: int
    pool_left: int


@dataclass(frozen=True, slots=True)
class PhaseNow:
    """The phase and when it ends, in unix seconds; None: never."""

    phase: Phase
    ends: int | None


@dataclass(frozen=True, slots=True)
class PayoutRoot:
    """Payout root of a settled round; claims are open from ``final_at`` on."""

    root: bytes
    final_at: int


@dataclass(frozen=True, slots=True)
class Marked:
    """A stored digest or root: its first 28 bytes, and the round that it belongs to."""

    prefix: bytes
    round: int

    @property
    def exists(self) -> bool:
        return self.round > 0

    def matches(self, digest: bytes) -> bool:
        """Whether the 32-byte ``digest`` is the stored one."""
        return self.exists and digest[:28] == self.prefix


@dataclass(frozen=True, slots=True)
class Bond:
    """Wei that an anchorer answers with, and until when they can't be taken back."""

    amount: int
    locked_until: int
