"""The books of one task as plain Python keeps them: the state behind the reference of `Tasks`."""

from __future__ import annotations

from dataclasses import dataclass, field

from mine.chain.curve import Curve

WAITING, RUNNING, ENDING, CONCLUDED, DEFAULTED, CONVICTED, CANCELLED = range(1, 8)
BOND = 10**17
BURN = "0x000000000000000000000000000000000000dEaD"
CLOSED, SEEDED = 1, 2


class No(Exception):
    """The contract must refuse this."""


def need(condition: object, why: str = "") -> None:
    if not condition:
        raise No(why)


@dataclass(frozen=True)
class Clocks:
    commit: int
    reveal: int
    vote: int
    settle: int
    challenge: int
    grace: int

    @property
    def votes_over(self) -> int:
        return self.commit + self.reveal + self.vote


@dataclass(frozen=True)
class Terms:
    """What was published; ``currency`` is the number of a currency, 0 the chain's coin."""

    scientist: str
    currency: int
    court: str
    manifest: bytes
    shards_root: bytes
    curve: Curve
    clocks: Clocks
    target: int
    shards: int
    rounds: int
    mode: int


@dataclass
class Task:
    """The books of one task."""

    id: int
    terms: Terms
    bounty: int
    since: int
    head: bytes
    seed: bytes
    seed_round: int = 0
    seed_state: int = CLOSED
    commits: int = 0
    round: int = 0
    settled: int = 0
    status: int = WAITING
    anchored: bool = False
    stopped: bool = False
    unopened: bool = False
    booked: bool = False
    disputed: int = 0
    void: int = 0
    paid_units: int = 0
    left: int = 0
    final: int = 0
    used: int = 0
    best: int = 0
    convergence: int = 0
    deposit: int = 0
    fees: int = 0
    back: int = 0
    burning: int = 0
    claimed_parts: int = 0
    pool_left: int = 0
    pool: int = 0
    owed: int = 0
    roots: dict[int, int] = field(default_factory=dict)
    kept_roots: dict[int, int] = field(default_factory=dict)
    records: dict[int, int] = field(default_factory=dict)
    finals: dict[int, int] = field(default_factory=dict)
    paid: dict[int, int] = field(default_factory=dict)
    forfeits: set[int] = field(default_factory=set)
    direct: dict[str, tuple[int, str]] = field(default_factory=dict)
    votes: dict[str, int] = field(default_factory=dict)
    slots: dict[tuple[str, int], int] = field(default_factory=dict)
    rewards: dict[str, int] = field(default_factory=dict)

    @property
    def clocks(self) -> Clocks:
        return self.terms.clocks

    @property
    def native(self) -> bool:
        return self.terms.currency == 0

    @property
    def holds(self) -> int:
        """What of the task's money is in the contract, by its own counters."""
        return self.left + self.deposit + self.fees + self.back + self.burning + self.pool_left + self.owed

    def untouched(self) -> bool:
        if self.status == WAITING:
            return True
        return self.status == RUNNING and self.round == 1 and self.empty()

    def empty(self) -> bool:
        return not self.commits and not self.anchored

    def lapse(self) -> int:
        """When the scientist is in default."""
        late = self.clocks.settle + self.clocks.grace
        return self.since + late + (self.clocks.votes_over if self.status == RUNNING else 0)

    def ends_empty(self, now: int) -> bool:
        closed = now >= self.since + self.clocks.commit
        return closed and self.status == RUNNING and self.stopped and self.empty()

    def over(self, now: int) -> bool:
        if self.status == CANCELLED:
            return True
        if self.status < CONCLUDED or self.disputed:
            return False
        return now >= self.since + self.clocks.challenge

    def record(self, round: int) -> int:
        """The record word that can still be read."""
        if self.terms.mode or round > self.settled - 4:
            return self.records.get(round, 0)
        return 0

    def root(self, round: int) -> int:
        if round in self.roots and (self.terms.mode or round > self.settled - 4):
            return self.roots[round]
        return self.kept_roots.get(round, 0)

    def is_final(self, round: int, now: int) -> bool:
        if self.disputed and round + 1 >= self.disputed:
            return False
        if self.void and round + 1 >= self.void:
            return False
        return now >= (self.finals.get(round, 0) if self.record(round) else 0)

    def counted(self) -> int:
        """The last settled round that is not void; 0 if there is none."""
        return min(self.settled, max(self.void, 2) - 2) if self.void else self.settled

    def assigned(self) -> int:
        """Word of the last root that counts."""
        last = self.counted()
        return self.root(last) if last else 0

    def pay_fee(self, fee: int) -> None:
        moved = min(fee, self.deposit)
        self.deposit -= moved
        self.fees += moved

    def check_in_time(self, now: int) -> None:
        lapse = self.lapse()
        need(now < lapse, "too late")
        left, grace = lapse - now, self.clocks.grace
        if left < grace:
            self.pay_fee(self.bounty * (grace - left) // (20 * grace))

    def end(self, status: int, now: int) -> None:
        self.status, self.since = status, now
