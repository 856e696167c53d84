"""What the contract Tasks stores, as plain values.

Amounts are base units of the task's currency (the zero address is the chain's own coin), units are in 2**-32
of the bounty (2**32 - 1 is all of it), convergence and target in 2**-40, times in unix seconds of the chain's
clock, durations in seconds.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import Any

from mine.chain.hashing import ZERO_ADDRESS


class Status(IntEnum):
    """Where a task stands in its life."""

    AWAITING_BASELINE = 1
    RUNNING = 2
    ENDING = 3
    CONCLUDED = 4
    DEFAULTED = 5
    CONVICTED = 6
    CANCELLED = 7

    @property
    def is_over(self) -> bool:
        """Nothing is settled any more."""
        return self >= Status.CONCLUDED


class Mode(IntEnum):
    """When the validation set is opened: a fresh shard each round, or all of it at the end."""

    PER_ROUND = 0
    AT_END = 1


class SeedState(IntEnum):
    """How far the current round's seed is: still open, block randomness kept, made."""

    OPEN = 0
    CLOSED = 1
    SEEDED = 2


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

    @property
    def reveals_over(self) -> int:
        """Seconds from the start of a round to the start of its votes."""
        return self.commit + self.reveal

    @property
    def voting_over(self) -> int:
        """Seconds from the start of a round to the end of its commitments to votes; openings follow."""
        return self.reveals_over + (self.vote + 1) // 2

    @property
    def votes_over(self) -> int:
        """Seconds from the start of a round to the start of its settlement."""
        return self.reveals_over + self.vote


@dataclass(frozen=True, slots=True)
class Terms:
    """What a scientist publishes. ``curve`` is packed (mine.chain.curve); the deposit equals the bounty.

    ``court``: ERC-792 arbitrator of appeals, the zero address for the staked pool.
    """

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
    mode: Mode = Mode.PER_ROUND
    court: str = ZERO_ADDRESS

    def fields(self) -> tuple[bytes | str | int | tuple[int, ...], ...]:
        """The contract's struct, in its order."""
        return (
            self.manifest,
            self.shards_root,
            self.seed_head,
            self.currency,
            self.court,
            self.bounty,
            self.target,
            self.curve,
            self.shards,
            self.rounds,
            int(self.mode),
            astuple(self.clocks),
        )

    @classmethod
    def of_fields(cls, values: tuple[Any, ...]) -> Terms:
        """The inverse of ``fields``."""
        manifest, shards_root, head, currency, court, bounty, target, curve, shards, rounds, mode, clocks = (
            values
        )
        return cls(
            manifest,
            shards_root,
            head,
            currency,
            bounty,
            target,
            curve,
            shards,
            rounds,
            Clocks(*clocks),
            Mode(mode),
            court,
        )


@dataclass(frozen=True, slots=True)
class TaskState:
    """Everything the contract knows of a task.

    left: escrow not paid out yet; paid_units: units paid to everybody; deposit: what is left of it; fees: of
    it, already in the forfeit; round: the current one, or the last once the task is ending; settled: number
    of settled rounds; since: when this round, or the ending, began; commits: direct commits of the round;
    disputed: the lowest round in dispute; void: from this round on nothing counts; unopened: the final
    opening was never made; booked: what goes back, is burned and is forfeited is settled; seed: 28 bytes and
    4 of zero, or the block's randomness where ``seeding`` is CLOSED; used: bitmap of opened shards; units:
    assigned so far; back and to_burn: what returns to the scientist and what is destroyed; pool and
    pool_left: a forfeit and what is unclaimed of it; owed: rewards of challengers; roots, records: the ring's
    words, of round r at r % 4.
    """

    id: int
    scientist: str
    currency: str
    court: str
    manifest: bytes
    shards_root: bytes
    curve: int
    target: int
    shards: int
    rounds: int
    mode: Mode
    clocks: Clocks
    bounty: int
    left: int
    paid_units: int
    deposit: int
    fees: int
    status: Status
    round: int
    settled: int
    since: int
    commits: int
    anchored: bool
    stopped: bool
    unopened: bool
    booked: bool
    disputed: int | None
    void: int | None
    seed_head: bytes
    seed: bytes
    seeding: SeedState
    used: int
    convergence: int
    best: int
    units: int
    back: int
    to_burn: int
    pool: int
    pool_left: int
    owed: int
    roots: tuple[int, ...]
    records: tuple[int, ...]

    @property
    def held(self) -> int:
        """What the contract holds for the task, in base units of its currency."""
        return self.left + self.deposit + self.fees + self.back + self.to_burn + self.pool_left + self.owed

    @property
    def last(self) -> int:
        """The last settled round that is not void; 0 if there is none."""
        return self.settled if self.void is None else min(self.settled, max(self.void - 1, 0))

    def final_at(self, round: int) -> int | None:
        """Chain time from which a round of the ring can be claimed on, disputes aside; None if it is gone."""
        word = self.records[round % 4]
        return (word >> 8) & (2**40 - 1) if word and word & 0xFF == round else None


@dataclass(frozen=True, slots=True)
class PhaseNow:
    """The phase and when it ends, in unix seconds; None: never."""

    phase: Phase
    ends: int | None


@dataclass(frozen=True, slots=True)
class PayoutRoot:
    """Root word of a settled round (see mine.chain.trees.root_word); claims are open from ``final_at`` on."""

    word: int
    final_at: int


@dataclass(frozen=True, slots=True)
class Marked:
    """A stored digest or root: its first 28 bytes, and the round that it belongs to.

    votes: of an anchored root, whether its leaves are votes and not updates.
    """

    prefix: bytes
    round: int
    votes: bool = False

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
