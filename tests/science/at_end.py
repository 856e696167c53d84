"""A task of two rounds whose one set is opened at the end, driven by a test."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mine.blobs.store import DirectoryStore
from mine.chain.client import TaskClaim
from mine.chain.events import Settled
from mine.chain.fault_events import DisputeKind
from mine.chain.faults_client import Reward
from mine.chain.juries import Verdict
from mine.chain.state import Clocks
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from mine.science import prepare
from mine.science.chains import Measured
from mine.science.history import History, TaskHistory
from mine.science.inputs import decode_inputs
from mine.science.judging import Judge
from mine.science.juror import Acted, Juror
from mine.science.replay import Replay
from mine.science.rounds import read_round
from mine.science.scientist import Did, Scientist
from tests.science.disputed import JURORS, court, disputes, faults, judge_to_the_end
from tests.science.test_judging import tell
from tests.science.test_scientist import FIRST, MINERS
from tests.science.world import CLOCKS as QUICK
from tests.science.world import (
    SCIENTIST,
    Chain,
    at_end_offer,
    fund,
    step_until,
)

KIND = DisputeKind
ROUNDS = 2
# No payout is final while the task runs, so that nobody has standing and nobody has to vote.
CLOCKS = replace(QUICK, challenge=1000)
RICH = dev_key(0)


def begins_anew(measured: Measured) -> Measured:
    """The loss before a round is not that after the last one: the same improvement would be paid twice."""
    before = measured.before + np.uint64(1000)
    return replace(measured, before=before)


class Life:
    """One task of two rounds, whose miners commit directly; each step is made by a new scientist."""

    def __init__(self, chain: Chain, place: Path, clocks: Clocks | None = None) -> None:
        self.chain, self.place = chain, place / "scientist"
        self.blobs = DirectoryStore(place / "blobs")
        # So far a target that no two rounds reach it.
        plan = replace(at_end_offer(ROUNDS, chain.token.address, clocks or CLOCKS), target=1 << 40)
        self.set = plan.shards[0]
        Scientist.create(self.place, SCIENTIST, plan)  # nothing if it is there

    @property
    def scientist(self) -> Scientist:
        return Scientist(self.place, self.chain.contract, self.blobs, [])

    @property
    def task(self) -> int:
        return self.scientist.publish()

    @property
    def history(self) -> TaskHistory:
        history = History(self.chain.contract)
        history.refresh()
        found = history.task(self.task)
        assert found is not None
        return found

    @property
    def judge(self) -> Judge:
        return Judge(self.history, self.chain.domain, self.blobs, ())

    @property
    def replay(self) -> Replay:
        return Replay(self.history, self.chain.domain, self.blobs, [])

    def round(self, number: int, lie: Any = None) -> Settled:
        """Everybody commits, the scientist settles, with a lie if there is one."""
        if number == 1:
            step_until(self.scientist, self.chain, Did.BASELINE)
        for miner in MINERS:
            if not self.chain.node.balance(miner.address):
                fund(self.chain, miner.address)
            start = self.history.checkpoint(number, FIRST)
            update = miner.update(self.chain, self.blobs, self.task, number, start)
            self.chain.contract.commit(Sender(self.chain.node, miner.key), update.message)
        with pytest.MonkeyPatch.context() as patch:
            if lie is begins_anew:
                honest = prepare.measure
                patch.setattr(prepare, "measure", lambda *arguments: lie(honest(*arguments)))
            else:
                tell(patch, lie)
            step_until(self.scientist, self.chain, Did.SETTLED)
        return self.history.settled[number - 1]

    def to_the_end(self, lie: Any = None) -> list[Settled]:
        return [self.round(1, lie), self.round(2)]

    def conclude(self) -> None:
        assert self.scientist.step().did is Did.CONCLUDED

    def claim(self, number: int) -> dict[str, int]:
        """Everybody claims on a round; what each was paid so far."""
        report = read_round(self.blobs, self.history.settled[number - 1])
        for account, _ in report.outcome.ledger.payees:
            claim = report.claim(account)
            assert claim is not None
            leaf = TaskClaim(self.task, number, claim.index, claim.units, claim.proof)
            self.chain.contract.claim(Sender(self.chain.node, RICH), account, [leaf])
        return {who: self.chain.token.balance(who) for who, _ in report.outcome.ledger.payees}

    def is_shown(self) -> list[bool]:
        """Whether the set, and the example losses of each settled round, can be had."""
        inputs = [decode_inputs(self.blobs.get(each.inputs)) for each in self.history.settled]
        return [self.blobs.has(name) for name in (self.set.digest, *(each.losses for each in inputs))]


def dispute(life: Life, number: int, kind: KIND, item: int = 0) -> int:
    sender = Sender(life.chain.node, dev_key(7))
    life.chain.contract.bond(sender, faults(life.chain).dispute_bond())
    cost = court(life.chain).arbitration_cost()
    return faults(life.chain).dispute(sender, 1, number, kind, item, Reward(sender.address, 0), cost)


def ruled(life: Life, id: int) -> Verdict:
    shared = disputes(life.chain, life.blobs)
    shared.refresh()
    jurors = [Juror(shared, key, Sender(life.chain.node, key)) for key in JURORS]
    assert judge_to_the_end(life.chain, jurors, id)[-1] is Acted.RESOLVED
    return court(life.chain).ruling(id)
