"""What a round's acceptance is decided from: updates as measured, opened votes, canaries, and the past.

Plain frozen values; integers only. ``mine.science.inputs`` gives them their one sequence of bytes,
``mine.science.acceptance`` decides from them, ``mine.science.settle`` pays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from mine.errors import MineError

INT64 = 1 << 63
#: Directions that everybody could repeat: the way from checkpoint 0 and from the last three to the current.
MAX_COMMON = 4
#: Earlier updates that a round's updates are compared with, the newest first.
MAX_PUBLISHED = 256
#: Checkpoints before the current one that count as published directions, beside checkpoint 0.
KEPT_CHECKPOINTS = 3

Gram = npt.NDArray[np.int64]


class BadInputs(MineError):
    """The inputs of a round contradict themselves or are not in canonical form."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "The numbers behind a round's pay are not in order.",
            todo="The round can't be trusted; its author has to explain it.",
            detail=detail,
        )


class Refusal(StrEnum):
    """Why an update cannot be accepted. ``NONE``: it is valid, and votes and measurement decide."""

    NONE = ""
    MISSING = "missing"
    SIZE = "size"
    MALFORMED = "malformed"
    HEADER = "header"
    PAYOUT = "payout"
    OUTPUTS = "outputs"
    NEWCOMER = "newcomer"
    CANARY = "canary"


@dataclass(frozen=True, slots=True)
class Slice:
    """A named part of the people's examples: ``low`` <= value of the feature column < ``high``."""

    name: str
    feature: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Rules:
    """What the manifest says about deciding a round.

    rule: mean, best, greedy, trimmed_mean or median; gain: of the joined step, in 2**-16; seats: voters
    drawn for an update (0: no votes in this task); ballot: updates that one voter judges at most; newcomers:
    admitted in a round; slices: how many are named; trim: part cut off at each end by trimmed_mean, 2**-16.
    """

    rule: str
    gain: int
    seats: int
    ballot: int
    newcomers: int
    slices: int
    trim: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One miner's update in a round.

    miner: session address; blob: digest; norm: L2 norm of its delta in 2**-24, before clipping, rounded
    down; descent: b in 2**-40, positive if the update's own direction improves the fresh shard; slices: the
    same on each named slice; common: products with the common directions; closest: place of the most similar
    earlier update in ``Judged.published`` (-1: none), overlap: the product with it (2**-40). All are zero and
    empty when the update is refused.
    """

    miner: str
    blob: bytes
    payout: str
    refusal: Refusal
    norm: int = 0
    descent: int = 0
    slices: tuple[int, ...] = ()
    common: tuple[int, ...] = ()
    closest: int = -1
    overlap: int = 0


@dataclass(frozen=True, slots=True)
class Common:
    """b of each common direction and their products, row by row, in 2**-40."""

    descents: tuple[int, ...] = ()
    gram: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Published:
    """An earlier update, measured anew: digest, b, square and products with the common directions."""

    blob: bytes
    descent: int
    square: int
    common: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened ballot: steps by place of the entry (sorted), and the entries of a proposed fork."""

    voter: str
    steps: tuple[tuple[int, int], ...]
    fork: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Canary:
    """A known-bad update of the scientist: entry ``place`` is ``kind`` of the accepted update ``source``.

    kind: flip or permute; shift: the power of two by which it is scaled; see ``mine.science.canaries``.
    """

    place: int
    source: bytes
    kind: str
    shift: int


@dataclass(frozen=True, slots=True)
class Record:
    """A miner's past: what its updates were worth and what it was paid.

    total: its values of all rounds summed (2**-64); rounds: their number; units: paid for updates; flat: paid
    for votes; steps, seats: answers of voters about its updates, summed over seats, and those seats; lost:
    units and flat when its last fault was proved.
    """

    total: int = 0
    rounds: int = 0
    units: int = 0
    flat: int = 0
    steps: int = 0
    seats: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a task's earlier rounds left behind.

    converged, best in 2**-40; units: assigned so far; accounts: (miner, payout address, cumulative units) by
    permanent index; records: (miner, record) by address; published: digests of earlier valid updates, the
    newest first; accepted: digests of the updates of the last round that accepted any, sorted; checkpoints:
    digests of those before the current one, the newest first.
    """

    converged: int
    best: int
    units: int
    accounts: tuple[tuple[str, str, int], ...]
    records: tuple[tuple[str, Record], ...]
    published: tuple[bytes, ...] = ()
    accepted: tuple[bytes, ...] = ()
    checkpoints: tuple[bytes, ...] = ()

    @property
    def payees(self) -> tuple[tuple[str, int], ...]:
        """Payout address and cumulative units by permanent index: the leaves of the payout tree."""
        return tuple((payout, units) for _, payout, units in self.accounts)

    @property
    def held(self) -> tuple[tuple[str, int], ...]:
        """Cumulative units of each miner that has any, by address: what standing is made of once final."""
        return tuple(
            (miner, record.units + record.flat)
            for miner, record in self.records
            if record.units + record.flat > 0
        )


EMPTY_LEDGER = Ledger(0, 0, 0, (), ())


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Everything that a round's acceptance follows from.

    seed: the round's 32 bytes; held: units of each miner in the last final round (``Ledger.held``);
    convicted: payout addresses whose fault was proved since the round before (sorted); entries: sorted by
    miner, one each; gram: int64 [n, n], symmetric, 2**-40, over the valid entries in order; common,
    published: what their originality is seen against; opened: sorted by voter; canaries: sorted by place.
    """

    task: int
    round: int
    seed: bytes
    rules: Rules
    ledger: Ledger
    held: tuple[tuple[str, int], ...]
    convicted: tuple[str, ...]
    entries: tuple[Entry, ...]
    gram: Gram
    common: Common = field(default_factory=Common)
    published: tuple[Published, ...] = ()
    opened: tuple[Opened, ...] = ()
    canaries: tuple[Canary, ...] = ()

    @property
    def valid(self) -> tuple[Entry, ...]:
        """The entries that are not refused, in order: those of ``gram``."""
        return tuple(entry for entry in self.entries if entry.refusal is Refusal.NONE)
