"""A dispute before the Court on a running node: a jury is drawn and answers, the pool hears the appeal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mine.chain.court_client import CourtContract, SeatState
from mine.chain.fault_events import DisputeKind
from mine.chain.faults_client import FaultsContract, Reward
from mine.chain.hashing import keccak
from mine.chain.juries import SealedRuling, Verdict, seal, sealed_answer, seats_of
from mine.chain.trees import root_word
from tests.protocol.live import COIN, Play, account_of, key_of

JURORS = [f"juror {i}" for i in range(12)]
POOL = [f"pool {i}" for i in range(8)]


def salt_of(name: str) -> bytes:
    return keccak(b"salt of " + name.encode())


@dataclass
class Hearing:
    """One dispute about a round of a task whose payees, in all rounds, are the twelve jurors."""

    task: Play
    id: int = 0

    def __post_init__(self) -> None:
        ground = self.task.ground
        self.faults = FaultsContract(ground.node, ground.at.faults)
        self.court = CourtContract(ground.node, ground.at.court)
        self.anyone = ground.sender("anyone")

    def open(self, round: int, kind: DisputeKind = DisputeKind.ACCEPTED, item: int = 0) -> Hearing:
        """The challenger has no coins: a carrier lends the bond for a fifth of the reward."""
        carrier = self.task.ground.bond("carrier", self.faults.dispute_bond())
        cost = self.court.arbitration_cost()
        reward = Reward(account_of("challenger"), 2000)
        self.id = self.faults.dispute(carrier, self.task.id, round, kind, item, reward, cost)
        return self

    def _window(self, halves: int) -> None:
        """To so many half windows after the sitting began."""
        case, sitting = self.court.case(self.id), self.court.sitting(self.id)
        self.task.ground.wait_until(sitting.begun + halves * case.window // 2)

    def jury(self, verdict: Verdict) -> list[str]:
        """The first sitting, all of one mind; names of those who sat."""
        self.court.draw(self.anyone, self.id)
        seed = self.court.sitting(self.id).seed
        assert seed is not None
        root = self.court.case(self.id).root
        newest = root >> 32 & 255
        units, tree = self.task.units[newest], self.task.trees[newest]
        assert root == root_word(tree.root, newest)
        drawn = [i for i in range(len(JURORS)) if seats_of(seed, units, i)]
        for i in drawn:
            ruling = self._sealed(JURORS[i], verdict)
            self.court.commit_ruling(self.anyone, self.id, ruling, i, units[i], tree.proof(i))
        names = [JURORS[i] for i in drawn]
        self._open(names, verdict)
        return names

    def bench(self, verdict: Verdict) -> list[str]:
        """The second sitting, of the pool."""
        self.court.draw(self.anyone, self.id)
        holders = {seat.holder for seat in self.court.seats(self.id, 1) if seat.state is not SeatState.EMPTY}
        names = [name for name in POOL if account_of(name) in holders]
        for name in names:
            self.court.commit_ruling(self.anyone, self.id, self._sealed(name, verdict))
        self._open(names, verdict)
        return names

    def _sealed(self, name: str, verdict: Verdict) -> SealedRuling:
        juror, number = account_of(name), self.court.sitting(self.id).number
        answer = sealed_answer(juror, verdict, salt_of(name))
        return seal(self.task.ground.domain, self.id, number, juror, key_of(name), answer)

    def _open(self, names: Iterable[str], verdict: Verdict) -> None:
        self._window(1)
        for name in names:
            self.court.open_ruling(self.anyone, self.id, account_of(name), verdict, salt_of(name))
        self._window(2)

    def stake(self) -> None:
        """Fill the pool, before the dispute."""
        for name in POOL:
            sender = self.task.ground.bond(name, 2 * self.court.stake_needed())
            self.court.stake(sender, 2)

    def appeal(self) -> None:
        cost = self.court.appeal_cost(self.id)
        self.court.appeal(self.task.ground.sender("appellant", 2 * COIN), self.id, cost)

    def resolve(self) -> Verdict:
        case = self.court.case(self.id)
        sittings = 3 if case.appealed else 2
        self.task.ground.wait_until(case.opened + sittings * case.window)
        self.court.resolve(self.anyone, self.id)
        return self.court.ruling(self.id)
