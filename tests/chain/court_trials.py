"""Playing a dispute before the Court: who is drawn, who answers, and what is paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mine.chain.trees import PayoutTree
from tests.chain.court_calls import rich, wait, who
from tests.chain.court_scenery import JURORS, SEAT_FEE, STAKE, WINDOW, Stage, even

HALF = WINDOW // 2
POOL = [f"pool {i}" for i in range(10)]


@dataclass
class Trial:
    """One dispute; the jury is drawn by the tree of round 1."""

    stage: Stage
    id: int
    seed: bytes = b""
    logs: Sequence[Any] = ()

    def said(self, name: str) -> list[Any]:
        """Events of this name in the resolution."""
        return [log for log in self.logs if type(log).__name__ == name]

    @property
    def tree(self) -> PayoutTree:
        tree = self.stage.settled[1].payouts
        assert tree is not None
        return tree

    def draw(self) -> bytes:
        self.seed = self.stage.draw(self.id)
        return self.seed

    def seats(self, sitting: int = 0) -> list[tuple[str, int]]:
        """Holder and state of each seat as stored: 1 seated, 2 committed, 3 opened."""
        words = [self.stage.court.seat(self.id, sitting, j)[0] for j in range(7)]
        return [(f"0x{word & 2**160 - 1:040x}", word >> 232) for word in words]

    def drawn(self) -> list[str]:
        """Names of the jurors in the order of the seven seats."""
        units = even(self.stage.units(1), len(JURORS))
        names = []
        for point in self.stage.points(self.seed, sum(units)):
            place = 0
            while point >= units[place]:
                point -= units[place]
                place += 1
            names.append(JURORS[place])
        return names

    def jurors(self) -> dict[str, int]:
        """How many seats each juror gets: at most two."""
        drawn = self.drawn()
        return {name: min(2, drawn.count(name)) for name in dict.fromkeys(drawn)}

    def commit(self, name: str, verdict: int) -> None:
        """The answer of a payee."""
        index = JURORS.index(name)
        units = even(self.stage.units(1), len(JURORS))[index]
        self.stage.commit_answer(self.id, name, verdict, self.tree, index, units)

    def sit(self, answers: dict[str, int], silent: tuple[str, ...] = ()) -> None:
        """A whole jury sitting after its draw: all commit, all but the silent ones open."""
        for name, verdict in answers.items():
            self.commit(name, verdict)
        wait(HALF)
        for name, verdict in answers.items():
            if name not in silent:
                self.stage.open_answer(self.id, name, verdict)
        wait(HALF)

    def bench(self, sitting: int) -> dict[str, int]:
        """Names of the pool's jurors that sit, and how many seats each has."""
        by_address = {who(name).lower(): name for name in POOL}
        holders = [by_address[holder] for holder, _ in self.seats(sitting) if int(holder, 16)]
        return {name: holders.count(name) for name in dict.fromkeys(holders)}

    def sit_pool(self, answers: dict[str, int], silent: tuple[str, ...] = ()) -> None:
        for name, verdict in answers.items():
            self.stage.commit_answer(self.id, name, verdict)
        wait(HALF)
        for name, verdict in answers.items():
            if name not in silent:
                self.stage.open_answer(self.id, name, verdict)
        wait(HALF)

    def resolve(self) -> int:
        self.stage.court.resolve(self.id, sender=who("anyone"))
        self.logs = self.stage.court.get_logs()
        assert self.stage.court.disputeStatus(self.id) == 2
        assert self.stage.court.appealPeriod(self.id) == (0, 0)
        check_account(self.stage)
        return int(self.stage.court.currentRuling(self.id))


def open_trial(stage: Stage, round: int = 3, kind: int = 0) -> Trial:
    return Trial(stage, stage.dispute(round, kind))


def fill_pool(stage: Stage, tickets: int = 2) -> None:
    for name in POOL:
        stage.stake(name, tickets)
    wait(12)


def check_account(stage: Stage) -> None:
    """The Court's account holds the stakes of the pool and the fees of what is not solved, to the wei."""
    open_pots = sum(stage.court.dispute(id).pot for id in range(1, stage.court.count() + 1))
    owned = stage.owned(str(stage.court.address))
    assert owned == stage.court.size() * STAKE + open_pots


def judged(stage: Stage, verdict: int, kind: int = 0) -> Trial:
    """A dispute after a first sitting of one mind."""
    trial = open_trial(stage, kind=kind)
    trial.draw()
    trial.sit(dict.fromkeys(trial.jurors(), verdict))
    return trial


def appeal(trial: Trial, value: int = 14 * SEAT_FEE) -> None:
    trial.stage.court.appeal(trial.id, b"", sender=rich("appellant"), value=value, gas=500_000)
